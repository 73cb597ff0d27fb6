"""`tradsys new strategy`: a strategy of one's own in one small file."""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import Annotated

import typer

new_app = typer.Typer(help="Start something of your own.", no_args_is_help=True)

STRATEGY = '''"""{title}."""

from tradsys import SMA, Param, Strategy


class {name}(Strategy):
    """Long while the fast mean is above the slow one, flat otherwise."""

    fast: int = Param(10, low=5, high=50)
    slow: int = Param(60, low=20, high=200)

    def on_start(self, ctx):
        self.fast_mean = ctx.indicator(SMA(self.fast))
        self.slow_mean = ctx.indicator(SMA(self.slow))

    def on_bar(self, bar, account):
        if self.slow_mean.ready:
            yield self.signal(bar, +1 if self.fast_mean.value > self.slow_mean.value else 0, reason="fast over slow")
'''


@new_app.callback()
def _new(context: typer.Context) -> None:
    """Start something of your own."""
    # With a callback the verb stays two words while it has one command.
    context.obj = None


@new_app.command()
def strategy(
    name: Annotated[str, typer.Argument(help="Its name, as a Python identifier: my_crossover.")],
    folder: Annotated[Path, typer.Option(help="Where your strategies live.")] = Path("strategies"),
) -> None:
    """Write a strategy that runs as it stands; an existing file is never touched."""
    from tradsys.core.errors import ConfigError

    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigError(f"{name!r} is no Python identifier", value=name, fix="use letters, digits and _")
    target = folder / f"{name}.py"
    if target.exists():
        raise ConfigError(f"{target} exists already", value=str(target), fix="choose another name")
    class_name = "".join(part.capitalize() for part in name.split("_"))
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(STRATEGY.format(title=class_name, name=class_name), encoding="utf-8")
    typer.echo(f'{target}\nuse = "{target}:{class_name}" in [[strategies]] of a run file')
