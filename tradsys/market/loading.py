"""Files of any known shape, to bars fit to trade on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tradsys.core.errors import ConfigError, DataError, MissingData, UnknownName
from tradsys.core.units import DAY
from tradsys.market import files, partitions
from tradsys.market.files import Paths
from tradsys.market.intervals import interval_of, span_of
from tradsys.market.labels import Label, contradiction, known_at, label_of, require_span
from tradsys.market.readers import format_of
from tradsys.market.readers.raw import Format, RawBars, Request, join
from tradsys.market.series import BarSeries
from tradsys.market.sessions import SessionCalendar

EXCHANGE_ZONE = "Asia/Kolkata"
"""Zone of times written without offset, unless a format or the user says otherwise."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """One instrument's raw bars with where they came from."""

    bars: RawBars
    path: Path
    sha256: str


def read_raw(
    path: Paths,
    *,
    format: str,
    timezone: str | None = None,
    date_order: str | None = None,
    instruments: Sequence[str] | None = None,
    interval: str | None = None,
) -> dict[str, RawFile]:
    """Bars of each instrument as the files have them, several files of one instrument joined in order of name.

    In a folder of the store, `interval` and `instruments` choose the partitions to read.
    Raises `DataError` for what cannot be read at all; order, values and labels are not looked at.
    """
    shape = format_of(format)
    zone = timezone or shape.zone or EXCHANGE_ZONE
    wanted = frozenset(instruments) if instruments is not None else None
    parts: dict[str, list[RawFile]] = {}
    for file in files.find(path, suffixes=shape.suffixes):
        if not partitions.wanted(file, interval=interval, instruments=instruments):
            continue
        content = files.read(file)
        request = Request(path=file, zone=zone, date_order=date_order, wanted=wanted)
        for bars in _parsed(shape, content.content, request):
            parts.setdefault(bars.instrument, []).append(RawFile(bars, file, content.sha256))
    return {name: _joined(group) for name, group in parts.items()}


def _parsed(shape: Format, content: bytes, request: Request) -> list[RawBars]:
    try:
        return shape.parse(content, request)
    except DataError as problem:
        if str(request.path) in problem.message:
            raise
        raise type(problem)(
            f"{request.path}: {problem.message}", value=problem.value, limit=problem.limit, fix=problem.fix
        ) from None


def _joined(group: list[RawFile]) -> RawFile:
    if len(group) == 1:
        return group[0]
    digest = files.joint_sha256([part.sha256 for part in group])
    return RawFile(join(part.bars for part in group), group[0].path.parent, digest)


def load(
    path: Paths,
    *,
    format: str,
    interval: str | None = None,
    label: str | None = None,
    timezone: str | None = None,
    instrument: str | None = None,
    calendar: SessionCalendar | None = None,
    date_order: str | None = None,
) -> BarSeries:
    """Bars of one instrument; `instrument` names them, or chooses among several in the files.

    Raises as `load_many` does.
    """
    raw = read_raw(path, format=format, timezone=timezone, date_order=date_order, interval=interval)
    if len(raw) > 1 and instrument is None:
        raise ConfigError(
            f"{path} holds {len(raw)} instruments",
            value=", ".join(sorted(raw)[:10]),
            limit=1,
            fix="name one, or load them all with load_many",
        )
    chosen = _chosen(raw, None if len(raw) == 1 or instrument is None else [instrument], path)
    series = series_of(next(iter(chosen.values())), interval=interval, label=label, calendar=calendar)
    return replace(series, instrument=instrument) if instrument else series


def load_many(
    path: Paths,
    *,
    format: str,
    interval: str | None = None,
    label: str | None = None,
    timezone: str | None = None,
    instruments: Sequence[str] | None = None,
    calendar: SessionCalendar | None = None,
    date_order: str | None = None,
) -> dict[str, BarSeries]:
    """Bars of each instrument in a file, folder, glob pattern or list of them, by name, validated.

    `label` (`start` or `end`) is required for intraday bars unless the format proves it, and `interval` unless the
    format says it. `calendar` places daily bars at their session's close and ends an interval that a close cuts short.
    Raises `ConfigError` for a missing or contradicted setting, `MissingData` for what is not there, `UnknownName` for
    an instrument the files do not have, `DataError` for malformed, unsorted, duplicate or impossible bars.
    """
    raw = read_raw(
        path, format=format, timezone=timezone, date_order=date_order, instruments=instruments, interval=interval
    )
    if instruments is not None and not raw.keys() >= set(instruments):
        raw = read_raw(path, format=format, timezone=timezone, date_order=date_order, interval=interval)
    chosen = _chosen(raw, instruments, path)
    return {name: series_of(one, interval=interval, label=label, calendar=calendar) for name, one in chosen.items()}


def _chosen(raw: dict[str, RawFile], names: Sequence[str] | None, path: Paths) -> dict[str, RawFile]:
    if names is None and not raw:
        raise MissingData(f"{path} holds no bars", value=str(path), fix="check [data] path and format")
    for name in names or ():
        if name not in raw:
            raise UnknownName("instrument", name, raw, where=str(path))
    return {name: raw[name] for name in (sorted(raw) if names is None else names)}


def series_of(raw: RawFile, *, interval: str | None, label: str | None, calendar: SessionCalendar | None) -> BarSeries:
    """Validated bars of what a reader gave."""
    span = span_for(raw, interval)
    side = label_for(raw, label, span=span)
    series = assemble(raw, span=span, label=side, calendar=calendar).validate()
    refuse_mixed(raw)
    require_span(raw.bars.labels, span, source=str(raw.path))
    if calendar is not None and side is not None and span < DAY:
        refuse_contradiction(raw, side, calendar)
    return series


def assemble(raw: RawFile, *, span: int, label: Label | None, calendar: SessionCalendar | None) -> BarSeries:
    """Bars with the time each is known, in file order, not validated."""
    bars = raw.bars
    at = bars.labels
    if not bars.exact:
        at = known_at(bars.labels, span=span, label=label, calendar=calendar, zone=bars.zone)
    matrix = np.require(bars.matrix, np.float64, ["C", "W"])
    return BarSeries(bars.instrument, span, at, at, matrix, raw.path, raw.sha256, bars.notes)


def span_for(raw: RawFile, interval: str | None) -> int:
    """Span given or proven, nanoseconds. Raises `ConfigError` if neither, or if they differ."""
    proven = raw.bars.span
    given = span_of(interval) if interval else proven
    if given is None:
        raise ConfigError(f"{raw.path}: interval is needed", limit="1m, 5m, 1h, 1d …", fix="give [data] interval")
    if proven is not None and given != proven:
        raise ConfigError(
            f"{raw.path} holds {interval_of(proven)} bars, not {interval_of(given)}",
            value=interval_of(given),
            limit=interval_of(proven),
            fix="make other intervals with `tradsys data resample`",
        )
    return given


def label_for(raw: RawFile, label: str | None, *, span: int) -> Label | None:
    """Label given or proven; None for daily bars. Raises `ConfigError` if neither, or if they differ."""
    proven, given = raw.bars.label, label_of(label) if label else None
    if span == DAY:
        return None
    if proven is None and given is None:
        raise ConfigError(
            f"{raw.path}: whether a bar's time is its start or its end is not known from the file",
            limit="start, end",
            fix='give [data] label = "start" or "end"; `tradsys data check` says which one the data look like',
        )
    if proven is not None and given is not None and proven != given:
        raise ConfigError(
            f"{raw.path}: this format labels bars by their {proven}",
            value=given,
            limit=proven,
            fix="remove [data] label",
        )
    return given or proven


def refuse_mixed(raw: RawFile) -> None:
    """Raises `DataError` where times stand in several zones: nobody can know which instants are meant."""
    mixed = raw.bars.mixed
    if mixed is not None and mixed.any():
        row = int(np.argmax(mixed))
        raise DataError(
            f"{raw.path}: {int(mixed.sum())} times stand in another zone than the rest, the first in row {row + 1}",
            value=int(mixed.sum()),
            limit="one zone in a column",
            fix="write all times with one offset, or with none",
        )


def refuse_contradiction(raw: RawFile, label: Label, calendar: SessionCalendar) -> None:
    """Raises `DataError` where the data show the other label than the one given."""
    why = contradiction(raw.bars.labels, label=label, calendar=calendar)
    if why:
        raise DataError(
            f"{raw.path}: {why}",
            value=label,
            limit="end" if label == "start" else "start",
            fix="correct [data] label; a bar placed one interval too early is look-ahead",
        )
