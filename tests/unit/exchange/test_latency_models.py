"""Delays of messages: what they are, and that compiled code is told the same."""

from __future__ import annotations

import statistics

import pytest

from tradsys.core.errors import ConfigError
from tradsys.exchange.latency_models import (
    ConstantLatency,
    DrawnLatency,
    Latency,
    RecordedLatency,
    heard_at,
    lognormal,
    mix,
    recorded,
)
from tradsys.numerics.kernels.tick_replay import delay

INSTANTS = [0, 1, 10**9, 1_723_161_253_937_085_768, 2**62]


def test_a_constant_is_itself() -> None:
    assert [ConstantLatency(250).delay(at) for at in INSTANTS] == [250] * 5


def test_splitmix_gives_the_published_first_words_of_seed_1234567() -> None:
    """The generator steps its word by the golden ratio; the first two of the reference vectors."""
    assert [mix(step, at=1234567) for step in (1, 2)] == [6457827717110365317, 3203168211198807973]


def test_a_lognormal_has_its_median_and_spread() -> None:
    latency = lognormal(median=1_000_000, spread=0.5, least=200_000, seed=3)
    drawn = [latency.delay(at * 7919) for at in range(20_000)]
    assert min(drawn) >= 200_000
    assert statistics.median(drawn) == pytest.approx(1_000_000, rel=0.02)
    quartiles = statistics.quantiles([each - 200_000 for each in drawn], n=4)
    assert quartiles[2] / quartiles[0] == pytest.approx(2.718281828 ** (2 * 0.6744898 * 0.5), rel=0.03)


def test_seeds_differ_and_repeat() -> None:
    first, again, other = (lognormal(median=1000, spread=1.0, seed=seed) for seed in (1, 1, 2))
    drawn = [[each.delay(at) for at in range(50)] for each in (first, again, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_recorded_delay_holds_until_the_next() -> None:
    latency = recorded(exchange_at=[100, 200, 300], at=[110, 230, 290], scale=2.0)
    assert latency == RecordedLatency((110, 230, 290), (20, 60, 0))
    assert [latency.delay(at) for at in (0, 110, 229, 230, 289, 290, 10**9)] == [20, 20, 20, 60, 60, 0, 0]


@pytest.mark.parametrize(
    "latency",
    [
        ConstantLatency(7),
        DrawnLatency((5,), 9),
        lognormal(median=10**6, spread=1.5, seed=11),
        recorded(exchange_at=[0, 10**9], at=[3, 10**9 + 8]),
    ],
    ids=lambda each: type(each).__name__,
)
def test_compiled_code_is_told_the_same(latency: Latency) -> None:
    tape = latency.tape()
    assert [delay(tape, 0, at) for at in INSTANTS] == [latency.delay(at) for at in INSTANTS]


def test_no_message_of_a_feed_overtakes_another() -> None:
    sent = list(range(0, 100_000, 10))
    heard = heard_at(lognormal(median=1000, spread=2.0), sent)
    assert (heard[1:] >= heard[:-1]).all()
    assert (heard >= sent).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConstantLatency(-1),
        lambda: DrawnLatency(()),
        lambda: DrawnLatency((1, 10**16)),
        lambda: RecordedLatency((2, 1), (1, 1)),
        lambda: RecordedLatency((1,), (1, 2)),
        lambda: recorded(exchange_at=[1], at=[1, 2]),
        lambda: lognormal(median=5, spread=0.0),
        lambda: lognormal(median=5, spread=1.0, least=5),
    ],
)
def test_what_is_no_latency_is_refused(make: object) -> None:
    with pytest.raises(ConfigError):
        make()  # type: ignore[operator]
