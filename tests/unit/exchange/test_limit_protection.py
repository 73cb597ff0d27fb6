"""Limit price protection: the range, the reference price it moves with, and when it should widen."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.matching import BookSide
from tradsys.core.units import MINUTE, SCALE, SECOND
from tradsys.exchange.bands import Party
from tradsys.exchange.limit_protection import LimitProtection
from tradsys.reference.market_rules import protection_rule

TICK = SCALE // 20
TODAY = date(2026, 9, 8)


def protection(rupees: float, *, contract: str = "index option", exchange: str = "BSE") -> LimitProtection:
    rule = protection_rule(exchange, TODAY, contract=contract)
    assert rule is not None
    return LimitProtection(rule, reference=round(rupees * 20), tick=TICK, opens=0)


@pytest.mark.parametrize(
    ("contract", "reference", "expected"),
    [
        ("index option", 100.0, (60.0, 140.0)),
        ("index option", 50.0, (30.0, 70.0)),
        ("index option", 30.0, (10.0, 50.0)),
        ("index option", 10.0, (0.05, 30.0)),
        ("index option", 50.05, (30.05, 70.05)),
        ("index future", 80_000.0, (78_400.0, 81_600.0)),
        ("index future", 5_000.0, (4_800.0, 5_200.0)),
    ],
)
def test_the_range_is_a_percentage_and_never_less_than_its_minimum(
    contract: str, reference: float, expected: tuple[float, float]
) -> None:
    low, high = protection(reference, contract=contract).limits
    assert (low / 20, high / 20) == expected


def test_only_what_is_worse_for_its_sender_is_refused() -> None:
    watched = protection(100.0)
    assert watched.exceeded(BookSide.BUY, 2_800) is None
    assert watched.exceeded(BookSide.BUY, 2_801) == 2_800
    assert watched.exceeded(BookSide.BUY, 1) is None
    assert watched.exceeded(BookSide.SELL, 1_200) is None
    assert watched.exceeded(BookSide.SELL, 1_199) == 1_200
    assert watched.exceeded(BookSide.SELL, 10_000) is None


def test_the_reference_price_is_the_simple_average_of_each_half_minute() -> None:
    watched = protection(100.0)
    watched.on_trade(0, price=2_200)
    watched.on_trade(29 * SECOND, price=2_400)
    assert watched.limits == (1_200, 2_800)
    watched.advance(30 * SECOND)
    assert watched.limits == (1_380, 3_220)
    watched.advance(10 * MINUTE)
    assert watched.limits == (1_380, 3_220)
    watched.on_trade(10 * MINUTE, price=2_000)
    watched.advance(10 * MINUTE + 29 * SECOND)
    assert watched.limits == (1_380, 3_220)
    watched.advance(10 * MINUTE + 30 * SECOND)
    assert watched.limits == (1_200, 2_800)


def test_a_reference_price_is_stale_after_a_quiet_quarter_of_an_hour() -> None:
    watched = protection(100.0)
    watched.on_trade(0, price=2_000)
    watched.advance(30 * SECOND)
    assert not watched.is_stale(30 * SECOND + 15 * MINUTE - 1)
    assert watched.is_stale(30 * SECOND + 15 * MINUTE)
    watched.set_reference(16 * MINUTE, price=1_000)
    assert not watched.is_stale(17 * MINUTE)
    assert watched.limits == (600, 1_400)


def refuse(watched: LimitProtection, *, count: int = 10, members: int = 3, clients: int = 5, gap: int = 0) -> bool:
    answers = [
        watched.on_rejection(number * gap, party=Party(client=f"C{number % clients}", member=f"M{number % members}"))
        for number in range(count)
    ]
    assert not any(answers[:-1])
    return answers[-1]


def test_enough_rejections_in_two_minutes_ask_for_a_wider_range() -> None:
    watched = protection(100.0)
    assert refuse(watched)
    assert not refuse(watched, count=9)
    watched.widen(1_000)
    assert watched.limits == (1_000, 3_000)


@pytest.mark.parametrize("lacking", [{"count": 9}, {"members": 2}, {"clients": 4}, {"gap": 15 * SECOND}])
def test_too_few_do_not(lacking: dict[str, int]) -> None:
    assert not refuse(protection(100.0), **lacking)


def test_a_rejection_of_two_minutes_ago_no_longer_counts() -> None:
    watched = protection(100.0)
    watched.on_rejection(0, party=Party(client="C0", member="M0"))
    later = [Party(client=f"C{number % 5}", member=f"M{number % 3}") for number in range(10)]
    answers = [watched.on_rejection(120 * SECOND, party=party) for party in later]
    assert answers == [False] * 9 + [True]


def test_where_the_rule_does_not_say_when_it_never_widens() -> None:
    assert not refuse(protection(100.0, exchange="NSE"), count=100)


def test_no_rule_before_its_first_date_and_no_range_without_a_reference() -> None:
    assert protection_rule("NSE", date(2022, 10, 30), contract="index option") is None
    assert protection_rule("NSE", TODAY, contract="index future") is None
    with pytest.raises(ConfigError, match="reference price"):
        protection(0.0)
