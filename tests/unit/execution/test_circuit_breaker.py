"""The breaker of a venue: closed, open, one try, twice as long."""

from __future__ import annotations

from tradsys.execution.circuit_breaker import CircuitBreaker
from tradsys.execution.venue_limits import SECOND, Patience


def opened(failures: int = 3) -> CircuitBreaker:
    breaker = CircuitBreaker(Patience(failures=3, rest=2 * SECOND, longest_rest=5 * SECOND))
    for _ in range(failures):
        breaker.on_failure(at=0)
    return breaker


def test_it_opens_after_so_many_in_a_row() -> None:
    assert opened(2).free_at() == 0
    assert opened(3).free_at() == 2 * SECOND


def test_an_answer_between_them_starts_the_count_anew() -> None:
    breaker = opened(2)
    breaker.on_answer()
    breaker.on_failure(at=0)
    assert breaker.free_at() == 0


def test_one_try_and_longer_rests() -> None:
    breaker = opened()
    rests = []
    for _ in range(3):
        at = breaker.free_at()
        assert at is not None
        breaker.on_entry()
        assert breaker.free_at() is None
        breaker.on_failure(at=at)
        rests.append(((breaker.free_at() or 0) - at) // SECOND)
    assert rests == [4, 5, 5]
    breaker.on_entry()
    breaker.on_answer()
    assert breaker.free_at() == 0
    for _ in range(3):
        breaker.on_failure(at=0)
    assert breaker.free_at() == 2 * SECOND


def test_late_failures_do_not_lengthen_a_rest() -> None:
    breaker = opened()
    breaker.on_failure(at=SECOND)
    assert breaker.free_at() == 2 * SECOND


def test_a_try_that_went_with_the_link_may_be_made_again() -> None:
    breaker = opened()
    breaker.on_entry()
    breaker.forget_try()
    assert breaker.free_at() == 2 * SECOND
