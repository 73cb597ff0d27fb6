"""What limits on the whole account are held against, read off the ledger at the last prices."""

from __future__ import annotations

from tradsys.engine.markets import Market
from tradsys.engine.runner import mark_open
from tradsys.portfolio.ledger import Ledger, Position
from tradsys.risk.commitments import exposure
from tradsys.risk.limits import ACCOUNT, Scope


class AccountMeasures:
    """See `tradsys.core.ports.Holdings`. Keeps nothing but where positions are found."""

    def __init__(self, ledger: Ledger, markets: dict[str, Market]) -> None:
        self._ledger = ledger
        self._markets = markets
        self._places: dict[str, list[Position]] = {}
        self._found = 0

    def held(self, instrument: str, *, strategy: str = "") -> int:
        """Signed units, 1e-8."""
        if self._found != len(self._ledger.places):
            self._find()
        places = self._places.get(instrument, ())
        return sum([each.quantity for each in places if not strategy or each.strategy == strategy])

    def _find(self) -> None:
        self._places.clear()
        for place in self._ledger.places.values():
            self._places.setdefault(place.instrument.id, []).append(place)
        self._found = len(self._ledger.places)

    def exposure(self, kind: str, *, name: str) -> int:
        """Money, 1e-8; a written option counts its strike."""
        self._mark()
        marks, total = self._ledger.marks, 0
        for held in self._ledger.open_positions.values():
            if _in_scope(held, kind, name):
                instrument, quantity = held.instrument, held.quantity
                total += exposure(instrument, side=quantity, quantity=abs(quantity), price=marks[instrument.id])
        return total

    def equity(self) -> int:
        """Money, 1e-8."""
        self._mark()
        return self._ledger.equity()

    def profit(self, kind: str, *, name: str) -> int:
        """Money, 1e-8; cash moves count."""
        self._mark()
        if kind == "account":
            return self._ledger.equity() - self._ledger.start
        if kind == "strategy":
            return self._ledger.profit(name)
        profits = self._ledger.profit_by_instrument()
        if kind == "instrument":
            return profits.get(name, 0)
        return sum(profit for each, profit in profits.items() if self._segment(each) == name)

    def account(self) -> tuple[int, int, int]:
        """Money, 1e-8: equity, profit, exposure."""
        ledger, markets = self._ledger, self._markets
        marks, equity, gross = ledger.marks, ledger.cash, 0
        for held in ledger.open_positions.values():
            instrument, quantity = held.instrument, held.quantity
            price = markets[instrument.id].price
            if price:
                marks[instrument.id] = price
            else:
                price = marks[instrument.id]
            equity += held.value(price) if held.paid_in_full else held.value(price) - held.cost
            gross += exposure(instrument, side=quantity, quantity=abs(quantity), price=price)
        return equity, equity - ledger.start, gross

    def profits(self) -> dict[Scope, int]:
        """What every scope that earned anything has earned."""
        found = {ACCOUNT: self.profit("account", name="")}
        for strategy in self._ledger.strategies:
            found[Scope("strategy", strategy)] = self._ledger.profit(strategy)
        for name, profit in self._ledger.profit_by_instrument().items():
            segment = Scope("segment", self._segment(name))
            found[Scope("instrument", name)] = profit
            found[segment] = found.get(segment, 0) + profit
        return found

    def _segment(self, instrument: str) -> str:
        return self._markets[instrument].instrument.segment.value

    def _mark(self) -> None:
        mark_open(self._ledger, self._markets)


def _in_scope(held: Position, kind: str, name: str) -> bool:
    if kind == "account":
        return True
    if kind == "strategy":
        return held.strategy == name
    return name == (held.instrument.id if kind == "instrument" else held.instrument.segment.value)
