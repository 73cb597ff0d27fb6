"""Marking the close, momentum ignition, front running: who moves the price, who gains by it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.compliance.surveillance.streams import START, Stream, of
from tradsys.compliance.surveillance.alerts import Pattern
from tradsys.compliance.surveillance.events import AnyEvent, Exposed, Session
from tradsys.core.events import Phase
from tradsys.core.units import SCALE


def pair(stream: Stream, taker: str, side: int, quantity: float, price: float) -> None:
    """Somebody takes from a stranger."""
    maker = stream.enter(f"stranger {len(stream.events)}", -side, quantity, price)
    order = stream.enter(taker, side, quantity, price)
    stream.trade(taker=order, maker=maker, quantity=quantity, price=price)


def afternoon(*, climb: float = 0.02, held: float = 100, quantity: float = 40, side: int = 1) -> Stream:
    """Strangers trade 100 each minute at a steady price; from half an hour before the close `m` takes after them, and
    the price goes with it."""
    stream = Stream()
    stream.session(Phase.OPEN, closes_in=3_600)
    price = 100.0
    if held:
        pair(stream, "m", side, held, price)
    for minute in range(59):
        stream.wait(60)
        pair(stream, f"other {minute}", 1 if minute % 2 else -1, 100, price)
        if minute >= 30:
            price += side * climb
            pair(stream, "m", side, quantity, price)
    return stream


def test_a_holder_who_carries_the_price_into_the_close() -> None:
    stream = afternoon()
    (alert,) = of(stream.find(), Pattern.MARKING_THE_CLOSE)
    assert alert.accounts == ("m",)
    assert alert.clause == "PFUTP 4(2)(e)"
    assert alert.measures["stake"] == 1.0
    assert alert.measures["contribution"] == 1.0
    assert alert.measures["share"] == pytest.approx(40 / 140, rel=0.1)
    assert alert.begins >= START + 1_800 * 10**9


def test_the_same_on_the_way_down() -> None:
    assert of(afternoon(side=-1).find(), Pattern.MARKING_THE_CLOSE)


@pytest.mark.parametrize(
    "shape", [{"climb": 0.0}, {"quantity": 4.0}, {"climb": 0.003}], ids=["no move", "a small share", "a small move"]
)
def test_what_does_not_mark_the_close(shape: dict[str, Any]) -> None:
    assert not of(afternoon(**shape).find(), Pattern.MARKING_THE_CLOSE)


def test_who_loses_by_the_price_is_believed_and_who_holds_options_is_not() -> None:
    def with_exposure(quantity: int) -> Stream:
        stream = afternoon(held=0, climb=0.015)
        said = Exposed(at=START, instrument="NSE:X", account="m", quantity=quantity * SCALE)
        stream.events.insert(0, said)
        return stream

    assert of(with_exposure(1_000).find(), Pattern.MARKING_THE_CLOSE)
    assert not of(with_exposure(-1_000).find(), Pattern.MARKING_THE_CLOSE)


def test_without_a_known_close_nothing_is_said() -> None:
    stream = afternoon()
    stream.events = stream.events[1:]
    assert not of(stream.find(), Pattern.MARKING_THE_CLOSE)


def auction(*, quantity: float, price: float) -> Stream:
    """A day at 100 among strangers; in the closing auction `m` buys, others buy a thousand."""
    stream = Stream()
    stream.session(Phase.OPEN, closes_in=3_600)
    for minute in range(50):
        stream.wait(60)
        pair(stream, f"other {minute}", 1 if minute % 2 else -1, 10, 100.0)
    stream.session(Phase.CLOSING_AUCTION, closes_in=600)
    stream.wait(300)
    for _ in range(5):
        stream.meet(buyer="m", seller="seller", quantity=quantity / 5, price=price)
    for number in range(10):
        stream.meet(buyer=f"late {number}", seller="seller", quantity=100, price=price)
    return stream


def test_the_closing_auction() -> None:
    """Who buys most of it has most of its step; a tenth of it, or an auction that moves nothing, is nothing."""
    (alert,) = of(auction(quantity=2_000, price=101.0).find(), Pattern.MARKING_THE_CLOSE)
    assert alert.accounts == ("m",)
    assert alert.measures["contribution"] == pytest.approx(2 / 3)
    assert alert.measures["share"] == pytest.approx(2_000 / 3_210, rel=0.01)
    assert alert.measures["stake"] == 0.8
    assert not of(auction(quantity=100, price=101.0).find(), Pattern.MARKING_THE_CLOSE)
    assert not of(auction(quantity=2_000, price=100.0).find(), Pattern.MARKING_THE_CLOSE)


def test_another_day_begins_anew() -> None:
    """What was held and traded yesterday is not of today: told again, and without a stake."""
    stream = afternoon()
    stream.wait(60_000)
    later = afternoon(held=0)
    shift = stream.at - START
    stream.events += [
        replace(event, at=event.at + shift, **_moved(event, shift)) for event in later.events if event.at >= START
    ]
    first, second = of(stream.find(), Pattern.MARKING_THE_CLOSE)
    assert (first.measures["stake"], second.measures["stake"]) == (1.0, 0.8)


def _moved(event: AnyEvent, shift: int) -> dict[str, int]:
    return {"closes_at": event.closes_at + shift} if isinstance(event, Session) else {}


def quiet_trading(stream: Stream, *, price: float = 100.0, minutes: int = 5) -> None:
    """Every five seconds a trade of ten, up and down by two paise."""
    for number in range(minutes * 12):
        stream.wait(5)
        pair(stream, f"other {number}", 1 if number % 2 else -1, 10, price + (0.02 if number % 2 else 0.0))


def burst(stream: Stream, *, steps: int = 8, quantity: float = 30, step: float = 0.04, back: float = 0.2) -> None:
    """Purchases a quarter of a second apart, each dearer; then half is sold, so much above the first price."""
    for number in range(steps):
        stream.wait(0.25)
        pair(stream, "i", 1, quantity, 100.02 + step * (number + 1))
    stream.wait(10)
    pair(stream, "i", -1, quantity * steps / 2, 100.02 + back)


def test_a_burst_sold_into_those_who_follow() -> None:
    stream = Stream()
    quiet_trading(stream)
    burst(stream, back=0.3)
    (alert,) = of(stream.find(), Pattern.MOMENTUM_IGNITION)
    assert alert.accounts == ("i",)
    assert alert.measures["one_sided"] == 1.0
    assert alert.measures["gain_a_unit"] > 0
    assert alert.score > 0.8


@pytest.mark.parametrize(
    "shape",
    [{"back": 0.05}, {"step": 0.0}, {"quantity": 2.0}, {"steps": 4}],
    ids=["sold at a loss", "moves nothing", "small", "too few trades"],
)
def test_what_ignites_nothing(shape: dict[str, float]) -> None:
    stream = Stream()
    quiet_trading(stream)
    burst(stream, **({"back": 0.3} | shape))  # type: ignore[arg-type]
    assert not of(stream.find(), Pattern.MOMENTUM_IGNITION)


DEALER: dict[str, Any] = {"front_running": {"own_accounts": ["dealer"]}}


def ahead(stream: Stream, *, account: str = "dealer", gain: float = 0.1, large: float = 1_000) -> None:
    """A dealer buys, its client buys much, the dealer sells what it bought."""
    pair(stream, account, 1, 50, 100.0)
    stream.wait(20)
    maker = stream.enter("market", -1, large, 100.05)
    taker = stream.enter("client", 1, large, 100.05)
    stream.trade(taker=taker, maker=maker, quantity=large, price=100.05)
    stream.wait(20)
    pair(stream, account, -1, 50, 100.0 + gain)


def test_two_cases_ahead_of_a_client() -> None:
    stream = Stream()
    quiet_trading(stream)
    ahead(stream)
    assert not of(stream.find(**DEALER), Pattern.FRONT_RUNNING)
    stream.wait(600)
    ahead(stream)
    (alert,) = of(stream.find(**DEALER), Pattern.FRONT_RUNNING)
    assert alert.score == pytest.approx(1 - 0.5**2)
    assert alert.accounts == ("dealer",)
    assert alert.measures["cases"] == 2
    assert alert.measures["gain_a_unit"] == pytest.approx(0.1)
    assert alert.clause == "PFUTP 4(2)(q)"


def test_nobody_is_accused_who_lost_or_could_not_know_or_trades_all_day_or_had_an_ordinary_client() -> None:
    def two(**shape: object) -> Stream:
        stream = Stream()
        quiet_trading(stream)
        for _ in range(2):
            ahead(stream, **shape)  # type: ignore[arg-type]
            stream.wait(600)
        return stream

    assert of(two().find(**DEALER), Pattern.FRONT_RUNNING)
    assert not of(two(gain=-0.1).find(**DEALER), Pattern.FRONT_RUNNING)
    assert not of(two(account="stranger").find(**DEALER), Pattern.FRONT_RUNNING)
    assert not of(two(large=50).find(**DEALER), Pattern.FRONT_RUNNING)
    assert Pattern.FRONT_RUNNING not in two().find().watched
    busy = Stream()
    quiet_trading(busy)
    for number in range(200):
        busy.wait(20)
        pair(busy, "dealer", 1 if number % 2 else -1, 50, 100.0)
    busy.wait(600)
    for _ in range(2):
        ahead(busy)
        busy.wait(600)
    assert not of(busy.find(**DEALER), Pattern.FRONT_RUNNING)
