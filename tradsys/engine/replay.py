"""A run that was kept, run again: by its own settings, on the same data, and compared line by line."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tradsys.core.errors import ConfigError, DataError
from tradsys.engine.assemble import Prepared, prepare
from tradsys.engine.data import Loaded, load_data
from tradsys.engine.final_state import decisions_hash, final_state, lines_of, state_hash
from tradsys.engine.inputs import hash_of
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.run import strategy_hashes, versions
from tradsys.engine.saved_run import SavedRun
from tradsys.engine.settings import Settings
from tradsys.reference.clock import iso

Progress = Callable[[int, int], None]


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A saved run and the same run done again. `last` is the end of the data where these were cut (UTC nanoseconds),
    else None."""

    saved: SavedRun
    prepared: Prepared
    last: int | None

    def lines(self) -> Iterator[bytes]:
        """The lines of the repetition, up to the end of the data."""
        lines = (line for chunk in lines_of(self.prepared.backtest.log) for line in chunk.splitlines())
        return self._until(lines)

    def saved_lines(self) -> Iterator[bytes]:
        """The lines of the saved run, up to the same instant."""
        return self._until(self.saved.lines())

    def _until(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        last = self.last
        return iter(lines) if last is None else takewhile(lambda line: _AT.decode(line).at <= last, lines)

    def summary(self) -> dict[str, Any]:
        """What `tradsys replay --json` prints: `run`, `bars`, `decisions` (lines of the repetition), `until`,
        `code_changed` (names of what is not as it was), and of a whole repetition `final_equity` and both hashes."""
        lines = sum(1 for _ in self.lines())
        found: dict[str, Any] = {
            "run": str(self.saved.folder),
            "bars": self.prepared.backtest.bars,
            "decisions": lines,
            "until": None if self.last is None else iso(self.last),
            "code_changed": code_changed(self.saved, self.prepared),
        }
        if self.last is None:
            state, decisions = final_state(self.prepared), decisions_hash(lines_of(self.prepared.backtest.log))
            found |= {
                "final_equity": state["equity"],
                "decisions_sha256": decisions,
                "state_sha256": state_hash(state, decisions=decisions),
            }
        return found

    def verdict(self) -> dict[str, Any]:
        """The summary with the comparison: `decisions` (lines of the saved run), `identical` (of them, those that are
        the same line at the same place), `first_difference` (None, or its number and both lines; None where one log has
        ended), `state_identical` (None where the data were cut) and `verified`."""
        count = same = 0
        first: dict[str, Any] | None = None
        for number, (here, there) in enumerate(zip_longest(self.saved_lines(), self.lines())):
            count += here is not None
            same += here == there
            if first is None and here != there:
                first = {"line": number, "saved": _plain(here), "replayed": _plain(there)}
        found = self.summary()
        state = None if self.last is not None else found["state_sha256"] == self.saved.manifest["state_sha256"]
        compared = {"identical": same, "first_difference": first, "state_identical": state}
        return found | {"decisions": count, **compared, "verified": first is None and state is not False}


class _At(msgspec.Struct):
    at: int


_AT = msgspec.json.Decoder(_At)


def _plain(line: bytes | None) -> Any:
    return None if line is None else msgspec.json.decode(line)


def replay(saved: SavedRun, *, until: str | None = None, progress: Progress = lambda done, total: None) -> Replayed:
    """Run it again, on its whole data or on what was known `until` a part of it (`0.5`) or an instant.

    Raises `DataError` or `MissingData` naming the file where the data are not what they were, and the `InputRefused`
    family for whatever else keeps it from running.
    """
    refuse_changed(saved)
    settings = saved.settings if until is None else _cut(saved.settings, until)
    prepared = prepare(settings)
    _refuse_other_data(saved, prepared.data)
    run(prepared, saved, progress=progress)
    last = None if until is None else max(int(series.at[-1]) for series in prepared.data.series.values())
    return Replayed(saved=saved, prepared=prepared, last=last)


def run(
    prepared: Prepared,
    saved: SavedRun,
    *,
    progress: Progress = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Process what the saved run processed: one that was interrupted ends where it ended. `stop` ends it earlier."""
    driver, total = prepared.backtest, prepared.replay.events
    bars = int(saved.manifest["bars"]) if saved.manifest["partial"] else total + 1
    driver.run(progress=lambda done: progress(done, total), stop=lambda: driver.bars >= bars or stop())


def refuse_changed(saved: SavedRun) -> None:
    """Raise `DataError` for a data file that is not what the run read, `MissingData` for one that is gone."""
    for path, digest in saved.inputs.items():
        found = hash_of(path)
        if found != digest:
            raise _changed(path, found=found, digest=digest)


def _refuse_other_data(saved: SavedRun, data: Loaded) -> None:
    """The series themselves, too: a pattern may match more files than it did."""
    for name, series in data.series.items():
        known = saved.manifest["data"].get(name, {}).get("sha256")
        if known != series.sha256:
            raise _changed(series.source, found=series.sha256, digest=known)


def _changed(path: Path, *, found: str, digest: str) -> DataError:
    return DataError(
        f"{path} is not what the run read: its SHA-256 is {found[:16]}…, and was {digest[:16]}…",
        value=str(path),
        limit=digest,
        fix="bring back the file as it was, or run the backtest again",
    )


def code_changed(saved: SavedRun, prepared: Prepared) -> list[str]:
    """What is not the program that the saved run was made with: `tradsys`, `python`, packages, `strategies.NAME`."""
    now, then = versions(), saved.manifest
    found = ["tradsys"] if now["code"]["sha256"] != then["code"]["sha256"] else []
    found += ["python"] if now["python"] != then["python"] else []
    found += [name for name, number in now["packages"].items() if then["packages"].get(name) != number]
    hashes = strategy_hashes(prepared.engine.runners)
    known = {name: each.get("sha256") for name, each in then["strategies"].items()}
    return found + [f"strategies.{name}" for name, each in hashes.items() if known.get(name) != each["sha256"]]


def load(settings: Settings) -> Loaded:
    """The data of a run and nothing else. Raises as `load_data`."""
    currency = settings.run.run.currency
    sections = sections_of(settings.run)
    return load_data(settings, {each.id: build_instrument(each, currency=currency) for each in sections})


def _cut(settings: Settings, until: str) -> Settings:
    """The same run on data that end earlier."""
    section = settings.run.run
    at = _instant(settings, until)
    return msgspec.structs.replace(
        settings, run=msgspec.structs.replace(settings.run, run=msgspec.structs.replace(section, to=iso(at)))
    )


def _instant(settings: Settings, until: str) -> int:
    """The end of the bar that a fraction of all bars ends with, or the instant given; UTC nanoseconds."""
    data = load(settings)
    at = np.sort(np.concatenate([series.at[data.first[name] :] for name, series in data.series.items()]))
    try:
        part = float(until)
    except ValueError:
        return _moment(until, first=int(at[0]), last=int(at[-1]))
    if not 0 < part <= 1:
        raise ConfigError("no part of the data", value=until, limit="above 0, up to 1", fix="--until 0.5 is half of it")
    return int(at[max(int(part * len(at)) - 1, 0)])


def _moment(until: str, *, first: int, last: int) -> int:
    try:
        moment = datetime.datetime.fromisoformat(until)
    except ValueError:
        moment = datetime.datetime.min
    at = 0 if moment.tzinfo is None else int(moment.timestamp()) * 10**9
    if not first <= at <= last:
        raise ConfigError(
            "no instant of the run",
            value=until,
            limit=f"{iso(first)} to {iso(last)}, or a part such as 0.5",
            fix="write it with its offset: 2015-01-30T15:30:00+05:30",
        )
    return at
