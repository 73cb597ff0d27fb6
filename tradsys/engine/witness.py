"""What a strategy knew and what the gate said when one decision was made, seen in a repetition of the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from tradsys.core.events import Entry, Order, Refused
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Check, Claim
from tradsys.engine.assemble import Prepared, Wired
from tradsys.engine.runner import Runner
from tradsys.strategies.context import Reading

_HANDLERS = ("on_fill", "on_order", "on_session", "on_timer")


@runtime_checkable
class Measuring(Protocol):
    """A check that can say what it compares."""

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """The value of an order and its limit, as texts; both empty where nothing was asked."""


class Witness:
    """Watches a run that has been prepared and has not begun.

    `intent` is the line of the intent to be watched for, None where no strategy asked; of its equals the one after
    `before` others is meant. `orders` are the orders whose checks are told, by number.
    """

    def __init__(
        self, prepared: Prepared | Wired, *, intent: Entry | None, before: int, orders: Mapping[int, Order]
    ) -> None:
        self.data: dict[str, Any] | None = None
        self.values: dict[str, Any] | None = None
        self.checks: list[dict[str, Any]] = []
        self._markets = prepared.engine.markets
        self._runners = prepared.engine.runners
        self._intent = intent
        self._wanted = None if intent is None else msgspec.json.encode(intent.body)
        self._before = before
        self._orders = orders
        self._judged: dict[int, None] = {}
        prepared.engine.gate.witness(self._told)
        if intent is not None:
            self._listen()

    @property
    def done(self) -> bool:
        """Whether all that was watched for has been seen."""
        return self.values is not None and len(self._judged) == len(self._orders)

    # --- strategies

    def _listen(self) -> None:
        for market in self._markets.values():
            for kind in ("bar", "tick", "depth"):
                heard = getattr(market, f"{kind}_listeners")
                setattr(market, f"{kind}_listeners", [(self._heard(ask, who), view, who) for ask, view, who in heard])
        for runner in self._runners:
            for name in _HANDLERS:
                handler = getattr(runner, name)
                if handler is not None:
                    setattr(runner, name, self._heard(handler, runner))

    def _heard(self, handler: Callable[[Any, Any], Any], runner: Runner) -> Callable[[Any, Any], Iterator[Any]]:
        def asked(event: Any, account: Any) -> Iterator[Any]:
            for intent in handler(event, account) or ():
                self._note(runner, event, intent)
                yield intent

        return asked

    def _note(self, runner: Runner, event: Any, intent: Any) -> None:
        if self.values is not None or self._intent is None or runner.id != self._intent.strategy:
            return
        if msgspec.json.encode(intent) == self._wanted:
            if self._before:
                self._before -= 1
            else:
                self._take(runner, intent.instrument, event)

    def _take(self, runner: Runner, instrument: str, event: Any) -> None:
        market = self._markets[instrument]
        heard = {"event": event, "bar": market.bar, "tick": market.tick}
        self.data = {name: told(each) for name, each in heard.items() if each is not None}
        self.values = values_of(runner)

    # --- the gate

    def _told(self, check: Check, order: Order, instrument: Instrument, claim: Claim, refused: Refused | None) -> None:
        if self._orders.get(order.order_id) != order:
            return
        self._judged[order.order_id] = None
        if self.values is None:
            self._take(self._owner(order), order.instrument, None)
        measured = ("", "")
        if isinstance(check, Measuring):
            measured = check.measure(order, instrument, claim)
            if refused is None and measured == ("", ""):
                return
        value, limit = measured if refused is None else (refused.value, refused.limit)
        said = {"order_id": order.order_id, "check": check.name, "passed": refused is None}
        rule = {} if refused is None else {"rule": refused.rule, "fix": refused.fix}
        self.checks.append({**said, "value": value, "limit": limit, **rule})

    def _owner(self, order: Order) -> Runner:
        return next(
            each for each in self._runners if each.id == order.strategy and order.instrument in each.instruments
        )


def values_of(runner: Runner) -> dict[str, Any]:
    """A strategy's `parameters`, the `readings` of its indicators (None: not yet a number), and its own plain
    attributes (`state`), by name."""
    strategy = runner.strategy
    known = strategy.parameters
    own = {name: value for name, value in vars(strategy).items() if name not in known}
    return {
        "parameters": {name: getattr(strategy, name) for name in known},
        "readings": dict(_readings(own)),
        "state": {name: _number(value) for name, value in own.items() if isinstance(value, bool | int | float | str)},
    }


def _readings(own: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in own.items():
        if isinstance(value, Reading):
            yield (
                name,
                {key: _number(each) for key, each in vars(value).items() if key != "value" or len(vars(value)) < 3},
            )
        elif isinstance(value, dict):
            yield from _readings({f"{name}[{key!r}]": each for key, each in value.items()})
        elif isinstance(value, list | tuple):
            yield from _readings({f"{name}[{number}]": each for number, each in enumerate(value)})


def told(event: Any) -> dict[str, Any]:
    """An event as plain data with its `kind`; None for what it does not say."""
    plain = msgspec.to_builtins(event)
    named = {name: value for name, value in plain.items() if not (name == "event" and value == type(event).__name__)}
    return {"kind": type(event).__name__, **{name: _number(value) for name, value in named.items()}}


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def equals_before(entries: Sequence[Entry], intent: Entry) -> int:
    """How many lines before an intent say the same of the same strategy."""
    wanted = msgspec.json.encode(intent.body)
    earlier = (each for each in entries if each.seq < intent.seq and each.strategy == intent.strategy)
    return sum(type(each.body) is type(intent.body) and msgspec.json.encode(each.body) == wanted for each in earlier)


def orders_of(entries: Sequence[Entry], numbers: Collection[int]) -> dict[int, Order]:
    """Orders by number, as they stand in their verdicts."""
    found = {}
    for each in entries:
        order: Order | None = getattr(each.body, "order", None)
        if order is not None and order.order_id in numbers:
            found[order.order_id] = order
    return found
