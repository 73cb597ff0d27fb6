"""Fresh seeds at every change of the code, and those that once failed: no law is broken in any."""

from __future__ import annotations

import statistics

import msgspec
import pytest

from tests.simulation.cases import Case, again, attempt, case_of, fresh_base, kept, line
from tests.simulation.market import STRATEGIES, instruments
from tests.simulation.shrinking import shrunk

CHUNKS, OF_A_CHUNK = 100, 20
"""2,000 seeds, in tests that are spread over the cores."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_law_is_broken_in_fresh_seeds(chunk: int) -> None:
    base = fresh_base()
    first = base + chunk * OF_A_CHUNK
    print(f"seeds {first} to {first + OF_A_CHUNK - 1}, base {base}")
    for seed in range(first, first + OF_A_CHUNK):
        case = case_of(seed)
        report = attempt(case)
        if report.law:
            small = shrunk(msgspec.structs.replace(case, law=report.law), budget=30)
            shown = f"{line(small, attempt(small))}\n{again(small)}"
            pytest.fail(f"base {base}\n{line(case, report)}\n{again(case)}\nshrunk: {shown}", pytrace=False)


@pytest.mark.parametrize("case", kept(), ids=lambda case: f"{case.seed}-{case.law}")
def test_what_failed_once_does_not_fail_again(case: Case) -> None:
    report = attempt(case)
    assert not report.law, f"{line(case, report)}\n{again(case)}"


def test_a_seed_trades_enough_to_mean_something() -> None:
    assert len(STRATEGIES) >= 3
    assert len(instruments()) >= 5
    reports = [attempt(case_of(seed)) for seed in range(60)]
    assert statistics.median(each.events for each in reports) >= 1_000
    assert statistics.median(each.orders for each in reports) >= 20
    assert statistics.median(each.faults for each in reports) >= 5
