"""Laws of bars: nothing is lost or invented, and it does not matter by which road one gets there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.market.made import NSE, OPEN, minutes, nanos, series_of
from tradsys.core.units import MINUTE, SECOND
from tradsys.market.bars import resample
from tradsys.market.series import HIGH, LOW, VOLUME, BarSeries
from tradsys.market.tick_bars import ThresholdBars, TimeBars, Trade

# An ordinary Wednesday, the Monday after the holidays, and the hour of Muhurat 2015.
SESSIONS = np.concatenate(
    [minutes(375), minutes(375, start=nanos(2015, 4, 6, 9, 15)), minutes(60, start=nanos(2015, 11, 11, 17, 45))]
)


@st.composite
def series(draw: st.DrawFn) -> BarSeries:
    """Some minutes of three sessions, with prices on a five-paisa grid and whole volumes."""
    chosen = draw(st.sets(st.integers(0, len(SESSIONS) - 1), min_size=1, max_size=60))
    at = SESSIONS[sorted(chosen)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bars = series_of(at, close=np.asarray(rng.integers(1000, 4000, len(at)) * 0.05, dtype=np.float64))
    bars.matrix[HIGH] += rng.integers(0, 20, len(at)) * 0.05
    bars.matrix[LOW] -= rng.integers(0, 20, len(at)) * 0.05
    bars.matrix[VOLUME] = rng.integers(0, 10**6, len(at))
    return bars.validate()


@given(series(), st.sampled_from(["5m", "15m", "1h", "1d"]))
def test_volume_and_extremes_are_conserved(bars: BarSeries, interval: str) -> None:
    longer = resample(bars, interval, calendar=NSE, unfinished="keep").validate()
    assert longer.volume.sum() == bars.volume.sum()
    assert (longer.high.max(), longer.low.min()) == (bars.high.max(), bars.low.min())
    assert (longer.open[0], longer.close[-1]) == (bars.open[0], bars.close[-1])


@given(series(), st.sampled_from([("5m", "15m"), ("5m", "1h"), ("15m", "1h"), ("15m", "1d"), ("1h", "1d")]))
def test_by_way_of_a_shorter_interval_is_the_same(bars: BarSeries, steps: tuple[str, str]) -> None:
    by_way = resample(
        resample(bars, steps[0], calendar=NSE, unfinished="keep"), steps[1], calendar=NSE, unfinished="keep"
    )
    direct = resample(bars, steps[1], calendar=NSE, unfinished="keep")
    assert by_way.at.tolist() == direct.at.tolist()
    assert np.array_equal(by_way.matrix, direct.matrix)


@given(series(), st.integers(1, 59))
def test_bars_of_a_cut_series_are_the_first_of_the_whole(bars: BarSeries, keep: int) -> None:
    whole = resample(bars, "15m", calendar=NSE)
    cut = bars.window(first=0, last=int(bars.at[min(keep, len(bars)) - 1]))
    some = resample(cut, "15m", calendar=NSE)
    assert some.at.tolist() == whole.at[: len(some)].tolist()
    assert np.array_equal(some.matrix, whole.matrix[:, : len(some)])


trades = st.lists(
    st.builds(
        lambda step, price, quantity: (step, price * 0.05, float(quantity)),
        st.integers(0, 90),
        st.integers(1, 4000),
        st.integers(0, 100),
    ),
    max_size=80,
).map(
    lambda rows: [
        Trade(OPEN + int(seconds) * SECOND, price, quantity)
        for seconds, (_, price, quantity) in zip(np.cumsum([row[0] for row in rows]), rows, strict=True)
    ]
)


class Obvious(NamedTuple):
    """A bar written down from all of its trades at once."""

    open: float
    high: float
    low: float
    close: float
    volume: float


def obvious(group: list[Trade]) -> Obvious:
    prices = [trade.price for trade in group]
    return Obvious(prices[0], max(prices), min(prices), prices[-1], sum(trade.quantity for trade in group))


MEASURES: dict[str, Callable[[list[Trade]], float]] = {
    "tick": lambda group: len(group),
    "volume": lambda group: sum(trade.quantity for trade in group),
    "dollar": lambda group: sum(trade.price * trade.quantity for trade in group),
}


@given(trades, st.sampled_from(sorted(MEASURES)), st.integers(1, 500))
def test_threshold_bars_are_the_obvious_groups(flow: list[Trade], measure: str, size: int) -> None:
    builder = ThresholdBars("X", measure=measure, size=size)
    built = [builder.add(trade) for trade in flow] + [builder.finish()]
    groups: list[list[Trade]] = [[]]
    for trade in flow:
        groups[-1].append(trade)
        if MEASURES[measure](groups[-1]) >= size:
            groups.append([])
    expected = [obvious(group) for group in groups if group]
    assert [Obvious(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in built if bar] == expected
    assert builder.late == []


@given(trades)
def test_minutes_are_the_obvious_groups(flow: list[Trade]) -> None:
    close = nanos(2015, 4, 1, 15, 30)
    builder = TimeBars("X", interval="1m", opens=OPEN, closes=close)
    built = [builder.add(trade) for trade in flow] + [builder.advance(close)]
    groups: dict[int, list[Trade]] = {}
    for trade in flow:
        groups.setdefault((trade.at - OPEN) // MINUTE, []).append(trade)
    assert [Obvious(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in built if bar] == [
        obvious(group) for group in groups.values()
    ]
    assert [bar.at for bar in built if bar] == [OPEN + (minute + 1) * MINUTE for minute in groups]


@given(trades, st.randoms(use_true_random=False))
def test_no_tick_is_lost_in_any_order(flow: list[Trade], random: object) -> None:
    random.shuffle(flow)  # type: ignore[attr-defined]
    close = nanos(2015, 4, 1, 15, 30)
    timed = TimeBars("X", interval="5m", opens=OPEN, closes=close)
    counted = ThresholdBars("X", measure="tick", size=3)
    minutes_built = [*map(timed.add, flow), timed.advance(close)]
    counts_built = [*map(counted.add, flow), counted.finish()]
    volume = sum(trade.quantity for trade in flow)
    for built, apart in ((minutes_built, timed.late + timed.outside), (counts_built, counted.late)):
        assert sum(bar.volume for bar in built if bar) + sum(trade.quantity for trade in apart) == volume
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in built if bar)
