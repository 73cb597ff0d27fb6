"""The strategies that ship do what their documents say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.strategies.driving import Purse, bar, opened, rings, show, started, wanted
from tradsys.core.errors import ConfigError
from tradsys.core.events import CancelIntent, OrderIntent, Side, Target
from tradsys.strategies.bollinger_rsi import BollingerRsi
from tradsys.strategies.discovery import load
from tradsys.strategies.donchian_breakout import DonchianBreakout
from tradsys.strategies.ema_trend import EmaTrend
from tradsys.strategies.opening_range import OpeningRange

SHIPPED = {
    "bollinger_rsi": BollingerRsi,
    "donchian_breakout": DonchianBreakout,
    "ema_trend": EmaTrend,
    "opening_range": OpeningRange,
}


@pytest.mark.parametrize("name", SHIPPED)
def test_each_is_found_by_name_and_fits_on_a_page(name: str, repository: Path) -> None:
    assert load(name, folder=repository) is SHIPPED[name]
    source = repository / "tradsys" / "strategies" / f"{name}.py"
    assert len(source.read_text(encoding="utf-8").splitlines()) < 60
    assert all(spec.doc for spec in SHIPPED[name].parameters.values())


def test_the_command_line_lists_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tradsys", "strategies", "--json"], cwd=tmp_path, capture_output=True, check=True
    )
    listed = {each["name"]: each for each in json.loads(done.stdout)["strategies"]}
    assert listed.keys() >= SHIPPED.keys()
    assert listed["ema_trend"]["parameters"]["fast"] == "int = 20"


def test_ema_trend_follows_the_faster_mean() -> None:
    for shorts, below in ((False, 0.0), (True, -1.0)):
        strategy = EmaTrend(fast=5, slow=20, shorts=shorts)
        fast, slow = started(strategy).values()
        assert wanted(strategy.on_bar(bar(1, 100.0), Purse())) == []
        show(fast, value=101.0)
        show(slow, value=100.0)
        assert [each.strength for each in wanted(strategy.on_bar(bar(2, 100.0), Purse()))] == [1.0]
        show(fast, value=100.0)
        assert [each.strength for each in wanted(strategy.on_bar(bar(3, 100.0), Purse()))] == [below]


def test_ema_trend_refuses_means_the_wrong_way_round() -> None:
    with pytest.raises(ConfigError, match="fast must be below slow"):
        started(EmaTrend(fast=60, slow=20))


def test_bollinger_rsi_waits_no_longer_than_its_patience() -> None:
    strategy, purse = BollingerRsi(patience=2), Purse()
    bands, rsi = started(strategy).values()
    show(bands, upper=110.0, middle=100.0, lower=90.0)
    show(rsi, value=35.0)
    assert wanted(strategy.on_bar(bar(1, 89.0), purse)) == [], "below the band but not oversold"
    show(rsi, value=25.0)
    (entry,) = wanted(strategy.on_bar(bar(2, 89.0), purse))
    assert entry.strength == 1.0
    purse.held = 10.0
    assert wanted(strategy.on_bar(bar(3, 88.0), purse)) == []
    (exit_,) = wanted(strategy.on_bar(bar(4, 87.0), purse))
    assert (exit_.strength, exit_.reason) == (0.0, "patience ended")
    purse.held = 0.0
    for minute in (5, 6, 7):
        assert all(each.strength == 0.0 for each in wanted(strategy.on_bar(bar(minute, 80.0), purse)))
    (home,) = wanted(strategy.on_bar(bar(8, 100.0), purse))
    assert (home.strength, home.reason) == (0.0, "back at the mean")
    assert [each.strength for each in wanted(strategy.on_bar(bar(9, 80.0), purse))] == [1.0]


def test_bollinger_rsi_goes_on_after_a_restart() -> None:
    before, after = BollingerRsi(), BollingerRsi()
    started(before)
    started(after)
    before.armed, before.held = False, 7
    after.restore(json.loads(json.dumps(before.state())))
    assert (after.armed, after.held) == (False, 7)


def test_donchian_breakout_compares_changes_not_prices() -> None:
    strategy, purse = DonchianBreakout(entry=3, exit=2), Purse()
    upper, lower, change = started(strategy).values()
    show(upper, upper=102.0, middle=100.0, lower=98.0)
    show(lower, upper=101.0, middle=100.0, lower=99.0)
    assert wanted(strategy.on_bar(bar(1, 100.0), purse)) == []
    show(change, value=2.0)
    assert wanted(strategy.on_bar(bar(2, 102.0), purse)) == [], "at the high is not above it"
    show(change, value=-2.0)
    assert wanted(strategy.on_bar(bar(3, 100.0), purse)) == []
    # A bonus issue: the close of 100 is 50 now and stands still, and so does the channel.
    show(change, value=0.0)
    show(upper, upper=51.0, middle=50.0, lower=49.0)
    show(lower, upper=50.5, middle=50.0, lower=49.5)
    assert wanted(strategy.on_bar(bar(4, 50.0), purse)) == []
    show(change, value=2.5)
    assert [each.strength for each in wanted(strategy.on_bar(bar(5, 51.25), purse))] == [1.0]
    show(change, value=-8.0)
    assert [each.strength for each in wanted(strategy.on_bar(bar(6, 47.15), purse))] == [0.0]


def opening_range(**parameters: float) -> OpeningRange:
    """A strategy whose range of fifteen minutes was 99 to 101."""
    strategy = OpeningRange(**parameters)
    started(strategy)
    strategy.on_session(opened(), Purse())
    for minute, price in ((1, 100.0), (7, 101.0), (15, 99.0)):
        assert wanted(strategy.on_bar(bar(minute, price), Purse())) == []
    return strategy


def test_opening_range_buys_the_break_with_a_bracket() -> None:
    (order,) = wanted(opening_range().on_bar(bar(16, 101.5), Purse()))
    assert isinstance(order, OrderIntent)
    assert (order.side, order.stop, order.target) == (Side.BUY, 99.0, 105.5)
    assert order.quantity == 500.0, "200,000 × 0.5 % lost over a height of 2"


def test_opening_range_sells_the_break_below_no_larger_than_its_exposure() -> None:
    (order,) = wanted(opening_range(exposure=0.1, reward=1.0).on_bar(bar(16, 80.0), Purse()))
    assert (order.side, order.stop, order.target) == (Side.SELL, 101.0, 78.0)
    assert order.quantity == 250.0, "a tenth of 200,000 at 80"


def test_opening_range_takes_each_side_once_and_only_from_flat() -> None:
    strategy, purse = opening_range(), Purse()
    assert len(wanted(strategy.on_bar(bar(16, 102.0), purse))) == 1
    purse.held = 500.0
    assert wanted(strategy.on_bar(bar(17, 98.0), purse)) == [], "the position of the other side is still there"
    purse.held = 0.0
    assert wanted(strategy.on_bar(bar(18, 102.0), purse)) == [], "this side has been"
    assert len(wanted(strategy.on_bar(bar(19, 98.0), purse))) == 1
    assert wanted(strategy.on_bar(bar(20, 98.0), purse)) == []


def test_opening_range_enters_nothing_late_and_goes_home() -> None:
    strategy = opening_range()
    assert wanted(strategy.on_timer(rings("last_entry"), Purse())) == []
    assert wanted(strategy.on_bar(bar(330, 102.0), Purse())) == []
    withdrawn, home = wanted(strategy.on_timer(rings("flat_at"), Purse(held=500.0)))
    assert isinstance(withdrawn, CancelIntent) and withdrawn.order_id == 0
    assert isinstance(home, Target) and home.quantity == 0.0


def test_opening_range_without_a_range_does_nothing() -> None:
    strategy = OpeningRange()
    started(strategy)
    strategy.on_session(opened(), Purse())
    assert wanted(strategy.on_bar(bar(16, 102.0), Purse())) == [], "no bar in the first minutes"
    assert wanted(before_any_session().on_bar(bar(16, 102.0), Purse())) == [], "no session yet"


def before_any_session() -> OpeningRange:
    """Started, but before any session."""
    strategy = OpeningRange()
    started(strategy)
    return strategy


def test_opening_range_goes_on_after_a_restart() -> None:
    before, after = opening_range(), before_any_session()
    assert len(wanted(before.on_bar(bar(16, 102.0), Purse()))) == 1
    after.restore(json.loads(json.dumps(before.state())))
    assert wanted(after.on_bar(bar(17, 102.0), Purse())) == []
    assert len(wanted(after.on_bar(bar(18, 98.0), Purse()))) == 1
