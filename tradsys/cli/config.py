"""`tradsys config explain`: which value is in force, where it comes from, and what it overrode."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

config_app = typer.Typer(help="Look into a run file's layers.", no_args_is_help=True)


@config_app.callback()
def _config(context: typer.Context) -> None:
    """Look into a run file's layers."""
    # With a callback the verb stays two words while it has one command.
    context.obj = None


@config_app.command()
def explain(
    key: Annotated[str | None, typer.Argument(help="A dotted key or table; all keys when left out.")] = None,
    config: Annotated[Path, typer.Option(help="The run file.")] = ...,  # type: ignore[assignment]
    set_: Annotated[list[str] | None, typer.Option("--set", help="An override, as for backtest.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Value, origin and what it overrode: defaults < run file < environment TRADSYS__A__B < --set."""
    import msgspec

    from tradsys.core.errors import UnknownName
    from tradsys.engine.settings import explain as layers
    from tradsys.engine.settings import load

    known = layers(load(config, environment=os.environ, flags=set_ or []))
    chosen = {name: each for name, each in known.items() if key is None or name == key or name.startswith(f"{key}.")}
    if not chosen:
        raise UnknownName("key", key or "", known, where=str(config))
    rows = {name: _row(each.value, each.origin, each.overrode) for name, each in chosen.items()}
    if json:
        body = {"key": key, **rows[key]} if key in rows else rows
        typer.echo(msgspec.json.encode(body).decode())
    else:
        _print(rows)


def _row(value: object, origin: str, overrode: tuple[tuple[str, object], ...]) -> dict[str, object]:
    return {"value": value, "origin": origin, "overrode": [{"origin": o, "value": v} for o, v in overrode]}


def _print(rows: dict[str, dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("key", "value", "origin", "overrode")
    for name, row in rows.items():
        overrode = row["overrode"] if isinstance(row["overrode"], list) else []
        table.add_row(
            name, repr(row["value"]), str(row["origin"]), "; ".join(f"{o['value']!r} ({o['origin']})" for o in overrode)
        )
    Console().print(table)
