"""Brackets and pairs at a venue that knows neither."""

from __future__ import annotations

from msgspec import UNSET

from tests.unit.execution.orders import (
    NAME,
    approved,
    cancel,
    changed,
    command_declined,
    dealt,
    declined,
    ended,
    names,
    placed,
    seconds,
    tag,
    taken,
    tracker,
)
from tradsys.core.events import Side
from tradsys.core.order_terms import Terms
from tradsys.core.venue import CancelOrder, ChangeOrder, PlaceOrder
from tradsys.execution.order_life import TrackedState
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.tracked_orders import AlertKind
from tradsys.execution.venue_limits import Patience, VenueLimits

SELL = {"side": Side.SELL}


def bracket() -> OrderTracker:
    """An entry of 100 at the venue, its stop and its target asleep."""
    made = tracker()
    placed(made, 1)
    for number in (2, 3):
        made.submit(approved(number, side=Side.SELL, parent=1, group=9), reduces=False, at=0)
    assert made.departing(at=0) == []
    made.on_report(taken(1), at=1)
    return made


def states(made: OrderTracker, *numbers: int) -> list[str]:
    found = [made.find(number) for number in numbers]
    return [each.state.value for each in found if each is not None]


def quantities(made: OrderTracker, at: int) -> list[int]:
    commands = made.departing(at=at)
    assert all(type(command) is PlaceOrder and command.reduces for command in commands)
    return [command.quantity for command in commands if type(command) is PlaceOrder]


def test_exits_sleep_until_the_entry_has_filled() -> None:
    made = bracket()
    assert states(made, 2, 3) == ["asleep", "asleep"]
    assert made.exposure(NAME).sells == 0
    made.on_report(dealt(1, 100, 1), at=seconds(60))
    assert quantities(made, seconds(60)) == [100, 100]


def test_exits_of_an_entry_that_filled_in_part() -> None:
    made = bracket()
    made.on_report(dealt(1, 40, 1), at=seconds(1))
    assert made.departing(at=seconds(1)) == [] and made.next_at == seconds(2)
    made.on_time(at=seconds(2))
    assert made.next_at == seconds(3)
    made.on_time(at=seconds(3))
    assert made.departing(at=seconds(3)) == [CancelOrder(venue_id=1001)]
    assert names(made.on_report(ended(60, 1), at=seconds(4))) == ["Cancelled"]
    assert quantities(made, seconds(4)) == [40, 40]
    made.on_report(taken(2, quantity=40), at=seconds(5))
    filled = made.on_report(dealt(2, 40, 2, **SELL), at=seconds(5))
    assert names(filled) == ["Fill", "Cancelled"]
    assert states(made, 2, 3) == ["cancelled", "sent"]


def test_exits_end_with_an_entry_that_never_filled() -> None:
    made = bracket()
    assert names(made.on_report(ended(100, 1), at=2)) == ["Cancelled"] * 3
    assert made.live == []


def test_exits_of_an_entry_that_ended_here() -> None:
    made = tracker()
    made.submit(approved(1), reduces=False, at=0)
    made.submit(approved(2, side=Side.SELL, parent=1), reduces=False, at=0)
    made.withdraw(cancel(1), at=0)
    made.submit(approved(3, side=Side.SELL, parent=1), reduces=False, at=0)
    assert names(made.on_time(at=0)) == ["Cancelled", "Cancelled", "Rejected"]
    assert made.departing(at=0) == []


def test_an_exit_that_cannot_leave_is_an_alert() -> None:
    made = bracket()
    made.on_link(up=False, at=2)
    assert names(made.on_report(dealt(1, 100, 1), at=3)) == ["Fill", "Rejected", "Rejected"]
    assert [alert.kind for alert in made.take_alerts()] == [AlertKind.UNPROTECTED] * 2


def exits_at_work() -> OrderTracker:
    made = bracket()
    made.on_report(dealt(1, 100, 1), at=2)
    made.departing(at=2)
    for number in (2, 3):
        made.on_report(taken(number), at=3)
    return made


def test_what_one_exit_fills_the_other_loses() -> None:
    made = exits_at_work()
    made.on_report(dealt(2, 30, 2, **SELL), at=4)
    assert made.departing(at=4) == [ChangeOrder(venue_id=1003, quantity=70, limit=50)]
    made.on_report(dealt(3, 20, 2, **SELL), at=5)
    assert made.departing(at=5) == []
    made.on_report(changed(70, 50, 3), at=6)
    assert made.departing(at=6) == [ChangeOrder(venue_id=1003, quantity=50, limit=50)]
    made.on_report(changed(50, 50, 3), at=7)
    assert made.departing(at=7) == []
    made.on_report(dealt(4, 50, 2, **SELL), at=8)
    assert made.departing(at=8) == [CancelOrder(venue_id=1003)]
    assert names(made.on_report(ended(50, 3), at=9)) == ["Cancelled"]
    assert made.live == []


def test_a_twin_that_the_venue_will_not_change_is_withdrawn() -> None:
    made = exits_at_work()
    made.on_report(dealt(2, 30, 2, **SELL), at=4)
    made.departing(at=4)
    made.on_report(command_declined(3), at=5)
    assert made.departing(at=5) == [CancelOrder(venue_id=1003)]


def test_a_twin_that_waits_leaves_smaller() -> None:
    made = tracker(limits=VenueLimits(per_second=2, jitter=0))
    made.submit(approved(1, group=9), reduces=False, at=0)
    made.submit(approved(2, group=9), reduces=False, at=0)
    assert len(made.departing(at=0)) == 1
    made.on_report(dealt(1, 30, 1), at=1)
    (left,) = made.departing(at=seconds(1))
    assert type(left) is PlaceOrder and (left.tag, left.quantity) == (tag(2), 70)


def test_a_declined_order_leaves_its_twin_alone() -> None:
    made = exits_at_work()
    made.on_report(declined(3), at=4)
    assert "open" in states(made, 2)
    assert made.departing(at=4) == []


def test_brackets_are_still_linked_after_a_restore() -> None:
    made = bracket()
    made.on_report(dealt(1, 40, 1), at=seconds(1))
    other = OrderTracker(run="run", limits=VenueLimits(jitter=0), patience=Patience())
    other.restore(made.state())
    assert other.next_at == made.next_at
    for each in (made, other):
        each.on_time(at=seconds(3))
        each.departing(at=seconds(3))
        each.on_report(ended(60, 1), at=seconds(4))
        assert quantities(each, seconds(4)) == [40, 40]
    assert other.state() == made.state()


def test_a_sleeping_exit_can_be_withdrawn() -> None:
    made = bracket()
    made.withdraw(cancel(2), at=2)
    assert names(made.on_time(at=2)) == ["Cancelled"]
    assert states(made, 2, 3) == [TrackedState.NEVER_SENT.value, "asleep"]


def test_what_an_order_asks_leaves_with_it() -> None:
    made = tracker()
    assert placed(made, 1, terms=Terms(display=40, post_only=True)).terms == Terms(display=40, post_only=True)
    assert placed(made, 2).terms is UNSET
