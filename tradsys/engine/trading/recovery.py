"""Starting again: the newest snapshot that can be believed, then what the journal has after it.

What the snapshot stands for is checked, though not decided on again: at least a day of it, or a million records. A
snapshot is the state of every part between two inputs, with the run that it is of. One that is damaged, or of another
run, program or version, is named and left aside: then an older one is read, or the whole journal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from tradsys.core.errors import ConfigError, InputRefused, JournalDamaged, JournalFailed, JournalFull, TradSysError
from tradsys.engine.trading import records
from tradsys.engine.trading.engine_state import engine_state, restore_engine
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.records import RunBegun
from tradsys.engine.trading.trading import Memory, Trading
from tradsys.journal import Disk, snapshots
from tradsys.journal.journal import RESERVE_BYTES, SEGMENT_BYTES, Journal
from tradsys.journal.lease import Lease
from tradsys.journal.opening import SegmentStore
from tradsys.journal.port import JournalStore
from tradsys.journal.reading import Position
from tradsys.journal.records import Record

EVERY = 50_000
"""Records from one snapshot to the next."""
KEPT = 2
"""So many snapshots stay, the newest."""
VERSION = 1
KINDS = (*records.INPUTS, *records.OUTPUTS, records.SNAPSHOT, records.SEAL)
Say = Callable[[str], None]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A trading process between two inputs: which run and program, the instant, and the state of each part."""

    version: int = VERSION
    run: RunBegun
    at: int
    memory: Memory
    engine: bytes
    tracker: bytes
    reconciler: bytes
    switch: bytes
    safety: bytes
    watch: bytes = b""


def state_of(process: Process) -> bytes:
    """All that a process has become, as MessagePack; the same bytes for the same state. Between two inputs only.

    Raises `StrategyError` for a strategy that holds what cannot be kept.
    """
    trading = process.trading
    state = State(
        run=process.run,
        at=process.now,
        memory=trading.memory(),
        engine=engine_state(trading.engine, schedule=trading.schedule, cutoffs=trading.cutoffs),
        tracker=trading.tracker.state(),
        reconciler=trading.reconciling.reconciler.state(),
        switch=trading.switch.state(),
        safety=trading.safety.state(),
        watch=trading.watch.state() if trading.watch is not None else b"",
    )
    return msgspec.msgpack.encode(state)


def restore(process: Process, state: bytes) -> None:
    """Make a process that was told nothing what another was when `state` was taken.

    Raises `ConfigError` for bytes that are no state, or another run's or program's; nothing was changed then. Raises
    `StrategyError` where a strategy cannot take up its own: wire another process then.
    """
    saved = _decoded(state)
    _demand_same(process.run, saved.run)
    trading = process.trading
    restore_engine(trading.engine, schedule=trading.schedule, cutoffs=trading.cutoffs, state=saved.engine)
    _restore_parts(trading, saved)
    process.resume(at=saved.at)


def _restore_parts(trading: Trading, saved: State) -> None:
    trading.remember(saved.memory)
    trading.tracker.restore(saved.tracker)
    trading.reconciling.reconciler.restore(saved.reconciler)
    trading.switch.restore(saved.switch)
    trading.safety.restore(saved.safety)
    if trading.watch is not None:
        trading.watch.restore(saved.watch)


def _decoded(state: bytes) -> State:
    try:
        saved = msgspec.msgpack.decode(state, type=State)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"it is no state of a trading process: {error}", value=len(state)) from error
    if saved.version != VERSION:
        raise ConfigError(f"version {saved.version} wrote it", value=saved.version, limit=VERSION)
    return saved


def _demand_same(ours: RunBegun, saved: RunBegun) -> None:
    for name in ("run", "configuration", "feed", "code", "strategies"):
        mine, theirs = getattr(ours, name), getattr(saved, name)
        if mine != theirs:
            raise ConfigError(f"it is of another {name}", value=str(mine), limit=str(theirs))


# --- start


def recover(
    fresh: Callable[[], Process],
    disk: Disk,
    *,
    lease: Lease | None,
    say: Say,
    renew: Callable[[], None] = lambda: None,
    store: JournalStore | None = None,
    segment_bytes: int = SEGMENT_BYTES,
    reserve_bytes: int = RESERVE_BYTES,
) -> tuple[Process, Journal]:
    """A process that was told everything there is, and its journal, open for writing. `fresh` wires a new one; `renew`
    is called every thousand records: reading may take longer than a lease lasts. The records are in a `store`; where
    none is given, in segments of those sizes on the disk.

    Raises `ResourceError`, `JournalFailed` and its family, and `InvariantBroken` for a journal that the run, with the
    program as it is, would not have written.
    """
    store = store or SegmentStore(disk, segment_bytes=segment_bytes, reserve_bytes=reserve_bytes)
    process, since = _from_snapshot(fresh, store, say)
    if since is not None:
        _check_before(store, since, renew)

    def told(record: Record) -> None:
        if record.sequence % 1000 == 0:
            renew()
        process.told(record)

    return process, store.open(told=told, since=since, kinds=KINDS, lease=lease)


def _from_snapshot(fresh: Callable[[], Process], store: JournalStore, say: Say) -> tuple[Process, Position | None]:
    process = fresh()
    for name in snapshots.names(store.disk):
        try:
            snapshot = snapshots.load(store.disk, name, source=store.read)
            restore(process, snapshot.state)
        except (JournalDamaged, InputRefused, msgspec.DecodeError) as error:
            say(f"snapshot {name} is not used: {error}")
            process = fresh()
        else:
            return process, snapshot.position
    return process, None


def _check_before(store: JournalStore, since: Position, renew: Callable[[], None]) -> None:
    """What a snapshot stands for is not read; what was damaged there would be traded on, and never be seen."""
    try:
        store.check_before(since, pause=renew)
    except OSError as error:
        raise JournalFailed(f"the journal cannot be read: {error}", fix="see to the disk, then restart") from error


# --- while it runs


class Snapshots:
    """Takes one every so many records. A strategy whose state cannot be kept is named once; no more are tried."""

    def __init__(self, process: Process, journal: Journal, disk: Disk, *, every: int = EVERY, say: Say) -> None:
        self._process, self._journal, self._disk = process, journal, disk
        self._every = every
        self._say = say
        self._last = journal.durable
        self.impossible = ""

    def take_if_due(self, *, at: int) -> None:
        """After a commit. Raises `JournalFailed`."""
        if self._journal.durable >= self._last + self._every:
            self.take(at=at)

    def take(self, *, at: int) -> None:
        """Keep the state as it is, and forget old ones; nothing while the disk is full, which must not end a process
        that can still write down what it does. Raises `JournalFailed`."""
        if self.impossible or self._journal.on_reserve or self._journal.durable == self._last:
            return
        try:
            state = state_of(self._process)
        except TradSysError as error:
            self.impossible = error.message
            self._say(f"no snapshots, so that a restart reads the whole journal: {error.message}")
            return
        try:
            snapshots.save(self._disk, self._journal, state, at=at, recorded_at=self._process.recorded_at)
        except JournalFull as error:
            self._last = self._journal.durable
            self._say(f"no snapshot now: {error.message}")
            return
        self._process.pages.clear()
        self._last = self._journal.durable
        for name in snapshots.names(self._disk)[KEPT:]:
            with contextlib.suppress(OSError):
                self._disk.remove(name)
