"""The account of a run, folded from its log line by line: each trade with what it moved, each move without a trade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tradsys.core.events import CashMoved, CorporateAction, Entry, Fill, Stray, StrayKind
from tradsys.core.instruments import Instrument
from tradsys.engine.bookings import booked_lines
from tradsys.engine.reports.run_record import RunRecord
from tradsys.portfolio.ledger import Items, Ledger


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A fill, as it was booked in the account's currency, and what it did: `cash` is the change of the account's cash,
    charges taken off, `held` the position of its strategy, instrument and product after it (1e-8). `stray` says why it
    belongs to no working order; `traded` is its price in the instrument's currency."""

    line: int
    at: int
    fill: Fill
    traded: int
    stray: StrayKind | None
    items: Items
    cash: int
    held: int

    @property
    def charges(self) -> int:
        """All items together, 1e-8."""
        return sum(amount for _, amount in self.items)


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What changed the account without a trade: cash of a dividend, of funding, of a fraction; or units of a split."""

    line: int
    at: int
    strategy: str
    instrument: str
    product: str
    reason: str
    quantity: int
    cash: int


class AccountFold:
    """Takes the lines of a log in the account's currency (`RunRecord.own`), in their order. `ledger` is the account
    after them; raises what booking raises."""

    def __init__(self, instruments: Mapping[str, Instrument], *, cash: int, currency: str) -> None:
        self.ledger = Ledger(cash, currency)
        self._instruments = instruments
        self._carried = 0

    def take(self, entry: Entry, items: Items, *, traded: int | None = None) -> Iterable[Trade | Move]:
        """What one line of `booked_lines` did; `traded` is the price of a fill in its instrument's currency, where that
        is another."""
        body = entry.body
        if isinstance(body, CorporateAction):
            return self._carry(entry, body)
        if isinstance(body, CashMoved):
            return (self._move(entry, body),)
        return (self._trade(entry, items, traded),)

    def _trade(self, entry: Entry, items: Items, traded: int | None) -> Trade:
        body, ledger = entry.body, self.ledger
        stray = body.kind if isinstance(body, Stray) else None
        fill = body.fill if isinstance(body, Stray) else body
        assert isinstance(fill, Fill)
        position = ledger.place(fill.strategy, self._instruments[fill.instrument], fill.product)
        before = ledger.cash
        ledger.book(fill, sum(amount for _, amount in items), items, position)
        return Trade(
            line=entry.seq,
            at=entry.at,
            fill=fill,
            traded=fill.price if traded is None else traded,
            stray=stray,
            items=items,
            cash=ledger.cash - before,
            held=position.quantity,
        )

    def _carry(self, entry: Entry, action: CorporateAction) -> list[Move]:
        """Units that an action changes; the cash that it moves follows as lines of its own."""
        holders = [(held, held.quantity) for held in self.ledger.holders(action.instrument)]
        self._carried = len(self.ledger.apply(action, price=action.price))
        return [
            Move(
                line=entry.seq,
                at=entry.at,
                strategy=held.strategy,
                instrument=action.instrument,
                product=str(held.product),
                reason=f"{action.kind} {action.new}:{action.old}",
                quantity=held.quantity - before,
                cash=0,
            )
            for held, before in holders
            if held.quantity != before
        ]

    def _move(self, entry: Entry, moved: CashMoved) -> Move:
        if self._carried:
            self._carried -= 1
        else:
            self.ledger.move_cash(moved)
        return Move(
            line=entry.seq,
            at=entry.at,
            strategy=moved.strategy,
            instrument=moved.instrument,
            product="",
            reason=moved.reason,
            quantity=0,
            cash=moved.amount,
        )


def booked(record: RunRecord) -> Iterator[Trade | Move]:
    """Every trade and every move of a run, in order, in the account's currency."""
    entries, instruments = record.own
    fold = AccountFold(instruments, cash=record.start, currency=record.currency)
    traded = {} if entries is record.entries else dict(_prices(record.entries))
    for entry, items in booked_lines(entries):
        yield from fold.take(entry, items, traded=traded.get(entry.seq))


def _prices(entries: Iterable[Entry]) -> Iterator[tuple[int, int]]:
    """Prices of fills by the number of their line."""
    for entry in entries:
        body = entry.body.fill if isinstance(entry.body, Stray) else entry.body
        if isinstance(body, Fill):
            yield entry.seq, body.price
