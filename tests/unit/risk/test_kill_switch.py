"""The kill switch: every trigger at its limit and not before, latched, graded, and never looking away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.safety import SafetyLevel, SafetyLowered, SafetyRaised
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.kill_triggers import SECOND, Burst, KillSettings, Rung

NORMAL, NO_NEW_RISK, CANCEL, FLATTEN = SafetyLevel
LADDER = (Rung(limit=100, level=NO_NEW_RISK), Rung(limit=200, level=CANCEL), Rung(limit=300, level=FLATTEN))
DAY = 20240603


def switch(**settings: object) -> KillSwitch:
    return KillSwitch(KillSettings(**settings))  # type: ignore[arg-type]


def told(found: list[SafetyRaised]) -> list[tuple[SafetyLevel, str, str, str]]:
    return [(each.level, each.trigger, each.limit, each.value) for each in found]


def test_loss_climbs_the_ladder_and_says_limit_and_value() -> None:
    kill = switch(loss=LADDER)
    assert kill.on_equity(1_000, date=DAY, at=0) == []
    assert kill.on_equity(901, date=DAY, at=1) == []
    assert told(kill.on_equity(900, date=DAY, at=2)) == [(NO_NEW_RISK, "loss", "100", "100")]
    assert kill.on_equity(850, date=DAY, at=3) == []
    assert told(kill.on_equity(700, date=DAY, at=4)) == [(FLATTEN, "loss", "300", "300")]
    assert kill.on_equity(5_000, date=DAY, at=5) == []
    assert kill.level is FLATTEN


def test_a_new_day_counts_from_the_worth_of_the_day_before() -> None:
    kill = switch(loss=LADDER)
    kill.on_equity(1_000, date=DAY, at=0)
    kill.on_equity(950, date=DAY, at=1)
    assert kill.on_equity(860, date=DAY + 1, at=2) == []
    assert told(kill.on_equity(850, date=DAY + 1, at=3)) == [(NO_NEW_RISK, "loss", "100", "100")]


def test_neither_a_restart_nor_a_date_going_back_resets_the_days_loss() -> None:
    kill = switch(loss=LADDER)
    kill.on_equity(1_000, date=DAY, at=0)
    kill.on_equity(920, date=DAY, at=1)
    again = switch(loss=LADDER)
    again.restore(kill.state())
    assert again.on_equity(910, date=DAY - 1, at=2) == []
    assert told(again.on_equity(900, date=DAY, at=3)) == [(NO_NEW_RISK, "loss", "100", "100")]


@pytest.mark.parametrize("equity", [None, float("nan"), float("inf"), 1_000.0])
def test_a_worth_that_is_not_known_raises(equity: float | None) -> None:
    kill = switch()
    assert told(kill.on_equity(equity, date=DAY, at=0)) == [(NO_NEW_RISK, "loss", "a worth that is known", str(equity))]


def test_worth_not_worked_out_for_three_seconds_raises_while_a_market_is_expected() -> None:
    kill = switch(stale_after=None)
    kill.on_expected("X", expected=True, at=0)
    assert kill.next_at == 3 * SECOND
    kill.on_equity(1_000, date=DAY, at=2 * SECOND)
    assert kill.on_time(at=5 * SECOND - 1) == []
    (raised,) = kill.on_time(at=5 * SECOND)
    assert (raised.level, raised.trigger, raised.limit) == (NO_NEW_RISK, "loss", "3 s")
    assert "worth" in raised.value


def test_a_feed_is_stale_only_while_it_is_expected() -> None:
    kill = switch(stale_after=30 * SECOND, evaluate_after=None)
    assert kill.on_market("X", at=0) == []
    assert kill.next_at is None
    kill.on_expected("X", expected=True, at=100 * SECOND)
    kill.on_expected("Y", expected=True, at=110 * SECOND)
    kill.on_market("X", at=120 * SECOND)
    assert kill.next_at == 140 * SECOND
    kill.on_expected("Y", expected=False, at=130 * SECOND)
    assert kill.on_time(at=149 * SECOND) == []
    assert told(kill.on_time(at=150 * SECOND)) == [(NO_NEW_RISK, "stale_feed", "30 s", "X silent for 30 s")]
    assert kill.next_at is None


def test_to_say_again_that_data_is_expected_is_not_to_hear_it() -> None:
    kill = switch(stale_after=10 * SECOND, evaluate_after=None)
    for second in range(10):
        kill.on_expected("X", expected=True, at=second * SECOND)
    assert len(kill.on_time(at=10 * SECOND)) == 1


def test_one_instrument_alive_does_not_hide_another_that_is_silent() -> None:
    kill = switch(stale_after=10 * SECOND, evaluate_after=None)
    for name in "XY":
        kill.on_expected(name, expected=True, at=0)
    for second in range(1, 10):
        kill.on_market("Y", at=second * SECOND)
    assert [each.value for each in kill.on_time(at=10 * SECOND)] == ["X silent for 10 s"]


@pytest.mark.parametrize(
    ("trigger", "happens"),
    [("reject_burst", KillSwitch.on_reject), ("order_rate", KillSwitch.on_order)],
)
def test_too_many_in_a_window(trigger: str, happens: Callable[..., list[SafetyRaised]]) -> None:
    burst = Burst(count=3, window=SECOND, level=CANCEL)
    kill = switch(rejects=burst, orders=burst)
    spread = [happens(kill, at=each * SECOND // 3) for each in range(12)]
    assert spread == [[]] * 12
    kill.restore(kill.state())
    close = [happens(kill, at=100 * SECOND + each) for each in range(4)]
    assert close[:3] == [[], [], []]
    assert told(close[3]) == [(CANCEL, trigger, "3 in 1 s", "4")]


def test_a_lost_link_counts_from_the_first_word() -> None:
    kill = switch(link_after=5 * SECOND, link_level=CANCEL)
    kill.on_link(up=False, at=0)
    kill.on_link(up=False, at=4 * SECOND)
    kill.restore(kill.state())
    assert kill.next_at == 5 * SECOND
    assert told(kill.on_time(at=5 * SECOND)) == [(CANCEL, "lost_heartbeat", "5 s", "venue silent for 5 s")]


def test_a_link_that_returns_in_time_raises_nothing() -> None:
    kill = switch(link_after=5 * SECOND)
    kill.on_link(up=False, at=0)
    kill.on_link(up=True, at=4 * SECOND)
    assert kill.next_at is None
    assert kill.on_time(at=9 * SECOND) == []


def test_reconciliation_and_storage() -> None:
    kill = switch(storage_level=CANCEL)
    assert kill.on_reconciliation(failed="", at=0) == []
    assert kill.on_reconciliation(failed="X: 3 ours, 2 there", at=1)[0].value == "X: 3 ours, 2 there"
    assert told(kill.on_storage(failed="disk full", at=2)) == [
        (CANCEL, "storage", "everything is recorded", "disk full")
    ]


def test_the_operator_is_never_refused_and_says_it_once() -> None:
    kill = switch()
    (raised,) = kill.on_operator(FLATTEN, by="asha", reason="wrong size", at=7)
    assert (raised.level, raised.by, raised.value, raised.at) == (FLATTEN, "asha", "wrong size", 7)
    assert kill.on_operator(CANCEL, by="asha", reason="again", at=8) == []
    assert kill.level is FLATTEN


def test_only_a_named_person_with_a_reason_lowers_it() -> None:
    kill = switch()
    kill.on_operator(FLATTEN, by="asha", reason="x", at=0)
    for by, reason in (("", "fine"), ("asha", " ")):
        with pytest.raises(ConfigError, match="a name and a reason"):
            kill.lower(NORMAL, by=by, reason=reason, at=1)
    with pytest.raises(ConfigError, match="is not lower"):
        kill.lower(FLATTEN, by="asha", reason="fine", at=1)
    lowered = kill.lower(NO_NEW_RISK, by="asha", reason="found it", at=2)
    assert lowered == SafetyLowered(at=2, level=NO_NEW_RISK, by="asha", reason="found it")
    assert kill.level is NO_NEW_RISK


def test_a_cause_that_still_holds_raises_again_after_lowering() -> None:
    kill = switch(loss=LADDER)
    kill.on_equity(1_000, date=DAY, at=0)
    kill.on_equity(700, date=DAY, at=1)
    kill.lower(NORMAL, by="asha", reason="fine", at=2)
    assert [each.level for each in kill.on_equity(700, date=DAY, at=3)] == [FLATTEN]


def test_restore_of_state_is_the_same_switch() -> None:
    kill = switch(loss=LADDER)
    kill.on_expected("X", expected=True, at=5)
    kill.on_equity(1_000, date=DAY, at=6)
    kill.on_reject(at=7)
    kill.on_operator(NO_NEW_RISK, by="a", reason="b", at=8)
    again = switch(loss=LADDER)
    again.restore(kill.state())
    assert (again.state(), again.level, again.next_at) == (kill.state(), kill.level, kill.next_at)
    with pytest.raises(ConfigError, match="not a state"):
        again.restore(b"\xc1")


def test_settings_that_would_watch_nothing_by_mistake_are_refused() -> None:
    for wrong in ({"stale_after": 0}, {"rejects": Burst(count=1, window=0)}, {"loss": LADDER[::-1]}):
        with pytest.raises(ConfigError, match="kill switch"):
            switch(**wrong)
