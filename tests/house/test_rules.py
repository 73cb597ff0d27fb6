"""Every house rule holds in every file it covers, and would catch what it is there for."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.house import rules
from tests.house.sources import Source, body_lines, matches, python_files

# Where the machine's clock, chance and concurrency belong: at the rim, where events come from and results go to.
RIM = (
    "tradsys/cli/*",
    "tradsys/api/*",
    "tradsys/dashboard/*",
    "tradsys/ops/*",
    "tradsys/engine/live.py",
    "tradsys/engine/run_folder.py",
    "tradsys/*/client.py",
    "tradsys/*/server.py",
    "tradsys/journal/disk.py",
)

PYTHON = ("tradsys", "tests", "benchmarks", "tools")

# Reads the clock to report how long compiling took; no decision sees it.
MEASURES = ("tradsys/numerics/compilation.py",)

# Signatures whose order nobody swaps: the language's own, or one that does not matter.
EXCUSED = (
    "tradsys/core/units.py:{line}: divide",
    "tradsys/core/units.py:{line}: to_step",
    "tradsys/core/errors.py:{line}: __init__: 2 of str",
    "tradsys/reference/charges.py:{line}: portion",
    "tradsys/strategies/base.py:{line}: one_cancels_other",
)

# The one place that runs an author's code: whatever it raises halts that strategy alone. And the top of a live process:
# a defect must not leave it trading.
CATCHES = ("tradsys/engine/engine.py", "tradsys/engine/live.py")


@dataclass(frozen=True)
class Rule:
    """A check, a file that breaks it, the folders it covers and the files that may."""

    check: Callable[[Source], list[str]]
    broken_by: str
    folders: tuple[str, ...] = ("tradsys",)
    allowed: tuple[str, ...] = ()


RULES = [
    Rule(rules.file_length, "x = 1\n" * 400),
    Rule(rules.function_length, "def f():\n" + "    x = 1\n" * 71),
    Rule(rules.no_clock, "from time import time as now\nstart = now()", allowed=(*RIM, *MEASURES)),
    Rule(rules.no_clock, "from datetime import datetime\nx = datetime.now()", allowed=RIM),
    Rule(rules.no_chance, "import numpy as np\nx = np.random.default_rng(1)", allowed=RIM),
    Rule(rules.no_concurrency, "import concurrent.futures", allowed=RIM),
    Rule(rules.no_set_order, "for x in {1, 2}: pass"),
    Rule(rules.no_set_order, "y = [x for x in set(z)]"),
    Rule(rules.no_print, "print(1)", allowed=("tradsys/cli/*",)),
    Rule(rules.no_blanket_except, "try: f()\nexcept (ValueError, Exception): pass", allowed=CATCHES),
    Rule(rules.no_blanket_except, "try: f()\nexcept: pass", allowed=CATCHES),
    Rule(rules.no_vague_name, "", folders=PYTHON),
    Rule(rules.nothing_unsafe, "import pickle", folders=PYTHON),
    Rule(rules.nothing_unsafe, "eval('1')", folders=PYTHON),
    Rule(rules.nothing_unsafe, "import subprocess\nsubprocess.run('ls', shell=True)", folders=PYTHON),
    Rule(rules.no_patching, "from unittest import mock\nmock.patch('x')", folders=("tests",)),
    Rule(rules.no_stub, "def f():\n    raise NotImplementedError"),
    Rule(rules.no_stub, "x = 1  # TO" + "DO later"),
    # A kernel is documented by the indicator that it computes.
    Rule(rules.documented, "def f(): pass", allowed=("tradsys/numerics/kernels/*",)),
    Rule(rules.documented, "'''Module.'''\nclass A:\n    '''A.'''\n    def f(self): pass"),
    Rule(rules.distinct_positions, "def f(fast: float, slow: float) -> None: pass", allowed=("tradsys/cli/*",)),
]


CHECKS = {key: check for key, check in vars(rules).items() if any(rule.check is check for rule in RULES)}


def name(rule: Rule) -> str:
    return next(key for key, check in CHECKS.items() if check is rule.check)


def excused(finding: str) -> bool:
    path, line, _ = finding.split(":", 2) if finding.count(":") > 1 else (finding, "", "")
    return any(finding.startswith(known.format(line=line)) for known in EXCUSED if known.startswith(path))


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_rule_catches_what_breaks_it(rule: Rule) -> None:
    assert rule.check(Source("tradsys/common_utils.py", rule.broken_by))


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_rule_holds_in_the_whole_repository(check: str) -> None:
    rule = next(rule for rule in RULES if name(rule) == check)
    covered = [source for source in python_files(*rule.folders) if not matches(source.path, rule.allowed)]
    assert covered
    findings = [finding for source in covered for finding in rule.check(source)]
    remaining = [finding for finding in findings if not excused(finding)]
    assert not remaining, "\n".join(remaining)


def test_only_the_three_calls_into_an_authors_code_and_the_top_of_a_live_process_catch_everything() -> None:
    found = {source.path: len(rules.no_blanket_except(source)) for source in python_files("tradsys")}
    assert {path: count for path, count in found.items() if count} == dict(zip(CATCHES, (3, 1), strict=True))


def test_function_bodies_are_short() -> None:
    lengths = [body_lines(function) for source in python_files("tradsys") for function in source.functions()]
    assert statistics.median(lengths) <= 6
    assert sum(length < 40 for length in lengths) >= 0.95 * len(lengths)
