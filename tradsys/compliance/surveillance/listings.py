"""Where an instrument is listed and what it is, as its name says; and the day in India."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from tradsys.core.instruments import Segment
from tradsys.core.units import SECOND

_EXCHANGES = {
    "NSE": ("NSE", Segment.EQUITY),
    "BSE": ("BSE", Segment.EQUITY),
    "NFO": ("NSE", Segment.FUTURE),
    "BFO": ("BSE", Segment.FUTURE),
}
_EPOCH = date(1970, 1, 1).toordinal()
_INDIA = 19_800 * SECOND
_DAY = 86_400 * SECOND


class Listing(NamedTuple):
    """The exchange whose rules hold, the segment, and the name that the exchange segment goes by (`NSE`, `NFO`, …)."""

    exchange: str
    segment: Segment
    venue: str


@lru_cache(maxsize=100_000)
def listing_of(instrument: str) -> Listing | None:
    """`NSE:INFY` is a share, `NFO:NIFTY26NOVFUT` a future, `NFO:NIFTY26NOV25000CE` an option; None elsewhere."""
    venue, _, symbol = instrument.partition(":")
    found = _EXCHANGES.get(venue)
    if found is None or not symbol:
        return None
    exchange, segment = found
    if segment is Segment.FUTURE and symbol.endswith(("CE", "PE")):
        segment = Segment.OPTION
    return Listing(exchange, segment, venue)


def day_number(at: int) -> int:
    """Number of the day in India that an instant (UTC nanoseconds) is on."""
    return (at + _INDIA) // _DAY


def date_of(day: int) -> date:
    """The date of a day number."""
    return date.fromordinal(_EPOCH + day)
