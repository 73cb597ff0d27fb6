"""A clock that goes faster than the venue's waits for the venue as long as ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.live_desk import coin_settings
from tradsys.core.errors import ConfigError
from tradsys.core.units import SECOND
from tradsys.engine.trading.assembly import live_settings
from tradsys.engine.trading.pacing import FASTEST, pace


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), FASTEST + 1])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ConfigError, match="speed out of range"):
        pace(speed)


def test_spans_of_the_venue_grow_with_the_speed_and_those_of_the_market_do_not(tmp_path: Path) -> None:
    live = live_settings(coin_settings(tmp_path), longest_bar=SECOND)
    fast = pace(60.0)(live)
    assert fast.patience.answer == 60 * live.patience.answer
    assert fast.patience.quarantine == 60 * live.patience.quarantine
    assert fast.limits.max_decision_age == 60 * live.limits.max_decision_age
    assert fast.limits.per_minute == live.limits.per_second, "a minute of the feed is a second of the venue's"
    assert fast.reconcile_every == 60 * live.reconcile_every
    assert fast.kill.link_after == 60 * (live.kill.link_after or 0)
    assert fast.kill.stale_after == live.kill.stale_after
    assert pace(1.0)(live) is live


def test_slow_bars_leave_time_to_work_out_what_the_account_is_worth(tmp_path: Path) -> None:
    settings = coin_settings(tmp_path)
    assert live_settings(settings, longest_bar=SECOND).kill.evaluate_after == 3 * SECOND
    assert live_settings(settings, longest_bar=60 * SECOND).kill.evaluate_after == 120 * SECOND
