"""`python -m tests.surveillance`: found of planted, and false alarms, as the tables of docs/surveillance.md."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.surveillance.planted import planted_day
from tests.surveillance.recorded import bitcoin, chicago
from tradsys.compliance.surveillance.alerts import Alert, Pattern
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import Finding, surveil
from tradsys.engine.surveillance.sources import open_source

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "surveillance.md"
SHARED = Path(os.environ.get("TRADSYS_SHARED_DATA", ROOT.parent / "shared" / "data"))
SIZES = (0.5, 1.0, 2.0)
RECORDINGS = {
    "ESM4 (CME, 2 s)": "l3/cme_mbo/esm4_20240508_000000_000002.mbo.dbn.zst",
    "ESH4 (CME, pre-open and 83 min)": "l3/cme_mbo/esh4_20231225_records_00000_19999.csv.gz",
    "AAPL (LOBSTER, 998 messages)": "l3/lobster/AAPL_2012-06-21_first998_message_10.csv",
}


class Planted(NamedTuple):
    """What of a planted day was found, and the alerts against nobody who was planted."""

    size: float
    found: dict[str, bool]
    orders: int
    strangers: tuple[str, ...]


class Quiet(NamedTuple):
    """A day without abuse: orders of all and of the makers, and alerts by pattern and whom they accuse."""

    name: str
    orders: int
    of_makers: int
    alerts: tuple[tuple[str, str], ...]


def planted(task: tuple[int, float]) -> Planted:
    """One seed and size."""
    seed, size = task
    day = planted_day(seed, size=size)
    finding = day.surveil()
    behind = {account for plant in day.plants for account in plant.accounts}
    strangers = tuple(each.pattern for each in finding.alerts if not behind & set(each.accounts))
    found = {plant.pattern: plant.found(finding.alerts) for plant in day.plants}
    return Planted(size, {str(name): seen for name, seen in found.items()}, finding.orders, strangers)


def quiet(task: tuple[str, int]) -> Quiet:
    """One day without abuse: generated, or makers on a recording."""
    name, seed = task
    if name == "generated":
        return _quiet("generated hour", planted_day(seed, size=1.0, plant=False).surveil())
    if name == "chicago":
        return _quiet("makers on ESH4 (CME, order by order)", chicago(SHARED, seed=seed))
    if name == "bitcoin":
        return _quiet("makers on BTCUSDT (Binance depth and trades)", bitcoin(SHARED, seed=seed, lines=20_000))
    path, _, accounts = name.partition("|")
    source = open_source(SHARED / RECORDINGS[path], accounts=accounts, instrument="NSE:RECORDED")
    how = "strategic runs" if accounts == "runs" else f"split among {accounts} accounts"
    return _quiet(f"{path}, {how}", surveil(source.events, SurveillanceSettings(), whole=source.whole))


def _quiet(name: str, finding: Finding) -> Quiet:
    makers = sum(row.counted + row.exempt for row in finding.ratios if row.member.startswith("market_maker"))
    return Quiet(name, finding.orders, makers, tuple((each.pattern, _kind(each)) for each in finding.alerts))


def _kind(alert: Alert) -> str:
    """The kinds of participants that an alert accuses."""
    return ", ".join(dict.fromkeys(account.rpartition("-")[0] for account in alert.accounts))


def planted_table(days: Iterable[Planted]) -> Iterator[str]:
    """Markdown: found of planted, a row a pattern, a column a size."""
    rows = list(days)
    yield "| pattern | " + " | ".join(f"size {size:g}" for size in SIZES) + " |"
    yield "| --- |" + " --- |" * len(SIZES)
    for pattern in Pattern:
        cells = []
        for size in SIZES:
            seen = [day.found[pattern] for day in rows if day.size == size and pattern in day.found]
            cells.append(f"{sum(seen)}/{len(seen)}")
        yield f"| {pattern.replace('_', ' ')} | " + " | ".join(cells) + " |"


def quiet_table(days: Iterable[Quiet]) -> Iterator[str]:
    """Markdown: false alarms for 10,000 orders, a row a market."""
    by_name: dict[str, list[Quiet]] = {}
    for day in days:
        by_name.setdefault(day.name, []).append(day)
    yield "| market | days | orders | messages of makers | alerts | against makers | for 10,000 orders |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, found in by_name.items():
        orders, makers = sum(day.orders for day in found), sum(day.of_makers for day in found)
        alerts = [each for day in found for each in day.alerts]
        against = sum("market_maker" in kind for _, kind in alerts)
        said = Counter(f"{pattern.replace('_', ' ')} ({kind.replace('_', ' ')})" for pattern, kind in alerts)
        words = "; ".join(f"{count} {what}" for what, count in sorted(said.items())) or "0"
        rate = 10_000 * len(alerts) / max(orders, 1)
        yield f"| {name} | {len(found)} | {orders:,} | {makers:,} | {words} | {against} | {rate:.2f} |"


def _put(text: str, name: str, table: str) -> str:
    """The document with a table between its marks."""
    before, mark, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    return f"{before}{mark}{table}\n{end}{after}"


def main() -> None:
    """Print the tables; with `--record` put them into the document."""
    parser = argparse.ArgumentParser(description="How well surveillance sees.")
    parser.add_argument("--seeds", type=int, default=12, help="planted days a size")
    parser.add_argument("--quiet", type=int, default=20, help="generated days without abuse")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--record", action="store_true", help="put the tables into docs/surveillance.md")
    given = parser.parse_args()
    tasks = [(seed, size) for size in SIZES for seed in range(1, given.seeds + 1)]
    # other seeds than those the thresholds were looked at with
    others = [("generated", seed) for seed in range(1_001, 1_001 + given.quiet)]
    if SHARED.is_dir():
        others += [(name, seed) for name in ("chicago", "bitcoin") for seed in range(1, 5)]
        others += [(f"{name}|{accounts}", 0) for accounts in ("runs", "20") for name in RECORDINGS]
    with ProcessPoolExecutor(given.workers) as pool:
        tables = {
            "planted": "\n".join(planted_table(pool.map(planted, [(seed + 100, size) for seed, size in tasks]))),
            "quiet": "\n".join(quiet_table(pool.map(quiet, others))),
        }
    for table in tables.values():
        print(table, end="\n\n")
    if given.record:
        text = DOCUMENT.read_text(encoding="utf-8")
        for name, table in tables.items():
            text = _put(text, name, table)
        DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
