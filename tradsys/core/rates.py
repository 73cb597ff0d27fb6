"""Prices in another currency than the account's: the rate of a date, and the one rounding of the conversion."""

from __future__ import annotations

import msgspec

from tradsys.core.units import SCALE, Rounding, divide


class RateSet(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """From `at` on a unit of `currency` is worth `rate` (1e-8) of the account's currency."""

    at: int
    currency: str
    rate: int


def converted(price: int, *, rate: int) -> int:
    """A price (1e-8) at a rate (1e-8), to the nearest 1e-8 of the account's currency. What is bought and sold is booked
    at this price, so that money is a fold over fills like in the account's own currency."""
    return divide(price * rate, SCALE, Rounding.NEAREST)
