"""Every record that can enter or leave the engine.

Market data carries floats, orders and fills exact ints (`tradsys.core.units`). `at` is when we could know of the event,
`exchange_at` when it happened at the venue; both UTC nanoseconds. Bulk market data is built by position, in column
order, because feeds build millions of them; all else by keyword.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

from tradsys.core.order_terms import Terms, WantedTerms
from tradsys.core.protection import Capped, ProtectionStep
from tradsys.core.rates import RateSet
from tradsys.core.risk_events import BreakerReset, BreakerTripped, LimitChanged, Liquidating, RepeatReset, RiskAlert
from tradsys.core.safety import SafetyLowered, SafetyRaised


class Word(StrEnum):
    """An enumeration of words that hashes as its text, in C: members are keys of many look-ups an order."""

    __hash__ = str.__hash__


class Side(IntEnum):
    """`side * quantity` is the signed change of position."""

    BUY = 1
    SELL = -1


class OrderType(Word):
    """Order types in the broker's spelling."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_LIMIT = "SL"
    STOP = "SL-M"
    TRAILING = "TRAILING"


class Validity(Word):
    """Time in force."""

    DAY = "DAY"
    IOC = "IOC"
    FOK = "FOK"
    GTC = "GTC"
    GTD = "GTD"


class Product(Word):
    """Delivery, intraday, overnight derivatives; `SPOT` where a venue has no products; legs of a hedged position."""

    CNC = "CNC"
    MIS = "MIS"
    NRML = "NRML"
    SPOT = "SPOT"
    LONG = "LONG"
    SHORT = "SHORT"


class MarketEvent(msgspec.Struct, frozen=True, gc=False, tag=True, tag_field="event"):
    """Something the market said."""

    at: int
    exchange_at: int
    instrument: str


class Bar(MarketEvent, frozen=True, gc=False):
    """Prices of one interval, known when it ends (`at`). `span` is its length in nanoseconds; it began at
    `exchange_at - span`. Floats in currency units; volume in units of the instrument."""

    span: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Tick(MarketEvent, frozen=True, gc=False):
    """Last trade and best quotes; NaN where the venue did not say."""

    last: float
    last_quantity: float
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    volume: float


class Depth(MarketEvent, frozen=True):
    """Order-book levels `(price, quantity)`, best first: a whole book (`snapshot`) or the levels that changed
    (quantity 0 removes)."""

    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    snapshot: bool
    sequence: int


class IndexValue(MarketEvent, frozen=True, gc=False):
    """Level of an index: observable, not tradable."""

    value: float


class Funding(MarketEvent, frozen=True, gc=False):
    """Funding rate of a perpetual (fraction of notional, positive: longs pay) with its mark price."""

    rate: float
    mark: float


class OpenInterest(MarketEvent, frozen=True, gc=False):
    """Contracts outstanding, in units of the instrument."""

    quantity: float


class Phase(Word):
    """Part of a trading day."""

    PRE_OPEN = "pre_open"
    OPEN = "open"
    CLOSING_AUCTION = "closing_auction"
    CLOSED = "closed"


class SessionChange(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """An exchange segment enters a phase; `date` is the session's date as `YYYYMMDD`."""

    at: int
    exchange: str
    phase: Phase
    date: int


class Timer(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """A named instant: `square_off`, `expiry` and `roll` of an instrument, or one a strategy asked for."""

    at: int
    name: str
    exchange: str = ""
    instrument: str = ""


class ActionKind(Word):
    """Corporate actions that change what a share is or pays."""

    SPLIT = "split"
    BONUS = "bonus"
    DIVIDEND = "dividend"


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """In force from `at` (the open of the ex-date). A holder of `old` shares holds `new` afterwards (bonus 1:1: 1 → 2);
    a dividend pays `cash` (1e-8) a share held before. `price` is the first price after it that a fraction of a share is
    paid at, filled in when it is applied."""

    at: int
    instrument: str
    kind: ActionKind
    old: int = 1
    new: int = 1
    cash: int = 0
    price: int = 0
    source: str = ""


# What strategies want: floats, as authors write them.
class Intent(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """Something a strategy wants to be true."""

    instrument: str
    reason: str = ""


class Signal(Intent, frozen=True, kw_only=True, gc=False):
    """Desired exposure as a fraction of the allotment: -1 fully short … +1 fully long. Repeating one is harmless."""

    strength: float
    confidence: float = 1.0
    horizon: int = 0
    expires_at: int = 0


class Target(Intent, frozen=True, kw_only=True, gc=False):
    """Desired position in units. Repeating one is harmless."""

    quantity: float


class OrderIntent(Intent, frozen=True, kw_only=True, gc=False):
    """One order, optionally with a protective `stop` and `target` (a bracket; either fill cancels the other)."""

    side: Side
    quantity: float
    type: OrderType = OrderType.MARKET
    limit: float | None = None
    trigger: float | None = None
    trail: float | None = None
    stop: float | None = None
    target: float | None = None
    validity: Validity = Validity.DAY
    product: Product | None = None
    terms: WantedTerms | msgspec.UnsetType = msgspec.UNSET


class TwoOrders(Intent, frozen=True, kw_only=True, gc=False):
    """One cancels the other: the first that fills cancels its twin."""

    first: OrderIntent
    second: OrderIntent


class QuoteIntent(Intent, frozen=True, kw_only=True, gc=False):
    """Resting bid and ask a market maker wants; replaces the strategy's earlier quote. `None` withdraws that side."""

    bid: float | None
    ask: float | None
    quantity: float
    terms: WantedTerms | msgspec.UnsetType = msgspec.UNSET


class CancelIntent(Intent, frozen=True, kw_only=True, gc=False):
    """Withdraw one working order, or with `order_id` 0 all of the strategy's in the instrument."""

    order_id: int = 0


# What became of it: exact.
class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """An order as the gate sees it. Prices and quantity in 1e-8; `group` links orders of which one cancels the rest;
    children of a bracket (`parent` > 0) sleep until the parent fills; one that was a market order is `capped`."""

    at: int
    order_id: int
    strategy: str
    instrument: str
    side: Side
    quantity: int
    type: OrderType
    product: Product
    validity: Validity
    limit: int = 0
    trigger: int = 0
    trail: int = 0
    group: int = 0
    parent: int = 0
    reason: str = ""
    terms: Terms | msgspec.UnsetType = msgspec.UNSET
    capped: Capped | msgspec.UnsetType = msgspec.UNSET


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """Something that happened to an order."""

    at: int
    order_id: int


class Approved(OrderEvent, frozen=True, kw_only=True, gc=False):
    """Every check passed; only the gate makes one, and a venue takes nothing else."""

    order: Order


class Refused(OrderEvent, frozen=True, kw_only=True, gc=False):
    """Our own rules said no: which rule, which limit, which value. `order` is None where an intent could not even be
    made an order (a NaN price, say)."""

    order: Order | None = None
    rule: str
    limit: str
    value: str
    fix: str = ""


class Accepted(OrderEvent, frozen=True, kw_only=True, gc=False):
    """The venue has the order working."""


class Rejected(OrderEvent, frozen=True, kw_only=True, gc=False):
    """The venue said no."""

    reason: str


class Triggered(OrderEvent, frozen=True, kw_only=True, gc=False):
    """A stop was touched and the order is live at its limit or at market."""


class Fill(OrderEvent, frozen=True, kw_only=True, gc=False):
    """A trade of ours. `exchange_at` is when it happened, `at` when we learned; price and quantity in 1e-8."""

    exchange_at: int
    strategy: str
    instrument: str
    side: Side
    quantity: int
    price: int
    product: Product
    maker: bool = False
    reason: str = ""


class Unanswered(OrderEvent, frozen=True, kw_only=True, gc=False):
    """The venue did not say what became of an order: it may be working, or not. Only evidence ends this."""

    reason: str


class StrayKind(Word):
    """Why a fill belongs to no working order: it crossed the order's cancel or expiry, it is more than was asked for,
    its order is not ours, or it is the opposite of a trade that the venue undid."""

    LATE = "late"
    OVER = "over"
    EXTERNAL = "external"
    BUST = "bust"


class Stray(OrderEvent, frozen=True, kw_only=True, gc=False):
    """A fill of no working order: what happened is booked as it happened."""

    kind: StrayKind
    fill: Fill


class CancelRequested(OrderEvent, frozen=True, kw_only=True, gc=False):
    """We asked the venue to withdraw an order; it works until the venue says `Cancelled`."""

    reason: str


class Cancelled(OrderEvent, frozen=True, kw_only=True, gc=False):
    """Withdrawn, by us or as the loser of a pair; `remaining` was not filled."""

    remaining: int
    reason: str


class Expired(OrderEvent, frozen=True, kw_only=True, gc=False):
    """Its time in force ended with `remaining` unfilled."""

    remaining: int
    reason: str


class Charged(OrderEvent, frozen=True, kw_only=True, gc=False):
    """What a fill cost: total and items, 1e-8 of the currency."""

    total: int
    items: tuple[tuple[str, int], ...]


class CashMoved(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """Cash that moved without an order: dividend, funding, settlement, fraction of a share. Positive is received."""

    at: int
    strategy: str
    instrument: str
    amount: int
    reason: str


class Halted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="event"):
    """A strategy raised and is out of the run; the others go on."""

    at: int
    strategy: str
    error: str
    traceback: str


Decision = Signal | Target | OrderIntent | TwoOrders | QuoteIntent | CancelIntent
Outcome = (
    Approved | Refused | Accepted | Rejected | Triggered | Fill | Unanswered | Stray | CancelRequested | Cancelled
    | Expired | Charged | CashMoved | CorporateAction | Halted | SafetyRaised | SafetyLowered
    | LimitChanged | RepeatReset | RiskAlert | BreakerTripped | BreakerReset | Liquidating
    | ProtectionStep | RateSet
)  # fmt: skip


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line of the decision log: its number, the number of the line that caused it (-1: the market), when, whose."""

    seq: int
    cause: int
    at: int
    strategy: str
    body: Decision | Outcome
