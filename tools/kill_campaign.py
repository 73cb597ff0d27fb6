"""Trading processes killed at random instants, started again, and compared with what the venue wrote down.

Run by `make kill N=1000`. A batch is one run folder and one served venue: some kills, perhaps a pause (SIGSTOP) through
which another process takes over, and at the end everything is withdrawn and both sides are compared, order by order and
trade by trade. Finished batches are kept in the folder; a campaign that was interrupted goes on after them.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tools.kill_checks import BETWEEN, WHERE, agrees, compared, fallen, truth_of
from tools.kill_scene import ACCOUNT, DELAY_MS, PATIENCE, ServedVenue, Stuck, Trader, write_scene
from tradsys.core.errors import Fenced
from tradsys.engine.control.protocol import Kill, Status

BATCH = 50
LIFE = 1.2
"""Seconds that a process trades at most until it is killed."""
WHILE_STARTING = 0.15
"""Part of the kills that fall at any instant from the start of the process on."""
PAUSE = 6.5
"""Seconds; a lease lasts five, and was renewed at most one before."""
SNAPSHOT_EVERY = 500


class Batch:
    """One run folder, one venue, so many `kills` and `pauses`. A process trades `life` seconds at most; what the venue
    says comes `delay_ms` late."""

    def __init__(
        self, folder: Path, *, kills: int, pauses: int, seed: int, life: float = LIFE, delay_ms: float = DELAY_MS
    ) -> None:
        self._folder, self._kills, self._pauses = folder, kills, pauses
        self._life, self._delay_ms = life, delay_ms
        self._random = random.Random(seed)
        self._run = folder / "run"
        self._where: list[str] = []
        self._times: list[float] = []
        self._in_doubt: list[str] = []
        self._paused: list[dict[str, Any]] = []
        shutil.rmtree(folder, ignore_errors=True)

    def run(self) -> dict[str, Any]:
        """All of it. Raises `Stuck` where a process does not do what it should."""
        venue = ServedVenue(self._folder, delay_ms=self._delay_ms)
        try:
            seconds = self._kills * (LIFE + 1) + self._pauses * 2 * PAUSE + 60
            self._run_file = write_scene(self._folder, port=venue.port, seconds=seconds)
            for _ in range(self._pauses):
                self._pause()
            for number in range(self._kills):
                self._kill()
                print(f"\r  kill {number + 1} of {self._kills}", end="", file=sys.stderr, flush=True)
            print("\r", end="", file=sys.stderr)
            report = self._settle()
        finally:
            venue.close()
        return report | self._compared(venue.record)

    def _start(self) -> Trader:
        return Trader(self._run_file, self._run, "--snapshot-every", str(SNAPSHOT_EVERY))

    def _kill(self) -> None:
        trader = self._start()
        if self._random.random() < WHILE_STARTING:
            trader.listen(trader.began + self._random.uniform(0.2, 1.2))
        else:
            trader.wait_for("reconciled")
            trader.listen(time.monotonic() + self._random.uniform(0, self._life))
        trader.kill()
        if trader.process.returncode != -signal.SIGKILL:
            raise Stuck(f"it ended by itself: {trader.lines}")
        if trader.reconciled_after is not None:
            self._times.append(trader.reconciled_after)
        where, open_tags = fallen(self._run / "journal")
        self._where.append(where)
        self._in_doubt += open_tags

    def _pause(self) -> None:
        """Stop one in the middle of trading, let a second take over, and wake the first."""
        first = self._start()
        first.wait_for("reconciled")
        first.listen(time.monotonic() + self._random.uniform(0.2, 1.0))
        first.send(signal.SIGSTOP)
        time.sleep(PAUSE)
        second = self._start()
        second.wait_for("reconciled")
        second.listen(time.monotonic() + 0.5)
        before = second.ask(Status())
        woke = time.monotonic()
        first.send(signal.SIGCONT)
        code = first.wait()
        ended = time.monotonic() - woke
        second.listen(time.monotonic() + 0.5)
        after = second.ask(Status())
        second.kill()
        goes_on = after["up"] and after["rows"] > before["rows"]
        self._paused.append({"exit_code": code, "seconds": round(ended, 3), "second_goes_on": goes_on})

    def _settle(self) -> dict[str, Any]:
        """A last start; everything is withdrawn and closed; stopped as one should."""
        trader = self._start()
        trader.wait_for("reconciled")
        level = trader.ask(Status())["level"]
        body = trader.ask(Kill(level="flatten", reason="the batch ends", by="campaign"))
        deadline = time.monotonic() + PAUSE + PATIENCE
        while not (body["flat"] or {}).get("flat") and time.monotonic() < deadline:
            time.sleep(0.05)
            body = trader.ask(Status())
        code = trader.stop()
        return {"level": level, "flat": body["flat"], "exit_code": code}

    def _compared(self, record: Path) -> dict[str, Any]:
        truth = truth_of(record, account=ACCOUNT)
        run = json.loads((self._run / "manifest.json").read_text())["run"]
        return {
            "kills": len(self._where),
            "where": dict(Counter(self._where)),
            "seconds": [round(each, 4) for each in self._times],
            "in_doubt": len(self._in_doubt),
            "in_doubt_at_venue": sum(tag in truth.orders for tag in self._in_doubt),
            "pauses": self._paused,
            "compared": compared(self._run / "journal", truth, run=run),
        }


def failures(batch: dict[str, Any]) -> list[str]:
    """What is amiss in a batch."""
    found = [] if agrees(batch["compared"]) else [f"not as the venue has it: {batch['compared']}"]
    if batch["level"] != "NORMAL":
        found.append(f"the safety level rose to {batch['level']}")
    if not batch["flat"]["flat"] or batch["exit_code"]:
        found.append(f"it did not end flat: {batch['flat']}, exit code {batch['exit_code']}")
    fenced = [each for each in batch["pauses"] if each["exit_code"] != Fenced.exit_code or not each["second_goes_on"]]
    return found + [f"a process that slept: {each}" for each in fenced]


def summary(batches: list[dict[str, Any]]) -> dict[str, Any]:
    """All batches in one."""
    where = sum((Counter(each["where"]) for each in batches), Counter[str]())
    times = sorted(second for each in batches for second in each["seconds"])
    kills = sum(each["kills"] for each in batches)
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    totals = {name: sum(each["compared"][name] for each in batches) for name in ("orders", "trades")}
    amiss = {
        name: sum(len(each["compared"][name]) for each in batches)
        for name in ("double", "unrecorded", "lost", "invented")
    }
    return {
        "kills": kills,
        "where": {name: where[name] for name in WHERE},
        "between_share": round(where[BETWEEN] / max(kills, 1), 4),
        "in_doubt": sum(each["in_doubt"] for each in batches),
        "in_doubt_at_venue": sum(each["in_doubt_at_venue"] for each in batches),
        "reconciled_s": {"n": len(times), "p50": cuts[49], "p99": cuts[98], "max": max(times, default=0.0)},
        "pauses": sum(len(each["pauses"]) for each in batches),
        **totals,
        **amiss,
        "positions_differ": sum(
            each["compared"]["position"] != each["compared"]["position_at_venue"] for each in batches
        ),
        "failures": [what for each in batches for what in failures(each)],
    }


def campaign(folder: Path, *, kills: int, pauses: int, seed: int) -> dict[str, Any]:
    """Batches until there are so many kills; those of the folder count."""
    folder.mkdir(parents=True, exist_ok=True)
    batches: list[dict[str, Any]] = []
    while (done := sum(each["kills"] for each in batches)) < kills:
        number = len(batches)
        path = folder / f"batch-{number:04d}.json"
        if not path.exists():
            began = time.monotonic()
            left = pauses if not number else 0
            batch = Batch(folder / "scene", kills=min(BATCH, kills - done), pauses=left, seed=seed + number).run()
            path.write_text(json.dumps(batch | {"took_s": round(time.monotonic() - began, 1)}))
        batches.append(json.loads(path.read_text()))
        now = summary(batches)
        print(
            f"{now['kills']} kills, {now['between_share']:.0%} between record and answer, "
            f"reconciled after {now['reconciled_s']['p50']:.2f} s, failures: {now['failures'] or 'none'}",
            file=sys.stderr,
            flush=True,
        )
        if now["failures"]:
            break
    return summary(batches)


def histogram(report: dict[str, Any]) -> str:
    """Where the kills fell, as bars."""
    most = max([*report["where"].values(), 1])
    return "\n".join(f"{name:<60} {count:>5}  {'#' * (40 * count // most)}" for name, count in report["where"].items())


def main() -> int:
    """Run the campaign that the command line describes; 1 where something is amiss."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=1000)
    words.add_argument("--pauses", type=int, default=3)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--folder", type=Path, default=Path("runs/kill"))
    given = words.parse_args()
    report = campaign(given.folder, kills=given.kills, pauses=given.pauses, seed=given.seed)
    (given.folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(histogram(report), file=sys.stderr)
    print(json.dumps(report))
    return 1 if report["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
