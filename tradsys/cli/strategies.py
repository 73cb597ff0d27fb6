"""`tradsys strategies`: what can be named in a run file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def strategies(
    folder: Annotated[Path, typer.Option(help="Your own strategies.")] = Path("strategies"),
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """List the strategies that ship, those that packages install, and your own, with their parameters."""
    import msgspec

    from tradsys.strategies.discovery import available

    found = list(available(folder))
    if json:
        typer.echo(msgspec.json.encode({"strategies": found}).decode())
        raise typer.Exit(1 if any(each.problem for each in found) else 0)
    from rich.console import Console
    from rich.table import Table

    table = Table("use", "what it does", "parameters")
    for each in found:
        parameters = ", ".join(f"{name}: {text}" for name, text in each.parameters.items())
        table.add_row(each.use, each.problem or each.summary, parameters)
    Console().print(table)
    raise typer.Exit(1 if any(each.problem for each in found) else 0)
