"""Every dated row has a source and a key that does not overlap another; look-ups outside are refused."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from tradsys.core.errors import UncoveredDate
from tradsys.reference.dated import DATA, DatedTable, chained, read_table

TABLES: dict[str, tuple[str, ...]] = {
    "charges": ("plan", "exchange", "segment", "item", "side"),
    "hours": ("exchange", "segment", "item"),
    "square_off": ("segment", "item"),
    "expiry": ("exchange", "contract"),
    "ticks": ("exchange", "contract"),
    "lots": ("underlying",),
    "price_bands": ("kind",),
    "margins": ("segment", "product", "underlying"),
    "margin_parameters": ("segment", "kind", "item"),
    "perpetual_tiers": ("venue", "symbol", "tier"),
    "venues": ("exchange",),
    "phases": ("exchange", "kind", "step"),
    "reference_windows": ("exchange", "kind", "item"),
    "market_bands": ("kind",),
    "band_flexing": ("kind",),
    "circuit_breakers": ("market", "percent", "time_from"),
    "volatility_halts": ("exchange", "percent"),
    "freeze_quantities": ("exchange", "underlying"),
    "limit_protection": ("exchange", "contract"),
    "market_protection": ("broker", "segment", "below"),
    "display_minimums": ("exchange", "segment"),
    "settlement": ("exchange", "item"),
    "retention": ("records",),
    "order_to_trade": ("exchange", "segment", "item"),
    "income_tax": ("income", "item"),
    "sebi_rules": ("rule", "exchange", "segment", "item"),
    "self_assessment": ("regime", "article", "item"),
}
OTHER_FILES = {"sessions", "overlay", "corporate_actions", "stress_days"}


def table(name: str) -> DatedTable:
    return read_table(name, *TABLES[name])


def test_every_file_of_rows_is_checked_here() -> None:
    assert {path.stem for path in DATA.glob("*.csv")} == set(TABLES) | OTHER_FILES


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_in_order_without_overlap_or_gap(name: str) -> None:
    for key in table(name).all_keys():
        rows = table(name).history(*key)
        for earlier, later in pairwise(rows):
            assert earlier.effective_from < later.effective_from, key
            assert earlier.until == later.effective_from, key
        assert rows[-1].until == date.max, key


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_a_source_and_a_first_date(name: str) -> None:
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert lines
    for line in lines:
        assert len(line["source"]) > 10, line
        assert date.fromisoformat(line["effective_from"]) >= date(2005, 1, 1)
        assert None not in line, "a comma too many"


def test_overlay_rows_have_a_source_and_one_row_a_day() -> None:
    with (DATA / "overlay.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    days = Counter(
        (exchange, segment, line["date"])
        for line in lines
        for exchange in line["exchange"].split("|")
        for segment in line["segment"].split("|")
    )
    assert max(days.values()) == 1
    assert all(len(line["source"]) > 10 and line["kind"] in ("session", "closed") for line in lines)


def test_the_tariff_is_complete_on_every_day_it_covers() -> None:
    charges = table("charges")
    items = ("brokerage", "stt", "exchange", "ipft", "sebi", "gst", "stamp", "dp", "square_off")
    days = sorted({row.effective_from for row in charges if row.effective_from >= date(2024, 10, 1)})
    segments = {"NSE": ("delivery", "intraday", "future", "option"), "CDS": ("future", "option")}
    for exchange, names in (segments | {"BSE": segments["NSE"], "MCX": segments["CDS"]}).items():
        for segment in names:
            for side in ("buy", "sell"):
                for item in items:
                    for day in days:
                        assert charges.on(day, "zerodha", exchange, segment, item, side).source


def test_look_up_by_date() -> None:
    key = ("zerodha", "NSE", "future", "stt", "sell")
    first = date(2026, 4, 1)
    assert table("charges").on(first, *key).value == "0.05"
    assert table("charges").on(first - timedelta(days=1), *key).value == "0.02"


def test_dates_and_keys_without_a_row_are_refused() -> None:
    with pytest.raises(UncoveredDate, match="zerodha NSE future stt sell on 2020-01-01: covered from 2023-04-01"):
        table("charges").on(date(2020, 1, 1), "zerodha", "NSE", "future", "stt", "sell")
    with pytest.raises(UncoveredDate, match="no row at any date"):
        table("charges").on(date(2026, 1, 1), "nobody")


def test_a_blank_end_runs_to_the_next_row_and_a_given_one_ends_there() -> None:
    cells = [("2020-01-01", "2020-06-01"), ("2021-01-01", ""), ("2022-01-01", "")]
    lines = [
        (("k",), {"effective_from": start, "effective_to": end, "value": start, "source": "test"})
        for start, end in cells
    ]
    rows = DatedTable("test", chained(lines))
    assert rows.on(date(2020, 5, 31), "k").value == "2020-01-01"
    assert rows.on(date(2021, 12, 31), "k").value == "2021-01-01"
    assert rows.on(date(2030, 1, 1), "k").value == "2022-01-01"
    for gap in (date(2020, 6, 1), date(2020, 12, 31), date(2019, 12, 31)):
        with pytest.raises(UncoveredDate):
            rows.on(gap, "k")
