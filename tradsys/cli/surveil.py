"""`tradsys audit surveil`: look for market abuse in a run, a simulated day or recorded orders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tradsys.compliance.surveillance.surveillance import Finding

MOST_SHOWN = 25


def surveil(
    source: Annotated[Path, typer.Argument(help="A run folder, a simulated day, a LOBSTER or Databento file.")],
    config: Annotated[Path | None, typer.Option(help="TOML file of thresholds and groups of accounts.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for alerts.csv, order_to_trade.csv, surveillance.html.")
    ] = None,
    accounts: Annotated[
        str, typer.Option(help="Whose recorded orders are: runs, or a number to split among.")
    ] = "runs",
    instrument: Annotated[str, typer.Option(help="What recorded orders are in; default: as the file is named.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Find wash trades, circular trading, spoofing, layering and more, with the evidence. Exit code 1: something
    found."""
    from tradsys.cli.progress import watch
    from tradsys.compliance.surveillance.settings import SurveillanceSettings, read_settings
    from tradsys.compliance.surveillance.surveillance import Surveillance
    from tradsys.engine.surveillance.report import write
    from tradsys.engine.surveillance.sources import open_source

    settings = read_settings(config) if config else SurveillanceSettings()
    opened = open_source(source, accounts=accounts, instrument=instrument)
    surveillance = Surveillance(settings, whole=opened.whole)
    with watch(f"looking at {source}") as progress:
        for number, event in enumerate(opened.events):
            surveillance.observe(event)
            if number % 5_000 == 0:
                progress(number, number)
    finding = surveillance.finish()
    title = f"{source.name}: {opened.kind}"
    written = write(finding, out, source=title, zone=opened.zone, settings=settings) if out else []
    _say(finding, title, opened.zone, written, as_json=json)
    raise typer.Exit(1 if finding.alerts else 0)


def _say(finding: Finding, title: str, zone: str, written: list[Path], *, as_json: bool) -> None:
    if as_json:
        import msgspec

        from tradsys.engine.surveillance.report import listed_ratios

        body = {"source": title, **msgspec.structs.asdict(finding), "files": [str(path) for path in written]}
        body["ratios"] = listed_ratios(finding)
        typer.echo(msgspec.json.encode(body).decode())
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from tradsys.engine.surveillance.report import words
    from tradsys.reference.clock import text

    table = Table("At", "Pattern", "Score", "Instrument", "Accounts", "Clause", title=escape(title))
    for each in sorted(finding.alerts, key=lambda item: (-item.score, item.at))[:MOST_SHOWN]:
        table.add_row(
            text(each.at, zone, seconds=True),
            words(each.pattern),
            f"{each.score:.2f}",
            escape(each.instrument),
            escape(", ".join(each.accounts)),
            escape(each.clause),
        )
    console = Console()
    if finding.alerts:
        console.print(table)
    if len(finding.alerts) > MOST_SHOWN:
        typer.echo(f"  {len(finding.alerts) - MOST_SHOWN} more: --out or --json has them all")
    typer.echo(
        f"{title}: {len(finding.alerts)} alerts in {finding.orders:,} orders and {finding.trades:,} trades"
        f" ({finding.a_10000_orders:.2f} for 10,000 orders)"
    )
    for path in written:
        typer.echo(f"  {path}")
