"""The Strategy an author derives from. It sees events, yields intents, and owns no clock and no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import (
    Bar,
    CancelIntent,
    Decision,
    Depth,
    MarketEvent,
    OrderIntent,
    OrderType,
    Product,
    QuoteIntent,
    SessionChange,
    Side,
    Signal,
    Target,
    Tick,
    Timer,
    TwoOrders,
    Validity,
)
from tradsys.core.order_terms import WantedTerms
from tradsys.core.ports import Account
from tradsys.core.units import MICROSECOND
from tradsys.strategies.context import Context
from tradsys.strategies.parameters import ParameterSpec, bind, declared
from tradsys.strategies.views import FillView, OrderView

Intents = Iterable[Decision] | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TERMS = msgspec.UNSET
_POST_ONLY = WantedTerms(post_only=True)


def _name(where: MarketEvent | str) -> str:
    return where if isinstance(where, str) else where.instrument


def _slots(owner: type) -> list[str]:
    found = [vars(base).get("__slots__", ()) for base in owner.__mro__]
    return [name for each in found for name in ((each,) if isinstance(each, str) else each)]


class Strategy:
    """One trading idea.

    Override the handlers you need; each may yield intents. `scope` says whether the engine makes one copy for each
    instrument (`"instrument"`, the default: attributes of `self` belong to that instrument) or one for all of them
    (`"portfolio"`). Parameters are class attributes declared with `Param`.
    """

    scope: ClassVar[str] = "instrument"
    parameters: ClassVar[Mapping[str, ParameterSpec]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.parameters = declared(cls)
        if cls.scope not in ("instrument", "portfolio"):
            raise ConfigError(f"{cls.__name__}.scope", value=cls.scope, limit="instrument, portfolio")

    def __init__(self, **parameters: Any) -> None:
        """Raises `UnknownName` for an undeclared parameter and `ConfigError` for a value out of range."""
        for name, value in bind(type(self).__name__, self.parameters, parameters).items():
            setattr(self, name, value)

    # --- handlers

    def on_start(self, ctx: Context) -> None:
        """Before the first event: ask for indicators and timers."""

    def on_bar(self, bar: Bar, account: Account) -> Intents:
        """A bar ended."""

    def on_tick(self, tick: Tick, account: Account) -> Intents:
        """A trade or a quote."""

    def on_depth(self, depth: Depth, account: Account) -> Intents:
        """The order book changed."""

    def on_fill(self, fill: FillView, account: Account) -> Intents:
        """One of our orders traded."""

    def on_order(self, order: OrderView, account: Account) -> Intents:
        """One of our orders was refused, accepted, rejected, triggered, cancelled or expired."""

    def on_session(self, change: SessionChange, account: Account) -> Intents:
        """The exchange opened or closed."""

    def on_timer(self, timer: Timer, account: Account) -> Intents:
        """A timer asked for in `on_start` came due."""

    def on_stop(self, account: Account) -> None:
        """After the last event."""

    def state(self) -> dict[str, Any]:
        """What a restart must bring back: by default every attribute of `self` but the parameters and the context.

        Plain data alone can be brought back: None, numbers, texts, bytes, numpy arrays of numbers, lists, tuples,
        dicts, sets and deques of them, market events, fills and orders; readings come back as the same indicators'.
        The engine refuses anything else (`StrategyError`, naming it), and two attributes that share one list: define
        `state` and `restore` then.
        """
        own = {name: getattr(self, name) for name in (*vars(self), *_slots(type(self))) if hasattr(self, name)}
        given = self.parameters
        return {name: own[name] for name in sorted(own) if name not in given and not isinstance(own[name], Context)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, after `on_start`."""
        for name, value in state.items():
            setattr(self, name, value)

    # --- intents

    def signal(self, where: MarketEvent | str, strength: float, *, reason: str = "", confidence: float = 1.0) -> Signal:
        """Want an exposure of `strength` (-1 fully short … +1 fully long) of the allotment; sizing does the rest."""
        confidence = float(confidence)
        instrument = where if isinstance(where, str) else where.instrument
        return Signal(instrument=instrument, strength=float(strength), confidence=confidence, reason=reason)

    def target(self, where: MarketEvent | str, quantity: float, *, reason: str = "") -> Target:
        """Want a position of `quantity` units (negative: short)."""
        return Target(instrument=_name(where), quantity=float(quantity), reason=reason)

    def buy(self, where: MarketEvent | str, quantity: float, **details: Any) -> OrderIntent:
        """Buy: market, or `limit=`, `trigger=` (SL-M; with `limit` SL), `trail=`; `stop=`/`target=` make a bracket.

        Further: `validity="DAY"|"IOC"|"FOK"|"GTC"|"GTD"`, `expires_at=` the end of a GTD order (UTC nanoseconds, as
        `bar.at`, or a datetime with its time zone), `display=` units shown at a time, `post_only=True`,
        `product="CNC"|"MIS"|"NRML"` or the leg `"LONG"|"SHORT"`, `reason=`. Prices in currency units. What does not go
        together is refused (`invalid-order`); raises `ConfigError` for a datetime without a time zone.
        """
        return _order(where, Side.BUY, quantity, **details)

    def sell(self, where: MarketEvent | str, quantity: float, **details: Any) -> OrderIntent:
        """Sell; the same details as `buy`."""
        return _order(where, Side.SELL, quantity, **details)

    def one_cancels_other(self, first: OrderIntent, second: OrderIntent, *, reason: str = "") -> TwoOrders:
        """Two orders of which the first to fill cancels its twin."""
        return TwoOrders(instrument=first.instrument, first=first, second=second, reason=reason)

    def quote(
        self,
        where: MarketEvent | str,
        *,
        bid: float | None,
        ask: float | None,
        quantity: float,
        post_only: bool = False,
        reason: str = "",
    ) -> QuoteIntent:
        """Rest a bid and an ask of `quantity` units, replacing the quote before; None withdraws that side."""
        return QuoteIntent(
            instrument=_name(where),
            bid=_plain(bid),
            ask=_plain(ask),
            quantity=float(quantity),
            reason=reason,
            terms=_POST_ONLY if post_only else _NO_TERMS,
        )

    def cancel(self, where: MarketEvent | str, *, order_id: int = 0, reason: str = "") -> CancelIntent:
        """Withdraw one working order, or all of ours in the instrument."""
        return CancelIntent(instrument=_name(where), order_id=order_id, reason=reason)


def _order(
    where: MarketEvent | str,
    side: Side,
    quantity: float,
    *,
    limit: float | None = None,
    trigger: float | None = None,
    trail: float | None = None,
    stop: float | None = None,
    target: float | None = None,
    validity: Validity | str = Validity.DAY,
    expires_at: int | datetime = 0,
    display: float | None = None,
    post_only: bool = False,
    product: Product | str | None = None,
    reason: str = "",
) -> OrderIntent:
    # Written out where a call would cost more than it does: every order of every strategy passes here.
    return OrderIntent(
        instrument=where if isinstance(where, str) else where.instrument,
        side=side,
        quantity=float(quantity),
        type=_order_type(limit=limit, trigger=trigger, trail=trail),
        limit=None if limit is None else float(limit),
        trigger=None if trigger is None else float(trigger),
        trail=None if trail is None else float(trail),
        stop=None if stop is None else float(stop),
        target=None if target is None else float(target),
        validity=validity if type(validity) is Validity else Validity(validity),
        product=None if product is None else Product(product),
        reason=reason,
        terms=_terms(display, post_only, expires_at) if expires_at or post_only or display is not None else _NO_TERMS,
    )


def _terms(display: float | None, post_only: bool, expires_at: int | datetime) -> WantedTerms:
    return WantedTerms(display=_plain(display), post_only=bool(post_only), expires_at=_instant(expires_at))


def _instant(moment: int | datetime) -> int:
    """UTC nanoseconds, exact."""
    if not isinstance(moment, datetime):
        return int(moment)
    if moment.tzinfo is None:
        raise ConfigError(
            "expires_at has no time zone", value=moment.isoformat(), fix="give tzinfo=, or UTC nanoseconds as in bar.at"
        )
    return (moment - _EPOCH) // timedelta(microseconds=1) * MICROSECOND


def _plain(value: float | None) -> float | None:
    """A numpy scalar is a float here, but not in the decision log."""
    return None if value is None else float(value)


def _order_type(*, limit: float | None, trigger: float | None, trail: float | None) -> OrderType:
    if trail is not None:
        return OrderType.TRAILING
    if trigger is not None:
        return OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    return OrderType.MARKET if limit is None else OrderType.LIMIT
