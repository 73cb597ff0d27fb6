"""Margins of linear perpetuals: maintenance by bracket, initial by leverage, and the price of liquidation.

    notional     N = mark × quantity × multiplier
    initial      N / leverage, and no more leverage than the bracket of N allows
    maintenance  N × rate(bracket) − deduction(bracket): continuous in N
    equity       wallet + Σ side × quantity × (mark − entry) × multiplier
    liquidation  where equity − fee × N ≤ maintenance

Inside a bracket both sides are linear in the price p, with q = quantity × multiplier and e = entry:

    long   p = (q·e − wallet − deduction) / (q·(1 − rate − fee))
    short  p = (q·e + wallet + deduction) / (q·(1 + rate + fee))

and since maintenance is the largest of what the brackets' formulas say, the highest of the long prices and the lowest
of the short ones is the one. Everything is exact in integers of 1e-24; prices come out on the tick, on the side that is
liquidated: a tick better is solvent. Above the last bracket its rate goes on.

Isolated: the wallet is the margin put to the position. Cross: it is the account's balance with the profits of the other
positions, less their maintenance, at their marks.

Not modelled: inverse (coin-margined) contracts, several collateral currencies, liquidation in steps, insurance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tradsys.core.errors import ConfigError, MissingData
from tradsys.core.units import SCALE, Rounding, to_step
from tradsys.reference.margin_parameters import Tier

FINE: Final = SCALE * SCALE
"""1e-8 money into 1e-24."""


class Perpetual(msgspec.Struct, frozen=True, kw_only=True):
    """A position: signed `quantity`, `entry` and `mark` prices, all 1e-8, and the brackets of its symbol.

    `fee` (a fraction, 1e-8) is what closing it at the price of liquidation costs; 0 where the venue leaves it out.
    """

    symbol: str
    quantity: int
    entry: int
    mark: int
    tiers: tuple[Tier, ...]
    multiplier: int = 1
    tick: int = 1
    fee: int = 0


class CrossMargin(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose positions share one wallet, 1e-8. `ratio` is maintenance / equity as a fraction, 1e-8, rounded
    up; None where there is no equity left. `liquidated`: equity does not exceed maintenance, compared exactly."""

    equity: int
    maintenance: int
    ratio: int | None
    liquidated: bool


def tier_of(tiers: Sequence[Tier], notional: int) -> Tier:
    """The bracket of a notional (1e-16). Raises `ConfigError` above the last."""
    for each in tiers:
        if notional <= each.up_to * SCALE:
            return each
    raise ConfigError(
        "notional above the last bracket",
        value=notional // SCALE,
        limit=tiers[-1].up_to if tiers else "no brackets",
        fix="trade less, or give the venue's brackets",
    )


def maintenance_margin(position: Perpetual) -> int:
    """Maintenance at the mark, 1e-8, rounded up. Raises `ConfigError`, `MissingData`."""
    return -(-_maintenance(_checked(position), position.mark) // FINE)


def initial_margin(position: Perpetual, *, leverage: int) -> int:
    """notional / leverage at the mark, 1e-8, rounded up. Raises `ConfigError` for more leverage than the bracket's."""
    notional = _notional(_checked(position), position.mark)
    most = tier_of(position.tiers, notional).leverage
    if not 1 <= leverage <= most:
        raise ConfigError(
            f"leverage of {position.symbol} at this size",
            value=leverage,
            limit=f"1 to {most}",
            fix="lower the leverage or the size",
        )
    return -(-notional // (SCALE * leverage))


def unrealised(position: Perpetual) -> int:
    """side × quantity × (mark − entry) × multiplier, 1e-8, rounded down."""
    return _profit(position, position.mark) // FINE


def isolated_liquidation_price(position: Perpetual, *, margin: int) -> int | None:
    """The first price, on the tick, at which a position with `margin` (1e-8) of its own is liquidated.

    None where there is none above 0. Raises `ConfigError`, `MissingData`.
    """
    return _liquidation_price(_checked(position), margin * FINE)


def cross_liquidation_price(position: Perpetual, *, wallet: int, others: Iterable[Perpetual]) -> int | None:
    """As `isolated_liquidation_price` in an account of one `wallet` (1e-8), while the marks of the others stay."""
    rest = wallet * FINE
    for each in others:
        rest += _profit(_checked(each), each.mark) - _maintenance(each, each.mark) - _fee(each, each.mark)
    return _liquidation_price(_checked(position), rest)


def cross_margin(positions: Iterable[Perpetual], *, wallet: int) -> CrossMargin:
    """Equity, maintenance and margin ratio of an account at the marks; closing fees are part of maintenance."""
    equity, maintenance = wallet * FINE, 0
    for each in positions:
        equity += _profit(_checked(each), each.mark)
        maintenance += _maintenance(each, each.mark) + _fee(each, each.mark)
    ratio = -(-maintenance * SCALE // equity) if equity > 0 else None
    return CrossMargin(
        equity=equity // FINE,
        maintenance=-(-maintenance // FINE),
        ratio=ratio,
        liquidated=0 < maintenance >= equity,
    )


def isolated_margin(position: Perpetual, *, margin: int) -> CrossMargin:
    """Equity, maintenance and margin ratio of a position with a `margin` of its own (1e-8)."""
    return cross_margin([position], wallet=margin)


def order_initial_margin(held: Perpetual, *, quantity: int, leverage: int) -> int:
    """What an order of a signed `quantity` adds to the initial margin of a position, 1e-8; below 0 where it closes."""
    after = msgspec.structs.replace(held, quantity=held.quantity + quantity)
    sizes = [initial_margin(each, leverage=leverage) if each.quantity else 0 for each in (held, after)]
    return sizes[1] - sizes[0]


def _checked(position: Perpetual) -> Perpetual:
    if position.quantity == 0 or not position.tiers or position.multiplier < 1 or position.tick < 1:
        raise ConfigError(f"{position.symbol} is no position with brackets", value=position.quantity, limit="not 0")
    if position.mark <= 0 or position.entry <= 0:
        raise MissingData(f"no price of {position.symbol}", value=(position.entry, position.mark), limit="> 0")
    if position.fee < 0 or position.tiers[-1].rate + position.fee >= SCALE:
        raise ConfigError(
            f"fee and maintenance of {position.symbol} leave nothing",
            value=position.fee,
            limit=SCALE - position.tiers[-1].rate,
        )
    return position


def _notional(position: Perpetual, price: int) -> int:
    """1e-16."""
    return price * abs(position.quantity) * position.multiplier


def _profit(position: Perpetual, price: int) -> int:
    """1e-24."""
    return (price - position.entry) * position.quantity * position.multiplier * SCALE


def _maintenance(position: Perpetual, price: int) -> int:
    """1e-24."""
    notional = _notional(position, price)
    tier = tier_of(position.tiers, notional)
    return notional * tier.rate - tier.deduction * SCALE


def _fee(position: Perpetual, price: int) -> int:
    """1e-24."""
    return _notional(position, price) * position.fee


def _liquidation_price(position: Perpetual, wallet: int) -> int | None:
    """`wallet` in 1e-24. A long's is None at 0 and below; a short that no price can save is liquidated at the first."""
    size = abs(position.quantity) * position.multiplier
    prices = [_solved(position, tier, wallet, size) for tier in position.tiers]
    if position.quantity < 0:
        return max(min(prices), position.tick)
    highest = max(prices)
    return highest if highest > 0 else None


def _solved(position: Perpetual, tier: Tier, wallet: int, size: int) -> int:
    """The price of a bracket's formula, on the tick, rounded towards liquidation."""
    entered, deduction = position.entry * size * SCALE, tier.deduction * SCALE
    if position.quantity > 0:
        exact = (entered - wallet - deduction) // (size * (SCALE - tier.rate - position.fee))
        return to_step(exact, position.tick, Rounding.DOWN)
    exact = -(-(entered + wallet + deduction) // (size * (SCALE + tier.rate + position.fee)))
    return to_step(exact, position.tick, Rounding.UP)
