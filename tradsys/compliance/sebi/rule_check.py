"""What every check of the pack has in common: the rows of the order's day, the refusal with its source, fail closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar, TypeVar

from tradsys.compliance.sebi.book import TITLES, InForce, Rule, RuleBook
from tradsys.compliance.sebi.facts import Facts
from tradsys.core.errors import UncoveredDate
from tradsys.core.events import Order, OrderType, Product, Refused, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim
from tradsys.core.units import DAY
from tradsys.reference.sessions import INDIA_OFFSET, to_date

T = TypeVar("T")

UNPRICED = frozenset({OrderType.MARKET, OrderType.STOP, OrderType.TRAILING})
"""Types that trade at whatever price there is."""

_SOURCE = " (source: "

CODES: dict[str, str] = {"NFO": "NSE", "CDS": "NSE", "BFO": "BSE", "BCD": "BSE"}
"""The exchange that a broker's segment code belongs to."""


class RuleCheck:
    """One rule as a check of the gate (`tradsys.core.ports.Check`).

    With `as_of` the rows of that date judge every order, otherwise those of each order's own date in India. `judge` is
    pure; it returns a refusal or None. `items` are the figures that the rule cannot do without; a rule that counts is
    `always` asked, also without rows.
    """

    rule: ClassVar[str]
    items: ClassVar[tuple[str, ...]] = ()
    always: ClassVar[bool] = False

    def __init__(self, book: RuleBook, facts: Facts, *, as_of: date | None = None) -> None:
        self.name = self.rule
        self.facts = facts
        self._book = book
        self._as_of = as_of
        self._known: dict[tuple[str, Segment, int], InForce] = {}
        self._daily: dict[tuple[str, int], Any] = {}
        self._last: tuple[Instrument | None, int, int, InForce] = (None, 0, 0, {})

    @property
    def title(self) -> str:
        """What the rule is about."""
        return TITLES[self.rule]

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Orders of an exchange and segment that the rule has a row for, at whatever date."""
        return self._book.covers(self.rule, exchange=instrument.exchange, segment=instrument.segment)

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """A refusal with rule, limit, value and source, or None."""
        rows = self.rows(order, instrument)
        return self.ask(order, instrument, claim, rows) if rows or self.always else None

    def ask(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """The verdict, with what follows from it for the next order."""
        return self.judge(order, instrument, claim, rows)

    def settled(self, order: Order, instrument: Instrument, rows: InForce) -> bool:
        """Whether no order of this strategy, instrument, product, side, type and validity, without terms if this one
        has none, can break the rule on this day."""
        return False

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What was found and the limit, as in the refusal; a rule that is kept names the figures it has."""
        rows = self.rows(order, instrument)
        if not rows:
            return "kept", "not in force"
        refused = self.judge(order, instrument, claim, rows)
        if refused is not None:
            return refused.value, refused.limit
        return "kept", ", ".join(f"{item} {row.value}" for item, row in rows.items())

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """The verdict by the rows in force, of which there is at least one."""
        raise NotImplementedError

    def rows(self, order: Order, instrument: Instrument) -> InForce:
        """The rule's rows for an order, looked up once a day. Raises `UncoveredDate` where only some figures hold."""
        last, begins, ends, found = self._last
        if instrument is last and begins <= order.at < ends:
            return found
        found = self._look_up(order, instrument)
        begins = india_day(order.at) * DAY - INDIA_OFFSET
        self._last = (instrument, begins, begins + DAY, found)
        return found

    def daily(self, order: Order, instrument: Instrument, look_up: Callable[[Instrument, date], T]) -> T:
        """What a table says of an instrument by the rules of the order's day, looked up once a day. To be asked with
        the same `look_up` always."""
        key = (instrument.id, (order.at + INDIA_OFFSET) // DAY)
        found: T
        try:
            found = self._daily[key]
        except KeyError:
            found = self._daily[key] = look_up(instrument, self.day(order.at))
        return found

    def _look_up(self, order: Order, instrument: Instrument) -> InForce:
        key = (instrument.exchange, instrument.segment, india_day(order.at))
        found = self._known.get(key)
        if found is None:
            day = self.day(order.at)
            found = self._book.in_force(self.rule, day, exchange=instrument.exchange, segment=instrument.segment)
            self._known[key] = self._whole(found, day)
        return found

    def _whole(self, found: InForce, day: date) -> InForce:
        missing = [item for item in self.items if found and item not in found]
        if missing:
            raise UncoveredDate(f"{self.rule} lacks {', '.join(missing)} on {day}", value=day.isoformat())
        return found

    def day(self, at: int) -> date:
        """The date whose rules hold at an instant."""
        return self._as_of or to_date(india_day(at))


def india_day(at: int) -> int:
    """Days since 1970 on India's clock."""
    return (at + INDIA_OFFSET) // DAY


def refuse(order: Order, row: Rule, *, limit: str, value: str, fix: str) -> Refused | None:
    """A refusal of this order by a row; None where the row only warns."""
    if row.severity != "block":
        return None
    return Refused(
        at=order.at,
        order_id=order.order_id,
        order=order,
        rule=row.id,
        limit=limit,
        value=value,
        fix=f"{fix}{_SOURCE}{row.source})",
    )


def source_of(refused: Refused) -> str:
    """The source that a refusal of this pack names; empty for any other."""
    return refused.fix.partition(_SOURCE)[2].removesuffix(")")


def without_source(refused: Refused) -> str:
    """What to do, as a refusal says it, without its source."""
    return refused.fix.partition(_SOURCE)[0]


def not_known(order: Order, row: Rule, *, limit: str, what: str) -> Refused | None:
    """A refusal because something the rule needs is not known."""
    return refuse(order, row, limit=limit, value=f"unknown: {what}", fix=f"provide {what}")


def unpriced(order: Order) -> bool:
    """Whether an order may trade at any price."""
    return order.type in UNPRICED
