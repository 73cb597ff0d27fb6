"""Why two runs ended with different equity: the gap split by cause, exact, adding up to the last unit.

Fills of both are paired by strategy, instrument, product and side. Those of one instant differ in price, those that
stand between the same paired fills in time, and what is left has no counterpart. Each fill counts with what it is worth
at the last price: bought below it is a gain.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tradsys.core.events import ActionKind, CashMoved, Charged, CorporateAction, Entry, Fill, Stray
from tradsys.core.units import SCALE, from_text

CAUSES = ("prices", "timing", "quantities", "charges", "cash_moves", "start", "valuation", "rounding")
"""`prices`: the same fills at other prices. `timing`: the same quantities at another instant. `quantities`: fills that
only one run has. `charges`, `cash_moves`, `start`: money, the last one the opening balance. `valuation`: other last
prices of what is still held. `rounding`: divisions, and fractions of a share paid out at a split."""

Key = tuple[str, str, str]
"""Strategy, instrument, product."""


@dataclass(slots=True)
class _Piece:
    """A fill, or what of it is not paired yet. One share of it is `ratio` shares at the end."""

    at: int
    side: int
    quantity: int
    price: int
    ratio: Fraction = Fraction(1)

    def worth(self, quantity: int, *, mark: int) -> Fraction:
        """What a part of it gained by the end where the last price is `mark`, 1e-8 squared."""
        return self.side * quantity * (mark * self.ratio - self.price)


@dataclass(slots=True)
class Account:
    """What the causes are taken from: fills, charges and cash moves of a decision log; money in 1e-8. `multipliers` are
    those of derivatives, `final` is the final state of the manifest."""

    multipliers: Mapping[str, int]
    final: Mapping[str, Any]
    charges: int = 0
    cash_moves: int = 0
    pieces: dict[Key, list[_Piece]] = field(default_factory=dict)

    def read(self, entries: Iterable[Entry]) -> Account:
        """Take a log from its first line to its last; returns the account itself."""
        for entry in entries:
            body = entry.body
            if isinstance(body, Stray):
                body = body.fill
            if isinstance(body, Fill):
                key = (body.strategy, body.instrument, str(body.product))
                piece = _Piece(body.at, int(body.side), body.quantity, body.price)
                self.pieces.setdefault(key, []).append(piece)
            elif isinstance(body, Charged):
                self.charges += body.total
            elif isinstance(body, CashMoved):
                self.cash_moves += body.amount
            elif isinstance(body, CorporateAction) and body.kind is not ActionKind.DIVIDEND:
                self._carry(body)
        return self

    def _carry(self, action: CorporateAction) -> None:
        for (_, instrument, _), pieces in self.pieces.items():
            if instrument == action.instrument:
                for piece in pieces:
                    piece.ratio *= Fraction(action.new, action.old)

    def money(self, name: str) -> int:
        """An amount of the final state, 1e-8."""
        return from_text(self.final[name])

    def marks(self, instrument: str) -> list[int]:
        """The last price of an instrument, 1e-8, where a part of it is still held; else nothing: it does not matter."""
        held = any(each["instrument"] == instrument and each["quantity"] != "0" for each in self.final["positions"])
        return [from_text(self.final["marks"][instrument])] if held else []


def profit_gap(*, a: Account, b: Account) -> dict[str, int]:
    """What each of `CAUSES` makes of the difference in final equity, b less a, and the `total`; 1e-8.

    The causes add up to the total exactly.
    """
    exact: dict[str, Fraction] = defaultdict(Fraction)
    for key in sorted(a.pieces.keys() | b.pieces.keys()):
        for cause, amount in _trades(key, a, b):
            exact[cause] += amount
    total = b.money("equity") - a.money("equity")
    found = {cause: round(exact[cause]) for cause in CAUSES}
    found |= {
        "charges": a.charges - b.charges,
        "cash_moves": b.cash_moves - a.cash_moves,
        "start": b.money("start") - a.money("start"),
    }
    found["rounding"] = total - sum(amount for cause, amount in found.items() if cause != "rounding")
    return found | {"total": total}


def _trades(key: Key, a: Account, b: Account) -> Iterator[tuple[str, Fraction]]:
    """Causes in one instrument, in money (1e-8)."""
    instrument = key[1]
    here, there = (_copies(each.pieces.get(key, ())) for each in (a, b))
    marks = [*a.marks(instrument), *b.marks(instrument)] or [0]
    unit = Fraction(b.multipliers.get(instrument, a.multipliers.get(instrument, 1)), SCALE)
    for piece in there:
        yield (
            "valuation",
            unit * (piece.worth(piece.quantity, mark=marks[-1]) - piece.worth(piece.quantity, mark=marks[0])),
        )
    anchors = []
    for one, other, quantity in _paired(here, there, by=lambda piece: piece.at):
        anchors.append(one.at)
        yield "prices", unit * _more(one, other, quantity, mark=marks[0])
    anchors.sort()
    for one, other, quantity in _paired(here, there, by=lambda piece: bisect_left(anchors, piece.at)):
        yield "timing", unit * _more(one, other, quantity, mark=marks[0])
    for sign, pieces in ((-1, here), (1, there)):
        for piece in pieces:
            yield "quantities", sign * unit * piece.worth(piece.quantity, mark=marks[0])


def _copies(pieces: Iterable[_Piece]) -> list[_Piece]:
    return [_Piece(each.at, each.side, each.quantity, each.price, each.ratio) for each in pieces]


def _more(one: _Piece, other: _Piece, quantity: int, *, mark: int) -> Fraction:
    return other.worth(quantity, mark=mark) - one.worth(quantity, mark=mark)


def _paired(here: list[_Piece], there: list[_Piece], *, by: Any) -> Iterator[tuple[_Piece, _Piece, int]]:
    """Pairs of one side and one place `by`, oldest first, with the quantity that both have; it is taken off them."""
    waiting: dict[tuple[int, Any], deque[_Piece]] = defaultdict(deque)
    for piece in here:
        if piece.quantity:
            waiting[piece.side, by(piece)].append(piece)
    for other in there:
        queue = waiting[other.side, by(other)]
        while queue and other.quantity:
            one = queue[0]
            quantity = min(one.quantity, other.quantity)
            one.quantity -= quantity
            other.quantity -= quantity
            yield one, other, quantity
            if not one.quantity:
                queue.popleft()
