"""The orders that a dead process sent last, out of its journal: those whose end it never heard."""

from __future__ import annotations

import pytest

from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.venue import CancelOrder, Declined, Ended, PlaceOrder, Taken, VenueState
from tradsys.engine.trading import records
from tradsys.engine.watchdog.unanswered import unanswered_orders, was_left
from tradsys.journal import open_journal
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.opening import SegmentStore


def order(tag: str) -> PlaceOrder:
    return PlaceOrder(
        tag=tag,
        instrument="A",
        side=Side.BUY,
        quantity=1,
        type=OrderType.MARKET,
        product=Product.MIS,
        validity=Validity.DAY,
    )


def written(disk: MemoryDisk) -> None:
    """Five orders: one long ago, one refused, one ended, one working, one without a word."""
    journal = open_journal(disk, segment_bytes=2**12, reserve_bytes=2**12)
    for at, tag in ((1, "old"), (11, "refused"), (12, "ended"), (13, "working"), (14, "silent")):
        # The run is fed with data of another day.
        journal.append_intent(order(tag), at=at - 10**18, recorded_at=at)
        journal.commit()
    journal.append_intent(CancelOrder(venue_id=4), at=15, recorded_at=15)
    reports = [
        Declined(at=16, tag="refused", rule="r", value=1, limit=1),
        Ended(at=16, tag="ended", venue_id=3, open=1, state=VenueState.CANCELLED, reason=""),
        Taken(at=16, tag="working", venue_id=4, open=1),
    ]
    for report in reports:
        journal.append(records.REPORT, records.encode(report), at=16, recorded_at=16)
    journal.append("strange", b"\xff", at=17, recorded_at=17)
    journal.append(records.REPORT, b"no report", at=17, recorded_at=17)
    journal.close()


def test_what_ended_or_is_too_old_is_left_out() -> None:
    disk = MemoryDisk()
    written(disk)
    assert [(each.order.tag, each.at) for each in unanswered_orders(SegmentStore(disk), since=10)] == [
        ("working", 13),
        ("silent", 14),
    ]


def test_what_was_recorded_after_the_last_durable_record_never_left() -> None:
    disk = MemoryDisk()
    written(disk)
    store = SegmentStore(disk)
    (last,) = [each.sequence for each in store.latest() if b'"silent"' in each.payload]
    assert [each.order.tag for each in unanswered_orders(store, since=10, durable=last + 1)][-1] == "silent"
    assert "silent" not in [each.order.tag for each in unanswered_orders(store, since=10, durable=last)]
    assert unanswered_orders(store, since=10, durable=0) == ()


def test_a_damaged_journal_gives_what_comes_before_the_damage() -> None:
    disk = MemoryDisk()
    written(disk)
    name = disk.names()[0]
    data = disk.bytes_of(name)
    data[data.index(b'"silent"')] ^= 1
    assert [each.order.tag for each in unanswered_orders(SegmentStore(disk), since=10)] == [
        "refused",
        "ended",
        "working",
    ]


def test_a_disk_that_fails_says_so() -> None:
    broken: list[int] = []
    disk = MemoryDisk(fault=lambda asked, name: 5 if broken else None)
    written(disk)
    broken.append(1)
    with pytest.raises(OSError):
        unanswered_orders(SegmentStore(disk), since=0)


def test_a_run_was_left_unless_its_process_stopped_or_never_wrote() -> None:
    disk, kinds = MemoryDisk(), [records.EPOCH, records.STOPPED, records.SEAL, records.SNAPSHOT, records.EPOCH]
    found = [was_left(SegmentStore(disk))]
    for kind in kinds:
        journal = open_journal(disk, segment_bytes=2**12, reserve_bytes=2**12)
        journal.append(kind, b"{}", at=1, recorded_at=1)
        journal.close()
        disk.kill()
        found.append(was_left(SegmentStore(disk)))
    assert found == [False, True, False, False, False, True]
