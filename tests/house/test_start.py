"""What starting costs: the light parts import nothing heavy, and every import is declared."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.house.sources import ROOT, FunctionNode, Source, matches, python_files

HEAVY = {"duckdb", "exchange_calendars", "llvmlite", "numba", "pandas", "plotly", "polars", "pyarrow", "scipy"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh process after `statement`."""
    program = (
        f"import sys\n{statement}\nimport json; print(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", ["tradsys", "tradsys.core", "tradsys.cli"])
def test_import_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") & HEAVY == set()


def test_heavy_import_would_be_seen() -> None:
    assert "numba" in loaded_by("import numba")


def test_backtester_starts_without_pandas() -> None:
    assert loaded_by("import tradsys.engine") & {"pandas", "exchange_calendars", "scipy"} == set()


def distribution_names(requirements: list[str]) -> set[str]:
    """Normalised names of the packages that requirement lines ask for."""
    return {re.split(r"[\[<>=~! ]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requirements}


def imports(source: Source, *, top_level: bool) -> set[str]:
    """Modules a file imports when loaded, or only later, inside a function."""
    inside = {id(node) for function in source.functions() for node in ast.walk(function)}
    typing = {
        id(node)
        for branch in ast.walk(source.tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if (id(node) not in inside) is not top_level or id(node) in typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"tradsys"}


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = distribution_names(project["dependencies"])
    extras = {k: v for k, v in project["optional-dependencies"].items() if k != "dev"}
    optional = core.union(*(distribution_names(lines) for lines in extras.values()))
    where = packages_distributions()

    def undeclared(modules: set[str], declared: set[str]) -> set[str]:
        return {m for m in modules if not {d.lower().replace("_", "-") for d in where.get(m, [m])} & declared}

    problems: list[tuple[str, str]] = []
    everything = optional | distribution_names(project["optional-dependencies"]["dev"])
    for source in python_files("tests", "tools"):
        modules = imports(source, top_level=True) | imports(source, top_level=False)
        problems += [(source.path, m) for m in undeclared(modules - {"tests", "benchmarks", "tools"}, everything)]
    for source in python_files("tradsys"):
        rim = matches(
            source.path, ("*/client.py", "*/server.py", "*/postgres.py", "tradsys/api/*", "tradsys/dashboard/*")
        )
        problems += [(source.path, m) for m in undeclared(imports(source, top_level=True), optional if rim else core)]
        problems += [(source.path, m) for m in undeclared(imports(source, top_level=False), optional)]
    assert problems == []


def test_functions_are_told_from_top_level() -> None:
    source = Source("x.py", "import numpy\ndef f():\n    import pandas\n")
    assert (imports(source, top_level=True), imports(source, top_level=False)) == ({"numpy"}, {"pandas"})
    assert [f.name for f in source.functions() if isinstance(f, FunctionNode)] == ["f"]
