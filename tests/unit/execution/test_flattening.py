"""The flattener step by step: what it asks, what it sends, how fast, and what it says when it cannot."""

from __future__ import annotations

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.safety import SafetyLevel
from tradsys.core.venue import (
    Ask,
    AskFailed,
    CancelOrder,
    Declined,
    OrderRow,
    Page,
    PlaceOrder,
    PositionRow,
    Subject,
    VenueState,
)
from tradsys.execution.flattening import Flattener, closing_prefix
from tradsys.execution.flattening_parts import SECOND, FlattenSettings, LimitOf, at_market

SETTINGS = FlattenSettings()
EVERY = SETTINGS.ask_every


def flattener(
    level: SafetyLevel = SafetyLevel.FLATTEN, settings: FlattenSettings = SETTINGS, limit_of: LimitOf = at_market
) -> Flattener:
    return Flattener(level=level, prefix="flatx", settings=settings, at=0, limit_of=limit_of)


def working(venue_id: int, *, tag: str = "x", state: VenueState = VenueState.OPEN, filled: int = 0) -> OrderRow:
    return OrderRow(
        tag=tag,
        venue_id=venue_id,
        instrument="A",
        side=Side.SELL,
        product=Product.MIS,
        quantity=10,
        filled=filled,
        open=10 - filled if state is VenueState.OPEN else 0,
        limit=5,
        state=state,
        at=0,
    )


def page(ask: Ask, *rows: OrderRow | PositionRow, pages: int = 1, of: int | None = None) -> Page:
    return Page(
        at=0,
        request=ask.request,
        subject=ask.subject,
        page=ask.page,
        pages=pages,
        rows=len(rows) if of is None else of,
        orders=tuple(row for row in rows if isinstance(row, OrderRow)),
        positions=tuple(row for row in rows if isinstance(row, PositionRow)),
    )


def held(quantity: int) -> PositionRow:
    return PositionRow(instrument="A", product=Product.MIS, quantity=quantity, average=5)


def asked(flat: Flattener, subject: Subject, *, at: int) -> Ask:
    """The question that is the only thing to leave."""
    (ask,) = flat.advance(at=at)
    assert isinstance(ask, Ask) and ask.subject is subject
    return ask


def one_round(flat: Flattener, orders: list[OrderRow], positions: list[PositionRow], *, at: int) -> None:
    flat.on_report(page(asked(flat, Subject.ORDERS, at=at), *orders), at=at)
    flat.on_report(page(asked(flat, Subject.POSITIONS, at=at), *positions), at=at)


def test_closes_what_two_readings_agree_on_and_believes_the_third() -> None:
    flat = flattener()
    one_round(flat, [], [held(10)], at=0)
    assert flat.advance(at=0) == []
    assert flat.next_at == EVERY
    one_round(flat, [], [held(10)], at=EVERY)
    (order,) = flat.advance(at=EVERY)
    assert order == PlaceOrder(
        tag="flatx000000",
        instrument="A",
        side=Side.SELL,
        quantity=10,
        type=OrderType.MARKET,
        product=Product.MIS,
        validity=Validity.IOC,
        reduces=True,
    )
    done = working(7, tag="flatx000000", state=VenueState.FILLED, filled=10)
    one_round(flat, [done], [held(10)], at=2 * EVERY)
    assert flat.advance(at=2 * EVERY) == [], "the position lags behind its own fill: closing again would go short"
    one_round(flat, [done], [held(0)], at=3 * EVERY)
    assert flat.report is not None
    assert (flat.report.flat, flat.report.positions_closed, flat.report.orders_cancelled) == (True, 1, 0)
    assert flat.report.seconds_to_flat == 0.6
    assert flat.next_at is None and not flat.advance(at=9 * EVERY)


def test_an_unanswered_closing_order_is_not_closed_again_until_it_can_no_longer_appear() -> None:
    flat = flattener()
    one_round(flat, [], [held(10)], at=0)
    one_round(flat, [], [held(10)], at=EVERY)
    assert len(flat.advance(at=EVERY)) == 1
    late = EVERY + SETTINGS.surfaces_within
    one_round(flat, [], [held(10)], at=late - 1)
    assert flat.advance(at=late - 1) == []
    one_round(flat, [], [held(10)], at=late + EVERY)
    (again,) = flat.advance(at=late + EVERY)
    assert isinstance(again, PlaceOrder) and (again.tag, again.quantity) == ("flatx000001", 10)


def test_a_refused_closing_order_is_replaced_by_another_at_once() -> None:
    flat = flattener()
    one_round(flat, [], [held(-10)], at=0)
    one_round(flat, [], [held(-10)], at=EVERY)
    (first,) = flat.advance(at=EVERY)
    assert isinstance(first, PlaceOrder) and first.side is Side.BUY
    flat.on_report(Declined(at=0, tag=first.tag, rule="halt", value=0, limit=0), at=EVERY)
    one_round(flat, [], [held(-10)], at=2 * EVERY)
    assert [type(each) for each in flat.advance(at=2 * EVERY)] == [PlaceOrder]


def test_cancels_keep_the_pace_and_are_counted_when_the_venue_shows_them() -> None:
    flat = flattener(SafetyLevel.CANCEL, FlattenSettings(commands_a_second=2))
    flat.on_report(page(asked(flat, Subject.ORDERS, at=0), *[working(n) for n in (1, 2, 3)]), at=0)
    assert flat.advance(at=0) == [CancelOrder(venue_id=1), CancelOrder(venue_id=2)]
    assert (flat.next_at, flat.advance(at=SECOND - 1)) == (SECOND, [])
    assert flat.advance(at=SECOND) == [CancelOrder(venue_id=3)]
    ask = asked(flat, Subject.ORDERS, at=SECOND)
    rows = [working(1, state=VenueState.CANCELLED), working(2, state=VenueState.FILLED, filled=10)]
    flat.on_report(page(ask, *rows, working(3, state=VenueState.CANCELLED)), at=SECOND)
    assert flat.report is not None
    assert (flat.report.flat, flat.report.orders_cancelled, flat.report.positions_closed) == (True, 2, 0)


def test_an_order_that_nothing_withdraws_does_not_keep_a_position_open_and_is_taken_off() -> None:
    flat = flattener()
    for at in (0, SETTINGS.cancel_within - EVERY):
        flat.on_report(page(asked(flat, Subject.ORDERS, at=at), working(1)), at=at)
        assert flat.advance(at=at) == [CancelOrder(venue_id=1)]
    late = SETTINGS.cancel_within
    one_round(flat, [working(1)], [held(25)], at=late)
    one_round(flat, [working(1)], [held(25)], at=late + EVERY)
    (order,) = flat.advance(at=late + EVERY)
    assert isinstance(order, PlaceOrder) and order.quantity == 15


def test_half_an_answer_is_none() -> None:
    flat = flattener(SafetyLevel.CANCEL)
    first = asked(flat, Subject.ORDERS, at=0)
    flat.on_report(page(first, working(1), pages=2, of=2), at=0)
    second = asked(flat, Subject.ORDERS, at=0)
    assert second.page == 1
    flat.on_report(page(second, working(2), pages=2, of=3), at=0)
    assert flat.advance(at=0) == []
    anew = asked(flat, Subject.ORDERS, at=EVERY)
    flat.on_report(page(first, of=0), at=EVERY)
    flat.on_report(AskFailed(at=0, request=anew.request, why="busy"), at=EVERY)
    assert flat.report is None
    again = asked(flat, Subject.ORDERS, at=2 * EVERY)
    assert asked(flat, Subject.ORDERS, at=2 * EVERY + SETTINGS.answer_within).request > again.request


def test_a_lost_link_sends_nothing_and_asks_anew() -> None:
    flat = flattener(SafetyLevel.CANCEL)
    old = asked(flat, Subject.ORDERS, at=0)
    flat.on_link(up=False, at=1)
    assert flat.advance(at=SECOND) == []
    flat.on_link(up=True, at=2 * SECOND)
    flat.on_report(page(old), at=2 * SECOND)
    assert flat.report is None
    flat.on_report(page(asked(flat, Subject.ORDERS, at=2 * SECOND)), at=2 * SECOND)
    assert flat.report is not None and flat.report.flat


def test_at_the_deadline_it_says_what_is_left() -> None:
    flat = flattener()
    one_round(flat, [], [held(10)], at=0)
    one_round(flat, [], [held(10)], at=EVERY)
    (order,) = flat.advance(at=EVERY)
    assert isinstance(order, PlaceOrder)
    assert flat.advance(at=SETTINGS.deadline) == []
    assert flat.report is not None
    assert (flat.report.flat, flat.report.left) == (False, ("A MIS: 10 held", f"order {order.tag}: no answer"))


def test_a_venue_that_never_answers_is_not_flat() -> None:
    flat = flattener()
    flat.advance(at=0)
    flat.advance(at=SETTINGS.deadline)
    assert flat.report is not None
    assert (flat.report.flat, flat.report.left) == (False, ("the venue never said what is held",))


def test_a_price_given_makes_a_protected_limit_and_the_largest_size_holds() -> None:
    flat = flattener(settings=FlattenSettings(largest=4), limit_of=lambda name, side: 99)
    one_round(flat, [], [held(10)], at=0)
    one_round(flat, [], [held(10)], at=EVERY)
    (order,) = flat.advance(at=EVERY)
    assert isinstance(order, PlaceOrder)
    assert (order.type, order.limit, order.quantity) == (OrderType.LIMIT, 99, 4)
    flat.not_sent(order)
    one_round(flat, [], [held(10)], at=2 * EVERY)
    assert len(flat.advance(at=2 * EVERY)) == 1


def test_prefixes_differ_by_lease_and_tags_stay_short() -> None:
    one, two = (closing_prefix("run", epoch=epoch) for epoch in (1, 2))
    assert one != two and one.startswith("flat") and len(one) + 6 == 20


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="commands_a_second"):
        FlattenSettings(commands_a_second=0)
    assert FlattenSettings(largest=0).largest == 0


def test_a_working_closing_order_has_its_time_and_counts_even_when_a_later_answer_leaves_it_out() -> None:
    flat = flattener()
    one_round(flat, [], [held(10)], at=0)
    one_round(flat, [], [held(10)], at=EVERY)
    (order,) = flat.advance(at=EVERY)
    assert isinstance(order, PlaceOrder)
    shown = working(7, tag=order.tag)
    one_round(flat, [shown], [held(10)], at=2 * EVERY)
    assert flat.advance(at=2 * EVERY) == [], "it has just left: it is neither withdrawn nor doubled"
    one_round(flat, [], [held(10)], at=3 * EVERY)
    assert flat.advance(at=3 * EVERY) == [], "the venue showed it open: that it is missing now is no end"
    late = EVERY + SETTINGS.closing_works_for
    flat.on_report(page(asked(flat, Subject.ORDERS, at=late), shown), at=late)
    assert CancelOrder(venue_id=7) in flat.advance(at=late)


def test_an_answer_with_fewer_rows_than_it_says_is_none() -> None:
    flat = flattener(SafetyLevel.CANCEL)
    flat.on_report(page(asked(flat, Subject.ORDERS, at=0), of=1), at=0)
    assert flat.report is None
