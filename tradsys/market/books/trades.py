"""Trades in a venue's feed, beside its depth: what reaches the orders that wait, touches stops and makes bars.

Read are Binance's `trade` and `aggTrade` streams, the `trades` channel of OKX and the `trade` channel of Bitget
(versions 1 and 2). Sources: developers.binance.com, "Trade streams" and "Aggregate trade streams"; okx.com/docs-v5,
"Trades channel"; bitget.com/api-doc, "Trades channel". Not modelled: trades of the other venues, and those of the time
before the recording, which Bitget tells on subscription.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from tradsys.market.books.messages import MILLISECOND, Digits, decoded

SIDES = {"buy": 1, "sell": -1}


class FeedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One trade: the venue's name of the instrument, price in currency, quantity in its units, the aggressor's side (+1
    a buyer, -1 a seller, 0 not said). Times are UTC nanoseconds: when it was heard, when it happened."""

    instrument: str
    price: float
    quantity: float
    aggressor: int
    at: int
    exchange_at: int


class TradeParser(Protocol):
    """Finds the trades in one venue's messages."""

    def parse(self, message: bytes, *, at: int = 0) -> Sequence[FeedTrade]:
        """Trades of one message, none for what tells none. Raises `DataError` for what is no message of the venue."""
        ...


class _Trade(msgspec.Struct):
    event: str = msgspec.field(name="e", default="")
    instrument: str = msgspec.field(name="s", default="")
    price: Digits = msgspec.field(name="p", default="0")
    quantity: Digits = msgspec.field(name="q", default="0")
    milliseconds: int = msgspec.field(name="T", default=0)
    buyer_waited: bool = msgspec.field(name="m", default=False)


class _Event(msgspec.Struct):
    event: str = msgspec.field(name="e", default="")
    data: msgspec.Raw = msgspec.Raw()


_event = msgspec.json.Decoder(_Event)
_trade = msgspec.json.Decoder(_Trade)


class BinanceTrades:
    """Trades, alone or inside a combined stream's envelope. Of an instrument whose trades are told one by one and put
    together, the kind that came first is read."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def parse(self, message: bytes, *, at: int = 0) -> Sequence[FeedTrade]:
        """Trades of one message."""
        envelope = decoded(_event, message)
        inner: bytes | msgspec.Raw = envelope.data or message
        if (decoded(_event, inner).event if envelope.data else envelope.event) not in ("trade", "aggTrade"):
            return []
        trade = decoded(_trade, inner)
        if self._kinds.setdefault(trade.instrument, trade.event) != trade.event:
            return []
        aggressor = -1 if trade.buyer_waited else 1
        return _made(trade.instrument, [(trade.price, trade.quantity, aggressor, trade.milliseconds)], at)


class _Argument(msgspec.Struct):
    channel: str = ""
    instrument: str = msgspec.field(name="instId", default="")


class _Envelope(msgspec.Struct):
    arg: _Argument | None = None
    action: str = "update"
    data: msgspec.Raw = msgspec.Raw()


class _Row(msgspec.Struct, array_like=True):
    milliseconds: Digits
    price: Digits
    quantity: Digits
    side: str


class _OkxTrade(msgspec.Struct):
    price: Digits = msgspec.field(name="px")
    quantity: Digits = msgspec.field(name="sz")
    side: str
    milliseconds: Digits = msgspec.field(name="ts")


class _BitgetTrade(msgspec.Struct):
    price: Digits
    quantity: Digits = msgspec.field(name="size")
    side: str
    milliseconds: Digits = msgspec.field(name="ts")


_envelope = msgspec.json.Decoder(_Envelope)
_okx = msgspec.json.Decoder(list[_OkxTrade])
_bitget = msgspec.json.Decoder(list[_BitgetTrade])
_bitget_rows = msgspec.json.Decoder(list[_Row])


class ChannelTrades:
    """Trades of one channel; `rows` where they may come as arrays instead of objects."""

    def __init__(self, channel: str, *, rows: bool) -> None:
        self._channel = channel
        self._rows = rows

    def parse(self, message: bytes, *, at: int = 0) -> Sequence[FeedTrade]:
        """Trades of one message; those of a subscription's answer (`snapshot`) are older than the recording."""
        if message == b"pong":
            return []
        envelope = decoded(_envelope, message)
        argument = envelope.arg
        if argument is None or argument.channel != self._channel or not envelope.data or envelope.action != "update":
            return []
        decoder = self._decoder(bytes(envelope.data))
        told = [
            (each.price, each.quantity, SIDES.get(each.side.lower(), 0), int(each.milliseconds.partition(".")[0]))
            for each in decoded(decoder, envelope.data)
        ]
        # The newest stands first.
        return _made(argument.instrument, sorted(told, key=lambda each: each[3]), at)

    def _decoder(self, data: bytes) -> msgspec.json.Decoder[Sequence[_Row | _OkxTrade | _BitgetTrade]]:
        if not self._rows:
            return _okx  # type: ignore[return-value]  # a list of one of the three
        return _bitget_rows if data.startswith(b"[[") else _bitget  # type: ignore[return-value]  # likewise


def _made(instrument: str, told: Sequence[tuple[str, str, int, int]], at: int) -> list[FeedTrade]:
    """The trades that have a price and a quantity; Binance also tells transfers of its insurance fund, without any."""
    return [
        FeedTrade(
            instrument=instrument,
            price=float(price),
            quantity=float(quantity),
            aggressor=aggressor,
            at=at or milliseconds * MILLISECOND,
            exchange_at=min(milliseconds * MILLISECOND, at or milliseconds * MILLISECOND),
        )
        for price, quantity, aggressor, milliseconds in told
        if float(price) > 0 and float(quantity) > 0
    ]


TRADES: dict[str, Callable[[], TradeParser]] = {
    "binance": BinanceTrades,
    "bitget": lambda: ChannelTrades("trade", rows=True),
    "okx": lambda: ChannelTrades("trades", rows=False),
}
"""By venue; what is not here tells no trades."""
