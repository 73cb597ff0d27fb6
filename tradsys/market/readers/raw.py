"""What a reader gives: bars as the file has them, before order, label or calendar are considered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import DataError
from tradsys.market.labels import Label
from tradsys.reference.clock import Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a reader is told about a file.

    Attributes:
        path: where the bytes came from; some formats keep symbol and date in the name.
        zone: IANA zone of times written without offset.
        date_order: `dmy` or `mdy` where dates are ambiguous.
        wanted: names to keep; None keeps all.
    """

    path: Path
    zone: str
    date_order: str | None = None
    wanted: frozenset[str] | None = None

    def wants(self, instrument: str) -> bool:
        """Whether an instrument of a file that holds many is asked for."""
        return self.wanted is None or instrument in self.wanted


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RawBars:
    """Bars of one instrument in file order.

    `labels` int64[n] UTC nanoseconds as written; `matrix` float64[5, n] open, high, low, close, volume; `mixed` bool[n]
    marks rows whose time zone differs from the rest. `label` and `span` where the format proves them; `exact` where
    labels are the very times at which bars were known, daily ones too.
    """

    instrument: str
    labels: Int64s
    matrix: NDArray[np.float64]
    zone: str
    label: Label | None = None
    span: int | None = None
    exact: bool = False
    mixed: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


Parser = Callable[[bytes, Request], list[RawBars]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A shape of file: how its bytes become bars, and which facts the shape itself proves.

    `zone` is the default for times without offset; None means the market's (`Asia/Kolkata` unless told otherwise).
    """

    parse: Parser
    suffixes: tuple[str, ...]
    label: Label | None = None
    span: int | None = None
    zone: str | None = None


def join(parts: Iterable[RawBars]) -> RawBars:
    """Bars of one instrument from several files, one after the other."""
    bars = list(parts)
    if len(bars) == 1:
        return bars[0]
    head = bars[0]
    if len({(part.zone, part.label, part.span) for part in bars}) > 1:
        raise DataError(
            f"{head.instrument}: files of several kinds",
            value=", ".join(sorted({f"{part.zone} {part.label} {part.span}" for part in bars})),
            fix="load them apart",
        )
    mixed = [part.mixed if part.mixed is not None else np.zeros(len(part), bool) for part in bars]
    return RawBars(
        instrument=head.instrument,
        labels=np.concatenate([part.labels for part in bars]),
        matrix=np.concatenate([part.matrix for part in bars], axis=1),
        zone=head.zone,
        label=head.label,
        span=head.span,
        exact=head.exact,
        mixed=np.concatenate(mixed),
        notes=tuple(dict.fromkeys(note for part in bars for note in part.notes)),
    )


def stem(path: Path) -> str:
    """File name without any of its extensions."""
    return path.name.split(".", 1)[0]
