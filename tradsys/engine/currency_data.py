"""Rates of the currencies that a run's instruments are in: read, checked against the bars, and applied to bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import ConfigError, MissingData
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.rates import RateSet, converted
from tradsys.core.units import DAY, SCALE, from_float, to_text
from tradsys.engine.paths import find_path
from tradsys.engine.settings import Settings
from tradsys.market.rates import read_rates
from tradsys.market.series import BarSeries
from tradsys.reference.clock import local_date

PAID_IN_FULL = (Segment.EQUITY, Segment.CRYPTO_SPOT, Segment.INDEX)
LONGEST_USE = 7 * DAY
"""How long a rate is good for where no later one is given: over a weekend with holidays on both sides."""
_FINEST = SCALE // 10_000
"""A converted price below it would carry fewer than four digits."""


def load_rates(
    settings: Settings,
    instruments: Mapping[str, Instrument],
    series: Mapping[str, BarSeries],
    first: Mapping[str, int],
    *,
    zone: str,
) -> list[RateSet]:
    """The rates of every foreign currency of a run, oldest first; none where every instrument is in the account's.

    Raises `ConfigError` for a foreign contract that is settled by difference, or prices too small to be converted,
    `MissingData` for bars without a rate at most `LONGEST_USE` old, and as `read_rates`.
    """
    foreign = foreigners(instruments, currency=settings.run.run.currency)
    if not foreign:
        return []
    rates = read_rates(_place(settings, foreign), zone=zone)
    for name, currency in foreign.items():
        if instruments[name].segment not in PAID_IN_FULL:
            raise ConfigError(
                f"{name} is settled by difference, in another currency than the account",
                value=currency,
                limit=settings.run.run.currency,
                fix="run it in an account of its own currency",
            )
        _demand_rates(series[name], first[name], [each for each in rates if each.currency == currency], currency, zone)
    return [each for each in rates if each.currency in foreign.values()]


def foreigners(instruments: Mapping[str, Instrument], *, currency: str) -> dict[str, str]:
    """Currencies of the instruments that are not in the account's, by instrument."""
    return {name: each.currency for name, each in instruments.items() if each.currency != currency}


def planned_rates(rates: Sequence[RateSet], *, begin: int, end: int) -> Iterator[RateSet]:
    """The rates in force from `begin` to `end` (UTC nanoseconds); those set before `begin` are set then."""
    for currency in dict.fromkeys(each.currency for each in rates):
        own = [each for each in rates if each.currency == currency]
        before = [each for each in own if each.at <= begin]
        yield from (msgspec.structs.replace(each, at=begin) for each in before[-1:])
        yield from (each for each in own if begin < each.at <= end)


def at_rates(series: BarSeries, currency: str, rates: Sequence[RateSet]) -> BarSeries:
    """The bars of an instrument in `currency` in the account's, each at the rate that was in force when it ended."""
    own = [each for each in rates if each.currency == currency]
    values = np.array([each.rate for each in own]) / SCALE
    matrix = series.matrix.copy()
    matrix[:4] *= values[np.maximum(_rows(series.at, own), 0)]
    return replace(series, matrix=matrix)


def rate_notes(rates: Sequence[RateSet], *, currency: str, zone: str) -> list[str]:
    """What a run assumes about each currency, in words."""
    notes = []
    for each in dict.fromkeys(rate.currency for rate in rates):
        own = [rate for rate in rates if rate.currency == each]
        first, last = (f"{to_text(rate.rate)} ({local_date(rate.at, zone)})" for rate in (own[0], own[-1]))
        notes.append(
            f"Prices in {each} are booked in {currency} at the rate in force, to the nearest 1e-8: {len(own)} rates,"
            f" from {first} to {last}. Every fill, charge and figure of the results is in {currency}."
        )
    return notes


def _place(settings: Settings, foreign: Mapping[str, str]) -> Path:
    text = settings.run.data.rates
    if text is None:
        name, currency = next(iter(foreign.items()))
        raise ConfigError(
            f"{name} is in another currency than the account and data.rates names no rates",
            value=currency,
            limit=settings.run.run.currency,
            fix='give data.rates = "rates.csv"',
        )
    return Path(find_path(text, folder=settings.folder))


def _rows(at: NDArray[np.int64], rates: Sequence[RateSet]) -> NDArray[np.int64]:
    """The row of the rate in force at each time: a bar that ends as a rate is set does not see it. -1: none."""
    return np.searchsorted(np.array([each.at for each in rates], np.int64), at, side="left") - 1


def _demand_rates(series: BarSeries, first: int, rates: Sequence[RateSet], currency: str, zone: str) -> None:
    at = series.at[first:]
    rows = _rows(at, rates)
    set_at = np.array([each.at for each in rates], np.int64)
    known = rows >= 0
    fresh = np.zeros(len(at), bool)
    fresh[known] = at[known] - set_at[rows[known]] <= LONGEST_USE
    if not fresh.all():
        day = local_date(int(at[int(np.argmin(fresh))]), zone)
        raise MissingData(
            f"no rate of {currency} for {series.instrument} on {day}",
            value=str(day),
            limit=f"a rate at most {LONGEST_USE // DAY} days old",
            fix="add its row to the file of data.rates",
        )
    if len(at):
        lowest = from_float(float(np.nanmin(series.close[first:])))
        if converted(lowest, rate=min(each.rate for each in rates)) < _FINEST:
            raise ConfigError(
                f"{series.instrument}: prices are too small for the account's currency",
                value=to_text(lowest),
                limit=f"worth {to_text(_FINEST)} or more",
                fix="run it in an account of its own currency",
            )
