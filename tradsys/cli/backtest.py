"""`tradsys backtest`: a run file in, a run folder and its tear sheet out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tradsys.engine.run import Outcome


def backtest(
    config: Annotated[Path, typer.Argument(help="The run file (TOML).")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a key: --set run.cash=500000.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Also prove that no decision looks ahead.")] = False,
    out: Annotated[Path, typer.Option(help="Where run folders go.")] = Path("backtests"),
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Run strategies over history and write results, decisions and a tear sheet."""
    from tradsys.cli.progress import interruptible, watch
    from tradsys.engine.run import backtest as run

    with watch("bars") as progress, interruptible() as stop:
        outcome = run(config, flags=set_ or [], out=out, progress=progress, stop=stop)
    summary = outcome.summary()
    if verify and not outcome.result.interrupted:
        summary |= _verify(config, set_ or [])
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(summary).decode())
    else:
        _print(outcome, summary)
    raise typer.Exit(_exit_code(summary))


def _verify(config: Path, flags: list[str]) -> dict[str, object]:
    from tradsys.cli.progress import watch
    from tradsys.engine.verify import verify

    with watch("instants verified") as progress:
        return verify(config, flags=flags, progress=progress)


def _exit_code(summary: dict[str, object]) -> int:
    if summary["interrupted"]:
        return 130
    return 1 if summary["halted"] or summary.get("verified") is False else 0


def _print(outcome: Outcome, summary: dict[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    from tradsys.core.units import SCALE, format_money

    result, metrics = outcome.result, outcome.result.metrics
    table = Table(title=result.name, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")

    def money(name: str) -> str:
        return format_money(round(float(str(metrics[name])) * SCALE), result.currency)

    def ratio(name: str, *, percent: bool = True) -> str:
        value = metrics.get(name)
        if not isinstance(value, (int, float)):
            return "–"
        return f"{value:.2%}" if percent else f"{value:.2f}"

    table.add_row("Final equity", money("final_equity"))
    table.add_row("Net profit", money("net_pnl"))
    table.add_row("Gross profit", money("gross_pnl"))
    table.add_row("Charges", money("charges"))
    table.add_row("Return, buy and hold", ratio("benchmark_return"))
    table.add_row("Maximum drawdown", ratio("max_drawdown"))
    table.add_row(f"Sharpe ({metrics['annualisation']} days)", ratio("sharpe", percent=False))
    table.add_row("Trades, winning", f"{metrics['trades']}, {ratio('win_rate')}")
    table.add_row("Orders, refused", f"{result.orders}, {metrics['refused']}")
    console = Console()
    console.print(table)
    for name, each in _data(summary).items():
        console.print(f"data       {name} sha256 {each['sha256'][:16]}… {each['bars']} bars", highlight=False)
    console.print(f"compiled   {summary['compile_seconds']} s", highlight=False)
    for line in _notes(outcome, summary):
        console.print(line, highlight=False)
    console.print(f"tear sheet {outcome.folder / 'report.html'}", highlight=False, soft_wrap=True)


def _data(summary: dict[str, object]) -> dict[str, dict[str, str]]:
    found = summary["data"]
    return found if isinstance(found, dict) else {}


def _notes(outcome: Outcome, summary: dict[str, object]) -> list[str]:
    result = outcome.result
    notes = [f"halted     {each.strategy}: {each.error} (traceback in the tear sheet)" for each in result.halted]
    notes += [f"no trade   {reason}" for reason in result.why_no_trades]
    if result.interrupted:
        notes.append("partial    interrupted; the results cover what was processed")
    if "verified" in summary:
        first = summary["first"]
        verdict = _guilty(first, result.zone) if isinstance(first, dict) else "no decision looks ahead"
        notes.append(f"verified   {summary['instants']} instants: {verdict}")
    return notes


def _guilty(first: dict[str, Any], zone: str) -> str:
    """The earliest decision that knew the future, as a sentence."""
    from tradsys.reference.clock import text

    who = " on ".join(str(first[part]) for part in ("strategy", "instrument") if first[part]) or "the run"
    return f"LOOK-AHEAD by {who} at {text(first['at'], zone, seconds=True)}: {first['why']}"
