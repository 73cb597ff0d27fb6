"""A run under watch: what trips, what then passes the gate, what is closed by force; each worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    MONDAY,
    Case,
    Row,
    at_bar,
    bodies,
    conserve,
    days,
    flat,
    minutes,
    scripted,
    trades,
)
from tradsys.core.errors import ConfigError
from tradsys.core.events import Approved, CancelRequested, Fill, Refused, Side
from tradsys.core.risk_events import BreakerReset, BreakerTripped, Liquidating, RiskAlert
from tradsys.engine.assemble import Prepared
from tradsys.engine.risk_events import risk_events
from tradsys.engine.run import finish
from tradsys.engine.runner import mark_open
from tradsys.portfolio.tear_sheet import render

TUESDAY = date(2024, 6, 4)
SHARE, OTHER = "NSE:A", "NSE:B"


def case(folder: Path, plan: Mapping[int, Any], prices: Sequence[Row], risk: Mapping[str, Any], **more: Any) -> Case:
    script = scripted("plan", at_bar(plan), instruments=[SHARE], **more)
    return Case(folder, {SHARE: prices}, [script], sections={"risk": risk})


def told(prepared: Prepared) -> list[tuple[str, str]]:
    return [(each.rule, each.severity) for each in bodies(prepared, RiskAlert)]


def tripped(prepared: Prepared) -> list[tuple[str, str]]:
    return [(each.breaker, each.subject) for each in bodies(prepared, BreakerTripped)]


def refused(prepared: Prepared) -> list[str]:
    return [each.rule for each in bodies(prepared, Refused)]


def test_nothing_is_watched_by_default(tmp_path: Path) -> None:
    prepared = case(tmp_path, {}, minutes(MONDAY, flat(100, 50)), {}).run()
    assert prepared.backtest.watch is None
    assert not bodies(prepared, RiskAlert, BreakerTripped)


def test_an_alert_is_said_once_until_it_clears(tmp_path: Path) -> None:
    """10,000 shares of an account of a million; each unit of price is a hundredth."""
    plan = {0: lambda s, b: s.buy(b, 10_000)}
    prices = minutes(MONDAY, flat(100, 100, 92, 91, 90, 89, 90.6, 93, 99, 92))
    prepared = case(tmp_path, plan, prices, {"monitoring": {"drawdown": 0.1}}, product="MIS").run(watch=conserve)
    assert told(prepared) == [
        ("drawdown", "approaching"),
        ("drawdown", "breached"),
        ("drawdown", "cleared"),
        ("drawdown", "approaching"),
    ]
    first = bodies(prepared, RiskAlert)[0]
    assert (first.value, first.limit) == ("8.00%", "10.00%")


def test_the_days_loss_halts_the_account_until_a_person_says_otherwise(tmp_path: Path) -> None:
    """Below the limit nothing trips; at it, what opens is refused, and what closes passes."""
    plan = {
        0: lambda s, b: s.buy(b, 1_000),
        3: lambda s, b: s.buy(b, 1),
        5: lambda s, b: s.buy(b, 1),
        6: lambda s, b: s.sell(b, 501),
        7: lambda s, b: s.sell(b, 1_000),
    }
    prices = minutes(MONDAY, flat(100, 100, 90.01, 90.01, 90, 90, 90, 90, 90, 90))
    risk = {"breakers": {"daily_loss": {"limit": 10_000}}}
    prepared = case(tmp_path, plan, prices, risk, product="MIS").run(watch=conserve)
    assert tripped(prepared) == [("daily-loss", "")]
    assert trades(prepared) == [("buy", 1000, 100.0), ("buy", 1, 90.0), ("sell", 501, 90.0)]
    assert refused(prepared) == ["breaker-daily-loss", "breaker-daily-loss"], "the last sells more than is held"


def test_an_order_that_opens_is_withdrawn_by_the_bar_that_trips(tmp_path: Path) -> None:
    """Its strategy bought on the very bar: the order never meets the next one."""
    plan = {0: lambda s, b: s.buy(b, 1_000), 2: lambda s, b: s.buy(b, 1)}
    prices = minutes(MONDAY, flat(100, 100, 90, 90, 90))
    risk = {"breakers": {"drawdown": {"limit": 0.01}}}
    prepared = case(tmp_path, plan, prices, risk, product="MIS").run(watch=conserve)
    assert trades(prepared) == [("buy", 1000, 100.0)]
    (withdrawn,) = bodies(prepared, CancelRequested)
    assert withdrawn.reason == "breaker drawdown"
    lines = {each.seq: each for each in prepared.backtest.log}
    (line,) = [each for each in prepared.backtest.log if each.body is withdrawn]
    assert isinstance(lines[line.cause].body, BreakerTripped)


def test_a_halt_ends_on_the_next_trading_date_before_its_first_decision(tmp_path: Path) -> None:
    plan = {
        0: lambda s, b: s.buy(b, 1_000),
        3: lambda s, b: s.buy(b, 1),
        5: lambda s, b: s.buy(b, 1),
    }
    prices = minutes(MONDAY, flat(100, 100, 90, 90, 90)) + minutes(TUESDAY, flat(90, 90, 90))
    risk = {"breakers": {"daily_loss": {"limit": 100, "reset": "next_day"}}}
    prepared = case(tmp_path, plan, prices, risk, product="CNC").run(watch=conserve)
    assert refused(prepared) == ["breaker-daily-loss"]
    assert [(each.by, each.reason) for each in bodies(prepared, BreakerReset)] == [("", "the next trading date")]
    assert trades(prepared) == [("buy", 1000, 100.0), ("buy", 1, 90.0)]
    assert tripped(prepared) == [("daily-loss", "")], "the day's loss counts from yesterday's last worth"


def test_volatility_halts_one_instrument_for_a_time(tmp_path: Path) -> None:
    """A move of 5 % within two minutes; three minutes later the instrument may be bought again."""
    plan = {n: lambda s, b: s.buy(b, 1) for n in range(9)}
    script = scripted("plan", at_bar(plan))
    prices = {
        SHARE: minutes(MONDAY, flat(100, 98, 96, 95, 94, 94, 94, 94, 94, 94)),
        OTHER: minutes(MONDAY, flat(100, 95.01, 100, 100, 100, 100, 100, 100, 100, 100)),
    }
    limit = {"limit": 0.0499, "window_seconds": 120, "reset": "after", "reset_seconds": 180}
    risk = {"breakers": {"volatility": limit}}
    prepared = Case(tmp_path, prices, [script], sections={"risk": risk}).run(watch=conserve)
    assert tripped(prepared) == [("volatility", OTHER)]
    assert refused(prepared) == ["breaker-volatility"] * 2
    (trip,), (reset,) = bodies(prepared, BreakerTripped), bodies(prepared, BreakerReset)
    assert (trip.value, trip.limit) == ("4.99%", "4.99%")
    assert reset.at == trip.until == trip.at + 180 * 10**9


def test_losing_trades_in_a_row_halt_their_strategy_alone(tmp_path: Path) -> None:
    losing = {n: (lambda s, b: s.buy(b, 1)) if n % 2 == 0 else (lambda s, b: s.sell(b, 1)) for n in range(8)}
    scripts = [
        scripted("loser", at_bar(losing), instruments=[SHARE]),
        scripted("winner", at_bar(losing), instruments=[OTHER]),
    ]
    prices = {
        SHARE: minutes(MONDAY, flat(100, 99, 98, 97, 96, 95, 94, 93, 92)),
        OTHER: minutes(MONDAY, flat(100, 101, 102, 103, 104, 105, 106, 107, 108)),
    }
    risk = {"breakers": {"loss_streak": {"limit": 2}}}
    prepared = Case(tmp_path, prices, scripts, sections={"risk": risk}).run(watch=conserve)
    assert tripped(prepared) == [("loss-streak", "loser")]
    sold = [each.strategy for each in bodies(prepared, Fill) if each.side is Side.SELL]
    assert sold.count("loser") == 2 and sold.count("winner") == 4
    (line,) = [each for each in prepared.backtest.log if isinstance(each.body, BreakerTripped)]
    assert line.strategy == "loser"


def test_a_split_is_no_move_of_the_price(tmp_path: Path) -> None:
    actions = tmp_path / "actions.csv"
    actions.write_text(f"instrument,ex_date,kind,ratio,cash,source\n{SHARE},2024-06-04,split,1:2,,made up\n")
    rows = days(flat(100, 50, 50))
    script = scripted("plan", at_bar({}), instruments=[SHARE])
    risk = {"breakers": {"volatility": {"limit": 0.2, "window_seconds": 200_000}}}
    whole = Case(tmp_path, {SHARE: rows}, [script], sections={"risk": risk}, interval="1d").run()
    assert tripped(whole) == [("volatility", SHARE)]
    sections: dict[str, dict[str, Any]] = {"risk": risk, "data": {"corporate_actions": "actions.csv"}}
    assert tripped(Case(tmp_path, {SHARE: rows}, [script], sections=sections, interval="1d").run()) == []


def test_silence_in_session_is_said_and_cleared(tmp_path: Path) -> None:
    script = scripted("plan", at_bar({}))
    rows = minutes(MONDAY, flat(100, 100, 100, 100, 100, 100))
    prices = {SHARE: rows, OTHER: [rows[0], rows[5]]}
    risk = {"monitoring": {"stale_seconds": 180}}
    prepared = Case(tmp_path, prices, [script], sections={"risk": risk}).run()
    assert [(each.subject, each.severity, each.value) for each in bodies(prepared, RiskAlert)] == [
        (OTHER, "breached", "180 s"),
        (OTHER, "cleared", "0 s"),
    ]


FUTURE = {"segment": "future", "expiry": "2024-06-27", "underlying": "NSE:NIFTY 50", "lot": 25.0}


def liquidating(folder: Path, risk: Mapping[str, Any]) -> Prepared:
    """Two futures of one account; the first bar's range makes the second dearer to leave."""
    prices = {
        "NFO:A": minutes(MONDAY, flat(100, 100, 100, 100, 100)),
        "NFO:B": minutes(MONDAY, [(100, 101, 99, 100)] * 5),
    }
    scripts = [
        scripted("a", at_bar({0: lambda s, b: s.buy(b, 100), 3: lambda s, b: s.buy(b, 25)}), instruments=["NFO:A"]),
        scripted("b", at_bar({0: lambda s, b: s.sell(b, 100)}), instruments=["NFO:B"]),
    ]
    details = {"NFO:A": FUTURE, "NFO:B": {**FUTURE, "expiry": "2024-07-25"}}
    sections = {"risk": risk, "run": {"cash": 10_000.0}}
    return Case(folder, prices, scripts, instruments=details, sections=sections).run(watch=conserve)


def test_just_enough_is_closed_by_force_the_cheapest_first(tmp_path: Path) -> None:
    """Twice the account's worth of futures, of which it may have 1.9 times at most: one lot is too many."""
    prepared = liquidating(tmp_path, {"monitoring": {"liquidate_gross": 1.9}})
    (said,) = bodies(prepared, Liquidating)
    assert (said.rule, said.value, said.limit, said.positions) == ("gross-exposure", "200.00%", "190.00%", 1)
    assert trades(prepared) == [("buy", 100, 100.0), ("sell", 100, 100.0), ("sell", 25, 100.0)]
    assert tripped(prepared) == [("liquidation", "")]
    assert refused(prepared) == ["breaker-liquidation"], "what was closed by force is not opened again"
    (closing,) = [each for each in bodies(prepared, Approved) if each.order.reason == "liquidation"]
    assert closing.at == said.at


def test_what_the_gate_refuses_to_close_is_tried_again_a_minute_later(tmp_path: Path) -> None:
    """Shares bought today, in an account that may not sell them before they are settled."""
    rows: list[Row] = [(f"{MONDAY} 09:{16 + n // 6}:{n % 6}0", 100, 100, 100, 100, 1e6) for n in range(20)]
    risk = {"monitoring": {"liquidate_gross": 0.5, "every_seconds": 1.0}, "sell_unsettled": False}
    plan = {0: lambda s, b: s.buy(b, 6_000)}
    tested = replace(case(tmp_path, plan, rows, risk), interval="10s")
    prepared = tested.run(watch=conserve)
    assert trades(prepared) == [("buy", 6000, 100.0)]
    tries = [each.at for each in bodies(prepared, Liquidating)]
    assert [at - tries[0] for at in tries] == [0, 60 * 10**9, 120 * 10**9, 180 * 10**9]
    assert set(refused(prepared)) == {"sell-unsettled"} and len(refused(prepared)) == 4


@pytest.mark.parametrize("execution", [{}, {"market_protection": 2.0}])
def test_what_is_being_closed_is_not_closed_again(tmp_path: Path, execution: Mapping[str, Any]) -> None:
    """Four shares a bar trade: 11 of 90 take three bars, through all of which the limit is passed."""
    rows = minutes(MONDAY, [(100, 100, 100, 100, volume) for volume in (1e6, 1e6, 8, 8, 8, 8, 8)])
    sections: dict[str, Mapping[str, Any]] = {
        "risk": {"monitoring": {"liquidate_gross": 0.8}},
        "run": {"cash": 10_000.0},
        "execution": {"participation": 0.5, **execution},
    }
    script = scripted("plan", at_bar({0: lambda s, b: s.buy(b, 90)}), instruments=[SHARE])
    prepared = Case(tmp_path, {SHARE: rows}, [script], sections=sections).run(watch=conserve)
    assert len(bodies(prepared, Liquidating)) == 1
    assert trades(prepared)[1:] == [("sell", 4, 100.0), ("sell", 4, 100.0), ("sell", 3, 100.0)]


def test_margin_counts_as_the_gate_counts_it(tmp_path: Path) -> None:
    """What the watch takes for margin and what covers it leave the cash that the gate calls free."""
    seen: list[int] = []

    def watch(prepared: Prepared, event: Any) -> None:
        holdings = prepared.backtest.watch._holdings  # type: ignore[union-attr]
        standing = prepared.engine.parts[2].standing
        mark_open(prepared.ledger, prepared.engine.markets)
        margin = sum(holdings.margin(held) for held in prepared.ledger.open_positions.values())
        seen.append(margin)
        assert holdings.funds() - margin - standing.reserved == standing.free_cash()

    plan = {0: lambda s, b: s.sell(b, 25), 2: lambda s, b: s.sell(b, 50), 4: lambda s, b: s.buy(b, 25)}
    prices = {
        "NFO:A": minutes(MONDAY, flat(100, 103, 99, 98, 105, 102)),
        "NFO:C": minutes(MONDAY, flat(5, 6, 7, 6, 5, 4)),
        SHARE: minutes(MONDAY, flat(50, 51, 49, 48, 47, 50)),
    }
    details = {"NFO:A": FUTURE, "NFO:C": {**FUTURE, "segment": "option", "strike": 100.0, "right": "CE"}}
    scripts = [
        scripted("a", at_bar(plan), instruments=["NFO:A"]),
        scripted("c", at_bar(plan), instruments=["NFO:C"]),
        scripted("s", at_bar(plan), instruments=[SHARE], product="MIS"),
    ]
    case = Case(tmp_path, prices, scripts, instruments=details, sections={"risk": {"monitoring": {"margin_call": 1.0}}})
    case.run(watch=watch)
    assert max(seen) > 0


def test_a_margin_call_is_said_at_the_limit(tmp_path: Path) -> None:
    """100 of a future at 100 keep their margin; the limit is the share of the cash that this is."""
    share = liquidating(tmp_path / "a", {"monitoring": {"margin_call": 0.001}})
    alert = next(each for each in bodies(share, RiskAlert) if each.rule == "margin-call")
    used = float(alert.value.rstrip("%")) / 100
    for limit, expected in ((used, "breached"), (used + 1e-8, "approaching")):
        prepared = liquidating(tmp_path / str(limit), {"monitoring": {"margin_call": limit}})
        assert told(prepared)[0] == ("margin-call", expected)


@pytest.mark.parametrize(
    ("risk", "match"),
    [
        ({"monitoring": {"approach": 0.0}}, "risk.monitoring.approach"),
        ({"monitoring": {"drawdown": -0.1}}, "risk.monitoring.drawdown"),
        ({"breakers": {"drawdown": {"limit": 0.1, "reset": "after"}}}, "drawdown.reset_seconds"),
        ({"breakers": {"loss_streak": {"limit": 1.5}}}, "loss_streak.limit is a count"),
        ({"breakers": {"low_profit": {"limit": 5.0}}}, "low_profit.trades is 0"),
        ({"breakers": {"liquidation": {"limit": 5.0}}}, "liquidation.limit has no meaning"),
        ({"breakers": {"volatility": {"limit": 0.1, "window_seconds": 0}}}, "window_seconds is 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, risk: Mapping[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match) as refusal:
        case(tmp_path, {}, minutes(MONDAY, flat(100, 100)), risk).prepare()
    assert refusal.value.limit or refusal.value.fix


def test_our_own_limits_are_approached_before_they_refuse(tmp_path: Path) -> None:
    """80 of 100 shares, then 100; the day's loss of 500 is approached at 400 and counts afresh the next day."""
    plan = {0: lambda s, b: s.buy(b, 79), 2: lambda s, b: s.buy(b, 1), 4: lambda s, b: s.buy(b, 20)}
    prices = minutes(MONDAY, flat(100, 100, 100, 100, 100, 100, 96, 95)) + minutes(TUESDAY, flat(95, 94))
    limits = {"position": 100, "daily_loss": 500, "strategies": {"plan": {"position_value": 20_000}}}
    risk = {"monitoring": {}, "limits": limits}
    prepared = case(tmp_path, plan, prices, risk).run(watch=conserve)
    said = [(each.rule, each.subject, each.severity, each.value) for each in bodies(prepared, RiskAlert)]
    assert said == [
        ("limit-position", SHARE, "approaching", "80"),
        ("limit-position", SHARE, "breached", "100"),
        ("limit-daily-loss", "", "approaching", "₹400.00"),
        ("limit-daily-loss", "", "breached", "₹500.00"),
        ("limit-daily-loss", "", "cleared", "₹0.00"),
    ]


def test_every_standing_limit_is_measured_in_its_scope(tmp_path: Path) -> None:
    """45 % of the account's worth in one share: of the account, of its strategy and segment, of the instrument."""
    limits = {
        "leverage": 0.5,
        "concentration": 0.6,
        "strategies": {"plan": {"position": 5_000, "daily_loss": 1_000}},
        "segments": {"equity": {"position_value": 500_000}, "future": {"position": 1}},
        "instruments": {SHARE: {"leverage": 0.45}},
    }
    prices = minutes(MONDAY, flat(100, 100, 100, 100))
    risk = {"monitoring": {}, "limits": limits}
    prepared = case(tmp_path, {0: lambda s, b: s.buy(b, 4_500)}, prices, risk).run(watch=conserve)
    said = [(each.rule, each.subject, each.severity, each.value) for each in bodies(prepared, RiskAlert)]
    assert said == [
        ("limit-leverage", "", "approaching", "45.00%"),
        ("limit-position", f"plan {SHARE}", "approaching", "4500"),
        ("limit-leverage", SHARE, "breached", "45.00%"),
        ("limit-position-value", SHARE, "approaching", "₹4,50,000.00"),
    ]


def test_results_list_what_was_said(tmp_path: Path) -> None:
    """By what happened, rule and subject; a run that nothing was said in has no such table."""
    quiet = liquidating(tmp_path / "quiet", {})
    watched = liquidating(tmp_path / "watched", {"monitoring": {"liquidate_gross": 1.9, "gross_exposure": 1.5}})
    rows = risk_events(watched.backtest.log)
    assert [(each.what, each.rule, each.count, each.value) for each in rows] == [
        ("breached", "gross-exposure", 1, "200.00%"),
        ("closed by force", "gross-exposure", 1, "200.00%"),
        ("tripped", "liquidation", 1, "1"),
    ]
    heading = "Alerts and breakers"
    assert heading not in render(finish(quiet, out=tmp_path / "runs").result)
    page = render(finish(watched, out=tmp_path / "runs").result)
    assert heading in page and "closed by force" in page


def test_the_same_run_says_the_same(tmp_path: Path) -> None:
    risk = {"monitoring": {"liquidate_gross": 1.9, "gross_exposure": 1.5}, "breakers": {"drawdown": {"limit": 0.01}}}
    logs = [liquidating(tmp_path / str(n), risk).backtest.log for n in range(2)]
    assert logs[0] == logs[1]
