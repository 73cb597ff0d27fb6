"""Raw bars made fit to trade on, by rules one can read; every row dropped or moved is counted with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import ConfigError, MissingData
from tradsys.core.units import DAY
from tradsys.market import files
from tradsys.market.files import Paths
from tradsys.market.intervals import interval_of
from tradsys.market.loading import RawFile, assemble, label_for, read_raw, refuse_contradiction, refuse_mixed, span_for
from tradsys.market.quality import impossible
from tradsys.market.series import BarSeries
from tradsys.market.sessions import SessionCalendar, session_table
from tradsys.market.store import Store
from tradsys.reference.clock import Int64s, iso

Keep = Literal["first", "last"]
KEEP: tuple[Keep, ...] = ("first", "last")
Mask = NDArray[np.bool_]


def keep_of(text: str) -> Keep:
    """`first` or `last`. Raises `ConfigError` for anything else."""
    for rule in KEEP:
        if text == rule:
            return rule
    raise ConfigError("unknown rule for conflicting rows", value=text, limit="first, last", fix="use first or last")


@dataclass(frozen=True, slots=True)
class Repair:
    """`count` rows treated alike, between two instants (UTC nanoseconds): `action` says how, `reason` why."""

    action: Literal["dropped", "sorted"]
    reason: str
    count: int
    first: int
    last: int

    def as_dict(self, zone: str = "Asia/Kolkata") -> dict[str, object]:
        """With times in ISO-8601 of a zone."""
        return {
            "action": self.action,
            "reason": self.reason,
            "count": self.count,
            "from": iso(self.first, zone),
            "to": iso(self.last, zone),
        }


@dataclass(frozen=True, slots=True)
class Imported:
    """One instrument's way from file to store: rows read and kept, what was repaired, digests of both ends."""

    instrument: str
    interval: str
    rows_read: int
    rows_kept: int
    repairs: tuple[Repair, ...]
    notes: tuple[str, ...]
    source: str
    source_sha256: str
    stored: tuple[str, ...]
    stored_sha256: str

    def as_dict(self) -> dict[str, object]:
        """For `tradsys data import --json`."""
        names = ("instrument", "interval", "rows_read", "rows_kept", "source", "source_sha256", "stored_sha256")
        return {name: getattr(self, name) for name in names} | {
            "repairs": [repair.as_dict() for repair in self.repairs],
            "notes": list(self.notes),
            "stored": list(self.stored),
        }


@dataclass(slots=True)
class _Cleaning:
    """Rows still kept, in file order, and what has been said about the others."""

    series: BarSeries
    rows: Int64s
    repairs: list[Repair] = field(default_factory=list)

    def note(self, action: Literal["dropped", "sorted"], reason: str, rows: Int64s) -> None:
        if len(rows):
            at = self.series.at[rows]
            self.repairs.append(Repair(action, reason, len(rows), int(at.min()), int(at.max())))

    def drop(self, wrong: Mask, reason: str) -> None:
        self.note("dropped", reason, self.rows[wrong])
        self.rows = self.rows[~wrong]


def clean(
    raw: RawFile,
    *,
    calendar: SessionCalendar | None,
    interval: str | None = None,
    label: str | None = None,
    keep: Keep = "last",
) -> tuple[BarSeries, tuple[Repair, ...]]:
    """A validated series of the rows that can be used, and what was done to the others.

    In this order: rows with impossible values are dropped; rows outside the calendar's sessions are dropped; rows are
    sorted; of rows with the same time and the same values one is kept; of rows with the same time and different values
    the first or last in file order is kept (`keep`). Nothing is filled in. Raises `DataError` for mixed time zones
    and a contradicted label, `MissingData` when no row is left.
    """
    refuse_mixed(raw)
    span = span_for(raw, interval)
    side = label_for(raw, label, span=span)
    if calendar is not None and side is not None and span < DAY:
        refuse_contradiction(raw, side, calendar)
    series = assemble(raw, span=span, label=side, calendar=calendar)
    work = _Cleaning(series, np.arange(len(series), dtype=np.int64))
    work.drop(impossible(series.matrix), "not a number, not above zero, or open or close outside low … high")
    if calendar is not None and len(work.rows):
        work.drop(_outside(work, calendar), "outside the sessions of the exchange")
    _sort(work)
    _drop_repeated(work, keep)
    if not len(work.rows):
        raise MissingData(
            f"{raw.path}: no usable bar of {series.instrument}", value=len(series), limit="at least 1 row"
        )
    at = np.ascontiguousarray(series.at[work.rows])
    kept = replace(series, at=at, exchange_at=at, matrix=np.ascontiguousarray(series.matrix[:, work.rows]))
    return kept.validate(), tuple(work.repairs)


def _outside(work: _Cleaning, calendar: SessionCalendar) -> Mask:
    at = work.series.at[work.rows]
    outside: Mask = session_table(calendar, at).index_of_end(at) < 0
    return outside


def _sort(work: _Cleaning) -> None:
    at = work.series.at[work.rows]
    behind = np.flatnonzero(at < np.maximum.accumulate(at)) if len(at) else np.empty(0, np.int64)
    work.note("sorted", "stood after a later time", work.rows[behind])
    work.rows = work.rows[np.argsort(at, kind="stable")]


def _drop_repeated(work: _Cleaning, keep: Keep) -> None:
    at, matrix = work.series.at[work.rows], work.series.matrix[:, work.rows]
    again = np.zeros(len(at), dtype=bool)
    again[1:] = (at[1:] == at[:-1]) & (matrix[:, 1:] == matrix[:, :-1]).all(axis=0)
    work.drop(again, "same time and same values as the row before")
    at = work.series.at[work.rows]
    conflict = np.zeros(len(at), dtype=bool)
    if keep == "first":
        conflict[1:] = at[1:] == at[:-1]
    else:
        conflict[:-1] = at[1:] == at[:-1]
    work.drop(conflict, f"same time as another row but other values; the {keep} in the file is kept")


def import_files(
    path: Paths,
    *,
    format: str,
    store: Store,
    calendar: SessionCalendar | None,
    interval: str | None = None,
    label: str | None = None,
    timezone: str | None = None,
    date_order: str | None = None,
    keep: Keep = "last",
    progress: Callable[[str], None] = lambda instrument: None,
) -> list[Imported]:
    """Clean every instrument in the files and write it to the store; all are cleaned before the first is written."""
    raw = read_raw(path, format=format, timezone=timezone, date_order=date_order)
    if not raw:
        raise MissingData(f"{path} holds no bars", value=str(path), fix="check the path and the format")
    cleaned = [clean(one, calendar=calendar, interval=interval, label=label, keep=keep) for one in raw.values()]
    results = []
    for (series, repairs), one in zip(cleaned, raw.values(), strict=True):
        stored = store.write(series)
        digests = [files.read(each).sha256 for each in stored]
        results.append(_imported(series, repairs, one, [str(each) for each in stored], files.joint_sha256(digests)))
        progress(series.instrument)
    return results


def _imported(
    series: BarSeries, repairs: tuple[Repair, ...], raw: RawFile, stored: list[str], stored_sha256: str
) -> Imported:
    return Imported(
        instrument=series.instrument,
        interval=interval_of(series.span),
        rows_read=len(raw.bars),
        rows_kept=len(series),
        repairs=repairs,
        notes=series.notes,
        source=str(raw.path),
        source_sha256=raw.sha256,
        stored=tuple(stored),
        stored_sha256=stored_sha256,
    )
