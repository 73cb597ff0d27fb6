"""The dead man's switch: when it acts, with what lease, and that it stays until the account stays at rest."""

from __future__ import annotations

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.safety import SafetyLevel
from tradsys.core.venue import Ask, CancelOrder, OrderRow, Page, PlaceOrder, PositionRow, Subject, VenueState
from tradsys.execution.flattening_parts import SECOND, FlattenSettings, Sent
from tradsys.execution.watchdog import Beat, Pulse, Watchdog, WatchdogSettings, emergency

SETTINGS = WatchdogSettings(guard=20 * SECOND, flatten=FlattenSettings(surfaces_within=30 * SECOND))


class Venue:
    """Answers at once; every closing order fills whole."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.rows: dict[int, OrderRow] = {}
        self.placed: list[PlaceOrder] = []

    def work(self, tag: str, quantity: int, *, side: Side = Side.BUY, filled: int = 0) -> None:
        state = VenueState.OPEN if filled < quantity else VenueState.FILLED
        self.rows[len(self.rows) + 1] = OrderRow(
            tag=tag,
            venue_id=len(self.rows) + 1,
            instrument="A",
            side=side,
            product=Product.MIS,
            quantity=quantity,
            filled=filled,
            open=quantity - filled,
            limit=0,
            state=state,
            at=0,
        )

    def take(self, message: Ask | CancelOrder | PlaceOrder) -> Page | None:
        if isinstance(message, Ask):
            return self.page(message)
        if isinstance(message, PlaceOrder):
            self.placed.append(message)
            self.position += message.side * message.quantity
            self.work(message.tag, message.quantity, side=message.side, filled=message.quantity)
            return None
        row = self.rows[message.venue_id]
        fields = {name: getattr(row, name) for name in row.__struct_fields__}
        self.rows[row.venue_id] = OrderRow(**{**fields, "open": 0, "state": VenueState.CANCELLED})
        return None

    def page(self, ask: Ask) -> Page:
        orders = tuple(self.rows.values()) if ask.subject is Subject.ORDERS else ()
        held = (PositionRow(instrument="A", product=Product.MIS, quantity=self.position, average=1),)
        positions = held if ask.subject is Subject.POSITIONS else ()
        rows = len(orders) + len(positions)
        return Page(
            at=0,
            request=ask.request,
            subject=ask.subject,
            page=0,
            pages=1,
            rows=rows,
            orders=orders,
            positions=positions,
        )


def drive(dog: Watchdog, venue: Venue, *, start: int, until: int) -> None:
    """Time goes from one instant to another, every message taken at once."""
    at: int | None = start
    while at is not None and at <= until:
        for message in dog.advance(at=at):
            answer = venue.take(message)
            if answer is not None:
                dog.on_report(answer, at=at)
        due = dog.next_at
        at = None if due is None else max(due, at)


def watching(beat: Beat | None = None) -> Watchdog:
    dog = Watchdog(SETTINGS)
    dog.on_beat(beat or Beat(run="r", epoch=4), at=0)
    return dog


def test_silence_makes_it_act_with_a_higher_lease_and_once() -> None:
    dog = watching()
    assert (dog.next_at, dog.advance(at=5 * SECOND - 1), dog.reason) == (5 * SECOND, [], "")
    dog.on_beat(Beat(run="r", epoch=4), at=4 * SECOND)
    dog.advance(at=9 * SECOND - 1)
    assert dog.reason == ""
    dog.advance(at=9 * SECOND)
    assert (dog.reason, dog.epoch) == ("no heartbeat for 5.0 s", 5)
    dog.on_beat(Beat(run="r", epoch=9), at=10 * SECOND)
    assert (dog.reason, dog.epoch) == ("no heartbeat for 5.0 s", 5)


def test_where_nobody_can_have_died_silence_counts_from_the_first_beat() -> None:
    dog = Watchdog(SETTINGS)
    assert (dog.next_at, dog.advance(at=10**15), dog.reason, dog.run) == (None, [], "", "")


def test_a_process_that_was_dead_before_is_acted_for_after_the_same_silence() -> None:
    dog, venue = Watchdog(SETTINGS), Venue(7)
    dog.presume("r", epoch=4, at=SECOND)
    assert (dog.next_at, dog.advance(at=6 * SECOND - 1), dog.reason) == (6 * SECOND, [], "")
    dog.advance(at=6 * SECOND)
    assert (dog.run, dog.reason, dog.epoch) == ("r", "no heartbeat for 5.0 s since the watchdog began", 5)
    dog.on_link(up=True, at=6 * SECOND)
    drive(dog, venue, start=6 * SECOND, until=60 * SECOND)
    assert venue.position == 0 and dog.report is not None


def test_a_process_that_starts_in_time_is_watched_by_its_beats() -> None:
    dog = Watchdog(SETTINGS)
    dog.presume("r", epoch=4, at=0)
    dog.on_beat(Beat(run="r", epoch=5), at=4 * SECOND)
    dog.presume("r", epoch=4, at=5 * SECOND)
    assert (dog.next_at, dog.advance(at=9 * SECOND - 1)) == (9 * SECOND, [])
    dog.advance(at=9 * SECOND)
    assert (dog.reason, dog.epoch) == ("no heartbeat for 5.0 s", 6)


def test_a_failure_told_acts_at_once() -> None:
    dog = watching()
    dog.on_beat(Beat(run="r", epoch=4, pulse=Pulse.FAILED, why="sync: I/O error"), at=1)
    assert dog.reason == "the trading process failed: sync: I/O error"


def test_a_proper_end_is_left_alone_and_a_new_start_is_watched_again() -> None:
    dog = watching()
    dog.on_beat(Beat(run="r", epoch=4, pulse=Pulse.ENDED), at=1)
    dog.advance(at=10**12)
    assert (dog.reason, dog.next_at) == ("", None)
    dog.on_beat(Beat(run="r", epoch=5), at=10**12)
    assert dog.next_at == 10**12 + 5 * SECOND


def test_a_ghost_with_an_old_lease_does_not_count_as_life() -> None:
    dog = watching()
    dog.on_beat(Beat(run="r", epoch=3), at=4 * SECOND)
    dog.on_beat(Beat(run="r", epoch=3, pulse=Pulse.FAILED), at=4 * SECOND)
    assert dog.reason == ""
    dog.advance(at=5 * SECOND)
    assert dog.reason


def test_it_waits_for_the_venue_then_brings_the_account_to_rest() -> None:
    dog, venue = watching(), Venue(-30)
    venue.work("old", 5)
    drive(dog, venue, start=5 * SECOND, until=6 * SECOND)
    assert not venue.placed
    dog.on_link(up=True, at=7 * SECOND)
    drive(dog, venue, start=7 * SECOND, until=10 * SECOND)
    assert (venue.position, [order.side for order in venue.placed]) == (0, [Side.BUY])
    assert dog.at_rest is not None
    assert (dog.at_rest.orders_cancelled, dog.at_rest.positions_closed) == (1, 1)
    assert 2 < dog.at_rest.seconds_to_flat < 4


def test_it_stays_on_guard_and_withdraws_what_appears_late() -> None:
    dog, venue = watching(), Venue(7)
    dog.on_link(up=True, at=0)
    drive(dog, venue, start=5 * SECOND, until=7 * SECOND)
    assert (venue.position, dog.report) == (0, None)
    venue.work("late", 9)
    venue.position += 2
    drive(dog, venue, start=7 * SECOND, until=60 * SECOND)
    assert (venue.position, venue.rows[2].state) == (0, VenueState.CANCELLED)
    assert dog.report is not None and dog.report.flat
    assert (dog.report.orders_cancelled, dog.report.positions_closed) == (1, 2)
    assert (dog.next_at, dog.advance(at=10**12)) == (None, [])
    assert len({order.tag for order in venue.placed}) == 2


def test_an_attempt_that_did_not_end_at_rest_is_made_again() -> None:
    dog, venue = watching(), Venue(7)
    dog.advance(at=5 * SECOND)
    later = 5 * SECOND + SETTINGS.flatten.deadline
    dog.advance(at=later)
    assert (dog.failed_attempts, dog.report) == (1, None)
    dog.on_link(up=True, at=later)
    drive(dog, venue, start=later, until=later + 60 * SECOND)
    assert venue.position == 0
    assert dog.report is not None and dog.report.flat


def test_what_an_earlier_watchdog_sent_is_not_closed_twice() -> None:
    order = PlaceOrder(
        tag="flatold",
        instrument="A",
        side=Side.SELL,
        quantity=7,
        type=OrderType.MARKET,
        product=Product.MIS,
        validity=Validity.IOC,
    )
    dog, venue = Watchdog(SETTINGS), Venue(7)
    dog.resume(run="r", epoch=8, reason="restarted", sent=(Sent(order=order, at=0),), at=10 * SECOND)
    dog.on_link(up=True, at=10 * SECOND)
    drive(dog, venue, start=10 * SECOND, until=29 * SECOND)
    assert (dog.epoch, venue.placed) == (9, [])
    drive(dog, venue, start=29 * SECOND, until=40 * SECOND)
    assert venue.position == 0


def test_the_venue_may_ask_for_a_higher_lease_and_storage_for_an_emergency() -> None:
    dog = watching(Beat(run="r", epoch=4, pulse=Pulse.FAILED))
    dog.outbid(9)
    dog.outbid(2)
    assert dog.epoch == 9
    intent = emergency(CancelOrder(venue_id=3), epoch=dog.epoch, why="I/O error")
    assert (intent.epoch, intent.why) == (9, "I/O error")


@pytest.mark.parametrize("wrong", [{"silence": 0}, {"level": SafetyLevel.NO_NEW_RISK}])
def test_settings_that_watch_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="watchdog"):
        WatchdogSettings(**wrong)  # type: ignore[arg-type]


def test_a_new_attempt_knows_the_closing_order_that_was_never_answered() -> None:
    settings = WatchdogSettings(flatten=FlattenSettings(surfaces_within=30 * SECOND, deadline=10 * SECOND))
    dog, venue = Watchdog(settings), Venue(7)
    dog.on_beat(Beat(run="r", epoch=4, pulse=Pulse.FAILED), at=0)
    dog.on_link(up=True, at=0)
    lost = []

    def taken(message: Ask | CancelOrder | PlaceOrder) -> Page | None:
        if isinstance(message, PlaceOrder):
            lost.append(message)
            return None
        return Venue.take(venue, message)

    venue.take = taken  # type: ignore[method-assign]
    drive(dog, venue, start=0, until=25 * SECOND)
    assert dog.failed_attempts == 2
    assert len(lost) == 1, "it may still appear: closing again would go short"
    drive(dog, venue, start=25 * SECOND, until=32 * SECOND)
    assert len(lost) == 2
