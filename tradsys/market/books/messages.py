"""What a venue's message says of a book, whatever the venue's spelling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from tradsys.core.errors import DataError
from tradsys.core.events import Depth

MILLISECOND = 1_000_000
Message = TypeVar("Message")

Digits = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,20}(\.[0-9]{1,20})?\Z")]
"""A plain decimal number, kept as it was written: a checksum needs the very digits."""


class Level(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Price and absolute quantity of a level, 0 where it is gone; what else a venue says of a level is left out."""

    price: Digits
    quantity: Digits


class BookUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """A whole book (`snapshot`) or the levels that changed.

    The update leads from state `previous` to state `last`, in the venue's numbers; None where the venue has none.
    `checksum` is of the book afterwards. A `requested` snapshot was asked for beside the stream. Of more than `depth`
    levels a side the venue tells no longer when they go; 0 where it tells of all. Times are UTC nanoseconds, 0 where
    unknown.
    """

    instrument: str
    snapshot: bool
    bids: Sequence[Level]
    asks: Sequence[Level]
    previous: int | None = None
    last: int | None = None
    checksum: int | None = None
    requested: bool = False
    depth: int = 0
    at: int = 0
    exchange_at: int = 0

    def as_depth(self) -> Depth:
        """The market event of it, for strategies: prices and quantities as floats."""
        bids, asks = (
            tuple((float(level.price), float(level.quantity)) for level in side) for side in (self.bids, self.asks)
        )
        return Depth(self.at, self.exchange_at, self.instrument, bids, asks, self.snapshot, self.last or 0)


class ConnectionGap(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of a connection were lost, and with them changes of any of its books."""

    expected: int
    got: int
    at: int = 0


Event = BookUpdate | ConnectionGap


class Parser(Protocol):
    """Turns one venue's messages into events; it opens no socket and may remember what was subscribed."""

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message, none for what is not of books; `origin` is the address that a REST answer came from.

        Raises `DataError` for what is not a message of the venue.
        """
        ...


def decoded(decoder: msgspec.json.Decoder[Message], message: bytes | msgspec.Raw) -> Message:
    """A message of the type expected. Raises `DataError` for any other bytes."""
    try:
        return decoder.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise malformed(str(problem), bytes(message)) from None


def malformed(why: str, message: bytes) -> DataError:
    """The refusal of a message."""
    return DataError(f"malformed message: {why}", value=repr(message[:80]), fix="look at the feed's recording")


def number_text(value: float, message: Any) -> str:
    """A JSON number as text of plain digits. Raises `DataError` where it is negative or no number of a level."""
    if not 0.0 <= value < 1e20:
        raise malformed(f"{value} in a level", bytes(message))
    text = f"{value:.12f}".rstrip("0") if value < 1e-4 else repr(value)
    return text.removesuffix(".0").removesuffix(".")
