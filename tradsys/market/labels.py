"""Whether a bar's time is its start or its end: decided here, and nowhere else."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.units import DAY
from tradsys.market.intervals import interval_of
from tradsys.market.sessions import SessionCalendar, session_table
from tradsys.reference.clock import Int64s, to_local, to_utc

Label = Literal["start", "end"]
LABELS: tuple[Label, ...] = ("start", "end")


def label_of(text: str) -> Label:
    """`start` or `end`. Raises `ConfigError` for anything else."""
    for label in LABELS:
        if text == label:
            return label
    raise ConfigError(
        f"label {text!r} is neither start nor end", value=text, limit="start, end", fix="use start or end"
    )


def known_at(labels: Int64s, *, span: int, label: Label | None, calendar: SessionCalendar | None, zone: str) -> Int64s:
    """UTC nanoseconds at which each bar is known, from the times it is labelled with.

    A start label adds the span, but not beyond the session's close (an hour that starts at 15:15 ends at 15:30). A
    daily label is a date: known at that session's close, or at the day's end where there is no calendar or session.
    """
    if not len(labels):
        return labels
    if span == DAY:
        return _daily(labels, calendar=calendar, zone=zone)
    if label is None:
        raise ConfigError("label is needed", limit="start, end", fix="give label = start or end")
    if label == "end":
        return labels
    ends = labels + span
    if calendar is None:
        return ends
    table = session_table(calendar, labels)
    index = table.index_of_start(labels)
    return np.where(index >= 0, np.minimum(ends, table.closes[np.maximum(index, 0)]), ends) if len(table) else ends


def _daily(labels: Int64s, *, calendar: SessionCalendar | None, zone: str) -> Int64s:
    days = to_local(labels, zone) // DAY
    ends = to_utc((days + 1) * DAY, zone)
    if calendar is None:
        return ends
    table = session_table(calendar, labels)
    index = table.index_of_date(days)
    return np.where(index >= 0, table.closes[np.maximum(index, 0)], ends) if len(table) else ends


def label_evidence(labels: Int64s, calendar: SessionCalendar) -> Label | None:
    """What bars of part of a day say about their own labels, or None where they do not decide.

    Bars at sessions' opens and none at their closes are labelled by start; the other way round by end. Stray bars at
    the other edge of fewer than a tenth as many sessions do not overturn it.
    """
    if not len(labels):
        return None
    table = session_table(calendar, labels)
    ordered = np.sort(labels)
    at_open, at_close = _hits(table.opens, ordered), _hits(table.closes, ordered)
    if max(at_open, at_close) == 0 or min(at_open, at_close) * 10 > max(at_open, at_close):
        return None
    return "start" if at_open > at_close else "end"


def _hits(instants: Int64s, ordered: Int64s) -> int:
    # Not np.isin: its hash table takes seconds for a million whole minutes.
    places = np.minimum(np.searchsorted(ordered, instants), len(ordered) - 1)
    return int(np.count_nonzero(ordered[places] == instants))


def common_step(labels: Int64s) -> int:
    """The most frequent positive distance between neighbours once sorted, nanoseconds; 0 for fewer than two times."""
    steps = np.diff(np.sort(labels))
    steps = steps[steps > 0]
    if not steps.size:
        return 0
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def require_span(labels: Int64s, span: int, *, source: str) -> None:
    """Raises `DataError` where most bars are closer together than `span`: the interval given is not the file's."""
    steps = np.diff(labels)
    closer = int(np.count_nonzero((steps > 0) & (steps < span)))
    if closer * 2 > max(int(np.count_nonzero(steps > 0)), 1):
        step = common_step(labels)
        raise DataError(
            f"{source}: bars are {step / 1e9:g} s apart, but interval says {interval_of(span)}",
            value=step,
            limit=span,
            fix="give the file's own interval, and make others with `tradsys data resample`",
        )


def contradiction(labels: Int64s, *, label: Label, calendar: SessionCalendar) -> str | None:
    """Why the label cannot be right, in words, or None. A label one bar too early is a bar of look-ahead."""
    evidence = label_evidence(labels, calendar)
    if evidence is None or evidence == label:
        return None
    edge = "opens and none at their closes" if evidence == "start" else "closes and none at their opens"
    return f"bars stand at the sessions' {edge}: they are labelled by their {evidence}, not by their {label}"
