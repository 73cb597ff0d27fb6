"""What exchanges do with prices and orders beyond tick and lot: bands, their flexing, halts, freeze, price protection,
what icebergs show.

Percentages are basis points (hundredths of a percent), prices int 1e-8, times nanoseconds. Every figure is a dated row;
look-ups raise `UncoveredDate` where no row holds.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from tradsys.core.errors import UnknownName
from tradsys.core.instruments import Segment
from tradsys.core.matching import BookPhase
from tradsys.core.units import MINUTE, SCALE, SECOND, Quantity, from_text
from tradsys.reference.dated import DatedRow, DatedTable, read_table
from tradsys.reference.phases import clock_time

Direction = Literal["up", "down"]
Measure = Literal["previous_close", "moving_average", "price_before"]

REST_OF_DAY = -1
"""A halt without an end on its day."""


def basis_points(percent: str) -> int:
    """`9.90` (percent) as 990."""
    return from_text(percent) * 100 // SCALE


def _directions(text: str) -> tuple[Direction, ...]:
    both: tuple[Direction, ...] = ("down", "up")
    return both if text == "both" else tuple(direction for direction in both if direction == text)


class BandRule(msgspec.Struct, frozen=True, kw_only=True):
    """How far from the base price orders may lie, basis points below and above."""

    down: int
    up: int
    source: str


def market_band(kind: str, on: date) -> BandRule:
    """The band of a kind of instrument (`etf`, `etf overnight`, `egx`, …) in force on a date. Raises `UnknownName`."""
    row = _row(read_table("market_bands", "kind"), on, kind, where="the price bands")
    return BandRule(down=basis_points(row.fields["down"]), up=basis_points(row.fields["up"]), source=row.source)


class FlexRule(msgspec.Struct, frozen=True, kw_only=True):
    """When a band moves, how far and after which time.

    Trades within `within` of a limit count; `trades` of them, with `clients` and `members` on each side, start the
    cooling time. `steps`, `cooling` and `late_cooling` hold one entry a flex, the last for all that follow;
    `late_cooling` holds in the last `late` nanoseconds. `most` is the widest band, 0 for no limit.
    """

    within: int
    trades: int
    clients: int
    members: int
    steps: tuple[int, ...]
    cooling: tuple[int, ...]
    late_cooling: tuple[int, ...]
    late: int
    slides: bool
    most: int
    source: str


def flexes(kind: str, on: date) -> bool:
    """Whether a row says how a kind's band moves on a date; without one it stays."""
    return any(_holds(row, on) for row in read_table("band_flexing", "kind").history(kind))


def flex_rule(kind: str, on: date) -> FlexRule:
    """The rule of a kind of instrument (`share`, `etf`, `etf debt`) in force on a date. Raises `UnknownName`."""
    row = _row(read_table("band_flexing", "kind"), on, kind, where="the flexing of bands")
    cells = row.fields
    return FlexRule(
        within=basis_points(cells["within"]),
        trades=int(cells["trades"]),
        clients=int(cells["clients"]),
        members=int(cells["members"]),
        steps=tuple(basis_points(step) for step in cells["steps"].split()),
        cooling=_minutes(cells["cooling"]),
        late_cooling=_minutes(cells["late_cooling"]),
        late=int(cells["late_minutes"]) * MINUTE,
        slides=cells["slides"] == "yes",
        most=basis_points(cells["most"]) if cells["most"] else 0,
        source=row.source,
    )


def _minutes(text: str) -> tuple[int, ...]:
    return tuple(int(minutes) * MINUTE for minutes in text.split())


class BreakerLevel(msgspec.Struct, frozen=True, kw_only=True):
    """One level of a market-wide circuit breaker from a time of day (nanoseconds after midnight) on.

    `halt` is 0 where nothing stops, `REST_OF_DAY` where the day is over; `auction` is the call auction that follows.
    """

    percent: int
    time_from: int
    directions: tuple[Direction, ...]
    halt: int
    auction: int
    source: str


def breaker_levels(market: str, on: date) -> tuple[BreakerLevel, ...]:
    """The levels of `india` or `egx`, by percent and time. Raises `UnknownName`, `UncoveredDate`."""
    table = read_table("circuit_breakers", "market", "percent", "time_from")
    keys = [key for key in table.all_keys() if key[0] == market]
    if not keys:
        raise UnknownName("market", market, {key[0] for key in table.all_keys()}, where="the circuit breakers")
    levels = [_breaker_level(table.on(on, *key)) for key in keys]
    return tuple(sorted(levels, key=lambda level: (level.percent, level.time_from)))


def _breaker_level(row: DatedRow) -> BreakerLevel:
    minutes = row.fields["halt_minutes"]
    return BreakerLevel(
        percent=basis_points(row.fields["percent"]),
        time_from=clock_time(row.fields["time_from"]),
        directions=_directions(row.fields["direction"]),
        halt=REST_OF_DAY if minutes == "day" else int(minutes) * MINUTE,
        auction=int(row.fields["auction_minutes"]) * MINUTE,
        source=row.source,
    )


class VolatilityRule(msgspec.Struct, frozen=True, kw_only=True):
    """What stops one instrument: a move of `percent` by a measure, for `halt` nanoseconds in a phase.

    `previous_close`: a trade against the close before; `moving_average`: the average price of the last `window`
    nanoseconds against it; `price_before`: a trade against the price `window` ago. `times` a day and direction, 0
    without limit.
    """

    percent: int
    directions: tuple[Direction, ...]
    measure: Measure
    window: int
    halt: int
    phase: BookPhase
    times: int
    source: str


def volatility_rules(exchange: str, on: date) -> tuple[VolatilityRule, ...]:
    """The rules of an exchange in force on a date, smallest move first; none where it has none."""
    table = read_table("volatility_halts", "exchange", "percent")
    rows = [row for key in table.all_keys() if key[0] == exchange for row in table.history(*key) if _holds(row, on)]
    return tuple(sorted((_volatility_rule(row) for row in rows), key=lambda rule: rule.percent))


def _volatility_rule(row: DatedRow) -> VolatilityRule:
    return VolatilityRule(
        percent=basis_points(row.fields["percent"]),
        directions=_directions(row.fields["direction"]),
        measure=msgspec.convert(row.fields["measure"], Measure),
        window=int(row.fields["window_minutes"]) * MINUTE,
        halt=int(row.fields["minutes"]) * MINUTE,
        phase=BookPhase[row.fields["phase"].upper()],
        times=int(row.fields["times"]),
        source=row.source,
    )


def freeze_quantity(exchange: str, on: date, *, underlying: str) -> Quantity | None:
    """Units (1e-8) above which one order is not taken; None where no row names the underlying on the date.

    Limits of single stocks are in the exchange's contract file.
    """
    for row in read_table("freeze_quantities", "exchange", "underlying").history(exchange, underlying):
        if _holds(row, on):
            return Quantity(int(row.value) * SCALE)
    return None


def least_display(exchange: str, on: date, *, segment: Segment) -> int:
    """The part of an order's quantity that an iceberg must show at least, basis points; 0 where no row holds."""
    for row in read_table("display_minimums", "exchange", "segment").history(exchange, segment):
        if _holds(row, on):
            return basis_points(row.value)
    return 0


class ProtectionRule(msgspec.Struct, frozen=True, kw_only=True):
    """Limit price protection: the larger of `percent` of the reference price and `minimum` (1e-8).

    The reference price is the average of the trades of each `refresh` nanoseconds; one that is `stale` old gives way to
    a theoretical price. The range widens after `rejections` in `window` from `members` and `clients`; all 0 where that
    is not known.
    """

    percent: int
    minimum: int
    refresh: int
    stale: int
    rejections: int
    window: int
    members: int
    clients: int
    source: str


def protection_rule(exchange: str, on: date, *, contract: str) -> ProtectionRule | None:
    """The rule for a contract (`index option`, `index future`, …) in force on a date, or None."""
    for row in read_table("limit_protection", "exchange", "contract").history(exchange, contract):
        if _holds(row, on):
            return _protection_rule(row)
    return None


def _protection_rule(row: DatedRow) -> ProtectionRule:
    cells = row.fields
    return ProtectionRule(
        percent=basis_points(cells["percent"]),
        minimum=from_text(cells["minimum"]),
        refresh=int(cells["refresh_seconds"]) * SECOND,
        stale=int(cells["stale_minutes"]) * MINUTE,
        rejections=int(cells["flex_rejections"] or 0),
        window=int(cells["flex_seconds"] or 0) * SECOND,
        members=int(cells["flex_members"] or 0),
        clients=int(cells["flex_clients"] or 0),
        source=row.source,
    )


def _holds(row: DatedRow, on: date) -> bool:
    return row.effective_from <= on < row.until


def _row(table: DatedTable, on: date, kind: str, *, where: str) -> DatedRow:
    if not table.history(kind):
        raise UnknownName("kind", kind, [key[0] for key in table.all_keys()], where=where)
    return table.on(on, kind, fix="choose later dates")
