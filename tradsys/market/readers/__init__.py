"""Shapes of file that bars come in: one small module a shape, all giving `RawBars`."""

from __future__ import annotations

from importlib import import_module

from tradsys.core.errors import UnknownName
from tradsys.core.units import DAY, MINUTE
from tradsys.market.readers.raw import Format, Parser, RawBars, Request


def _parser(module: str, function: str = "parse") -> Parser:
    def parse(content: bytes, request: Request) -> list[RawBars]:
        parser: Parser = getattr(import_module(f"{__name__}.{module}"), function)
        return parser(content, request)

    return parse


FORMATS: dict[str, Format] = {
    "csv": Format(parse=_parser("delimited"), suffixes=(".csv", ".txt", ".csv.gz", ".txt.gz")),
    "parquet": Format(parse=_parser("parquet"), suffixes=(".parquet",)),
    "kite": Format(parse=_parser("candles", "kite"), suffixes=(".json", ".json.gz"), label="start"),
    "ccxt": Format(parse=_parser("candles", "ccxt"), suffixes=(".json", ".json.gz"), label="start", zone="UTC"),
    "freqtrade": Format(parse=_parser("freqtrade"), suffixes=(".feather",), label="start", zone="UTC"),
    "lean": Format(parse=_parser("lean"), suffixes=(".zip",), label="start"),
    "nse_1min_mit": Format(parse=_parser("nse_1min_mit"), suffixes=(".parquet",), label="end", span=MINUTE),
    "nse_bhavcopy": Format(parse=_parser("nse_bhavcopy"), suffixes=(".csv", ".csv.gz"), span=DAY),
    "nse_daily": Format(parse=_parser("nse_daily"), suffixes=(".csv", ".csv.gz"), span=DAY),
    "tradsys": Format(parse=_parser("native"), suffixes=(".parquet",), label="end", zone="UTC"),
}
"""Every shape by its name in `[data] format`."""


def format_of(name: str) -> Format:
    """A shape by name. Raises `UnknownName`."""
    if name not in FORMATS:
        raise UnknownName("data format", name, FORMATS)
    return FORMATS[name]
