"""No sequence of orders, changes and restarts sends more in a calendar second than the limit."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.compliance.sebi.book import sebi_rules
from tradsys.compliance.sebi.conduct import OrderRate
from tradsys.compliance.sebi.facts import StatedFacts
from tradsys.compliance.sebi.vectors import TODAY, claim, index_option, moment, order, share
from tradsys.core.errors import ConfigError
from tradsys.core.units import MILLISECOND, SECOND

BOOK = sebi_rules()
INSTRUMENTS = (share(), index_option())
START = moment(TODAY)

Steps = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from([0, 1]),
        st.sampled_from(["order", "order", "order", "change", "restart"]),
    ),
    max_size=150,
)


def rate(own_limit: int | None = None) -> OrderRate:
    return OrderRate(BOOK, StatedFacts(), own_limit=own_limit)


@given(steps=Steps, own=st.one_of(st.none(), st.integers(1, 20)))
def test_no_sequence_breaks_the_limit(steps: list[tuple[int, int, str]], own: int | None) -> None:
    """Orders, changes counted beside them and restarts: what was let pass is within the limit in every second."""
    check, at, limit = rate(own), START, min(own or 8, 10)
    passed: Counter[tuple[int, str]] = Counter()
    for wait, which, what in steps:
        at += wait * MILLISECOND
        instrument = INSTRUMENTS[which]
        key = (at // SECOND, instrument.exchange)
        if what == "restart":
            state, check = check.state(), rate(own)
            check.restore(state)
        elif what == "change":
            check.count(instrument.exchange, at)
            passed[key] += 1
        else:
            placed = order(instrument, at=at)
            refused = check(placed, instrument, claim(placed))
            assert (refused is None) == (passed[key] < limit)
            passed[key] += refused is None
            assert refused is None or refused.rule == "sebi-order-rate"
            assert refused is not None or passed[key] <= limit


@given(jumps=st.lists(st.integers(-3_000, 3_000), min_size=1, max_size=120))
def test_time_that_goes_back_does_not_open_the_limit(jumps: list[int]) -> None:
    """However the clock jumps, no more than the limit pass between two seconds that are later than all before."""
    check, at, latest, passed = rate(), START, 0, 0
    for jump in jumps:
        at += jump * MILLISECOND
        if at // SECOND > latest:
            latest, passed = at // SECOND, 0
        placed = order(share(), at=at)
        passed += check(placed, share(), claim(placed)) is None
        assert passed <= 8


def test_exchange_segments_are_counted_apart_and_the_second_is_the_calendars() -> None:
    check = rate()
    for number in range(8):
        placed = order(share(), at=START + SECOND - 1 - number)
        assert check(placed, share(), claim(placed)) is None
    late = order(share(), at=START + SECOND - 1)
    assert check(late, share(), claim(late)) is not None
    other = order(index_option(), at=START + SECOND - 1)
    assert check(other, index_option(), claim(other)) is None
    following = order(share(), at=START + SECOND)
    assert check(following, share(), claim(following)) is None


def test_the_threshold_holds_whatever_our_own_limit() -> None:
    check = rate(own_limit=50)
    answers = []
    for _ in range(12):
        placed = order(share())
        answers.append(check(placed, share(), claim(placed)))
    assert [each is None for each in answers] == [True] * 10 + [False] * 2
    assert answers[-1] is not None and answers[-1].limit == "10 a second"


def test_the_state_is_the_same_bytes_for_the_same_counts() -> None:
    one, other = rate(), rate()
    for exchange in ("NSE", "NFO"):
        one.count(exchange, START)
    for exchange in ("NFO", "NSE"):
        other.count(exchange, START)
    assert one.state() == other.state()


@pytest.mark.parametrize("state", [b"", b"[]", b'{"NSE": 3}', b'{"NSE": [1, -1]}', b'{"NSE": [1, 2, 3]}', b"\xff"])
def test_bytes_that_are_no_state_are_refused(state: bytes) -> None:
    with pytest.raises(ConfigError, match="not a state"):
        rate().restore(state)


@pytest.mark.parametrize("own", [0, -1])
def test_an_own_limit_below_one_is_refused(own: int) -> None:
    with pytest.raises(ConfigError, match="must be positive"):
        rate(own)
