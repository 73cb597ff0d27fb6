"""What an account holds, by instrument and product: a fold over its trades, at average cost."""

from __future__ import annotations

from tradsys.core.events import Product
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, Rounding, divide
from tradsys.core.venue import TradeRow

Key = tuple[str, Product]


class Holding:
    """One instrument under one product, 1e-8. `cost` is the signed sum of notionals still open.

    Its trades are kept, because one that is busted never was.
    """

    __slots__ = ("_instrument", "_trades", "cost", "quantity")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._trades: dict[int, TradeRow] = {}
        self.quantity = 0
        self.cost = 0

    @property
    def average(self) -> int:
        """Cost of a unit, to the nearest 1e-8; 0 when flat."""
        units = self.quantity * self._instrument.multiplier
        return divide(self.cost * SCALE, units, Rounding.NEAREST) if units else 0

    @property
    def released(self) -> int:
        """Cost that moves no cash: a future's or a perpetual's is only settled when it is closed."""
        return self.cost if self._instrument.is_derivative else 0

    def take(self, trade: TradeRow) -> None:
        """A trade, which closes before it opens."""
        self._trades[trade.trade_id] = trade
        self._move(trade)

    def undo(self, trade_id: int) -> None:
        """Take a trade out, as if it never was; nothing happens where it is not of this holding."""
        if self._trades.pop(trade_id, None) is not None:
            self.quantity = self.cost = 0
            for trade in self._trades.values():
                self._move(trade)

    def merge(self, other: Holding) -> None:
        """Take over all that another one holds."""
        for trade in other._trades.values():
            self.take(trade)

    def _move(self, trade: TradeRow) -> None:
        opening, held = trade.side * trade.quantity, self.quantity
        self.quantity = held + opening
        if held * opening < 0:
            closed = opening if abs(opening) <= abs(held) else -held
            self.cost -= self.cost if closed == -held else self.cost * -closed // held
            opening -= closed
        self.cost += -(-trade.price * self._instrument.multiplier * opening // SCALE)


class Holdings:
    """All that one account holds by its trades. Units that came in from outside are not known here."""

    def __init__(self, instruments: dict[str, Instrument]) -> None:
        self._instruments = instruments
        self._lines: dict[Key, Holding] = {}

    def line(self, instrument: str, product: Product) -> Holding:
        """One holding, made when first needed."""
        key = (instrument, product)
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = Holding(self._instruments[instrument])
        return found

    def lines(self, instrument: str) -> dict[Product, Holding]:
        """The holdings of an instrument."""
        return {product: line for (name, product), line in self._lines.items() if name == instrument}

    def undo(self, trade_id: int) -> None:
        """Take a trade out, wherever it is by now."""
        for line in self._lines.values():
            line.undo(trade_id)

    def released(self) -> int:
        """Cost of all that moves no cash until it is closed, 1e-8."""
        return sum(line.released for line in self._lines.values())

    def convert(self, product: Product, into: dict[str, Product]) -> None:
        """What is left of a product at the end of its day is held under the instrument's other one from now on."""
        for key in [key for key in self._lines if key[1] == product]:
            line = self._lines.pop(key)
            self.line(key[0], into[key[0]]).merge(line)

    def drop(self, instrument: str) -> None:
        """A contract has ended."""
        self._lines = {key: line for key, line in self._lines.items() if key[0] != instrument}
