"""Draws: the published generator, streams that do not touch, distributions of the stated shape."""

from __future__ import annotations

from itertools import islice
from statistics import mean, pstdev

import pytest

from tradsys.exchange.agents.draws import Draws

MASK = 2**64 - 1


def splitmix(state: int) -> int:
    """The generator as published: one step and its output."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_the_oracle_is_the_published_generator() -> None:
    # the first outputs for state 1234567, as listed at Rosetta Code, "Pseudo-random numbers/Splitmix64"
    state, outputs = 1234567, []
    for _ in range(3):
        outputs.append(splitmix(state))
        state = (state + 0x9E3779B97F4A7C15) & MASK
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_each_block_is_the_generator_read_backwards() -> None:
    draws = Draws(42)
    start = int(draws._start)
    block = [splitmix((start + (n - 1) * 0x9E3779B97F4A7C15) & MASK) for n in range(8192)]
    expected = [(z >> 11) * 2.0**-53 for z in (*reversed(block[:4096]), *reversed(block[4096:]))]
    assert [draws.uniform() for _ in range(8192)] == expected


@pytest.mark.parametrize("other", [Draws(7, stream=1), Draws(8), Draws(-7)], ids=["stream", "seed", "negative"])
def test_streams_and_seeds_differ(other: Draws) -> None:
    draws = Draws(7)
    assert {draws.uniform() for _ in range(500)}.isdisjoint({other.uniform() for _ in range(500)})


def test_one_seed_gives_one_sequence() -> None:
    first, second = Draws(2**70 + 3, stream=5), Draws(2**70 + 3, stream=5)
    assert [first.normal() for _ in range(50)] == [second.normal() for _ in range(50)]


def test_distributions_have_the_stated_moments() -> None:
    draws = Draws(11)
    normals = [draws.normal() for _ in range(20_000)]
    assert abs(mean(normals)) < 0.03
    assert abs(pstdev(normals) - 1) < 0.03
    assert abs(mean(draws.exponential(5.0) for _ in range(20_000)) - 5) < 0.15
    logs = sorted(draws.log_normal(median=20.0, sigma=1.0) for _ in range(20_001))
    assert abs(logs[10_000] - 20) < 1


def test_a_cut_power_law_keeps_its_exponent_and_its_ends() -> None:
    draws = Draws(3)
    drawn = sorted(draws.pareto(exponent=1.5, most=100.0) for _ in range(50_000))
    assert drawn[0] >= 1.0
    assert drawn[-1] <= 100.0
    # P(X > 4) = (4**-1.5 - 100**-1.5) / (1 - 100**-1.5)
    share = sum(value > 4 for value in drawn) / len(drawn)
    assert abs(share - (4**-1.5 - 100**-1.5) / (1 - 100**-1.5)) < 0.005


def test_below_reaches_every_number_and_no_other() -> None:
    draws = Draws(1)
    assert set(islice(iter(lambda: draws.below(6), None), 1_000)) == set(range(6))
