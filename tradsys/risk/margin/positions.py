"""What margins are worked out from: positions at their last prices, and the markets that they hang on."""

from __future__ import annotations

import math
from datetime import date

import msgspec

from tradsys.core.errors import ConfigError, MissingData
from tradsys.core.events import Product
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.reference.clock import local_date
from tradsys.reference.margin_parameters import Group
from tradsys.reference.ticks import Underlying


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A holding of one instrument in one product: `quantity` signed and `mark` its last price, both 1e-8.

    `volatility` is the one implied by an option's price, a year as a fraction; NaN where it is not known.
    """

    instrument: Instrument
    product: Product
    quantity: int
    mark: int
    volatility: float = math.nan


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """An underlying: whether it is an index or a stock, its price (1e-8), and how it moves.

    `daily_volatility` is the standard deviation of a day's logarithmic returns, as a fraction (NSE Clearing: EWMA with
    λ 0.995; NaN: not known). `rate` and `dividend_yield` are a year's, continuously compounded. `group` is the
    liquidity group of a share.
    """

    kind: Underlying
    price: int
    daily_volatility: float = math.nan
    rate: float = 0.0
    dividend_yield: float = 0.0
    group: Group = "group_1"


def checked(position: Position) -> Position:
    """The position, if its price is one. Raises `MissingData` for a price that is none."""
    least = 0 if position.instrument.segment is Segment.OPTION else 1
    if position.mark < least:
        raise MissingData(
            f"no price of {position.instrument.id}", value=position.mark, limit=f">= {least}", fix="give its last price"
        )
    return position


def market_of(instrument: Instrument, markets: dict[str, Market]) -> Market:
    """The market that an instrument hangs on. Raises `MissingData` where there is none or it has no price."""
    name = instrument.underlying or instrument.id
    market = markets.get(name)
    if market is None or market.price <= 0:
        raise MissingData(
            f"no price of {name}, which {instrument.id} hangs on",
            value=None if market is None else market.price,
            limit="> 0",
            fix="give the market of the underlying",
        )
    return market


def money(*, price: int, quantity: int, multiplier: int) -> int:
    """price × |quantity| × multiplier, up to the next 1e-8."""
    return -(-price * abs(quantity) * multiplier // SCALE)


def share_of(amount: int, *, rate: int) -> int:
    """`rate` (1e-8) of an amount, up to the next 1e-8."""
    return -(-amount * rate // SCALE)


def expiry_day(instrument: Instrument) -> date:
    """The Indian date on which a contract expires. Raises `ConfigError` for one without expiry."""
    if instrument.expiry is None:
        raise ConfigError(f"{instrument.id} has no expiry", fix="give the contract its expiry")
    return local_date(instrument.expiry, "Asia/Kolkata")
