"""Exact units and the only conversions between them and floats.

Prices, quantities and money are plain ints in 1e-8 (`SCALE`); times are ints, UTC nanoseconds. The types below are
documentation for the reader and the type checker: at run time they are `int`.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum
from typing import NewType

from tradsys.core.errors import ConfigError

SCALE = 10**8
"""Units per rupee, per share, per coin."""

LARGEST = 9 * 10**15 // SCALE
"""Largest float that converts exactly to 1e-8 (2**53 units): 90 million."""

_EXACT = Context(prec=1000, traps=[InvalidOperation, Inexact])
"""Decimal's default context rounds to 28 digits without a word."""

Price = NewType("Price", int)
Quantity = NewType("Quantity", int)
Money = NewType("Money", int)

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Rounding(Enum):
    """How a number that lies between two steps reaches one of them. Never implicit."""

    DOWN = "down"
    UP = "up"
    NEAREST = "nearest"
    TOWARD_ZERO = "toward_zero"


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """`numerator / denominator` as an int, rounded as named (`NEAREST` rounds halves away from zero)."""
    if rounding is Rounding.DOWN:
        return numerator // denominator
    if rounding is Rounding.UP:
        return -(-numerator // denominator)
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    magnitude, divisor = abs(numerator), abs(denominator)
    if rounding is Rounding.TOWARD_ZERO:
        return sign * (magnitude // divisor)
    return sign * ((2 * magnitude + divisor) // (2 * divisor))


def to_step(units: int, step: int, rounding: Rounding) -> int:
    """The multiple of `step` that `units` is rounded to."""
    return divide(units, step, rounding) * step


def from_float(value: float) -> int:
    """Nearest 1e-8 to a float. Raises `ConfigError` for NaN, infinity or a magnitude above `LARGEST`."""
    if not -LARGEST <= value <= LARGEST:
        raise ConfigError(
            "number out of range",
            value=value,
            limit=LARGEST,
            fix="give a finite number below 90 million",
        )
    return round(value * SCALE)


def from_text(text: str) -> int:
    """Exact 1e-8 of a decimal text. Raises `ConfigError` if it is no number or finer than 1e-8."""
    try:
        scaled = Decimal(text).scaleb(8, context=_EXACT)
    except (InvalidOperation, Inexact):
        raise ConfigError("not a number", value=text, fix="give a decimal such as 1523.45") from None
    if not scaled.is_finite() or scaled.adjusted() > 900 or scaled != int(scaled):
        raise ConfigError(
            "finer than 1e-8, or not finite",
            value=text,
            limit="1e-8",
            fix="use at most eight decimals",
        )
    return int(scaled)


def to_float(units: int) -> float:
    """The float nearest to a scaled int, for display and analytics; never for arithmetic on money."""
    return units / SCALE


def to_text(units: int) -> str:
    """The shortest exact decimal of a scaled int: `from_text(to_text(x)) == x`."""
    whole, part = divmod(abs(units), SCALE)
    fraction = f"{part:08d}".rstrip("0")
    return ("-" if units < 0 else "") + (f"{whole}.{fraction}" if fraction else str(whole))


def notional(*, price: int, quantity: int, multiplier: int = 1) -> Money:
    """Money that changes hands for a signed `quantity`: positive is paid, negative is received.

    Exact where tick × lot is a whole number of 1e-8; otherwise rounded up, which is against the trader on both sides
    (a buyer pays more, a seller receives less).
    """
    return Money(-(-price * quantity * multiplier // SCALE))


def group_indian(units: int, *, decimals: int = 2) -> str:
    """Scaled int with lakh and crore grouping: `12,34,567.89`."""
    step = 10 ** (8 - decimals)
    rounded = divide(units, step, Rounding.NEAREST)
    whole, part = divmod(abs(rounded), 10**decimals)
    head, tail = str(whole)[:-3], str(whole)[-3:]
    groups = [tail]
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    text = ",".join(groups) + (f".{part:0{decimals}d}" if decimals else "")
    return ("-" if rounded < 0 else "") + text


def format_money(units: int, currency: str = "INR") -> str:
    """Money for people: `₹12,34,567.89` in rupees, `USD 1,234,567.89` otherwise."""
    if currency == "INR":
        text = group_indian(units)
        return f"-₹{text[1:]}" if text.startswith("-") else f"₹{text}"
    return f"{currency} {divide(units, 10**6, Rounding.NEAREST) / 100:,.2f}"
