"""The examples of docs/options.md run, one after the other, and nothing is compiled before it is used."""

from __future__ import annotations

import subprocess
import sys

from tests.house.sources import ROOT
from tests.house.test_documents import blocks
from tests.house.test_start import loaded_by


def test_the_examples_run() -> None:
    program = "\n".join(blocks(ROOT / "docs" / "options.md", "python"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "greek-vega-point  10000 -13318" in done.stdout


def test_importing_loads_no_compiler() -> None:
    assert "numba" not in loaded_by("import tradsys.numerics.options, tradsys.risk.greeks, tradsys.risk.greek_limits")
