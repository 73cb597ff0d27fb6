"""From the run file's instruments to exact ones, with what the exchange's dated tables say of tick and lot."""

from __future__ import annotations

import datetime

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE, from_float
from tradsys.engine.run_file import InstrumentSection, RunFile
from tradsys.reference.calendar import Calendar, calendar_for
from tradsys.reference.ticks import INDEX_FUTURES, Underlying, tick_steps

INDIAN = ("NSE", "BSE", "NFO", "BFO")
_INDICES = ("NIFTY", "NIFTY 50", "BANKNIFTY", "NIFTY BANK", "FINNIFTY", "MIDCPNIFTY", "SENSEX", "BANKEX", "INDIA VIX")


def sections_of(run: RunFile) -> list[InstrumentSection]:
    """The instruments of a run file, those given by name alone as sections of their own."""
    return [InstrumentSection(id=each) if isinstance(each, str) else each for each in run.data.instruments]


def build_instrument(section: InstrumentSection, *, currency: str) -> Instrument:
    """One exact instrument, in the account's `currency` unless it says otherwise.

    Raises `ConfigError` for an id without an exchange or a derivative without its terms.
    """
    exchange, colon, symbol = section.id.partition(":")
    if not colon or not exchange or not symbol:
        raise ConfigError("an instrument is EXCHANGE:SYMBOL", value=section.id, fix="write it like NSE:INFY")
    segment = section.segment or _segment(exchange, symbol)
    derivative = segment in (Segment.FUTURE, Segment.OPTION)
    if derivative and section.expiry is None:
        raise ConfigError(f"{section.id}: a {segment} needs its expiry", fix='give expiry = "2026-11-24"')
    if segment is Segment.OPTION and (section.strike is None or section.right is None):
        raise ConfigError(f"{section.id}: an option needs strike and right", fix='give strike = 25000, right = "CE"')
    return Instrument(
        id=section.id,
        exchange=exchange,
        symbol=symbol,
        segment=segment,
        currency=section.currency or currency,
        ticks=(DatedStep(0, _step(section, "tick", SCALE // 20 if exchange in INDIAN else SCALE // 100)),),
        lots=(DatedStep(0, _step(section, "lot", _default_lot(segment))),),
        multiplier=section.multiplier,
        underlying=section.underlying,
        expiry=_expiry(section, exchange, segment),
        strike=None if section.strike is None else from_float(section.strike),
        right=section.right,
        physical_settlement=section.physical_settlement,
        closing_auction=section.closing_auction,
    )


def underlying_of(instrument: Instrument) -> Underlying:
    """Whether a contract is on an index or on a stock."""
    return "index" if instrument.underlying.rpartition(":")[2].upper() in INDEX_FUTURES else "stock"


def with_dated_ticks(instrument: Instrument, section: InstrumentSection, *, price: float) -> Instrument:
    """The exchange's dated ticks at the price the data begins with, unless the run file gives a tick."""
    if section.tick is not None or instrument.exchange not in INDIAN or instrument.segment is Segment.INDEX:
        return instrument
    steps = tick_steps(
        instrument.segment,
        exchange=instrument.exchange,
        price=from_float(price),
        underlying=underlying_of(instrument),
    )
    return msgspec.structs.replace(instrument, ticks=steps)


def calendar_of(instrument: Instrument) -> Calendar:
    """The session calendar an instrument trades by; one without a known exchange trades round the clock."""
    exchange = instrument.exchange if instrument.exchange in INDIAN else "CRYPTO"
    return calendar_for(exchange, instrument.segment, closing_auction=instrument.closing_auction)


def _segment(exchange: str, symbol: str) -> Segment:
    if exchange in ("NFO", "BFO"):
        kind = "an option" if symbol.endswith(("CE", "PE")) else "a future"
        raise ConfigError(
            f"{exchange}:{symbol} looks like {kind}", value=symbol, fix="say so: segment, expiry, strike, right"
        )
    if exchange in ("NSE", "BSE"):
        return Segment.INDEX if symbol in _INDICES else Segment.EQUITY
    return Segment.CRYPTO_SPOT


def _step(section: InstrumentSection, name: str, default: int) -> int:
    given = getattr(section, name)
    return default if given is None else from_float(given)


def _default_lot(segment: Segment) -> int:
    return 1000 if segment in (Segment.CRYPTO_SPOT, Segment.CRYPTO_PERPETUAL) else SCALE


def _expiry(section: InstrumentSection, exchange: str, segment: Segment) -> int | None:
    """The close of the expiry date's session."""
    if section.expiry is None:
        return None
    try:
        day = datetime.date.fromisoformat(section.expiry)
    except ValueError as error:
        raise ConfigError(
            f"{section.id}: expiry is not a date", value=section.expiry, fix="write YYYY-MM-DD"
        ) from error
    session = calendar_for(exchange if exchange in INDIAN else "CRYPTO", segment).session(day)
    if session is None:
        raise ConfigError(f"{section.id}: no session on its expiry", value=section.expiry, fix="check the date")
    return session.close
