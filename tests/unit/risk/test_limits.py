"""Each limit one unit below, at and above the value that an order makes, on every scope, through a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Case, at_bar, bodies, conserve, fills, flat, minutes, scripted
from tests.saved_runs import kept, planned
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Approved, Refused
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared
from tradsys.engine.explanation import explain_order

UNIT = 1e-8
TEN: dict[int, Any] = {0: lambda s, b: s.buy(b, 10)}
TWICE = {0: lambda s, b: [s.buy(b, 10), s.buy(b, 10)]}
TWICE_LATER = {0: lambda s, b: s.buy(b, 10), 1: lambda s, b: s.buy(b, 10)}
TWO_WAITING = {0: lambda s, b: [s.buy(b, 10, limit=90.0), s.buy(b, 5, limit=90.0)]}
DEAR = {0: lambda s, b: s.buy(b, 10, limit=101.0)}
SCOPES = ("account", "strategies", "instruments", "segments")
NAMES = {"strategies": "plan", "instruments": "NSE:A", "segments": "equity"}

# Limit, plan, the value that the last order of the plan makes, its rule. The account has a million.
EXACT: list[tuple[str, Mapping[int, Any], float, str]] = [
    ("position", TEN, 10.0, "max-position"),
    ("position", TWICE, 20.0, "max-position"),
    ("position", TWICE_LATER, 20.0, "max-position"),
    ("position_value", TWICE_LATER, 2_000.0, "max-position-value"),
    ("position_value", DEAR, 1_010.0, "max-position-value"),
    ("leverage", TEN, 0.001, "max-leverage"),
    ("leverage", TWICE, 0.002, "max-leverage"),
    ("leverage", TWICE_LATER, 0.002, "max-leverage"),
    ("price_collar", DEAR, 0.01, "price-collar"),
    ("order_value", TEN, 1_000.0, "max-order-value"),
    ("order_value", DEAR, 1_010.0, "max-order-value"),
    ("order_quantity", TEN, 10.0, "max-order-quantity"),
    ("open_value", TWICE, 2_000.0, "max-open-value"),
    ("open_value", TWICE_LATER, 1_000.0, "max-open-value"),
    ("open_value", TWO_WAITING, 1_500.0, "max-open-value"),
    ("concentration", TWICE_LATER, 0.002, "concentration"),
]
COUNTS: list[tuple[str, Mapping[int, Any], int, str]] = [
    ("orders_per_second", TWICE, 2, "order-rate"),
    ("orders_per_minute", TWICE, 2, "order-rate"),
    ("trades_per_day", TWICE_LATER, 2, "max-trades-day"),
    ("repeated_executions", TWICE_LATER, 2, "repeated-execution"),
]


def limited(
    folder: Path,
    plan: Mapping[int, Any],
    limits: Mapping[str, Any],
    *,
    closes: Sequence[float] = (100.0, 100.0, 100.0, 100.0),
    product: str = "CNC",
) -> Prepared:
    case = Case(
        folder,
        {"NSE:A": minutes(MONDAY, flat(*closes))},
        [scripted("plan", at_bar(plan), product=product)],
        sections={"risk": {"limits": limits}},
    )
    return case.run(watch=conserve)


def scoped(scope: str, name: str, value: float) -> dict[str, Any]:
    return {name: value} if scope == "account" else {scope: {NAMES[scope]: {name: value}}}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("name", "plan", "value", "rule"), EXACT)
def test_a_value_at_its_limit_keeps_it(
    tmp_path: Path, scope: str, name: str, plan: Mapping[int, Any], value: float, rule: str
) -> None:
    for limit, refuses in ((value - UNIT, True), (value, False), (value + UNIT, False)):
        found = bodies(limited(tmp_path, plan, scoped(scope, name, limit)), Refused)
        assert bool(found) is refuses and {each.rule for each in found} <= {rule}, limit
        for each in found:
            source = f"risk.limits.{name}" if scope == "account" else f"risk.limits.{scope}.{NAMES[scope]}.{name}"
            whose = NAMES.get(scope, "account")
            assert each.fix.endswith(f"(source: {source})") and each.limit.endswith(f"{whose})") and each.value


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("name", "plan", "value", "rule"), COUNTS)
def test_a_count_at_its_limit_keeps_it(
    tmp_path: Path, scope: str, name: str, plan: Mapping[int, Any], value: int, rule: str
) -> None:
    for limit, refuses in ((value - 1, True), (value, False), (value + 1, False)):
        found = bodies(limited(tmp_path, plan, scoped(scope, name, limit)), Refused)
        assert [(each.rule, each.value) for each in found] == [(rule, str(value))] * refuses, limit


@pytest.mark.parametrize("scope", SCOPES)
def test_the_same_order_again_within_its_window(tmp_path: Path, scope: str) -> None:
    for seconds, refuses in ((60.0 - UNIT, False), (60.0, False), (60.0 + UNIT, True)):
        found = bodies(limited(tmp_path, TWICE_LATER, scoped(scope, "duplicate_seconds", seconds)), Refused)
        assert [(each.rule, each.value) for each in found] == [("duplicate-order", "sent 60 s ago")] * refuses
    other = {0: lambda s, b: [s.buy(b, 10), s.buy(b, 11)]}
    assert not bodies(limited(tmp_path, other, {"duplicate_seconds": 60.0}), Refused)


@pytest.mark.parametrize("scope", SCOPES)
def test_at_the_loss_of_a_day_nothing_opens_and_everything_closes(tmp_path: Path, scope: str) -> None:
    plan = {0: lambda s, b: s.buy(b, 10), 2: lambda s, b: s.buy(b, 1), 3: lambda s, b: s.sell(b, 10)}
    closes = (100.0, 100.0, 90.0, 90.0, 90.0)
    for loss, refuses in ((100.0 - UNIT, True), (100.0, True), (100.0 + UNIT, False)):
        run = limited(tmp_path, plan, scoped(scope, "daily_loss", loss), closes=closes)
        assert [(each.rule, each.value) for each in bodies(run, Refused)] == [("daily-loss", "₹100.00")] * refuses
        assert fills(run)[-1].quantity == 10 * SCALE, "what closes passes"


def test_a_loss_of_yesterday_is_not_one_of_today(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 10), 3: lambda s, b: s.buy(b, 1)}
    rows = minutes(MONDAY, flat(100.0, 100.0, 90.0)) + minutes(MONDAY.replace(day=4), flat(90.0, 90.0))
    script = scripted("plan", at_bar(plan))
    run = Case(
        tmp_path, {"NSE:A": rows}, [script], sections={"risk": {"limits": {"daily_loss": 50.0, "trades_per_day": 1}}}
    ).run(watch=conserve)
    assert not bodies(run, Refused) and len(fills(run)) == 2


def test_a_loss_over_night_is_one_of_the_day_that_begins(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 10), 3: lambda s, b: s.buy(b, 1)}
    rows = minutes(MONDAY, flat(100.0, 100.0, 100.0)) + minutes(MONDAY.replace(day=4), flat(90.0, 90.0))
    script = scripted("plan", at_bar(plan))
    run = Case(tmp_path, {"NSE:A": rows}, [script], sections={"risk": {"limits": {"daily_loss": 100.0}}}).run()
    assert [each.rule for each in bodies(run, Refused)] == ["daily-loss"]


def test_what_only_closes_passes_every_limit(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 10), 1: lambda s, b: s.sell(b, 10)}
    limits = {"trades_per_day": 1, "orders_per_minute": 1, "order_quantity": 10.0, "open_value": 1000.0}
    run = limited(tmp_path, plan, {**limits, "repeated_executions": 1, "leverage": 0.001})
    assert not bodies(run, Refused) and len(fills(run)) == 2


def test_closing_at_a_price_that_gives_away_too_much(tmp_path: Path) -> None:
    def giving(limit: float) -> dict[int, Any]:
        return {0: TEN[0], 1: lambda s, b: s.sell(b, 10, limit=limit)}

    for limit, refuses in ((98.0, True), (99.0, False), (110.0, False)):
        plan = giving(limit)
        found = bodies(limited(tmp_path, plan, {"price_collar": 0.01}), Refused)
        assert [each.rule for each in found] == ["price-collar"] * refuses, limit


def test_an_order_that_ended_unfilled_was_no_trade(tmp_path: Path) -> None:
    plan = {
        0: lambda s, b: s.buy(b, 10, limit=50.0),
        1: lambda s, b: s.cancel(b),
        2: lambda s, b: s.buy(b, 10),
        3: lambda s, b: s.buy(b, 10),
    }
    run = limited(tmp_path, plan, {"trades_per_day": 1, "open_value": 1000.0}, closes=(100.0,) * 6)
    assert [each.rule for each in bodies(run, Refused)] == ["max-trades-day"] and len(fills(run)) == 1


def test_a_latch_stays_whatever_the_next_order_is(tmp_path: Path) -> None:
    plan = {**dict.fromkeys(range(3), TEN[0]), 3: lambda s, b: s.buy(b, 1)}
    run = limited(tmp_path, plan, {"repeated_executions": 2}, closes=(100.0,) * 6)
    assert [each.value for each in bodies(run, Refused)] == ["3", "latched"]


def test_a_short_counts_as_a_long_does(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.sell(b, 10), 1: lambda s, b: s.sell(b, 1), 2: lambda s, b: s.buy(b, 20)}
    run = limited(tmp_path, plan, {"position": 10.0}, product="MIS")
    assert [(each.rule, each.value) for each in bodies(run, Refused)] == [("max-position", "11")]
    assert len(bodies(run, Approved)) >= 2, "turning round is within the limit"


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_limit_is_positive(tmp_path: Path, value: float) -> None:
    with pytest.raises(ConfigError, match=r"risk\.limits\.order_value must be positive"):
        limited(tmp_path, TEN, {"order_value": value})


@pytest.mark.parametrize(
    ("limits", "nearest"),
    [
        ({"order_valu": 1.0}, "order_value"),
        ({"strategies": {"plna": {"order_value": 1.0}}}, "plan"),
        ({"instruments": {"NSE:B": {"order_value": 1.0}}}, "NSE:A"),
        ({"segments": {"equty": {"order_value": 1.0}}}, "equity"),
        ({"strategies": {"plan": {"postion": 1.0}}}, "position"),
    ],
)
def test_a_name_that_is_none(tmp_path: Path, limits: Mapping[str, Any], nearest: str) -> None:
    with pytest.raises((UnknownName, ConfigError), match=nearest):
        limited(tmp_path, TEN, limits)


def test_a_rate_that_is_too_large_to_remember(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too large"):
        limited(tmp_path, TEN, {"orders_per_second": 10_001})


def test_what_a_limit_was_held_against_is_told_and_what_is_not_limited_is_not(tmp_path: Path) -> None:
    limits = {"order_value": 1_000.0, "trades_per_day": 5, "price_collar": 0.5}
    case = planned(tmp_path, {0: TEN[0], 1: lambda s, b: s.sell(b, 10, limit=b.close)}, risk={"limits": limits})
    saved = kept(case)
    told = {each["check"]: (each["value"], each["limit"]) for each in explain_order(saved, 1)["checks"]}
    assert {name: told[name] for name in ("price-collar", "max-trades-day")} == {
        "price-collar": ("0 %", "50 % (account)"),
        "max-trades-day": ("1", "5 (account)"),
    }
    assert told["max-order-value"][1] == "₹1,000.00 (account)" and "max-position" not in told
    closing = {each["check"]: each["value"] for each in explain_order(saved, 2)["checks"]}
    assert closing["max-order-value"] == "closes only" and closing["price-collar"] == "0 %"
