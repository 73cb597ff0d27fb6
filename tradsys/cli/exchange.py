"""`tradsys exchange`: the simulated exchange from the command line."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.cli.exchange_book import book
from tradsys.cli.exchange_serve import serve
from tradsys.cli.exchange_simulate import simulate

if TYPE_CHECKING:
    from tradsys.exchange.operations import Final

exchange_app = typer.Typer(
    help="Match orders, rebuild order books, generate a market, serve one.", no_args_is_help=True
)
exchange_app.command()(book)
exchange_app.command()(simulate)
exchange_app.command()(serve)


@exchange_app.command()
def match(
    operations: Annotated[Path, typer.Argument(help="File of operations, .jsonl or .jsonl.gz.")],
    out: Annotated[Path, typer.Option("--out", help="Where the answers go, one line an operation.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Run a file of order operations through the book; OUT.final.json is the book at the end."""
    from tradsys.core.errors import ConfigError
    from tradsys.exchange.book import Book
    from tradsys.exchange.operations import OperationRun, read_operations, write_answers, write_final
    from tradsys.numerics.announcement import compilation_announced

    at_end = _final_path(out)
    if operations.resolve() in (out.resolve(), at_end.resolve()):
        raise ConfigError("the answers would overwrite the operations", value=str(out), fix="name another file")
    asked = read_operations(operations)
    run = OperationRun(Book(1))
    with compilation_announced(partial(_say_compiling, as_json=json)):
        answers = list(run.answers(asked))
        final = run.final()
    write_answers(out, answers)
    write_final(at_end, final)
    rejected = sum(answer.status == "rejected" for answer in answers)
    _report(final, rejected=rejected, out=out, at_end=at_end, as_json=json)


def _say_compiling(*, as_json: bool) -> None:
    """One line for people; what reads JSON from a pipe may take a line of errors for a failure."""
    if not as_json or sys.stderr.isatty():
        typer.echo("compiling the order book, once on this machine: about half a minute", err=True)


def _final_path(out: Path) -> Path:
    """`flow.jsonl` and `flow.jsonl.gz` → `flow.final.json`."""
    plain = out.with_suffix("") if out.suffix == ".gz" else out
    return plain.with_name(plain.stem + ".final.json")


def _report(final: Final, *, rejected: int, out: Path, at_end: Path, as_json: bool) -> None:
    import msgspec

    if as_json:
        counts = {"operations": final.ops, "rejected": rejected, "trades": final.trades, "traded": final.qty_traded}
        typer.echo(msgspec.json.encode(counts | {"out": str(out), "final": str(at_end)}))
    else:
        typer.echo(f"{final.ops:,} operations, {rejected:,} rejected, {final.trades:,} trades → {out}, {at_end}")
