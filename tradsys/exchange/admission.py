"""Checks of an order before it reaches the book, and its translation into the book's ticks and steps.

A refusal is a value: rule, limit and what was found. The checks in this order, the first that fails answers:
`unknown_instrument` · `session_closed`, `instrument_halted` · `quantity_not_positive` · `quantity_off_lot` ·
`quantity_above_freeze` · `quantity_above_most` · `price_not_positive`, `price_off_tick`, `price_above_most` (the limit
price of `LIMIT` and `STOP_LIMIT`, the protection of `PROTECTED`) · the same of the trigger (`STOP`, `STOP_LIMIT`,
`TRAILING` unless 0) · of the trail (`TRAILING`, or where one is given) · `display_off_lot`, `display_out_of_range`,
`display_below_least` · `beyond_price_protection` (`LIMIT`).
What depends on the book (bands, phases of an auction, duplicates) is the book's to refuse: `docs/matching.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from tradsys.core.events import Word
from tradsys.core.instruments import Instrument
from tradsys.core.matching import MAX_PRICE, MAX_QUANTITY, Action, BookPhase, BookSide, Command, Kind, TimeInForce
from tradsys.core.units import Quantity
from tradsys.exchange.bands import WHOLE
from tradsys.exchange.limit_protection import LimitProtection
from tradsys.reference.market_rules import freeze_quantity, least_display
from tradsys.reference.ticks import INDEX_FUTURES, PARENT_EXCHANGE


class AdmissionRule(Word):
    """Why an order is not taken to the book."""

    UNKNOWN_INSTRUMENT = "unknown_instrument"
    SESSION_CLOSED = "session_closed"
    INSTRUMENT_HALTED = "instrument_halted"
    QUANTITY_NOT_POSITIVE = "quantity_not_positive"
    QUANTITY_OFF_LOT = "quantity_off_lot"
    QUANTITY_ABOVE_FREEZE = "quantity_above_freeze"
    QUANTITY_ABOVE_MOST = "quantity_above_most"
    PRICE_NOT_POSITIVE = "price_not_positive"
    PRICE_OFF_TICK = "price_off_tick"
    PRICE_ABOVE_MOST = "price_above_most"
    DISPLAY_OFF_LOT = "display_off_lot"
    DISPLAY_OUT_OF_RANGE = "display_out_of_range"
    DISPLAY_BELOW_LEAST = "display_below_least"
    BEYOND_PRICE_PROTECTION = "beyond_price_protection"


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was not taken: the rule, its limit and the offending value (1e-8, or a name)."""

    order_id: int
    rule: AdmissionRule
    limit: int | str
    value: int | str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An order, or what replaces one (`replaces`), as a participant sends it: prices and quantities int 1e-8.

    `quantity` is the open quantity wanted; `price` the protection of a `PROTECTED` order; `flags` those of the book.
    """

    order_id: int
    instrument: str
    side: BookSide
    quantity: int
    kind: Kind = Kind.LIMIT
    price: int = 0
    trigger: int = 0
    trail: int = 0
    display: int = 0
    time_in_force: TimeInForce = TimeInForce.DAY
    expires_at: int = 0
    flags: int = 0
    account: int = 0
    replaces: bool = False


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument as it trades today: its number in the book, its freeze quantity (1e-8, None: none known), and the
    part of its quantity that an iceberg shows at least (basis points, 0: any)."""

    instrument: Instrument
    number: int
    freeze: Quantity | None = None
    protection: LimitProtection | None = None
    least_display: int = 0


def listed_freeze(instrument: Instrument, on: date) -> Quantity | None:
    """The freeze quantity of an index derivative on a date, by its underlying; None where no row names it."""
    name = instrument.underlying.rpartition(":")[2].upper()
    underlying = INDEX_FUTURES.get(name, ("", name))[1]
    exchange = PARENT_EXCHANGE.get(instrument.exchange, instrument.exchange)
    return freeze_quantity(exchange, on, underlying=underlying)


def listed_least_display(instrument: Instrument, on: date) -> int:
    """What its icebergs show at least on a date, basis points of their quantity; 0 where no row holds."""
    return least_display(instrument.exchange, on, segment=instrument.segment)


Finding = tuple[AdmissionRule, int | str, int | str]

# Bound once, and looked up by number: on Python 3.11 an attribute or the hash of an enumeration costs a hundred
# nanoseconds and more.
_LIMIT, _TRAILING, _CLOSED, _HALTED = Kind.LIMIT, Kind.TRAILING, BookPhase.CLOSED, BookPhase.HALTED
_NEW, _REPLACE = int(Action.NEW), int(Action.REPLACE)
_WITH_PRICE = tuple(kind in (Kind.LIMIT, Kind.STOP_LIMIT, Kind.PROTECTED) for kind in Kind)
_WITH_TRIGGER = tuple(kind in (Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING) for kind in Kind)


class Admission:
    """The checks of one venue over its listings, by instrument id."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self._listings = {listing.instrument.id: listing for listing in listings}

    def admit(self, entry: Entry, *, at: int, phase: BookPhase) -> Command | Rejection:
        """The command to the book, or why there is none. `phase` is what the instrument's book is in."""
        listing = self._listings.get(entry.instrument)
        if listing is None:
            return _rejected(entry, (AdmissionRule.UNKNOWN_INSTRUMENT, "listed", entry.instrument))
        tick, lot = listing.instrument.tick_at(at), listing.instrument.lot_at(at)
        found = (
            _phase_finding(phase)
            or _quantity_finding(entry.quantity, listing.freeze, lot=lot)
            or _price_finding(entry, tick)
            or (_display_finding(entry, listing.least_display, lot) if entry.display else None)
            or (_protection_finding(entry, listing.protection, tick) if listing.protection else None)
        )
        return _rejected(entry, found) if found else _command(entry, listing.number, at, tick=tick, lot=lot)


def _rejected(entry: Entry, finding: Finding) -> Rejection:
    rule, limit, value = finding
    return Rejection(order_id=entry.order_id, rule=rule, limit=limit, value=value)


def _phase_finding(phase: BookPhase) -> Finding | None:
    if phase == _CLOSED:
        return AdmissionRule.SESSION_CLOSED, "continuous or auction", "closed"
    if phase == _HALTED:
        return AdmissionRule.INSTRUMENT_HALTED, "continuous or auction", "halted"
    return None


def _quantity_finding(quantity: int, freeze: int | None, *, lot: int) -> Finding | None:
    if quantity <= 0:
        return AdmissionRule.QUANTITY_NOT_POSITIVE, 1, quantity
    if quantity % lot:
        return AdmissionRule.QUANTITY_OFF_LOT, lot, quantity
    if freeze is not None and quantity > freeze:
        return AdmissionRule.QUANTITY_ABOVE_FREEZE, freeze, quantity
    if quantity > MAX_QUANTITY * lot:
        return AdmissionRule.QUANTITY_ABOVE_MOST, MAX_QUANTITY * lot, quantity
    return None


def _price_finding(entry: Entry, tick: int) -> Finding | None:
    """The first thing wrong with the prices that an order's kind uses."""
    kind = entry.kind
    found = _step_finding(entry.price, tick) if _WITH_PRICE[kind] else None
    if found is None and _WITH_TRIGGER[kind] and (entry.trigger or kind != _TRAILING):
        found = _step_finding(entry.trigger, tick)
    if found is None and (entry.trail or (kind == _TRAILING and not entry.replaces)):
        found = _step_finding(entry.trail, tick)
    return found


def _step_finding(price: int, tick: int) -> Finding | None:
    if price <= 0:
        return AdmissionRule.PRICE_NOT_POSITIVE, 1, price
    if price % tick:
        return AdmissionRule.PRICE_OFF_TICK, tick, price
    if price > MAX_PRICE * tick:
        return AdmissionRule.PRICE_ABOVE_MOST, MAX_PRICE * tick, price
    return None


def _display_finding(entry: Entry, least: int, lot: int) -> Finding | None:
    if entry.display % lot:
        return AdmissionRule.DISPLAY_OFF_LOT, lot, entry.display
    if not 0 <= entry.display <= entry.quantity:
        return AdmissionRule.DISPLAY_OUT_OF_RANGE, entry.quantity, entry.display
    if entry.display * WHOLE < entry.quantity * least:
        return AdmissionRule.DISPLAY_BELOW_LEAST, _least(entry.quantity, least, lot), entry.display
    return None


def _least(quantity: int, least: int, lot: int) -> int:
    """The fewest whole lots that are this part of a quantity, 1e-8."""
    return -(-quantity * least // (WHOLE * lot)) * lot


def _protection_finding(entry: Entry, protection: LimitProtection, tick: int) -> Finding | None:
    limit = protection.exceeded(entry.side, entry.price // tick) if entry.kind == _LIMIT else None
    return None if limit is None else (AdmissionRule.BEYOND_PRICE_PROTECTION, limit * tick, entry.price)


def _command(entry: Entry, number: int, at: int, *, tick: int, lot: int) -> Command:
    kind = entry.kind
    return Command(
        _REPLACE if entry.replaces else _NEW,
        entry.order_id,
        entry.side,
        entry.price // tick if _WITH_PRICE[kind] else 0,
        entry.quantity // lot,
        kind,
        entry.time_in_force,
        entry.flags,
        number,
        entry.account,
        entry.trigger // tick if _WITH_TRIGGER[kind] else 0,
        entry.trail // tick,
        entry.display // lot,
        entry.expires_at,
        at,
    )
