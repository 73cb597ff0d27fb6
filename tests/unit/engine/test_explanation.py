"""The chain of one order, from what its strategy knew to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import MONDAY, Listening, Scripted, minutes
from tests.saved_runs import BUYER, PLAN, PRICES, kept, planned, with_file
from tradsys.core.errors import UnknownName
from tradsys.core.events import Approved, Fill, Refused, Side, Stray, StrayKind
from tradsys.core.units import MINUTE, SCALE
from tradsys.engine.explanation import end_of, explain_line, explain_order
from tradsys.engine.saved_run import SavedRun


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    return kept(planned(tmp_path_factory.mktemp("plan")))


def events(found: dict[str, Any]) -> list[str]:
    return [each["event"] for each in found["steps"]]


def test_an_order_from_the_bar_it_was_decided_on_to_its_charges(saved: SavedRun) -> None:
    found = explain_order(saved, 1)
    bar = found["data"]["event"]
    assert (bar["kind"], bar["open"], bar["at"]) == ("Bar", 100.0, found["intent"]["at"])
    assert found["values"]["parameters"] == {"script": f"plan {id(PLAN)}"} and found["values"]["state"] == {"n": 0}
    assert found["intent"]["body"]["reason"] == "in"
    assert events(found) == ["OrderIntent", "Approved", "Accepted", "Fill", "Charged"]
    assert [each["since_ns"] for each in found["steps"]] == [0, 0, 0, MINUTE, 0]
    assert found["steps"][3]["since_exchange_ns"] == MINUTE, "a bar fills at its open and is heard when it ends"
    assert (found["state"], found["filled"]) == ("filled", 10 * SCALE)
    assert found["request"]["quantity"] == 10 * SCALE and found["related"] == []
    assert [(each["check"], each["passed"], each["value"], each["limit"]) for each in found["checks"]] == [
        ("tradable", True, "CNC", "CNC, MIS"),
        ("balance", True, "₹1,000.00", "₹10,00,000.00"),
    ]


def test_a_refused_order_and_the_check_that_refused_it(saved: SavedRun) -> None:
    refused = next(each.body for each in saved.entries() if isinstance(each.body, Refused))
    found = explain_order(saved, refused.order_id)
    assert (found["state"], found["request"]) == ("refused", None)
    assert events(found) == ["OrderIntent", "Refused"]
    passed, failed = found["checks"]
    assert passed["check"] == "tradable" and passed["passed"]
    assert (failed["check"], failed["passed"], failed["rule"]) == ("delivery", False, refused.rule)
    assert (failed["value"], failed["limit"]) == (refused.value, refused.limit)
    assert found["data"]["event"]["close"] == PRICES[2][3], "the third bar"
    assert found["values"]["state"] == {"n": 2}


def test_an_order_that_waits_and_ends_unfilled(saved: SavedRun) -> None:
    numbers = [each.body.order_id for each in saved.entries() if type(each.body) is Approved]
    found = explain_order(saved, numbers[-1])
    assert events(found)[:3] == ["OrderIntent", "Approved", "Accepted"] and found["filled"] == 0
    assert found["request"]["limit"] == 90 * SCALE
    assert found["steps"][-1]["body"].get("remaining", 5 * SCALE) == 5 * SCALE


def test_an_intraday_order_says_until_when_one_may_enter(tmp_path: Path) -> None:
    case = planned(tmp_path, {0: lambda s, b: s.buy(b, 10), 1: lambda s, b: s.sell(b, 10)})
    case.strategies = [{**case.strategies[0], "product": "MIS"}]
    saved = kept(case)
    opened, closed = (explain_order(saved, number)["checks"][1] for number in (1, 2))
    assert opened["check"] == closed["check"] == "intraday-entry"
    assert int(opened["value"]) == explain_order(saved, 1)["intent"]["at"] < int(opened["limit"])
    assert (closed["value"], closed["limit"]) == ("closes only", "none")


def test_a_sale_is_measured_by_what_is_held(saved: SavedRun) -> None:
    checks = {each["check"]: each for each in explain_order(saved, 2)["checks"]}
    assert (checks["delivery"]["passed"], checks["delivery"]["value"], checks["delivery"]["limit"]) == (
        True,
        "10",
        "10",
    )


def test_a_line_stands_for_its_order_or_its_intent(saved: SavedRun) -> None:
    entries = list(saved.entries())
    fill = next(each for each in entries if type(each.body).__name__ == "Fill")
    assert explain_line(saved, fill.seq) == explain_order(saved, 1)
    intent = explain_line(saved, entries[0].seq)
    assert intent["order"] is None and intent["related"] == [{"order": 1, "as": "made by it"}]
    assert intent["checks"] == explain_order(saved, 1)["checks"] and intent["values"]["state"] == {"n": 0}


def test_an_intent_that_could_not_be_made_an_order(tmp_path: Path) -> None:
    """It has no number of an order, only a line."""
    saved = kept(planned(tmp_path, {1: lambda s, b: s.buy(b, float("nan")), 3: lambda s, b: s.buy(b, float("nan"))}))
    refused = [(each.seq, each.body) for each in saved.entries() if isinstance(each.body, Refused)]
    assert [body.order_id for _, body in refused] == [0, 0]
    for (line, _), bar in zip(refused, (1, 3), strict=True):
        found = explain_line(saved, line)
        assert events(found) == ["OrderIntent", "Refused"] and found["checks"] == []
        assert found["values"]["state"] == {"n": bar}, "two intents that say the same are told apart"


def test_readings_parameters_and_own_values_of_that_instant(tmp_path: Path) -> None:
    saved = kept(with_file(tmp_path))
    found = explain_order(saved, 1)
    assert found["data"]["event"]["close"] == 102.0
    assert found["values"] == {
        "parameters": {"size": 10},
        "readings": {"mean": {"value": 101.0, "ready": True}},
        "state": {"seen": 2},
    }


def test_what_withdrew_an_order_is_named(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 5, limit=90.0), 2: lambda s, b: s.cancel(b, reason="had enough")}
    found = explain_order(kept(planned(tmp_path, plan)), 1)
    assert events(found) == ["OrderIntent", "Approved", "Accepted", "CancelRequested", "Cancelled"]
    asked = found["steps"][3]["asked_by"]
    assert asked["body"]["event"] == "CancelIntent" and asked["body"]["reason"] == "had enough"
    assert (found["state"], found["steps"][3]["since_ns"]) == ("cancelled", 2 * MINUTE)


def test_a_trade_that_was_undone_did_not_fill(saved: SavedRun) -> None:
    (fill,) = [each for each in saved.entries() if isinstance(each.body, Fill) and each.body.order_id == 1]
    body = fill.body
    assert isinstance(body, Fill)
    order = next(each.body.order for each in saved.entries() if isinstance(each.body, Approved))
    back = msgspec.structs.replace(body, side=Side.SELL)
    for kind, filled in ((StrayKind.BUST, 0), (StrayKind.LATE, 2 * body.quantity)):
        stray = Stray(at=body.at, order_id=1, kind=kind, fill=back if kind is StrayKind.BUST else body)
        steps = [each for each in saved.entries() if getattr(each.body, "order_id", 0) == 1]
        assert end_of([*steps, msgspec.structs.replace(fill, body=stray)], order)[1] == filled


def test_brackets_name_each_other(tmp_path: Path) -> None:
    saved = kept(planned(tmp_path, {0: lambda s, b: s.buy(b, 5, stop=80.0, target=200.0)}))
    assert explain_order(saved, 1)["related"] == [{"order": 2, "as": "child"}, {"order": 3, "as": "child"}]
    assert [each["order"] for each in explain_order(saved, 3)["related"]] == [1, 2]


def test_an_order_that_is_not_there_names_the_nearest(saved: SavedRun) -> None:
    with pytest.raises(UnknownName, match="unknown order '77'") as error:
        explain_order(saved, 77)
    assert error.value.limit == "1, 2, 3, 4" and "nearest are 1, 2, 3, 4" in error.value.fix
    with pytest.raises(UnknownName, match="unknown line"):
        explain_line(saved, 10_000)


def test_without_the_data_the_log_still_tells(tmp_path: Path) -> None:
    saved = kept(planned(tmp_path))
    whole = explain_order(saved, 1)
    (tmp_path / "bars0.csv").write_text("date,open,high,low,close,volume\n")
    found = explain_order(saved, 1)
    assert found["steps"] == whole["steps"] and found["intent"] == whole["intent"]
    assert (found["data"], found["values"], found["checks"]) == ({}, None, [])
    assert "bars0.csv is not what the run read" in found["notes"][0]


def test_other_code_that_decides_otherwise_is_not_passed_off_as_the_run(tmp_path: Path) -> None:
    saved = kept(with_file(tmp_path))
    (tmp_path / "buyer.py").write_text(BUYER.replace("self.size if", "self.size + 1 if"))
    found = explain_order(saved, 1)
    assert found["checks"] == [] and found["values"] is None
    assert found["notes"][0].endswith("strategies.Buyer") and "did not decide the same" in found["notes"][1]


def test_an_answer_to_a_fill_shows_the_fill(tmp_path: Path) -> None:
    Scripted.scripts["answers/fill"] = lambda s, fill, account: [s.sell(fill.instrument, 4, reason="after the fill")]
    case = planned(tmp_path, {0: lambda s, b: s.buy(b, 10, reason="in")})
    Scripted.scripts["answers"] = Scripted.scripts[case.strategies[0]["params"]["script"]]
    case.strategies = [
        {"use": "tests.builders:Listening", "name": "answers", "params": {"script": "answers"}, "product": "CNC"}
    ]
    found = explain_order(kept(case), 2)
    assert issubclass(Listening, Scripted) and found["intent"]["body"]["reason"] == "after the fill"
    assert found["data"]["event"]["kind"] == "FillView" and found["data"]["event"]["quantity"] == 10.0


def test_an_order_that_no_strategy_asked_for(tmp_path: Path) -> None:
    """The day's square-off closes what is held intraday: the gate judges it like any other order."""
    case = planned(tmp_path, {0: lambda s, b: s.buy(b, 10)})
    case.strategies = [{**case.strategies[0], "product": "MIS"}]
    case.bars = {"NSE:A": minutes(MONDAY, [(100.0, 100.0, 100.0, 100.0)] * 375)}
    found = explain_order(kept(case), 2)
    assert found["intent"] is None and found["request"]["reason"] == "square_off"
    assert events(found) == ["Approved", "Accepted", "Fill", "Charged"]
    assert found["data"]["bar"]["at"] == found["steps"][0]["at"] and "event" not in found["data"]
    assert [each["check"] for each in found["checks"]] == ["tradable", "intraday-entry", "margin"]
