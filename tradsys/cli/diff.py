"""`tradsys diff`: two saved runs side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tradsys.engine.saved_run import SavedRun


def diff(
    a: Annotated[Path, typer.Argument(help="The run folder to compare with.")],
    b: Annotated[Path, typer.Argument(help="The other run folder.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Say where the decisions of two runs part, and why they ended with different equity."""
    from tradsys.engine.live_replay import open_any
    from tradsys.engine.run_diff import difference

    first, second = open_any(a), open_any(b)
    found = difference(a=first, b=second)
    if json:
        from json import dumps

        typer.echo(dumps(found))
    else:
        for line in _lines(found, currency=first.settings.run.run.currency, zone=zone_of_run(first)):
            typer.echo(line)
    raise typer.Exit(0 if found["equal"] else 1)


def zone_of_run(run: SavedRun) -> str:
    """The zone that dates of a saved run are in."""
    from tradsys.engine.data import zone_of
    from tradsys.engine.instruments import build_instrument, sections_of

    settings = run.settings.run
    instruments = {each.id: build_instrument(each, currency=settings.run.currency) for each in sections_of(settings)}
    return zone_of(settings.data, instruments)


def _lines(found: dict[str, Any], *, currency: str, zone: str) -> Iterator[str]:
    from tradsys.core.units import format_money, from_text

    yield f"a          {found['a']}"
    yield f"b          {found['b']}"
    count = found["decisions"]
    yield f"decisions  {count['a']:,} and {count['b']:,}, of which {count['in_both']:,} are in both"
    for what in ("settings", "data", "code"):
        for name, values in found[what].items():
            yield f"{what:<10} {name}: {_short(values['a'])} | {_short(values['b'])}"
    if found["first_difference"] is None:
        yield "first      no decision differs"
    else:
        yield from _parting(found["first_difference"], zone=zone)
    equity = [format_money(from_text(found["final_equity"][side]), currency) for side in ("a", "b")]
    yield f"equity     {equity[0]} | {equity[1]}"
    for cause, amount in found["gap"].items():
        if amount or cause == "total":
            yield f"  {cause:<12} {format_money(amount, currency):>20}"


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:16]}…" if len(text) == 64 else text


_KINDS = {
    "only_a": "only a has this line here",
    "only_b": "only b has this line here",
    "changed": "not the same",
    "numbers": "alike but for numbers",
}


def _parting(first: dict[str, Any], *, zone: str) -> Iterator[str]:
    from json import dumps

    from tradsys.reference.clock import text

    what = f": {', '.join(first['fields'])}" if first["fields"] else ""
    at = min(first[side]["at"] for side in ("a", "b") if first[side] is not None)
    yield f"first      line {first['line']}, {text(at, zone, seconds=True)}, {_KINDS[first['kind']]}{what}"
    for side in ("a", "b"):
        line, inputs = first[side], first["inputs"][side]
        yield f"  {side}        {'the log has ended' if line is None else dumps(line, ensure_ascii=False)}"
        if inputs is not None:
            if inputs["cause"] is not None:
                yield f"    cause  {dumps(inputs['cause'], ensure_ascii=False)}"
            for each in inputs["data"]:
                said = " ".join(f"{name} {value}" for name, value in each.items() if name not in ("kind", "at"))
                yield f"    {each['kind'].lower():<6} {text(each['at'], zone, seconds=True)} {said}"
            if "note" in inputs:
                yield f"    data   {inputs['note']}"
