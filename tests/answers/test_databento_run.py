"""Recorded CME orders in the backtester's book, and a run that trades among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.builders import conserve, run, to_toml
from tradsys.core.events import Accepted, Fill, Rejected, Tick
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.matching import BookEventKind, BookPhase
from tradsys.core.units import MILLISECOND, SCALE
from tradsys.engine import settings
from tradsys.engine.assemble import Prepared, prepare
from tradsys.engine.recorded_databento import read_databento_of
from tradsys.exchange.book import Book
from tradsys.exchange.order_flow import OrderCommand, OrderFlow
from tradsys.exchange.recorded_events import ChangeKind, OrderChange
from tradsys.market.books import databento
from tradsys.market.books.order_book import OrderBook
from tradsys.market.databento_orders import read_messages
from tradsys.strategies.base import Strategy

TICK = 250_000_000
ESH4 = Instrument(
    id="CME:ESH4",
    exchange="CME",
    symbol="ESH4",
    segment=Segment.FUTURE,
    ticks=(DatedStep(0, SCALE // 4),),
    lots=(DatedStep(0, SCALE),),
)


@pytest.fixture
def part(shared_data: Path) -> Path:
    path = shared_data / "l3/cme_mbo/esh4_20231225_records_00000_19999.csv.gz"
    if not path.exists():
        pytest.skip("the shared sample data are not there")
    return path


def test_the_book_is_the_feeds_and_the_trades_are_too(part: Path) -> None:
    events, ticks = read_databento_of(part, ESH4)
    book = Book(1)
    flow = OrderFlow(ESH4, book=book, at=events[0].at)
    trades, whole = 0, 0
    for event in events:
        if isinstance(event, OrderCommand | OrderChange):
            taken, happened = flow.follow(event)
            traded = sum(each.quantity for each in happened if each.kind == BookEventKind.TRADE)
            assert taken
            if isinstance(event, OrderChange) and event.kind == ChangeKind.EXECUTE:
                trades, whole = trades + 1, whole + (traded == event.quantity)
            else:
                assert traded == 0
    # The four others met the hidden parts of icebergs.
    assert (trades, whole, flow.phase) == (536, 532, BookPhase.CONTINUOUS)
    told = OrderBook()
    for message in read_messages(part)[0]:
        databento.apply(told, message)
    ours = {each.order_id: (each.side, each.price, each.shown) for each in book.orders()}
    assert ours == {number: (each.side, each.price // TICK, each.quantity) for number, each in told.orders.items()}
    # The auction's 44 lots are a print; before it nothing is quoted.
    assert (ticks.matrix[0, 0], ticks.matrix[1, 0]) == (4800.25, 44)
    assert (ticks.exchange_at < ticks.at).any()


class Once(Strategy):
    """One lot at a tick of its number: joins the bid or takes the ask."""

    number: ClassVar[int] = 0
    limit: ClassVar[bool] = False
    seen: ClassVar[list[Tick]] = []

    def on_tick(self, tick: Tick, account: Any) -> Any:
        self.seen.append(tick)
        if len(self.seen) == self.number:
            yield self.buy(tick, 1, limit=tick.bid) if self.limit else self.buy(tick, 1)


def traded(folder: Path, part: Path, *, number: int, limit: bool) -> Prepared:
    Once.number, Once.limit, Once.seen = number, limit, []
    instrument = {
        "id": "CME:ESH4",
        "segment": "future",
        "expiry": "2024-03-15",
        "tick": 0.25,
        "lot": 1,
        "multiplier": 50,
    }
    sections = {
        "run": {"name": "databento", "cash": 1_000_000.0, "currency": "USD"},
        "data": {"path": str(part), "format": "databento", "interval": "1m", "instruments": [instrument]},
        "execution": {"venue": "exchange", "latency_ms": 1},
        "charges": {"plan": "flat", "rate": 0.0},
        "strategies": [{"use": f"{__name__}:Once"}],
    }
    (folder / "run.toml").write_text(to_toml(sections), encoding="utf-8")
    return run(prepare(settings.load(folder / "run.toml", environment={})), watch=conserve)


def bodies(done: Prepared, kind: type) -> list[Any]:
    return [entry.body for entry in done.backtest.log if type(entry.body) is kind]


def test_a_market_order_takes_the_recorded_ask_of_its_arrival(tmp_path: Path, part: Path) -> None:
    done = traded(tmp_path, part, number=1_000, limit=False)
    (fill,) = bodies(done, Fill)
    sent = Once.seen[999]
    there = [tick for tick in Once.seen if tick.exchange_at < sent.at + MILLISECOND][-1]
    assert (fill.price, fill.exchange_at) == (round(there.ask * SCALE), sent.at + MILLISECOND)
    assert not bodies(done, Rejected)


def test_an_order_of_ours_waits_its_turn_among_the_recorded_ones(tmp_path: Path, part: Path) -> None:
    done = traded(tmp_path, part, number=1_000, limit=True)
    (fill,), (accepted,) = bodies(done, Fill), bodies(done, Accepted)
    assert fill.maker
    assert fill.price == round(Once.seen[999].bid * SCALE)
    assert fill.at > accepted.at
