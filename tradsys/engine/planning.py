"""From what a strategy wants to the orders that make it true. The only place floats become exact orders."""

from __future__ import annotations

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import (
    Order,
    OrderIntent,
    OrderType,
    Product,
    QuoteIntent,
    Side,
    Signal,
    Target,
    TwoOrders,
    Validity,
)
from tradsys.core.instruments import Instrument
from tradsys.core.order_terms import Terms
from tradsys.core.units import Rounding
from tradsys.engine.exact_terms import exact_terms
from tradsys.engine.log import Numbers
from tradsys.engine.runner import Desire

QUOTE = "quote"
"""Reason of the orders of a two-sided quote."""

_BUY, _SELL = Side.BUY, Side.SELL
_MARKET, _LIMIT = OrderType.MARKET, OrderType.LIMIT
_FOK, _GTD, _NO_TERMS = Validity.FOK, Validity.GTD, msgspec.UNSET

_LIMIT_ROUNDING = {Side.BUY: Rounding.DOWN, Side.SELL: Rounding.UP}
"""A buy limit never rounds up, a sell limit never down."""

_TRIGGER_ROUNDING = {Side.BUY: Rounding.UP, Side.SELL: Rounding.DOWN}
"""A stop rounds away from the market: rounding never makes it trade at a price the author did not give."""


_VALIDITY = {
    Product.SPOT: Validity.GTC,
    Product.CNC: Validity.DAY,
    Product.MIS: Validity.DAY,
    Product.NRML: Validity.DAY,
    Product.LONG: Validity.DAY,
    Product.SHORT: Validity.DAY,
}
"""Where there are no sessions a market order works until it fills."""


class Planner:
    """Makes orders of intents; owns the numbering of orders and of linked groups."""

    __slots__ = ("_next_group", "_next_id", "groups", "ids")

    def __init__(self) -> None:
        self.ids, self.groups = Numbers(1), Numbers(1)
        self._next_id, self._next_group = self.ids.take, self.groups.take

    # --- targets

    def signal(self, desire: Desire, intent: Signal, at: int) -> list[Order]:
        """Orders that bring the position to the signal's size. The size is taken when the strength changes; repeating
        the same strength keeps it, so a repeated signal does nothing. Raises `ConfigError` outside -1…1."""
        strength = intent.strength
        if strength != desire.strength:
            if not -1.0 <= strength <= 1.0:
                raise ConfigError("signal strength out of range", value=strength, limit="-1 to 1")
            desire.quantity = self._sized(desire, strength, at) if strength else 0
            desire.strength = strength
        return self._toward(desire, intent.reason, at)

    def target(self, desire: Desire, intent: Target, at: int) -> list[Order]:
        """Orders that bring the position to the target. Raises `ConfigError` for NaN or a number out of range."""
        desire.strength = None
        desire.quantity = desire.instrument.quantity(intent.quantity, at=at)
        return self._toward(desire, intent.reason, at)

    def _sized(self, desire: Desire, strength: float, at: int) -> int:
        bar = desire.market.bar
        if bar is None:
            return 0
        sizer = desire.runner.sizer
        equity = desire.runner.account.allotment if sizer.looks_at_equity else 0.0
        wanted = sizer.quantity(strength=strength, price=bar.close * desire.market.conversion, equity=equity)
        return desire.instrument.quantity(wanted, at=at)

    def _toward(self, desire: Desire, reason: str, at: int) -> list[Order]:
        """The difference as one order, or two when it goes through zero: closing is never held up by opening."""
        standing = desire.working + desire.position.quantity
        wanted = desire.quantity
        if wanted == standing:
            return []
        product = desire.runner.product
        if standing * wanted >= 0:
            return [self.market(desire, wanted - standing, product, reason=reason, at=at)]
        return [self.market(desire, part, product, reason=reason, at=at) for part in (-standing, wanted)]

    def market(self, desire: Desire, signed: int, product: Product, *, reason: str, at: int) -> Order:
        """A market order for a signed quantity."""
        return Order(
            at=at,
            order_id=self._next_id(),
            strategy=desire.runner.id,
            instrument=desire.instrument.id,
            side=_BUY if signed > 0 else _SELL,
            quantity=abs(signed),
            type=_MARKET,
            product=product,
            validity=_VALIDITY[product],
            reason=reason,
        )

    # --- orders as written

    def order(self, desire: Desire, intent: OrderIntent, at: int) -> list[Order]:
        """The order, and the sleeping children of a bracket. Raises `ConfigError` for NaN, or less than one lot."""
        parent = self._exact(desire, intent, at)
        if intent.stop is None and intent.target is None:
            return [parent]
        intent = msgspec.structs.replace(intent, product=parent.product)
        group = self._next_group() if intent.stop is not None and intent.target is not None else 0
        children = [
            self._exact(desire, child, at, parent=parent.order_id, group=group)
            for child in (_stop_child(intent), _target_child(intent))
            if child is not None
        ]
        return [parent, *children]

    def two_orders(self, desire: Desire, intent: TwoOrders, at: int) -> list[Order]:
        """Two orders of one group. Raises `ConfigError` for a pair that is not on one instrument, or with brackets."""
        for each in (intent.first, intent.second):
            if each.instrument != intent.instrument or each.stop is not None or each.target is not None:
                raise ConfigError(
                    "a pair is two plain orders on one instrument",
                    value=f"{each.instrument}, stop {each.stop}, target {each.target}",
                    limit=intent.instrument,
                    fix="leave stop and target out, or give a bracket",
                )
        group = self._next_group()
        return [self._exact(desire, each, at, group=group) for each in (intent.first, intent.second)]

    def quote(self, desire: Desire, intent: QuoteIntent, at: int) -> list[Order]:
        """A resting bid and ask."""
        sides = ((Side.BUY, intent.bid), (Side.SELL, intent.ask))
        return [self._exact(desire, _quoted(intent, side, price), at) for side, price in sides if price is not None]

    def _exact(self, desire: Desire, intent: OrderIntent, at: int, *, parent: int = 0, group: int = 0) -> Order:
        instrument, runner = desire.instrument, desire.runner
        if intent.type is not _LIMIT or intent.limit is None:
            _demand_prices(intent)
        quantity = instrument.quantity(intent.quantity, at=at)
        if quantity <= 0:
            lot = instrument.lot_at(at) / 10**8
            raise ConfigError(
                "quantity is less than one lot", value=intent.quantity, limit=lot, fix=f"give at least {lot:g}"
            )
        validity = intent.validity
        terms: Terms | msgspec.UnsetType = _NO_TERMS
        if intent.terms is not _NO_TERMS or validity is _FOK or validity is _GTD:
            paired = group > 0 and not parent
            terms = exact_terms(intent, instrument=instrument, quantity=quantity, at=at, paired=paired)
        return Order(
            at=at,
            order_id=self._next_id(),
            strategy=runner.id,
            instrument=instrument.id,
            side=intent.side,
            quantity=quantity,
            type=intent.type,
            product=intent.product or runner.product,
            validity=validity,
            limit=0 if intent.limit is None else _price(instrument, intent.limit, at, _LIMIT_ROUNDING[intent.side]),
            trigger=0 if intent.trigger is None and intent.trail is None else _trigger(desire, intent, at),
            trail=0 if intent.trail is None else _price(instrument, intent.trail, at, Rounding.UP),
            group=group,
            parent=parent,
            reason=intent.reason,
            terms=terms,
        )


_NEEDED = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit",),
    OrderType.STOP: ("trigger",),
    OrderType.STOP_LIMIT: ("limit", "trigger"),
    OrderType.TRAILING: ("trail",),
}


def _demand_prices(intent: OrderIntent) -> None:
    for name in _NEEDED[intent.type]:
        if getattr(intent, name) is None:
            raise ConfigError(f"a {intent.type} order needs {name}", value=None, fix=f"give {name}")


def _trigger(desire: Desire, intent: OrderIntent, at: int) -> int:
    """A trailing stop starts at the last price."""
    if intent.trail:
        return desire.market.price
    return _price(desire.instrument, intent.trigger, at, _TRIGGER_ROUNDING[intent.side])


def _price(instrument: Instrument, value: float | None, at: int, rounding: Rounding) -> int:
    if value is None:
        return 0
    price = instrument.price(value, at=at, rounding=rounding)
    if price <= 0:
        raise ConfigError("price must be positive", value=value, limit="> 0", fix="give a price above one tick")
    return price


def _child(intent: OrderIntent, kind: OrderType, **prices: float) -> OrderIntent:
    return OrderIntent(
        instrument=intent.instrument,
        side=Side(-intent.side),
        quantity=intent.quantity,
        type=kind,
        limit=prices.get("limit"),
        trigger=prices.get("trigger"),
        validity=Validity.DAY if intent.product is Product.MIS else Validity.GTC,
        product=intent.product,
        reason=f"{'stop' if kind is OrderType.STOP else 'target'} of {intent.reason}".strip(),
    )


def _stop_child(intent: OrderIntent) -> OrderIntent | None:
    return None if intent.stop is None else _child(intent, OrderType.STOP, trigger=intent.stop)


def _target_child(intent: OrderIntent) -> OrderIntent | None:
    return None if intent.target is None else _child(intent, OrderType.LIMIT, limit=intent.target)


def _quoted(intent: QuoteIntent, side: Side, price: float) -> OrderIntent:
    return OrderIntent(
        instrument=intent.instrument,
        side=side,
        quantity=intent.quantity,
        type=OrderType.LIMIT,
        limit=price,
        reason=QUOTE,
        terms=intent.terms,
    )
