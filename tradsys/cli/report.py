"""`tradsys audit report`: orders, trades, violations, daily risk and the self-assessment of a run, as CSV and HTML."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = "reports"
"""In the run folder, unless another is named."""


def report(
    run: Annotated[Path, typer.Argument(help="A run folder, of a backtest or of a live run.")],
    kind: Annotated[
        str, typer.Option(help="orders, trades, violations, risk, self-assessment, or all of them.")
    ] = "all",
    day: Annotated[str | None, typer.Option(help="One date of the exchange, YYYY-MM-DD; else all of the run.")] = None,
    form: Annotated[str, typer.Option("--format", help="csv, html or all.")] = "all",
    out: Annotated[
        Path | None,
        typer.Option("--out", "--output", help=f"Folder for the files; default: {FOLDER} in the run folder."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of surveillance's thresholds and groups.")] = None,
    drill: Annotated[Path | None, typer.Option(help="What `tradsys kill --drill --json` printed.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Date of the requirements assessed; default: today.")] = None,
    skip_replay: Annotated[bool, typer.Option(help="Assess without deciding the whole run once more.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Write the reports of a run. Exit code 1: more than refusals was found, or a control contradicted."""
    from tradsys.cli.progress import watch
    from tradsys.compliance.surveillance.settings import read_settings
    from tradsys.engine.reports.reports import FORMATS, SELF_ASSESSMENT, chosen_kinds, cut, gather, summary, write

    _demand_known(form, FORMATS)
    chosen_day = _date(day, "--day") if day is not None else None
    kinds = chosen_kinds(kind, day=chosen_day is not None)
    on = _date(as_of, "--as-of") if as_of is not None else datetime.date.today()
    with watch(f"reading {run}") as progress:
        progress(0, 1)
        found = gather(
            run,
            as_of=on,
            surveillance=read_settings(config) if config else None,
            drill=drill,
            replays=not skip_replay,
            assesses=SELF_ASSESSMENT in kinds,
        )
        found = cut(found, chosen_day) if chosen_day is not None else found
        folder = out or run / FOLDER / (str(chosen_day) if chosen_day else "")
        files = write(found, kinds, folder, form=form)
    _say(summary(found, kinds), files, as_json=json)
    raise typer.Exit(1 if found.wrong else 0)


def _demand_known(form: str, known: Sequence[str]) -> None:
    from tradsys.core.errors import UnknownName

    if form not in known:
        raise UnknownName("format", form, known, where="--format")


def _date(text: str, option: str) -> datetime.date:
    from tradsys.core.errors import ConfigError

    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} is no date", value=text, limit="YYYY-MM-DD", fix="write 2015-01-30") from None


def _say(body: dict[str, Any], files: Sequence[Path], *, as_json: bool) -> None:
    from json import dumps

    from tradsys.core.units import format_money

    if as_json:
        typer.echo(dumps({**body, "files": [str(each) for each in files]}))
        return
    period = f"{body['from']} to {body['to']}" if body["from"] else "no day"
    typer.echo(f"{body['run']}: {period}, {body['orders']:,} orders, {body['trades']:,} trades")
    if body["equity"] is not None:
        typer.echo(f"  equity {format_money(body['equity'], body['currency'])}")
    for name, count in body["violations"].items():
        typer.echo(f"  {name.replace('_', ' ')}: {count:,}")
    if body["prices_missing"]:
        typer.echo(f"  priced by own fills: {body['prices_missing']}")
    for name, count in body.get("self_assessment", {}).items():
        typer.echo(f"  self-assessment, {name.replace('_', ' ')}: {count}")
    for words in body.get("contradicted", ()):
        typer.echo(f"  CONTRADICTED {words}")
    for path in files:
        typer.echo(f"  {path}")
