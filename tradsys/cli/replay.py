"""`tradsys replay`: a saved run, run again and compared with what it decided."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer


def replay(
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    verify: Annotated[bool, typer.Option("--verify", help="Compare every line of its decisions.")] = False,
    until: Annotated[str | None, typer.Option(help="Only so much of the data: 0.5 is half, or an instant.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Run a saved run again from its manifest and its data."""
    from tradsys.cli.progress import watch
    from tradsys.engine.live_replay import open_any, replayed
    from tradsys.engine.replay import replay as again

    saved = open_any(run)
    with watch("rows" if saved.live else "bars") as progress:
        if saved.live:
            _refuse_part(until)
            found = replayed(saved, verify=verify, progress=progress)
        else:
            repeated = again(saved, until=until, progress=progress)
            found = repeated.verdict() if verify else repeated.summary()
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(found).decode())
    else:
        lines = _live_lines if saved.live else _lines
        for line in lines(found, currency=saved.settings.run.run.currency):
            typer.echo(line)
    raise typer.Exit(1 if found.get("verified") is False else 0)


def _refuse_part(until: str | None) -> None:
    from tradsys.core.errors import ConfigError

    if until is not None:
        raise ConfigError("a live run is replayed whole", value=until, fix="leave --until out")


def _live_lines(found: dict[str, Any], *, currency: str) -> Iterator[str]:
    from tradsys.core.units import format_money, from_text

    yield f"run        {found['run']}"
    rows = f"{found['rows']:,} rows of the feed"
    yield f"replayed   {found['records']:,} records, {rows}, {found['decisions']:,} decisions"
    yield f"equity     {format_money(from_text(found['final_equity']), currency)}"
    if found["code_changed"]:
        yield f"changed    not the program that began the run: {', '.join(found['code_changed'])}"
    if found.get("verified"):
        yield f"verified   all {found['decisions']:,} decisions identical"
    elif "verified" in found:
        yield f"DIFFERENT  {found['identical']:,} of {found['decisions']:,} decisions identical before the first other"
        for name, said in found["first_difference"].items():
            yield f"  {name:<9}{said}"


def _lines(found: dict[str, Any], *, currency: str) -> Iterator[str]:
    from tradsys.core.units import format_money, from_text

    yield f"run        {found['run']}"
    until = f", until {found['until']}" if found["until"] else ""
    yield f"replayed   {found['bars']:,} bars{until}, {found['decisions']:,} decisions"
    if "final_equity" in found:
        yield f"equity     {format_money(from_text(found['final_equity']), currency)}"
        yield f"decisions  sha256 {found['decisions_sha256']}"
        yield f"state      sha256 {found['state_sha256']}"
    if found["code_changed"]:
        yield f"changed    not the program of the run any more: {', '.join(found['code_changed'])}"
    if "verified" in found:
        yield from _verdict(found)


def _verdict(found: dict[str, Any]) -> Iterator[str]:
    import json

    first = found["first_difference"]
    if found["verified"]:
        yield f"verified   all {found['decisions']:,} decisions identical"
        return
    yield f"DIFFERENT  {found['identical']:,} of {found['decisions']:,} decisions identical"
    if first is None:
        yield "first      no decision differs, but the account's final state does"
        return
    yield f"first      line {first['line']}"
    for side in ("saved", "replayed"):
        yield f"  {side:<9}{'nothing' if first[side] is None else json.dumps(first[side], ensure_ascii=False)}"
