"""What is traded under a name on the command line: `NSE:INFY`, `NFO:NIFTY26NOVFUT`, `BINANCE:BTCUSDT`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime

    from tradsys.core.instruments import Instrument, Segment

DEFAULT_EXCHANGE = "NSE"
SEGMENTS = {
    "NSE": "equity", "BSE": "equity", "EGX": "equity", "ADX": "equity",
    "NFO": "future", "BFO": "future", "CDS": "future", "MCX": "future",
}  # fmt: skip
"""What is traded where, but for options; on any other exchange crypto, round the clock."""
_OPTION = re.compile(r".+\d(CE|PE)")


def traded_instrument(
    name: str, day: datetime.date, *, tick: str | None, lot: str, price: str, closing_auction: bool
) -> Instrument:
    """What is traded under a name on a day, with the exchange's tick at a price where none is given.

    Contracts are written as in Kite's instruments dump: `NIFTY26NOVFUT`, `NIFTY26NOV25000CE`. Raises `ConfigError` for
    a name without a symbol, an index, and numbers that no price, tick or lot can be; `UnknownName` for an exchange in
    other letters.
    """
    from tradsys.core.instruments import DatedStep, Instrument
    from tradsys.core.units import from_text

    exchange, symbol = _exchange_and_symbol(name)
    segment, underlying = _kind(exchange, symbol)
    step = from_text(tick) if tick else _usual_tick(exchange, segment, _positive(price), day, underlying)
    return Instrument(
        id=f"{exchange}:{symbol}",
        exchange=exchange,
        symbol=symbol,
        segment=segment,
        underlying=underlying,
        ticks=(DatedStep(0, step),),
        lots=(DatedStep(0, from_text(lot)),),
        closing_auction=closing_auction,
    )


def _exchange_and_symbol(name: str) -> tuple[str, str]:
    from tradsys.core.errors import ConfigError, UnknownName

    exchange, colon, symbol = name.rpartition(":")
    if not colon:
        exchange = DEFAULT_EXCHANGE
    if not exchange.strip() or not symbol.strip():
        raise ConfigError("an instrument is EXCHANGE:SYMBOL", value=name, fix="write it like NSE:INFY")
    if exchange not in SEGMENTS and exchange.upper() in SEGMENTS:
        raise UnknownName("exchange", exchange, SEGMENTS)
    return exchange, symbol


def _kind(exchange: str, symbol: str) -> tuple[Segment, str]:
    """Segment, and the index that a contract is on; "" for every other."""
    from tradsys.core.errors import ConfigError
    from tradsys.core.instruments import Segment
    from tradsys.reference.ticks import INDEX_FUTURES, futures_of

    segment = Segment(SEGMENTS.get(exchange, "crypto_spot"))
    if segment is Segment.EQUITY and symbol.upper() in INDEX_FUTURES and exchange in ("NSE", "BSE"):
        raise ConfigError(f"{exchange}:{symbol} is an index", value=symbol, fix=f"trade {futures_of(symbol)}")
    if exchange not in ("NFO", "BFO"):
        return segment, ""
    names = [each for each in INDEX_FUTURES if re.match(re.escape(each) + r"\d", symbol)]
    return Segment.OPTION if _OPTION.fullmatch(symbol) else segment, max(names, key=len, default="")


def _positive(price: str) -> int:
    from tradsys.core.errors import ConfigError
    from tradsys.core.units import from_text

    exact = from_text(price)
    if exact <= 0:
        raise ConfigError("a price must be positive", value=price, limit="> 0", fix="give a decimal such as 1523.45")
    return exact


def _usual_tick(exchange: str, segment: Segment, price: int, day: datetime.date, underlying: str) -> int:
    from tradsys.core.units import SCALE
    from tradsys.engine.instruments import INDIAN
    from tradsys.reference.ticks import tick_size

    if exchange not in INDIAN:
        return SCALE // 100
    return tick_size(exchange, segment, price=price, on=day, underlying="index" if underlying else "stock")
