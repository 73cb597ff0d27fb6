"""A live run from its journal: decided on once more and compared, and the way of one order to the venue and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.venue import AnyCommand, ChangeOrder, PlaceOrder, Taken
from tradsys.engine.assemble import Wired
from tradsys.engine.final_state import final_state
from tradsys.engine.live_folder import manifest_of
from tradsys.engine.live_journal import store_in
from tradsys.engine.run import code_hash, strategy_hashes
from tradsys.engine.run_file import RunFile
from tradsys.engine.saved_run import LIVE, SavedRun, manifest_in, open_run, settings_of
from tradsys.engine.trading import records
from tradsys.engine.trading.assembly import EXTERNAL, assemble, configuration_hash
from tradsys.engine.trading.process import Process
from tradsys.execution.own.protocol import ClientSession
from tradsys.execution.tags import tag_of
from tradsys.journal import Record

Progress = Callable[[int, int], None]
_EVERY = 1000
_ABOUT = frozenset({"Taken", "Declined", "Changed", "Awoken", "Dealt", "Undone", "Ended", "CommandDeclined"})


def open_live(folder: Path) -> SavedRun:
    """The live run in a folder, which a process may be writing: its lines are the decisions that are durable by now.

    Raises `MissingData`, `DataError`, `ConfigError` as a run of a backtest does, `JournalDamaged` while it is read.
    """
    folder = Path(os.path.abspath(folder))
    manifest = manifest_of(folder)
    return SavedRun(
        folder=folder, manifest=manifest, settings=settings_of(folder, manifest), lines=lambda: _lines(folder)
    )


def open_any(folder: Path) -> SavedRun:
    """The run in a run folder, of a backtest or live. Raises as `open_run` and `open_live`."""
    return open_live(folder) if manifest_in(folder).get("kind") == LIVE else open_run(folder)


def records_of(saved: SavedRun) -> Iterator[Record]:
    """Everything that a live run's journal holds. Raises `JournalDamaged`."""
    return iter(store_in(saved.folder).read())


def _lines(folder: Path) -> Iterator[bytes]:
    return (each.payload for each in store_in(folder).read() if each.kind == records.ENTRY)


def wired_again(saved: SavedRun) -> tuple[Process, Wired]:
    """A process of the run that was told nothing, and what it is made of. It has no way to a venue.

    Raises the `InputRefused` family where its data or its strategies cannot be used any more.
    """

    def session() -> ClientSession:
        return ClientSession(account=saved.settings.run.venue.account, key="")

    found = assemble(saved.settings, run=str(saved.manifest["run"]), session=session)
    # Paths are absolute here; the journal names the configuration as it was written.
    written = configuration_hash(msgspec.convert(saved.manifest["configuration"], RunFile))
    found.process.run = msgspec.structs.replace(found.process.run, configuration=written)
    return found.process, found.wired


def tell(
    process: Process,
    saved: SavedRun,
    *,
    progress: Progress = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> str:
    """Tell a process the journal, until `stop`; why it could not be told all of it, empty where it could."""
    for record in records_of(saved):
        try:
            process.told(record)
        except InvariantBroken as error:
            return error.message
        if stop():
            return ""
        if record.sequence % _EVERY == 0:
            progress(process.trading.rows, len(process.feed))
    return ""


def replayed(saved: SavedRun, *, verify: bool, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """What `tradsys replay --json` prints of a live run.

    `run`, `records`, `inputs`, `rows` (of the feed), `decisions` (records of what was decided: log lines, commands,
    plans, safety levels, alerts), `code_changed`, `final_equity`; with `verify` also `identical` (of them, those that
    were made anew before the first that was not), `first_difference` (None, or record and what was made instead) and
    `verified`. Raises the `InputRefused` family, and `JournalDamaged`.
    """
    process, wired = wired_again(saved)
    why = tell(process, saved, progress=progress)
    counts = dict.fromkeys(("records", "decisions"), 0)
    for record in records_of(saved):
        counts["records"] += 1
        counts["decisions"] += record.kind in records.OUTPUTS
    found: dict[str, Any] = {
        "run": str(saved.folder),
        **counts,
        "inputs": process.replayed.inputs,
        "rows": process.trading.rows,
        "code_changed": code_changed(saved, wired),
        "final_equity": final_state(wired)["equity"],
    }
    return found | _verdict(process, counts["decisions"], why) if verify else found


def _verdict(process: Process, decisions: int, why: str) -> dict[str, Any]:
    first = process.replayed.first_difference
    if why and first is None:
        first = {"why": why}
    identical = decisions if first is None else max(0, process.replayed.outputs - 1)
    return {"identical": identical, "first_difference": first, "verified": first is None}


def code_changed(saved: SavedRun, wired: Wired) -> list[str]:
    """What is not the program that the run began with: `tradsys`, `strategies.NAME`."""
    begun = next((each for each in records_of(saved) if each.kind == records.RUN), None)
    if begun is None:
        return []
    said: records.RunBegun = records.decode(begun.kind, begun.payload, sequence=begun.sequence)
    found = ["tradsys"] if code_hash() != said.code else []
    hashes = strategy_hashes(wired.engine.runners)
    return found + [
        f"strategies.{name}" for name, digest in said.strategies.items() if hashes[name]["sha256"] != digest
    ]


def completed(saved: SavedRun) -> SavedRun:
    """A run with the account at its end, its data and its strategies in the manifest, as one of a backtest has them.

    Raises as `wired_again`, and `InvariantBroken` for a journal that the program as it is would not write.
    """
    if "final" in saved.manifest:
        return saved
    process, wired = wired_again(saved)
    why = tell(process, saved)
    if why:
        raise InvariantBroken(why, value=str(saved.folder), fix="compare it with the program that wrote it")
    hashes = strategy_hashes(wired.engine.runners)
    more = {
        "final": final_state(wired),
        "data": {
            name: {"path": str(each.source), "sha256": each.sha256, "bars": len(each)}
            for name, each in wired.data.series.items()
        },
        "strategies": {name: each for name, each in hashes.items() if name != EXTERNAL},
    }
    return msgspec.structs.replace(saved, manifest=saved.manifest | more)


# --- one order's way


def way_of(saved: SavedRun, order_id: int) -> list[dict[str, Any]]:
    """What was sent of an order and what the venue said of it: each with its `record`, `at`, `what`, `body`, `since_ns`
    (the run's clock, since the step before), `latency_ns` (an answer: since its command was recorded, by the machine's
    clock)."""
    tag = tag_of(str(saved.manifest["run"]), order_id)
    found: list[dict[str, Any]] = []
    venue_id = 0
    asked: dict[str, int] = {}
    for record in records_of(saved):
        if record.kind not in (records.INTENT, records.REPORT):
            continue
        item = records.decode(record.kind, record.payload, sequence=record.sequence)
        if not _is_about(item, tag, venue_id):
            continue
        if isinstance(item, Taken):
            venue_id = item.venue_id
        step = _step(record, item, before=found[-1]["at"] if found else record.at)
        if record.kind == records.INTENT:
            asked[_answer_of(item)] = record.recorded_at
        elif step["what"] in asked:
            step["latency_ns"] = record.recorded_at - asked.pop(step["what"])
        found.append(step)
    return found


def _answer_of(command: AnyCommand) -> str:
    """The kind of report that answers a command."""
    if isinstance(command, PlaceOrder):
        return "Taken"
    return "Changed" if isinstance(command, ChangeOrder) else "Ended"


def _is_about(item: Any, tag: str, venue_id: int) -> bool:
    if type(item).__name__ not in _ABOUT and not isinstance(item, AnyCommand):
        return False
    return getattr(item, "tag", "") == tag or (venue_id > 0 and getattr(item, "venue_id", 0) == venue_id)


def _step(record: Record, item: Any, *, before: int) -> dict[str, Any]:
    return {
        "record": record.sequence,
        "at": record.at,
        "what": type(item).__name__,
        "since_ns": record.at - before,
        "body": msgspec.to_builtins(item),
    }
