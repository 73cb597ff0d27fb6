"""Tables that a journal folds to, in whichever database: brought up to date from it, asked about it, never over it.

Each batch of records and the place in the journal that it leads to are one transaction, so that a crash at any point
leaves what some number of whole batches made; the next `catch_up` goes on from there. Where the record at that place is
not the one that the journal has, everything is emptied and read again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

import msgspec

from tradsys.core.errors import JournalDamaged, ResourceError
from tradsys.core.orders import OrderState
from tradsys.core.units import DAY
from tradsys.journal import statements as sql
from tradsys.journal.port import JournalReader, Source
from tradsys.journal.position_line import PositionLine
from tradsys.journal.projections import Fold, TagOf
from tradsys.journal.reading import Position
from tradsys.journal.records import HEADER_BYTES, Record, room

BATCH = 2000
"""Records a transaction."""

MOST = 2**63 - 1
"""Largest number that the tables hold, either way: 92 billion units. What is larger is refused, never cut."""

_EPOCH = datetime.date(1970, 1, 1)
S = TypeVar("S", bound=msgspec.Struct)


class Session(Protocol):
    """A database that has the tables. Methods raise `DataError` for a number beyond `MOST`, `ResourceError` where the
    database cannot be had."""

    def writing(self) -> AbstractContextManager[None]:
        """One transaction, of the only one who writes; nothing of it stays where it fails."""

    def execute(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Change rows."""

    def execute_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        """The same change with each of the parameters."""

    def rows(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Rows of a query."""

    def clear(self) -> None:
        """Empty all tables of `FOLDED`."""

    def close(self) -> None:
        """Give the database back."""


class RecordLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record is, and what led to it."""

    sequence: int
    kind: str
    at: int
    recorded_at: int
    cause: int
    segment: str
    byte_offset: int


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands; prices and quantities 1e-8, times UTC nanoseconds. Record `sequence` made it."""

    order_id: int
    tag: str
    venue_id: int
    strategy: str
    instrument: str
    side: int
    quantity: int
    type: str
    product: str
    validity: str
    limit_price: int
    trigger_price: int
    parent: int
    state: OrderState
    filled: int
    reason: str
    created_at: int
    updated_at: int
    sequence: int


class TradeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of ours and its charges, 1e-8. `stray` says why it belongs to no working order, if so."""

    sequence: int
    line: int
    order_id: int
    strategy: str
    instrument: str
    side: int
    quantity: int
    price: int
    product: str
    maker: bool
    stray: str
    charges: int
    at: int
    exchange_at: int


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """The last record that the tables have."""

    sequence: int
    link: bytes
    previous: bytes
    segment: str
    byte_offset: int

    def before(self) -> Position:
        """Where a reader starts whose first record is this one."""
        return Position(sequence=self.sequence, link=self.previous, segment=self.segment, offset=self.byte_offset)


class ReadModel:
    """The tables of one journal in one database."""

    def __init__(self, session: Session, *, tag_of: TagOf) -> None:
        self._session = session
        self._tag_of = tag_of

    # --- from the journal

    @property
    def position(self) -> int:
        """Records that the tables have."""
        place = self._place()
        return place.sequence + 1 if place else 0

    def catch_up(self, source: Source) -> int:
        """Take the records that the tables do not have yet; how many there were.

        Raises what the journal's reader raises, `DataError` for a record that cannot be read or a number beyond `MOST`,
        `ResourceError` where another process fills the same tables. What was taken before stays.
        """
        records, taken = self._untaken(source), 0
        place, fold = self._place(), self._fold()
        while batch := list(islice(records, BATCH)):
            place = self._take(batch, fold, place)
            taken += len(batch)
        return taken

    def close(self) -> None:
        """Give the database back."""
        self._session.close()

    def _untaken(self, source: Source) -> Iterator[tuple[Record, str, int]]:
        """Records beyond the last that the tables have; all, and the tables emptied, where it is not the journal's."""
        place = self._place()
        if place is not None:
            rest = iter(_placed(source(place.before())))
            try:
                last, *_ = next(rest, (None,))
            except JournalDamaged:
                last = None
            if last is not None and last.link == place.link:
                return rest
            with self._session.writing():
                self._session.clear()
        return iter(_placed(source(None)))

    def _take(self, batch: list[tuple[Record, str, int]], fold: Fold, place: _Place | None) -> _Place:
        session = self._session
        with session.writing():
            if self._place() != place:
                raise ResourceError("another process fills these tables", fix="let it, or stop it first")
            for statement, parameters in _grouped(
                fold.changes(record, segment=name, offset=at) for record, name, at in batch
            ):
                if len(parameters) == 1:
                    session.execute(statement, parameters[0])
                else:
                    session.execute_many(statement, parameters)
            record, segment, offset = batch[-1]
            reached = _Place(
                sequence=record.sequence,
                link=record.link,
                previous=record.previous,
                segment=segment,
                byte_offset=offset,
            )
            session.execute(sql.PLACE, {"only_row": 1, **msgspec.structs.asdict(reached)})
        return reached

    def _place(self) -> _Place | None:
        found = self._all(_Place, "SELECT {} FROM projection", {})
        return found[0] if found else None

    def _fold(self) -> Fold:
        run = "SELECT detail FROM audit_logs WHERE kind = 'run' ORDER BY sequence DESC LIMIT 1"
        begun = self._session.rows(run, {})
        name = str(msgspec.json.decode(begun[0][0])["run"]) if begun else ""
        return Fold(self._tag_of, positions=self.positions(), run=name)

    # --- questions

    def order(self, order_id: int) -> OrderLine | None:
        """An order by our number."""
        return self._one(OrderLine, "SELECT {} FROM orders WHERE order_id = :order_id", {"order_id": order_id})

    def order_of(self, tag: str) -> OrderLine | None:
        """An order by the name that the venue knows."""
        return self._one(OrderLine, "SELECT {} FROM orders WHERE tag = :tag AND tag <> ''", {"tag": tag})

    def orders_in(self, *states: OrderState) -> list[OrderLine]:
        """Orders that stand in one of some states, oldest first within each."""
        query = "SELECT {} FROM orders WHERE state = :state ORDER BY order_id"
        return [order for state in states for order in self._all(OrderLine, query, {"state": str(state)})]

    def trades_on(self, day: datetime.date) -> list[TradeLine]:
        """Trades of a day, UTC, by the time they happened."""
        first = (day - _EPOCH).days * DAY
        query = (
            "SELECT {} FROM trades WHERE exchange_at >= :first AND exchange_at < :next ORDER BY exchange_at, sequence"
        )
        return self._all(TradeLine, query, {"first": first, "next": first + DAY})

    def trades_of(self, order_id: int) -> list[TradeLine]:
        """Trades of an order, in order."""
        query = "SELECT {} FROM trades WHERE order_id = :order_id ORDER BY sequence"
        return self._all(TradeLine, query, {"order_id": order_id})

    def positions(self) -> list[PositionLine]:
        """Every position there ever was, flat ones too."""
        return self._all(PositionLine, "SELECT {} FROM positions ORDER BY strategy, instrument, product", {})

    def why(self, sequence: int) -> list[RecordLine]:
        """The record, and before it what led to it, back to the first cause."""
        return self._all(RecordLine, sql.WHY, {"sequence": sequence})

    def history(self, order_id: int) -> list[RecordLine]:
        """Every record that speaks of an order: verdicts, requests, reports, fills."""
        return self._all(RecordLine, sql.HISTORY, {"order_id": order_id})

    def _one(self, kind: type[S], query: str, parameters: Mapping[str, Any]) -> S | None:
        found = self._all(kind, query, parameters)
        return found[0] if found else None

    def _all(self, kind: type[S], query: str, parameters: Mapping[str, Any]) -> list[S]:
        names = [each.name for each in msgspec.structs.fields(kind)]
        found = self._session.rows(query.replace("{}", ", ".join(names)), parameters)
        return [msgspec.convert(dict(zip(names, row, strict=True)), kind, strict=False) for row in found]


def _placed(reader: JournalReader) -> Iterator[tuple[Record, str, int]]:
    """Each record with the segment and the byte that it begins at; none in a journal without files."""
    for record in reader:
        position = reader.position
        length = room(HEADER_BYTES + len(record.kind.encode()) + len(record.payload))
        yield record, position.segment, position.offset - length if position.segment else 0


def _grouped(found: Iterable[list[tuple[str, dict[str, Any]]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Changes in their order, but what is only ever added to a table at the end of the batch, all at once."""
    added: dict[str, list[dict[str, Any]]] = {}
    for statement, parameters in chain.from_iterable(found):
        if statement in _ADDED:
            added.setdefault(statement, []).append(parameters)
        else:
            yield statement, [parameters]
    yield from added.items()


_ADDED = frozenset({sql.RECORD, sql.DECISION, sql.INTENT, sql.SAFETY, sql.TRANSACTION, sql.AUDIT, sql.ABOUT_ORDER})
