"""The one spelling of bar lengths: `1m 5m 1h 1d`, and Kite's `minute 5minute day`."""

from __future__ import annotations

import re

from tradsys.core.errors import ConfigError
from tradsys.core.units import DAY, HOUR, MINUTE, SECOND

_UNITS = {
    "s": SECOND,
    "second": SECOND,
    "m": MINUTE,
    "min": MINUTE,
    "minute": MINUTE,
    "h": HOUR,
    "hour": HOUR,
    "d": DAY,
    "day": DAY,
}
_INTERVAL = re.compile(r"(\d*)\s*([a-z]+?)s?", re.IGNORECASE)


def span_of(interval: str) -> int:
    """Length in nanoseconds of an interval such as `5m`, `1h`, `1d`, `15minute`, `day`.

    Raises `ConfigError` for anything else, for a zero, and for a length that does not divide a day evenly
    (bars of 7 hours have no agreed place in a day) or exceeds one.
    """
    match = _INTERVAL.fullmatch(interval.strip()) or re.fullmatch(r"(\d*)(s)", interval.strip())
    unit = _UNITS.get(match[2].lower()) if match else None
    span = int(match[1] or 1) * unit if match and unit else 0
    if not 0 < span <= DAY:
        raise ConfigError(
            f"interval {interval!r} is not one",
            value=interval,
            limit="1s … 1d",
            fix="write 1m, 5m, 15m, 1h or 1d (Kite's minute, 5minute, day work too)",
        )
    return span


def interval_of(span: int) -> str:
    """Shortest text of a length in nanoseconds: `interval_of(span_of("60m")) == "1h"`."""
    for suffix, unit in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        if span >= unit and span % unit == 0:
            return f"{span // unit}{suffix}"
    raise ConfigError("interval shorter than a second", value=span, limit="1s")
