"""A seed gives the same run in every process, whatever its hashes are seeded with."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.simulation.cases import ROOT

SEEDS = range(3, 9)
SAY = (
    "import json, sys; from tests.simulation.cases import attempt, case_of;"
    "print(json.dumps([attempt(case_of(int(seed))).trace for seed in sys.argv[1:]]))"
)


def traces(hash_seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SAY, *map(str, SEEDS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_two_processes_with_other_hash_seeds_trace_the_same() -> None:
    first, second = traces("1"), traces("4242")
    assert len(set(first)) == len(SEEDS)
    assert first == second
