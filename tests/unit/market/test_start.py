"""What loading costs and what it must not bring along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys, time
from tradsys.core.instruments import Segment
from tradsys.market.importing import import_files
from tradsys.market.loading import load_many
from tradsys.market.bars import resample
from tradsys.market.store import Store
from tradsys.reference.calendar import calendar_for
from pathlib import Path
nse = calendar_for("NSE", Segment.EQUITY)
path = "data/sample/nse_1min_mit/FEDERALBNK_1min_2014-12_2015-10.parquet"
import_files(path, format="nse_1min_mit", store=Store(Path(sys.argv[1])), calendar=nse)
series = load_many(sys.argv[1], format="tradsys", interval="1m", calendar=nse)["FEDERALBNK"]
resample(series, "1h", calendar=nse)
print(len(series), sorted({"pandas", "numba", "scipy", "duckdb"} & sys.modules.keys()))
"""


def test_loading_brings_no_heavy_library_along(repository: Path, tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=repository, capture_output=True, text=True, check=False
    )
    assert answer.stdout.strip() == "68157 []", answer.stderr
