"""`tradsys data`: look at market data, clean it into the store, and make longer bars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradsys.market.importing import Imported
    from tradsys.market.quality import Report
    from tradsys.market.store import Holding
    from tradsys.reference.calendar import Calendar

data_app = typer.Typer(help="Check, import, list and resample market data.", no_args_is_help=True)

STORE = Path("data/store")
SHOWN = 40
CRYPTO_FORMATS = ("ccxt", "freqtrade")

Format = Annotated[str | None, typer.Option("--format", help="Shape of the files; recognised if not given.")]
Exchange = Annotated[
    str | None, typer.Option(help="Whose sessions count: NSE, BSE, NFO, BFO, CRYPTO, or none. Default: the format's.")
]
Interval = Annotated[str | None, typer.Option(help="Length of a bar, such as 1m, 1h, 1d.")]
Label = Annotated[str | None, typer.Option(help="Whether a bar's time is its start or its end.")]
Timezone = Annotated[str | None, typer.Option(help="Zone of times without offset. Default: the format's.")]
DateOrder = Annotated[str | None, typer.Option(help="dmy or mdy, where dates do not tell.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
StoreFolder = Annotated[Path, typer.Option(help="Folder of the store.")]


@data_app.command()
def check(
    path: Annotated[str, typer.Argument(help="File, folder or pattern.")],
    format: Format = None,
    instrument: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    exchange: Exchange = None,
    interval: Interval = None,
    label: Label = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    json: Json = False,
) -> None:
    """Report duplicates, gaps, cut days, outliers and other defects; changes nothing. Exit code 1 if there are any."""
    from tradsys.market.labels import label_of
    from tradsys.market.loading import read_raw
    from tradsys.market.quality import check as check_quality
    from tradsys.market.readers import recognise

    shape = format or recognise(path)
    wanted = [instrument] if instrument else None
    raw = read_raw(path, format=shape, timezone=timezone, date_order=date_order, interval=interval, instruments=wanted)
    report = check_quality(
        _tracked(_selected(raw, instrument, path), "checking", quiet=json),
        calendar=_calendar(exchange, shape),
        interval=interval,
        label=label_of(label) if label else None,
    )
    if json:
        _print_json(report.as_dict())
    else:
        _print_report(report)
    if report.findings:
        raise typer.Exit(1)


@data_app.command("import")
def import_(
    path: Annotated[str, typer.Argument(help="File, folder or pattern.")],
    format: Annotated[str, typer.Option("--format", help="Shape of the files.")],
    to: Annotated[Path, typer.Option("--to", help="Folder of the store.")] = STORE,
    exchange: Exchange = None,
    interval: Interval = None,
    label: Label = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    keep: Annotated[str, typer.Option(help="Of rows with one time and different values: first or last.")] = "last",
    json: Json = False,
) -> None:
    """Clean files into the store by stated rules, and say what was repaired, dropped and why."""
    from tradsys.market.importing import import_files, keep_of
    from tradsys.market.store import Store

    with _spinner("importing", quiet=json) as progress:
        results = import_files(
            path,
            format=format,
            store=Store(to),
            calendar=_calendar(exchange, format),
            interval=interval,
            label=label,
            timezone=timezone,
            date_order=date_order,
            keep=keep_of(keep),
            progress=progress,
        )
    if json:
        _print_json({"store": str(to), "imported": [result.as_dict() for result in results]})
    else:
        _print_imported(results, to)


@data_app.command("list")
def list_(store: StoreFolder = STORE, json: Json = False) -> None:
    """List what the store holds."""
    from tradsys.market.store import Store

    holdings = Store(store).holdings()
    if json:
        _print_json({"store": str(store), "holdings": [holding.as_dict() for holding in holdings]})
    else:
        _print_holdings(holdings, store)


@data_app.command()
def resample(
    instrument: Annotated[str, typer.Argument(help="Name in the store.")],
    to: Annotated[str, typer.Option("--to", help="New interval, such as 15m, 1h, 1d.")],
    source: Annotated[str, typer.Option("--from", help="Interval to make it from.")] = "1m",
    store: StoreFolder = STORE,
    exchange: Annotated[str, typer.Option(help="Whose sessions anchor the bars.")] = "NSE",
    unfinished: Annotated[str, typer.Option(help="drop or keep a last bar that the data do not complete.")] = "drop",
    json: Json = False,
) -> None:
    """Make longer bars from the store's, anchored at each session's open, and store them."""
    from tradsys.core.errors import ConfigError
    from tradsys.market.bars import resample as resampled
    from tradsys.market.bars import unfinished_of
    from tradsys.market.store import Store

    calendar = _calendar(exchange, "")
    if calendar is None:
        raise ConfigError("resampling needs sessions", value=exchange, fix="name an exchange")
    place = Store(store)
    series = place.read(instrument, interval=source)
    bars = resampled(series, to, calendar=calendar, unfinished=unfinished_of(unfinished))
    paths = [str(path) for path in place.write(bars)]
    if json:
        summary = {"instrument": instrument, "from": source, "to": to, "rows_read": len(series), "rows": len(bars)}
        _print_json(summary | {"notes": list(bars.notes), "stored": paths})
    else:
        typer.echo(f"{instrument}: {len(series):,} bars of {source} → {len(bars):,} of {to} in {store}")
        _print_notes(bars.notes)


def _calendar(exchange: str | None, shape: str) -> Calendar | None:
    from tradsys.core.instruments import Segment
    from tradsys.reference.calendar import calendar_for

    name = (exchange or ("CRYPTO" if shape in CRYPTO_FORMATS else "NSE")).upper()
    if name == "NONE":
        return None
    segment = {"CRYPTO": Segment.CRYPTO_SPOT, "NFO": Segment.FUTURE, "BFO": Segment.FUTURE}.get(name, Segment.EQUITY)
    return calendar_for(name, segment)


def _selected(raw: dict[str, Any], instrument: str | None, path: str) -> list[Any]:
    from tradsys.core.errors import MissingData, UnknownName

    if instrument is not None and instrument not in raw:
        raise UnknownName("instrument", instrument, raw, where=path)
    if not raw:
        raise MissingData(f"{path} holds no bars", value=path, fix="check the path and the format")
    return [raw[instrument]] if instrument else list(raw.values())


def _tracked(items: Iterable[Any], what: str, *, quiet: bool) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    return track(list(items), what, console=Console(stderr=True, quiet=quiet), transient=True)


def _spinner(what: str, *, quiet: bool) -> Any:
    from contextlib import contextmanager

    from rich.console import Console

    @contextmanager
    def running() -> Any:
        console = Console(stderr=True, quiet=quiet)
        with console.status(what) as status:
            yield lambda instrument: status.update(f"{what}: {instrument} done")

    return running()


def _print_json(body: dict[str, object]) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(body).decode())


def _print_report(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    from tradsys.reference.clock import iso

    console = Console()
    names = ", ".join(report.instruments[:5]) + (" …" if len(report.instruments) > 5 else "")
    console.print(f"Rows: {report.rows:,}. Sessions: {report.sessions:,}. Instruments: {len(report.instruments):,}.")
    console.print(names)
    _print_notes(report.notes)
    if not report.findings:
        console.print("No findings.")
        return
    table = Table("Instrument", "Finding", "From", "To", "Count", title=_counts(report), caption=report.zone)
    for finding in report.findings[:SHOWN]:
        times = (_clock(iso(at, report.zone)) for at in (finding.first, finding.last))
        table.add_row(finding.instrument, finding.kind, *times, f"{finding.count:,}")
    console.print(table)
    if len(report.findings) > SHOWN:
        console.print(f"… and {len(report.findings) - SHOWN} more; --json lists all")


def _clock(text: str) -> str:
    return text[:16].replace("T", " ")


def _counts(report: Report) -> str:
    from collections import Counter

    kinds = Counter(finding.kind for finding in report.findings)
    return " · ".join(f"{kind} {count}" for kind, count in kinds.most_common())


def _print_imported(results: list[Imported], store: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Instrument", "Interval", "Rows read", "Rows kept", "What was done", title=f"Imported into {store}")
    for result in results:
        done = "\n".join(f"{repair.count:,} {repair.action}: {repair.reason}" for repair in result.repairs)
        counts = f"{result.rows_read:,}", f"{result.rows_kept:,}"
        table.add_row(result.instrument, result.interval, *counts, done or "nothing to repair")
    console = Console()
    console.print(table)
    for result in results:
        console.print(f"{result.instrument}: sha256 {result.source_sha256[:16]}… → {result.stored_sha256[:16]}…")
        _print_notes(result.notes)


def _print_holdings(holdings: list[Holding], store: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from tradsys.reference.clock import iso

    if not holdings:
        typer.echo(f"The store {store} is empty; fill it with `tradsys data import`.")
        return
    table = Table("Instrument", "Interval", "Bars", "First", "Last", title=str(store))
    for holding in holdings:
        times = (_clock(iso(at)) for at in (holding.first, holding.last))
        table.add_row(holding.instrument, holding.interval, f"{holding.rows:,}", *times)
    Console().print(table)


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        typer.echo(f"note: {note}")
