"""What clearing houses and venues set for margins, by date: `data/margin_parameters.csv`, `data/perpetual_tiers.csv`.

Rates are fractions, int 1e-8 (`SCALE` is all of it); money is int 1e-8. What a table does not cover raises; the
simplified rates that stand in for missing parameters are `ticks.margin_rate`.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from tradsys.core.errors import ConfigError, MissingData, UnknownName
from tradsys.core.units import SCALE, from_text
from tradsys.reference.dated import DatedRow, DatedTable, read_table
from tradsys.reference.ticks import Underlying

Group = Literal["group_1", "group_2", "group_3", "group_3_untraded", "index_etf"]
"""Liquidity groups of NSE Clearing; broad index funds are their own."""

FIX = "choose later dates, or add the row with its source to margin_parameters.csv"


class Sourced(msgspec.Struct, frozen=True):
    """A number in force and where it is from. Percentages are fractions, 1e-8."""

    value: int
    source: str


class CashParameters(msgspec.Struct, frozen=True, kw_only=True):
    """VaR = max(`sigmas` × daily σ, `var_floor`) of the value; `elm` of the value on top. `sigmas` is a plain count."""

    sigmas: int
    var_floor: Sourced
    elm: Sourced


class ScanParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What SPAN needs for the contracts on an index or a stock.

    Price scan range = max(`sigmas` × daily σ × √`sigma_days`, `price_scan_floor`) of the underlying's price; index
    options that have more than `long_dated_months` to go take `long_dated_floor`. Volatility scan range =
    max(`volatility_scan` × annual σ, `volatility_scan_floor`), in volatility a year. Counts and months are plain.
    """

    sigmas: int
    sigma_days: int
    price_scan_floor: Sourced
    long_dated_floor: Sourced
    long_dated_months: int
    volatility_scan: Sourced
    volatility_scan_floor: Sourced
    extreme_multiple: int
    extreme_weight: Sourced
    calendar_spread: Sourced
    spread_on_expiry_day: bool
    short_option_minimum: Sourced
    exposure: Sourced
    expiry_day_elm: Sourced


class PeakParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The peak-margin rule: the `share` of the highest of `snapshots` that must be there, and what a shortfall costs.

    `small_amount` is money; days are plain counts.
    """

    share: Sourced
    snapshots: int
    penalty: Sourced
    penalty_small: Sourced
    penalty_repeated: Sourced
    small_amount: int
    small_share: int
    consecutive_days: int
    days_a_month: int


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """A bracket of a perpetual: notional above `above`, up to and with `up_to` (money, 1e-8).

    Maintenance margin of a notional inside is notional × `rate` − `deduction` (rate a fraction, 1e-8; deduction money
    × 1e8, exact at 1e-16), so that it is continuous from bracket to bracket. `leverage` is the most that may be used.
    """

    above: int
    up_to: int
    rate: int
    deduction: int
    leverage: int
    source: str


def cash_parameters(group: Group, on: date) -> CashParameters:
    """Margins of shares of a liquidity group on a date. Raises `UnknownName`, `UncoveredDate`."""
    if not _table().history("equity", group, "elm"):
        raise UnknownName(
            "group of shares", group, sorted({key[1] for key in _table().all_keys() if key[0] == "equity"})
        )
    rows = {item: _on("equity", group, on, item=item) for item in ("sigmas", "var_floor", "elm")}
    return CashParameters(
        sigmas=int(rows["sigmas"].value), var_floor=_percent(rows["var_floor"]), elm=_percent(rows["elm"])
    )


def scan_parameters(kind: Underlying, on: date) -> ScanParameters:
    """SPAN parameters of the contracts on an index or on a stock. Raises `UncoveredDate`."""
    counts = ("sigmas", "sigma_days", "long_dated_months", "extreme_multiple")
    names = [name for name in ScanParameters.__struct_fields__ if name not in (*counts, "spread_on_expiry_day")]
    rows = {name: _percent(_on("derivative", kind, on, item=name)) for name in names}
    plain = {name: int(_on("derivative", kind, on, item=name).value) for name in counts}
    spread = _on("derivative", kind, on, item="spread_on_expiry_day").value == "1"
    return ScanParameters(**rows, **plain, spread_on_expiry_day=spread)  # type: ignore[arg-type]


def delivery_share(sessions: int, on: date) -> Sourced:
    """The share of VaR and ELM that a long in-the-money stock option owes so many sessions before it expires.

    0 from the fifth session before expiry back. Raises `UncoveredDate`.
    """
    if not _table().history("delivery", "stock", f"sessions_{sessions}"):
        return Sourced(0, "before the sessions that delivery margins are asked for")
    return _percent(_on("delivery", "stock", on, item=f"sessions_{sessions}"))


def peak_parameters(on: date) -> PeakParameters:
    """The peak-margin rule on a date. Raises `UncoveredDate` before it began."""
    rows = {name: _on("peak", "any", on, item=name) for name in PeakParameters.__struct_fields__}
    return PeakParameters(
        share=_percent(rows["share"]),
        snapshots=int(rows["snapshots"].value),
        penalty=_percent(rows["penalty"]),
        penalty_small=_percent(rows["penalty_small"]),
        penalty_repeated=_percent(rows["penalty_repeated"]),
        small_amount=from_text(rows["small_amount"].value),
        small_share=_percent(rows["small_share"]).value,
        consecutive_days=int(rows["consecutive_days"].value),
        days_a_month=int(rows["days_a_month"].value),
    )


def perpetual_tiers(venue: str, *, symbol: str, on: date) -> tuple[Tier, ...]:
    """The brackets of a perpetual on a date, smallest first. Raises `MissingData`, `UncoveredDate`."""
    table = read_table("perpetual_tiers", "venue", "symbol", "tier")
    keys = [key for key in table.all_keys() if key[:2] == (venue, symbol)]
    if not keys:
        known = sorted({" ".join(key[:2]) for key in table.all_keys()})
        raise MissingData(
            f"no maintenance tiers of {symbol} at {venue}",
            value=f"{venue} {symbol}",
            limit=", ".join(known),
            fix="give the brackets that the venue states (`tiers_of`)",
        )
    rows = [
        table.on(on, *key, fix="give the brackets of the date") for key in sorted(keys, key=lambda key: int(key[2]))
    ]
    return tiers_of(
        [(from_text(row.fields["up_to"]), _percent(row).value, int(row.fields["leverage"])) for row in rows],
        source=rows[0].source,
    )


def tiers_of(brackets: list[tuple[int, int, int]], *, source: str) -> tuple[Tier, ...]:
    """Brackets from (`up_to`, `rate`, `leverage`), smallest first; the deductions that make them continuous.

    deduction(k) = deduction(k−1) + up_to(k−1) × (rate(k) − rate(k−1)). Raises `ConfigError` for brackets that do not
    rise, or a rate outside (0, 1).
    """
    tiers: list[Tier] = []
    above, rate_before, deduction = 0, 0, 0
    for up_to, rate, leverage in brackets:
        if up_to <= above or not rate_before < rate < SCALE or leverage < 1:
            raise ConfigError(
                "brackets must rise",
                value=(up_to, rate, leverage),
                limit=f"notional above {above}, rate above {rate_before} and below {SCALE}, leverage >= 1",
                fix="give them smallest first",
            )
        deduction += above * (rate - rate_before)
        tiers.append(Tier(above=above, up_to=up_to, rate=rate, deduction=deduction, leverage=leverage, source=source))
        above, rate_before = up_to, rate
    if not tiers:
        raise ConfigError("no brackets", fix="give at least one")
    return tuple(tiers)


def spread_buffer(on: date) -> Sourced:
    """What the simplified model adds to the most that a spread can lose, as a fraction of notional."""
    return _percent(_on("simplified", "any", on, item="spread_buffer"))


def _table() -> DatedTable:
    return read_table("margin_parameters", "segment", "kind", "item")


def _on(segment: str, kind: str, on: date, *, item: str) -> DatedRow:
    return _table().on(on, segment, kind, item, fix=FIX)


def _percent(row: DatedRow) -> Sourced:
    return Sourced(from_text(row.value) // 100, row.source)
