"""`tradsys run`: trade a run file at a venue, until told to stop; start it again and it goes on."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tradsys.engine.live import LiveProcess


def run(
    config: Annotated[Path, typer.Argument(help="The run file (TOML).")],
    data_dir: Annotated[Path | None, typer.Option(help="The run folder; default: runs/NAME.")] = None,
    speed: Annotated[float, typer.Option(help="Seconds of the recorded feed in one second.")] = 1.0,
    until_fed: Annotated[bool, typer.Option("--until-fed", help="End when the feed does.")] = False,
    snapshot_every: Annotated[int, typer.Option(min=1, help="Records from one snapshot to the next.")] = 50_000,
    live: Annotated[bool, typer.Option("--live", help="At a broker, with money: not possible yet.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a key: --set venue.port=7700.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output at the end.")] = False,
) -> None:
    """Trade on paper at the venue of the run file. SIGTERM and Ctrl-C end it as one should; its folder resumes it."""
    from tradsys.engine.live_folder import DEFAULT
    from tradsys.engine.live_start import LiveTerms, prepared
    from tradsys.engine.settings import load

    if live:
        _refuse_live()
    settings = load(config, environment=os.environ, flags=set_ or [])
    folder = data_dir or DEFAULT / settings.run.run.name
    terms = LiveTerms(chance=random.random, say=_say, speed=speed, until_fed=until_fed, snapshot_every=snapshot_every)
    process = prepared(settings, folder, terms)
    _say(f"{process.process.run.run} in {folder}")
    with _told_to_stop(process):
        process.run()
    body = {"run_dir": str(folder), **process.status(), "stopped": process.stopping}
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(body).decode())
    else:
        typer.echo(f"stopped: {process.stopping}; {body['records']} records in {folder}")


def _refuse_live() -> None:
    from tradsys.core.errors import ConfigError

    raise ConfigError(
        "there is no way to a broker yet: no adapter is built in",
        value="--live",
        limit="paper trading at `tradsys exchange serve`",
        fix="leave --live out",
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _told_to_stop(process: LiveProcess) -> Iterator[None]:
    """SIGTERM and SIGINT end the loop after its turn."""

    def remember(number: int, frame: object) -> None:
        process.stopping = signal.Signals(number).name

    before = {number: signal.signal(number, remember) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
