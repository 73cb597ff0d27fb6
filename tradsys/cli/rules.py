"""`tradsys rules`: SEBI's and the exchanges' rules by date, one rule with its vectors, an order against all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tradsys.compliance.sebi.listing import Line, Verdict
    from tradsys.compliance.sebi.vectors import Vector

rules_app = typer.Typer(help="The rules an order is judged by: list, show, check.", no_args_is_help=True)

AsOf = Annotated[str | None, typer.Option("--as-of", "--on", help="Date whose rules hold, YYYY-MM-DD; default today.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@rules_app.command("list")
def list_rules(as_of: AsOf = None, json: Json = False) -> None:
    """List the rules in force on a date."""
    from tradsys.compliance.sebi.book import sebi_rules
    from tradsys.compliance.sebi.listing import lines

    day = _date(as_of)
    found = lines(sebi_rules().rules_on(day))
    if json:
        _print_json({"as_of": day, "rules": found})
    else:
        _print_lines(found, title=f"Rules in force on {day}")


@rules_app.command()
def show(
    rule: Annotated[str, typer.Argument(help="Rule, such as sebi-order-rate.")],
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Show one rule: its rows of all dates (with --as-of: of that one), and its test vectors."""
    from tradsys.compliance.sebi.book import sebi_rules
    from tradsys.compliance.sebi.listing import lines
    from tradsys.compliance.sebi.vector_rows import all_vectors

    day = _date(as_of) if as_of else None
    history = sebi_rules().history(rule)
    found = lines(row for row in history if day is None or row.effective_from <= day < row.until)
    vectors = [each for each in all_vectors() if each.rule == rule]
    if json:
        shown = {"id": rule, "title": history[0].title, "rows": found, "vectors": [_vector(each) for each in vectors]}
        _print_json({"as_of": day, "rule": shown})
        return
    _print_lines(found, title=f"{rule}: {history[0].title}")
    _print_vectors(vectors)


@rules_app.command()
def check(
    order: Annotated[Path | None, typer.Argument(help="TOML file of an order and what is known about it.")] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Judge an order by every rule; without one, ask the rules their own vectors. Exit code 1: refused, or wrong."""
    day = _date(as_of) if as_of else None
    bad = _check_vectors(day, as_json=json) if order is None else _check_order(order, day, as_json=json)
    raise typer.Exit(1 if bad else 0)


def _check_vectors(day: date | None, *, as_json: bool) -> int:
    """Vectors of every rule, or of those in force on a date; each is asked on its own date."""
    from tradsys.compliance.sebi.book import TITLES, sebi_rules
    from tradsys.compliance.sebi.vector_rows import all_vectors
    from tradsys.compliance.sebi.vectors import answers

    book = sebi_rules()
    ids = list(TITLES) if day is None else list(dict.fromkeys(rule.id for rule in book.rules_on(day)))
    said = answers(book, [each for each in all_vectors() if each.rule in ids])
    wrong = [each for each in said if not each.agrees]
    if as_json:
        listed = [_vector(each.vector) | {"refused": each.refused} for each in wrong]
        _print_json({"as_of": day, "rules": len(ids), "vectors": len(said), "wrong": listed})
    else:
        typer.echo(f"{len(said)} vectors of {len(ids)} rules: {len(wrong)} wrong")
        _print_vectors([each.vector for each in wrong])
    return len(wrong)


def _check_order(path: Path, day: date | None, *, as_json: bool) -> int:
    from tradsys.compliance.sebi.book import sebi_rules
    from tradsys.compliance.sebi.listing import verdicts
    from tradsys.compliance.sebi.order_file import read_question
    from tradsys.compliance.sebi.rule_check import india_day
    from tradsys.reference.sessions import to_date

    asked = read_question(_text(path))
    found = verdicts(asked.order, asked.instrument, asked.claim, book=sebi_rules(), facts=asked.facts, as_of=day)
    refused = sum(each.verdict == "refused" for each in found)
    day = day or to_date(india_day(asked.order.at))
    if as_json:
        _print_json({"as_of": day, "refused": refused, "rules": found})
    else:
        _print_verdicts(found, title=f"{asked.instrument.id} by the rules of {day}: {refused} refuse")
    return refused


def _text(path: Path) -> str:
    from tradsys.core.errors import ConfigError, MissingData

    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError("not a text file", value=str(path), fix="write the order in TOML, UTF-8") from None
    except OSError as error:
        raise MissingData(f"cannot read {path}: {error.strerror}", value=str(path), fix="name a file") from error


def _date(text: str | None) -> date:
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from tradsys.core.errors import ConfigError

    if text is None:
        return datetime.now(ZoneInfo("Asia/Kolkata")).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError("not a date", value=text, limit="YYYY-MM-DD", fix="write it as 2026-11-20") from None


def _vector(vector: Vector) -> dict[str, Any]:
    from tradsys.reference.clock import iso

    return {
        "says": vector.says,
        "at": iso(vector.order.at),
        "instrument": vector.instrument.id,
        "verdict": "refused" if vector.value else "passed",
        "value": vector.value,
        "limit": vector.limit,
    }


def _print_json(body: dict[str, Any]) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(body).decode())


def _print_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title))
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console().print(table)


def _print_lines(found: list[Line], *, title: str) -> None:
    rows = [
        (
            each.id,
            each.title,
            f"{each.item}: {each.value}",
            each.severity,
            f"{each.effective_from} to {each.effective_to or ''}".removesuffix(" to "),
            each.source,
        )
        for each in found
    ]
    _print_table(title, ("Rule", "Title", "Figure", "Severity", "In force", "Source"), rows)


def _print_vectors(vectors: list[Vector]) -> None:
    if vectors:
        rows = [tuple(str(cell) for cell in _vector(each).values()) for each in vectors]
        _print_table("Test vectors", ("Case", "At", "Instrument", "Verdict", "Value", "Limit"), rows)


def _print_verdicts(found: list[Verdict], *, title: str) -> None:
    rows = [
        (each.id, each.verdict, each.value, each.limit, each.source if each.verdict == "refused" else "")
        for each in found
    ]
    _print_table(title, ("Rule", "Verdict", "Value", "Limit", "Source"), rows)
