"""Rates of currencies from a CSV file: `date,currency,rate`, what one unit of a currency is worth in the account's.

A date's rate is in force from its first instant in the run's zone; an instant with an offset says when a rate became
known. Rates are exact decimals of at most eight places.
"""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tradsys.core.errors import ConfigError, DataError, MissingData
from tradsys.core.rates import RateSet
from tradsys.core.units import SECOND, from_text

COLUMNS = ("date", "currency", "rate")


def read_rates(path: Path, *, zone: str) -> list[RateSet]:
    """Rates of a file, oldest first. Raises `MissingData` for no file, `DataError` naming file, line and value."""
    if not path.is_file():
        raise MissingData(f"no rates at {path}", value=str(path), fix="check data.rates")
    found: dict[tuple[int, str], RateSet] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise DataError(
                f"{path}: columns of rates", value=",".join(reader.fieldnames or ()), limit=",".join(COLUMNS)
            )
        for line in reader:
            each = _rate(line, f"{path}, line {reader.line_num}", zone)
            if (each.at, each.currency) in found:
                raise DataError(
                    f"{path}, line {reader.line_num}: a second rate of {each.currency} for one instant",
                    value=line["date"],
                    fix="keep one of them",
                )
            found[each.at, each.currency] = each
    return sorted(found.values(), key=lambda each: (each.at, each.currency))


def _rate(line: dict[str, str | None], where: str, zone: str) -> RateSet:
    text, currency = ((line.get(name) or "").strip() for name in ("rate", "currency"))
    if not currency:
        raise DataError(f"{where}: no currency", value="", fix="write its code, such as USD")
    try:
        rate = from_text(text)
    except ConfigError as error:
        raise DataError(f"{where}: {error.message}", value=text, limit=str(error.limit or ""), fix=error.fix) from None
    if rate <= 0:
        raise DataError(f"{where}: a rate must be positive", value=text, limit="> 0")
    return RateSet(at=_instant((line.get("date") or "").strip(), where, zone), currency=currency, rate=rate)


def _instant(text: str, where: str, zone: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: not a date", value=text, fix="write YYYY-MM-DD") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp()) * SECOND
