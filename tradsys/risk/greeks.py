"""What a portfolio of options, futures and shares gains and loses as markets move: its Greeks, by underlying.

Whatever cannot be valued (no price, no volatility, NaN, past its expiry) is named with its reason and counted nowhere:
figures with something unknown beside them are not the portfolio's, and no limit is kept then (see `greek_limits`).

Not modelled: American exercise; the basis of a future, whose delta is 1 for each unit; the cross effects of one
underlying on another; discrete dividends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from tradsys.core.events import Word
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import DAY, to_float

YEAR: Final = 365 * DAY

_OPTION, _INDEX = Segment.OPTION, Segment.INDEX

Units = tuple[float, float, float, float]
"""Delta, gamma, vega, theta."""

NOTHING: Final[Units] = (0.0, 0.0, 0.0, 0.0)
OF_ITSELF: Final[Units] = (1.0, 0.0, 0.0, 0.0)


class OptionModel(Word):
    """What the price of an underlying is to its options."""

    SPOT = "spot"
    """A price today: Black, Scholes and Merton (1973)."""
    FUTURE = "future"
    """The price of the future, or the forward, of the options' expiry: Black (1976)."""


class Underlying(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The market of one underlying now: its price, and rates a year, continuously compounded."""

    price: float
    rate: float = 0.0
    dividend_yield: float = 0.0
    model: OptionModel = OptionModel.SPOT


class Holding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position: `quantity` in 1e-8 units, signed. `volatility` is a year's, 0.2 for 20 %; options need one."""

    instrument: Instrument
    quantity: int
    volatility: float = math.nan


class PositionGreeks(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Sums over positions, each of its derivative × quantity × multiplier.

    In units: `delta` of the underlying held in effect; `gamma` delta gained as the price rises by 1; `vega` money per
    1.00 of volatility; `theta` money per year that passes (365 days). In money: `delta_money` delta × price;
    `gamma_money` delta_money gained as the price rises by 1 %, without that of the price itself (gamma × price² / 100);
    `vega_point` per 0.01 of volatility; `theta_day` per calendar day.
    """

    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    delta_money: float = 0.0
    gamma_money: float = 0.0
    vega_point: float = 0.0
    theta_day: float = 0.0

    def __add__(self, other: PositionGreeks) -> PositionGreeks:
        """Field by field. Delta and gamma add up within one underlying only."""
        pairs = zip(self.__struct_fields__, msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return PositionGreeks(**{name: mine + theirs for name, mine, theirs in pairs})


class Unvalued(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position that has no Greeks, why, and the value that is to blame."""

    instrument: str
    underlying: str
    reason: str
    value: str


class PortfolioGreeks(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Greeks by underlying, the currency of each underlying's positions, and what is in none of them."""

    by_underlying: dict[str, PositionGreeks]
    currencies: dict[str, str]
    unvalued: tuple[Unvalued, ...] = ()

    def total(self, currency: str) -> PositionGreeks:
        """Over all underlyings of a currency; delta and gamma are 0, since units of different things do not add up."""
        parts = [each for name, each in self.by_underlying.items() if self.currencies[name] == currency]
        summed = sum(parts, PositionGreeks())
        return msgspec.structs.replace(summed, delta=0.0, gamma=0.0)


def underlying_of(instrument: Instrument) -> str:
    """What an instrument's price hangs on: the underlying that it names, else itself."""
    return instrument.underlying or instrument.id


def portfolio_greeks(holdings: Iterable[Holding], *, underlyings: Mapping[str, Underlying], at: int) -> PortfolioGreeks:
    """Greeks of positions at an instant (UTC nanoseconds).

    Args:
        underlyings: markets by the id of the underlying; shares and coins are underlyings too.
    """
    held = [each for each in holdings if each.quantity != 0]
    unvalued = [why for each in held if (why := _unvalued(each, underlyings, at)) is not None]
    unknown = {each.instrument for each in unvalued}
    known = [each for each in held if each.instrument.id not in unknown]
    sums: dict[str, Units] = {}
    currencies: dict[str, str] = {}
    for each, units in _by_position(known, underlyings, at):
        name, currency = underlying_of(each.instrument), each.instrument.currency
        if not math.isfinite(sum(units)):
            unvalued.append(_because(each, "has no derivatives here", str(units)))
        elif currencies.setdefault(name, currency) != currency:
            unvalued.append(_because(each, f"its underlying is held in {currencies[name]}", currency))
        else:
            sums[name] = _added(sums.get(name, NOTHING), units, each)
    by_underlying = {name: _in_money(units, price=underlyings[name].price) for name, units in sums.items()}
    return PortfolioGreeks(by_underlying=by_underlying, currencies=currencies, unvalued=tuple(unvalued))


def _because(holding: Holding, reason: str, value: str) -> Unvalued:
    instrument = holding.instrument
    return Unvalued(instrument=instrument.id, underlying=underlying_of(instrument), reason=reason, value=value)


def _unvalued(holding: Holding, underlyings: Mapping[str, Underlying], at: int) -> Unvalued | None:
    instrument, market = holding.instrument, underlyings.get(underlying_of(holding.instrument))
    if market is None:
        return _because(holding, "no price of the underlying", "none")
    if not 0.0 < market.price < math.inf:
        return _because(holding, "price of the underlying is none", str(market.price))
    if instrument.segment is _INDEX:
        return _because(holding, "an index is a number, not a position", instrument.id)
    if instrument.expiry is not None and at >= instrument.expiry:
        return _because(holding, "past its expiry and not settled", str(instrument.expiry))
    return _unvalued_option(holding, market) if instrument.segment is _OPTION else None


def _unvalued_option(holding: Holding, market: Underlying) -> Unvalued | None:
    instrument = holding.instrument
    if instrument.strike is None or instrument.right is None or instrument.expiry is None:
        terms = f"strike {instrument.strike}, right {instrument.right}, expiry {instrument.expiry}"
        return _because(holding, "an option without its terms", terms)
    if not (math.isfinite(market.rate) and math.isfinite(market.dividend_yield)):
        return _because(holding, "rate or yield is no number", f"{market.rate}, {market.dividend_yield}")
    if not 0.0 < holding.volatility < math.inf:
        return _because(holding, "no volatility", str(holding.volatility))
    return None


def _by_position(
    known: list[Holding], underlyings: Mapping[str, Underlying], at: int
) -> Iterable[tuple[Holding, Units]]:
    """Delta, gamma, vega and theta of one unit of each, in the order of the holdings, options valued together."""
    found: dict[int, Units] = {}
    for model in OptionModel:
        places = [
            place
            for place, each in enumerate(known)
            if each.instrument.segment is _OPTION and underlyings[underlying_of(each.instrument)].model is model
        ]
        if places:
            found |= zip(places, _of_options([known[place] for place in places], underlyings, at, model), strict=True)
    return [(each, found.get(place, OF_ITSELF)) for place, each in enumerate(known)]


def _of_options(
    options: list[Holding], underlyings: Mapping[str, Underlying], at: int, model: OptionModel
) -> list[Units]:
    from tradsys.numerics.options import CALL, PUT, Options, greeks

    markets = [underlyings[underlying_of(each.instrument)] for each in options]
    prices, rates = [each.price for each in markets], [each.rate for each in markets]
    strikes = [to_float(each.instrument.strike or 0) for each in options]
    years = [((each.instrument.expiry or at) - at) / YEAR for each in options]
    rights = [CALL if each.instrument.right is OptionRight.CALL else PUT for each in options]
    volatilities = [each.volatility for each in options]
    if model is OptionModel.FUTURE:
        batch = Options.on_future(
            future=prices, strike=strikes, years=years, right=rights, volatility=volatilities, rate=rates
        )
    else:
        yields = [each.dividend_yield for each in markets]
        batch = Options.on_spot(
            spot=prices,
            strike=strikes,
            years=years,
            right=rights,
            volatility=volatilities,
            rate=rates,
            dividend_yield=yields,
        )
    each = greeks(batch)
    return list(zip(each.delta.tolist(), each.gamma.tolist(), each.vega.tolist(), each.theta.tolist(), strict=True))


def _added(total: Units, units: Units, holding: Holding) -> Units:
    size = to_float(holding.quantity) * holding.instrument.multiplier
    return (
        total[0] + size * units[0],
        total[1] + size * units[1],
        total[2] + size * units[2],
        total[3] + size * units[3],
    )


def _in_money(units: Units, *, price: float) -> PositionGreeks:
    delta, gamma, vega, theta = units
    return PositionGreeks(
        delta=delta,
        gamma=gamma,
        vega=vega,
        theta=theta,
        delta_money=delta * price,
        gamma_money=gamma * price * price / 100.0,
        vega_point=vega / 100.0,
        theta_day=theta / 365.0,
    )
