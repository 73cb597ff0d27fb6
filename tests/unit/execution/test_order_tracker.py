"""The order manager, case by case: what leaves, when, and what the engine is told."""

from __future__ import annotations

import itertools

import pytest

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
    row,
    seconds,
    tag,
    taken,
    tracker,
    trade_row,
    undone,
)
from tradsys.core.errors import InputRefused, InvariantBroken
from tradsys.core.events import Cancelled, Expired, Fill, Rejected, Side, Stray, StrayKind
from tradsys.core.venue import Beat, CancelOrder, ChangeOrder, PlaceOrder, VenueState
from tradsys.execution.order_life import TrackedState
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.tracked_orders import AlertKind
from tradsys.execution.venue_limits import Patience, VenueLimits


def state_of(made: OrderTracker, number: int = 1) -> TrackedState:
    found = made.find(number)
    assert found is not None
    return found.state


def test_an_order_leaves_once_and_fills() -> None:
    made = tracker()
    command = placed(made)
    assert (command.tag, command.quantity, command.limit, command.reduces) == (tag(1), 100, 50, False)
    assert made.departing(at=0) == []
    assert names(made.on_report(taken(), at=1)) == ["Accepted"]
    assert names(made.on_report(dealt(1, 40), at=2)) == ["Fill"]
    (last,) = made.on_report(dealt(2, 60), at=3)
    assert type(last) is Fill
    assert (last.order_id, last.strategy, last.quantity, last.price, last.at, last.exchange_at) == (
        1,
        "s",
        60,
        50,
        3,
        2,
    )
    assert state_of(made) is TrackedState.FILLED
    assert made.alerts == [] and made.live == []


def test_submitting_an_order_twice_is_a_defect() -> None:
    made = tracker()
    placed(made)
    with pytest.raises(InvariantBroken, match="submitted before"):
        made.submit(approved(1), reduces=False, at=1)


def test_a_fill_before_the_word_that_it_was_taken() -> None:
    made = tracker()
    placed(made)
    assert names(made.on_report(dealt(1, 40), at=1)) == ["Accepted", "Fill"]
    assert made.on_report(taken(), at=2) == []
    assert made.on_report(dealt(1, 40), at=3) == []


def test_declined() -> None:
    made = tracker()
    placed(made)
    (event,) = made.on_report(declined(), at=1)
    assert type(event) is Rejected and event.reason == "band: 1, limit 2"
    assert made.live == []


def test_silence_is_unknown_and_never_sent_again() -> None:
    made = tracker()
    placed(made)
    assert made.next_at == seconds(2)
    assert made.on_time(at=seconds(1.9)) == []
    assert names(made.on_time(at=seconds(2))) == ["Unanswered"]
    assert made.on_time(at=seconds(3)) == []
    assert [alert.kind for alert in made.take_alerts()] == [AlertKind.UNKNOWN]
    assert made.departing(at=seconds(4)) == []
    assert made.exposure(NAME).doubtful_buys == 100
    assert names(made.on_report(dealt(1, 100), at=seconds(90))) == ["Accepted", "Fill"]


def test_questions_follow_with_longer_and_longer_pauses() -> None:
    made = tracker()
    placed(made)
    assert made.wants_reconciliation_at is None
    made.on_time(at=seconds(2))
    asked: list[int] = []
    for _ in range(8):
        due = made.wants_reconciliation_at
        assert due is not None
        asked.append(due)
        made.on_asked(at=due)
    gaps = [(later - sooner) // 10**9 for sooner, later in itertools.pairwise(asked)]
    assert asked[0] == seconds(2) and gaps == [1, 2, 4, 8, 16, 30, 30]
    made.on_report(taken(), at=seconds(100))
    made.on_asked(at=seconds(100))
    assert made.wants_reconciliation_at is None


@pytest.mark.parametrize("lose", ["link", "restart", "new link"])
def test_lost_while_sent(lose: str) -> None:
    made = tracker()
    placed(made)
    made.submit(approved(2), reduces=False, at=5)
    events = made.on_restart(at=6) if lose == "restart" else made.on_link(up=lose == "new link", at=6)
    assert names(events) == ["Rejected", "Unanswered"]
    made.on_link(up=True, at=7)
    assert made.departing(at=8) == []
    assert made.on_time(at=seconds(3)) == []


def test_nothing_waits_for_a_link() -> None:
    made = tracker(up=False)
    made.submit(approved(1), reduces=True, at=5)
    assert made.next_at == 5 and made.departing(at=5) == []
    (event,) = made.on_time(at=5)
    assert type(event) is Rejected and event.reason == "never sent: there is no link to the venue"
    made.on_link(up=True, at=6)
    assert made.departing(at=6) == [] and made.next_at is None


def test_an_old_decision_is_never_sent() -> None:
    made = tracker(limits=VenueLimits(per_second=2, per_minute=2, jitter=0))
    placed(made, 1)
    made.submit(approved(2), reduces=False, at=1)
    assert made.departing(at=1) == []
    assert made.next_at == seconds(2)
    assert made.departing(at=seconds(70)) == []
    rejected = made.on_time(at=seconds(70))[-1]
    assert type(rejected) is Rejected and rejected.reason.startswith("never sent: it waited 70 s")
    assert state_of(made, 2) is TrackedState.NEVER_SENT


def test_the_link_decides_before_the_rate_what_an_old_order_waited_for() -> None:
    made = tracker(limits=VenueLimits(per_second=2, per_minute=2, jitter=0))
    placed(made, 1)
    made.submit(approved(2), reduces=False, at=1)
    (_unknown, rejected) = made.on_time(at=seconds(2) + 1)
    assert "rate is used up" in rejected.reason  # type: ignore[attr-defined]


def test_a_cancel_before_it_left_ends_it_here() -> None:
    made = tracker()
    made.submit(approved(1), reduces=False, at=0)
    made.withdraw(cancel(), at=0)
    assert made.departing(at=0) == []
    (event,) = made.on_time(at=0)
    assert type(event) is Cancelled and event.remaining == 100 and event.reason == "asked by its strategy"


def test_a_cancel_waits_for_the_venues_number() -> None:
    made = tracker()
    placed(made)
    made.withdraw(cancel(), at=1)
    assert made.departing(at=1) == []
    made.on_time(at=seconds(2))
    assert made.departing(at=seconds(2)) == []
    made.on_report(taken(), at=seconds(3))
    assert made.departing(at=seconds(3)) == [CancelOrder(venue_id=1001)]
    (event,) = made.on_report(ended(100), at=seconds(4))
    assert type(event) is Cancelled and event.remaining == 100
    assert made.departing(at=seconds(60)) == []


def test_a_cancel_is_sent_again_with_longer_pauses_and_asked_about() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.withdraw(cancel(), at=2)
    times: list[int] = []
    at: int | None = 2
    while len(times) < 6 and at is not None:
        times += [at for command in made.departing(at=at) if type(command) is CancelOrder]
        at = made.next_at
        assert at is not None
        made.on_time(at=at)
    assert [(later - sooner) // 10**9 for sooner, later in itertools.pairwise(times)] == [2, 4, 8, 16, 30]
    assert made.wants_reconciliation_at == times[1]


def test_a_cancel_that_went_with_the_link_leaves_on_the_next() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.withdraw(cancel(), at=2)
    assert len(made.departing(at=2)) == 1
    made.on_link(up=False, at=3)
    assert made.departing(at=4) == []
    made.on_link(up=True, at=5)
    assert made.departing(at=5) == [CancelOrder(venue_id=1001)]


def test_what_ended_here_is_told_after_a_restore() -> None:
    made = tracker()
    made.submit(approved(1), reduces=False, at=0)
    made.withdraw(cancel(), at=7)
    other = OrderTracker(run="run", limits=VenueLimits(jitter=0), patience=Patience())
    other.restore(made.state())
    assert other.next_at == made.next_at == 7
    assert names(other.on_time(at=7)) == ["Cancelled"]


def test_a_cancel_that_crossed_the_fill() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.withdraw(cancel(), at=2)
    made.departing(at=2)
    assert made.on_report(command_declined(), at=3) == []
    assert names(made.on_report(dealt(1, 100), at=4)) == ["Fill"]
    assert made.departing(at=seconds(100)) == []
    made.withdraw(cancel(), at=seconds(100))
    assert made.departing(at=seconds(100)) == []


def test_a_late_fill_is_booked_as_a_stray() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.on_report(ended(100), at=2)
    (event,) = made.on_report(dealt(1, 30), at=3)
    assert type(event) is Stray and event.kind is StrayKind.LATE and event.fill.quantity == 30
    assert event.fill.strategy == "s" and event.order_id == 1
    assert made.on_report(dealt(1, 30), at=4) == []


def test_an_order_ends_once_its_trades_are_told() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    assert made.on_report(ended(50), at=2) == []
    assert state_of(made) is TrackedState.ENDING and made.wants_reconciliation_at == 2
    assert made.exposure(NAME).buys == 100
    assert names(made.on_report(dealt(1, 30), at=3)) == ["Fill"]
    assert names(made.on_report(dealt(2, 20), at=4)) == ["Fill", "Cancelled"]


def test_expiry() -> None:
    made = tracker()
    placed(made)
    (event,) = made.on_report(ended(100, state=VenueState.EXPIRED), at=2)
    assert type(event) is Expired and event.remaining == 100


def test_an_over_fill_is_split_and_halts() -> None:
    made = tracker()
    placed(made)
    made.on_report(dealt(1, 70), at=1)
    fill, stray = made.on_report(dealt(2, 50), at=2)
    assert type(fill) is Fill and fill.quantity == 30
    assert type(stray) is Stray and stray.kind is StrayKind.OVER and stray.fill.quantity == 20
    (more,) = made.on_report(dealt(3, 5), at=3)
    assert type(more) is Stray and more.kind is StrayKind.OVER
    assert [(alert.kind, alert.halts, alert.instrument) for alert in made.take_alerts()] == [
        (AlertKind.OVER_FILL, True, NAME)
    ] * 2


def test_a_bust_is_booked_once() -> None:
    made = tracker()
    placed(made)
    made.on_report(dealt(1, 100), at=1)
    (event,) = made.on_report(undone(1), at=2)
    assert type(event) is Stray and event.kind is StrayKind.BUST
    assert (event.fill.side, event.fill.quantity, event.fill.price) == (Side.SELL, 100, 50)
    assert made.on_report(undone(1), at=3) == []


def test_a_trade_undone_before_it_was_heard_of_never_was() -> None:
    made = tracker()
    placed(made)
    assert made.on_report(undone(1), at=1) == []
    assert made.on_report(dealt(1, 100), at=2) == []
    assert made.wants_reconciliation_at == 1


def test_somebody_else_trades() -> None:
    made = tracker()
    (event,) = made.on_report(dealt(1, 10, tag="", venue_id=7), at=1)
    assert type(event) is Stray and event.kind is StrayKind.EXTERNAL
    assert event.order_id == 0 and event.fill.strategy == "external"
    made.on_report(taken(99, venue_id=8), at=2)
    assert list(made.external) == [8] and made.external[8].open == 100
    assert {alert.kind for alert in made.take_alerts()} == {AlertKind.EXTERNAL}
    assert made.external[8].heard_at == 2, "an answer asked for before says nothing against it"
    made.withdraw_external(8, at=3)
    assert made.departing(at=3) == [CancelOrder(venue_id=8)]
    with pytest.raises(InputRefused, match="no order 9"):
        made.withdraw_external(9, at=3)


def test_a_second_order_of_one_tag_is_an_alarm_and_counted() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    assert made.on_report(taken(venue_id=5), at=2) == []
    assert made.external[5].tag == tag(1) and made.external[5].heard_at == 2
    made.on_report(dealt(2, 40, venue_id=5), at=3)
    assert (made.external[5].open, made.external[5].heard_at) == (60, 3)
    (event,) = made.on_report(dealt(1, 60, venue_id=5), at=4)
    assert type(event) is Stray and event.kind is StrayKind.EXTERNAL
    assert made.external == {} and any(alert.halts for alert in made.take_alerts())


def test_another_process_sent_what_we_did_not() -> None:
    made = tracker()
    made.submit(approved(1), reduces=False, at=0)
    assert names(made.on_report(dealt(1, 10), at=0)) == ["Accepted", "Fill"]
    assert made.departing(at=0) == []
    (alert,) = made.take_alerts()
    assert alert.halts and "another process" in alert.detail


def test_a_trade_of_another_instrument_is_nobodys() -> None:
    made = tracker()
    placed(made)
    (event,) = made.on_report(dealt(1, 10, instrument="X:B"), at=1)
    assert type(event) is Stray and event.kind is StrayKind.EXTERNAL
    assert made.take_alerts()[0].halts


def test_absence_needs_two_answers_and_the_quarantine() -> None:
    made = tracker()
    placed(made)
    made.on_time(at=seconds(2))
    assert made.on_absent(tag(1), asked_at=seconds(3), at=seconds(4)) == []
    assert made.on_absent(tag(1), asked_at=seconds(100), at=seconds(130)) == []
    (event,) = made.on_absent(tag(1), asked_at=seconds(120), at=seconds(121))
    assert type(event) is Rejected and "whole answers" in event.reason
    made.on_report(taken(), at=seconds(140))
    assert made.departing(at=seconds(140)) == [CancelOrder(venue_id=1001)]
    assert made.external[1001].open == 100
    (late,) = made.on_report(dealt(1, 30), at=seconds(141))
    assert type(late) is Stray and late.kind is StrayKind.LATE and made.external[1001].open == 70
    made.on_report(ended(70), at=seconds(142))
    assert made.external == {} and made.departing(at=seconds(200)) == []


def test_absence_begins_anew_when_it_was_seen() -> None:
    made = tracker(patience=Patience(quarantine=seconds(1)))
    placed(made)
    made.on_time(at=seconds(2))
    made.on_absent(tag(1), asked_at=seconds(3), at=seconds(4))
    assert made.on_absent(tag(1), asked_at=seconds(3), at=seconds(4)) == []
    assert names(made.on_evidence(row(), trades=[], asked_at=seconds(5), at=seconds(6))) == ["Accepted"]
    assert made.on_absent(tag(1), asked_at=seconds(7), at=seconds(8)) == []
    assert made.take_alerts()[-1].halts


def test_evidence_of_every_state() -> None:
    made = tracker()
    for number in (1, 2, 3, 4):
        placed(made, number)
    made.on_time(at=seconds(2))
    asked, at = seconds(3), seconds(4)
    assert names(made.on_evidence(row(1), trades=[], asked_at=asked, at=at)) == ["Accepted"]
    filled = row(2, state=VenueState.FILLED, filled=100)
    assert made.on_evidence(filled, trades=[], asked_at=asked, at=at) == []
    assert names(made.on_evidence(filled, trades=[trade_row(1, 100, 2)], asked_at=asked, at=at)) == ["Accepted", "Fill"]
    gone = row(3, state=VenueState.CANCELLED, filled=30)
    assert names(made.on_evidence(gone, trades=[trade_row(2, 30, 3)], asked_at=asked, at=at)) == [
        "Accepted",
        "Fill",
        "Cancelled",
    ]
    refused = row(4, state=VenueState.REJECTED, reason="margin")
    (event,) = made.on_evidence(refused, trades=[], asked_at=asked, at=at)
    assert type(event) is Rejected and "margin" in event.reason
    for each in (row(1), filled, gone, refused):
        assert made.on_evidence(each, trades=[], asked_at=seconds(9), at=seconds(9)) == []


def test_trades_that_never_come_are_settled_at_the_second_answer() -> None:
    made = tracker()
    placed(made)
    made.on_report(ended(50), at=1)
    gone = row(state=VenueState.CANCELLED, filled=50)
    assert made.on_evidence(gone, trades=[], asked_at=2, at=3) == []
    assert names(made.on_evidence(gone, trades=[], asked_at=4, at=5)) == ["Cancelled"]


def test_an_answer_older_than_the_last_word_says_nothing_of_what_works() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.on_report(ended(100), at=5)
    assert made.on_evidence(row(), trades=[], asked_at=4, at=6) == []
    assert made.external == {} and made.alerts == []
    made.on_evidence(row(), trades=[], asked_at=6, at=7)
    assert list(made.external) == [1001] and made.departing(at=7) == [CancelOrder(venue_id=1001)]


def test_two_people_write_an_order_off() -> None:
    made = tracker()
    placed(made)
    made.on_time(at=seconds(2))
    with pytest.raises(InputRefused, match="two people"):
        made.write_off(1, by=("a", "a"), reason="r", at=seconds(3))
    (event,) = made.write_off(1, by=("a", "b"), reason="r", at=seconds(3))
    assert type(event) is Rejected and event.reason == "written off by a and b: r"


def test_a_change() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.change(1, quantity=60, limit=51, at=2)
    with pytest.raises(InputRefused, match="under way"):
        made.change(1, quantity=50, limit=51, at=2)
    assert made.departing(at=2) == [ChangeOrder(venue_id=1001, quantity=60, limit=51)]
    assert names(made.on_report(dealt(1, 10), at=3)) == ["Fill"]
    assert made.on_report(changed(60, 51), at=4) == []
    with pytest.raises(InputRefused, match="smaller"):
        made.change(1, quantity=61, limit=51, at=5)
    assert names(made.on_report(dealt(2, 60), at=5)) == ["Fill"]
    done = row(state=VenueState.FILLED, filled=70)
    (event,) = made.on_evidence(done, trades=[trade_row(1, 10), trade_row(2, 60)], asked_at=6, at=7)
    assert type(event) is Cancelled and event.remaining == 30


def test_a_trade_that_a_change_overtook_does_not_end_an_order() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.change(1, quantity=60, limit=50, at=2)
    made.departing(at=2)
    made.on_report(changed(60, 50), at=3)
    made.on_report(dealt(1, 30), at=4)
    assert names(made.on_report(dealt(2, 30), at=5)) == ["Fill"]
    assert state_of(made) is TrackedState.ENDING
    still = row(quantity=90, filled=60, open=30)
    assert made.on_evidence(still, trades=[trade_row(1, 30), trade_row(2, 30)], asked_at=6, at=7) == []
    assert state_of(made) is TrackedState.PARTLY_FILLED and not made.take_alerts()
    assert made.exposure(NAME).buys == 30
    (last,) = made.on_report(dealt(3, 30), at=8)
    assert type(last) is Fill
    done = row(state=VenueState.FILLED, quantity=90, filled=90)
    assert names(made.on_evidence(done, trades=[], asked_at=9, at=10)) == ["Cancelled"]


def test_a_declined_change_keeps_the_terms() -> None:
    made = tracker(limits=VenueLimits(max_changes=1, jitter=0))
    placed(made)
    made.on_report(taken(), at=1)
    made.change(1, quantity=100, limit=51, at=2)
    made.departing(at=2)
    made.on_report(command_declined(), at=3)
    found = made.find(1)
    assert found is not None and found.limit == 50
    assert [alert.kind for alert in made.take_alerts()] == [AlertKind.CHANGE]
    with pytest.raises(InputRefused, match="too often"):
        made.change(1, quantity=50, limit=51, at=4)


def test_an_unanswered_change_is_settled_by_evidence() -> None:
    made = tracker()
    placed(made)
    made.on_report(taken(), at=1)
    made.change(1, quantity=100, limit=51, at=2)
    made.departing(at=2)
    made.on_time(at=seconds(3))
    assert made.wants_reconciliation_at == seconds(3)
    made.on_evidence(row(limit=51), trades=[], asked_at=seconds(4), at=seconds(5))
    found = made.find(1)
    assert found is not None and (found.limit, found.change_sent_at) == (51, 0)


def test_cancels_and_exits_go_first() -> None:
    made = tracker()
    placed(made, 1)
    made.on_report(taken(1), at=0)
    made.submit(approved(2), reduces=False, at=1)
    made.submit(approved(3, side=Side.SELL), reduces=True, at=1)
    made.withdraw(cancel(1), at=1)
    first, second, third = made.departing(at=1)
    assert first == CancelOrder(venue_id=1001)
    assert type(second) is PlaceOrder and (second.tag, second.reduces) == (tag(3), True)
    assert type(third) is PlaceOrder and third.tag == tag(2)


def test_exits_leave_when_entries_may_not() -> None:
    made = tracker(limits=VenueLimits(jitter=0))
    for number in range(1, 13):
        made.submit(approved(number), reduces=False, at=0)
    assert len(made.departing(at=0)) == 7
    for number in range(20, 26):
        made.submit(approved(number), reduces=True, at=0)
    assert [command.reduces for command in made.departing(at=0)] == [True] * 3  # type: ignore[union-attr]
    assert made.next_at == seconds(1)


def test_a_venue_in_trouble_gets_no_entries() -> None:
    made = tracker(patience=Patience(failures=2, rest=seconds(1)))
    for number in (1, 2):
        placed(made, number)
        made.on_report(declined(number, rule="busy"), at=0)
    made.submit(approved(3), reduces=False, at=0)
    assert made.departing(at=0) == [] and made.next_at == seconds(1)
    placed(made, 4, reduces=True)
    (_probe,) = made.departing(at=seconds(1))
    made.submit(approved(5), reduces=False, at=seconds(1))
    assert made.departing(at=seconds(1)) == []
    made.on_report(taken(3), at=seconds(1))
    assert len(made.departing(at=seconds(1))) == 1


def test_orders_not_answered_for_are_capped() -> None:
    made = tracker(limits=VenueLimits(in_flight=2, jitter=0))
    placed(made, 1)
    made.submit(approved(2), reduces=False, at=0)
    assert made.departing(at=0) == []
    placed(made, 3, reduces=True)
    made.on_report(taken(1), at=1)
    made.on_report(taken(3), at=1)
    assert len(made.departing(at=1)) == 1


def test_a_report_about_no_order_is_for_others() -> None:
    made = tracker()
    with pytest.raises(InvariantBroken, match="not about an order"):
        made.on_report(Beat(at=1), at=1)


def test_worst_of_both() -> None:
    made = tracker()
    placed(made, 1)
    placed(made, 2, side=Side.SELL, quantity=30)
    found = made.exposure(NAME)
    assert (found.buys, found.sells) == (100, 30)
    assert found.worst(50) == 150 and found.worst(-80) == 110 and found.worst(0) == 100
