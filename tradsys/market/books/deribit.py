"""Deribit's `book.{instrument}.{interval}` subscriptions, numbered by change_id and prev_change_id.

Source: docs.deribit.com, "book.{instrument_name}.{interval}".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tradsys.market.books.messages import MILLISECOND, BookUpdate, Event, Level, decoded, number_text

CHANNEL = "book."


class _Change(msgspec.Struct, array_like=True):
    action: Literal["new", "change", "delete"]
    price: float
    amount: float


class _Book(msgspec.Struct):
    instrument: str = msgspec.field(name="instrument_name")
    number: int = msgspec.field(name="change_id")
    bids: list[_Change]
    asks: list[_Change]
    timestamp: int
    kind: Literal["snapshot", "change"] = msgspec.field(name="type")
    previous: int | None = msgspec.field(name="prev_change_id", default=None)


class _Parameters(msgspec.Struct):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Envelope(msgspec.Struct):
    parameters: _Parameters | None = msgspec.field(name="params", default=None)


_envelope = msgspec.json.Decoder(_Envelope)
_book = msgspec.json.Decoder(_Book)


class DeribitParser:
    """Snapshots and changes; grouped books (`book.X.GROUP.DEPTH.INTERVAL`) are left out."""

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message; other channels and answers give none."""
        parameters = decoded(_envelope, message).parameters
        if parameters is None or not parameters.data or not _is_book(parameters.channel):
            return []
        book = decoded(_book, parameters.data)
        update = BookUpdate(
            instrument=book.instrument,
            snapshot=book.kind == "snapshot",
            bids=_levels(book.bids, message),
            asks=_levels(book.asks, message),
            previous=book.previous,
            last=book.number,
            at=at,
            exchange_at=book.timestamp * MILLISECOND,
        )
        return [update]


def _is_book(channel: str) -> bool:
    return channel.startswith(CHANNEL) and channel.count(".") == 2


def _levels(changes: list[_Change], message: bytes) -> list[Level]:
    return [
        Level(
            number_text(change.price, message),
            "0" if change.action == "delete" else number_text(change.amount, message),
        )
        for change in changes
    ]
