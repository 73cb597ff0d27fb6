"""The campaign's comparison can fail: each difference between a journal and the venue's record is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.kill_checks import AFTER, BEFORE, BETWEEN, agrees, compared, fallen, truth_of
from tradsys.core.events import Entry, Fill, OrderType, Product, Side, Validity
from tradsys.core.venue import PlaceOrder, Taken
from tradsys.engine.trading import records
from tradsys.engine.trading.records import EpochBegun
from tradsys.engine.trading.terms import LiveSettings
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.tags import tag_of
from tradsys.execution.venue_limits import Patience, VenueLimits
from tradsys.journal import FolderDisk, open_journal
from tradsys.risk.kill_triggers import KillSettings

RUN = "r"
KINDS: dict[type, str] = {EpochBegun: records.EPOCH, Taken: records.REPORT, Entry: records.ENTRY}


def placing(order_id: int) -> PlaceOrder:
    return PlaceOrder(
        tag=tag_of(RUN, order_id),
        instrument="A",
        side=Side.BUY,
        quantity=5,
        type=OrderType.MARKET,
        product=Product.SPOT,
        validity=Validity.DAY,
    )


def booked(order_id: int, *, quantity: int = 5) -> Entry:
    fill = Fill(
        at=1,
        order_id=order_id,
        exchange_at=1,
        strategy="s",
        instrument="A",
        side=Side.BUY,
        quantity=quantity,
        price=100,
        product=Product.SPOT,
    )
    return Entry(seq=0, at=1, cause=-1, strategy="s", body=fill)


def written(folder: Path, *items: Any) -> Path:
    """A journal of some records."""
    journal = open_journal(FolderDisk(folder), segment_bytes=2**16, reserve_bytes=2**12)
    for item in items:
        if isinstance(item, PlaceOrder):
            journal.append_intent(item, at=1, recorded_at=1)
        else:
            kind = KINDS[type(item)]
            journal.append(kind, records.encode(item), at=1, recorded_at=1)
    journal.close()
    return folder


def recorded(folder: Path, *reports: dict[str, Any]) -> Path:
    """A venue's record of some reports."""
    path = folder / "record"
    path.write_text("".join(json.dumps({"account": 1, "report": each, "order": None}) + "\n" for each in reports))
    return path


def taken(order_id: int, *, venue_id: int) -> dict[str, Any]:
    return {"message": "Taken", "tag": tag_of(RUN, order_id), "venue_id": venue_id}


def dealt(order_id: int, *, venue_id: int) -> dict[str, Any]:
    return {**taken(order_id, venue_id=venue_id), "message": "Dealt", "side": 1, "quantity": 5, "price": 100}


TERMS = LiveSettings(limits=VenueLimits(), patience=Patience(), kill=KillSettings(), policy=Policy(), reconcile_every=1)
WHOLE = (EpochBegun(epoch=1, terms=TERMS), placing(1), booked(1))


@pytest.mark.parametrize(
    ("ours", "theirs", "amiss"),
    [
        (WHOLE, [taken(1, venue_id=1), dealt(1, venue_id=1)], []),
        (WHOLE, [taken(1, venue_id=1), dealt(1, venue_id=1), taken(1, venue_id=2)], ["double"]),
        (WHOLE, [taken(1, venue_id=1), dealt(1, venue_id=1), taken(2, venue_id=2)], ["unrecorded"]),
        (WHOLE[:2], [taken(1, venue_id=1), dealt(1, venue_id=1)], ["lost"]),
        ((*WHOLE, booked(1)), [taken(1, venue_id=1), dealt(1, venue_id=1)], ["invented"]),
    ],
)
def test_every_difference_is_found(tmp_path: Path, ours: Any, theirs: Any, amiss: list[str]) -> None:
    truth = truth_of(recorded(tmp_path, *theirs), account=1)
    found = compared(written(tmp_path / "journal", *ours), truth, run=RUN)
    assert [name for name in ("double", "unrecorded", "lost", "invented") if found[name]] == amiss
    assert agrees(found) is not bool(amiss)


def test_where_a_kill_fell_is_read_from_the_last_life(tmp_path: Path) -> None:
    answer = Taken(at=1, number=1, tag=placing(1).tag, venue_id=1, open=5)
    assert fallen(written(tmp_path / "a", *WHOLE[:2], EpochBegun(epoch=2, terms=TERMS))) == (BEFORE, [])
    assert fallen(written(tmp_path / "b", *WHOLE[:2])) == (BETWEEN, [placing(1).tag])
    assert fallen(written(tmp_path / "c", *WHOLE[:2], answer)) == (AFTER, [])
