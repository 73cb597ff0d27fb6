"""The compiled-code cache: keyed by the sources, movable, and told apart from compiling."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tradsys.numerics import compilation

USE = """
import numpy as np
from tradsys.numerics.indicators import SMA
from tradsys.numerics import compile_seconds
assert compile_seconds() == 0.0
SMA(3).batch(np.ones((5, 10)))
print(compile_seconds())
"""


def compile_time(**environment: str) -> float:
    run = subprocess.run(
        [sys.executable, "-c", USE], env=os.environ | environment, check=True, capture_output=True, text=True
    )
    return float(run.stdout)


def test_the_second_process_compiles_nothing(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path), "NUMBA_CACHE_DIR": ""}
    assert compile_time(**environment) > 0.0
    assert compile_time(**environment) == 0.0
    assert list((tmp_path / "tradsys" / "kernels").rglob("*.nbc"))


def test_numbas_own_setting_is_respected(tmp_path: Path) -> None:
    assert compile_time(NUMBA_CACHE_DIR=str(tmp_path)) > 0.0
    assert list(tmp_path.rglob("*.nbc"))


def test_a_cache_that_cannot_be_written_is_replaced(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert compile_time(XDG_CACHE_HOME=str(blocked), NUMBA_CACHE_DIR="", TMPDIR=str(tmp_path)) > 0.0
    assert list(tmp_path.glob("tradsys-*/kernels/*/**/*.nbc"))


def test_any_changed_source_changes_the_key(tmp_path: Path) -> None:
    source = tmp_path / "kernel.py"
    source.write_text("a = 1\n")
    before = compilation.hash_of_sources(tmp_path)
    assert compilation.hash_of_sources(tmp_path) == before
    source.write_text("a = 2\n")
    assert compilation.hash_of_sources(tmp_path) != before
