"""Each fill rule of docs/fills.md on bars small enough to work out by hand; tick 0.05, no charges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    MONDAY,
    Case,
    Scripted,
    at_bar,
    bodies,
    conserve,
    days,
    fills,
    flat,
    minutes,
    scripted,
    trades,
)
from tradsys.core.events import Bar, Cancelled, Decision, Expired, Fill, Product, Refused, Rejected, Triggered
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared

Plan = Mapping[int, Callable[[Scripted, Bar], Decision | Sequence[Decision]]]
Prices = Sequence[Sequence[float]]

QUIET = (100.0, 100.0, 100.0, 100.0)


def play(
    folder: Path, prices: Prices, plan: Plan, *, product: str = "MIS", use: str = "Scripted", **execution: Any
) -> Prepared:
    """Run a plan over one-minute bars of one share."""
    case = Case(
        folder,
        {"NSE:A": minutes(MONDAY, prices)},
        [scripted("plan", at_bar(plan), use=use)],
        sections={"execution": {"product": product, **execution}},
    )
    return case.run(watch=conserve)


def buy(quantity: float = 10, **details: Any) -> Callable[[Scripted, Bar], Decision]:
    return lambda strategy, bar: strategy.buy(bar, quantity, **details)


def sell(quantity: float = 10, **details: Any) -> Callable[[Scripted, Bar], Decision]:
    return lambda strategy, bar: strategy.sell(bar, quantity, **details)


def pair(first: dict[str, Any], second: dict[str, Any]) -> Callable[[Scripted, Bar], Decision]:
    return lambda strategy, bar: strategy.one_cancels_other(strategy.buy(bar, **first), strategy.sell(bar, **second))


# --- market orders


def test_market_fills_at_the_next_open(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (101.0, 102.0, 99.0, 100.5), QUIET], {0: buy(), 1: sell()})
    assert trades(run) == [("buy", 10, 101.0), ("sell", 10, 100.0)]
    first = fills(run)[0]
    assert first.at - first.exchange_at == 60 * 10**9, "it traded when the bar opened and was known when it ended"


def test_slippage_rounds_against_us(tmp_path: Path) -> None:
    # 101 x 1.0007 = 101.0707 -> 101.10 up the tick; 100 x 0.9993 = 99.93 -> 99.90 down the tick
    run = play(tmp_path, [QUIET, (101.0, 101.0, 101.0, 101.0), QUIET], {0: buy(), 1: sell()}, slippage_bps=7)
    assert trades(run) == [("buy", 10, 101.1), ("sell", 10, 99.9)]


def test_no_price_below_one_tick(tmp_path: Path) -> None:
    low = (0.05, 0.05, 0.05, 0.05)
    run = play(tmp_path, [low, low, low], {0: sell()}, slippage_bps=9000, price_band=0.0)
    assert trades(run) == [("sell", 10, 0.05)]


# --- limit orders


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((100.0, 100.0, 99.0, 100.0), None),  # touched
        ((100.0, 100.0, 98.95, 100.0), 99.0),  # traded through
        ((98.5, 99.5, 98.0, 99.0), 98.5),  # marketable at the open
        ((99.0, 99.5, 99.0, 99.5), None),  # opens at the limit and goes no lower
        ((99.0, 99.5, 98.9, 99.5), 99.0),
    ],
)
def test_buy_limit(tmp_path: Path, bar: tuple[float, ...], price: float | None) -> None:
    run = play(tmp_path, [QUIET, bar], {0: buy(limit=99.0)})
    assert trades(run) == ([] if price is None else [("buy", 10, price)])


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((100.0, 101.0, 100.0, 100.0), None),
        ((100.0, 101.05, 100.0, 100.0), 101.0),
        ((102.0, 102.0, 101.5, 102.0), 102.0),
    ],
)
def test_sell_limit(tmp_path: Path, bar: tuple[float, ...], price: float | None) -> None:
    run = play(tmp_path, [QUIET, bar], {0: sell(limit=101.0)})
    assert trades(run) == ([] if price is None else [("sell", 10, price)])


def test_marketable_limit_slips_but_never_beyond_its_limit_and_is_no_maker(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (98.95, 99.5, 98.0, 99.0), QUIET], {0: buy(limit=99.0)}, slippage_bps=100)
    assert trades(run) == [("buy", 10, 99.0)]
    assert [each.maker for each in fills(run)] == [False]


def test_resting_limit_is_a_maker(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (100.0, 100.0, 98.0, 99.5)], {0: buy(limit=99.0)}, slippage_bps=100)
    assert [(each.price, each.maker) for each in fills(run)] == [(99 * SCALE, True)]


def test_limits_and_triggers_round_against_us(tmp_path: Path) -> None:
    quiet = {0: lambda s, b: [s.buy(b, 10, limit=98.99), s.sell(b, 10, limit=101.01), s.buy(b, 10, trigger=102.01)]}
    run = play(tmp_path, [QUIET, (100.0, 103.0, 98.0, 100.0)], quiet)
    assert sorted(trades(run)) == [("buy", 10, 98.95), ("buy", 10, 102.05), ("sell", 10, 101.05)]


# --- stops


def test_stop_fills_at_its_trigger_with_slippage(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (100.0, 102.0, 100.0, 101.0)], {0: buy(trigger=101.0)}, slippage_bps=10)
    assert trades(run) == [("buy", 10, 101.15)]  # 101.101 up the tick


def test_stop_gapped_over_fills_at_the_open(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (103.0, 104.0, 102.0, 103.0)], {0: buy(trigger=101.0)})
    assert trades(run) == [("buy", 10, 103.0)]
    run = play(tmp_path, [QUIET, (95.0, 97.0, 94.0, 95.0)], {0: sell(trigger=99.0)})
    assert trades(run) == [("sell", 10, 95.0)]


def test_stop_touched_is_reached(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (100.0, 101.0, 100.0, 100.0)], {0: buy(trigger=101.0)})
    assert trades(run) == [("buy", 10, 101.0)]
    assert len(bodies(run, Triggered)) == 1


def test_stop_limit_inside_its_limit(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (100.0, 102.0, 100.0, 101.5)], {0: buy(trigger=101.0, limit=101.5)})
    assert trades(run) == [("buy", 10, 101.0)]


def test_stop_limit_gapped_beyond_its_limit_rests(tmp_path: Path) -> None:
    prices = [QUIET, (103.0, 103.0, 101.0, 102.0), (102.0, 102.0, 101.5, 102.0), (102.0, 102.0, 101.4, 102.0)]
    run = play(tmp_path, prices, {0: buy(trigger=101.0, limit=101.5)})
    assert trades(run) == [("buy", 10, 101.5)], "only the last bar trades through 101.50"
    assert len(bodies(run, Triggered)) == 1


def test_trailing_stop_follows_the_extreme_before_the_bar(tmp_path: Path) -> None:
    prices = [
        QUIET,
        (100.0, 100.0, 100.0, 100.0),
        (100.0, 104.0, 100.0, 104.0),  # stands at 98 until this bar is over, then at 102
        (104.0, 105.0, 102.5, 103.0),  # then at 103
        (103.5, 103.5, 102.0, 102.5),
    ]
    run = play(tmp_path, prices, {0: buy(), 1: sell(trail=2.0)})
    assert trades(run) == [("buy", 10, 100.0), ("sell", 10, 103.0)]


def test_trailing_stop_gapped_over_fills_at_the_open(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, QUIET, (95.0, 96.0, 94.0, 95.0)], {0: buy(), 1: sell(trail=2.0)})
    assert trades(run)[-1] == ("sell", 10, 95.0)


# --- brackets and pairs


def test_stop_comes_before_target_in_one_bar(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (100.0, 106.0, 94.0, 100.0), QUIET], {0: buy(stop=95.0, target=105.0)})
    assert trades(run) == [("buy", 10, 100.0), ("sell", 10, 95.0)]
    assert [each.remaining for each in bodies(run, Cancelled)] == [10 * SCALE]


def test_target_in_the_bar_of_a_market_entry(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (100.0, 106.0, 99.0, 100.0), QUIET], {0: buy(stop=95.0, target=105.0)})
    assert trades(run) == [("buy", 10, 100.0), ("sell", 10, 105.0)]


def test_entry_inside_a_bar_sees_its_stop_but_not_its_target(tmp_path: Path) -> None:
    entry = {0: buy(limit=99.0, stop=97.0, target=103.0)}
    assert trades(play(tmp_path, [QUIET, (100.0, 104.0, 98.0, 100.0)], entry)) == [("buy", 10, 99.0)]
    stopped = play(tmp_path, [QUIET, (100.0, 104.0, 96.0, 100.0)], entry)
    assert trades(stopped) == [("buy", 10, 99.0), ("sell", 10, 97.0)]
    later = play(tmp_path, [QUIET, (100.0, 104.0, 98.0, 100.0), (100.0, 104.0, 100.0, 103.0)], entry)
    assert trades(later) == [("buy", 10, 99.0), ("sell", 10, 103.0)]


def test_bracket_whose_entry_never_fills_leaves_nothing(tmp_path: Path) -> None:
    plan = {0: buy(limit=90.0, stop=85.0, target=95.0), 1: lambda s, b: s.cancel(b)}
    run = play(tmp_path, [QUIET, QUIET, (95.0, 96.0, 84.0, 85.0)], plan)
    assert trades(run) == []
    assert len(bodies(run, Cancelled)) == 3 and not run.engine.working


def test_bracket_beyond_the_band_takes_its_exits_with_it(tmp_path: Path) -> None:
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, flat(100, 100)) + minutes(date(2024, 6, 4), flat(100, 100, 100))},
        [scripted("plan", at_bar({2: buy(limit=70.0, stop=60.0, target=75.0)}), product="MIS")],
    )
    run = case.run(watch=conserve)
    assert [each.order_id for each in bodies(run, Rejected)] == [1, 2, 3]
    assert "outside the day's band 80 to 120" in bodies(run, Rejected)[0].reason
    assert not run.engine.working


def test_exits_cover_only_what_filled(tmp_path: Path) -> None:
    prices = [QUIET, (*QUIET, 400.0), (*QUIET, 400.0), (94.0, 94.0, 93.0, 94.0, 1e6)]
    run = play(tmp_path, prices, {0: buy(100, stop=95.0, target=110.0)}, participation=0.1)
    assert trades(run) == [("buy", 40, 100.0), ("buy", 40, 100.0), ("sell", 80, 94.0)]
    assert run.ledger.position("plan", "NSE:A", Product.MIS) == 0
    assert sorted(each.remaining // SCALE for each in bodies(run, Cancelled)) == [20, 20, 100]


def test_exits_of_an_entry_that_was_cut_short_stay(tmp_path: Path) -> None:
    prices = [QUIET, (*QUIET, 400.0), (94.0, 94.0, 93.0, 94.0, 1e6)]
    plan = {0: buy(100, validity="IOC", stop=95.0, target=110.0)}
    run = play(tmp_path, prices, plan, participation=0.1)
    assert trades(run) == [("buy", 40, 100.0), ("sell", 40, 94.0)]


def test_one_cancels_the_other(tmp_path: Path) -> None:
    both = {0: pair({"quantity": 10, "trigger": 102.0}, {"quantity": 10, "trigger": 98.0})}
    run = play(tmp_path, [QUIET, (100.0, 102.5, 100.0, 102.0), (102.0, 102.0, 90.0, 95.0)], both)
    assert trades(run) == [("buy", 10, 102.0)]


def test_a_part_of_one_takes_that_part_of_the_other(tmp_path: Path) -> None:
    both = {0: pair({"quantity": 100, "limit": 99.0}, {"quantity": 100, "limit": 101.0})}
    prices = [QUIET, (100.0, 100.0, 98.0, 100.0, 400.0), (100.0, 102.0, 100.0, 100.0, 1e6), (100.0, 100.0, 98.0, 99.0)]
    run = play(tmp_path, prices, both, participation=0.1)
    assert trades(run) == [("buy", 40, 99.0), ("sell", 60, 101.0)]
    assert [each.remaining // SCALE for each in bodies(run, Cancelled)] == [40, 60]
    assert not run.engine.working


def test_a_pair_is_plain_and_on_one_instrument(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, QUIET], {0: pair({"quantity": 1, "limit": 99.0, "stop": 98.0}, {"quantity": 1})})
    assert [each["rule"] for each in refusals(run)] == ["invalid-order"]


# --- how long an order works


def test_immediate_or_cancel(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (*QUIET, 400.0), QUIET], {0: buy(100, validity="IOC")}, participation=0.1)
    assert trades(run) == [("buy", 40, 100.0)]
    assert [each.remaining // SCALE for each in bodies(run, Cancelled)] == [60]


@pytest.mark.parametrize(("validity", "filled"), [("DAY", 0), ("GTC", 1)])
def test_the_end_of_the_day(tmp_path: Path, validity: str, filled: int) -> None:
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, flat(100, 100)) + minutes(date(2024, 6, 4), [QUIET, (100, 100, 90, 95)])},
        [scripted("plan", at_bar({0: buy(limit=99.0, validity=validity)}), product="CNC")],
    )
    run = case.run(watch=conserve)
    assert len(fills(run)) == filled and len(bodies(run, Expired)) == 1 - filled


def test_a_day_order_of_the_last_bar_is_for_the_next_day(tmp_path: Path) -> None:
    case = Case(tmp_path, {"NSE:A": days(flat(100, 101, 102))}, [scripted("plan", at_bar({0: buy()}))], interval="1d")
    assert trades(case.run(watch=conserve)) == [("buy", 10, 101.0)]


def test_participation_fills_over_several_bars_in_lots(tmp_path: Path) -> None:
    prices = [QUIET, (100, 100, 100, 100, 155.0), (101, 101, 101, 101, 155.0), (102, 102, 102, 102, 1e6)]
    run = play(tmp_path, prices, {0: buy(40)}, participation=0.1)
    assert trades(run) == [("buy", 15, 100.0), ("buy", 15, 101.0), ("buy", 10, 102.0)]


def test_a_bar_without_volume_trades_nothing(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, (*QUIET, 0.0), (*QUIET, 0.0)], {0: buy()}, participation=0.1)
    assert trades(run) == []


def test_two_orders_share_a_bars_volume(tmp_path: Path) -> None:
    plan: Plan = {0: lambda s, b: [s.buy(b, 30), s.buy(b, 30)]}
    run = play(tmp_path, [QUIET, (*QUIET, 400.0), (*QUIET, 400.0)], plan, participation=0.1)
    assert [(each.order_id, each.quantity // SCALE) for each in fills(run)] == [(1, 30), (2, 10), (2, 20)]


# --- bands, bars and clocks


@pytest.mark.parametrize(
    ("side", "locked", "fills_"), [(buy, 120.0, 0), (sell, 120.0, 1), (sell, 80.0, 0), (buy, 80.0, 1)]
)
def test_nobody_trades_against_a_locked_bar(
    tmp_path: Path, side: Callable[..., Callable[[Scripted, Bar], Decision]], locked: float, fills_: int
) -> None:
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, flat(100, 100)) + minutes(date(2024, 6, 4), flat(locked, locked, locked))},
        [scripted("plan", at_bar({2: side()}), product="MIS")],
    )
    assert len(fills(case.run(watch=conserve))) == fills_


def test_slippage_stays_inside_the_band(tmp_path: Path) -> None:
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, flat(100)) + minutes(date(2024, 6, 4), flat(119, 119.95, 119.95))},
        [scripted("plan", at_bar({1: buy()}), product="MIS")],
        sections={"execution": {"slippage_bps": 500}},
    )
    assert trades(case.run(watch=conserve)) == [("buy", 10, 120.0)]


def test_the_short_last_bar_of_a_session_trades_at_its_open(tmp_path: Path) -> None:
    rows = [("2024-06-03 14:15:00", *QUIET, 1e6), ("2024-06-03 15:15:00", *QUIET, 1e6)]
    rows.append(("2024-06-03 15:30:00", 101.0, 104.0, 100.0, 103.0, 1e6))
    case = Case(tmp_path, {"NSE:A": rows}, [scripted("plan", at_bar({1: buy()}))], interval="1h")
    assert trades(case.run(watch=conserve)) == [("buy", 10, 101.0)]


def test_an_order_is_not_filled_by_the_bar_that_ends_as_it_comes(tmp_path: Path) -> None:
    """A decision on one instrument's bar meets the other's next bar, whichever stands first in the file."""

    def other(strategy: Scripted, bar: Bar) -> list[Decision]:
        return [strategy.buy("NSE:B", 10)] if bar.instrument == "NSE:A" else []

    bars = {"NSE:A": minutes(MONDAY, flat(100, 100, 100)), "NSE:B": minutes(MONDAY, flat(200, 201, 202))}
    for names in (["NSE:A", "NSE:B"], ["NSE:B", "NSE:A"]):
        case = Case(
            tmp_path,
            {name: bars[name] for name in names},
            [scripted("plan", lambda s, b, a: other(s, b) if s.n in (2, 3) else (), use="Portfolio")],
        )
        run = case.run(watch=conserve)
        assert trades(run) == [("buy", 10, 202.0)]


# --- delivery and the day's end


def test_exits_never_sell_what_is_gone(tmp_path: Path) -> None:
    plan = {0: buy(stop=95.0), 1: sell(), 2: buy(5)}
    run = play(tmp_path, [QUIET, QUIET, QUIET, QUIET, (90.0, 90.0, 90.0, 90.0), QUIET], plan, product="CNC")
    assert trades(run) == [("buy", 10, 100.0), ("sell", 10, 100.0), ("buy", 5, 100.0), ("sell", 5, 90.0)]


def test_a_stop_without_a_position_is_withdrawn(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, QUIET, QUIET, (90, 90, 90, 90), QUIET], {0: buy(stop=95.0), 1: sell()}, product="CNC")
    assert trades(run) == [("buy", 10, 100.0), ("sell", 10, 100.0)]
    assert [each.reason for each in bodies(run, Cancelled)] == ["another order closed the position"]


def test_a_withdrawn_order_frees_its_shares_at_once(tmp_path: Path) -> None:
    plan: Plan = {0: buy(), 1: sell(limit=120.0), 2: lambda s, b: [s.cancel(b), s.sell(b, 10)]}
    run = play(tmp_path, [QUIET, QUIET, QUIET, QUIET], plan, product="CNC")
    assert trades(run) == [("buy", 10, 100.0), ("sell", 10, 100.0)]


def test_exits_of_a_delivery_bracket_last_overnight(tmp_path: Path) -> None:
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, flat(100, 100)) + minutes(date(2024, 6, 4), [QUIET, (94, 94, 94, 94)])},
        [scripted("plan", at_bar({0: buy(stop=95.0, target=110.0)}), product="CNC")],
    )
    assert trades(case.run(watch=conserve)) == [("buy", 10, 100.0), ("sell", 10, 94.0)]


def test_intraday_positions_are_squared_off(tmp_path: Path) -> None:
    prices = flat(*[100.0] * 20)
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, prices, first="15:05")},
        [scripted("plan", at_bar({0: buy(), 1: sell(5, limit=120.0)}), product="MIS")],
        sections={"execution": {"slippage_bps": 10}},
    )
    run = case.run(watch=conserve)
    assert trades(run) == [("buy", 10, 100.1), ("sell", 10, 99.9)]
    assert fills(run)[-1].reason == "square_off"
    assert not run.engine.working


def test_a_cut_day_is_squared_off_at_its_last_price(tmp_path: Path) -> None:
    rows = minutes(MONDAY, flat(100, 100, 103)) + minutes(date(2024, 6, 4), flat(110, 110))
    case = Case(tmp_path, {"NSE:A": rows}, [scripted("plan", at_bar({0: buy()}), product="MIS")])
    run = case.run(watch=conserve)
    assert trades(run) == [("buy", 10, 100.0), ("sell", 10, 103.0)]
    assert len(run.backtest.forced) == 1


def refusals(run: Prepared) -> list[dict[str, str]]:
    return [{"rule": each.rule, "limit": each.limit, "value": each.value} for each in bodies(run, Refused)]


def test_everything_is_in_the_log(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET, QUIET, QUIET], {0: buy(), 1: sell()})
    assert [entry.seq for entry in run.backtest.log] == list(range(len(run.backtest.log)))
    assert all(entry.cause < entry.seq for entry in run.backtest.log)
    assert len(bodies(run, Fill)) == 2
