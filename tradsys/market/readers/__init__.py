"""Shapes of file that bars come in: one small module a shape, all giving `RawBars`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.units import DAY, MINUTE
from tradsys.market import files, partitions
from tradsys.market.readers.damage import damage_refused
from tradsys.market.readers.raw import Format, Parser, RawBars, Request


def _parser(module: str, function: str = "parse") -> Parser:
    def parse(content: bytes, request: Request) -> list[RawBars]:
        parser: Parser = getattr(import_module(f"{__name__}.{module}"), function)
        with damage_refused(request.path):
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
    "tradsys": Format(parse=_parser("native"), suffixes=(".parquet",), label="end"),
}
"""Every shape by its name in `[data] format`."""


def format_of(name: str) -> Format:
    """A shape by name. Raises `UnknownName`."""
    if name not in FORMATS:
        raise UnknownName("data format", name, FORMATS)
    return FORMATS[name]


def recognise(path: str | Path) -> str:
    """The shape of files by name and first bytes. Raises `ConfigError` where that does not tell."""
    place = Path(path)
    candidates = sorted(place.rglob("*")) if place.is_dir() else files.find(path, suffixes=())
    # LEAN keeps factor and map files, which are CSV, beside its zips.
    for file in sorted((each for each in candidates if each.is_file()), key=lambda each: each.suffix != ".zip"):
        shape = _recognised(file)
        if shape:
            return shape
    raise ConfigError(f"{path}: unknown shape of file", value=str(path), limit=", ".join(FORMATS), fix="give --format")


def _recognised(file: Path) -> str | None:
    by_suffix = {".feather": "freqtrade", ".zip": "lean"}
    if file.suffix in by_suffix:
        return by_suffix[file.suffix]
    if file.suffix == ".parquet":
        is_sample = "_1min_" in file.name and file.parent.name == "nse_1min_mit"
        return "tradsys" if partitions.is_partition(file) else "nse_1min_mit" if is_sample else "parquet"
    if file.name.endswith(FORMATS["csv"].suffixes + FORMATS["kite"].suffixes):
        return _by_content(file, files.read(file).content[:4096].decode("utf-8-sig", errors="replace"))
    return None


def _by_content(file: Path, head: str) -> str | None:
    if file.name.endswith(FORMATS["kite"].suffixes):
        return "ccxt" if head.lstrip().startswith("[") else "kite"
    first = head.split("\n", 1)[0]
    if ("SERIES" in first and "TOTTRDQTY" in first) or "SctySrs" in first:
        return "nse_bhavcopy"
    return "nse_daily" if first.replace('"', "").replace(",", "").replace(".", "").strip().isdigit() else "csv"
