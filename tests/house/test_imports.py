"""The import contract holds, and would not hold for a package without a place or a stage that knows another."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(program), "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contract, to be broken."""
    shutil.copytree(ROOT / "tradsys", tmp_path / "tradsys", ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contract_holds(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


def test_contract_catches_what_breaks_it(copy: Path) -> None:
    (copy / "tradsys" / "newcomer").mkdir()
    (copy / "tradsys" / "newcomer" / "__init__.py").write_text("import numba\n")
    with (copy / "tradsys" / "risk" / "__init__.py").open("a") as file:
        file.write("\nimport pandas\nimport socket\nimport tradsys.portfolio\n")
    done = lint(copy)
    assert done.returncode == 1
    broken = re.sub(r"\s+", " ", done.stdout.partition("Broken contracts")[2])
    assert "not listed as layers: - tradsys.newcomer" in broken
    assert "tradsys.risk is not allowed to import tradsys.portfolio" in broken
    for culprit in ("tradsys.newcomer -> numba", "tradsys.risk -> pandas", "tradsys.risk -> socket"):
        assert culprit in broken
