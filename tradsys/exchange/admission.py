"""Checks of an order before it reaches the book, and its translation into the book's ticks and steps.

A refusal is a value: rule, limit and what was found. The checks in this order, the first that fails answers:
`unknown_instrument` · `session_closed`, `instrument_halted` · `quantity_not_positive` · `quantity_off_lot` ·
`quantity_above_freeze` · `quantity_above_most` · `price_not_positive`, `price_off_tick`, `price_above_most` (the limit
price of `LIMIT` and `STOP_LIMIT`, the protection of `PROTECTED`) · the same of the trigger (`STOP`, `STOP_LIMIT`,
`TRAILING` unless 0) · of the trail (`TRAILING`, or where one is given) · `display_off_lot`, `display_out_of_range` ·
`beyond_price_protection` (`LIMIT`).
What depends on the book (bands, phases of an auction, duplicates) is the book's to refuse: `docs/matching.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from tradsys.core.events import Word
from tradsys.core.instruments import Instrument
from tradsys.core.matching import MAX_PRICE, MAX_QUANTITY, Action, BookPhase, BookSide, Command, Kind, TimeInForce
from tradsys.core.units import Quantity
from tradsys.exchange.limit_protection import LimitProtection
from tradsys.reference.market_rules import freeze_quantity
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
    """An instrument as it trades today: its number in the book, its freeze quantity (1e-8, None: none known)."""

    instrument: Instrument
    number: int
    freeze: Quantity | None = None
    protection: LimitProtection | None = None


def listed_freeze(instrument: Instrument, on: date) -> Quantity | None:
    """The freeze quantity of an index derivative on a date, by its underlying; None where no row names it."""
    name = instrument.underlying.rpartition(":")[2].upper()
    underlying = INDEX_FUTURES.get(name, ("", name))[1]
    exchange = PARENT_EXCHANGE.get(instrument.exchange, instrument.exchange)
    return freeze_quantity(exchange, on, underlying=underlying)


Finding = tuple[AdmissionRule, int | str, int | str]

_CLOSED = {
    BookPhase.CLOSED: AdmissionRule.SESSION_CLOSED,
    BookPhase.HALTED: AdmissionRule.INSTRUMENT_HALTED,
}
_WITH_PRICE = frozenset({Kind.LIMIT, Kind.STOP_LIMIT, Kind.PROTECTED})
_WITH_TRIGGER = frozenset({Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING})


class Admission:
    """The checks of one venue over its listings, by instrument id."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self._listings = {listing.instrument.id: listing for listing in listings}

    def admit(self, entry: Entry, *, at: int, phase: BookPhase) -> Command | Rejection:
        """The command to the book, or why there is none. `phase` is what the instrument's book is in."""
        listing = self._listings.get(entry.instrument)
        if listing is None:
            return _rejected(entry, (AdmissionRule.UNKNOWN_INSTRUMENT, "listed", entry.instrument))
        for finding in _findings(entry, listing, at, phase):
            return _rejected(entry, finding)
        return _command(entry, listing, at)


def _rejected(entry: Entry, finding: Finding) -> Rejection:
    rule, limit, value = finding
    return Rejection(order_id=entry.order_id, rule=rule, limit=limit, value=value)


def _findings(entry: Entry, listing: Listing, at: int, phase: BookPhase) -> Iterator[Finding]:
    """What is wrong with an order, in the order of the checks."""
    if phase in _CLOSED:
        yield _CLOSED[phase], "continuous or auction", phase.name.lower()
    yield from _quantity_findings(entry, listing, listing.instrument.lot_at(at))
    yield from _price_findings(entry, listing.instrument.tick_at(at))
    yield from _display_findings(entry, listing.instrument.lot_at(at))
    yield from _protection_findings(entry, listing, listing.instrument.tick_at(at))


def _quantity_findings(entry: Entry, listing: Listing, lot: int) -> Iterator[Finding]:
    quantity = entry.quantity
    if quantity <= 0:
        yield AdmissionRule.QUANTITY_NOT_POSITIVE, 1, quantity
    if quantity % lot:
        yield AdmissionRule.QUANTITY_OFF_LOT, lot, quantity
    if listing.freeze is not None and quantity > listing.freeze:
        yield AdmissionRule.QUANTITY_ABOVE_FREEZE, listing.freeze, quantity
    if quantity > MAX_QUANTITY * lot:
        yield AdmissionRule.QUANTITY_ABOVE_MOST, MAX_QUANTITY * lot, quantity


def _price_findings(entry: Entry, tick: int) -> Iterator[Finding]:
    for price in _prices(entry):
        if price <= 0:
            yield AdmissionRule.PRICE_NOT_POSITIVE, 1, price
        if price % tick:
            yield AdmissionRule.PRICE_OFF_TICK, tick, price
        if price > MAX_PRICE * tick:
            yield AdmissionRule.PRICE_ABOVE_MOST, MAX_PRICE * tick, price


def _prices(entry: Entry) -> Iterator[int]:
    """The prices that an order's kind uses."""
    if entry.kind in _WITH_PRICE:
        yield entry.price
    if entry.kind in _WITH_TRIGGER and (entry.trigger or entry.kind != Kind.TRAILING):
        yield entry.trigger
    if entry.trail or (entry.kind == Kind.TRAILING and not entry.replaces):
        yield entry.trail


def _display_findings(entry: Entry, lot: int) -> Iterator[Finding]:
    if entry.display % lot:
        yield AdmissionRule.DISPLAY_OFF_LOT, lot, entry.display
    if not 0 <= entry.display <= entry.quantity:
        yield AdmissionRule.DISPLAY_OUT_OF_RANGE, entry.quantity, entry.display


def _protection_findings(entry: Entry, listing: Listing, tick: int) -> Iterator[Finding]:
    if listing.protection is None or entry.kind != Kind.LIMIT:
        return
    limit = listing.protection.exceeded(entry.side, entry.price // tick)
    if limit is not None:
        yield AdmissionRule.BEYOND_PRICE_PROTECTION, limit * tick, entry.price


def _command(entry: Entry, listing: Listing, at: int) -> Command:
    tick, lot = listing.instrument.tick_at(at), listing.instrument.lot_at(at)
    with_price, with_trigger = entry.kind in _WITH_PRICE, entry.kind in _WITH_TRIGGER
    return Command(
        Action.REPLACE if entry.replaces else Action.NEW,
        entry.order_id,
        side=entry.side,
        price=entry.price // tick if with_price else 0,
        quantity=entry.quantity // lot,
        kind=entry.kind,
        time_in_force=entry.time_in_force,
        flags=entry.flags,
        instrument=listing.number,
        account=entry.account,
        trigger=entry.trigger // tick if with_trigger else 0,
        trail=entry.trail // tick,
        display=entry.display // lot,
        expires_at=entry.expires_at,
        at=at,
    )
