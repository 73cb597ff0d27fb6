"""Runs on single orders: a captured feed and a generated day, with our orders in the same book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from tests.builders import conserve, run, to_toml
from tradsys.core.errors import DataError
from tradsys.core.events import Bar, Fill, Halted, Rejected, Tick
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import MILLISECOND, SCALE
from tradsys.engine import settings
from tradsys.engine.assemble import Prepared, prepare
from tradsys.exchange.agents.population import Population
from tradsys.exchange.book import Book
from tradsys.exchange.book_venue import BookVenue
from tradsys.exchange.generated_day import DayParameters, generated_day
from tradsys.exchange.simulation_files import write
from tradsys.reference.ticks import tick_steps
from tradsys.strategies.base import Strategy

MONDAY = date(2024, 6, 3)
SHARE = Instrument(id="NSE:X", exchange="NSE", symbol="X", segment=Segment.EQUITY)


class Watcher(Strategy):
    """Takes down ticks and bars, and answers ticks by a script; `n` counts ticks from 0."""

    script: ClassVar[Callable[..., Iterable[Any] | None]]
    ticks: ClassVar[list[Tick]] = []
    bars: ClassVar[list[Bar]] = []

    def on_start(self, ctx: Any) -> None:
        self.n = -1

    def on_tick(self, tick: Any, account: Any) -> Iterable[Any] | None:
        self.ticks.append(tick)
        self.n += 1
        return type(self).script(self, tick, account)

    def on_bar(self, bar: Any, account: Any) -> None:
        self.bars.append(bar)


def built(
    folder: Path, script: Callable[..., Any], data: dict[str, Any], instrument: dict[str, Any], **execution: Any
) -> Prepared:
    Watcher.script, Watcher.ticks, Watcher.bars = staticmethod(script), [], []
    sections = {
        "run": {"name": "orders", "cash": 10_000_000.0},
        "data": {"interval": "1m", "instruments": [instrument], **data},
        "execution": {"venue": "exchange", **execution},
        "charges": {"plan": "flat", "rate": 0.0001},
        "strategies": [{"use": f"{__name__}:Watcher"}],
    }
    (folder / "run.toml").write_text(to_toml(sections), encoding="utf-8")
    return prepare(settings.load(folder / "run.toml", environment={}))


def bodies(prepared: Prepared, kind: type) -> list[Any]:
    return [entry.body for entry in prepared.backtest.log if type(entry.body) is kind]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quiet day of a share, as `tradsys exchange simulate` writes it."""
    parameters = DayParameters(reference=1_500 * SCALE, population=Population(activity=0.02))
    simulation, hours = generated_day(Book(1), SHARE, MONDAY, parameters, seed=5)
    folder = tmp_path_factory.mktemp("day")
    write(simulation.run(), folder, instrument=SHARE, at=hours.opens, description={})
    return folder


def on_day(folder: Path, day: Path, script: Callable[..., Any], **execution: Any) -> Prepared:
    data = {"path": str(day / "orders.parquet"), "format": "orders"}
    return built(folder, script, data, {"id": SHARE.id, "tick": 0.05}, product="MIS", **execution)


def trading(strategy: Any, tick: Any, account: Any) -> Iterable[Any]:
    """Joins the bid and the ask in turn, brackets now and then, and goes flat."""
    if not tick.bid > 0 or not tick.ask > 0:
        return
    if strategy.n % 40 == 5:
        yield strategy.buy(tick, 7, limit=tick.bid)
    elif strategy.n % 40 == 25:
        yield strategy.sell(tick, 7, limit=tick.ask)
    elif strategy.n % 160 == 15:
        yield strategy.buy(tick, 5, stop=round(tick.bid - 1, 2), target=round(tick.ask + 1, 2))
    elif strategy.n % 400 == 399:
        yield strategy.cancel(tick)
        yield strategy.target(tick, 0)


def test_without_us_the_day_is_the_day_that_was_generated(tmp_path: Path, day: Path) -> None:
    run(on_day(tmp_path, day, lambda *_: None), watch=conserve)
    trades = pq.read_table(day / "trades.parquet").to_pydict()
    prints = [tick for tick in Watcher.ticks if tick.last == tick.last]
    printed: Counter[tuple[int, float]] = Counter()
    traded: Counter[tuple[int, float]] = Counter()
    for tick in prints:
        printed[tick.at, tick.last] += round(tick.last_quantity)
    for at, price, quantity in zip(trades["at"], trades["price"], trades["quantity"], strict=True):
        traded[at, price] += round(quantity)
    # After the last bar of continuous trading nobody listens.
    assert printed == Counter({key: value for key, value in traded.items() if key[0] <= prints[-1].at})
    assert len(printed) > 500
    volume = sum(bar.volume for bar in Watcher.bars)
    assert 0.9 * sum(trades["quantity"]) < volume <= sum(trades["quantity"])


def test_quotes_are_those_of_the_generated_book(tmp_path: Path, day: Path) -> None:
    run(on_day(tmp_path, day, lambda *_: None))
    depth = pq.read_table(day / "depth.parquet").to_pydict()
    quoted = [tick for tick in Watcher.ticks if tick.bid == tick.bid]
    times = np.array([tick.at for tick in quoted])
    compared = 0
    for at, bid, ask in zip(depth["at"], depth["bid_price_1"], depth["ask_price_1"], strict=True):
        row = int(np.searchsorted(times, at)) - 1
        settled = row + 1 < len(times) and times[row + 1] > at and quoted[0].at < at
        if settled and bid == bid and ask == ask:
            assert (quoted[row].bid, quoted[row].ask) == (bid, ask)
            compared += 1
    assert compared > 1000


def test_a_strategy_trades_in_the_day_and_every_unit_is_accounted_for(tmp_path: Path, day: Path) -> None:
    done = run(on_day(tmp_path, day, trading), watch=conserve)
    fills = bodies(done, Fill)
    assert not bodies(done, Halted)
    assert len(fills) > 50
    assert any(fill.maker for fill in fills)
    assert not done.engine.working
    # Intraday positions are squared off, and what is over is in nobody's book.
    assert sum(fill.side * fill.quantity for fill in fills) == 0
    venue = done.replay.venue
    assert isinstance(venue, BookVenue)
    assert venue.idle


def test_the_same_run_makes_the_same_decisions(tmp_path: Path, day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [entry.body for entry in run(on_day(tmp_path, day, trading, latency_ms=2)).backtest.log]
    monkeypatch.setattr("tradsys.engine.recorded_backtest.CHUNK", 17)
    assert [entry.body for entry in run(on_day(tmp_path, day, trading, latency_ms=2)).backtest.log] == whole


@pytest.fixture
def feed(shared_data: Path) -> Path:
    """998 messages of LOBSTER."""
    path = shared_data / "l3" / "lobster" / "AAPL_2012-06-21_first998_message_10.csv"
    if not path.exists():
        pytest.skip("the shared sample data are not there")
    return path


def test_a_captured_feed_is_followed_and_traded_on(tmp_path: Path, feed: Path) -> None:
    def script(strategy: Any, tick: Any, account: Any) -> Iterable[Any]:
        if strategy.n == 100:
            yield strategy.buy(tick, 10)
        if strategy.n % 50 == 20:
            yield strategy.buy(tick, 5, limit=tick.bid)

    instrument = {"id": "NASDAQ:AAPL", "tick": 0.01, "lot": 1.0, "segment": "crypto_perpetual"}
    data = {"path": str(feed), "format": "lobster"}
    done = run(built(tmp_path, script, data, instrument, latency_ms=1), watch=conserve)
    fills = bodies(done, Fill)
    assert not bodies(done, Rejected)
    taken = next(fill for fill in fills if not fill.maker)
    arrival = Watcher.ticks[100].at + MILLISECOND
    asked = [tick.ask for tick in Watcher.ticks if tick.at <= arrival][-1]
    assert (taken.price, taken.exchange_at) == (round(asked * SCALE), arrival)
    assert sum(fill.maker for fill in fills) > 2
    assert {tick.bid < tick.ask for tick in Watcher.ticks} == {True}


def test_a_tick_that_does_not_fit_the_file_is_refused(tmp_path: Path, day: Path) -> None:
    data = {"path": str(day / "orders.parquet"), "format": "orders"}
    with pytest.raises(DataError, match="off the instrument's step"):
        built(tmp_path, lambda *_: None, data, {"id": SHARE.id, "tick": 0.25})


@pytest.mark.parametrize(("step", "what"), [({"tick": 0.05}, "price"), ({"lot": 100}, "quantity")])
def test_a_tick_or_lot_that_does_not_fit_a_captured_feed_is_refused(
    tmp_path: Path, feed: Path, step: dict[str, float], what: str
) -> None:
    instrument = {"id": "SIM:AAPL", "segment": "crypto_perpetual", "tick": 0.01, "lot": 1, **step}
    with pytest.raises(DataError, match=f"{what} is off the instrument's step"):
        built(tmp_path, lambda *_: None, {"path": str(feed), "format": "lobster"}, instrument)


def test_two_instruments_have_books_of_their_own(tmp_path: Path, day: Path) -> None:
    def script(strategy: Any, tick: Any, account: Any) -> Iterable[Any]:
        if strategy.n == 300:
            yield strategy.buy(tick, 3)

    one = {"id": "NSE:X", "tick": 0.05, "path": str(day / "orders.parquet")}
    pair = built(tmp_path, script, {"path": "", "format": "orders"}, one, product="MIS")
    text = (tmp_path / "run.toml").read_text(encoding="utf-8")
    (tmp_path / "run.toml").write_text(text.replace("}]", "}, " + _second(day) + "]"), encoding="utf-8")
    pair = run(prepare(settings.load(tmp_path / "run.toml", environment={})), watch=conserve)
    bought = [fill for fill in bodies(pair, Fill) if fill.side > 0]
    assert {fill.instrument for fill in bought} == {"NSE:X", "NSE:Y"}
    by_name = [[(f.price, f.quantity) for f in bought if f.instrument == name] for name in ("NSE:X", "NSE:Y")]
    assert by_name[0] == by_name[1]


def _second(day: Path) -> str:
    return f'{{ id = "NSE:Y", tick = 0.05, path = "{day / "orders.parquet"}" }}'


@pytest.mark.parametrize(("reference", "tick"), [(1_500, 0.1), (200, 0.01)])
def test_the_exchange_s_own_tick_counts_prices_where_the_run_file_gives_none(
    tmp_path: Path, reference: int, tick: float
) -> None:
    steps = tick_steps(Segment.EQUITY, price=reference * SCALE)
    share = replace(SHARE, ticks=steps)
    on = date(2026, 11, 16)
    parameters = DayParameters(reference=reference * SCALE, population=Population(activity=0.01))
    simulation, hours = generated_day(Book(1), share, on, parameters, seed=5)
    write(simulation.run(), tmp_path, instrument=share, at=hours.opens, description={})
    assert share.tick_at(hours.opens) == round(tick * SCALE)
    data = {"path": str(tmp_path / "orders.parquet"), "format": "orders"}
    prepared = built(tmp_path, trading, data, {"id": SHARE.id}, product="MIS")
    run(prepared, watch=conserve)
    assert prepared.instruments[SHARE.id].ticks == steps
    prices = [fill.price / SCALE for fill in bodies(prepared, Fill)]
    traded = pq.read_table(tmp_path / "trades.parquet")["price"].to_numpy()
    assert len(prices) > 3 and traded.min() * 0.9 < min(prices) <= max(prices) < traded.max() * 1.1


def test_before_the_first_trade_an_order_is_worth_the_middle_of_the_book(tmp_path: Path) -> None:
    name = "X_2024-06-03_34200000_57600000_message_1.csv"
    lines = [f"{34_200 + number}.0,1,{number},5,{1_000_000 - 100 * number},1" for number in range(1, 9)]
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / name.replace("message", "orderbook")).write_text("1001000,7,1000000,5\n", encoding="utf-8")

    def script(strategy: Any, tick: Any, account: Any) -> Iterable[Any] | None:
        return [strategy.buy(tick, 3)] if strategy.n == 1 else None

    data = {"path": name, "format": "lobster"}
    done = run(built(tmp_path, script, data, {"id": "NASDAQ:X", "segment": "equity", "tick": 0.01}), watch=conserve)
    assert [(fill.side, fill.price, fill.quantity) for fill in bodies(done, Fill)] == [(1, 10_010_000_000, 3 * SCALE)]
