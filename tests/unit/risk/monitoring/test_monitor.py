"""Each threshold one unit below, at and above; what is said once, and when it is said again."""

from __future__ import annotations

from typing import Any

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.units import SCALE, SECOND
from tradsys.risk.monitoring.account import AccountState, Exposure, LastPrice, Worth
from tradsys.risk.monitoring.measures import Measure, Unit
from tradsys.risk.monitoring.monitor import Monitor
from tradsys.risk.monitoring.settings import MonitoringSettings, thresholds

MILLION = 1_000_000 * SCALE


def state(**fields: Any) -> AccountState:
    given: dict[str, Any] = {
        "at": 0,
        "currency": "INR",
        "equity": MILLION,
        "day_start": MILLION,
        "peak": MILLION,
        **fields,
    }
    return AccountState(**given)


def said(monitor: Monitor, **fields: Any) -> list[tuple[str, str, str]]:
    return [(each.rule, each.subject, each.severity) for each in monitor.look(state(**fields))]


def monitor(**settings: float) -> Monitor:
    return Monitor(thresholds(MonitoringSettings(**settings)))


CASES = [
    ("drawdown", {"drawdown": 0.1}, lambda v: {"equity": MILLION - v}, MILLION // 10),
    ("daily-loss", {"daily_loss": 5_000}, lambda v: {"equity": MILLION - v}, 5_000 * SCALE),
    ("margin-call", {"margin_call": 0.5}, lambda v: {"margin": v, "funds": MILLION}, MILLION // 2),
    ("gross-exposure", {"gross_exposure": 2}, lambda v: {"exposures": (held("A", v, 0),)}, 2 * MILLION),
    ("net-exposure", {"net_exposure": 2}, lambda v: {"exposures": (held("A", v, -v),)}, 2 * MILLION),
    ("instrument-exposure", {"instrument_exposure": 1}, lambda v: {"exposures": (held("A", v, v),)}, MILLION),
]


def held(name: str, gross: int, net: int) -> Exposure:
    return Exposure(instrument=name, gross=gross, net=net)


@pytest.mark.parametrize(("rule", "settings", "fields", "limit"), CASES, ids=[case[0] for case in CASES])
def test_a_threshold_is_breached_from_itself_on(rule: str, settings: dict[str, float], fields: Any, limit: int) -> None:
    for value, expected in ((limit - 1, "approaching"), (limit, "breached"), (limit + 1, "breached")):
        found = said(monitor(**settings), **fields(value))
        assert [(name, severity) for name, _, severity in found] == [(rule, expected)]


@pytest.mark.parametrize(("rule", "settings", "fields", "limit"), CASES, ids=[case[0] for case in CASES])
def test_it_is_approached_from_its_share_on(rule: str, settings: dict[str, float], fields: Any, limit: int) -> None:
    share = limit * 8 // 10
    assert said(monitor(**settings), **fields(share - 1)) == []
    assert said(monitor(**settings), **fields(share))[0][2] == "approaching"


def test_silence_is_never_approached() -> None:
    quiet = {"prices": (LastPrice(instrument="A", silent_since=0),)}
    watching = monitor(stale_seconds=10)
    assert said(watching, at=10 * SECOND - 1, **quiet) == []
    assert said(watching, at=10 * SECOND, **quiet) == [("stale-data", "A", "breached")]
    assert said(watching, at=10 * SECOND, prices=()) == [("stale-data", "A", "cleared")]


def test_an_alert_is_said_once_and_again_after_it_cleared() -> None:
    """0.8 approaches, 0.95 of each is where it clears."""
    watching = monitor(daily_loss=100)
    up = [(79, []), (80, ["approaching"]), (90, []), (76, []), (100, ["breached"])]
    down = [(95, []), (94, []), (100, ["breached"]), (90, []), (76, []), (75, ["cleared"])]
    steps = [*up, *down, (79, []), (80, ["approaching"])]
    for lost, expected in steps:
        found = said(watching, equity=MILLION - lost * SCALE)
        assert [severity for _, _, severity in found] == expected, lost


def test_nothing_held_and_nothing_owned_breaches_nothing() -> None:
    watching = monitor(gross_exposure=1, net_exposure=1, instrument_exposure=1, margin_call=1)
    assert said(watching, equity=0, peak=MILLION, funds=0) == []
    broke = said(watching, equity=0, funds=0, margin=1, exposures=(held("A", 1, 1),))
    assert [severity for _, _, severity in broke] == ["breached"] * 4


def test_what_others_limit_is_watched_too() -> None:
    use = Measure("limit-position", "A", 80, 100, Unit.COUNT)
    assert said(monitor(), uses=(use,)) == [("limit-position", "A", "approaching")]


def test_a_restored_monitor_says_nothing_twice() -> None:
    watching, other = monitor(daily_loss=100), monitor(daily_loss=100)
    watching.look(state(equity=MILLION - 90 * SCALE))
    other.restore(watching.state())
    assert said(other, equity=MILLION - 90 * SCALE) == []
    with pytest.raises(ConfigError, match="not a state"):
        other.restore(b"nothing")


def test_the_day_starts_at_the_last_worth_of_the_day_before() -> None:
    worth = Worth()
    for equity, date in ((100, 1), (120, 1), (110, 2), (90, 2), (95, 1)):
        worth.take(equity, date=date)
    assert (worth.day_start, worth.date, worth.peak, worth.equity) == (120, 2, 120, 95)


@pytest.mark.parametrize(
    "settings",
    [{"approach": 1.1}, {"clear": 0.0}, {"drawdown": -1.0}, {"stale_seconds": -1.0}, {"every_seconds": 0.0},
     {"daily_loss": float("nan")}, {"gross_exposure": float("inf")}, {"margin_call": 1e-9}],
)  # fmt: skip
def test_what_is_no_threshold_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"risk.monitoring.{next(iter(settings))}") as refused:
        thresholds(MonitoringSettings(**settings))
    assert refused.value.limit and refused.value.fix
