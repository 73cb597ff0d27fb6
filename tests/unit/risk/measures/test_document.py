"""The examples of the document run, one after the other, as a reader would type them."""

from __future__ import annotations

import subprocess
import sys

from tests.house.sources import ROOT
from tests.house.test_documents import blocks


def test_examples_run() -> None:
    program = "\n".join(blocks(ROOT / "docs" / "risk_measures.md", "python"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2020-03-23 Lockdown" in done.stdout and "historical" in done.stdout
