"""Closing a position under the rules, what is counted of a day, and a restart that forgets none of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import at_bar, bodies, fills, flat, minutes, orders, scripted
from tests.unit.engine.ruled.runs import MONDAY, TUESDAY, case, refused, rules, two_days
from tradsys.compliance.sebi.rule_check import india_day
from tradsys.core.errors import ConfigError
from tradsys.core.events import Approved, Cancelled, CancelRequested, Fill, Order
from tradsys.core.units import DAY, SCALE
from tradsys.engine.assemble import Prepared
from tradsys.engine.ruled.desk import CROSSING, RuledDesk
from tradsys.engine.trading.engine_state import engine_state, restore_engine

FUTURE = "NFO:A26NOVFUT"
CONTRACT = {"segment": "future", "underlying": "NSE:A", "expiry": "2026-11-26", "lot": 10}
FILES = {
    "ban_list": "*,no,2026-01-01,,list",
    "market_wide_limits": "NSE:A,100000,2026-01-01,,list",
    "freeze_quantities": f"{FUTURE},40,2026-01-01,,contract file",
}


def desk_of(prepared: Prepared) -> RuledDesk:
    desk = prepared.engine.parts[2]
    assert isinstance(desk, RuledDesk)
    return desk


def asks(*times: int, name: str, quantity: float = 40.0, sells: bool = False, **details: Any) -> dict[str, Any]:
    def ask(strategy: Any, bar: Any) -> Any:
        return (strategy.sell if sells else strategy.buy)(bar, quantity, limit=1.01 * bar.close, **details)

    return scripted(name, at_bar(dict.fromkeys(times, ask)))


def test_what_closes_a_position_is_sliced_by_the_freeze_quantity(tmp_path: Path) -> None:
    rows = minutes(MONDAY, flat(100.0)) + minutes(TUESDAY, flat(*[100.0, 99.9] * 10), first="15:10")
    done = case(
        tmp_path,
        [asks(2, 4, name="plan", product="MIS")],
        bars={FUTURE: rows},
        instruments={FUTURE: CONTRACT},
        files=FILES,
    ).run()
    assert refused(done) == []
    closing = [each.quantity // SCALE for each in orders(done).values() if each.reason == "square_off"]
    assert closing == [40, 40], "80 in one order would be frozen"
    assert done.ledger.position("plan", FUTURE, done.engine.runners[0].product) == 0
    assert not done.ledger.open_positions


def test_without_slices_a_strategys_order_above_the_freeze_quantity_is_refused(tmp_path: Path) -> None:
    done = case(
        tmp_path,
        [asks(3, name="plan", quantity=50, product="MIS")],
        bars={FUTURE: two_days(*[100.0] * 6)},
        instruments={FUTURE: CONTRACT},
        files=FILES,
    ).run()
    assert refused(done) == [("sebi-freeze-quantity", "50", "40")]


def test_own_orders_in_the_way_of_a_closing_order_are_withdrawn(tmp_path: Path) -> None:
    rows = minutes(MONDAY, flat(100.0)) + minutes(TUESDAY, flat(*[100.0, 99.9] * 5), first="15:14")
    holder = asks(2, name="holder", quantity=10, product="MIS")
    # its purchase at 99.5 never trades, and is above what the sale at market may leave at
    other = scripted("other", at_bar({5: lambda s, bar: s.buy(bar, 5, limit=99.5)}))
    done = case(tmp_path, [holder, other], bars={"NSE:A": rows}).run()
    withdrawn = [each for each in bodies(done, CancelRequested) if each.reason == CROSSING]
    assert [orders(done)[each.order_id].strategy for each in withdrawn] == ["other"]
    assert "sebi-self-trade" not in rules(done)
    assert [each.reason for each in fills(done)] == ["", "square_off"]


def test_a_protected_market_order_stays_inside_the_band(tmp_path: Path) -> None:
    """Two percent of protection from a price at the end of a band of one: the sale at the square-off, too."""
    prices = [100.0, 100.0, 99.0, 99.0, *[99.5] * 10]
    rows = minutes(MONDAY, flat(100.0)) + minutes(TUESDAY, flat(*prices), first="15:14")
    files = {"price_bands": "NSE:A,1,2026-01-01,,daily file"}
    buys = {2: lambda s, bar: s.buy(bar, 10, product="MIS")}
    done = case(tmp_path, [scripted("plan", at_bar(buys))], bars={"NSE:A": rows}, files=files).run()
    assert refused(done) == []
    assert [each.limit / SCALE for each in orders(done).values()] == [101.0, 99.0]
    assert [each.reason for each in fills(done)] == ["", "square_off"]


def test_a_strategys_order_against_our_own_is_refused(tmp_path: Path) -> None:
    buyer = scripted("buyer", at_bar({2: lambda s, bar: s.buy(bar, 5, limit=99.0, product="MIS")}))
    seller = scripted("seller", at_bar({3: lambda s, bar: s.sell(bar, 5, limit=98.0, product="MIS")}))
    done = case(tmp_path, [buyer, seller]).run()
    assert refused(done) == [("sebi-self-trade", "98", "own buy 1 at 99")]


def test_what_is_being_withdrawn_stands_in_nobodys_way(tmp_path: Path) -> None:
    def turn(strategy: Any, bar: Any) -> list[Any]:
        return [strategy.cancel(bar), strategy.sell(bar, 5, limit=98.0, product="MIS")]

    plan = at_bar({2: lambda s, bar: s.buy(bar, 5, limit=99.0, product="MIS"), 3: turn})
    done = case(tmp_path, [scripted("plan", plan)]).run()
    assert refused(done) == []
    assert len(bodies(done, Cancelled)) >= 1


def test_the_exits_of_a_bracket_sleep_until_it_trades(tmp_path: Path) -> None:
    """The stop of a resting sale would buy: another strategy's sale cannot trade with it yet."""
    entry = scripted("entry", at_bar({2: lambda s, bar: s.sell(bar, 5, limit=110.0, stop=112.0, product="MIS")}))
    other = scripted("other", at_bar({3: lambda s, bar: s.sell(bar, 5, limit=101.0, product="MIS")}))
    done = case(tmp_path, [entry, other]).run()
    assert [each.order.strategy for each in bodies(done, Approved)].count("other") == 1


def test_the_rate_counts_closing_orders_and_holds_none_up(tmp_path: Path) -> None:
    names = [f"NSE:{letter}" for letter in "ABCDEFGHIJKL"]
    rows = minutes(MONDAY, flat(100.0)) + minutes(TUESDAY, flat(*[100.0, 99.9] * 5), first="15:12")
    # six a minute, so that the rate lets all twelve in
    plans = [
        {**asks(2 if name < "NSE:G" else 4, name=name, quantity=5, product="MIS"), "instruments": [name]}
        for name in names
    ]
    done = case(tmp_path, plans, bars=dict.fromkeys(names, rows)).run()
    assert refused(done) == []
    closed = [each for each in orders(done).values() if each.reason == "square_off"]
    assert len(closed) == 12 and len({each.at for each in closed}) == 1
    assert not done.ledger.open_positions


# --- counts


def recount(prepared: Prepared, *, last: dict[int, float]) -> dict[tuple[str, int], tuple[int, int]]:
    """Messages and trades by exchange and day, from the log alone."""
    known: dict[int, Order] = {}
    found: dict[tuple[str, int], tuple[int, int]] = {}

    def add(name: str, at: int, *, counted: int = 0, trades: int = 0) -> None:
        key = (name.partition(":")[0], india_day(at))
        messages, done = found.get(key, (0, 0))
        found[key] = (messages + counted, done + trades)

    for body in bodies(prepared, Approved, CancelRequested, Fill):
        if isinstance(body, Fill):
            add(body.instrument, body.at, trades=1)
            continue
        if isinstance(body, Approved):
            known[body.order_id] = body.order
        order = known[body.order_id]
        near = order.limit > 0 and abs(order.limit / SCALE - last[body.at]) <= 0.0075 * last[body.at]
        add(order.instrument, body.at, counted=0 if near else 1)
    return found


def busy(folder: Path, **sections: Any) -> Any:
    """Orders near and far, some of which trade, some withdrawn."""

    def plan(strategy: Any, bar: Any, account: Any) -> list[Any]:
        step = strategy.n % 4
        far, near = strategy.buy(bar, 1, limit=0.9 * bar.close), strategy.buy(bar, 1, limit=bar.close)
        return [[far, near], [far, far], [strategy.cancel(bar)], []][step]

    closes = [100.0 + 0.1 * (n % 7) for n in range(60)]
    rows = two_days(*closes) + minutes(date(2026, 11, 18), flat(*closes))
    return case(folder, [scripted("busy", plan)], bars={"NSE:A": rows}, **sections)


def test_counts_are_those_of_the_log(tmp_path: Path) -> None:
    seen: dict[tuple[str, int], tuple[int, int]] = {}
    last: dict[int, float] = {}

    def look(prepared: Prepared, event: Any) -> None:
        bar = prepared.engine.markets["NSE:A"].bar
        if bar is not None:
            last[bar.at] = bar.close
            counts = desk_of(prepared).traffic.messages("NSE", bar.at)
            seen["NSE", india_day(bar.at)] = (counts.counted, counts.trades)

    done = busy(tmp_path).run(watch=look)
    said = recount(done, last=last | {each.at: 100.0 for each in bodies(done, CancelRequested) if each.at not in last})
    for key, counts in seen.items():
        assert counts == said.get(key, (0, 0))
    assert sum(trades for _, trades in seen.values()) == len(fills(done)) > 3
    assert max(counted for counted, _ in seen.values()) > 30


def test_a_restart_forgets_nothing_that_was_counted(tmp_path: Path) -> None:
    run, fresh = (busy(tmp_path / name).prepare(stepped=True) for name in ("run", "fresh"))
    bars = list(run.backtest._bar_feed.bars(slice(0, 41)))
    for bar in bars[:40]:
        for due in run.backtest._schedule.before(bar.at):
            run.backtest._due(due)
        run.engine.process(bar)
    desk = desk_of(run)
    assert desk.traffic.messages("NSE", bars[39].at).counted > 5
    state = engine_state(run.engine, schedule=run.backtest._schedule, cutoffs=run.backtest._cutoffs)
    restore_engine(fresh.engine, schedule=fresh.backtest._schedule, cutoffs=fresh.backtest._cutoffs, state=state)
    assert desk_of(fresh).state() == desk.state()
    assert fresh.engine.process(bars[40]) == run.engine.process(bars[40]) != ()
    assert desk_of(fresh).state() == desk.state()


@pytest.mark.parametrize("bad", [b"", b"{}", b'{"days":{},"leaving":["x"],"rate":{}}'])
def test_what_is_no_state_is_refused(tmp_path: Path, bad: bytes) -> None:
    desk = desk_of(busy(tmp_path).prepare())
    with pytest.raises(ConfigError, match="not a state"):
        desk.traffic.restore(bad)


def test_time_that_goes_back_counts_in_the_latest_day(tmp_path: Path) -> None:
    order = next(iter(orders(busy(tmp_path / "once").run()).values()))
    traffic = desk_of(busy(tmp_path / "again").prepare()).traffic
    traffic.on_order(order)
    traffic.on_withdrawal(order, at=order.at - 10 * DAY, leaves=True)
    assert traffic.messages("NSE", order.at).counted == 2
    assert traffic.messages("NSE", order.at + DAY).counted == 0
