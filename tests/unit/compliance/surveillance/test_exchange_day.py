"""A generated day as events: nothing is lost, the book that follows from them is the exchange's, files say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.surveillance.planted import DAY, INSTRUMENT, planted_day
from tradsys.compliance.surveillance.events import Cancelled, Entered, Quoted, Session, Traded
from tradsys.compliance.surveillance.exchange_day import DayFacts, events_of_day, read_day
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.surveillance import Surveillance, surveil
from tradsys.core.errors import DataError, MissingData
from tradsys.core.events import Phase
from tradsys.core.units import SCALE, SECOND
from tradsys.exchange.agents.population import Population
from tradsys.exchange.book import Book
from tradsys.exchange.generated_day import DayParameters, Hours, generated_day
from tradsys.exchange.simulation_files import write
from tradsys.exchange.simulation_record import SimulationRecord


@pytest.fixture(scope="module")
def day() -> tuple[SimulationRecord, Hours, Book]:
    book = Book(1)
    parameters = DayParameters(reference=1500 * SCALE, population=Population(activity=0.02))
    simulation, hours = generated_day(book, INSTRUMENT, DAY, parameters, seed=5)
    return simulation.run(), hours, book


def facts(record: SimulationRecord, hours: Hours) -> DayFacts:
    tick, lot = INSTRUMENT.tick_at(hours.opens), INSTRUMENT.lot_at(hours.opens)
    return DayFacts(instrument=INSTRUMENT.id, tick=tick, lot=lot, names=record.names, closes_at=hours.closes)


def test_the_book_of_the_events_is_the_exchanges_second_by_second(day: tuple[SimulationRecord, Hours, Book]) -> None:
    record, hours, _ = day
    depth, said = record.depths(), facts(record, hours)
    market, row, checked = Market(whole=True), 0, 0
    for event in events_of_day(said, orders=record.orders(), trades=record.trades()):
        while row < len(depth["at"]) and depth["at"][row] < event.at:
            if hours.opens < depth["at"][row] < hours.closes:
                wanted = tuple(int(depth[f"{side}_price_1"][row]) * said.tick for side in ("bid", "ask"))
                # what came in last is in the book once it is clear that it trades no more
                market.apply(Quoted(at=event.at, instrument=INSTRUMENT.id))
                assert market.best(INSTRUMENT.id) == wanted, row
                checked += 1
            row += 1
        market.apply(event)
    assert checked > 3_000


def test_every_trade_and_phase_is_there_and_the_crowd_are_many(day: tuple[SimulationRecord, Hours, Book]) -> None:
    record, hours, _ = day
    events = list(events_of_day(facts(record, hours), orders=record.orders(), trades=record.trades()))
    trades = [each for each in events if isinstance(each, Traded)]
    assert len(trades) == len(record.trades()["at"])
    assert all(each.buyer != each.seller for each in trades)
    assert [each.at for each in events] == sorted(each.at for each in events)
    phases = [each.phase for each in events if isinstance(each, Session)]
    assert Phase.OPEN in phases
    crowd = [each.account for each in events if isinstance(each, Entered) and each.account.startswith("noise")]
    assert len(set(crowd)) == len(crowd)
    assert {each.account for each in events if isinstance(each, Entered)} >= {"market_maker-2", "momentum-5"}
    removed = [each for each in events if isinstance(each, Cancelled) and not each.by_owner]
    assert removed  # what is left of immediate orders


def test_files_say_the_same(day: tuple[SimulationRecord, Hours, Book], tmp_path: Path) -> None:
    record, hours, _ = day
    said = facts(record, hours)
    events = list(events_of_day(said, orders=record.orders(), trades=record.trades()))
    description: dict[str, Any] = {
        "instrument": INSTRUMENT.id,
        "tick": str(said.tick / SCALE),
        "lot": str(said.lot / SCALE),
        "accounts": {str(account): name for account, name in record.names.items()},
        "close": hours.closes,
    }
    write(record, tmp_path, instrument=INSTRUMENT, at=hours.opens, description=description)
    found, again = read_day(tmp_path)
    assert list(found) == events
    assert again == said


def test_what_is_no_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no simulated day"):
        read_day(tmp_path)
    (tmp_path / "simulation.json").write_text("{}")
    with pytest.raises(DataError, match="is damaged"):
        read_day(tmp_path)


def test_in_stream_and_after_the_fact_it_is_the_same() -> None:
    """Told event by event, alerts come when they come; over the record, the same ones in the same order."""
    planted = planted_day(3, size=1.0, activity=0.02)
    stream = Surveillance(planted.settings, whole=True)
    told = []
    for event in planted.events:
        found = stream.observe(event)
        assert all(each.at == event.at for each in found)
        told += found
    finding = surveil(planted.events, planted.settings, whole=True)
    assert finding == stream.finish()
    assert list(finding.alerts[: len(told)]) == told
    assert len(told) >= 5


def test_events_out_of_order_are_refused() -> None:
    planted = planted_day(3, size=1.0, activity=0.005)
    stream = Surveillance(planted.settings, whole=True)
    stream.observe(planted.events[-1])
    with pytest.raises(DataError, match="older than the one before"):
        stream.observe(planted.events[0])
    assert planted.events[-1].at > planted.events[0].at + SECOND
