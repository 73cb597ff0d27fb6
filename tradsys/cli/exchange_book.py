"""`tradsys exchange book`: rebuild order books from a recorded feed, and say whether they can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

TOTALS = ("messages", "applied", "stale", "gaps")
ORDER_FORMATS = ("databento", "lobster")
FOR_WANT = {"unused": "unused for want of a snapshot", "troubles": "not to be applied as told"}
"""Counts that people are shown where there are any."""


def book(
    feed: Annotated[Path, typer.Argument(help="Recording of a feed, plain or gzip; Databento's CSV or DBN.")],
    format: Annotated[
        str,
        typer.Option("--format", help="binance, bitfinex, bitget, coinbase, deribit, kraken, okx, databento, lobster."),
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Rebuild the books of a recorded feed: sequence, gaps, checksums, best prices. Exit code 1 if one is amiss."""
    malformed, instruments = _orders(feed, format) if format in ORDER_FORMATS else _levels(feed, format)
    if not instruments:
        raise _no_book(feed, format, malformed)
    if json:
        _print_json(feed, format, malformed, instruments)
    else:
        _print_lines(malformed, instruments)
    if malformed or any(_amiss(each) for each in instruments.values()):
        raise typer.Exit(1)


def _levels(feed: Path, format: str) -> tuple[int, dict[str, dict[str, Any]]]:
    from tradsys.core.errors import UnknownName
    from tradsys.market.books.captures import LineSplitter
    from tradsys.market.books.rebuild import VENUES, Rebuild, summary
    from tradsys.market.files import read

    if format not in VENUES:
        raise UnknownName("feed format", format, (*VENUES, *ORDER_FORMATS))
    splitter, rebuild = LineSplitter(), Rebuild(VENUES[format])
    rebuild.receive_lines(splitter.feed(read(feed).content))
    rebuild.receive_lines(splitter.finish())
    return rebuild.malformed, {name: summary(each) for name, each in rebuild.books.items()}


def _orders(feed: Path, format: str) -> tuple[int, dict[str, dict[str, Any]]]:
    from tradsys.market.books.rebuild_orders import from_databento, from_lobster
    from tradsys.market.databento_orders import read_messages
    from tradsys.market.files import read

    if format == "databento":
        rebuild = from_databento(read_messages(feed)[0])
    else:
        content, first_row = read(feed).content, read(_orderbook_of(feed)).content.partition(b"\n")[0]
        rebuild = from_lobster(content.splitlines(), first_row=first_row, instrument=feed.name.partition("_")[0])
    return 0, {name: rebuild.summary(name) for name in rebuild.books}


def _orderbook_of(feed: Path) -> Path:
    """`AAPL_…_message_10.csv` → `AAPL_…_orderbook_10.csv`, which lies beside it."""
    from tradsys.core.errors import ConfigError

    if "_message_" not in feed.name:
        raise ConfigError("not the name of a LOBSTER message file", value=feed.name, limit="…_message_….csv")
    return feed.with_name(feed.name.replace("_message_", "_orderbook_"))


def _no_book(feed: Path, format: str, malformed: int) -> Exception:
    from tradsys.core.errors import DataError

    return DataError(
        f"no book of {format} in {feed}",
        value=f"{malformed} messages could not be read",
        limit="depth messages of that venue",
        fix="check --format",
    )


def _amiss(instrument: dict[str, Any]) -> bool:
    found = instrument["gaps"] or instrument["checksums"]["failed"] or instrument.get("troubles")
    return bool(found) or instrument["state"] != "synced"


def _print_json(feed: Path, format: str, malformed: int, instruments: dict[str, dict[str, Any]]) -> None:
    import msgspec

    totals: dict[str, Any] = {name: sum(each[name] for each in instruments.values()) for name in TOTALS}
    totals["checksums"] = {
        name: sum(each["checksums"][name] for each in instruments.values()) for name in ("checked", "failed")
    }
    head = {"feed": str(feed), "format": format, "malformed": malformed}
    typer.echo(msgspec.json.encode(head | totals | {"instruments": instruments}))


def _price(value: float | None) -> str:
    return "–" if value is None else f"{value:.10f}".rstrip("0").rstrip(".")


def _print_lines(malformed: int, instruments: dict[str, dict[str, Any]]) -> None:
    for name, each in instruments.items():
        counts = ", ".join(f"{each[key]:,} {key}" for key in TOTALS)
        counts += "".join(f", {each[key]:,} {words}" for key, words in FOR_WANT.items() if each.get(key))
        checked, failed = each["checksums"]["checked"], each["checksums"]["failed"]
        sums = f", checksums {checked - failed:,} of {checked:,}" if checked else ""
        best = " / ".join(_price(each[key]) for key in ("best_bid", "best_ask"))
        typer.echo(f"{name}: {each['state']}, {counts}{sums}, best {best}")
    if malformed:
        typer.echo(f"{malformed:,} messages could not be read")
