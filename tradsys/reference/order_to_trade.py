"""The order-to-trade ratio of algorithmic trading in India: what is not counted, what it costs, what it leads to.

`ratio = (entries + modifications + cancellations not exempt) / max(trades, 1)`, for a member, a segment and a day.
Prices are int 1e-8; every figure is a dated row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import msgspec

from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE, from_text
from tradsys.reference.dated import DatedRow, read_table

_ALL = "all"
_SLABS = (250, 50)


class Exemption(msgspec.Struct, frozen=True, kw_only=True):
    """Orders priced at most `parts` 1e-8 of the last traded price away from it, or `minimum` (1e-8) where that is more,
    are not counted."""

    parts: int
    minimum: int
    source: str

    def covers(self, *, price: int, last: int) -> bool:
        """Whether an order at a price is exempt; none is without a last traded price or without a price."""
        if price <= 0 or last <= 0:
            return False
        away = abs(price - last)
        return away * SCALE <= last * self.parts or away <= self.minimum


class OpeningBan(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio of `ratio` or more for the `times`-th time in `days` rolling days: no order in the first `minutes`
    of the next day."""

    ratio: int
    times: int
    days: int
    minutes: int
    source: str

    def follows(self, ratios: Sequence[tuple[date, float]], *, on: date) -> bool:
        """Whether the days' ratios up to and with `on` lead to it for the day after: the limit was broken then, and for
        the last of `times` in the days that end with it."""
        broken = [day for day, ratio in ratios if ratio >= self.ratio and 0 <= (on - day).days < self.days]
        return on in broken and len(broken) % self.times == 0


class Flood(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` or more in a day with at most `trades` trades."""

    messages: int
    trades: int
    source: str


def _row(on: date, *key: str) -> DatedRow | None:
    """The row in force, or None: before the rule, and where there is none."""
    history = read_table("order_to_trade", "exchange", "segment", "item").history(*key)
    return next((row for row in reversed(history) if row.effective_from <= on < row.until), None)


@cache
def exemption(*, exchange: str, segment: Segment, on: date) -> Exemption | None:
    """The band around the last traded price in which orders are not counted; None where there is none."""
    row = _row(on, exchange, segment, "exempt_percent")
    if row is None:
        return None
    minimum = _row(on, exchange, segment, "exempt_minimum")
    return Exemption(
        parts=from_text(row.value) // 100, minimum=from_text(minimum.value) if minimum else 0, source=row.source
    )


@cache
def auction_exempt(*, exchange: str, segment: Segment, on: date) -> bool:
    """Whether orders in the closing auction are not counted."""
    return _row(on, exchange, segment, "exempt_closing_auction") is not None


@cache
def market_maker_exempt(*, exchange: str, segment: Segment, on: date) -> bool:
    """Whether a designated market maker's orders are not counted."""
    return _row(on, exchange, segment, "exempt_market_maker") is not None


def charge_an_order(ratio: float, *, exchange: str, on: date) -> int:
    """What each counted order of a day costs at its ratio, 1e-8 rupees; 0 below the first slab and where none is
    known."""
    for slab in _SLABS:
        row = _row(on, exchange, _ALL, f"charge_from_{slab}")
        if ratio >= slab and row is not None:
            return from_text(row.value)
    return 0


def opening_ban(*, exchange: str, on: date) -> OpeningBan | None:
    """The rule of the first minutes; None before it."""
    rows = {item: _row(on, exchange, _ALL, f"ban_{item}") for item in ("ratio", "times", "days", "minutes")}
    found = {item: int(row.value) for item, row in rows.items() if row is not None}
    first = rows["ratio"]
    return OpeningBan(**found, source=first.source) if first is not None else None


@cache
def daily_flood(*, exchange: str, on: date) -> Flood | None:
    """The rule against messages without trades; None before it."""
    messages, trades = (_row(on, exchange, _ALL, f"flood_{item}") for item in ("messages", "trades"))
    if messages is None or trades is None:
        return None
    return Flood(messages=int(messages.value), trades=int(trades.value), source=messages.source)
