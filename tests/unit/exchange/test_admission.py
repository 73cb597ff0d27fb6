"""Every refusal before the book, as a value with rule, limit and what was found; and the command of what is taken."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.matching import MAX_PRICE, MAX_QUANTITY, Action, BookPhase, BookSide, Command, Kind, TimeInForce
from tradsys.core.units import SCALE
from tradsys.exchange.admission import (
    Admission,
    AdmissionRule,
    Entry,
    Listing,
    Rejection,
    listed_freeze,
    listed_least_display,
)
from tradsys.exchange.limit_protection import LimitProtection
from tradsys.reference.market_rules import protection_rule

TICK = SCALE // 20
LOT = 65 * SCALE
LATER = 1_000
TODAY = date(2026, 9, 8)
OPTION = Instrument(
    id="NFO:NIFTY26SEP25000CE",
    exchange="NFO",
    symbol="NIFTY26SEP25000CE",
    segment=Segment.OPTION,
    underlying="NSE:NIFTY 50",
    ticks=(DatedStep(0, TICK), DatedStep(LATER, 2 * TICK)),
    lots=(DatedStep(0, LOT), DatedStep(LATER, 2 * LOT)),
)
GOOD = Entry(order_id=7, instrument=OPTION.id, side=BookSide.BUY, quantity=2 * LOT, price=100 * SCALE)


def admission() -> Admission:
    rule = protection_rule("NSE", TODAY, contract="index option")
    assert rule is not None
    protection = LimitProtection(rule, reference=2_000, tick=TICK, opens=0)
    return Admission([Listing(instrument=OPTION, number=3, freeze=listed_freeze(OPTION, TODAY), protection=protection)])


def admit(*, at: int = 0, phase: BookPhase = BookPhase.CONTINUOUS, **changes: Any) -> Command | Rejection:
    return admission().admit(replace(GOOD, **changes), at=at, phase=phase)


def test_what_is_taken_becomes_ticks_and_steps() -> None:
    taken = admit(time_in_force=TimeInForce.GTC, account=9, flags=1, display=LOT, expires_at=4, at=5)
    assert taken == Command(
        Action.NEW,
        7,
        price=2_000,
        quantity=2,
        time_in_force=TimeInForce.GTC,
        flags=1,
        instrument=3,
        account=9,
        display=1,
        expires_at=4,
        at=5,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": Kind.MARKET}, {"price": 0}),
        ({"kind": Kind.STOP, "trigger": 90 * SCALE}, {"price": 0, "trigger": 1_800}),
        ({"kind": Kind.STOP_LIMIT, "trigger": 90 * SCALE}, {"price": 2_000, "trigger": 1_800}),
        ({"kind": Kind.TRAILING, "trail": SCALE}, {"price": 0, "trigger": 0, "trail": 20}),
        ({"kind": Kind.PROTECTED, "price": SCALE}, {"price": 20}),
        ({"replaces": True}, {"action": Action.REPLACE}),
        ({"trigger": 1}, {"trigger": 0}),
    ],
    ids=["market", "stop", "stop limit", "trailing", "protected", "replace", "unused trigger"],
)
def test_each_kind_carries_the_prices_it_uses(changes: dict[str, Any], expected: dict[str, int]) -> None:
    taken = admit(**changes)
    assert isinstance(taken, Command)
    assert {name: getattr(taken, name) for name in expected} == expected


R = AdmissionRule


@pytest.mark.parametrize(
    ("changes", "rule", "limit", "value"),
    [
        ({"instrument": "NSE:X"}, R.UNKNOWN_INSTRUMENT, "listed", "NSE:X"),
        ({"phase": BookPhase.CLOSED}, R.SESSION_CLOSED, "continuous or auction", "closed"),
        ({"phase": BookPhase.HALTED}, R.INSTRUMENT_HALTED, "continuous or auction", "halted"),
        ({"quantity": 0}, R.QUANTITY_NOT_POSITIVE, 1, 0),
        ({"quantity": -LOT}, R.QUANTITY_NOT_POSITIVE, 1, -LOT),
        ({"quantity": LOT + 1}, R.QUANTITY_OFF_LOT, LOT, LOT + 1),
        ({"quantity": LOT, "at": LATER}, R.QUANTITY_OFF_LOT, 2 * LOT, LOT),
        ({"quantity": 28 * LOT}, R.QUANTITY_ABOVE_FREEZE, 1_800 * SCALE, 28 * LOT),
        ({"price": 0}, R.PRICE_NOT_POSITIVE, 1, 0),
        ({"price": -TICK}, R.PRICE_NOT_POSITIVE, 1, -TICK),
        ({"price": 100 * SCALE + 1}, R.PRICE_OFF_TICK, TICK, 100 * SCALE + 1),
        ({"price": 100 * SCALE + TICK, "at": LATER}, R.PRICE_OFF_TICK, 2 * TICK, 100 * SCALE + TICK),
        ({"price": (MAX_PRICE + 1) * TICK}, R.PRICE_ABOVE_MOST, MAX_PRICE * TICK, (MAX_PRICE + 1) * TICK),
        ({"kind": Kind.STOP, "trigger": 0}, R.PRICE_NOT_POSITIVE, 1, 0),
        ({"kind": Kind.STOP, "trigger": 1}, R.PRICE_OFF_TICK, TICK, 1),
        ({"kind": Kind.TRAILING}, R.PRICE_NOT_POSITIVE, 1, 0),
        ({"trail": 2**80 * TICK}, R.PRICE_ABOVE_MOST, MAX_PRICE * TICK, 2**80 * TICK),
        ({"display": 1}, R.DISPLAY_OFF_LOT, LOT, 1),
        ({"display": 3 * LOT}, R.DISPLAY_OUT_OF_RANGE, 2 * LOT, 3 * LOT),
        ({"display": -LOT}, R.DISPLAY_OUT_OF_RANGE, 2 * LOT, -LOT),
        ({"price": 140 * SCALE + TICK}, R.BEYOND_PRICE_PROTECTION, 140 * SCALE, 140 * SCALE + TICK),
        ({"side": BookSide.SELL, "price": SCALE}, R.BEYOND_PRICE_PROTECTION, 60 * SCALE, SCALE),
    ],
)
def test_every_refusal_names_rule_limit_and_value(
    changes: dict[str, Any], rule: AdmissionRule, limit: int | str, value: int | str
) -> None:
    assert admit(**changes) == Rejection(order_id=7, rule=rule, limit=limit, value=value)


def test_without_a_freeze_quantity_the_book_s_own_bound_holds() -> None:
    free = Admission([Listing(instrument=OPTION, number=0)])
    most = MAX_QUANTITY * LOT
    huge = replace(GOOD, quantity=most + LOT)
    answer = free.admit(huge, at=0, phase=BookPhase.CONTINUOUS)
    assert answer == Rejection(order_id=7, rule=R.QUANTITY_ABOVE_MOST, limit=most, value=most + LOT)


def test_the_first_check_that_fails_answers() -> None:
    answer = admit(phase=BookPhase.HALTED, quantity=-1, price=-1, display=-1)
    assert isinstance(answer, Rejection)
    assert answer.rule == R.INSTRUMENT_HALTED
    answer = admit(quantity=28 * LOT, price=1)
    assert isinstance(answer, Rejection)
    assert answer.rule == R.QUANTITY_ABOVE_FREEZE


def test_stops_are_checked_against_the_range_when_they_trigger_not_before() -> None:
    assert isinstance(admit(kind=Kind.STOP_LIMIT, trigger=500 * SCALE, price=500 * SCALE), Command)


@pytest.mark.parametrize(
    ("underlying", "on", "expected"),
    [
        ("NSE:NIFTY BANK", date(2025, 8, 31), 600),
        ("NSE:NIFTY BANK", date(2025, 9, 1), 900),
        ("BANKNIFTY", date(2025, 11, 3), 600),
        ("NSE:NIFTY 50", TODAY, 1_800),
        ("MIDCPNIFTY", TODAY, 2_800),
        ("NIFTYNXT50", TODAY, 600),
        ("NSE:RELIANCE", TODAY, None),
        ("NIFTY", date(2025, 6, 30), None),
    ],
)
def test_freeze_quantities_by_date(underlying: str, on: date, expected: int | None) -> None:
    found = listed_freeze(replace(OPTION, underlying=underlying), on)
    assert found == (None if expected is None else expected * SCALE)


SHARE = Instrument(id="NSE:INFY", exchange="NSE", symbol="INFY", segment=Segment.EQUITY)
ICEBERG = Entry(order_id=7, instrument=SHARE.id, side=BookSide.BUY, quantity=105 * SCALE, price=100 * SCALE)


@pytest.mark.parametrize(
    ("exchange", "segment", "expected"),
    [
        ("NSE", Segment.EQUITY, 1_000),
        ("BSE", Segment.EQUITY, 1_000),
        ("CDS", Segment.FUTURE, 1_000),
        ("MCX", Segment.FUTURE, 2_500),
        ("NFO", Segment.FUTURE, 0),
        ("BINANCE", Segment.CRYPTO_SPOT, 0),
    ],
)
def test_what_an_iceberg_shows_at_least(exchange: str, segment: Segment, expected: int) -> None:
    assert listed_least_display(replace(SHARE, exchange=exchange, segment=segment), TODAY) == expected


@pytest.mark.parametrize(("display", "taken"), [(0, True), (1, False), (10, False), (11, True), (105, True)])
def test_an_iceberg_of_a_share_shows_a_tenth(display: int, taken: bool) -> None:
    listing = Listing(instrument=SHARE, number=0, least_display=listed_least_display(SHARE, TODAY))
    entry = replace(ICEBERG, display=display * SCALE)
    answer = Admission([listing]).admit(entry, at=0, phase=BookPhase.CONTINUOUS)
    if taken:
        assert isinstance(answer, Command)
        assert answer.display == display
    else:
        expected = Rejection(order_id=7, rule=R.DISPLAY_BELOW_LEAST, limit=11 * SCALE, value=display * SCALE)
        assert answer == expected


def test_without_a_least_display_an_iceberg_shows_one_lot() -> None:
    entry = replace(ICEBERG, display=SCALE)
    answer = Admission([Listing(instrument=SHARE, number=0)]).admit(entry, at=0, phase=BookPhase.CONTINUOUS)
    assert isinstance(answer, Command)
