"""`tradsys limits`: the limits of a running process, and how people change them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def limits(
    run: Annotated[Path, typer.Argument(help="Folder of the running process.")],
    limit: Annotated[str, typer.Argument(help="The limit to change; without it all are listed.")] = "",
    value: Annotated[str, typer.Argument(help="The new figure, or none to take the limit away.")] = "",
    of: Annotated[str, typer.Option("--of", help="account, strategy:NAME, instrument:ID or segment:NAME.")] = "account",
    by: Annotated[list[str] | None, typer.Option(help="Who, as NAME:ROLE; twice to raise a limit.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the journal.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """List the limits in force, or change one: one person lowers it, two of different roles raise it."""
    import msgspec

    from tradsys.cli.kill import asked
    from tradsys.core.errors import ConfigError
    from tradsys.engine.control.protocol import SetLimit, Status

    if bool(limit) != bool(value):
        raise ConfigError("a limit and its new figure", value=f"{limit} {value}".strip(), fix="give both, or none")
    kind, _, name = of.partition(":")
    command: Status | SetLimit = Status()
    if limit:
        people = tuple(by or ())
        figure = None if value == "none" else _figure(value)
        command = SetLimit(limit=limit, value=figure, kind=kind, name=name, by=people, reason=reason)
    body = asked(run, command)
    if "limits" not in body:
        raise ConfigError("the run has no limits", value=str(run), limit="[risk.limits]", fix="add it, start anew")
    if json:
        typer.echo(msgspec.json.encode({"limits": body["limits"], "latched": body["latched"]}).decode())
        return
    for each in body["limits"]:
        typer.echo(_line(each))
    for each in body["latched"]:
        typer.echo(f"{each['strategy']} repeated itself in {each['instrument']}: tradsys reset RUN repeated-execution")


def _figure(value: str) -> float:
    from tradsys.core.errors import ConfigError

    try:
        return float(value.replace(",", "").replace("_", ""))
    except ValueError:
        raise ConfigError("not a figure", value=value, limit="a number, or none", fix="write 500000") from None


def _line(limit: dict[str, Any]) -> str:
    whose = f"{limit['kind']} {limit['name']}".strip()
    return f"{limit['limit']:<20} {limit['most']:>18,.10g}  {whose:<32} {limit['source']}"
