"""What is wrong with bars as a file has them: findings, never corrections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import MissingData
from tradsys.core.units import DAY, MINUTE
from tradsys.market.intervals import interval_of, span_of
from tradsys.market.labels import Label, common_step, contradiction, known_at, label_evidence
from tradsys.market.loading import RawFile
from tradsys.market.series import CLOSE, HIGH, LOW, OPEN, VOLUME
from tradsys.market.sessions import SessionCalendar, SessionTable, session_table
from tradsys.reference.clock import Int64s, iso, to_local

KINDS = (
    "duplicate",
    "gap",
    "cut_day",
    "outlier",
    "zero_volume",
    "unsorted",
    "mixed_zone",
    "outside_session",
    "split_suspect",
)
CUT = 30 * MINUTE
"""A day is cut when trading time of at least this (or one bar) is missing at its start or end, or when it has holes
and holds less than half of what the instrument's days usually hold."""
SPIKE = {"intraday": 0.10, "daily": 0.30}
"""A bar is an outlier when it leaves both neighbours by more than this fraction and comes back."""
RATIOS = tuple(
    new / old for new, old in ((1, 2), (1, 3), (1, 4), (1, 5), (1, 10), (2, 3), (2, 5), (3, 2), (2, 1), (5, 1), (10, 1))
)
"""Price ratios that splits, bonuses and consolidations leave overnight."""
NEAR = 0.04
"""Distance from such a ratio, as a fraction, that still counts."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Finding:
    """`count` rows (bars, or sessions for a gap of whole sessions) of one kind between two instants, both included."""

    kind: str
    instrument: str
    first: int
    last: int
    count: int

    def as_dict(self, zone: str) -> dict[str, object]:
        """With times in ISO-8601 of a zone, under the names that the command line promises."""
        return {
            "kind": self.kind,
            "instrument": self.instrument,
            "from": iso(self.first, zone),
            "to": iso(self.last, zone),
            "count": self.count,
        }


@dataclass(slots=True)
class Report:
    """Findings over all instruments, with what was looked at."""

    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    sessions: int = 0
    instruments: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    zone: str = "Asia/Kolkata"

    def as_dict(self) -> dict[str, object]:
        """The object that `tradsys data check --json` prints."""
        return {
            "findings": [finding.as_dict(self.zone) for finding in self.findings],
            "rows": self.rows,
            "sessions": self.sessions,
            "instruments": self.instruments,
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """One instrument's rows in file order; `order` sorts them, `session` is each row's stretch of trading or -1."""

    instrument: str
    span: int
    at: Int64s
    order: Int64s
    matrix: NDArray[np.float64]
    mixed: Mask
    days: Int64s
    table: SessionTable | None
    session: Int64s

    def finding(self, kind: str, rows: Mask) -> Iterator[Finding]:
        if rows.any():
            times = self.at[rows]
            yield Finding(kind, self.instrument, int(times.min()), int(times.max()), int(rows.sum()))


def check(
    files: Iterable[RawFile],
    *,
    calendar: SessionCalendar | None,
    interval: str | None = None,
    label: Label | None = None,
) -> Report:
    """Findings in the rows of each instrument, by kind and time.

    Without `calendar`, sessions are dates and nothing is a gap, cut or outside. Interval and label fall back on what
    the format proves, then on what the data show; the notes say which, and where the data
    contradict a label. Raises `MissingData` for an instrument without rows.
    """
    report, days = Report(), set[int]()
    for raw in files:
        subject, notes = _subject(raw, calendar=calendar, interval=interval, label=label)
        report.rows += len(subject.at)
        report.instruments.append(subject.instrument)
        report.findings += _findings(subject)
        report.notes += [f"{subject.instrument}: {note}" for note in notes]
        report.zone = raw.bars.zone
        days.update(np.unique(_session_days(subject)).tolist())
    report.sessions = len(days)
    return report


def _session_days(subject: _Subject) -> Int64s:
    if subject.table is None:
        return subject.days
    inside = subject.session >= 0
    return subject.table.dates[subject.session[inside]]


def _subject(
    raw: RawFile, *, calendar: SessionCalendar | None, interval: str | None, label: Label | None
) -> tuple[_Subject, list[str]]:
    bars, notes = raw.bars, list(raw.bars.notes)
    if not len(bars):
        raise MissingData(f"{raw.path} has no bars", value=str(raw.path), fix="check the file")
    span = bars.span or (span_of(interval) if interval else 0)
    if not span:
        span = min(common_step(bars.labels), DAY) or DAY
        notes.append(f"interval not given: bars are {interval_of(span)} apart")
    side = bars.label or label
    if span < DAY and side is None:
        side = (label_evidence(bars.labels, calendar) if calendar else None) or "start"
        notes.append(f"label not given: taken as {side}")
    elif span < DAY and side is not None and calendar is not None:
        wrong = contradiction(bars.labels, label=side, calendar=calendar)
        notes += [wrong] if wrong else []
    at = bars.labels
    if not bars.exact:
        at = known_at(at, span=span, label=side, calendar=calendar, zone=bars.zone)
    table = session_table(calendar, at) if calendar is not None and len(at) else None
    session = table.index_of_end(at) if table is not None else np.full(len(at), -1, dtype=np.int64)
    mixed = bars.mixed if bars.mixed is not None else np.zeros(len(at), dtype=bool)
    days = to_local(at - 1, bars.zone) // DAY
    order = np.argsort(at, kind="stable")
    return _Subject(bars.instrument, span, at, order, bars.matrix, mixed, days, table, session), notes


def _findings(subject: _Subject) -> Iterator[Finding]:
    yield from _order_and_zone(subject)
    yield from _values(subject)
    yield from _spikes(subject)
    yield from _splits(subject)
    if subject.table is not None:
        yield from subject.finding("outside_session", subject.session < 0)
        yield from _missing_sessions(subject, subject.table)
        if subject.span < DAY:
            yield from _missing_bars(subject, subject.table)


def _order_and_zone(subject: _Subject) -> Iterator[Finding]:
    at, ordered = subject.at, subject.at[subject.order]
    repeated = np.zeros(len(at), dtype=bool)
    repeated[subject.order[1:]] = ordered[1:] == ordered[:-1]
    yield from subject.finding("duplicate", repeated)
    yield from subject.finding("unsorted", np.diff(at, prepend=at[0]) < 0)
    yield from subject.finding("mixed_zone", subject.mixed)


def impossible(matrix: NDArray[np.float64]) -> Mask:
    """bool[n]: rows with NaN, infinity, a price not above zero, a negative volume, or prices outside low … high."""
    low, high = matrix[LOW], matrix[HIGH]
    body_low, body_high = np.minimum(matrix[OPEN], matrix[CLOSE]), np.maximum(matrix[OPEN], matrix[CLOSE])
    good: Mask = np.isfinite(matrix).all(axis=0) & (low > 0) & (matrix[VOLUME] >= 0)
    bad: Mask = ~(good & (low <= body_low) & (body_high <= high))
    return bad


def _values(subject: _Subject) -> Iterator[Finding]:
    yield from subject.finding("outlier", impossible(subject.matrix))
    volume = subject.matrix[VOLUME]
    if volume.any():
        yield from subject.finding("zero_volume", volume == 0)


def _spikes(subject: _Subject) -> Iterator[Finding]:
    threshold = SPIKE["daily" if subject.span == DAY else "intraday"]
    rows = subject.order[~impossible(subject.matrix)[subject.order]]
    if len(rows) < 3:
        return
    close, high, low = (subject.matrix[column, rows] for column in (CLOSE, HIGH, LOW))
    upper = np.maximum(close[:-2], close[2:]) * (1 + threshold)
    lower = np.minimum(close[:-2], close[2:]) * (1 - threshold)
    same = np.abs(np.log(close[2:] / close[:-2])) < threshold
    spike = same & ((high[1:-1] > upper) | (low[1:-1] < lower))
    mask = np.zeros(len(subject.at), dtype=bool)
    mask[rows[1:-1]] = spike
    yield from subject.finding("outlier", mask)


def _splits(subject: _Subject) -> Iterator[Finding]:
    rows = subject.order[~impossible(subject.matrix)[subject.order]]
    new_day = np.flatnonzero(np.diff(subject.days[rows]) > 0)
    before, after = rows[new_day], rows[new_day + 1]
    ratio = subject.matrix[OPEN, after] / subject.matrix[CLOSE, before]
    near = np.abs(ratio[:, None] / np.array(RATIOS) - 1).min(axis=1, initial=np.inf) < NEAR
    for old, new in zip(before[near], after[near], strict=True):
        yield Finding("split_suspect", subject.instrument, int(subject.at[old]), int(subject.at[new]), 1)


def _missing_sessions(subject: _Subject, table: SessionTable) -> Iterator[Finding]:
    present = np.unique(table.dates[subject.session[subject.session >= 0]])
    if not len(present):
        return
    every = np.unique(table.dates)
    every = every[(every >= present[0]) & (every <= present[-1])]
    missing = ~np.isin(every, present)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missing, [False])).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        opened = table.opens[np.searchsorted(table.dates, every[start])]
        closed = table.closes[np.searchsorted(table.dates, every[stop - 1], side="right") - 1]
        yield Finding("gap", subject.instrument, int(opened), int(closed), int(stop - start))


def _missing_bars(subject: _Subject, table: SessionTable) -> Iterator[Finding]:
    inside = subject.session >= 0
    order = np.lexsort((subject.at[inside], subject.session[inside]))
    at, session = subject.at[inside][order], subject.session[inside][order]
    starts = np.flatnonzero(np.diff(session, prepend=-1))
    stretches = session[starts]
    opens, closes = table.opens[stretches], table.closes[stretches]
    filled = np.diff(starts, append=len(at)) * subject.span / (closes - opens)
    sparse = filled < 0.5 * float(np.median(filled)) if len(filled) else filled < 0
    for number, part in enumerate(np.split(at, starts[1:]) if len(at) else []):
        bounds = int(opens[number]), int(closes[number])
        yield from _one_stretch(subject, part, *bounds, sparse=bool(sparse[number]))


def _one_stretch(subject: _Subject, at: Int64s, opened: int, closed: int, *, sparse: bool) -> Iterator[Finding]:
    span, name = subject.span, subject.instrument
    first, last = max(int(at[0]) - span, opened), int(at[-1])
    if first - opened >= max(CUT, span):
        yield Finding("cut_day", name, opened, first, (first - opened) // span)
    if closed - last >= max(CUT, span):
        yield Finding("cut_day", name, last, closed, -(-(closed - last) // span))
    steps = np.diff(at)
    # The last bar of a session may be shorter than the others, so only a whole missing span is a hole.
    holes = np.flatnonzero(steps >= 2 * span)
    if len(holes):
        missing = int((steps[holes] // span - 1).sum())
        kind = "cut_day" if sparse else "gap"
        yield Finding(kind, name, int(at[holes[0]]), int(at[holes[-1] + 1]) - span, missing)
