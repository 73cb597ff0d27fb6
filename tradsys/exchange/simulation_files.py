"""A simulated day as Parquet files that anyone can read, the same bytes for the same day.

Prices in currency and quantities in units (float64), times int64 UTC nanoseconds, names as text. Every file carries the
description of the day as JSON under the key `tradsys` of its metadata; `complete` there is false for a day that was
interrupted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import ResourceError
from tradsys.core.instruments import Instrument
from tradsys.core.matching import Action, BookPhase, BookSide, Kind, Reason, Status, TimeInForce
from tradsys.core.units import SCALE
from tradsys.exchange.simulation_record import EVENTS, Columns, SimulationRecord

FILES = ("orders.parquet", "trades.parquet", "depth.parquet")
DESCRIPTION = "simulation.json"
ROWS_A_GROUP = 262_144
_PRICES = ("price", "trigger", "trail")
_ENUMERATED: dict[str, type[IntEnum]] = {
    "side": BookSide,
    "kind": Kind,
    "validity": TimeInForce,
    "phase": BookPhase,
    "status": Status,
    "reason": Reason,
}
_QUANTITIES = ("quantity", "display", "filled", "open")


def write(
    record: SimulationRecord, folder: Path, *, instrument: Instrument, at: int, description: Mapping[str, object]
) -> dict[str, str]:
    """Write the three files and `simulation.json` into `folder`, over what is there; SHA-256 of each Parquet file.

    Tick and lot are those in force `at`. Raises `ResourceError`; then nothing is changed.
    """
    tick, lot = instrument.tick_at(at), instrument.lot_at(at)
    tables = (
        _orders(record.orders(), tick=tick, lot=lot),
        _trades(record.trades(), tick=tick, lot=lot),
        _depth(record.depths(), tick=tick, lot=lot),
    )
    with _drafts(folder) as draft:
        for name, columns in zip(FILES, tables, strict=True):
            _write_table(draft / name, columns, description)
        hashes = {name: hashlib.sha256((draft / name).read_bytes()).hexdigest() for name in FILES}
        text = msgspec.json.format(msgspec.json.encode({**description, "sha256": hashes}), indent=2)
        (draft / DESCRIPTION).write_bytes(text + b"\n")
    return hashes


@contextmanager
def _drafts(folder: Path) -> Iterator[Path]:
    """A folder beside the target; its files are moved there when all of them are whole."""
    draft = folder / ".partial"
    try:
        draft.mkdir(parents=True, exist_ok=True)
        yield draft
        for path in sorted(draft.iterdir()):
            os.replace(path, folder / path.name)
    except OSError as error:
        raise ResourceError(
            f"cannot write the simulated day to {folder}: {error.strerror or error}",
            value=str(folder),
            fix="free some space, or choose another folder with --out",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_table(path: Path, columns: Mapping[str, Any], description: Mapping[str, object]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(dict(columns)).replace_schema_metadata({"tradsys": msgspec.json.encode(description)})
    pq.write_table(table, path, version="2.6", compression="zstd", compression_level=3, row_group_size=ROWS_A_GROUP)


def _orders(columns: Columns, *, tick: int, lot: int) -> dict[str, Any]:
    """Commands of the exchange itself have no price or quantity of an order: `flags` holds the rule of theirs."""
    action = columns["event"]
    ruled = np.isin(action, (Action.SET_BAND, Action.UNCROSS))
    columns["flags"] = np.where(ruled, columns["quantity"], columns["flags"])
    columns["quantity"] = np.where(ruled, 0, columns["quantity"])
    columns["price"] = np.where(action == Action.SET_PHASE, 0, columns["price"])
    written: dict[str, Any] = {name: _integers(values) for name, values in columns.items()}
    for names, step in ((_PRICES, tick), (_QUANTITIES, lot)):
        written |= {name: _scaled(columns[name], step) for name in names}
    written["event"] = _words(action, EVENTS)
    return written | {name: _members(columns[name], words) for name, words in _ENUMERATED.items()}


def _trades(columns: Columns, *, tick: int, lot: int) -> dict[str, Any]:
    written: dict[str, Any] = {name: _integers(values) for name, values in columns.items()}
    written["side"] = _members(columns["side"], BookSide)
    return written | {"price": _scaled(columns["price"], tick), "quantity": _scaled(columns["quantity"], lot)}


def _depth(columns: Columns, *, tick: int, lot: int) -> dict[str, Any]:
    written: dict[str, Any] = {"at": _integers(columns["at"])}
    for name, values in columns.items():
        if name != "at":
            written[name] = _scaled(values, tick if "price" in name else lot, absent=np.nan if "price" in name else 0.0)
    return written


def _integers(values: NDArray[np.int64]) -> Any:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _scaled(values: NDArray[np.int64], step: int, *, absent: float = 0.0) -> Any:
    """Steps as units; `absent` where there are none."""
    import pyarrow as pa

    units = np.where(values == 0, absent, values.astype(np.float64) * step / SCALE)
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(units))])


def _members(values: NDArray[np.int64], words: type[IntEnum]) -> Any:
    return _words(values, tuple(member.name.lower() for member in words))


def _words(values: NDArray[np.int64], words: tuple[str, ...]) -> Any:
    import pyarrow as pa

    codes = values.astype(np.int8)
    indices = pa.Array.from_buffers(pa.int8(), len(codes), [None, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, pa.array(words))
