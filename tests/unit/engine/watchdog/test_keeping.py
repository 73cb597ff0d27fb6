"""What the watchdog records, what it finds again, and that a failing disk does not stop it."""

from __future__ import annotations

import errno

import pytest

from tradsys.core.durable import DurableIntent, EmergencyIntent
from tradsys.core.errors import ResourceError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.venue import CancelOrder, PlaceOrder
from tradsys.engine.watchdog.keeping import Acting, Keeper
from tradsys.execution.flattening_parts import FlatReport
from tradsys.journal.memory_disk import MemoryDisk

ACTING = Acting(run="r", epoch=5, reason="no heartbeat")
CLOSE = PlaceOrder(
    tag="flat1",
    instrument="A",
    side=Side.SELL,
    quantity=3,
    type=OrderType.MARKET,
    product=Product.MIS,
    validity=Validity.IOC,
    reduces=True,
)


def test_commands_leave_as_what_is_durable() -> None:
    disk = MemoryDisk()
    keeper = Keeper(disk)
    keeper.acts(ACTING, at=1)
    permits = keeper.permit([CancelOrder(venue_id=3), CLOSE], epoch=5, at=2)
    assert [type(each) for each in permits] == [DurableIntent, DurableIntent]
    assert [each.command for each in permits] == [CancelOrder(venue_id=3), CLOSE]
    disk.crash()
    unfinished = Keeper(disk).unfinished
    assert unfinished is not None
    assert unfinished.acting == ACTING
    assert [(each.order, each.at) for each in unfinished.sent] == [(CLOSE, 2)]


def test_another_lease_of_the_same_acting_keeps_what_was_sent_and_the_end_forgets_it() -> None:
    disk = MemoryDisk()
    keeper = Keeper(disk)
    keeper.acts(ACTING, at=1)
    keeper.permit([CLOSE], epoch=5, at=2)
    keeper.acts(Acting(run="r", epoch=6, reason="no heartbeat"), at=3)
    disk.kill()
    again = Keeper(disk)
    assert again.unfinished is not None
    assert (again.unfinished.acting.epoch, len(again.unfinished.sent)) == (6, 1)
    again.rests(FlatReport(flat=True, seconds_to_flat=1.0, orders_cancelled=0, positions_closed=1), at=4)
    disk.kill()
    at_last = Keeper(disk)
    assert (at_last.unfinished, at_last.rested, Keeper(MemoryDisk()).rested) == (None, 6, -1)


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_disk_that_fails_makes_emergencies_and_names_the_failure(operation: str) -> None:
    broken: list[int] = []
    disk = MemoryDisk(fault=lambda asked, name: errno.EIO if broken and asked == operation else None)
    keeper = Keeper(disk)
    keeper.acts(ACTING, at=1)
    broken.append(1)
    (permit,) = keeper.permit([CLOSE], epoch=5, at=2)
    assert isinstance(permit, EmergencyIntent)
    assert (permit.command, permit.epoch) == (CLOSE, 5)
    assert permit.why == keeper.failure != ""
    broken.clear()
    assert [type(each) for each in keeper.permit([CLOSE], epoch=5, at=3)] == [EmergencyIntent], "never trusted again"


def test_a_disk_broken_from_the_start_does_not_stop_it() -> None:
    keeper = Keeper(MemoryDisk(fault=lambda asked, name: errno.EIO))
    assert keeper.failure and keeper.unfinished is None
    keeper.acts(ACTING, at=1)
    assert [type(each) for each in keeper.permit([CLOSE], epoch=5, at=2)] == [EmergencyIntent]


def test_a_second_watchdog_is_refused() -> None:
    disk = MemoryDisk()
    Keeper(disk)
    with pytest.raises(ResourceError):
        Keeper(disk)
