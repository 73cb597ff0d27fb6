"""Arrow columns to numpy and back through their buffers.

pyarrow's own conversions import pandas where it is installed, which costs every start of a backtest a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def to_numpy(column: Any) -> NDArray[Any]:
    """A column of bools or numbers without nulls (fill them first) as an array; may share memory and be read-only."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.null_count:
        raise ValueError(f"{array.null_count} nulls")
    if pa.types.is_boolean(array.type):
        return to_numpy(pc.cast(array, pa.uint8())).astype(bool)
    kind = np.dtype(str(array.type).replace("double", "float64").replace("float64", "f8"))
    if not len(array):
        return np.empty(0, kind)
    return np.frombuffer(array.buffers()[1], kind, count=len(array), offset=array.offset * kind.itemsize)


def from_numpy(values: NDArray[np.float64] | NDArray[np.int64]) -> Any:
    """An array of int64 or float64 as an Arrow array that shares its memory."""
    kind = pa.int64() if values.dtype == np.int64 else pa.float64()
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
