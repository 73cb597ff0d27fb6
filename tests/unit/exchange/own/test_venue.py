"""Commands of accounts at the venue: what they are told, and what they find when they ask."""

from __future__ import annotations

import pytest

from tests.unit.exchange.own.scene import BUY, COIN, MONDAY, SELL, SHARE, Scene, of, only, share_exchange
from tests.unit.exchange.session_driver import clock
from tradsys.core.events import OrderType, Product, Validity
from tradsys.core.order_terms import Terms
from tradsys.core.units import SCALE, SECOND
from tradsys.core.venue import (
    Awoken,
    CancelOrder,
    CashRow,
    Changed,
    CommandDeclined,
    Dealt,
    Declined,
    Ended,
    PositionRow,
    Subject,
    Taken,
    Undone,
    VenueState,
)
from tradsys.exchange.clearing.records import Refusal


def test_an_order_rests_trades_and_both_sides_are_told() -> None:
    scene = Scene()
    maker, taker = scene.client(1), scene.client(2)
    taken = only(maker.place(SELL, 5, 101), Taken)
    assert (taken.tag, taken.open, taken.number) == ("tag1", 5 * SCALE, 1)
    said = taker.place(BUY, 2)
    assert [type(each) for each in said] == [Taken, Dealt]
    (bought,) = of(said, Dealt)
    assert (bought.side, bought.quantity, bought.price, bought.maker) == (BUY, 2 * SCALE, 101 * SCALE, False)
    assert (bought.tag, bought.instrument, bought.product) == ("tag2", COIN, Product.SPOT)
    (sold,) = of(maker.heard, Dealt)
    assert (sold.side, sold.maker, sold.venue_id) == (SELL, True, taken.venue_id)
    assert sold.trade_id != bought.trade_id
    order, filled = maker.rows(Subject.ORDERS)[0], taker.rows(Subject.ORDERS)[0]
    assert (order.filled, order.open, order.state) == (2 * SCALE, 3 * SCALE, VenueState.OPEN)
    assert (filled.filled, filled.open, filled.state) == (2 * SCALE, 0, VenueState.FILLED)
    assert [(each.trade_id, each.quantity) for each in maker.rows(Subject.TRADES)] == [(sold.trade_id, 2 * SCALE)]


def test_what_a_market_order_does_not_get_is_dropped() -> None:
    scene = Scene()
    scene.client(1).place(SELL, 1, 101)
    said = scene.client(2).place(BUY, 3, tag="")
    assert [type(each) for each in said] == [Taken, Dealt, Ended]
    ended = of(said, Ended)[0]
    assert (ended.open, ended.state, ended.reason) == (2 * SCALE, VenueState.CANCELLED, "dropped")


def test_two_orders_of_one_tag_are_two_orders() -> None:
    client = Scene().client()
    first, second = (only(client.place(SELL, 1, 101, tag="same"), Taken) for _ in range(2))
    assert first.venue_id != second.venue_id and len(client.rows(Subject.ORDERS)) == 2


def test_a_cancel_and_what_it_can_cross() -> None:
    scene = Scene()
    client, other = scene.client(1), scene.client(2)
    taken = only(client.place(SELL, 1, 101), Taken)
    refused = only(other.cancel(taken.venue_id), CommandDeclined)
    assert (refused.venue_id, refused.rule) == (taken.venue_id, "unknown_order")
    ended = only(client.cancel(taken.venue_id), Ended)
    assert (ended.open, ended.state, ended.reason) == (SCALE, VenueState.CANCELLED, "withdrawn")
    assert only(client.cancel(taken.venue_id), CommandDeclined).rule == "unknown_order"
    row = client.rows(Subject.ORDERS)[0]
    assert (row.state, row.open, row.filled) == (VenueState.CANCELLED, 0, 0)


def test_a_change_keeps_the_order_and_may_trade() -> None:
    scene = Scene()
    client = scene.client(1)
    scene.client(2).place(BUY, 1, 99)
    taken = only(client.place(SELL, 2, 101), Taken)
    said = client.change(taken.venue_id, quantity=3, limit=99)
    assert [type(each) for each in said] == [Changed, Dealt]
    changed = of(said, Changed)[0]
    assert (changed.open, changed.limit, changed.tag) == (3 * SCALE, 99 * SCALE, taken.tag)
    row = client.rows(Subject.ORDERS)[0]
    assert (row.quantity, row.filled, row.open, row.limit) == (3 * SCALE, SCALE, 2 * SCALE, 99 * SCALE)
    assert only(client.change(taken.venue_id, quantity=3, limit=99.001), CommandDeclined).rule == "price_off_tick"
    assert only(client.change(77, quantity=3, limit=99), CommandDeclined).rule == "unknown_order"


def test_a_refused_order_is_kept_as_rejected_with_rule_and_limit() -> None:
    client = Scene().client()
    declined = only(client.place(SELL, 1, 100.001), Declined)
    assert (declined.rule, declined.limit, declined.tag) == ("price_off_tick", SCALE // 100, "tag1")
    row = client.rows(Subject.ORDERS)[0]
    assert (row.venue_id, row.state, row.open, row.reason) == (
        declined.venue_id, VenueState.REJECTED, 0, "price_off_tick",
    )  # fmt: skip
    assert only(client.place(BUY, 1, 100, instrument="SIM:NONE"), Declined).rule == "unknown_instrument"
    assert only(client.place(BUY, 10_000, 100), Declined).rule == "insufficient_cash"
    assert only(client.place(BUY, 1, 100, tag="x" * 21), Declined).venue_id == 0
    assert only(client.place(BUY, -1, 100), Declined).rule == "quantity_not_positive"


def test_stops_wait_awake_and_trade() -> None:
    scene = Scene()
    client, other = scene.client(1), scene.client(2)
    other.place(BUY, 10, 99)
    stop = only(client.place(SELL, 1, type=OrderType.STOP, trigger=99 * SCALE), Taken)
    limited = only(client.place(SELL, 1, 98, type=OrderType.STOP_LIMIT, trigger=99 * SCALE), Taken)
    trailing = only(client.place(SELL, 1, type=OrderType.TRAILING, trigger=97 * SCALE, trail=SCALE), Taken)
    said = client.place(SELL, 1, 99)
    assert [each.venue_id for each in of(said, Awoken)] == [stop.venue_id, limited.venue_id]
    assert [each.venue_id for each in of(said, Dealt)][1:] == [stop.venue_id, limited.venue_id]
    states = {each.venue_id: each.state for each in client.rows(Subject.ORDERS)}
    assert states[trailing.venue_id] is VenueState.OPEN and states[stop.venue_id] is VenueState.FILLED


def test_a_stop_that_became_a_limit_order_is_changed_like_one() -> None:
    scene = Scene()
    client, other = scene.client(1), scene.client(2)
    other.place(BUY, 1, 99)
    limited = only(client.place(SELL, 2, 99.5, type=OrderType.STOP_LIMIT, trigger=99 * SCALE), Taken)
    assert of(client.place(SELL, 1, 99), Awoken)
    changed = only(client.change(limited.venue_id, quantity=1, limit=100), Changed)
    assert (changed.open, changed.limit) == (SCALE, 100 * SCALE)
    market = only(client.place(SELL, 1, type=OrderType.STOP, trigger=90 * SCALE), Taken)
    assert only(client.change(market.venue_id, quantity=2, limit=5), Changed).limit == 0


def test_an_account_never_trades_with_itself() -> None:
    client = Scene().client()
    client.place(SELL, 1, 100)
    said = client.place(BUY, 1, 100)
    assert [type(each) for each in said] == [Taken, Ended] and of(said, Ended)[0].reason == "self_trade"


def test_positions_and_cash_follow_trades_and_what_was_there_before() -> None:
    scene = Scene()
    client, other = scene.client(1), scene.client(2)
    assert client.rows(Subject.POSITIONS) == (
        PositionRow(instrument=COIN, product=Product.SPOT, quantity=50 * SCALE, average=0),
    )
    other.place(SELL, 3, 102)
    client.place(BUY, 1, 102)
    client.place(BUY, 2, 102)
    other.place(BUY, 1, 90)
    client.place(SELL, 1)
    (row,) = client.rows(Subject.POSITIONS)
    assert (row.quantity, row.average) == (52 * SCALE, 102 * SCALE)
    assert client.rows(Subject.CASH) == (CashRow(currency="USDT", cash=(100_000 - 306 + 90) * SCALE),)


def test_a_bust_takes_the_trade_from_both() -> None:
    scene = Scene()
    client, other = scene.client(1), scene.client(2)
    other.place(SELL, 3, 102)
    dealt = of(client.place(BUY, 1, 102), Dealt)[0]
    kept = of(client.place(BUY, 1, 102), Dealt)[0]
    assert scene.server.bust(dealt.trade_id, at=scene.now) is None
    scene.deliver()
    undone = client.heard[-1]
    assert isinstance(undone, Undone) and (undone.trade_id, undone.tag) == (dealt.trade_id, dealt.tag)
    assert len(of(other.heard, Undone)) == 1
    assert [each.trade_id for each in client.rows(Subject.TRADES)] == [kept.trade_id]
    assert [each.filled for each in client.rows(Subject.ORDERS)] == [0, SCALE]
    assert client.rows(Subject.POSITIONS)[0].quantity == 51 * SCALE
    assert client.rows(Subject.CASH)[0].cash == (100_000 - 102) * SCALE
    assert isinstance(scene.server.bust(dealt.trade_id, at=scene.now), Refusal)
    assert isinstance(scene.server.bust(999, at=scene.now), Refusal)


def test_commands_by_hand_are_told_to_who_is_connected() -> None:
    scene = Scene()
    client = scene.client()
    taken = only(client.place(SELL, 1, 101), Taken)
    scene.server.by_hand(1, CancelOrder(venue_id=taken.venue_id), at=scene.now)
    scene.deliver()
    assert isinstance(client.heard[-1], Ended)


def test_more_commands_than_allowed_in_a_second_are_declined_without_a_record() -> None:
    scene = Scene(orders_per_second=2)
    client, other = scene.client(1), scene.client(2)
    taken = only(client.place(SELL, 1, 101), Taken)
    only(client.place(SELL, 1, 101), Taken)
    declined = only(client.place(SELL, 1, 101), Declined)
    assert (declined.rule, declined.value, declined.limit, declined.venue_id) == ("throttled", 3, 2, 0)
    assert only(client.cancel(taken.venue_id), CommandDeclined).rule == "throttled"
    only(other.place(SELL, 1, 101), Taken)
    scene.pass_to(scene.now + SECOND)
    only(client.cancel(taken.venue_id), Ended)
    assert len(client.rows(Subject.ORDERS)) == 2


def test_every_report_is_recorded_whether_anybody_is_connected_or_not() -> None:
    scene = Scene()
    client = scene.client(1)
    client.place(SELL, 1, 101)
    scene.server.closed(client.connection, at=scene.now)
    scene.client(2).place(BUY, 1, 101)
    assert [(account, type(each)) for account, each in scene.recorded] == [
        (1, Taken), (2, Taken), (2, Dealt), (1, Dealt),
    ]  # fmt: skip


class TestShares:
    @pytest.fixture
    def scene(self) -> Scene:
        return Scene(share_exchange, at=clock(MONDAY, "10:00"), instrument=SHARE)

    def test_intraday_is_on_margin_and_for_delivery_the_day_after(self, scene: Scene) -> None:
        client, other = scene.client(1), scene.client(2)
        only(client.place(SELL, 10, 100, product=Product.MIS), Taken)
        of(other.place(BUY, 10, 100), Dealt)
        assert client.rows(Subject.POSITIONS) == (
            PositionRow(instrument=SHARE, product=Product.MIS, quantity=-10 * SCALE, average=100 * SCALE),
        )
        assert client.rows(Subject.CASH)[0].cash == 101_000 * SCALE
        assert only(client.place(SELL, 10, 100), Declined).rule == "insufficient_units"
        scene.server.closed(client.connection, at=scene.now)
        scene.pass_to(clock(MONDAY.replace(day=17), "10:00"))
        client = scene.client(1)
        (row,) = client.rows(Subject.POSITIONS)
        assert (row.product, row.quantity, row.average) == (Product.CNC, -10 * SCALE, 100 * SCALE)
        assert client.rows(Subject.CASH)[0].cash == 101_000 * SCALE

    def test_the_day_ends_orders_expire_and_the_next_session_opens(self, scene: Scene) -> None:
        client = scene.client(1)
        client.place(BUY, 1, 95)
        kept = only(client.place(BUY, 1, 100, validity=Validity.GTC), Taken)
        evening = clock(MONDAY, "20:00")
        for step in range(scene.now, evening, 29 * SECOND):
            scene.now = step
            client.beat()
        ended = of(client.heard, Ended)
        assert [(each.state, each.reason) for each in ended] == [(VenueState.EXPIRED, "expired")]
        assert only(client.place(BUY, 1, 95), Declined).rule == "session_closed"
        assert len(client.rows(Subject.ORDERS)) == 3
        scene.pass_to(clock(MONDAY.replace(day=17), "10:00"))
        client = scene.client(1)
        assert [each.venue_id for each in client.rows(Subject.ORDERS)] == [kept.venue_id]
        only(client.place(BUY, 1, 95), Taken)


def test_fill_or_kill_fills_whole_or_not_at_all() -> None:
    scene = Scene()
    scene.client(1).place(SELL, 2, 101)
    client = scene.client(2)
    ended = of(client.place(BUY, 3, 101, validity=Validity.FOK), Ended)[0]
    assert (ended.open, ended.reason) == (3 * SCALE, "not_filled_whole")
    assert [each.quantity for each in of(client.place(BUY, 2, 101, validity=Validity.FOK), Dealt)] == [2 * SCALE]


def test_good_till_a_time_is_gone_at_its_instant() -> None:
    scene = Scene()
    client = scene.client(1)
    terms = Terms(expires_at=scene.now + 5 * SECOND)
    taken = only(client.place(SELL, 1, 101, validity=Validity.GTD, terms=terms), Taken)
    scene.now += 6 * SECOND
    client.beat()
    (ended,) = of(client.heard, Ended)
    assert (ended.venue_id, ended.open, ended.state) == (taken.venue_id, SCALE, VenueState.EXPIRED)
    late = Terms(expires_at=scene.now)
    assert only(client.place(SELL, 1, 101, validity=Validity.GTD, terms=late), Declined).rule == "already_expired"
    never = Terms(expires_at=2**63)
    said = only(client.place(SELL, 1, 101, validity=Validity.GTD, terms=never), Declined)
    assert said.rule == "expires_at_out_of_range"


def test_post_only_never_takes_and_an_iceberg_trades_whole() -> None:
    scene = Scene()
    maker, taker = scene.client(1), scene.client(2)
    terms = Terms(display=SCALE, post_only=True)
    only(maker.place(SELL, 3, 101, terms=terms), Taken)
    refused = only(taker.place(BUY, 1, 101, terms=Terms(post_only=True)), Declined)
    assert refused.rule == "would_trade"
    assert [each.quantity for each in of(taker.place(BUY, 3, 101), Dealt)] == [SCALE] * 3
    assert all(each.maker for each in of(maker.heard, Dealt))
    assert only(maker.place(SELL, 1, 101, terms=Terms(display=2 * SCALE)), Declined).rule == "display_out_of_range"
