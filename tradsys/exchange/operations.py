"""Files of order operations, one JSON object a line: what `tradsys exchange match` reads, runs and writes.

Lines: `{"op", "id", "side", "qty", "price"}` with `side` `B` or `S`, prices in ticks, quantities in steps, both whole.
Other fields are ignored; `i` is given back. An id is any whole number and is never used again once its order was taken.

| `op` | fields | what it asks for |
| --- | --- | --- |
| `limit` | `side qty price` | trades, and rests its remainder |
| `ioc` `fok` `post_only` | `side qty price` | drops its remainder; whole or nothing; rejected if it would trade |
| `market` | `side qty` | trades at any price, drops its remainder |
| `cancel` | | |
| `reduce` | `qty` | takes off, keeps the place |
| `replace` | `qty price` | `qty` is the new open quantity; whatever entered as `post_only` may trade now |
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

from tradsys.core.errors import DataError, MissingData, ResourceError
from tradsys.core.matching import (
    POST_ONLY,
    Action,
    BookEvent,
    BookEventKind,
    BookSide,
    Command,
    Kind,
    MatchingBook,
    Outcome,
    Reason,
    Status,
    TimeInForce,
)

# Beyond every price and quantity that exists, within what any book can be handed.
TOO_MUCH = 2**62


class Operation(msgspec.Struct, frozen=True, kw_only=True, tag_field="op"):
    """One line of a file."""

    id: int
    i: int | None = None

    def command(self, order_id: int) -> Command:
        """The command to a book that knows the order by `order_id`."""
        return Command(Action.CANCEL, order_id)


class Cancel(Operation, frozen=True, kw_only=True, tag="cancel"):
    """Take an order out."""


class Reduce(Operation, frozen=True, kw_only=True, tag="reduce"):
    """Take a quantity off."""

    qty: int

    def command(self, order_id: int) -> Command:
        """A `REDUCE`."""
        return Command(Action.REDUCE, order_id, quantity=_bounded(self.qty))


class Replace(Operation, frozen=True, kw_only=True, tag="replace"):
    """A new price and open quantity."""

    qty: int
    price: int

    def command(self, order_id: int) -> Command:
        """A `REPLACE`."""
        return Command(Action.REPLACE, order_id, price=_bounded(self.price), quantity=_bounded(self.qty))


class NewOrder(Operation, frozen=True, kw_only=True):
    """An order that enters."""

    side: Literal["B", "S"]
    qty: int

    kind: ClassVar[Kind] = Kind.LIMIT
    time_in_force: ClassVar[TimeInForce] = TimeInForce.GTC
    flags: ClassVar[int] = 0

    def command(self, order_id: int) -> Command:
        """A `NEW`."""
        return Command(
            Action.NEW,
            order_id,
            side=BookSide.BUY if self.side == "B" else BookSide.SELL,
            quantity=_bounded(self.qty),
            kind=self.kind,
            time_in_force=self.time_in_force,
            flags=self.flags,
        )


class Market(NewOrder, frozen=True, kw_only=True, tag="market"):
    """An order at any price."""

    kind: ClassVar[Kind] = Kind.MARKET
    time_in_force: ClassVar[TimeInForce] = TimeInForce.IOC


class Limit(NewOrder, frozen=True, kw_only=True, tag="limit"):
    """An order at a price or better."""

    price: int

    def command(self, order_id: int) -> Command:
        """A `NEW` with its price."""
        return NewOrder.command(self, order_id)._replace(price=_bounded(self.price))


class ImmediateOrCancel(Limit, frozen=True, kw_only=True, tag="ioc"):
    """A limit order whose remainder is dropped."""

    time_in_force: ClassVar[TimeInForce] = TimeInForce.IOC


class FillOrKill(Limit, frozen=True, kw_only=True, tag="fok"):
    """A limit order that trades whole or not at all."""

    time_in_force: ClassVar[TimeInForce] = TimeInForce.FOK


class PostOnly(Limit, frozen=True, kw_only=True, tag="post_only"):
    """A limit order that may only rest."""

    flags: ClassVar[int] = POST_ONLY


AnyOperation = Cancel | Reduce | Replace | Market | Limit | ImmediateOrCancel | FillOrKill | PostOnly


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one operation: each trade is taker id, maker id, price, quantity."""

    i: int
    status: str
    trades: list[tuple[int, int, int, int]]
    reason: str | None = None


class Final(msgspec.Struct, frozen=True, kw_only=True):
    """The book at the end: levels best first, and each live order's side, price and open quantity by id."""

    ops: int
    trades: int
    qty_traded: int
    final_bids: list[tuple[int, int]]
    final_asks: list[tuple[int, int]]
    final_queue: dict[int, tuple[str, int, int]]


def read_operations(path: Path) -> list[AnyOperation]:
    """Every operation of a file, `.gz` or plain; blank lines are passed over.

    Raises: `MissingData` without a file, `ResourceError` for one that cannot be read, `DataError` naming the first line
    that is no operation.
    """
    decoder = msgspec.json.Decoder(AnyOperation)
    operations: list[AnyOperation] = []
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            operations.append(_decoded(decoder, line, f"line {number} of {path}"))
    return operations


def _lines(path: Path) -> list[bytes]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingData(f"there is no file {path}", value=str(path), fix="check the path") from None
    except OSError as error:
        raise ResourceError(f"cannot read {path}: {error.strerror}", value=str(path), fix="name a file") from None
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is not whole gzip: {error}", value=str(path), fix="fetch it again") from None
    # Editors of Windows begin a file with the mark of its byte order.
    return content.removeprefix(b"\xef\xbb\xbf").split(b"\n")


def _decoded(decoder: msgspec.json.Decoder[AnyOperation], line: bytes, where: str) -> AnyOperation:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = line[:80].decode("utf-8", "replace")
        raise DataError(f"{where}: {error}", value=shown, fix='write {"op", "id", "side", "qty", "price"}') from None


class OperationRun:
    """Operations run through a book of one instrument, and what is left of it.

    Ids of the file are any whole numbers; the book knows its orders by their position of arrival.
    """

    def __init__(self, book: MatchingBook) -> None:
        self._book = book
        self._numbers: dict[int, int] = {}
        # by number; 0 is nobody's
        self._ids = [0]
        self._sides: list[int] = [BookSide.BUY]
        self._operations = 0
        self._trades = 0
        self._traded = 0

    def answers(self, operations: Iterable[AnyOperation]) -> Iterator[Answer]:
        """What became of each operation, in order."""
        for operation in operations:
            outcome, events = self._submit(operation)
            trades = [self._as_trade(event) for event in events if event.kind == BookEventKind.TRADE]
            self._trades += len(trades)
            self._traded += sum(trade[3] for trade in trades)
            yield Answer(
                i=self._operations if operation.i is None else operation.i,
                status=Status(outcome.status).name.lower(),
                trades=trades,
                reason=Reason(outcome.reason).name.lower() if outcome.status == Status.REJECTED else None,
            )
            self._operations += 1

    def final(self) -> Final:
        """The book as it stands."""
        resting = {self._ids[order.order_id]: order for order in self._book.orders(0)}
        queue = {
            file_id: ("S" if order.side else "B", order.price, order.shown + order.hidden)
            for file_id, order in sorted(resting.items())
        }
        bids, asks = (self._levels(side) for side in BookSide)
        return Final(
            ops=self._operations,
            trades=self._trades,
            qty_traded=self._traded,
            final_bids=bids,
            final_asks=asks,
            final_queue=queue,
        )

    def _submit(self, operation: AnyOperation) -> tuple[Outcome, list[BookEvent]]:
        if isinstance(operation, NewOrder):
            return self._enter(operation)
        number = self._numbers.get(operation.id, 0)
        command = operation.command(number)
        outcome, events = self._book.submit(command)
        if outcome.reason == Reason.WOULD_TRADE:
            return self._enter_again(command)
        return outcome, events

    def _enter(self, operation: NewOrder) -> tuple[Outcome, list[BookEvent]]:
        if operation.id in self._numbers:
            return Outcome(Status.REJECTED, Reason.DUPLICATE_ORDER), []
        number = len(self._ids)
        command = operation.command(number)
        self._ids.append(operation.id)
        self._sides.append(command.side)
        outcome, events = self._book.submit(command)
        if outcome.status != Status.REJECTED:
            self._numbers[operation.id] = number
        return outcome, events

    def _enter_again(self, wanted: Command) -> tuple[Outcome, list[BookEvent]]:
        """Replace what entered as `post_only` and would trade now: here the flag speaks of its entry alone."""
        self._book.submit(Command(Action.CANCEL, wanted.order_id))
        side = self._sides[wanted.order_id]
        return self._book.submit(wanted._replace(action=Action.NEW, side=side, time_in_force=TimeInForce.GTC))

    def _as_trade(self, event: BookEvent) -> tuple[int, int, int, int]:
        return self._ids[event.order_id], self._ids[event.other_id], event.price, event.quantity

    def _levels(self, side: BookSide) -> list[tuple[int, int]]:
        levels = self._book.levels(0, side, count=len(self._ids))
        return [(price, quantity) for price, quantity, _ in levels]


def write_answers(path: Path, answers: Iterable[Answer]) -> None:
    """One line an answer, gzip if the name ends so. The file is there whole or not at all.

    Raises: `ResourceError` where it cannot be written.
    """
    content = b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers)
    # Without a time stamp, the same answers are the same file.
    _write(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def write_final(path: Path, final: Final) -> None:
    """The book at the end as one JSON object.

    Raises: `ResourceError` where it cannot be written.
    """
    _write(path, msgspec.json.encode(final) + b"\n")


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ResourceError(
            f"cannot write {path}: {error.strerror}", value=str(path), fix="name another file"
        ) from None


def _bounded(value: int) -> int:
    """The value where a book can be handed it, else one that is wrong in the same way."""
    return min(max(value, -TOO_MUCH), TOO_MUCH)
