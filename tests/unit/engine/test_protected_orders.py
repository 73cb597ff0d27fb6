"""Market orders under market protection, from the run file to the last fill; each case worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Case, at_bar, bodies, conserve, flat, minutes, scripted, trades
from tests.saved_runs import kept
from tradsys.core.errors import ConfigError, UncoveredDate
from tradsys.core.events import Accepted, Approved, CancelRequested, Entry, Expired, Fill, OrderType, Refused, Rejected
from tradsys.core.protection import Capped, Move, ProtectionStep
from tradsys.core.units import SCALE, SECOND
from tradsys.engine.assemble import Prepared
from tradsys.engine.explanation import explain_line, explain_order
from tradsys.engine.protected_desk import attending

INFY = "NSE:INFY"
TWO = {"market_protection": 2.0}


def case(
    folder: Path,
    plan: Mapping[int, Any],
    prices: Sequence[Sequence[float]],
    *,
    execution: Mapping[str, Any] = TWO,
    protection: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Prepared:
    given = {**execution, **({"protection": protection} if protection else {})}
    return Case(
        folder,
        {INFY: minutes(MONDAY, prices)},
        [scripted("plan", at_bar(plan))],
        instruments={INFY: {"tick": 0.05}},
        sections={"execution": given, **sections},
    ).run(watch=conserve)


def steps(prepared: Prepared) -> list[tuple[Move, float]]:
    return [(each.move, each.remaining / SCALE) for each in bodies(prepared, ProtectionStep)]


BUY = {0: lambda s, b: s.buy(b, 10)}
ROUND = {0: lambda s, b: s.buy(b, 10), 2: lambda s, b: s.sell(b, 10)}


def test_an_order_is_a_limit_that_says_what_it_was(tmp_path: Path) -> None:
    prepared = case(tmp_path, BUY, flat(100, 101, 101))
    order = bodies(prepared, Approved)[0].order
    assert (order.type, order.limit) == (OrderType.LIMIT, 102 * SCALE)
    assert order.capped == Capped(percent=200, last=100 * SCALE)
    assert trades(prepared) == [("buy", 10, 101.0)]
    assert not steps(prepared)
    assert any("limit orders 2 % beyond the last price" in each for each in prepared.assumptions)


def test_an_exit_clipped_by_a_gap_is_completed(tmp_path: Path) -> None:
    """Bought at 100, sold from 100 with a cap of 98; the market gaps to 95 and stays there: the rest of the sale is
    placed anew at 95 × 0.98 = 93.1, and fills at 95."""
    prepared = case(tmp_path, ROUND, flat(100, 100, 100, 95, 95, 95))
    assert trades(prepared) == [("buy", 10, 100.0), ("sell", 10, 95.0)]
    first, second = (each.order for each in bodies(prepared, Approved)[1:])
    assert first.limit == 98 * SCALE
    assert second.limit == round(93.1 * SCALE)
    assert second.capped == Capped(percent=200, last=95 * SCALE, first=first.order_id, attempt=1)
    told = [(type(each.body).__name__, each.cause) for each in prepared.backtest.log if each.at >= first.at]
    assert [name for name, _ in told] == [
        "OrderIntent", "Approved", "Accepted",
        "ProtectionStep", "CancelRequested", "Cancelled", "Approved", "Accepted", "Fill", "Charged",
    ]  # fmt: skip
    (step,) = bodies(prepared, ProtectionStep)
    assert (step.move, step.order_id, step.limit) == (Move.RE_PEG, first.order_id, second.limit)
    assert step.reason == "rests at 98, the last price is 95; 1 of 3"


def test_every_step_leads_to_the_next(tmp_path: Path) -> None:
    log = case(tmp_path, ROUND, flat(100, 100, 100, 95, 95, 95)).backtest.log
    by_number: dict[int, Entry] = {each.seq: each for each in log}
    chain = []
    entry: Entry | None = [each for each in log if isinstance(each.body, Approved)][-1]
    while entry is not None:
        chain.append(type(entry.body).__name__)
        entry = by_number.get(entry.cause)
    assert chain == ["Approved", "ProtectionStep", "Approved", "OrderIntent"]


@pytest.mark.parametrize(("opens", "sold"), [(98.05, 98.05), (98.0, None), (97.95, None)])
def test_an_open_inside_at_and_beyond_the_cap(tmp_path: Path, opens: float, sold: float | None) -> None:
    """At the cap itself the sale is the last in the queue: nothing trades through it."""
    prepared = case(tmp_path, ROUND, [*flat(100, 100, 100), (opens, opens, 97.5, 97.5)])
    assert [price for side, _, price in trades(prepared) if side == "sell"] == ([sold] if sold else [])


def test_an_exit_gets_more_room_after_so_many_attempts(tmp_path: Path) -> None:
    """It falls by three percent a minute: 2 % of protection never catches it, 4 % does."""
    falling = [100.0, 100.0, 100.0, 97.0, 94.0, 91.0, 88.0, 85.0]
    prepared = case(tmp_path, ROUND, flat(*falling), protection={"exit_re_pegs": 2})
    assert [move for move, _ in steps(prepared)] == [Move.RE_PEG, Move.RE_PEG, Move.WIDEN]
    assert trades(prepared)[-1] == ("sell", 10, 88.0)
    assert bodies(prepared, Approved)[-1].order.capped.percent == 400


def test_what_is_left_of_an_entry_is_withdrawn(tmp_path: Path) -> None:
    prepared = case(tmp_path, BUY, flat(100, 103, 103, 103))
    assert not trades(prepared)
    assert steps(prepared) == [(Move.CANCEL, 10)]
    assert len(bodies(prepared, Approved)) == 1 and not prepared.engine.working


def test_an_entry_is_pursued_where_the_policy_says_so(tmp_path: Path) -> None:
    prepared = case(tmp_path, BUY, flat(100, 103, 103, 103), protection={"entry_re_pegs": 1})
    assert trades(prepared) == [("buy", 10, 103.0)]


def test_an_alert_leaves_the_order_where_it_is(tmp_path: Path) -> None:
    prepared = case(tmp_path, BUY, flat(100, 103, 103, 103), protection={"entry_then": "alert"})
    assert steps(prepared) == [(Move.ALERT, 10)]
    assert not bodies(prepared, CancelRequested) and not trades(prepared)
    assert [live.remaining for live in prepared.engine.working.values()] == [10 * SCALE]


def test_volume_that_lets_little_trade_is_no_reason_to_withdraw(tmp_path: Path) -> None:
    """A tenth of 40 is 4 a bar: the order trades in every bar inside its cap, and is left alone."""
    prices = [(100, 100, 100, 100, 40)] * 6
    prepared = case(tmp_path, BUY, prices, execution={**TWO, "participation": 0.1})
    assert trades(prepared) == [("buy", 4, 100.0), ("buy", 4, 100.0), ("buy", 2, 100.0)]
    assert not steps(prepared)


def test_a_look_waits_for_so_many_bars(tmp_path: Path) -> None:
    prepared = case(tmp_path, BUY, flat(100, *[103] * 6), protection={"wait_bars": 3})
    (step,) = bodies(prepared, ProtectionStep)
    asked = bodies(prepared, Approved)[0].at
    assert step.at - asked == 3 * 60 * 10**9


def test_without_the_key_a_market_order_is_one(tmp_path: Path) -> None:
    prepared = case(tmp_path, ROUND, flat(100, 100, 100, 95), execution={})
    assert {each.order.type for each in bodies(prepared, Approved)} == {OrderType.MARKET}
    assert trades(prepared)[-1] == ("sell", 10, 95.0)


def test_without_a_last_price_it_is_refused(tmp_path: Path) -> None:
    bars = {INFY: minutes(MONDAY, flat(100, 100)), "NSE:LATE": minutes(MONDAY, flat(50), first="09:30")}
    plan = {0: lambda s, b: s.buy("NSE:LATE", 1) if b.instrument == INFY else s.buy(b, 1)}
    script = scripted("plan", at_bar(plan), use="Portfolio")
    prepared = Case(tmp_path, bars, [script], sections={"execution": TWO}).run()
    (refused,) = bodies(prepared, Refused)
    assert (refused.rule, refused.order.type) == ("no-price", OrderType.MARKET)


def test_a_cap_stays_inside_the_days_band(tmp_path: Path) -> None:
    """Yesterday closed at 100: with a band of 5 % nothing is sold below 95."""
    monday, tuesday = minutes(MONDAY, flat(100, 100)), minutes(date(2024, 6, 4), flat(99, 96, 96, 96))
    plan = {0: lambda s, b: s.buy(b, 10), 3: lambda s, b: s.sell(b, 10)}
    prepared = Case(
        tmp_path,
        {INFY: monday + tuesday},
        [scripted("plan", at_bar(plan))],
        sections={"execution": {**TWO, "price_band": 0.05}},
    ).run(watch=conserve)
    assert bodies(prepared, Approved)[-1].order.limit == 95 * SCALE, "2 % below 96 is 94.08"
    assert trades(prepared)[-1] == ("sell", 10, 96.0)


def test_the_percentage_by_slab(tmp_path: Path) -> None:
    bars = {INFY: minutes(date(2026, 7, 1), flat(400, 400))}
    case = Case(
        tmp_path, bars, [scripted("plan", at_bar(BUY))], sections={"execution": {"market_protection": "automatic"}}
    )
    assert bodies(case.run(), Approved)[0].order.limit == 404 * SCALE, "1 % between 100 and 500"


@pytest.mark.parametrize(
    ("execution", "wrong"),
    [
        ({"market_protection": 0}, "market_protection out of range"),
        ({"market_protection": -1}, "market_protection out of range"),
        ({"market_protection": 100.5}, "market_protection out of range"),
        ({"market_protection": 0.001}, "market_protection out of range"),
        ({"market_protection": "auto"}, "a percentage or a word"),
        ({"protection": {"widen": 3.0}}, "without execution.market_protection"),
        ({**TWO, "protection": {"wait_seconds": 0}}, "wait_seconds out of range"),
        ({**TWO, "protection": {"widen": 1.0}}, "widen out of range"),
        ({**TWO, "protection": {"exit_re_pegs": -1}}, "exit_re_pegs out of range"),
        ({**TWO, "protection": {"wait_bars": -1}}, "wait_bars out of range"),
        ({**TWO, "protection": {"widest": 0}}, "widest out of range"),
        ({**TWO, "protection": {"exit_then": "hope"}}, "Invalid enum value"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, execution: Mapping[str, Any], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        case(tmp_path, BUY, flat(100, 100), execution=execution)


def test_slabs_before_their_first_date_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UncoveredDate, match="covered from 2026-04-01"):
        case(tmp_path, BUY, flat(100, 100), execution={"market_protection": "automatic"})


# --- what no strategy asked for


def test_a_square_off_ends_flat(tmp_path: Path) -> None:
    """Intraday: at 15:20 (before the square-off of the broker) everything is closed; the market falls all the while,
    and the policy for exits would only tell somebody."""
    prices = [100.0] * 6 + [97.0, 94.0, 91.0, 88.0, 85.0, 85.0, 85.0]
    rows = minutes(MONDAY, flat(*prices), first="15:15")
    prepared = Case(
        tmp_path,
        {INFY: rows},
        [scripted("plan", at_bar(BUY), product="MIS")],
        sections={"execution": {**TWO, "protection": {"exit_re_pegs": 1, "exit_then": "alert"}}},
    ).run(watch=conserve)
    asked = [each.order for each in bodies(prepared, Approved) if each.order.reason == "square_off"]
    assert len(asked) > 1 and all(each.type is OrderType.LIMIT and each.capped for each in asked)
    assert Move.WIDEN in [move for move, _ in steps(prepared)]
    assert not prepared.ledger.open_positions and not prepared.backtest.forced
    assert sum(quantity for side, quantity, _ in trades(prepared) if side == "sell") == 10


# --- who else decides


def test_a_strategy_that_withdraws_its_order_ends_it(tmp_path: Path) -> None:
    plan = {**ROUND, 3: lambda s, b: s.cancel(b)}
    prepared = case(tmp_path, plan, flat(100, 100, 100, 95, 95, 95), protection={"wait_seconds": 90})
    assert trades(prepared) == [("buy", 10, 100.0)]
    assert not steps(prepared) and not prepared.engine.working


def test_a_target_that_turns_takes_the_rest_over(tmp_path: Path) -> None:
    """The sale rests when the target turns: it is withdrawn, nothing follows it, and nothing is sold."""
    plan = {0: lambda s, b: s.target(b, 10), 2: lambda s, b: s.target(b, 0), 3: lambda s, b: s.target(b, 10)}
    prepared = case(tmp_path, plan, flat(100, 100, 100, 95, 95, 95), protection={"wait_seconds": 90})
    assert trades(prepared) == [("buy", 10, 100.0)]


def test_the_entry_of_a_bracket_is_never_placed_anew(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 10, stop=90.0, target=120.0)}
    prepared = case(tmp_path, plan, flat(100, 103, 103, 103), protection={"entry_re_pegs": 3, "entry_then": "widen"})
    assert steps(prepared) == [(Move.ALERT, 10)] and not bodies(prepared, CancelRequested)
    assert len(bodies(prepared, Approved)) == 3


def overnight(folder: Path, plan: Mapping[int, Any]) -> Prepared:
    """Sold at 15:29 with a cap of 98; the last minute gaps to 95 and the day ends. The next begins at 96."""
    rows = minutes(MONDAY, flat(100, 100, 100, 95), first="15:27")
    return Case(
        folder,
        {INFY: rows + minutes(date(2024, 6, 4), flat(96, 96, 96))},
        [scripted("plan", at_bar(plan))],
        sections={"execution": {**TWO, "protection": {"wait_seconds": 600}}},
    ).run(watch=conserve)


def test_an_exit_that_ends_with_its_session_goes_on_with_the_next_price(tmp_path: Path) -> None:
    """At 09:16 it is placed anew, at 96 × 0.98 = 94.08, up to the tick: 94.1."""
    prepared = overnight(tmp_path, ROUND)
    assert [type(each).__name__ for each in bodies(prepared, Expired)] == ["Expired"]
    assert steps(prepared) == [(Move.HOLD, 10), (Move.RE_PEG, 10)]
    assert bodies(prepared, Approved)[-1].order.limit == 9_410_000_000
    assert trades(prepared)[-1] == ("sell", 10, 96.0) and not prepared.ledger.open_positions


def test_a_strategy_that_asks_again_takes_over_what_is_owed(tmp_path: Path) -> None:
    prepared = overnight(tmp_path, {**ROUND, 4: lambda s, b: s.sell(b, 10)})
    ended = bodies(prepared, ProtectionStep)[-1]
    assert (ended.move, ended.reason) == (Move.END, "another order is asked for instead")
    assert [side for side, _, _ in trades(prepared)] == ["buy", "sell"]


def test_an_exit_that_is_refused_again_and_again_is_given_up_with_an_alert(tmp_path: Path) -> None:
    """Each newer price brings one more order, nothing without one; with the fifth refusal somebody is told."""
    prepared = Case(
        tmp_path,
        {INFY: minutes(MONDAY, flat(*[100] * 12))},
        [scripted("plan", at_bar(ROUND))],
        sections={"execution": {**TWO, "protection": {"wait_seconds": 1}}},
    ).prepare()
    engine, desk = prepared.engine, attending(prepared.engine)
    assert desk is not None
    told: list[Any] = []
    for bar in prepared.backtest._bar_feed.bars(slice(0, 12)):  # type: ignore[attr-defined]  # a run on bars
        engine.process(bar)
        desk.look(bar.at)
        for asked in list(engine.outbox):
            assert isinstance(asked, Approved)
            number = asked.order.order_id
            engine.outbox.remove(asked)
            if number == 1:
                fill = Fill(
                    at=bar.at,
                    order_id=1,
                    exchange_at=bar.at,
                    strategy="plan",
                    instrument=INFY,
                    side=asked.order.side,
                    quantity=asked.order.quantity,
                    price=asked.order.limit,
                    product=asked.order.product,
                )
                engine.hear((Accepted(at=bar.at, order_id=1), fill))
            else:
                told += engine.hear((Rejected(at=bar.at, order_id=number, reason="no"),))
                assert not desk.look(bar.at + 2 * SECOND) and not engine.outbox, "there is no newer price"
    moves = [each.body.move for each in told if isinstance(each.body, ProtectionStep)]
    assert moves == [Move.HOLD] * 4 + [Move.ALERT]
    assert not list(desk.chains()) and not engine.working


def test_no_more_is_closed_than_is_held(tmp_path: Path) -> None:
    """A sale of ten rests while another order sells four of them: what goes on is for six."""
    plan = {
        0: lambda s, b: s.buy(b, 10),
        2: lambda s, b: [s.sell(b, 10), s.sell(b, 4, limit=90.0)],
    }
    bars = {INFY: minutes(MONDAY, flat(100, 100, 100, 95, 95, 95))}
    script = scripted("plan", at_bar(plan), product="MIS")
    prepared = Case(tmp_path, bars, [script], sections={"execution": TWO}).run(watch=conserve)
    assert trades(prepared)[1:] == [("sell", 4, 95.0), ("sell", 6, 95.0)]
    assert not prepared.ledger.open_positions and not prepared.engine.working


# --- why


def test_why_tells_what_an_order_was_and_what_was_done_with_it(tmp_path: Path) -> None:
    saved = kept(
        Case(
            tmp_path,
            {INFY: minutes(MONDAY, flat(100, 100, 100, 95, 95, 95))},
            [scripted("plan", at_bar(ROUND))],
            sections={"execution": TWO},
        )
    )
    found = explain_order(saved, 2)
    assert found["request"]["capped"] == {"percent": 200, "last": 100 * SCALE}
    assert [each["event"] for each in found["steps"]] == [
        "OrderIntent", "Approved", "Accepted", "ProtectionStep", "CancelRequested", "Cancelled",
    ]  # fmt: skip
    assert found["related"] == [{"order": 3, "as": "the same market order, placed anew for what was left"}]
    again = explain_order(saved, 3)
    assert again["intent"] == found["intent"] and again["state"] == "filled" and not again["notes"]
    line = next(each["line"] for each in found["steps"] if each["event"] == "ProtectionStep")
    assert explain_line(saved, line)["order"] == 2
