"""LEAN's zipped CSV: minutes (milliseconds since the exchange's midnight) and days; equity prices × 10,000."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradsys.core.errors import DataError
from tradsys.core.units import DAY, MILLISECOND, MINUTE
from tradsys.market.arrow import from_numpy, to_numpy
from tradsys.market.readers.delimited import table_of
from tradsys.market.readers.raw import RawBars, Request, stem
from tradsys.market.readers.table import bars_of
from tradsys.market.times import from_dates
from tradsys.reference.clock import to_utc

COLUMNS = ["time", "open", "high", "low", "close", "volume"]
SCALED = {"equity": 10_000.0, "index": 1.0}
ZONES = {"india": "Asia/Kolkata", "usa": "America/New_York"}
_MINUTE = re.compile(r"(?P<date>\d{8})_(?P<symbol>.+)_minute_(?P<kind>trade|quote)\.csv")


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of the one instrument; quote files give none. Needs LEAN's own folders: `equity/india/minute/yesbank/…`."""
    entry, text = _entry(content, request)
    parts = [part.lower() for part in request.path.parts]
    kind, market = (next((part for part in parts if part in table), "") for table in (SCALED, ZONES))
    if not kind or not market:
        raise DataError(
            f"{request.path}: security type and market cannot be told from the folders",
            value=str(request.path),
            limit="equity or index / india or usa",
            fix="keep LEAN's folder layout",
        )
    request = replace(request, zone=ZONES[market])
    minute = _MINUTE.fullmatch(entry)
    if minute and minute["kind"] == "quote":
        return []
    bars = _minutes(text, request, int(minute["date"])) if minute else _daily(text, request)
    name = (request.path.parent.name if minute else stem(request.path)).upper()
    matrix = bars.matrix.copy()
    matrix[:4] /= SCALED[kind]
    return [replace(bars, instrument=name, matrix=matrix, label="start", notes=())]


def _entry(content: bytes, request: Request) -> tuple[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # A minute zip is named by its day, and may hold neighbouring days as well.
            files = {name: archive.read(name) for name in archive.namelist() if _of_day(name, request)}
    except (ValueError, OverflowError, RuntimeError) as problem:
        # zipfile's own answer to broken offsets, unknown methods and passwords.
        raise DataError(f"{request.path}: {problem}", value=str(request.path), fix="fetch or pack it again") from None
    if len(files) != 1:
        raise DataError(
            f"{request.path}: holds {len(files)} files of its day",
            value=len(files),
            limit=1,
            fix="give LEAN's trade or daily zip",
        )
    return files.popitem()


def _of_day(name: str, request: Request) -> bool:
    minute = _MINUTE.fullmatch(name)
    return minute is None or request.path.name.startswith(minute["date"])


def _minutes(text: bytes, request: Request, day: int) -> RawBars:
    table = table_of(text, request, names=COLUMNS)
    midnight = int(from_dates(np.array([day]))[0])
    milliseconds = to_numpy(pc.cast(table["time"], pa.int64()))
    local = midnight + milliseconds * MILLISECOND
    stamped = table.set_column(0, "timestamp", from_numpy(to_utc(local, request.zone)).cast(pa.timestamp("ns", "UTC")))
    return replace(bars_of(stamped, request)[0], span=MINUTE)


def _daily(text: bytes, request: Request) -> RawBars:
    table = table_of(text, request, names=COLUMNS)
    return replace(bars_of(table.rename_columns(["date", *COLUMNS[1:]]), request)[0], span=DAY)
