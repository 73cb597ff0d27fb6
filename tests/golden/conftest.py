"""The sample, imported and resampled into a store of the session's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradsys.core.instruments import Segment
from tradsys.market.bars import resample
from tradsys.market.importing import import_files
from tradsys.market.store import Store
from tradsys.reference.calendar import calendar_for


@pytest.fixture(scope="session")
def store(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """FEDERALBNK by the minute and the hour, FORTIS by the minute and the quarter hour."""
    place = Store(tmp_path_factory.mktemp("store"))
    calendar = calendar_for("NSE", Segment.EQUITY)
    for symbol, interval in (("FEDERALBNK", "1h"), ("FORTIS", "15m")):
        (path,) = (repository / "data" / "sample" / "nse_1min_mit").glob(f"{symbol}_1min_*.parquet")
        import_files(str(path), format="nse_1min_mit", store=place, calendar=calendar)
        place.write(resample(place.read(symbol, interval="1m"), interval, calendar=calendar))
    return place
