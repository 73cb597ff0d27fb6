"""Connections to the venue: who may speak, who is fenced off, what is answered and in which pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchange.own.scene import BUY, KEYS, SELL, Client, Scene, crypto_exchange, of, only
from tradsys.core.errors import ConfigError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.units import SCALE, SECOND
from tradsys.core.venue import (
    Ask,
    AskFailed,
    Beat,
    CancelOrder,
    ChangeOrder,
    Dealt,
    Ended,
    Heartbeat,
    Logon,
    Page,
    PlaceOrder,
    Subject,
    Taken,
    Unwelcome,
    Welcome,
)
from tradsys.core.wire import encode
from tradsys.exchange.own import VenueServer


def refusal(client: Client, message: Any) -> tuple[str, int | str, int | str]:
    """Rule, value and limit of a connection that is sent off."""
    unwelcome = only(client.say(message), Unwelcome)
    assert client.ended and not client.beat()
    return unwelcome.rule, unwelcome.value, unwelcome.limit


def test_logon_is_first_and_once() -> None:
    scene = Scene()
    client = scene.connect()
    assert only(client.say(Logon(account=1, key=KEYS[1], epoch=4)), Welcome).epoch == 4
    assert only(client.beat(), Beat).number == 0
    assert refusal(client, Logon(account=1, key=KEYS[1], epoch=4))[0] == "logged_on"
    assert refusal(scene.connect(), Heartbeat()) == ("logon_first", "Heartbeat", "Logon")
    assert refusal(scene.connect(), CancelOrder(venue_id=1))[0] == "logon_first"


@pytest.mark.parametrize(
    ("account", "key", "rule"),
    [(1, "key of two", "wrong_key"), (1, "", "wrong_key"), (1, "ключ", "wrong_key"), (3, "key", "unknown_account")],
)
def test_who_has_no_key_stays_out(account: int, key: str, rule: str) -> None:
    said = refusal(Scene().connect(), Logon(account=account, key=key, epoch=1))
    assert said[:2] == (rule, account) and KEYS[1] not in str(said)


def test_a_higher_epoch_fences_the_lower_one_off() -> None:
    scene = Scene()
    old, new = scene.client(epoch=3), scene.connect()
    taken = only(old.place(SELL, 1, 101), Taken)
    only(new.say(Logon(account=1, key=KEYS[1], epoch=4)), Welcome)
    unwelcome = old.heard[-1]
    assert isinstance(unwelcome, Unwelcome)
    assert (unwelcome.rule, unwelcome.value, unwelcome.limit, old.ended) == ("superseded", 3, 4, True)
    assert old.place(SELL, 1, 101) == [] and old.cancel(taken.venue_id) == []
    assert len(new.rows(Subject.ORDERS)) == 1
    late = Logon(account=1, key=KEYS[1], epoch=3)
    assert refusal(scene.connect(), late) == ("superseded", 3, 4)
    scene.server.closed(new.connection, at=scene.now)
    assert refusal(scene.connect(), late) == ("superseded", 3, 4)
    assert scene.client(2, epoch=1).beat()


def test_commands_already_on_their_way_do_nothing_once_superseded() -> None:
    scene = Scene()
    old = scene.client(epoch=3)
    order = PlaceOrder(
        tag="late", instrument=scene.instrument, side=SELL, quantity=SCALE, type=OrderType.LIMIT,
        product=Product.SPOT, validity=Validity.DAY, limit=101 * SCALE,
    )  # fmt: skip
    first, rest = encode(order)[:9], encode(order)[9:]
    assert old.push(first) == []
    new = scene.client(epoch=4)
    assert old.push(rest) == [] and new.rows(Subject.ORDERS) == ()


def test_the_same_epoch_may_connect_again() -> None:
    scene = Scene()
    first = scene.client(epoch=3)
    first.place(SELL, 1, 101)
    second = scene.client(epoch=3)
    assert first.ended and of(first.heard, Unwelcome)[0].rule == "replaced"
    scene.client(2).place(BUY, 1, 101)
    dealt = only(second.heard, Dealt)
    assert dealt.number == 1
    scene.server.closed(first.connection, at=scene.now)
    assert [type(each) for each in second.place(SELL, 1, 101)] == [Taken]


def test_pushes_are_numbered_without_a_gap_and_answers_are_not() -> None:
    scene = Scene()
    client = scene.client()
    client.place(SELL, 1, 101)
    client.ask(Subject.CASH)
    client.place(SELL, 1, 100.001)
    client.cancel(99)
    client.beat()
    scene.client(2).place(BUY, 1, 101)
    assert [each.number for each in client.heard] == [1, 0, 2, 3, 0, 4]


def test_what_happens_while_nobody_is_connected_is_found_by_asking() -> None:
    scene = Scene()
    client = scene.client()
    client.place(SELL, 1, 101)
    scene.server.closed(client.connection, at=scene.now)
    scene.client(2).place(BUY, 1, 101)
    again = scene.client()
    assert again.heard == [] and again.rows(Subject.ORDERS)[0].filled == SCALE


def test_pages_have_all_rows_of_one_instant() -> None:
    scene = Scene(page_rows=3)
    client = scene.client()
    for _ in range(7):
        client.place(SELL, 1, 101)
    first = client.ask(Subject.ORDERS)
    assert isinstance(first, Page) and (first.pages, first.rows, len(first.orders)) == (3, 7, 3)
    client.cancel(1)
    client.place(SELL, 1, 102)
    rest = [client.ask(Subject.ORDERS, page) for page in (1, 2)]
    assert all(isinstance(each, Page) and each.rows == 7 for each in rest)
    numbers = [row.venue_id for page in (first, *rest) if isinstance(page, Page) for row in page.orders]
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    fresh = client.ask(Subject.ORDERS, request=2)
    assert isinstance(fresh, Page) and fresh.rows == 8 and fresh.request == 2
    assert not (fresh.trades or fresh.positions or fresh.cash)


def test_a_page_that_is_not_there_is_no_empty_answer() -> None:
    client = Scene().client()
    empty = client.ask(Subject.TRADES)
    assert isinstance(empty, Page) and (empty.pages, empty.rows, empty.trades) == (1, 0, ())
    for page in (1, -1):
        failed = client.ask(Subject.TRADES, page, request=5)
        assert isinstance(failed, AskFailed) and failed.request == 5


def test_who_says_nothing_is_dropped_and_keeps_its_orders() -> None:
    scene = Scene(silence=5 * SECOND)
    client, mute = scene.client(1), scene.connect()
    client.place(SELL, 1, 101)
    start = scene.now
    scene.pass_to(start + 4 * SECOND)
    client.beat()
    assert scene.server.next_at == start + 5 * SECOND
    scene.pass_to(start + 5 * SECOND)
    assert mute.ended and not client.ended
    scene.pass_to(start + 9 * SECOND)
    assert client.ended and of(client.heard, Unwelcome)[0].rule == "silent"
    assert not of(client.heard, Ended)
    assert len(scene.client(1).rows(Subject.ORDERS)) == 1


def test_what_arrives_after_a_pause_of_the_venue_is_heard() -> None:
    scene = Scene(silence=5 * SECOND)
    client, mute = scene.client(1), scene.client(2)
    scene.now += 60 * SECOND
    assert only(client.beat(), Beat) and not client.ended and mute.ended


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n", b"GET / HTTP/1.1\r\n", b"\x00" * 8, encode(Beat(at=1))]
)
def test_what_is_no_message_ends_the_connection_and_nothing_else(data: bytes) -> None:
    scene = Scene()
    client, other = scene.client(1), scene.client(2)
    unwelcome = only(client.push(encode(Heartbeat()) + data)[1:], Unwelcome)
    assert unwelcome.rule == "unreadable" and client.ended and other.beat()
    assert client.push(encode(Heartbeat())) == []


def test_an_account_without_key_or_place_is_refused() -> None:
    for accounts in ({1: ""}, {9: "key"}):
        with pytest.raises(ConfigError, match="an account needs a key"):
            VenueServer(crypto_exchange(), accounts)


def test_the_longest_names_and_pages_fit_into_frames() -> None:
    scene = Scene(page_rows=200)
    client = scene.client()
    for _ in range(200):
        assert client.place(BUY, 1, 99, instrument="ü" * 1900)
    page = client.ask(Subject.ORDERS)
    assert isinstance(page, Page) and len(page.orders) == 200
    assert client.place(BUY, 1, 99, tag="t" * 3900)[0]
    for rows in (0, 201):
        with pytest.raises(ConfigError, match="do not make a page"):
            Scene(page_rows=rows)


ANY = st.integers(-(2**63), 2**64 - 1)
COMMANDS = st.one_of(
    st.builds(
        PlaceOrder,
        tag=st.text(max_size=22),
        instrument=st.sampled_from(["SIM:BTC", "SIM:ETH", "?"]),
        side=st.sampled_from(Side),
        quantity=st.one_of(ANY, st.just(SCALE)),
        type=st.sampled_from(OrderType),
        product=st.sampled_from(Product),
        validity=st.sampled_from(Validity),
        limit=st.one_of(ANY, st.just(100 * SCALE)),
        trigger=st.one_of(ANY, st.just(100 * SCALE)),
        trail=st.one_of(ANY, st.just(SCALE)),
    ),
    st.builds(ChangeOrder, venue_id=st.integers(1, 9) | ANY, quantity=ANY, limit=ANY),
    st.builds(CancelOrder, venue_id=st.integers(1, 9) | ANY),
    st.builds(Ask, request=ANY, subject=st.sampled_from(Subject), page=ANY),
)


@given(st.lists(COMMANDS, max_size=12))
def test_any_message_is_answered_and_every_law_of_the_clearing_holds(messages: list[Any]) -> None:
    scene = Scene()
    client = scene.client()
    for message in messages:
        assert client.say(message), message
    assert not client.ended
