"""Frames of the own protocol: whatever the bytes and however they are cut, a reader answers or says what it saw."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.errors import ProtocolError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.units import SCALE
from tradsys.core.venue import (
    Ask,
    AskFailed,
    Awoken,
    Beat,
    CancelOrder,
    CashRow,
    Changed,
    ChangeOrder,
    CommandDeclined,
    Dealt,
    Declined,
    Ended,
    Heartbeat,
    Logon,
    OrderRow,
    Page,
    PlaceOrder,
    PositionRow,
    Subject,
    Taken,
    TradeRow,
    Undone,
    Unwelcome,
    VenueState,
    Welcome,
)
from tradsys.core.wire import MAX_BODY, MAX_REQUEST, FrameReader, encode, incoming_reader, outgoing_reader

BUY: dict[str, Any] = {"side": Side.BUY, "product": Product.CNC, "quantity": SCALE}
PLACE = PlaceOrder(tag="a2", instrument="NSE:S", type=OrderType.LIMIT, validity=Validity.DAY, limit=100 * SCALE, **BUY)
OUTGOING = (
    Logon(account=1, key="secret", epoch=3),
    Heartbeat(),
    Ask(request=1, subject=Subject.TRADES, page=2),
    PLACE,
    ChangeOrder(venue_id=7, quantity=SCALE, limit=SCALE),
    CancelOrder(venue_id=7),
)
ROWS: dict[str, Any] = {
    "orders": (
        OrderRow(
            tag="a2", venue_id=7, instrument="S", filled=0, open=SCALE, limit=1, state=VenueState.OPEN, at=1, **BUY
        ),
    ),
    "trades": (TradeRow(trade_id=4, tag="a2", venue_id=7, instrument="S", price=SCALE, at=1, **BUY),),
    "positions": (PositionRow(instrument="S", product=Product.CNC, quantity=-SCALE, average=SCALE),),
    "cash": (CashRow(currency="INR", cash=-5),),
}
INCOMING = (
    Welcome(at=1, epoch=3),
    Unwelcome(at=1, rule="wrong_key", value=1, limit="its key"),
    Beat(at=2),
    Taken(at=1, number=1, tag="a2", venue_id=7, open=SCALE),
    Declined(at=1, number=2, tag="a2", rule="throttled", value=11, limit=10),
    CommandDeclined(at=1, number=3, venue_id=7, rule="unknown_order", value=7, limit="a live order"),
    Changed(at=1, number=4, tag="a2", venue_id=7, open=SCALE, limit=SCALE),
    Awoken(at=1, number=5, tag="a2", venue_id=7),
    Dealt(at=1, number=6, tag="a2", venue_id=7, trade_id=4, instrument="S", price=SCALE, **BUY),
    Undone(at=1, number=7, tag="a2", venue_id=7, trade_id=4),
    Ended(at=1, number=8, tag="a2", venue_id=7, open=SCALE, state=VenueState.EXPIRED, reason="expired"),
    Page(at=1, request=1, subject=Subject.ORDERS, page=0, pages=1, rows=4, **ROWS),
    AskFailed(at=1, request=2, why="no page 9"),
)
DIRECTIONS = pytest.mark.parametrize(
    ("make_reader", "messages"),
    [(outgoing_reader, OUTGOING), (incoming_reader, INCOMING)],
    ids=["outgoing", "incoming"],
)


def framed(body: bytes) -> bytes:
    return struct.pack(">II", len(body), zlib.crc32(body)) + body


@DIRECTIONS
def test_every_message_comes_back_whole_byte_by_byte_and_with_a_tail(make_reader: Any, messages: Any) -> None:
    for message in messages:
        frame = encode(message)
        assert list(make_reader().feed(frame)) == [message]
        reader = make_reader()
        assert [each for byte in frame for each in reader.feed(bytes([byte]))] == [message]
        reader = make_reader()
        assert list(reader.feed(frame + frame[:5])) == [message]
        assert list(reader.feed(frame[5:])) == [message]


def test_the_bytes_of_a_frame_do_not_change() -> None:
    assert encode(CancelOrder(venue_id=7)) == framed(b"\x82\xa7message\xabCancelOrder\xa8venue_id\x07")


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"<html><body>502 Bad Gateway", "HTML"),
        (b"\n<!DOCTYPE html>", "HTML"),
        (b"HTTP/1.1 200 OK\r\n", "an HTTP answer"),
        (b"GET / HTTP/1.1\r\n", "an HTTP request"),
        (b"\x16\x03\x01\x02\x00\x01", "TLS"),
        (b"SSH-2.0-x", "SSH"),
        (b'{"error": 1}', "JSON"),
        (b"\x00\x00\x00\x00", "a length of 0"),
        (struct.pack(">I", MAX_BODY + 1), f"a length of {MAX_BODY + 1}"),
    ],
)
def test_what_is_no_frame_is_named_however_it_is_cut(start: bytes, what: str) -> None:
    with pytest.raises(ProtocolError, match=what) as refused:
        list(incoming_reader().feed(start))
    assert refused.value.exit_code == 3 and refused.value.value
    reader = incoming_reader()
    with pytest.raises(ProtocolError, match=what):
        assert [each for byte in start for each in reader.feed(bytes([byte]))]


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        b"\xa2\xff\xfe",
        b"\x81\xa7message\xa2\xff\xfe",
        b"\x81\xa7message\xa4Beat",
        b"\x83\xa7message\xa4Beat\xa2at\x01\xa1z" + b"\x91" * 100_000 + b"\x90",
        b"\x82\xa7message\xa4Page\xa6orders\xdd\xff\xff\xff\xff",
        msgspec.msgpack.encode(Heartbeat()),
        encode(Beat(at=1))[8:] + b"\x00",
    ],
)
def test_a_frame_without_a_message_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="holds no message"):
        list(incoming_reader().feed(framed(body)))


def test_what_came_before_damage_is_given_and_nothing_after_it() -> None:
    reader, good = incoming_reader(), encode(Beat(at=1))
    said = reader.feed(good + good[:-1] + b"\xff" + good)
    assert next(said) == Beat(at=1)
    with pytest.raises(ProtocolError, match="CRC-32"):
        next(said)
    with pytest.raises(ProtocolError, match="CRC-32"):
        list(reader.feed(good))


def test_too_long_a_message_is_neither_sent_nor_taken() -> None:
    with pytest.raises(ProtocolError, match="too long"):
        encode(AskFailed(at=1, request=1, why="x" * MAX_BODY))
    with pytest.raises(ProtocolError, match="too long"):
        encode(Logon(account=1, key="x" * MAX_REQUEST, epoch=1))
    with pytest.raises(ProtocolError, match=f"a length of {MAX_REQUEST + 1}"):
        list(outgoing_reader().feed(framed(b"x" * (MAX_REQUEST + 1))))
    why = "x" * (MAX_REQUEST + 1)
    assert list(incoming_reader().feed(encode(AskFailed(at=1, request=1, why=why))))


def test_an_error_never_repeats_all_that_came() -> None:
    body = msgspec.msgpack.encode({"message": "Ask", "request": 1, "subject": "x" * 4000})
    with pytest.raises(ProtocolError) as refused:
        list(outgoing_reader().feed(framed(body)))
    assert len(refused.value.message) < 300 and len(str(refused.value.value)) < 100


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_are_messages_or_a_protocol_error(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    for reader in (incoming_reader(), outgoing_reader()):
        try:
            for start, end in pairwise(edges):
                assert not list(reader.feed(data[start:end]))
        except ProtocolError as error:
            assert error.value


@given(st.sampled_from([*OUTGOING, *INCOMING]), st.integers(0, 400), st.binary(max_size=8))
def test_any_body_in_a_good_frame_is_a_message_or_a_protocol_error(message: Any, at: int, noise: bytes) -> None:
    body = encode(message)[8:]
    changed = body[:at] + noise + body[at + len(noise) :]
    for reader in (incoming_reader(), outgoing_reader()):
        try:
            assert len(list(reader.feed(framed(changed)))) == 1
        except ProtocolError as error:
            assert "holds no message" in error.message or not changed


@given(st.sampled_from(OUTGOING), st.integers(0), st.integers(0, 7))
def test_any_flipped_bit_is_seen(message: Any, place: int, bit: int) -> None:
    frame = bytearray(encode(message))
    frame[place % len(frame)] ^= 1 << bit
    reader = FrameReader()
    try:
        assert not list(reader.feed(bytes(frame)))
    except ProtocolError as error:
        assert error.message
