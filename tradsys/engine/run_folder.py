"""What a run leaves on disk: one folder, written beside and moved into place, so that it is whole or not there."""

from __future__ import annotations

import csv
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tradsys.core.errors import ResourceError
from tradsys.core.events import Entry
from tradsys.core.orders import measured
from tradsys.core.units import SCALE, to_text
from tradsys.engine.accounts import History
from tradsys.engine.final_state import lines_of
from tradsys.portfolio.attribution_tables import parts_csv
from tradsys.portfolio.holdings_tables import holdings_csv
from tradsys.portfolio.result import RoundTrip, RunResult
from tradsys.reference.clock import iso

ACTIONS = ("long", "short")
TRADE_COLUMNS = (
    "strategy", "instrument", "product", "side", "quantity", "entered", "exited", "entry_price", "exit_price", "gross",
    "charges", "net", "break_even_move", "entry_reason", "exit_reason", "open",
    "bars", "adverse", "favourable",
)  # fmt: skip


_EXACT_COLUMNS = ("quantity", "limit", "trigger", "filled")


def write(
    result: RunResult, history: History, log: Sequence[Entry], *, folder: Path, render: Callable[[RunResult], str]
) -> Path:
    """Write every file of a run into `folder/NAME-TIME` and return it. Raises `ResourceError`; then nothing is left."""
    stamp = datetime.fromtimestamp(time.time(), UTC).strftime("%Y%m%dT%H%M%S")
    target = _free(folder, f"{_safe(result.name)}-{stamp}")
    with _whole(target) as draft:
        _json(draft / "manifest.json", result.manifest)
        _json(draft / "metrics.json", result.metrics)
        _decisions(draft / "decisions", log)
        _table(draft / "orders.parquet", _orders(log))
        _table(draft / "fills.parquet", _fills(result))
        _table(draft / "positions.parquet", _positions(history))
        _table(
            draft / "equity.parquet", {"at": result.at, "cash": result.cash / SCALE, "equity": result.equity / SCALE}
        )
        (draft / "trades.csv").write_text(_trades(result), encoding="utf-8")
        (draft / "attribution.csv").write_text(parts_csv(result.attribution), encoding="utf-8")
        if result.holdings:
            (draft / "holdings.csv").write_text(holdings_csv(result.holdings), encoding="utf-8")
        (draft / "report.html").write_text(render(result), encoding="utf-8")
    return target


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A draft folder that becomes `target` at the end, or vanishes."""
    draft = target.with_name(f".{target.name}.partial")
    try:
        draft.mkdir(parents=True)
        yield draft
        os.replace(draft, target)
    except OSError as error:
        raise ResourceError(
            f"cannot write the results to {target}: {error.strerror or error}",
            value=str(target),
            fix="free some space, or choose another folder with --out",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _free(folder: Path, name: str) -> Path:
    """The first name not taken."""
    target, number = folder / name, 2
    while target.exists():
        target, number = folder / f"{name}-{number}", number + 1
    return target


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".-") or "run"


def _json(path: Path, value: Mapping[str, object]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _decisions(path: Path, log: Sequence[Entry]) -> None:
    """One JSON object a line, after a first line that names the format: exact ints of prices and money are in 1e-8."""
    head = {"format": "tradsys-decisions", "version": 1, "scale": SCALE, "lines": len(log)}
    with path.open("wb") as file:
        file.write(msgspec.json.encode(head) + b"\n")
        file.writelines(lines_of(log))


def _table(path: Path, columns: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            name: pa.array(values) if isinstance(values, list) else pa.array(np.asarray(values))
            for name, values in columns.items()
        }
    )
    pq.write_table(table, path, compression="zstd")


def _orders(log: Sequence[Entry]) -> dict[str, Any]:
    """One row an order with its verdict and its end."""
    rows: dict[int, dict[str, Any]] = {}
    for entry in log:
        body: Any = entry.body
        kind = type(body).__name__
        if kind in ("Approved", "Refused") and body.order is not None:
            rows[body.order_id] = _order_row(body.order, "approved" if kind == "Approved" else "refused")
            if kind == "Refused":
                rows[body.order_id]["detail"] = f"{body.rule}: {measured(body.value, limit=body.limit)}"
        elif kind == "Fill" and body.order_id in rows:
            row = rows[body.order_id]
            row["filled"] += body.quantity
            row["state"] = "filled" if row["filled"] == row["quantity"] else "partly_filled"
        elif kind == "Accepted":
            rows[body.order_id]["state"] = "open"
        elif kind in ("Cancelled", "Expired", "Rejected") and body.order_id in rows:
            rows[body.order_id] |= {"state": kind.lower(), "detail": body.reason}
    columns = {name: [row[name] for row in rows.values()] for name in _order_row(None, "")}
    return columns | {name: [units / SCALE for units in columns[name]] for name in _EXACT_COLUMNS}


def _order_row(order: Any, state: str) -> dict[str, Any]:
    names = (
        "at",
        "order_id",
        "strategy",
        "instrument",
        "side",
        "type",
        "product",
        "validity",
        "quantity",
        "limit",
        "trigger",
    )
    if order is None:
        return dict.fromkeys((*names, "filled", "state", "reason", "detail"))
    row = {name: getattr(order, name) for name in names}
    row |= {"side": order.side.name.lower(), "type": str(order.type), "product": str(order.product)}
    return row | {"validity": str(order.validity), "filled": 0, "state": state, "reason": order.reason, "detail": ""}


def _fills(result: RunResult) -> dict[str, Any]:
    fills = result.fills
    return {
        "at": fills.at,
        "strategy": list(fills.strategy),
        "instrument": list(fills.instrument),
        "side": ["buy" if side > 0 else "sell" for side in fills.side.tolist()],
        "quantity": fills.quantity / SCALE,
        "price": fills.price / SCALE,
        "charges": fills.charges / SCALE,
        "order_id": fills.order_id,
        "product": list(fills.product),
        "reason": list(fills.reason),
    }


def _positions(history: History) -> dict[str, Any]:
    """Each strategy's holding after everything that changed it."""
    rows = history.positions
    return {
        "at": np.array([row[0] for row in rows], dtype=np.int64),
        "strategy": [row[1].strategy for row in rows],
        "instrument": [row[1].instrument.id for row in rows],
        "product": [str(row[1].product) for row in rows],
        "quantity": np.array([row[2] for row in rows], dtype=np.int64) / SCALE,
        "cost": np.array([row[3] for row in rows], dtype=np.int64) / SCALE,
        "realised": np.array([row[4] for row in rows], dtype=np.int64) / SCALE,
    }


def _trades(result: RunResult) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(TRADE_COLUMNS)
    for trip in result.trades:
        writer.writerow(_trade_row(trip, result.zone))
    return text.getvalue()


def _trade_row(trip: RoundTrip, zone: str) -> list[object]:
    exited = "" if trip.is_open else iso(trip.exited_at, zone)
    money = (trip.entry_price, trip.exit_price, trip.gross, trip.charges, trip.net, trip.break_even_move)
    return [
        trip.strategy, trip.instrument, trip.product, ACTIONS[trip.side < 0], to_text(trip.quantity),
        iso(trip.entered_at, zone), exited, *map(to_text, money), trip.entry_reason, trip.exit_reason, trip.is_open,
        trip.bars, trip.adverse, trip.favourable,
    ]  # fmt: skip
