"""Test vectors: for each rule an order one unit below, at and above its limit, and what the rule says to it.

They ship with the pack, so that `tradsys rules check` shows on any machine that the rules do what they say.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from tradsys.compliance.sebi.book import RuleBook
from tradsys.compliance.sebi.conduct import OrderRate
from tradsys.compliance.sebi.facts import StatedFacts
from tradsys.compliance.sebi.pack import checks
from tradsys.core.events import Order, OrderType, Product, Refused, Side, Validity
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.ports import Claim
from tradsys.core.units import SCALE, from_text
from tradsys.reference.sessions import days_since_epoch, instant

_CLAIM = ("held", "offered", "opening", "needed")

TODAY = date(2026, 11, 20)
"""A date on which every rule is in force."""


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """One order and the answer of one rule: refused with this value and limit, or (`value` empty) passed.

    `sent` messages went to the same exchange segment in the same second before it.
    """

    rule: str
    says: str
    order: Order
    instrument: Instrument
    claim: Claim
    facts: StatedFacts
    sent: int = 0
    value: str = ""
    limit: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule said to a vector, and whether that is what the vector says."""

    vector: Vector
    refused: Refused | None
    agrees: bool


def share(**changes: Any) -> Instrument:
    """A share of the NSE."""
    fields: dict[str, Any] = {"id": "NSE:INFY", "exchange": "NSE", "symbol": "INFY", "segment": Segment.EQUITY}
    return Instrument(**fields | changes)


def index_option(**changes: Any) -> Instrument:
    """A call on NIFTY that expires on 24 November 2026."""
    return _contract("NFO:NIFTY26NOV24000CE", "NSE:NIFTY 50", Segment.OPTION, lot=65, **changes)


def stock_future(**changes: Any) -> Instrument:
    """A future on INFY that expires on 24 November 2026."""
    return _contract("NFO:INFY26NOVFUT", "NSE:INFY", Segment.FUTURE, lot=400, **changes)


def commodity_future(**changes: Any) -> Instrument:
    """A future on gold."""
    return _contract("MCX:GOLD26DECFUT", "GOLD", Segment.FUTURE, lot=1, **changes)


def _contract(name: str, of: str, segment: Segment, *, lot: int, **changes: Any) -> Instrument:
    option: dict[str, Any] = {"strike": 24_000 * SCALE, "right": OptionRight.CALL} if segment is Segment.OPTION else {}
    exchange, _, symbol = name.partition(":")
    fields: dict[str, Any] = {
        "id": name,
        "exchange": exchange,
        "symbol": symbol,
        "segment": segment,
        "underlying": of,
        "expiry": moment(date(2026, 11, 24), "15:40"),
        "lots": (msgspec.structs.replace(share().lots[0], step=lot * SCALE),),
    }
    return Instrument(**fields | option | changes)


def moment(day: date, clock: str = "10:00") -> int:
    """A time of day in India, UTC nanoseconds."""
    return instant(days_since_epoch(day), clock)


def order(instrument: Instrument, **changes: Any) -> Order:
    """A limit order to buy one lot at 100 in the product of the segment; prices as text or 1e-8."""
    equity = instrument.segment is Segment.EQUITY
    fields: dict[str, Any] = {
        "at": moment(TODAY),
        "order_id": 1,
        "strategy": "s",
        "instrument": instrument.id,
        "side": Side.BUY,
        "quantity": instrument.lots[0].step,
        "type": OrderType.LIMIT,
        "product": Product.CNC if equity else Product.NRML,
        "validity": Validity.DAY,
        "limit": "100",
    }
    if changes.get("type") in (OrderType.MARKET, OrderType.STOP, OrderType.TRAILING):
        fields["limit"] = 0
    return Order(**{key: _exact(value) for key, value in (fields | changes).items()})


def _exact(value: Any) -> Any:
    return from_text(value) if type(value) is str and value[:1].isdigit() else value


def claim(placed: Order, *, held: int = 0, offered: int = 0, opening: int | None = None, needed: int = 0) -> Claim:
    """What an order means for an account; it opens all it asks for unless told otherwise. 1e-8."""
    return Claim(100 * SCALE, held, offered, placed.quantity if opening is None else opening, needed)


def vector(instrument: Instrument, facts: StatedFacts, *, rule: str, says: str, **changes: Any) -> Vector:
    """A vector whose order and claim differ from the usual by `changes`.

    `sent`, `value` and `limit_text` are the vector's own; without a value the rule lets the order pass.
    """
    value, limit, sent = changes.pop("value", ""), changes.pop("limit_text", ""), changes.pop("sent", 0)
    claimed = {key: changes.pop(key) for key in _CLAIM if key in changes}
    placed = order(instrument, **changes)
    return Vector(
        rule=rule,
        says=says,
        order=placed,
        instrument=instrument,
        claim=claim(placed, **claimed),
        facts=facts,
        sent=sent,
        value=value,
        limit=limit,
    )


def answer(asked: Vector, book: RuleBook) -> Answer:
    """Ask the vector's rule, with the rows of the order's own day."""
    (check,) = (each for each in checks(book, asked.facts) if each.rule == asked.rule)
    if isinstance(check, OrderRate):
        for _ in range(asked.sent):
            check.count(asked.instrument.exchange, asked.order.at)
    refused = None
    if check.concerns(asked.instrument, asked.order.product, asked.order.side):
        refused = check(asked.order, asked.instrument, asked.claim)
    found = (refused.rule, refused.value, refused.limit) if refused else ("", "", "")
    expected = (asked.rule, asked.value, asked.limit) if asked.value else ("", "", "")
    return Answer(vector=asked, refused=refused, agrees=found == expected)


def answers(book: RuleBook, vectors: Iterable[Vector]) -> list[Answer]:
    """Every vector's answer, in order."""
    return [answer(each, book) for each in vectors]
