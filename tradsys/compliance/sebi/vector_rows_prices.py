"""The vectors of bands, limit price protection and quantity freeze."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from tradsys.compliance.sebi.facts import Band, StatedFacts
from tradsys.compliance.sebi.vectors import TODAY, Vector, index_option, moment, share, stock_future, vector
from tradsys.core.events import OrderType, Side
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, to_text

_TICK = SCALE // 20


def price_vectors() -> Iterator[Vector]:
    """Every vector of these rules."""
    yield from _band()
    yield from _protection()
    yield from _freeze()


def _vector(rule: str, says: str, instrument: Instrument, facts: StatedFacts, **changes: Any) -> Vector:
    return vector(instrument, facts, rule=rule, says=says, **changes)


def _band() -> Iterator[Vector]:
    rule, limit = "sebi-price-band", "90 to 110"
    low, high = 90 * SCALE, 110 * SCALE
    facts = StatedFacts(bands={"NSE:INFY": Band(low=low, high=high)})
    for price, value in (
        (low - _TICK, "89.95"),
        (low, ""),
        (low + _TICK, ""),
        (high - _TICK, ""),
        (high, ""),
        (high + _TICK, "110.05"),
    ):
        expected = {"value": value, "limit_text": limit if value else ""}
        yield _vector(rule, f"limit {price / SCALE:g}", share(), facts, limit=price, **expected)
    for price, value in ((low - _TICK, "89.95"), (low, ""), (high, ""), (high + _TICK, "110.05")):
        stop = {"type": OrderType.STOP, "trigger": price, "limit": 0}
        expected = {"value": value, "limit_text": limit if value else ""}
        yield _vector(rule, f"trigger {price / SCALE:g}", share(), facts, **stop, **expected)
    yield _vector(rule, "no price", share(), StatedFacts(), type=OrderType.MARKET)
    unknown = {"value": "unknown: price band of NSE:INFY", "limit_text": "daily band"}
    yield _vector(rule, "unknown", share(), StatedFacts(), **unknown)


def _protection() -> Iterator[Vector]:
    """Index options: 40 % of the reference price, at least 20, at the BSE 60 % and 30 before December 2025; BSE index
    futures 2 %, at least 200, and 3 %, at least 1.50, before."""
    rule, call = "sebi-limit-protection", index_option()
    listed = {"underlying": "BSE:SENSEX", "exchange": "BFO"}
    bse_call = index_option(id="BFO:SENSEX26NOV80000CE", **listed)
    bse_future = stock_future(id="BFO:SENSEX26NOVFUT", **listed)
    before = date(2025, 11, 28)
    for contract, day, reference, side, bound in (
        (call, TODAY, 100, Side.BUY, 140),
        (call, TODAY, 100, Side.SELL, 60),
        (call, TODAY, 50, Side.BUY, 70),
        (call, TODAY, 30, Side.BUY, 50),
        (call, TODAY, 30, Side.SELL, 10),
        (bse_call, TODAY, 100, Side.BUY, 140),
        (bse_call, before, 100, Side.BUY, 160),
        (bse_call, before, 40, Side.BUY, 70),
        (bse_future, TODAY, 80_000, Side.BUY, 81_600),
        (bse_future, TODAY, 80_000, Side.SELL, 78_400),
        (bse_future, TODAY, 5_000, Side.BUY, 5_200),
        (bse_future, before, 80_000, Side.BUY, 82_400),
    ):
        facts = StatedFacts(references={contract.id: reference * SCALE})
        words = f"{'at most' if side is Side.BUY else 'at least'} {bound}"
        for ticks in (-1, 0, 1):
            price = bound * SCALE + side * ticks * _TICK
            refused = {"value": f"{price / SCALE:.2f}".rstrip("0"), "limit_text": words} if ticks > 0 else {}
            says = (
                f"{contract.exchange} {contract.segment}, {side.name.lower()} at {price / SCALE:.2f} around {reference}"
            )
            placed = {"side": side, "limit": price, "at": moment(day)}
            yield _vector(rule, f"{says} on {day}", contract, facts, **placed, **refused)
    unknown = {"value": f"unknown: reference price of {call.id}", "limit_text": "limit_protection"}
    yield _vector(rule, "unknown", call, StatedFacts(), **unknown)
    yield _vector(rule, "a reference price of 0 is none", call, StatedFacts(references={call.id: 0}), **unknown)
    yield _vector(rule, "a contract without a row", stock_future(), StatedFacts())
    yield _vector(rule, "before the rule", call, StatedFacts(), at=moment(date(2022, 10, 28)))


def _freeze() -> Iterator[Vector]:
    """NIFTY 1800 units; BANKNIFTY 900 from 1 Sep and 600 from 3 Nov 2025."""
    rule = "sebi-freeze-quantity"
    bank = index_option(id="NFO:BANK", underlying="BANKNIFTY")
    for instrument, day, most in (
        (index_option(), TODAY, 1_800),
        (bank, date(2025, 8, 29), 600),
        (bank, date(2025, 9, 1), 900),
        (bank, TODAY, 600),
    ):
        for units in (most - 1, most, most + 1):
            expected = {"value": str(units), "limit_text": str(most)} if units > most else {}
            says = f"{units} of {instrument.underlying} on {day}"
            placed = {"quantity": units * SCALE, "at": moment(day)}
            yield _vector(rule, says, instrument, StatedFacts(), **placed, **expected)
    future = stock_future()
    by_file = StatedFacts(freezes={future.id: 40_000 * SCALE})
    for quantity in (40_000 * SCALE - 1, 40_000 * SCALE):
        yield _vector(rule, f"{to_text(quantity)} by the contract file", future, by_file, quantity=quantity)
    above = {"value": "40000.00000001", "limit_text": "40000"}
    yield _vector(rule, "above the contract file", future, by_file, quantity=40_000 * SCALE + 1, **above)
    unknown = {"value": f"unknown: freeze quantity of {future.id}", "limit_text": "freeze_quantities"}
    yield _vector(rule, "unknown", future, StatedFacts(), **unknown)
