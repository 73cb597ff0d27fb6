"""Where a profit came from: parts by strategy, instrument, signal and cause that add up to it, to the last unit.

The law: sum of all parts == equity at the end - equity at the start, as the ledger has them. A signal is the reason of
the fill that opened a lot; the lot's whole result belongs to it (first in, first out), with the charges of both sides.

A fill's gain or loss splits in two. `execution` is what it cost against the last price known before it (half-spread,
slippage, the gap to the next bar, and what a limit gained): Perold's implementation shortfall, Journal of Portfolio
Management 14(3), 1988, on the quantity that traded. `market` is the rest: what the prices known before fills moved
while it was held. Where no price was known before a fill, and at an expiry, its own price is taken: execution is 0.

Not modelled: orders that did not fill (opportunity cost), the delay before an order, the parts of the execution.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Fill
from tradsys.core.instruments import Instrument
from tradsys.core.units import LARGEST, SCALE, Rounding, divide, from_float
from tradsys.portfolio.ledger import Items
from tradsys.portfolio.lots import ClosedLot, Lots, value_of
from tradsys.portfolio.result import Prices, ProfitPart

MARKET, EXECUTION, CHARGES, CASH = "market", "execution", "charges", "cash moves"
CAUSES = (MARKET, EXECUTION, CHARGES, CASH)

_EXECUTION, _GROSS = "\0execution", "\0gross"
"""Beside the names of charge items, which they cannot be: the cost of execution travels with lots like a charge."""

Signal = tuple[str, str, str]
"""Strategy, instrument, reason of the opening."""


class LastPrices:
    """The last close known before an instant, exact, in the shares of that instant."""

    def __init__(self, prices: Iterable[Prices]) -> None:
        self._series = {each.instrument: each for each in prices}
        self._actions: dict[str, list[CorporateAction]] = {}

    def apply(self, action: CorporateAction) -> None:
        """Restate the closes before a split or bonus from now on."""
        if action.kind is not ActionKind.DIVIDEND:
            self._actions.setdefault(action.instrument, []).append(action)

    def before(self, instrument: str, at: int) -> int | None:
        """The close of the last bar that ended before `at` (UTC nanoseconds), 1e-8; None where there is none."""
        series = self._series.get(instrument)
        row = -1 if series is None else int(np.searchsorted(series.at, at, side="left")) - 1
        if series is None or row < 0:
            return None
        close, ended = float(series.close[row]), int(series.at[row])
        if not math.isfinite(close) or abs(close) > LARGEST:
            return None
        price = from_float(close)
        for action in self._actions.get(instrument, ()):
            if ended <= action.at < at:
                price = divide(price * action.old, action.new, Rounding.NEAREST)
        return price


class Attribution:
    """Takes what a ledger takes, in the same order, and splits the profit. `prices` are those known to the run."""

    def __init__(self, prices: Iterable[Prices] = ()) -> None:
        self._prices = LastPrices(prices)
        self._lots = Lots()
        self._lot_sums: dict[Signal, dict[str, int]] = {}
        self._cash: Counter[tuple[Signal, str]] = Counter()

    def fill(self, fill: Fill, charges: Items, instrument: Instrument) -> None:
        """Take a fill and what it cost by item, 1e-8."""
        known = self._prices.before(fill.instrument, fill.at) if fill.order_id else None
        worse = 0 if known is None else fill.side * (fill.price - known)
        cost = divide(worse * fill.quantity * instrument.multiplier, SCALE, Rounding.NEAREST)
        self._close(self._lots.fill(fill, (*charges, (_EXECUTION, cost)), instrument))

    def apply(self, action: CorporateAction) -> None:
        """Carry what is held over a corporate action; the cash it moves comes as moves of cash."""
        self._prices.apply(action)
        self._close(self._lots.apply(action))

    def move_cash(self, moved: CashMoved) -> None:
        """Take a dividend, funding, the fraction of a share, a deposit."""
        self._cash[(moved.strategy, moved.instrument, ""), moved.reason] += moved.amount

    def finish(self, marks: Mapping[str, int]) -> list[ProfitPart]:
        """Every part that is not zero, in a fixed order; `marks` (1e-8) value what is still open, which stays open."""
        sums = {signal: dict(each) for signal, each in self._lot_sums.items()}
        for (_, instrument, _), queue in self._lots.queues.items():
            lots = list(queue.lots)
            for lot, value in zip(lots, value_of(lots, price=marks.get(instrument, 0)), strict=True):
                _add(sums, lot.fill, value - lot.money, lot.charges)
        parts = [part for signal, each in sums.items() for part in _parts(signal, each)]
        parts += [_part(signal, CASH, item=item, amount=amount) for (signal, item), amount in self._cash.items()]
        return sorted((each for each in parts if each.amount), key=_place)

    def _close(self, closed: Iterable[ClosedLot]) -> None:
        for lot in closed:
            _add(self._lot_sums, lot.opening, lot.gross, (*lot.opening_charges, *lot.closing_charges))


def _add(sums: dict[Signal, dict[str, int]], opening: Fill, gross: int, charges: Items) -> None:
    signal = (opening.strategy, opening.instrument, opening.reason)
    found = sums.get(signal)
    if found is None:
        found = sums[signal] = {_GROSS: 0, _EXECUTION: 0}
    found[_GROSS] += gross
    for name, amount in charges:
        found[name] = found.get(name, 0) + amount


def _parts(signal: Signal, sums: dict[str, int]) -> Iterator[ProfitPart]:
    cost = sums[_EXECUTION]
    yield _part(signal, MARKET, amount=sums[_GROSS] + cost)
    yield _part(signal, EXECUTION, amount=-cost)
    for name, amount in sums.items():
        if name not in (_GROSS, _EXECUTION):
            yield _part(signal, CHARGES, item=name, amount=-amount)


def _part(signal: Signal, cause: str, *, item: str = "", amount: int) -> ProfitPart:
    strategy, instrument, reason = signal
    return ProfitPart(strategy=strategy, instrument=instrument, reason=reason, cause=cause, item=item, amount=amount)


def _place(part: ProfitPart) -> tuple[object, ...]:
    return part.strategy, part.instrument, part.reason, CAUSES.index(part.cause), part.item


def total(parts: Sequence[ProfitPart]) -> int:
    """The whole profit, 1e-8."""
    return sum(each.amount for each in parts)


def grouped(parts: Sequence[ProfitPart], by: str) -> dict[str, dict[str, int]]:
    """Sums by cause for each value of a field (`strategy`, `instrument`, `reason`), 1e-8; together the total."""
    found: dict[str, dict[str, int]] = {}
    for each in parts:
        sums = found.setdefault(getattr(each, by), dict.fromkeys(CAUSES, 0))
        sums[each.cause] += each.amount
    return found
