"""The vectors of short sales, surveillance, bans, position limits and the day of expiry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from tradsys.compliance.sebi.facts import Exposure, StatedFacts
from tradsys.compliance.sebi.positions import CRORE
from tradsys.compliance.sebi.vectors import Vector, index_option, moment, share, stock_future, vector
from tradsys.core.events import Product, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, format_money, to_text


def position_vectors() -> Iterator[Vector]:
    """Every vector of these rules."""
    yield from _surveillance()
    yield from _short()
    yield from _ban()
    yield from _index()
    yield from _stock()
    yield from _expiry()


def _vector(rule: str, says: str, instrument: Instrument, facts: StatedFacts, **changes: Any) -> Vector:
    return vector(instrument, facts, rule=rule, says=says, **changes)


def _surveillance() -> Iterator[Vector]:
    rule, infy = "sebi-surveillance", share()
    for measure, product, limit in (
        ("", Product.MIS, ""),
        ("LT-ASM 1", Product.MIS, ""),
        ("LT-ASM 2", Product.MIS, ""),
        ("LT-ASM 3", Product.MIS, ""),
        ("LT-ASM 4", Product.CNC, ""),
        ("LT-ASM 4", Product.MIS, "CNC"),
        ("ST-ASM 1", Product.MIS, ""),
        ("ST-ASM 2", Product.MIS, ""),
        ("GSM 1", Product.MIS, ""),
        ("GSM 2", Product.MIS, "CNC"),
        ("GSM 2", Product.CNC, ""),
        ("GSM 3", Product.CNC, "traded weekly"),
        ("GSM 4", Product.CNC, "traded weekly"),
        ("GSM 5", Product.CNC, "traded monthly"),
        ("GSM 6", Product.CNC, "traded monthly"),
        ("ESM 1", Product.MIS, "CNC"),
        ("ESM 1", Product.CNC, ""),
        ("ESM 2", Product.MIS, "CNC"),
        ("ESM 2", Product.CNC, ""),
        ("T2T", Product.MIS, "CNC"),
        ("T2T", Product.CNC, ""),
    ):
        facts = StatedFacts(measures={infy.id: measure})
        expected = {"value": f"{product} under {measure}", "limit_text": limit} if limit else {}
        says = f"{product} under {measure or 'none'}"
        yield _vector(rule, says, infy, facts, product=product, **expected)
    odd = StatedFacts(measures={infy.id: "XSM 9"})
    yield _vector(rule, "a measure without a row", infy, odd, value="XSM 9", limit_text="a known measure")
    unknown = {"value": f"unknown: surveillance status of {infy.id}", "limit_text": "a share's measure"}
    yield _vector(rule, "unknown", infy, StatedFacts(), **unknown)


def _short() -> Iterator[Vector]:
    rule, none = "sebi-short-sale", StatedFacts()
    sale: dict[str, Any] = {"side": Side.SELL, "held": 10 * SCALE}
    for units in (9, 10, 11):
        expected = {"value": str(units), "limit_text": "10"} if units > 10 else {}
        yield _vector(rule, f"{units} of 10", share(), none, quantity=units * SCALE, **sale, **expected)
    twice = {"value": "5", "limit_text": "4", "offered": 6 * SCALE}
    yield _vector(rule, "offered twice", share(), none, quantity=5 * SCALE, **sale, **twice)
    yield _vector(rule, "intraday", share(), none, side=Side.SELL, product=Product.MIS)
    yield _vector(rule, "a purchase", share(), none, quantity=99 * SCALE)


def _ban() -> Iterator[Vector]:
    rule, future = "sebi-ban-period", stock_future()
    banned, free = StatedFacts(bans={"NSE:INFY": True}), StatedFacts(bans={"NSE:INFY": False})
    yield _vector(rule, "not in ban", future, free)
    yield _vector(rule, "reduces", future, banned, opening=0)
    for opening in (1, 2, 400 * SCALE):
        expected = {"value": f"opens {to_text(opening)} of NSE:INFY in ban", "limit_text": "0"}
        yield _vector(rule, f"opens {to_text(opening)}", future, banned, opening=opening, **expected)
    yield _vector(rule, "an index has none", index_option(), StatedFacts())
    unknown = {"value": "unknown: ban list for NSE:INFY", "limit_text": "not in ban"}
    yield _vector(rule, "unknown", future, StatedFacts(), **unknown)


def _index() -> Iterator[Vector]:
    rule, call = "sebi-index-position", index_option()
    net, gross = 5_000 * CRORE, 10_000 * CRORE
    for money in (net - 1, net, net + 1):
        for sides in ({"long": money}, {"short": money}):
            facts = StatedFacts(exposures={call.underlying: Exposure(**sides)})
            expected = {"value": format_money(money), "limit_text": format_money(net)} if money > net else {}
            yield _vector(rule, f"net {money} {next(iter(sides))}", call, facts, **expected)
    for money in (gross - 1, gross, gross + 1):
        facts = StatedFacts(exposures={call.underlying: Exposure(long=money, short=money)})
        expected = {"value": format_money(money), "limit_text": format_money(gross)} if money > gross else {}
        yield _vector(rule, f"gross {money}", call, facts, **expected)
    over = StatedFacts(exposures={call.underlying: Exposure(long=2 * gross)})
    yield _vector(rule, "reduces", call, over, opening=0)
    yield _vector(rule, "the day before the rule", call, over, at=moment(date(2025, 9, 30)))
    unknown = {"value": f"unknown: exposure in {call.underlying}", "limit_text": "₹5000 crore"}
    yield _vector(rule, "unknown", call, StatedFacts(), **unknown)


def _stock() -> Iterator[Vector]:
    """10 % of a market-wide limit of 10 million units."""
    rule, future = "sebi-stock-position", stock_future()
    wide, most = {"NSE:INFY": 10_000_000 * SCALE}, 1_000_000 * SCALE
    for units in (most - 1, most, most + 1, 1 - most, -most, -most - 1):
        facts = StatedFacts(market_wide=wide, exposures={"NSE:INFY": Exposure(units=units)})
        expected = {"value": to_text(abs(units)), "limit_text": "1000000"} if abs(units) > most else {}
        yield _vector(rule, f"net {to_text(units)}", future, facts, **expected)
    limit = "10 % of the market-wide limit"
    nothing = {"value": "unknown: exposure in NSE:INFY", "limit_text": limit}
    yield _vector(rule, "exposure unknown", future, StatedFacts(market_wide=wide), **nothing)
    half = StatedFacts(exposures={"NSE:INFY": Exposure()})
    missing = {"value": "unknown: market-wide limit of NSE:INFY", "limit_text": limit}
    yield _vector(rule, "market-wide limit unknown", future, half, **missing)


def _expiry() -> Iterator[Vector]:
    rule, none = "sebi-expiry-day", StatedFacts()
    future, call, last = stock_future(), index_option(), date(2026, 11, 24)
    yield _vector(rule, "the day before", future, none, at=moment(date(2026, 11, 23), "15:30"))
    refused = {"value": "opens 400 on 2026-11-24", "limit_text": "0 on the day of expiry"}
    yield _vector(rule, "the day", future, none, at=moment(last), **refused)
    yield _vector(rule, "closes on the day", future, none, at=moment(last), opening=0)
    # 2 % of 24,000 × 65
    least = 31_200 * SCALE
    for needed in (least - 1, least, least + 1):
        short: dict[str, Any] = {"side": Side.SELL, "at": moment(last), "needed": needed}
        expected = {"value": format_money(needed), "limit_text": "at least ₹31,200.00"} if needed < least else {}
        yield _vector(rule, f"short option with margin {needed}", call, none, **short, **expected)
    yield _vector(rule, "bought option", call, none, at=moment(last))
    missing = {"value": f"unknown: expiry of {future.id}", "limit_text": "a day of expiry"}
    yield _vector(rule, "expiry unknown", stock_future(expiry=None), none, **missing)
