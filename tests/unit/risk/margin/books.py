"""Contracts and markets for the tests of margins: NIFTY and a stock in November 2026."""

from __future__ import annotations

from datetime import date

from tradsys.core.events import Product
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE, from_float
from tradsys.reference.sessions import days_since_epoch, instant
from tradsys.risk.margin.positions import Market, Position

LAKH = 10**5 * SCALE
ON = date(2026, 11, 10)
NEAR, FAR, LONG = date(2026, 11, 24), date(2026, 12, 29), date(2027, 12, 28)
SHARE = Instrument(id="NSE:INFY", exchange="NSE", symbol="INFY", segment=Segment.EQUITY)


def at(day: date = ON, clock: str = "11:00") -> int:
    """An instant of a day, Indian time."""
    return instant(days_since_epoch(day), clock)


def future(expiry: date = NEAR, *, underlying: str = "NIFTY", quantity: int = 75, mark: float = 25_000.0) -> Position:
    """A future; `quantity` in units."""
    instrument = Instrument(
        id=f"NFO:{underlying}{expiry:%y%b}FUT",
        exchange="NFO",
        symbol=f"{underlying}FUT",
        segment=Segment.FUTURE,
        underlying=underlying,
        expiry=at(expiry, "15:30"),
        physical_settlement=underlying != "NIFTY",
    )
    return Position(instrument=instrument, product=Product.NRML, quantity=quantity * SCALE, mark=from_float(mark))


def option(
    right: OptionRight,
    strike: float,
    expiry: date = NEAR,
    *,
    underlying: str = "NIFTY",
    quantity: int = 75,
    mark: float = 250.0,
    volatility: float = 0.15,
) -> Position:
    """An option; `quantity` in units."""
    instrument = Instrument(
        id=f"NFO:{underlying}{expiry:%y%b%d}{strike:g}{right}",
        exchange="NFO",
        symbol=f"{underlying}{strike:g}{right}",
        segment=Segment.OPTION,
        underlying=underlying,
        expiry=at(expiry, "15:30"),
        strike=from_float(strike),
        right=right,
        physical_settlement=underlying != "NIFTY",
    )
    return Position(
        instrument=instrument,
        product=Product.NRML,
        quantity=quantity * SCALE,
        mark=from_float(mark),
        volatility=volatility,
    )


def share(quantity: int = 100, *, product: Product = Product.CNC, mark: float = 1_000.0) -> Position:
    """A position in the share."""
    return Position(instrument=SHARE, product=product, quantity=quantity * SCALE, mark=from_float(mark))


NIFTY = Market(kind="index", price=25_000 * SCALE, daily_volatility=0.008)
INFY = Market(kind="stock", price=1_000 * SCALE, daily_volatility=0.015)
MARKETS = {"NIFTY": NIFTY, "INFY": INFY, "NSE:INFY": INFY}
