"""What enters the exchange's clearing and what comes out of it.

Prices, quantities and money are exact ints (1e-8); dates are session dates. `account` is a number above 0, an
`order_id` of 0 is no order.
"""

from __future__ import annotations

from datetime import date

import msgspec

from tradsys.core.events import Side, Word
from tradsys.core.instruments import Instrument


class AccountKind(Word):
    """What an account may do."""

    CASH = "cash"
    """Pays in full, sells what it holds, buys options."""
    MARGIN = "margin"
    """Also trades futures, writes options and trades shares for the day."""
    UNLIMITED = "unlimited"
    """Everybody else in the market: nothing is checked, cash and units may be negative."""


class Rule(Word):
    """Why an event was refused."""

    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_TRADE = "unknown_trade"
    DUPLICATE_ACCOUNT = "duplicate_account"
    DUPLICATE_INSTRUMENT = "duplicate_instrument"
    DUPLICATE_ORDER = "duplicate_order"
    DUPLICATE_TRADE = "duplicate_trade"
    BAD_ACCOUNT = "bad_account"
    BAD_ORDER = "bad_order"
    BAD_AMOUNT = "bad_amount"
    BAD_PRICE = "bad_price"
    BAD_QUANTITY = "bad_quantity"
    INEXACT = "inexact"
    NOT_TRADABLE = "not_tradable"
    NOT_DELIVERABLE = "not_deliverable"
    NOT_A_CONTRACT = "not_a_contract"
    OTHER_CURRENCY = "other_currency"
    PHYSICAL_SETTLEMENT = "physical_settlement"
    NO_MARGIN_RATE = "no_margin_rate"
    NO_CLOSE_OUT_RULE = "no_close_out_rule"
    NOT_A_MARGIN_ACCOUNT = "not_a_margin_account"
    INSUFFICIENT_CASH = "insufficient_cash"
    INSUFFICIENT_UNITS = "insufficient_units"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    WRONG_ACCOUNT = "wrong_account"
    WRONG_INSTRUMENT = "wrong_instrument"
    WRONG_SIDE = "wrong_side"
    BEYOND_OPEN = "beyond_open"
    BEYOND_LIMIT = "beyond_limit"
    OPEN_ORDERS = "open_orders"
    EXPIRED = "expired"
    WRONG_DAY = "wrong_day"
    UNSETTLED = "unsettled"
    ALREADY_BUSTED = "already_busted"
    CLOSED_OUT = "closed_out"


class Stage(Word):
    """How far a trade had come when it was busted."""

    OPEN = "open"
    PENDING = "pending"
    SETTLED = "settled"


class ClearingEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """Something that the clearing is told or says."""


class Margins(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Fractions of notional, 1e-8 (`SCALE` is all of it): `initial` admits an order, below `maintenance` is a call.

    Dated rates: `tradsys.reference.ticks.margin_rate`; in India both are the same.
    """

    initial: int
    maintenance: int


# --- what the clearing is told


class Listed(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """An instrument may be traded from now on, worth `mark` until it is marked. `margins` are those of futures and
    option writers; of shares, those of trading for the day (None: not possible)."""

    instrument: Instrument
    mark: int
    margins: Margins | None = None


class MarginsChanged(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """New rates are in force."""

    instrument: str
    margins: Margins


class AccountOpened(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """A trader joins."""

    account: int
    kind: AccountKind


class CashDeposited(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Cash comes in from outside."""

    account: int
    amount: int


class CashWithdrawn(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Cash goes out, if it is neither owed nor held for orders and margin."""

    account: int
    amount: int


class UnitsDeposited(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Shares or coins come in from outside: they are issued as far as this exchange knows."""

    account: int
    instrument: str
    quantity: int


class UnitsWithdrawn(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Shares or coins go out, if they are delivered and neither sold nor offered."""

    account: int
    instrument: str
    quantity: int


class OrderEntered(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """To be held for before the book sees the order. `price` is the worst that it can trade at: its limit, or for a
    market order the edge of the band. `intraday` shares are on margin and to be closed the same day."""

    order_id: int
    account: int
    instrument: str
    side: Side
    quantity: int
    price: int
    intraday: bool = False


class OrderChanged(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """A reduced or replaced order: its worst price and what is open of it from now on. To less it is never refused."""

    order_id: int
    price: int
    quantity: int


class OrderFinished(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Cancelled, expired or dropped with something open. One that traded whole is known to be finished."""

    order_id: int


class Trade(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """What the book matched; `taker` is the side that came second. Only an unlimited account needs no order."""

    trade_id: int
    instrument: str
    price: int
    quantity: int
    buyer: int
    seller: int
    buy_order: int
    sell_order: int
    taker: Side


class TradeBusted(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """A trade is to be undone, fees included."""

    trade_id: int


class Marked(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """What an instrument is worth now; the last of a day is its settlement price."""

    instrument: str
    price: int


class ContractExpired(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """A contract ends; `price` is the final settlement price of its underlying."""

    instrument: str
    price: int


class SettlementDue(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Pay-in and pay-out of what is due on a date, after its closing marks and before its end."""

    day: date


class DayEnded(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Trading of a date is over: mark to market, net, instruct; the next session begins."""

    day: date


# --- what the clearing says


class Refusal(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Nothing was done: by which rule, about what, with which value against which limit."""

    rule: Rule
    about: str
    value: int | str
    limit: int | str


class Confirmation(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """One side of a trade: money that changes hands and the fee on top, settled on `settlement_day`."""

    trade_id: int
    order_id: int
    account: int
    instrument: str
    side: int
    quantity: int
    price: int
    value: int
    fee: int
    maker: bool
    settlement_day: date


class Reversal(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """One side of a busted trade: exactly what its confirmation said is taken back."""

    trade_id: int
    account: int
    instrument: str
    side: int
    quantity: int
    value: int
    fee: int
    stage: Stage


class Obligation(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """An account's net of one day in one instrument, positive is received; fees apart. Of a future: its variation."""

    account: int
    instrument: str
    settlement_day: date
    units: int
    cash: int


class Instruction(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """All that an account pays or receives for one day's trades, fees included, and the units it delivers (negative)
    or receives, by instrument."""

    account: int
    settlement_day: date
    cash: int
    units: tuple[tuple[str, int], ...]


class Settled(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """What an account paid (negative) or received on a settlement day, close-outs apart, and the units that moved."""

    account: int
    day: date
    cash: int
    units: tuple[tuple[str, int], ...]


class CloseOut(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Units that were not delivered: the seller pays the buyer `cash` instead."""

    seller: int
    buyer: int
    instrument: str
    quantity: int
    price: int
    cash: int


class MarginCall(ClearingEvent, frozen=True, kw_only=True, gc=False):
    """Equity fell below maintenance; `amount` restores the initial margin of what is held."""

    account: int
    equity: int
    maintenance: int
    amount: int


Events = tuple[ClearingEvent, ...]
