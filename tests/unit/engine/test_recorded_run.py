"""Runs on the exchange: recorded ticks and depth through the same engine as bars."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import conserve, run, to_toml
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Accepted, Cancelled, Depth, Expired, Fill, Rejected
from tradsys.core.units import MILLISECOND, MINUTE, SCALE, SECOND
from tradsys.engine import feed, settings
from tradsys.engine.assemble import Prepared, prepare
from tradsys.exchange.recorded_events import Trade
from tradsys.strategies.base import Strategy

START = 1_700_000_040 * SECOND
"""The start of a minute."""


class Watcher(Strategy):
    """Takes down what it is told, and answers ticks and depth by a script."""

    script: ClassVar[Callable[..., Iterable[Any] | None]]
    told: ClassVar[list[tuple[str, int]]] = []

    def on_start(self, ctx: Any) -> None:
        self.n = -1

    def on_tick(self, tick: Any, account: Any) -> Iterable[Any] | None:
        self.told.append(("tick", tick.at))
        self.n += 1
        return type(self).script(self, tick, account)

    def on_depth(self, depth: Any, account: Any) -> Iterable[Any] | None:
        self.told.append(("depth", depth.at))
        self.n += 1
        return type(self).script(self, depth, account)

    def on_bar(self, bar: Any, account: Any) -> None:
        self.told.append(("bar", bar.at))

    def on_fill(self, fill: Any, account: Any) -> None:
        self.told.append(("fill", fill.at))


Row = tuple[int, float, float, float, float, float, float]
"""Milliseconds after START, last, its quantity, bid, its quantity, ask, its quantity."""


def recorded(folder: Path, rows: Iterable[Row], script: Callable[..., Any], **execution: Any) -> Prepared:
    names = ("last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity")
    times, *columns = zip(*rows, strict=True)
    table = {"time": [START + at * MILLISECOND for at in times], **dict(zip(names, columns, strict=True))}
    pq.write_table(pa.table(table), folder / "ticks.parquet")
    return built(folder, script, {"path": "ticks.parquet", "format": "ticks", "interval": "1m"}, execution)


def built(folder: Path, script: Callable[..., Any], data: dict[str, Any], execution: dict[str, Any]) -> Prepared:
    Watcher.script, Watcher.told = staticmethod(script), []
    instrument = {"id": "SIM:BTCUSDT", "tick": 0.01, "lot": 0.00001, "segment": "crypto_perpetual"}
    sections = {
        "run": {"name": "recorded", "cash": 1_000_000.0, "currency": "USD"},
        "data": {"timezone": "UTC", "instruments": [instrument], **data},
        "execution": {"venue": "exchange", **execution},
        "charges": {"plan": "flat", "rate": 0.001},
        "strategies": [{"use": f"{__name__}:Watcher"}],
    }
    (folder / "run.toml").write_text(to_toml(sections), encoding="utf-8")
    return prepare(settings.load(folder / "run.toml", environment={}))


def quotes(count: int, *, step: int = 1000) -> list[Row]:
    """A trade each tick at the ask of a book of five a side that stands still."""
    return [(number * step, 100.1, 1.0, 100.0, 5.0, 100.1, 5.0) for number in range(count)]


def bodies(prepared: Prepared, kind: type) -> list[Any]:
    return [entry.body for entry in prepared.backtest.log if type(entry.body) is kind]


def at_tick(number: int, make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda strategy, event, account: [make(strategy, event)] if strategy.n == number else None


def test_a_market_order_takes_what_is_shown_and_no_more(tmp_path: Path) -> None:
    done = run(recorded(tmp_path, quotes(10), at_tick(3, lambda s, e: s.buy(e, 8, validity="IOC"))), watch=conserve)
    (fill,) = bodies(done, Fill)
    assert (fill.price, fill.quantity) == (10_010_000_000, 5 * SCALE)


def test_an_order_travels_and_meets_the_book_of_its_arrival(tmp_path: Path) -> None:
    rows = [*quotes(4), (4000, 100.3, 1.0, 100.2, 5.0, 100.3, 5.0), (5000, 100.4, 1.0, 100.3, 5.0, 100.4, 5.0)]
    done = run(
        recorded(tmp_path, rows, at_tick(3, lambda s, e: s.buy(e, 1)), latency_ms=1500, response_ms=200), watch=conserve
    )
    (fill,), (accepted,) = bodies(done, Fill), bodies(done, Accepted)
    arrival = START + 4500 * MILLISECOND
    assert (fill.price, fill.exchange_at, fill.at) == (10_030_000_000, arrival, arrival + 200 * MILLISECOND)
    assert accepted.at == arrival + 200 * MILLISECOND


def test_a_resting_order_waits_for_the_queue_before_it(tmp_path: Path) -> None:
    rows = [*quotes(2), *((2000 + number * 100, 100.0, 2.0, 100.0, 5.0, 100.1, 5.0) for number in range(5))]
    done = run(recorded(tmp_path, rows, at_tick(0, lambda s, e: s.buy(e, 3, limit=100.0))), watch=conserve)
    fills = bodies(done, Fill)
    assert [(fill.exchange_at - START) // MILLISECOND for fill in fills] == [2200, 2300]
    assert [fill.quantity for fill in fills] == [SCALE, 2 * SCALE]
    assert all(fill.maker for fill in fills)


def test_ticks_come_before_the_bar_that_holds_them(tmp_path: Path) -> None:
    run(recorded(tmp_path, quotes(130), lambda *_: None))
    bars = [index for index, (kind, _) in enumerate(Watcher.told) if kind == "bar"]
    times = [at for _, at in Watcher.told]
    assert [times[index] for index in bars] == [START + number * MINUTE for number in (1, 2, 3)]
    assert times == sorted(times)
    assert len(Watcher.told) == 133


def test_no_decision_depends_on_how_the_feed_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(strategy: Any, tick: Any, account: Any) -> Iterable[Any]:
        if strategy.n % 7 == 0:
            yield strategy.buy(tick, 1, limit=tick.bid if strategy.n % 2 else tick.ask)
        if strategy.n % 11 == 0:
            yield strategy.sell(tick, 1, limit=tick.ask)

    whole = [entry.body for entry in run(recorded(tmp_path, quotes(300), script, latency_ms=3)).backtest.log]
    monkeypatch.setattr("tradsys.engine.recorded_backtest.CHUNK", 3)
    assert feed.CHUNK > 3
    assert [entry.body for entry in run(recorded(tmp_path, quotes(300), script, latency_ms=3)).backtest.log] == whole
    assert sum(type(body) is Fill for body in whole) > 20


def test_money_is_conserved_at_every_event(tmp_path: Path) -> None:
    def script(strategy: Any, tick: Any, account: Any) -> Iterable[Any]:
        yield strategy.target(tick, (strategy.n * 7919) % 11 - 5)

    rows = [
        (1000 * number, 100.1, 1.0, 100.0 + number % 2 / 5, 9.0, 100.1 + number % 2 / 5, 9.0) for number in range(200)
    ]
    done = run(recorded(tmp_path, rows, script), watch=conserve)
    assert len(bodies(done, Fill)) > 100


def test_sides_said_one_at_a_time_make_one_book(tmp_path: Path) -> None:
    nan = float("nan")
    bid, ask = (nan, nan, 100.0, 5.0, nan, nan), (nan, nan, nan, nan, 100.1, 5.0)
    rows: list[Row] = [(0, 100.0, 1.0, nan, nan, nan, nan), (1000, *ask), (2000, *bid), (3000, *bid)]
    done = run(recorded(tmp_path, rows, at_tick(3, lambda s, e: s.buy(e, 2))), watch=conserve)
    (fill,) = bodies(done, Fill)
    assert (fill.price, fill.exchange_at) == (10_010_000_000, START + 3000 * MILLISECOND)


def test_reports_on_their_way_when_the_record_ends_are_heard(tmp_path: Path) -> None:
    script = at_tick(9, lambda s, e: s.buy(e, 1))
    done = run(recorded(tmp_path, quotes(10), script, response_ms=500), watch=conserve)
    assert len(bodies(done, Fill)) == 1
    assert not done.engine.working


@pytest.mark.parametrize(
    ("data", "execution", "what"),
    [
        ({"format": "parquet"}, {}, "unknown format"),
        ({"interval": None}, {}, "data.interval"),
        ({}, {"queue": "fast"}, "queue"),
        ({}, {"latency_ms": -1}, "latency_ms out of range"),
        ({}, {"queue": "proportional", "queue_exponent": 0}, "exponent"),
        ({}, {"latency": "slow"}, "unknown latency"),
        ({}, {"latency": "lognormal", "latency_ms": 1, "latency_spread": 0}, "spread"),
        ({}, {"latency": "recorded"}, "does not say how long"),
        ({}, {"venue": "exchanges"}, "venue"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    tmp_path: Path, data: dict[str, Any], execution: dict[str, Any], what: str
) -> None:
    recorded(tmp_path, quotes(3), lambda *_: None)
    given = {"path": "ticks.parquet", "format": "ticks", "interval": "1m", **data}
    given = {key: value for key, value in given.items() if value is not None}
    with pytest.raises((ConfigError, UnknownName), match=what):
        built(tmp_path, lambda *_: None, given, execution)


def test_a_recorded_book_is_followed_and_traded_on(tmp_path: Path, shared_data: Path) -> None:
    feed_file = shared_data / "l2" / "binance" / "spot_btcusdt_20240808.gz"
    if not feed_file.exists():
        pytest.skip("the shared sample data are not there")
    script = at_tick(1000, lambda s, e: s.buy(e, 0.01))
    data = {"path": str(feed_file), "format": "binance", "interval": "1m"}
    done = run(built(tmp_path, script, data, {"latency_ms": 5}), watch=conserve)
    (fill,) = bodies(done, Fill)
    assert not bodies(done, Rejected)
    seen = [at for kind, at in Watcher.told if kind == "depth"]
    events = done.data.recordings["SIM:BTCUSDT"].events
    assert len(seen) == sum(type(each) is Depth for each in events) > 3_400
    # The feed's trades from its first book on, of 9,757.
    assert sum(type(each) is Trade for each in events) > 9_000
    assert fill.exchange_at == seen[1000] + 5 * MILLISECOND
    quoted = done.data.recordings["SIM:BTCUSDT"].ticks
    shown = quoted.matrix[4] == quoted.matrix[4]
    row = int((shown & (quoted.exchange_at <= fill.exchange_at)).nonzero()[0][-1])
    assert fill.price == round(quoted.matrix[4, row] * SCALE)


def falling(folder: Path, *, trades: bool) -> dict[str, Any]:
    """A book of five a side that falls by one a second from 101 and 102, with or without a trade at each new bid."""
    book = {"lastUpdateId": 1, "symbol": "X", "bids": [["101.0", "5"]], "asks": [["102.0", "5"]]}
    lines = [f"{START} {json.dumps(book)}"]
    for number in range(1, 20):
        at, bid = START + number * SECOND, 101 - number
        bids, asks = [[f"{bid}.0", "5"], [f"{bid + 1}.0", "0"]], [[f"{bid + 1}.0", "5"], [f"{bid + 2}.0", "0"]]
        told = {"e": "depthUpdate", "E": 1, "s": "X", "U": number + 1, "u": number + 1, "b": bids, "a": asks}
        lines.append(f"{at} {json.dumps(told)}")
        trade = {"e": "trade", "s": "X", "p": f"{bid}.0", "q": "1", "T": at // MILLISECOND, "m": True}
        lines += [f"{at + 1} {json.dumps(trade)}"] if trades else []
    (folder / "feed").write_text("\n".join(lines), encoding="utf-8")
    return {"path": "feed", "format": "binance", "interval": "1m"}


@pytest.mark.parametrize("trades", [True, False])
def test_depth_is_traded_on_from_its_first_book_and_its_stops_are_touched(tmp_path: Path, trades: bool) -> None:
    script = at_tick(0, lambda s, e: s.buy(e, 1, stop=90.0))
    done = run(built(tmp_path, script, falling(tmp_path, trades=trades), {}), watch=conserve)
    assert [(fill.side, fill.price) for fill in bodies(done, Fill)] == [(1, 102 * SCALE), (-1, 90 * SCALE)]
    # Bars are made of the trades, and of the middle where none is told.
    opened, low, volume = done.data.recordings["SIM:BTCUSDT"].bars.matrix[[0, 2, 4], 0]
    assert (opened, low, volume) == ((100.0, 82.0, 19.0) if trades else (101.5, 82.5, 0.0))


def test_quotes_alone_are_traded_on_before_their_first_bar(tmp_path: Path) -> None:
    nothing = float("nan")
    rows = [(number * 1000, nothing, nothing, 100.0 - number, 5.0, 100.1 - number, 5.0) for number in range(20)]
    done = run(recorded(tmp_path, rows, at_tick(0, lambda s, e: s.buy(e, 1, stop=95.0))), watch=conserve)
    assert [(fill.side, fill.price) for fill in bodies(done, Fill)] == [(1, 10_010_000_000), (-1, 95 * SCALE)]


# --- terms of orders


def test_a_strategy_asks_for_every_term_and_the_venue_keeps_them(tmp_path: Path) -> None:
    def script(strategy: Any, tick: Any, account: Any) -> Iterable[Any]:
        if strategy.n == 1:
            yield strategy.buy(tick, 6, validity="FOK")
            yield strategy.buy(tick, 4, limit=100.1, validity="FOK")
            yield strategy.buy(tick, 1, limit=100.1, post_only=True)
            yield strategy.sell(tick, 4, limit=100.1, display=1, post_only=True)
            yield strategy.buy(tick, 1, limit=99.0, validity="GTD", expires_at=tick.at + 2500 * MILLISECOND)

    done = run(recorded(tmp_path, quotes(8), script), watch=conserve)
    assert [(each.order_id, each.quantity // SCALE) for each in bodies(done, Fill)][:1] == [(2, 4)]
    ended = {each.order_id: each.reason for kind in (Cancelled, Rejected, Expired) for each in bodies(done, kind)}
    assert ended == {
        1: "fill or kill: not filled whole at once",
        3: "post-only: it would trade at once at 100.1",
        5: "its time came",
    }
    (expired,) = bodies(done, Expired)
    assert expired.at == START + 3500 * MILLISECOND, "between two ticks, at its instant"
    assert all(each.maker for each in bodies(done, Fill) if each.order_id == 4)
