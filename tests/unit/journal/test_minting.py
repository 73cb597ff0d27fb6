"""A permission to send comes once, after the record is durable, and for exactly what the record says."""

from __future__ import annotations

import errno

import msgspec
import pytest

from tradsys.core.errors import Fenced, InvariantBroken, JournalFailed, JournalFull
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.units import SECOND
from tradsys.core.venue import AnyCommand, CancelOrder, ChangeOrder, PlaceOrder
from tradsys.journal import Journal, Lease, open_journal
from tradsys.journal.journal import INTENT
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader

ORDER = PlaceOrder(
    tag="a",
    instrument="NSE:X",
    side=Side.BUY,
    quantity=100,
    type=OrderType.MARKET,
    product=Product.MIS,
    validity=Validity.DAY,
)
CANCEL = CancelOrder(venue_id=7)


def opened(disk: MemoryDisk) -> Journal:
    return open_journal(disk, segment_bytes=4096, reserve_bytes=4096)


def test_a_durable_intent_leaves_once() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    sequence = journal.append_intent(ORDER, at=5, recorded_at=6, cause=-1)
    with pytest.raises(InvariantBroken, match="before its record is durable"):
        journal.mint(sequence, epoch=3, command=ORDER)
    journal.commit()
    intent = journal.mint(sequence, epoch=3, command=ORDER)
    assert (intent.sequence, intent.epoch, intent.command) == (0, 3, ORDER)
    with pytest.raises(InvariantBroken, match="left already"):
        journal.mint(sequence, epoch=3, command=ORDER)
    (record,) = Reader(disk)
    assert record.kind == INTENT and msgspec.json.decode(record.payload, type=PlaceOrder) == ORDER


@pytest.mark.parametrize("command", [CANCEL, msgspec.structs.replace(ORDER, quantity=101)])
def test_only_what_the_record_says_leaves(command: PlaceOrder | CancelOrder) -> None:
    journal = opened(MemoryDisk())
    sequence = journal.append_intent(ORDER, at=0, recorded_at=0)
    other = journal.append("decision", msgspec.json.encode(CANCEL), at=0, recorded_at=0)
    journal.commit()
    for place in (sequence, other):
        with pytest.raises(InvariantBroken, match="not what that record says"):
            journal.mint(place, epoch=0, command=command)
    assert journal.mint(sequence, epoch=0, command=ORDER).command == ORDER


def test_an_intent_of_the_process_before_never_leaves() -> None:
    disk = MemoryDisk()
    before = opened(disk)
    sequence = before.append_intent(ORDER, at=0, recorded_at=0)
    before.commit()
    disk.crash()
    with pytest.raises(InvariantBroken, match="not what that record says"):
        opened(disk).mint(sequence, epoch=0, command=ORDER)


def test_nothing_leaves_after_the_disk_failed() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    first = journal.append_intent(CANCEL, at=0, recorded_at=0)
    journal.commit()
    second = journal.append_intent(ORDER, at=0, recorded_at=0)
    disk.fault = lambda operation, name: errno.EIO if operation == "sync" else None
    with pytest.raises(JournalFailed):
        journal.commit()
    for sequence, command in ((first, CANCEL), (second, ORDER)):
        with pytest.raises(JournalFailed, match="sync failed"):
            journal.mint(sequence, epoch=0, command=command)


def test_on_the_reserve_only_what_opens_nothing_leaves() -> None:
    disk = MemoryDisk(room=3 * 4096)
    journal = opened(disk)
    while not journal.on_reserve:
        journal.append("fill", bytes(400), at=0, recorded_at=0, essential=True)
        journal.commit()
    exits = msgspec.structs.replace(ORDER, reduces=True)
    commands: tuple[AnyCommand, ...] = (ORDER, exits, CANCEL, ChangeOrder(venue_id=1, quantity=1, limit=1))
    sequences = [journal.append_intent(each, at=0, recorded_at=0) for each in commands]
    journal.commit()
    with pytest.raises(JournalFull):
        journal.mint(sequences[0], epoch=0, command=ORDER)
    minted = [
        journal.mint(n, epoch=0, command=each).command for n, each in list(zip(sequences, commands, strict=True))[1:]
    ]
    assert minted == list(commands[1:])


def test_a_process_that_lost_its_lease_sends_nothing() -> None:
    disk = MemoryDisk()
    lease = Lease.acquire(disk, holder="first", now=0)
    journal = open_journal(disk, lease=lease, segment_bytes=4096, reserve_bytes=8)
    sequence = journal.append_intent(ORDER, at=0, recorded_at=0)
    journal.commit()
    with pytest.raises(InvariantBroken, match="another lease"):
        journal.mint(sequence, epoch=2, command=ORDER)
    Lease.acquire(disk, holder="second", now=6 * SECOND)
    with pytest.raises(Fenced):
        journal.mint(sequence, epoch=1, command=ORDER)
