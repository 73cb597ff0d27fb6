"""Our own limits on orders, positions and losses: of the account, a strategy, an instrument or a segment.

They are the pre-trade controls that SEC rule 15c3-5 and Commission Delegated Regulation (EU) 2017/589, articles 15 and
17, name; figures are the user's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import from_text

MOST_ORDERS: Final = 10_000
"""Largest limit on orders in a second or a minute: so many instants are remembered."""


class LimitSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one scope; None limits nothing. Money in units of the account's currency.

    `position` and `position_value`: in any one instrument, with all open orders filled. `leverage` and `concentration`:
    positions and open orders over equity, of the scope and of one instrument. `daily_loss`: since the day began.
    `price_collar`: a fraction of the last price. `order_value`, `order_quantity`: of one order. `open_value`: of all
    open orders together. `duplicate_seconds`: in which the same order is not sent again. `trades_per_day`: orders that
    open. `repeated_executions`: the same opening order in a row, until a person resets it.
    """

    position: float | None = None
    position_value: float | None = None
    leverage: float | None = None
    daily_loss: float | None = None
    price_collar: float | None = None
    order_value: float | None = None
    order_quantity: float | None = None
    open_value: float | None = None
    orders_per_second: int | None = None
    orders_per_minute: int | None = None
    duplicate_seconds: float | None = None
    concentration: float | None = None
    trades_per_day: int | None = None
    repeated_executions: int | None = None


NAMES: Final = LimitSet.__struct_fields__
WHOLE: Final = frozenset({"orders_per_second", "orders_per_minute", "trades_per_day", "repeated_executions"})
"""Limits that are counts; every other is kept as 1e-8 of its unit."""
_RATES = frozenset({"orders_per_second", "orders_per_minute"})


class LimitsSection(LimitSet, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[risk.limits]`: of the account, and tables of limits by strategy, instrument and segment."""

    strategies: dict[str, LimitSet] = {}
    instruments: dict[str, LimitSet] = {}
    segments: dict[str, LimitSet] = {}


class Scope(NamedTuple):
    """What a limit is on: `account` (its name is empty), a `strategy`, an `instrument` or a `segment`."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else self.kind


ACCOUNT: Final = Scope("account")


class Limit(NamedTuple):
    """One figure: at `most` so much (1e-8, or a count), of what, and where it was said."""

    most: int
    scope: Scope
    source: str


Figures = Mapping[tuple[str, Scope], Limit]
"""Every limit by its name and scope."""


def figures(section: LimitsSection) -> dict[tuple[str, Scope], Limit]:
    """The limits of a run file. Raises `ConfigError` for one that is not above 0 and finite, or no whole number;
    `UnknownName` for a segment that there is none of."""
    found: dict[tuple[str, Scope], Limit] = {}
    for place, scope, limits in _scoped(section):
        for name in NAMES:
            value = getattr(limits, name)
            if value is not None:
                source = f"{place}.{name}"
                found[name, scope] = Limit(exact(name, value, source=source), scope, source)
    return found


def _scoped(section: LimitsSection) -> Iterator[tuple[str, Scope, LimitSet]]:
    yield "risk.limits", ACCOUNT, section
    for kind, tables in (("strategy", "strategies"), ("instrument", "instruments"), ("segment", "segments")):
        for name, limits in getattr(section, tables).items():
            yield f"risk.limits.{tables}.{name}", scope_of(kind, name=name), limits


def scope_of(kind: str, *, name: str) -> Scope:
    """A scope by its words. Raises `UnknownName` for a kind or a segment that there is none of."""
    kinds = ("account", "strategy", "instrument", "segment")
    if kind not in kinds:
        raise UnknownName("scope", kind, kinds)
    if kind == "segment" and name not in set(Segment):
        raise UnknownName("segment", name, Segment, where="risk.limits")
    if (kind == "account") != (not name):
        raise ConfigError(f"a limit on {kind}", value=name or "no name", limit="a name for all but the account")
    return Scope(kind, name)


def exact(name: str, value: float, *, source: str) -> int:
    """A limit as 1e-8, or as the count that it is. Raises `ConfigError`, `UnknownName`."""
    if name not in NAMES:
        raise UnknownName("limit", name, NAMES)
    if not 0 < value < math.inf:
        raise ConfigError(f"{source} must be positive", value=value, limit="> 0", fix="leave it out for no limit")
    if name not in WHOLE:
        return from_text(repr(float(value)))
    if value != int(value):
        raise ConfigError(f"{source} is a count", value=value, limit="a whole number")
    if name in _RATES and value > MOST_ORDERS:
        raise ConfigError(f"{source} is too large", value=value, limit=MOST_ORDERS, fix="leave it out for no limit")
    return int(value)


def demand_known(limits: Figures, *, known: Mapping[str, Sequence[str]]) -> None:
    """Raise `UnknownName` for a limit on a strategy or an instrument that is not among those `known` of its kind."""
    for _, scope in limits:
        if scope.name not in known.get(scope.kind, (scope.name,)):
            raise UnknownName(scope.kind, scope.name, known[scope.kind], where="risk.limits")


class Limits:
    """The limits in force; owner of them. `version` rises with every change."""

    def __init__(self, limits: Figures) -> None:
        self.version = 0
        self._figures = dict(limits)

    def rows(self, name: str, *, strategy: str, instrument: Instrument) -> tuple[Limit, ...]:
        """What limits an order of a strategy in an instrument by this name; the account's first."""
        scopes = (ACCOUNT, Scope("strategy", strategy), Scope("segment", instrument.segment.value))
        found = (self._figures.get((name, scope)) for scope in (*scopes, Scope("instrument", instrument.id)))
        return tuple(limit for limit in found if limit is not None)

    def get(self, name: str, scope: Scope) -> int | None:
        """One limit, None where nothing is limited."""
        limit = self._figures.get((name, scope))
        return limit.most if limit is not None else None

    def change(self, name: str, scope: Scope, *, most: int | None, source: str) -> None:
        """Set a limit, or take it away where `most` is None."""
        if most is None:
            self._figures.pop((name, scope), None)
        else:
            self._figures[name, scope] = Limit(most, scope, source)
        self.version += 1

    def state(self) -> bytes:
        """Every figure, the same bytes for the same figures."""
        return msgspec.msgpack.encode(sorted((name, limit) for (name, _), limit in self._figures.items()))

    def restore(self, state: bytes) -> None:
        """Hold against what `state` was taken of. Raises `ConfigError` for bytes that are none."""
        try:
            found = msgspec.msgpack.decode(state, type=list[tuple[str, Limit]])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError("not a state of the limits", value=str(error)) from None
        self._figures = {(name, limit.scope): limit for name, limit in found}
        self.version += 1

    @property
    def all(self) -> Figures:
        """Every one of them."""
        return self._figures
