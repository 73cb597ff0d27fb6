"""Market orders under market protection, from the run file to the last fill; each case worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Case, at_bar, bodies, conserve, flat, minutes, scripted, trades
from tests.saved_runs import kept
from tradsys.core.events import Approved, CancelRequested, Entry, OrderType
from tradsys.core.protection import Capped, Move, ProtectionStep
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared
from tradsys.engine.explanation import explain_line, explain_order

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
