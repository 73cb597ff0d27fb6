"""What the simulated exchange says: of orders, trades, phases, bands and halts. Money speaks in `clearing.records`.

Prices and quantities are int 1e-8, `at` is UTC nanoseconds, `account` the number whose order it is.
"""

from __future__ import annotations

import msgspec

from tradsys.core.events import Word
from tradsys.core.instruments import Instrument
from tradsys.core.matching import BookPhase
from tradsys.exchange.clearing.records import ClearingEvent, Margins, Trade


class TradedInstrument(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange lists. `previous_close` 1e-8; `band` names its price band (`bands.band_of`), empty for none.

    `margins` are those of its clearing (`clearing.records.Listed`).
    """

    instrument: Instrument
    previous_close: int
    band: str = ""
    margins: Margins | None = None


class ExchangeRule(Word):
    """Refusals that are neither admission's, nor the clearing's, nor the book's."""

    UNKNOWN_ORDER = "unknown_order"
    """No live order of this account has the number."""
    OTHER_TERMS = "other_terms"
    """A replacement keeps instrument, side and kind."""
    UNPROTECTED = "unprotected"
    """Without a price band, nothing bounds what this order could cost: give a limit or a protection."""


class ExchangeEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """Something that happened at the exchange."""

    at: int


class OrderTaken(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """An order, or what `replaces` one, reached the book; `open` is what it has open once it has traded."""

    order_id: int
    account: int
    instrument: str
    open: int
    replaces: bool = False


class OrderRefused(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """Nothing was done: the rule (of admission, clearing, book or `ExchangeRule`), its limit, the offending value."""

    order_id: int
    account: int
    rule: str
    value: int | str
    limit: int | str


class OrderReduced(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """An order has less open without a trade: its owner's wish, or `self_trade`."""

    order_id: int
    account: int
    open: int
    reason: str


class OrderRemoved(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """An order left with `open` untraded, and why: a `core.matching.Reason`, `withdrawn`, or the clearing's rule."""

    order_id: int
    account: int
    open: int
    reason: str


class OrderTriggered(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """A stop became what it stood for."""

    order_id: int
    account: int


class Traded(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """Two orders met."""

    trade: Trade


class PhaseEntered(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """What an instrument's book does with orders from now on; `name` is the phase's in the tables."""

    instrument: str
    phase: BookPhase
    name: str


class BandSet(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """Lowest and highest price from now on; 0: none."""

    instrument: str
    low: int
    high: int


class TradingHalted(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """Trading stops by `rule`: `value` passed `limit`, both in the units of what was watched. `end` None: the rest of
    the day."""

    instrument: str
    rule: str
    value: int
    limit: int
    end: int | None


class ProtectionStrained(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """Limit price protection refused so many orders of so many that its range should widen."""

    instrument: str


class DayOpened(ExchangeEvent, frozen=True, kw_only=True, gc=False):
    """A session day began, as ISO date."""

    day: str


ExchangeEvents = list[ExchangeEvent | ClearingEvent]
