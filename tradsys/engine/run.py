"""One backtest from a run file to a run folder: what `tradsys backtest` and a notebook call."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from tradsys.engine import settings as layered
from tradsys.engine.assemble import Prepared, prepare
from tradsys.engine.final_state import decisions_hash, final_state, lines_of, state_hash
from tradsys.engine.inputs import hash_of, input_files
from tradsys.engine.results import collect
from tradsys.engine.run_folder import write
from tradsys.engine.runner import Runner, source_hash
from tradsys.engine.saved_run import place_of, relative
from tradsys.engine.settings import Settings
from tradsys.portfolio.performance import measure
from tradsys.portfolio.result import RunResult

PACKAGES = ("numpy", "numba", "msgspec", "pyarrow")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run: its folder, its results, and the prepared run they came from."""

    folder: Path
    result: RunResult
    prepared: Prepared

    def summary(self) -> dict[str, object]:
        """What `tradsys backtest --json` prints."""
        metrics = self.result.metrics
        return {
            "run_dir": str(self.folder),
            "final_equity": metrics["final_equity"],
            "net_pnl": metrics["net_pnl"],
            "charges": metrics["charges"],
            "fills": len(self.result.fills),
            "orders": self.result.orders,
            "refused": metrics["refused"],
            "halted": [each.strategy for each in self.result.halted],
            "interrupted": bool(self.result.interrupted),
            "data": self.result.manifest["data"],
            "compile_seconds": self.result.manifest["compile_seconds"],
            "metrics": dict(metrics),
            "assumptions": list(self.result.assumptions),
        }


def backtest(
    path: Path,
    *,
    flags: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    out: Path = Path("backtests"),
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run a run file and write its folder under `out`. Raises the `TradSysError` family; then nothing is written.

    `progress` is given bars done and bars in all; `stop` is asked every few thousand bars, and a run it ends is written
    with what it has, marked as interrupted; one stopped before its first bar has nothing: `KeyboardInterrupt`.
    """
    found = layered.load(path, environment=os.environ if environment is None else environment, flags=flags)
    prepared = prepare(found)
    total = prepared.replay.events
    prepared.backtest.run(progress=lambda done: progress(done, total), stop=stop)
    if prepared.backtest.interrupted and not prepared.backtest.bars:
        raise KeyboardInterrupt
    return finish(prepared, out=out)


def finish(prepared: Prepared, *, out: Path) -> Outcome:
    """Collect, measure and write a run that has been processed."""
    from tradsys.portfolio.tear_sheet import render

    result, history = collect(prepared, manifest_of(prepared, out=out))
    result = dataclasses.replace(result, metrics=measure(result))
    folder = write(result, history, prepared.backtest.log, folder=out, render=render)
    return Outcome(folder=folder, result=result, prepared=prepared)


def manifest_of(prepared: Prepared, *, out: Path) -> dict[str, object]:
    """What is needed to run it again and to trust that it is the same: configuration, versions and hashes.

    Paths of `place` and `inputs` are as seen from a run folder in `out`.
    """
    found = prepared.settings
    state, decisions = final_state(prepared), decisions_hash(lines_of(prepared.backtest.log))
    return {
        "run": found.run.run.name,
        "configuration": msgspec.to_builtins(found.run),
        "origins": {key: value.origin for key, value in found.values.items()},
        "seed": found.run.run.seed,
        "data": {
            name: {"path": str(s.source), "sha256": s.sha256, "bars": len(s)}
            for name, s in prepared.data.series.items()
        },
        "place": place_of(found, out=out),
        "inputs": {relative(path, out=out): hash_of(path) for path in input_files(found)},
        "strategies": strategy_hashes(prepared.engine.runners),
        **versions(),
        "compile_seconds": _compile_seconds(),
        "bars": prepared.backtest.bars,
        "partial": prepared.backtest.interrupted,
        "final": state,
        "decisions_sha256": decisions,
        "state_sha256": state_hash(state, decisions=decisions),
    }


def versions() -> dict[str, Any]:
    """What runs: `code`, `python` and `packages`."""
    return {
        "code": {"version": version("tradsys"), "sha256": code_hash()},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def strategy_hashes(runners: Iterable[Runner]) -> dict[str, dict[str, object]]:
    """Class, hash of its file, and parameters of each strategy, by its name in the run."""
    found: dict[str, dict[str, object]] = {}
    for runner in runners:
        kind = type(runner.strategy)
        values = {name: getattr(runner.strategy, name) for name in kind.parameters}
        found.setdefault(runner.id, {"class": kind.__qualname__, "sha256": source_hash(kind), "parameters": values})
    return found


def _compile_seconds() -> float:
    """Time spent compiling; a run without indicators loads no compiler at all."""
    compilation = sys.modules.get("tradsys.numerics.compilation")
    return round(compilation.compile_seconds(), 3) if compilation else 0.0


def code_hash() -> str:
    """SHA-256 over every source file of the package, by name."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for source in sorted(root.rglob("*.py")):
        digest.update(str(source.relative_to(root)).encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()


__all__ = ["Outcome", "Settings", "backtest", "finish", "manifest_of"]
