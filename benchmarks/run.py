"""Run every workload on TradSys and on its peers in one session and write docs/benchmarks.md.

Our own side of a workload is `benchmarks/WORKLOAD.py`: like a peer's script it prints JSON lines
`{peer, version, workload, n, seconds, per_sec, peak_rss_mb, setup_seconds, result}` with `peer` "TradSys"; `mode` tells
several lines of one script apart. `indicators` adds `common12_s each_ms streaming_us`, `start` has
`cold_compile_s warm_start_s help_s` in place of a speed, `risk` has `ms`.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT, WORKLOADS, PeerScript, PeerUnavailable, environment, printed, scripts_folder
from benchmarks.report import report

ONCE_OVER_SECONDS = 30.0
NAMES = (*WORKLOADS, "start", "journal", "live", "risk", "gate")
YARDSTICK = [sys.executable, "-m", "benchmarks.yardstick"]


@dataclass
class Measured:
    """A workload's median lines and the reasons why some took no part."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def command_of(script: PeerScript | None, workload: str) -> list[str]:
    """How to run a peer's script, or ours where there is none.

    Raises PeerUnavailable where it cannot be run here.
    """
    if script is not None:
        return [str(environment(script.peer)), str(scripts_folder() / script.script), *script.arguments]
    if not (ROOT / "benchmarks" / f"{workload}.py").is_file():
        raise PeerUnavailable(f"no benchmarks/{workload}.py")
    return [sys.executable, "-m", f"benchmarks.{workload}"]


def median_of(values: Sequence[Any]) -> Any:
    """The median of numbers, of each entry of mappings, or the last of anything else."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return statistics.median(values)
    if all(isinstance(value, dict) for value in values):
        shared = set.intersection(*(set(value) for value in values))
        return {key: median_of([value[key] for value in values]) for key in values[-1] if key in shared}
    return values[-1]


def measure(workload: str, *, runs: int) -> Measured:
    """Medians of `runs` rounds; a round runs each side once, and what takes over 30 s runs in the first round only."""
    sides: dict[str, PeerScript | None] = {"TradSys": None}
    sides |= {script.peer.name: script for script in WORKLOADS.get(workload, ())}
    measured, taken = Measured(), defaultdict(list)
    for round_number in range(runs):
        for name, script in list(sides.items()):
            print(f"{workload} {round_number + 1}/{runs}: {name}", file=sys.stderr)
            try:
                lines = printed(command_of(script, workload), what=name)
            except PeerUnavailable as reason:
                measured.absent[name] = str(reason)
                del sides[name]
                continue
            for line in lines:
                line["vectorised"] = script is not None and script.vectorised
                taken[line["peer"], line.get("mode")].append(line)
            if sum(line.get("seconds", 0.0) for line in lines) > ONCE_OVER_SECONDS:
                del sides[name]
    measured.lines = [{**median_of(lines), "runs": len(lines)} for lines in taken.values()]
    return measured


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--runs", type=int, default=5, help="rounds to take the median of")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="date to put on the report")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.workloads) - set(NAMES)):
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if asked.runs < 1:
        parser.error(f"--runs {asked.runs}: at least 1")
    return asked


def main() -> int:
    """Measure, write the report, print where it is."""
    asked = arguments()
    bare = median_of([line["per_sec"] for _ in range(asked.runs) for line in printed(YARDSTICK, what="bare loop")])
    measured = {name: measure(name, runs=asked.runs) for name in asked.workloads or NAMES}
    lines = {name: each.lines for name, each in measured.items()}
    absent = {name: each.absent for name, each in measured.items()}
    asked.output.write_text(report(lines, absent, date=asked.date, yardstick=bare))
    print(asked.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
