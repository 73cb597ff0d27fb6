"""Each breaker one unit below, at and above its limit; what a halt refuses, and what ends it."""

from __future__ import annotations

from typing import Any

import pytest

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Order, OrderType, Product, Side, Validity
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim
from tradsys.core.units import SCALE, SECOND
from tradsys.risk.breaker_settings import (
    Breaker,
    BreakersSection,
    ProfitBreaker,
    ResetBy,
    VolatilityBreaker,
    rules,
)
from tradsys.risk.circuit_breakers import BreakerCheck, CircuitBreakers

SHARE, OTHER = (
    Instrument(id=f"NSE:{name}", exchange="NSE", symbol=name, segment=Segment.EQUITY) for name in ("A", "B")
)
MILLION = 1_000_000 * SCALE
NOW: dict[str, int] = {"date": 1, "at": 7}


def breakers(**section: Any) -> CircuitBreakers:
    return CircuitBreakers(rules(BreakersSection(**section)), "INR")


def verdict(tripping: CircuitBreakers, *, opening: int = 1, of: Instrument = SHARE, strategy: str = "s") -> str:
    """The rule that refuses an order that opens so much; empty where it passes."""
    order = Order(
        at=1, order_id=1, strategy=strategy, instrument=of.id, side=Side.BUY, quantity=5 * SCALE,
        type=OrderType.MARKET, product=Product.MIS, validity=Validity.DAY,
    )  # fmt: skip
    check = BreakerCheck(tripping)
    assert check.concerns(of, Product.MIS, Side.BUY)
    claim = Claim(100 * SCALE, 0, 0, opening, 0)
    refused = check(order, of, claim)
    assert (check.measure(order, of, claim)[0] == "nothing") == (tripping.halting(strategy, instrument=of.id) is None)
    assert refused is None or (refused.limit and refused.value and refused.fix and refused.order is order)
    return refused.rule if refused is not None else ""


@pytest.mark.parametrize(("over", "rule"), [(-1, ""), (0, "breaker-daily-loss"), (1, "breaker-daily-loss")])
def test_the_days_loss(over: int, rule: str) -> None:
    tripping = breakers(daily_loss=Breaker(limit=5_000))
    tripping.on_equity(MILLION, **NOW)
    tripping.on_equity(MILLION - 5_000 * SCALE - over, **NOW)
    assert verdict(tripping) == verdict(tripping, of=OTHER, strategy="t") == rule
    assert verdict(tripping, opening=0) == ""


@pytest.mark.parametrize(("over", "rule"), [(-1, ""), (0, "breaker-drawdown"), (1, "breaker-drawdown")])
def test_the_drawdown_from_the_peak(over: int, rule: str) -> None:
    tripping = breakers(drawdown=Breaker(limit=0.1))
    for date, equity in enumerate((MILLION, 2 * MILLION, 2 * MILLION - MILLION // 5 - over)):
        tripping.on_equity(equity, date=date, at=date)
    assert verdict(tripping) == rule


@pytest.mark.parametrize("up", [1, -1])
@pytest.mark.parametrize(("over", "rule"), [(-1, ""), (0, "breaker-volatility"), (1, "breaker-volatility")])
def test_a_move_within_the_window(over: int, rule: str, up: int) -> None:
    tripping = breakers(volatility=VolatilityBreaker(limit=0.05, window_seconds=10))
    tripping.on_price(SHARE.id, price=100 * SCALE, **NOW)
    tripping.on_price(SHARE.id, price=100 * SCALE + up * (5 * SCALE + over), **NOW)
    assert verdict(tripping) == rule
    assert verdict(tripping, of=OTHER) == ""


@pytest.mark.parametrize(("later", "rule"), [(10 * SECOND, "breaker-volatility"), (10 * SECOND + 1, "")])
def test_a_move_is_forgotten_after_the_window(later: int, rule: str) -> None:
    tripping = breakers(volatility=VolatilityBreaker(limit=0.05, window_seconds=10))
    tripping.on_price(SHARE.id, price=100 * SCALE, date=1, at=0)
    tripping.on_price(SHARE.id, price=0, date=1, at=1)
    tripping.on_price(SHARE.id, price=96 * SCALE, date=1, at=5)
    tripping.on_price(SHARE.id, price=94 * SCALE, date=1, at=later)
    assert verdict(tripping) == rule


def test_there_and_back_is_a_move_from_the_lowest() -> None:
    tripping = breakers(volatility=VolatilityBreaker(limit=0.05))
    for at, price in enumerate((100, 96, 101)):
        tripping.on_price(SHARE.id, price=price * SCALE, date=1, at=at)
    (halt,) = tripping.halts
    assert halt.value == "5.21%", "101 of 96, and not 1 % of 100"


def test_streaks_of_losses_by_strategy_and_by_instrument() -> None:
    tripping = breakers(loss_streak=Breaker(limit=2), instrument_streak=Breaker(limit=3))
    for net in (-1, 0, -1):
        assert tripping.on_trade("s", instrument=SHARE.id, net=net, **NOW) == [], "what loses nothing ends a streak"
    tripping.on_trade("t", instrument=SHARE.id, net=-1, **NOW)
    assert verdict(tripping) == ""
    tripping.on_trade("s", instrument=SHARE.id, net=-1, **NOW)
    halts = [(each.breaker, each.subject) for each in tripping.halts]
    assert halts == [("loss-streak", "s"), ("instrument-streak", SHARE.id)]
    assert verdict(tripping) == verdict(tripping, of=OTHER) == "breaker-loss-streak"
    assert verdict(tripping, strategy="t") == "breaker-instrument-streak"
    assert verdict(tripping, strategy="t", of=OTHER) == ""


@pytest.mark.parametrize(("last", "rule"), [(101, ""), (100, ""), (99, "breaker-low-profit")])
def test_an_instrument_that_earns_too_little(last: int, rule: str) -> None:
    tripping = breakers(low_profit=ProfitBreaker(limit=100, trades=2))
    for net in (50, 50, last - 50):
        tripping.on_trade("s", instrument=SHARE.id, net=net * SCALE, **NOW)
    assert verdict(tripping) == rule
    assert verdict(tripping, of=OTHER) == ""


def test_positions_closed_by_force_are_not_opened_again() -> None:
    tripping = breakers()
    assert verdict(tripping) == ""
    tripping.on_liquidation(positions=2, **NOW)
    assert verdict(tripping) == "breaker-liquidation"


@pytest.mark.parametrize(
    ("settings", "early", "late"),
    [
        (Breaker(limit=1, reset=ResetBy.NEXT_DAY), {"date": 1, "at": 10**18}, {"date": 2, "at": 8}),
        (
            Breaker(limit=1, reset=ResetBy.AFTER, reset_seconds=1),
            {"date": 9, "at": 6 + SECOND},
            {"date": 1, "at": 7 + SECOND},
        ),
    ],
)
def test_a_halt_that_ends_by_itself_ends_then(settings: Breaker, early: dict[str, int], late: dict[str, int]) -> None:
    tripping = breakers(loss_streak=settings)
    tripping.on_trade("s", instrument=SHARE.id, net=-1, **NOW)
    assert tripping.release(**early) == [] and verdict(tripping)
    (ended,) = tripping.release(**late)
    assert (ended.by, ended.subject) == ("", "s") and ended.reason
    assert verdict(tripping) == ""


def test_a_persons_halt_ends_by_a_person_alone() -> None:
    tripping = breakers(loss_streak=Breaker(limit=1))
    tripping.on_trade("s", instrument=SHARE.id, net=-1, **NOW)
    assert tripping.release(date=10**9, at=10**19) == []
    for by, reason in (("", "why"), ("asha", " ")):
        with pytest.raises(ConfigError, match="a name and a reason"):
            tripping.reset("loss-streak", subject="s", by=by, reason=reason, at=9)
    with pytest.raises(UnknownName, match="drawdown"):
        tripping.reset("drawdown", subject="", by="asha", reason="why", at=9)
    assert verdict(tripping)
    assert tripping.reset("loss-streak", subject="s", by="asha", reason="why", at=9).by == "asha"
    assert verdict(tripping) == ""


def test_after_a_reset_what_tripped_counts_afresh() -> None:
    """Otherwise the next worth, the same one, would trip it again."""
    tripping = breakers(
        daily_loss=Breaker(limit=5_000), drawdown=Breaker(limit=0.01), volatility=VolatilityBreaker(limit=0.05)
    )
    tripping.on_equity(MILLION, **NOW)
    lost = MILLION - 10_000 * SCALE
    tripping.on_equity(lost, **NOW)
    tripping.on_price(SHARE.id, price=100, **NOW)
    tripping.on_price(SHARE.id, price=90, **NOW)
    assert len(tripping.halts) == 3
    for halt in tripping.halts:
        tripping.reset(halt.breaker, subject=halt.subject, by="asha", reason="why", at=9)
    assert tripping.on_equity(lost, **NOW) == tripping.on_price(SHARE.id, price=90, **NOW) == []
    assert [each.breaker for each in tripping.on_equity(lost - 5_000 * SCALE, **NOW)] == ["daily-loss"]


def test_a_halt_is_told_once() -> None:
    tripping = breakers(drawdown=Breaker(limit=0.1))
    tripping.on_equity(MILLION, **NOW)
    assert len(tripping.on_equity(1, **NOW)) == 1
    assert tripping.on_equity(0, **NOW) == []


def test_limits_nearly_used_up_are_measured() -> None:
    assert breakers(daily_loss=Breaker(limit=5_000)).uses == ()
    tripping = breakers(daily_loss=Breaker(limit=5_000), loss_streak=Breaker(limit=3))
    tripping.on_equity(MILLION, **NOW)
    tripping.on_trade("s", instrument=SHARE.id, net=-1, **NOW)
    tripping.on_trade("s", instrument=SHARE.id, net=-1, **NOW)
    found = [(each.rule, each.subject, each.value, each.limit) for each in tripping.uses]
    assert found == [("breaker-daily-loss", "", 0, 5_000 * SCALE), ("breaker-loss-streak", "s", 2, 3)]
    tripping.on_trade("s", instrument=SHARE.id, net=-1, **NOW)
    assert [each.rule for each in tripping.uses] == ["breaker-daily-loss"], "what has tripped is no more approached"


def test_prices_before_an_ex_date_are_forgotten() -> None:
    tripping = breakers(volatility=VolatilityBreaker(limit=0.05))
    tripping.on_price(SHARE.id, price=100, **NOW)
    tripping.forget(SHARE.id)
    assert tripping.on_price(SHARE.id, price=50, **NOW) == []


def test_bytes_that_are_no_state_are_refused() -> None:
    with pytest.raises(ConfigError, match="not a state"):
        breakers().restore(b"nothing")
