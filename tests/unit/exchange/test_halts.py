"""What stops trading, for how long and why: the table of the market-wide circuit breaker, and guards of one price."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.exchange.session_driver import clock
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.matching import BookPhase
from tradsys.core.units import MINUTE
from tradsys.exchange.halts import MarketWideBreaker, VolatilityGuards
from tradsys.exchange.timeline import Halt
from tradsys.reference.market_rules import VolatilityRule, breaker_levels, volatility_rules

TODAY = date(2026, 9, 8)
MIDNIGHT = clock(TODAY, "00:00")


def breaker(market: str = "india") -> MarketWideBreaker:
    closes = {"NIFTY 50": 2_500_000, "SENSEX": 8_000_000}
    return MarketWideBreaker(breaker_levels(market, TODAY), closes=closes, midnight=MIDNIGHT)


def minutes(halt: Halt | None) -> tuple[int | None, int] | None:
    """Length of the halt (None: the rest of the day) and of the auction after it; None without a halt."""
    if halt is None:
        return None
    return None if halt.end is None else (halt.end - halt.start) // MINUTE, halt.auction // MINUTE


@pytest.mark.parametrize(
    ("percent", "at", "expected"),
    [
        (10, "09:16", (45, 15)),
        (10, "12:59:59", (45, 15)),
        (10, "13:00", (15, 15)),
        (10, "14:29:59", (15, 15)),
        (10, "14:30", None),
        (15, "12:59:59", (105, 15)),
        (15, "13:00", (45, 15)),
        (15, "13:59:59", (45, 15)),
        (15, "14:00", (None, 0)),
        (20, "09:16", (None, 0)),
        (20, "15:20", (None, 0)),
        (9, "10:00", None),
    ],
)
@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
def test_the_table_of_the_market_wide_circuit_breaker(
    percent: int, at: str, expected: tuple[int | None, int] | None, sign: int
) -> None:
    """nseindia.com and bseindia.com, market-wide circuit breakers, typed in."""
    value = 2_500_000 * (100 + sign * percent) // 100
    assert minutes(breaker().on_index(clock(TODAY, at), index="NIFTY 50", value=value)) == expected


def test_a_halt_says_what_was_passed() -> None:
    halt = breaker().on_index(clock(TODAY, "10:00"), index="SENSEX", value=7_199_999)
    assert halt is not None
    assert (halt.rule, halt.value, halt.limit) == ("market_wide_circuit_breaker", 7_199_999, 7_200_000)


def test_one_unit_before_the_limit_nothing_happens() -> None:
    assert breaker().on_index(clock(TODAY, "10:00"), index="SENSEX", value=7_200_001) is None


def test_each_level_halts_once_and_the_next_one_again() -> None:
    watched = breaker()
    halts = [
        watched.on_index(clock(TODAY, at), index=index, value=value)
        for at, index, value in [
            ("10:00", "NIFTY 50", 2_250_000),
            ("11:01", "SENSEX", 7_100_000),
            ("11:02", "NIFTY 50", 2_120_000),
            ("14:10", "NIFTY 50", 1_990_000),
        ]
    ]
    assert [minutes(halt) for halt in halts] == [(45, 15), None, (105, 15), (None, 0)]


def test_a_move_through_two_levels_counts_as_the_higher_one() -> None:
    watched = breaker()
    assert minutes(watched.on_index(clock(TODAY, "10:00"), index="NIFTY 50", value=2_100_000)) == (105, 15)
    assert watched.on_index(clock(TODAY, "12:01"), index="NIFTY 50", value=2_240_000) is None


def test_egypt_halts_on_the_way_down_alone() -> None:
    levels = breaker_levels("egx", TODAY)
    watched = MarketWideBreaker(levels, closes={"EGX100": 1_000}, midnight=MIDNIGHT)
    values = [1_250, 900, 850, 800]
    halts = [watched.on_index(clock(TODAY, "10:00"), index="EGX100", value=value) for value in values]
    assert [minutes(halt) for halt in halts] == [None, (30, 0), None, (None, 0)]


def guards(exchange: str, close: int = 1_000) -> VolatilityGuards:
    return VolatilityGuards(volatility_rules(exchange, TODAY), previous_close=close)


def test_adx_holds_two_auctions_on_the_way_down_each_once() -> None:
    watched = guards("ADX")
    halts = [watched.on_trade(0, price=price, quantity=1) for price in (1_100, 951, 950, 940, 910, 900)]
    assert [minutes(halt) for halt in halts] == [None, None, (5, 0), None, (10, 0), None]
    assert {halt.phase for halt in halts if halt} == {BookPhase.AUCTION_LIMIT}


def test_adx_falling_at_once_holds_the_longer_auction_alone() -> None:
    watched = guards("ADX")
    assert minutes(watched.on_trade(0, price=905, quantity=1)) == (10, 0)
    assert watched.on_trade(1, price=905, quantity=1) is None


def test_egypt_watches_the_average_of_half_an_hour() -> None:
    watched = guards("EGX")
    assert watched.on_trade(0, price=1_000, quantity=10) is None
    assert watched.on_trade(1, price=1_150, quantity=10) is None
    halt = watched.on_trade(2, price=1_150, quantity=10)
    assert (minutes(halt), halt and halt.value) == ((10, 0), 1_100)
    assert watched.on_trade(3 + 30 * MINUTE, price=1_190, quantity=1) is None


def test_crypto_is_compared_with_the_price_of_ten_minutes_ago() -> None:
    watched = guards("BITFLYER")
    instants = [(0, 1_000), (9, 1_190), (11, 1_210), (12, 1_428), (22, 1_430)]
    halts = [watched.on_trade(at * MINUTE, price=price, quantity=1) for at, price in instants]
    assert [minutes(halt) for halt in halts] == [None, None, (5, 0), None, None]
    again = watched.on_trade(23 * MINUTE, price=1_100, quantity=1)
    assert again is not None
    assert (again.limit, again.phase) == (1_142, BookPhase.AUCTION)


def test_a_rule_of_ones_own() -> None:
    rule = VolatilityRule(
        percent=100,
        directions=("up",),
        measure="previous_close",
        window=0,
        halt=MINUTE,
        phase=BookPhase.HALTED,
        times=1,
        source="own",
    )
    watched = VolatilityGuards([rule], previous_close=1_000)
    assert watched.on_trade(0, price=900, quantity=1) is None
    assert watched.on_trade(0, price=1_010, quantity=1) is not None


def test_bad_input_is_refused_and_an_exchange_without_rules_has_none() -> None:
    with pytest.raises(UnknownName, match="market 'mars'"):
        breaker_levels("mars", TODAY)
    with pytest.raises(ConfigError, match="previous closes"):
        MarketWideBreaker(breaker_levels("india", TODAY), closes={"NIFTY 50": 0}, midnight=MIDNIGHT)
    assert volatility_rules("NSE", TODAY) == ()
