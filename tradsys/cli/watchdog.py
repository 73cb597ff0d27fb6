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
    from tradsys.execution.watchdog import Beat
    from tradsys.journal import Lease

_SERVER_SECONDS = 1.0
"""It waits no longer for a database that the trading process perhaps ended with."""
JOURNAL = "journal"
"""Folder of the trading process's journal inside its data folder; the watchdog's own is beside it."""
MANIFEST = "manifest.json"


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
    unended, keeper = _unended(data_dir), Keeper(FolderDisk(data_dir / "watchdog"))
    process = WatchdogProcess(
        Watchdog(settings),
        unended=unended,
        keeper=keeper,
        beats=BeatServer(data_dir / SOCKET),
        client=lambda selector: VenueClient(host, port=port, selector=selector, chance=random.random),
        account=account,
        key=key,
        clock=_steady(),
        fence=lambda: _fence(data_dir / JOURNAL),
        unanswered=lambda durable: _unanswered(data_dir, settings.flatten.surfaces_within, durable=durable),
        say=lambda line: typer.echo(line, err=True),
    )
    typer.echo(f"watching {data_dir}{_expecting(unended, silence=silence, rested=keeper.rested)}", err=True)
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


def _expecting(unended: Beat | None, *, silence: float, rested: int) -> str:
    if unended is not None and unended.epoch <= rested:
        return f": {unended.run} was brought to rest by an earlier watchdog, silence counts from the first heartbeat"
    if unended is None:
        return ": nobody left a run there, silence counts from the first heartbeat"
    return f": {unended.run} did not end as it should, it is to beat within {silence:g} s"


def _unended(folder: Path) -> Beat | None:
    """The run in a folder that was begun and not ended, with its last lease; none where nobody can have died. What
    cannot be read counts as not ended: then a process that lives beats within a second."""
    import msgspec

    from tradsys.core.errors import TradSysError
    from tradsys.engine.live_journal import store_in
    from tradsys.engine.watchdog.unanswered import was_left
    from tradsys.execution.watchdog import Beat
    from tradsys.journal import FolderDisk
    from tradsys.journal.lease import epochs

    run, epoch = folder.name, 0
    if not (folder / JOURNAL).is_dir():
        return None
    try:
        epoch = max(epochs(FolderDisk(folder / JOURNAL)), default=0)
        if not was_left(store_in(folder, patience=_SERVER_SECONDS)):
            return None
        run = str(msgspec.json.decode((folder / MANIFEST).read_bytes())["run"])
    except (OSError, TradSysError, msgspec.DecodeError, KeyError, TypeError) as error:
        typer.echo(f"how the last process ended cannot be read: {error}", err=True)
    return Beat(run=run, epoch=epoch)


def _unanswered(folder: Path, span: int, *, durable: int) -> Sequence[Sent]:
    """Orders that the trading process sent in the last `span` nanoseconds, among its first `durable` records; none
    where its journal cannot be read, or not at once."""
    from tradsys.core.errors import TradSysError
    from tradsys.engine.live_journal import store_in
    from tradsys.engine.watchdog.unanswered import unanswered_orders

    if not (folder / JOURNAL).is_dir():
        return ()
    try:
        store = store_in(folder, patience=_SERVER_SECONDS)
        return unanswered_orders(store, since=time.time_ns() - span, durable=durable)
    except (OSError, TradSysError) as error:
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
