"""A simulated day on disk: what was written is what happened, and nothing is left half-written."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.unit.exchange.test_simulation import AT, AUCTION, Planned, new, simulation
from tradsys.core.errors import ResourceError
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.matching import Action, BookPhase, BookSide, Command
from tradsys.core.units import SCALE, SECOND
from tradsys.exchange.simulation_files import DESCRIPTION, FILES, write
from tradsys.exchange.simulation_record import SimulationRecord

INSTRUMENT = Instrument(
    id="X:Y",
    exchange="X",
    symbol="Y",
    segment=Segment.CRYPTO_SPOT,
    ticks=(DatedStep(0, SCALE // 20),),
    lots=(DatedStep(0, SCALE // 4),),
)


@pytest.fixture(scope="module")
def record() -> SimulationRecord:
    """One trade in an auction at 1000 ticks, one after it, an order withdrawn."""
    seller = Planned(1, [(1, new(11, BookSide.SELL, 1000, 5)), (35, Command(Action.CANCEL, 11))])
    buyer = Planned(2, [(2, new(21, BookSide.BUY, 1000, 2)), (33, new(22, BookSide.BUY, 1003, 1))])
    return simulation([seller, buyer], before=AUCTION, seconds=40).run()


@pytest.fixture(scope="module")
def folder(record: SimulationRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("day")
    write(record, target, instrument=INSTRUMENT, at=AT, description={"seed": 1, "complete": record.complete})
    return target


def test_trades_are_in_currency_and_units(folder: Path) -> None:
    trades = pq.read_table(folder / "trades.parquet").to_pylist()
    assert [(row["price"], row["quantity"], row["side"]) for row in trades] == [(50.0, 0.5, "buy"), (50.0, 0.25, "buy")]
    assert [(row["at"] - AT) // SECOND for row in trades] == [30, 33]
    assert [(row["taker_id"], row["maker_id"], row["taker"], row["maker"]) for row in trades] == [
        (21, 11, 2, 1),
        (22, 11, 2, 1),
    ]


def test_orders_tell_the_whole_story_in_words(folder: Path) -> None:
    orders = pq.read_table(folder / "orders.parquet").to_pylist()
    story = [(row["event"], row["order_id"], row["status"], row["filled"], row["open"]) for row in orders]
    assert story == [
        ("set_phase", 0, "done", 0.0, 0.0),
        ("new", 11, "open", 0.0, 1.25),
        ("new", 21, "open", 0.0, 0.5),
        ("uncross", 0, "done", 0.0, 0.0),
        ("set_phase", 0, "done", 0.0, 0.0),
        ("new", 22, "filled", 0.25, 0.0),
        ("cancel", 11, "cancelled", 0.0, 0.0),
        ("set_phase", 0, "done", 0.0, 0.0),
        ("end_day", 0, "done", 0.0, 0.0),
    ]
    phases = [row["phase"] for row in orders]
    assert phases == [*["auction"] * 4, *["continuous"] * 3, *["closed"] * 2]
    assert [row["price"] for row in orders if row["event"] != "new"] == [0.0, 50.0, 0.0, 0.0, 0.0, 0.0]
    assert BookPhase[phases[0].upper()] is BookPhase.AUCTION


def test_depth_has_no_price_where_there_is_no_level(folder: Path) -> None:
    depth = pq.read_table(folder / "depth.parquet").to_pylist()
    row = next(row for row in depth if row["at"] == AT + 32 * SECOND)
    assert (row["ask_price_1"], row["ask_quantity_1"]) == (50.0, 0.75)
    assert (isnan(row["bid_price_1"]), row["bid_quantity_1"]) == (True, 0.0)


def test_every_file_describes_itself_and_is_hashed(record: SimulationRecord, folder: Path, tmp_path: Path) -> None:
    description = {"seed": 1, "complete": True}
    for name in FILES:
        assert json.loads(pq.read_metadata(folder / name).metadata[b"tradsys"]) == description
    again = write(record, tmp_path, instrument=INSTRUMENT, at=AT, description=description)
    assert json.loads((folder / DESCRIPTION).read_bytes()) == {**description, "sha256": again}
    assert all((folder / name).read_bytes() == (tmp_path / name).read_bytes() for name in FILES)


def test_a_folder_that_cannot_be_written_is_left_as_it_was(record: SimulationRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot write"):
        write(record, tmp_path / "file", instrument=INSTRUMENT, at=AT, description={})
    (tmp_path / "day" / FILES[0]).mkdir(parents=True)
    with pytest.raises(ResourceError, match="cannot write"):
        write(record, tmp_path / "day", instrument=INSTRUMENT, at=AT, description={})
    assert not (tmp_path / "day" / ".partial").exists()
