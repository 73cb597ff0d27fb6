"""Limits on the Greeks of a portfolio, and what exceeds them: a pure function that the gate may ask.

It fails closed: as long as a position cannot be valued, whatever could hold it exceeds its limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.risk.greeks import PortfolioGreeks, PositionGreeks, Unvalued

Greek = Literal["delta", "gamma", "vega", "theta", "delta_money", "gamma_money", "vega_point", "theta_day"]

OF_ONE_UNDERLYING: Final = ("delta", "gamma")


class GreekLimit(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """The most that a Greek may be, whatever its sign, in the units of `PositionGreeks`.

    Of one underlying, or, with `underlying` empty, of all those of a currency together.

    Raises:
        ConfigError: no such Greek, a limit that is not above 0 and finite, delta or gamma of everything.
    """

    greek: Greek
    most: float
    underlying: str = ""
    currency: str = "INR"

    def __post_init__(self) -> None:
        """See the class."""
        if self.greek not in get_args(Greek):
            raise ConfigError("no such Greek", value=self.greek, limit=", ".join(get_args(Greek)))
        if not 0.0 < self.most < math.inf:
            raise ConfigError(f"limit on {self.greek} must be positive", value=self.most, limit="> 0")
        if not self.underlying and self.greek in OF_ONE_UNDERLYING:
            raise ConfigError(
                f"{self.greek} of different underlyings does not add up",
                value=self.greek,
                limit="one underlying",
                fix=f"name the underlying, or limit {self.greek}_money",
            )


class GreeksSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[risk.greeks]`: limits on the Greeks of the account, and the interest rate a year that options are valued at."""

    interest_rate: float
    limits: list[GreekLimit] = []


class GreekExceeded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A limit that is not kept: the rule, what of, the limit and the value as texts, and what to do."""

    rule: str
    underlying: str
    limit: str
    value: str
    fix: str = ""


def exceeded(limits: Iterable[GreekLimit], greeks: PortfolioGreeks) -> list[GreekExceeded]:
    """Every limit that these Greeks do not keep, in the order of the limits; a value at its limit keeps it."""
    found = []
    for limit in limits:
        unknown = next((each for each in greeks.unvalued if limit.underlying in ("", each.underlying)), None)
        if unknown is not None:
            found.append(_unknown(limit, unknown))
        elif not abs(value := value_of(limit, greeks)) <= limit.most:
            found.append(_over(limit, value))
    return found


def value_of(limit: GreekLimit, greeks: PortfolioGreeks) -> float:
    """What a limit is held against."""
    if limit.underlying:
        of = greeks.by_underlying.get(limit.underlying, PositionGreeks())
    else:
        of = greeks.total(limit.currency)
    return float(getattr(of, limit.greek))


def _over(limit: GreekLimit, value: float) -> GreekExceeded:
    return GreekExceeded(
        rule=f"greek-{limit.greek.replace('_', '-')}",
        underlying=limit.underlying,
        limit=f"{limit.most:g}",
        value=f"{value!r}",
        fix=f"bring {limit.greek} back, or raise the limit",
    )


def _unknown(limit: GreekLimit, unknown: Unvalued) -> GreekExceeded:
    return GreekExceeded(
        rule="greeks-unknown",
        underlying=unknown.underlying,
        limit=f"every position valued ({limit.greek} {limit.most:g})",
        value=f"{unknown.instrument}: {unknown.reason}: {unknown.value}",
        fix="wait for a price and a volatility of it",
    )
