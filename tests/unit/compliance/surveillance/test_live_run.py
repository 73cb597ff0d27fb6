"""The journal of a live run, which a process may be writing, looked at for market abuse."""

from __future__ import annotations

from pathlib import Path

from tools.live_desk import Desk, coin_settings, coin_venue, process_of
from tradsys.compliance.surveillance.events import Entered, Traded
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import surveil
from tradsys.engine.live_folder import run_of
from tradsys.engine.surveillance.sources import open_source
from tradsys.journal import FolderDisk, open_journal


def test_a_live_run(tmp_path: Path) -> None:
    settings = coin_settings(tmp_path)
    folder = tmp_path / "run"
    journal = open_journal(FolderDisk(folder / "journal"), segment_bytes=2**18, reserve_bytes=2**12)
    desk = Desk(process_of(settings, run=run_of(folder, settings, stamp=7)), venue=coin_venue(), journal=journal)
    desk.trade(60)
    source = open_source(folder)
    assert (source.kind, source.whole) == ("a live run", False)
    events = list(source.events)
    assert sum(isinstance(each, Entered) for each in events) > 10
    assert sum(isinstance(each, Traded) for each in events) > 10
    finding = surveil(events, SurveillanceSettings(), whole=source.whole)
    assert finding.alerts == ()
    assert finding.trades == sum(isinstance(each, Traded) for each in events)
    journal.close()
