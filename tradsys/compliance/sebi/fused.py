"""The rules of one route as one check: what each would say by itself, without looking anything up an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import UNSET

from tradsys.compliance.sebi.book import InForce
from tradsys.compliance.sebi.rule_check import RuleCheck, india_day
from tradsys.core.events import Order, OrderType, Product, Refused, Side, Validity
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Check, Claim
from tradsys.core.units import DAY
from tradsys.reference.sessions import INDIA_OFFSET

_Ask = Callable[[Order, Instrument, Claim, InForce], Refused | None]
_Kind = tuple[OrderType, Validity, bool]


class Fused:
    """Rules in their order, for orders of one strategy, instrument, product and side.

    On each day in India, and for each kind of order, rules without a row and rules that no such order can break are
    left out.
    """

    name = "sebi"

    def __init__(self, rules: Sequence[RuleCheck]) -> None:
        self._rules = tuple(rules)
        self._plans: dict[_Kind, tuple[tuple[_Ask, InForce], ...]] = {}
        self._begins = self._ends = 0

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """The orders that any of the rules concerns."""
        return any(rule.concerns(instrument, product, side) for rule in self._rules)

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """The refusal of the first rule that says no, or None."""
        at = order.at
        if not self._begins <= at < self._ends:
            self._begins = india_day(at) * DAY - INDIA_OFFSET
            self._ends = self._begins + DAY
            self._plans = {}
        kind = (order.type, order.validity, order.terms is UNSET)
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plans[kind] = tuple(self._plan(order, instrument))
        for ask, rows in plan:
            refused = ask(order, instrument, claim, rows)
            if refused is not None:
                return refused
        return None

    def _plan(self, order: Order, instrument: Instrument) -> list[tuple[_Ask, InForce]]:
        asked = [(rule, rule.rows(order, instrument)) for rule in self._rules]
        return [
            (rule.ask, rows)
            for rule, rows in asked
            if rule.always or (rows and not rule.settled(order, instrument, rows))
        ]


def fused(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks of a route, those of rules (which stand together) as one."""
    rules = [each for each in checks if isinstance(each, RuleCheck)]
    if not rules:
        return checks
    first = checks.index(rules[0])
    return (*checks[:first], Fused(rules), *checks[first + len(rules) :])
