"""Binance depth streams (spot, USDⓈ-M and COIN-M futures, options) and the REST snapshots they are built upon.

Source: developers.binance.com, "Diff. depth stream" and "Order book", with the page on managing a local order book.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from tradsys.market.books.messages import MILLISECOND, BookUpdate, Event, Level, decoded, malformed

SYMBOL = re.compile(r"[?&]symbol=([A-Za-z0-9_\-]+)")


class _Envelope(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()
    event: str = msgspec.field(name="e", default="")
    number: int | None = msgspec.field(name="lastUpdateId", default=None)


class _Delta(msgspec.Struct):
    instrument: str = msgspec.field(name="s")
    first: int = msgspec.field(name="U")
    last: int = msgspec.field(name="u")
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")
    event_at: int = msgspec.field(name="E")
    previous: int | None = msgspec.field(name="pu", default=None)


class _Snapshot(msgspec.Struct):
    number: int = msgspec.field(name="lastUpdateId")
    bids: list[Level]
    asks: list[Level]
    event_at: int = msgspec.field(name="E", default=0)
    symbol: str = ""


_envelope = msgspec.json.Decoder(_Envelope)
_delta = msgspec.json.Decoder(_Delta)
_snapshot = msgspec.json.Decoder(_Snapshot)


class BinanceParser:
    """Depth updates and snapshots, alone or inside a combined stream's envelope.

    A snapshot names its instrument in its body, in the address it was asked at, or not at all: then it is of the one
    instrument whose updates came so far.
    """

    def __init__(self) -> None:
        self._instruments: dict[str, None] = {}

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message; other streams and partial books of a stream give none."""
        envelope = decoded(_envelope, message)
        if envelope.data:
            inner = decoded(_envelope, envelope.data)
            return [self._delta(envelope.data, at)] if inner.event == "depthUpdate" else []
        if envelope.event == "depthUpdate":
            return [self._delta(message, at)]
        return [self._snapshot(message, at, origin)] if envelope.number is not None else []

    def _delta(self, message: bytes | msgspec.Raw, at: int) -> BookUpdate:
        delta = decoded(_delta, message)
        self._instruments[delta.instrument] = None
        return BookUpdate(
            instrument=delta.instrument,
            snapshot=False,
            bids=delta.bids,
            asks=delta.asks,
            previous=delta.first - 1 if delta.previous is None else delta.previous,
            last=delta.last,
            at=at,
            exchange_at=delta.event_at * MILLISECOND,
        )

    def _snapshot(self, message: bytes, at: int, origin: str) -> BookUpdate:
        snapshot = decoded(_snapshot, message)
        return BookUpdate(
            instrument=snapshot.symbol or self._asked(message, origin),
            snapshot=True,
            bids=snapshot.bids,
            asks=snapshot.asks,
            last=snapshot.number,
            requested=True,
            at=at,
            exchange_at=snapshot.event_at * MILLISECOND,
        )

    def _asked(self, message: bytes, origin: str) -> str:
        if found := SYMBOL.search(origin):
            return found[1].upper()
        if len(self._instruments) != 1:
            raise malformed("a snapshot that does not say of which instrument", message)
        return next(iter(self._instruments))
