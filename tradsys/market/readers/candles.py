"""Candles as JSON lists: what Kite's historical endpoint answers, and ccxt's `fetch_ohlcv`. Labelled by their start."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from tradsys.core.errors import DataError
from tradsys.market import time_texts
from tradsys.market.readers.raw import RawBars, Request, stem
from tradsys.market.times import from_epoch


class _KiteData(msgspec.Struct):
    candles: list[list[Any]]


class _KiteAnswer(msgspec.Struct):
    data: _KiteData


def kite(content: bytes, request: Request) -> list[RawBars]:
    """`{"data": {"candles": [["2017-12-15T09:15:00+0530", o, h, l, c, v(, oi)]]}}`; the file names it."""
    rows = _decoded(content, _KiteAnswer, request, "Kite's candles").data.candles
    matrix = _matrix(rows, request)
    texts = [row[0] for row in rows]
    if not all(isinstance(text, str) for text in texts):
        raise DataError(
            f"{request.path}: candles without text times",
            limit="2017-12-15T09:15:00+0530",
            fix="give Kite's own answer",
        )
    times = time_texts.parse(texts, zone=request.zone)
    name = stem(request.path)
    return [
        RawBars(instrument=name, labels=times.at, matrix=matrix, zone=request.zone, label="start", mixed=times.mixed)
    ]


def ccxt(content: bytes, request: Request) -> list[RawBars]:
    """`[[milliseconds, o, h, l, c, v], …]`; the instrument is named by the file."""
    rows = _decoded(content, list[list[Any]], request, "ccxt's lists")
    matrix = _matrix(rows, request)
    if not all(type(row[0]) is int and 0 <= row[0] < 2**53 for row in rows):
        raise DataError(
            f"{request.path}: candles without integer times",
            limit="milliseconds since 1970",
            fix="give ccxt's own lists",
        )
    labels = from_epoch(np.array([row[0] for row in rows], dtype=np.int64))
    return [RawBars(instrument=stem(request.path), labels=labels, matrix=matrix, zone=request.zone, label="start")]


def _decoded(content: bytes, shape: Any, request: Request, what: str) -> Any:
    try:
        return msgspec.json.decode(content, type=shape)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise DataError(
            f"{request.path}: not {what}: {problem}", value=str(request.path), fix="check the file"
        ) from None


def _matrix(rows: list[list[Any]], request: Request) -> np.ndarray[Any, np.dtype[np.float64]]:
    for number, row in enumerate(rows, 1):
        if len(row) < 6 or not all(type(value) in (int, float) for value in row[1:6]):
            raise DataError(
                f"{request.path}: row {number} has not time, open, high, low, close, volume",
                value=str(row)[:80],
                fix="correct or remove the row",
            )
    return np.ascontiguousarray(np.array([row[1:6] for row in rows], dtype=np.float64).reshape(-1, 5).T)
