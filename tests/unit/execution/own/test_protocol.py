"""Our end of the own protocol: nothing leaves but what is durable, and nothing that came is lost or taken twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.durable import DurableIntent, EmergencyIntent
from tradsys.core.errors import InvariantBroken, ProtocolError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.units import SCALE
from tradsys.core.venue import (
    Ask,
    AskFailed,
    Awoken,
    Beat,
    CancelOrder,
    ChangeOrder,
    Heartbeat,
    Logon,
    PlaceOrder,
    Subject,
    Taken,
    Unwelcome,
    Welcome,
)
from tradsys.core.wire import encode, outgoing_reader
from tradsys.execution.own.protocol import ClientSession

CANCEL = CancelOrder(venue_id=7)
ASK = Ask(request=1, subject=Subject.CASH)


def place(*, reduces: bool = False) -> PlaceOrder:
    return PlaceOrder(
        tag="a", instrument="NSE:S", side=Side.SELL, quantity=SCALE, type=OrderType.MARKET, product=Product.CNC,
        validity=Validity.DAY, reduces=reduces,
    )  # fmt: skip


def taken(number: int) -> bytes:
    return encode(Taken(at=1, number=number, tag="a", venue_id=number, open=SCALE))


def session(epoch: int = 3) -> ClientSession:
    """Logged on and welcomed."""
    made = ClientSession(account=1, key="secret")
    made.logon(epoch=epoch)
    assert made.receive(encode(Welcome(at=1, epoch=epoch))) == [Welcome(at=1, epoch=epoch)] and made.ready
    return made


def said(data: bytes) -> list[Any]:
    return list(outgoing_reader().feed(data))


def test_it_logs_on_first_and_once() -> None:
    made = ClientSession(account=1, key="secret")
    assert said(made.logon(epoch=3)) == [Logon(account=1, key="secret", epoch=3)] and not made.ready
    with pytest.raises(InvariantBroken, match="not welcomed"):
        made.ask(ASK)
    with pytest.raises(InvariantBroken, match="not welcomed"):
        made.send(DurableIntent(sequence=1, epoch=3, command=CANCEL))
    with pytest.raises(InvariantBroken, match="logs on once"):
        made.logon(epoch=4)


def test_commands_leave_as_intents_and_nothing_else_does() -> None:
    made = session()
    for command in (place(), CANCEL, ChangeOrder(venue_id=1, quantity=2, limit=3)):
        assert said(made.send(DurableIntent(sequence=5, epoch=3, command=command))) == [command]
        for other in (command, {"command": command}, None):
            with pytest.raises(InvariantBroken, match="only what is durable"):
                made.send(other)  # type: ignore[arg-type]
    assert said(made.ask(ASK)) == [ASK] and said(made.heartbeat()) == [Heartbeat()]


def test_an_intent_of_another_lease_does_not_leave() -> None:
    with pytest.raises(InvariantBroken, match="another lease"):
        session(epoch=3).send(DurableIntent(sequence=1, epoch=2, command=CANCEL))


def test_an_emergency_cancels_and_closes() -> None:
    made = session()
    for command in (CANCEL, place(reduces=True)):
        assert said(made.send(EmergencyIntent(epoch=3, command=command, why="disk"))) == [command]
    with pytest.raises(InvariantBroken, match="may cancel and close"):
        made.send(EmergencyIntent(epoch=3, command=place(), why="disk"))


def test_reports_come_in_order_however_they_are_cut() -> None:
    data = taken(1) + encode(Beat(at=2)) + taken(2) + encode(AskFailed(at=2, request=1, why="x"))
    whole = session().receive(data)
    assert [type(each).__name__ for each in whole] == ["Taken", "Beat", "Taken", "AskFailed"]
    made = session()
    assert [each for byte in data for each in made.receive(bytes([byte]))] == whole and not made.gap


def test_a_number_left_out_is_a_gap_and_what_came_is_given() -> None:
    made = session()
    assert len(made.receive(taken(1))) == 1 and not made.gap
    assert len(made.receive(taken(3))) == 1 and made.gap and made.ready
    made.receive(taken(4))
    assert made.gap
    first = session()
    first.receive(taken(2))
    assert first.gap


def test_a_report_twice_is_not_given_twice() -> None:
    made = session()
    assert len(made.receive(taken(1) + taken(1))) == 1
    assert made.gap and not made.ready
    with pytest.raises(ProtocolError, match="a report twice"):
        made.receive(b"")


@pytest.mark.parametrize("start", [taken(1), encode(Beat(at=1)), encode(Awoken(at=1, tag="", venue_id=1))])
def test_nothing_comes_before_welcome(start: bytes) -> None:
    made = ClientSession(account=1, key="secret")
    made.logon(epoch=3)
    with pytest.raises(ProtocolError, match="before the session began"):
        made.receive(start)
    assert not made.ready


def test_a_welcome_to_somebody_else_or_a_second_one_is_none() -> None:
    made = ClientSession(account=1, key="secret")
    made.logon(epoch=3)
    with pytest.raises(ProtocolError, match="welcome to another"):
        made.receive(encode(Welcome(at=1, epoch=4)))
    with pytest.raises(ProtocolError, match="welcome to another"):
        session().receive(encode(Welcome(at=1, epoch=3)))


def test_unwelcome_ends_it() -> None:
    made = session()
    end = Unwelcome(at=1, rule="superseded", value=3, limit=4)
    assert made.receive(taken(1) + encode(end))[1] == end and not made.ready
    with pytest.raises(InvariantBroken, match="not welcomed"):
        made.ask(ASK)
    with pytest.raises(ProtocolError, match="after the end"):
        made.receive(taken(2))


def test_what_came_before_something_unreadable_is_given() -> None:
    made = session()
    heard = made.receive(taken(1) + b"<html>")
    assert len(heard) == 1 and made.gap and not made.ready
    with pytest.raises(ProtocolError, match="HTML"):
        made.receive(taken(2))
    with pytest.raises(ProtocolError, match="an HTTP answer"):
        session().receive(b"HTTP/1.1 502 Bad Gateway\r\n")


@given(st.lists(st.binary(max_size=40) | st.sampled_from([taken(1), taken(2), encode(Beat(at=1))]), max_size=8))
def test_any_bytes_are_reports_or_a_protocol_error(pieces: list[bytes]) -> None:
    made = session()
    try:
        for piece in pieces:
            made.receive(piece)
    except ProtocolError:
        assert not made.ready
