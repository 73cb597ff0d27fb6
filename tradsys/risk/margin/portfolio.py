"""Margin of all positions of an account at an Indian broker, and what an order would add to it.

Futures and options are margined by underlying, whatever their product; shares by instrument and product. A hedge may
make what an order adds negative. Shares do not offset derivatives. Perpetuals: `perpetual.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import Product
from tradsys.core.instruments import Segment
from tradsys.reference.clock import local_date
from tradsys.risk.margin.cash import cash_margin
from tradsys.risk.margin.derivatives import derivative_margin
from tradsys.risk.margin.items import Charge, Item, Margin, added, margin_of_charges
from tradsys.risk.margin.positions import Market, Position, market_of, money

_DERIVATIVES = frozenset({Segment.FUTURE, Segment.OPTION})


class PortfolioMargin(msgspec.Struct, frozen=True, kw_only=True):
    """The margin of an account: by underlying for derivatives, by `INSTRUMENT PRODUCT` for shares."""

    parts: dict[str, Margin]

    @property
    def whole(self) -> Margin:
        """The charges of all parts."""
        return added(self.parts.values())

    @property
    def total(self) -> int:
        """The sum of all charges, 1e-8."""
        return self.whole.total

    def items(self) -> dict[str, int]:
        """Every item by its name, and `total`, over all parts."""
        return self.whole.items()


class OrderMargin(msgspec.Struct, frozen=True, kw_only=True):
    """What an order does to the margin of an account once it is filled."""

    before: PortfolioMargin
    after: PortfolioMargin

    def items(self) -> dict[str, int]:
        """Change of every item and of `total`, 1e-8; below 0 where the order gives margin back."""
        before = self.before.items()
        return {name: amount - before[name] for name, amount in self.after.items().items()}

    @property
    def added(self) -> int:
        """What the order adds, 1e-8; below 0 where it hedges or closes."""
        return self.after.total - self.before.total


def portfolio_margin(positions: Iterable[Position], *, markets: Mapping[str, Market], at: int) -> PortfolioMargin:
    """Margin of an account's positions at an instant (UTC nanoseconds).

    Args:
        markets: by the id of the underlying; a share is its own.

    Raises:
        ConfigError: what has no margin here: an index, crypto, a product that a segment does not have.
        MissingData: a position or an underlying without a price.
        UncoveredDate: a date that neither the full nor the simplified model has rows for.
    """
    groups = _grouped(each for each in positions if each.quantity)
    return PortfolioMargin(parts={name: _margin(held, dict(markets), at) for name, held in groups.items()})


def order_margin(
    positions: Iterable[Position],
    order: Position,
    *,
    markets: Mapping[str, Market],
    at: int,
    price: int = 0,
) -> OrderMargin:
    """Margin before and after an order, whose `quantity` is signed and whose `mark` is the instrument's last price.

    Args:
        price: the limit (1e-8). What a delivery or an option is bought for above its mark is asked for as well.

    Raises:
        ConfigError, MissingData, UncoveredDate: as `portfolio_margin`.
    """
    held = list(positions)
    before = portfolio_margin(held, markets=markets, at=at)
    after = portfolio_margin([*held, order], markets=markets, at=at)
    dearer = _dearer(order, price)
    if dearer.total:
        name = _name(order)
        after = PortfolioMargin(parts=after.parts | {name: after.parts.get(name, Margin()) + dearer})
    return OrderMargin(before=before, after=after)


def _dearer(order: Position, price: int) -> Margin:
    """What a purchase that is paid for costs above the mark."""
    option = order.instrument.segment is Segment.OPTION
    if order.quantity <= 0 or price <= order.mark or not (option or order.product is Product.CNC):
        return Margin()
    amount = money(price=price - order.mark, quantity=order.quantity, multiplier=order.instrument.multiplier)
    item = Item.OPTION_PREMIUM if option else Item.ADDITIONAL
    return margin_of_charges((Charge(item=item, amount=amount, reason="limit above the last price", source="order"),))


def _name(position: Position) -> str:
    instrument = position.instrument
    if instrument.segment in _DERIVATIVES:
        return instrument.underlying or instrument.id
    return f"{instrument.id} {position.product}"


def _grouped(positions: Iterable[Position]) -> dict[str, list[Position]]:
    groups: dict[str, list[Position]] = {}
    for each in positions:
        if each.instrument.segment not in (*_DERIVATIVES, Segment.EQUITY):
            raise ConfigError(
                f"no margin of {each.instrument.segment} in a portfolio",
                value=each.instrument.id,
                limit="shares, futures, options",
                fix="perpetuals have margins of their own (`perpetual`)",
            )
        groups.setdefault(_name(each), []).append(each)
    return groups


def _margin(held: list[Position], markets: dict[str, Market], at: int) -> Margin:
    first = held[0]
    market = market_of(first.instrument, markets)
    if first.instrument.segment in _DERIVATIVES:
        return derivative_margin(held, market, at=at)
    whole = msgspec.structs.replace(first, quantity=sum(each.quantity for each in held))
    if not whole.quantity:
        return Margin()
    return cash_margin(whole, market, on=local_date(at, "Asia/Kolkata"))
