"""Seeds run against a planted defect until one fails that the product as it is passes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

import msgspec

from tests.simulation.cases import ROOT, attempt, case_of
from tests.simulation.defects.patches import Defect, product_with

LIMIT = 10_000
_LONGEST = 30
"""Seconds after which a seed is taken for one that never ends, which is a failure too."""


class Caught(msgspec.Struct, frozen=True, kw_only=True):
    """How many seeds it took, which law broke, and what was seen; `seeds` 0 where nothing was found."""

    defect: str
    title: str = ""
    seeds: int = 0
    seed: int = 0
    law: str = ""
    what: str = ""
    seconds: float = 0.0


def hunt(defect: Defect, *, first: int = 0, limit: int = LIMIT, seconds: float = 120) -> Caught:
    """Run seeds from `first` on, at most `limit`, for so long. One that fails without the defect does not count."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="defect-") as folder:
        product_with(defect, Path(folder))
        seed = first
        while seed < first + limit and (left := seconds - (time.monotonic() - started)) > 1:
            found = _child(Path(folder), first=seed, limit=first + limit - seed, seconds=left)
            if found is None:
                break
            if not attempt(case_of(found.seed)).law:
                return msgspec.structs.replace(
                    found,
                    defect=defect.name,
                    title=defect.title,
                    seeds=found.seed - first + 1,
                    seconds=round(time.monotonic() - started, 1),
                )
            seed = found.seed + 1
    return Caught(defect=defect.name, title=defect.title, seconds=round(time.monotonic() - started, 1))


def _child(folder: Path, *, first: int, limit: int, seconds: float) -> Caught | None:
    """The first seed that fails in a process with that product; none in the time there is."""
    paths = os.pathsep.join([str(folder), str(ROOT)])
    command = [sys.executable, "-m", "tests.simulation.defects.hunting", str(first), str(limit), f"{seconds:.0f}"]
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    child = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        said, _ = child.communicate(timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return None
    if child.returncode:
        return Caught(defect="", seed=first, law="does not start", what=f"exit code {child.returncode}")
    return msgspec.json.decode(said.splitlines()[-1], type=Caught | None)


def _search(*, first: int, limit: int, seconds: float) -> Caught | None:
    started = time.monotonic()
    signal.signal(signal.SIGALRM, _endless)
    for seed in range(first, first + limit):
        signal.alarm(_LONGEST)
        report = attempt(case_of(seed))
        signal.alarm(0)
        if report.law:
            return Caught(defect="", seed=seed, law=report.law, what=report.what)
        if time.monotonic() - started > seconds:
            return None
    return None


def _endless(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"it goes on for more than {_LONGEST} s")


def main() -> int:
    """In the process with the defect. Returns the exit code."""
    import tradsys

    if Path(tradsys.__file__).parent.parent != Path.cwd():
        print(f"not the copy: {tradsys.__file__}", file=sys.stderr)
        return 2
    first, limit, seconds = sys.argv[1:]
    print(msgspec.json.encode(_search(first=int(first), limit=int(limit), seconds=float(seconds))).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
