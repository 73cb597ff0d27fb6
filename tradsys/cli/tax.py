"""`tradsys audit tax`: what a run closed, lot by lot, by kind of income and Indian financial year."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tradsys.portfolio.tax_report import TaxReport, TaxSum


def tax(
    run: Annotated[Path, typer.Argument(help="A run folder, of a backtest or of a live run.")],
    year: Annotated[str | None, typer.Option(help="Financial year such as 2024-25; else all of the run.")] = None,
    csv: Annotated[Path | None, typer.Option(help="File to write every closed lot to.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Report closed lots, first in, first out: capital gains, speculation, futures and options. No tax advice."""
    from tradsys.engine.bookings import tax_report_of
    from tradsys.engine.live_replay import open_any

    report = tax_report_of(open_any(run))
    years = report.years if year is None else [_year(year)]
    if csv is not None:
        _write(report, csv, years)
    if json:
        from json import dumps

        typer.echo(dumps(_document(report, years)))
    else:
        _show(report, years)


def _year(text: str) -> int:
    from tradsys.core.errors import ConfigError
    from tradsys.reference.income_tax import year_name

    first = text[:4]
    if not (first.isascii() and first.isdigit()) or text not in (first, year_name(int(first))):
        raise ConfigError("no financial year", value=text, limit="1 April to 31 March", fix="write it like 2024-25")
    return int(first)


def _write(report: TaxReport, path: Path, years: list[int]) -> None:
    from tradsys.core.errors import ResourceError
    from tradsys.portfolio.tax_report import lots_csv

    text = lots_csv(report, years[0] if len(years) == 1 else None)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ResourceError(
            f"cannot write {path}: {error.strerror}", value=str(path), fix="name a file in a folder that is there"
        ) from error


def _document(report: TaxReport, years: list[int]) -> dict[str, Any]:
    from msgspec import to_builtins

    from tradsys.core.units import SCALE
    from tradsys.portfolio.dividends import by_instrument
    from tradsys.reference.income_tax import year_name

    return {
        "currency": report.currency,
        "scale": SCALE,
        "years": {
            year_name(year): {
                "by_income": [_sum(each) for each in report.by_income(year)],
                "by_period": [_sum(each) for each in report.by_period(year)],
                "dividends": [to_builtins(each) for each in by_instrument(report.dividends, year)],
                "notes": report.notes(year),
            }
            for year in years
        },
    }


def _sum(each: TaxSum) -> dict[str, Any]:
    from msgspec import to_builtins

    return {**to_builtins(each), "taxable": each.taxable}


def _show(report: TaxReport, years: list[int]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from tradsys.portfolio.tax_report import tables

    console = Console()
    if not years:
        typer.echo("nothing was closed")
    for each in years:
        for title, rows in tables(report, each):
            table = Table(title=title, title_justify="left", box=box.SIMPLE)
            for column in rows.columns:
                table.add_column(column.name, justify="right" if column.number else "left")
            for row in rows.rows:
                table.add_row(*(cell.text for cell in row))
            console.print(table, highlight=False)
        for note in report.notes(each):
            typer.echo(note)
