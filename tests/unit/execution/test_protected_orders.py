"""Caps and what is done with a remainder that rests: each worked out by hand."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tradsys.core.events import Side
from tradsys.core.protection import Move
from tradsys.core.units import SCALE
from tradsys.execution.protected_orders import Chase, Limits, ProtectionPolicy, Remainder, cap, is_clipped, judge

TICK = SCALE // 20
OPEN = Limits(tick=TICK, low=0, high=2**62)
POLICY = ProtectionPolicy(
    wait=10**9,
    bars=0,
    entries=Chase(re_pegs=0, then="cancel"),
    exits=Chase(re_pegs=2, then="widen"),
    factor=200,
    widest=1_000,
)


def money(value: float) -> int:
    return round(value * SCALE)


def rest(**changed: object) -> Remainder:
    """A sale of something capped 2 % below 100."""
    plain = Remainder(
        side=Side.SELL, limit=money(98), percent=200, attempt=0, progressed=False, linked=False, told=False
    )
    return replace(plain, **changed)


@pytest.mark.parametrize(
    ("side", "price", "percent", "expected"),
    [
        (Side.BUY, 100, 200, 102),
        (Side.SELL, 100, 200, 98),
        (Side.BUY, 33.35, 200, 34.0),  # 34.017 is no tick: a buy never rounds up
        (Side.SELL, 33.35, 200, 32.7),  # 32.683 is no tick: a sale never rounds down
        (Side.BUY, 0.05, 500, 0.05),
        (Side.SELL, 0.05, 10_000, 0.05),  # never below a tick
        (Side.BUY, 100, 10_000, 200),
    ],
)
def test_a_cap(side: Side, price: float, percent: int, expected: float) -> None:
    assert cap(money(price), side=side, percent=percent, limits=OPEN) == money(expected)


def test_a_cap_stays_inside_the_band() -> None:
    band = Limits(tick=TICK, low=money(95), high=money(105))
    assert cap(money(104), side=Side.BUY, percent=200, limits=band) == money(105)
    assert cap(money(96), side=Side.SELL, percent=200, limits=band) == money(95)
    assert cap(money(100), side=Side.BUY, percent=200, limits=band) == money(102)


@pytest.mark.parametrize(("price", "clipped"), [(98.05, False), (98, True), (97.95, True)])
def test_a_market_one_tick_inside_at_and_beyond_the_cap(price: float, clipped: bool) -> None:
    assert is_clipped(rest(), money(price)) is clipped
    bought = rest(side=Side.BUY, limit=money(102))
    assert is_clipped(bought, money(200 - price)) is clipped


def verdict(remainder: Remainder, price: float, limits: Limits = OPEN, chase: Chase = POLICY.exits):  # type: ignore[no-untyped-def]
    return judge(remainder, chase, POLICY, price=money(price), limits=limits)


def test_what_trades_is_left_alone() -> None:
    assert verdict(rest(progressed=True), 98.05) is None
    assert verdict(rest(progressed=True), 98).move is Move.RE_PEG, "but what is clipped is not"


def test_an_exit_goes_after_the_price_then_gets_more_room_then_somebody_is_told() -> None:
    first = verdict(rest(), 97)
    assert (first.move, first.limit, first.percent) == (Move.RE_PEG, money(95.1), 200)  # 95.06, up to the tick
    assert verdict(rest(attempt=1), 97).move is Move.RE_PEG
    wider = verdict(rest(attempt=2), 97)
    assert (wider.move, wider.percent, wider.limit) == (Move.WIDEN, 400, money(93.15))  # 93.12
    widest = verdict(rest(attempt=4, percent=800, limit=money(90)), 97)
    assert (widest.move, widest.percent) == (Move.WIDEN, 1_000), "1,600 is more than the widest"
    again = verdict(rest(attempt=5, percent=1_000, limit=money(90)), 89)
    assert again.move is Move.RE_PEG, "at its widest it still follows the price"
    nothing = verdict(rest(attempt=6, percent=1_000, limit=money(80.1)), 89)
    assert nothing.move is Move.ALERT and "reaches no further" in nothing.reason
    assert verdict(rest(attempt=7, percent=1_000, limit=money(80.1), told=True), 89) is None


def test_a_limit_that_reaches_no_further_is_kept() -> None:
    """The price came up and nobody bought: a new limit would stand higher than the one there is."""
    held = verdict(rest(), 101)
    assert held.move is Move.HOLD and "1 of 2" in held.reason


def test_an_exit_that_the_last_price_lies_far_inside_gets_as_much_room_as_it_takes() -> None:
    """Nobody buys at 98 though the last trade was at 105: 4 % below that is 100.8, 8 % is 96.6."""
    wider = verdict(rest(attempt=2), 105)
    assert (wider.move, wider.percent, wider.limit) == (Move.WIDEN, 800, money(96.6))
    slow = replace(POLICY, factor=101)
    by_little = judge(rest(attempt=2, percent=1), POLICY.exits, slow, price=money(98), limits=OPEN)
    assert by_little is not None and by_little.percent == 6, "0.06 % of 98 is the first that is a tick"
    assert verdict(rest(attempt=2), 120).move is Move.ALERT, "10 % below 120 is 108"


def test_an_exit_at_the_band_is_told_of() -> None:
    band = Limits(tick=TICK, low=money(98), high=money(105))
    assert verdict(rest(), 98, band).move is Move.HOLD
    assert verdict(rest(attempt=2), 98, band).move is Move.ALERT


def test_what_is_left_of_an_entry_is_withdrawn() -> None:
    assert verdict(rest(), 97, chase=POLICY.entries).move is Move.CANCEL
    assert verdict(rest(), 97, chase=Chase(re_pegs=0, then="alert")).move is Move.ALERT


def test_an_order_that_others_hang_on_is_never_placed_anew() -> None:
    assert verdict(rest(linked=True), 97).move is Move.ALERT
    assert verdict(rest(linked=True), 97, chase=POLICY.entries).move is Move.CANCEL


def test_what_nobody_asked_for_ends_done() -> None:
    lax = replace(POLICY, exits=Chase(re_pegs=1, then="alert"))
    assert lax.chase(closes=True, forced=True) == Chase(re_pegs=1, then="widen")
    assert lax.chase(closes=True, forced=False).then == "alert"
    assert lax.chase(closes=False, forced=False).then == "cancel"
