"""CSV (comma, semicolon or tab) with a header row and columns under any of their usual names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv as pc

from tradsys.core.errors import DataError
from tradsys.market.readers.raw import RawBars, Request
from tradsys.market.readers.table import SPELLINGS, bars_of, plain

_AS_TEXT = {spelling for role in ("moment", "date", "time", "symbol") for spelling in SPELLINGS[role]}


def parse(content: bytes, request: Request) -> list[RawBars]:
    """Bars of each instrument in the file."""
    return bars_of(table_of(content, request), request)


def table_of(content: bytes, request: Request, *, names: list[str] | None = None) -> pa.Table:
    """The table in CSV bytes, times and symbols as text. `names` are those of a file without header.

    Raises `DataError` for no rows, no header, or rows too short or too long (naming the row).
    """
    head = content[:65536].decode("utf-8-sig", errors="replace").split("\n", 1)[0].rstrip("\r")
    delimiter = max(",;\t", key=head.count)
    columns = names or [cell.strip('"') for cell in head.split(delimiter)]
    if not content.strip() or (names is None and all(_is_number(cell) for cell in columns)):
        raise DataError(f"{request.path}: no header row", value=head[:80], fix="put column names in the first row")
    return pc.read_csv(
        pa.BufferReader(content),
        read_options=pc.ReadOptions(column_names=names, use_threads=False),
        parse_options=pc.ParseOptions(delimiter=delimiter),
        convert_options=pc.ConvertOptions(
            column_types={name: pa.string() for name in columns if plain(name) in _AS_TEXT},
            strings_can_be_null=False,
        ),
    )


def _is_number(cell: str) -> bool:
    return cell.strip().replace(".", "", 1).replace("-", "").replace(":", "").isdigit()
