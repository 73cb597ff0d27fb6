"""`tradsys watchdog`: the process beside a trading process that brings its account to rest when it is gone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tradsys.engine.watchdog.process import Fence
    from tradsys.execution.flattening_parts import Sent
    from tradsys.journal import Lease

JOURNAL = "journal"
"""Folder of the trading process's journal inside its data folder; the watchdog's own is beside it."""


def watchdog(
    data_dir: Annotated[Path, typer.Option(help="Data folder of the trading process to watch.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="The venue's port.")],
    account: Annotated[int, typer.Option(help="Number of the account.")],
    key_file: Annotated[Path, typer.Option(help="File of mode 0600 with the account's key.")],
    host: Annotated[str, typer.Option(help="The venue's host.")] = "127.0.0.1",
    silence: Annotated[float, typer.Option(help="Seconds without a heartbeat until it acts.")] = 5.0,
    level: Annotated[str, typer.Option(help="What it does then: cancel or flatten.")] = "flatten",
    guard: Annotated[float, typer.Option(min=0, help="Seconds that it stays, for orders that appear late.")] = 120.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output at the end.")] = False,
) -> None:
    """Watch for heartbeats; when they end, withdraw and close everything, and return once the account stays at rest."""
    import msgspec

    from tradsys.core.units import SECOND
    from tradsys.engine.account_key import key_in_file
    from tradsys.engine.control.protocol import level_of
    from tradsys.engine.watchdog.keeping import Keeper
    from tradsys.engine.watchdog.process import WatchdogProcess
    from tradsys.engine.watchdog.server import SOCKET, BeatServer
    from tradsys.execution.own.client import VenueClient
    from tradsys.execution.watchdog import Watchdog, WatchdogSettings
    from tradsys.journal import FolderDisk

    key = key_in_file(key_file)
    settings = WatchdogSettings(silence=round(silence * SECOND), level=level_of(level), guard=round(guard * SECOND))
    process = WatchdogProcess(
        Watchdog(settings),
        keeper=Keeper(FolderDisk(data_dir / "watchdog")),
        beats=BeatServer(data_dir / SOCKET),
        client=lambda selector: VenueClient(host, port=port, selector=selector, chance=random.random),
        account=account,
        key=key,
        clock=_steady(),
        fence=lambda: _fence(data_dir / JOURNAL),
        unanswered=lambda: _unanswered(data_dir / JOURNAL, settings.flatten.surfaces_within),
        say=lambda line: typer.echo(line, err=True),
    )
    typer.echo(f"watching {data_dir}", err=True)
    report = process.run()
    if json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        counts = f"{report.orders_cancelled} orders withdrawn, {report.positions_closed} positions closed"
        typer.echo(f"at rest after {report.seconds_to_flat:.3f} s: {counts}")


def _steady() -> Callable[[], int]:
    """UTC nanoseconds that never go back: the wall's once, from then on counted."""
    offset = time.time_ns() - time.monotonic_ns()
    return lambda: offset + time.monotonic_ns()


def _unanswered(folder: Path, span: int) -> Sequence[Sent]:
    """Orders that the trading process sent in the last `span` nanoseconds; none where its journal cannot be read."""
    from tradsys.engine.watchdog.unanswered import unanswered_orders
    from tradsys.journal import FolderDisk

    if not folder.is_dir():
        return ()
    try:
        return unanswered_orders(FolderDisk(folder), since=time.time_ns() - span)
    except OSError as error:
        typer.echo(f"the journal cannot be read, going on: {error}", err=True)
        return ()


class _HeldLease:
    """The trading process's lease, taken over."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.epoch = lease.epoch

    def renew(self) -> bool:
        """See `Fence`."""
        from tradsys.core.errors import JournalFailed

        try:
            self._lease.renew(time.monotonic_ns())
        except JournalFailed:
            return False
        return True

    def release(self) -> None:
        """See `Fence`."""
        self._lease.release()


def _fence(folder: Path) -> Fence | None:
    """The lease of the journal in a folder, or None where its holder still has it or the disk fails."""
    from tradsys.core.errors import JournalFailed, ResourceError
    from tradsys.journal import FolderDisk, Lease

    if not folder.is_dir():
        return None
    try:
        return _HeldLease(Lease.acquire(FolderDisk(folder), holder="watchdog", now=time.monotonic_ns()))
    except (ResourceError, JournalFailed, OSError):
        return None
