"""What is said between us and a venue, whatever the wire: requests go out, reports come in.

Prices and quantities int 1e-8; `at` UTC nanoseconds by the venue's clock. A `tag` is the name that we give an order
before it leaves; the venue keeps it, shows it in every report and answer, and may take two orders of one tag (as Kite
does): it is no protection against sending twice. `venue_id` is the venue's own number. Reports that are pushed have a
`number` of their connection, from 1 without a gap, answers have 0.
"""

from __future__ import annotations

import msgspec

from tradsys.core.events import OrderType, Product, Side, Validity, Word
from tradsys.core.order_terms import Terms


class Subject(Word):
    """What a venue can be asked for."""

    ORDERS = "orders"
    TRADES = "trades"
    POSITIONS = "positions"
    CASH = "cash"


class VenueState(Word):
    """Where the venue says an order stands."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


# --- out


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="message"):
    """Something we say to a venue."""


class Logon(Request, frozen=True, kw_only=True, gc=False):
    """First on every connection. `epoch` is our lease: the venue refuses one below the highest it has seen of the
    account, and closes connections of lower ones."""

    account: int
    key: str
    epoch: int


class Heartbeat(Request, frozen=True, kw_only=True, gc=False):
    """We are there."""


class Ask(Request, frozen=True, kw_only=True, gc=False):
    """A question; pages count from 0. Answered by `Page` or `AskFailed` of the same `request`."""

    request: int
    subject: Subject
    page: int = 0


class Command(Request, frozen=True, kw_only=True, gc=False):
    """A request that changes something at the venue: it leaves only as the content of a `DurableIntent`."""


class PlaceOrder(Command, frozen=True, kw_only=True, gc=False):
    """A new order. `reduces` says that it can only close what is open (it may use the budget kept for exits)."""

    tag: str
    instrument: str
    side: Side
    quantity: int
    type: OrderType
    product: Product
    validity: Validity
    limit: int = 0
    trigger: int = 0
    trail: int = 0
    reduces: bool = False
    terms: Terms | msgspec.UnsetType = msgspec.UNSET


class ChangeOrder(Command, frozen=True, kw_only=True, gc=False):
    """New open quantity and limit of an order."""

    venue_id: int
    quantity: int
    limit: int


class CancelOrder(Command, frozen=True, kw_only=True, gc=False):
    """Withdraw an order."""

    venue_id: int


# --- in


class Report(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="message"):
    """Something a venue says to us."""

    at: int
    number: int = 0


class Welcome(Report, frozen=True, kw_only=True, gc=False):
    """Logged on. Pushes of this connection are numbered from 1."""

    epoch: int


class Unwelcome(Report, frozen=True, kw_only=True, gc=False):
    """Not logged on (`wrong_key`, `unknown_account`, `superseded`), or logged off; the connection ends."""

    rule: str
    value: int | str
    limit: int | str


class Beat(Report, frozen=True, kw_only=True, gc=False):
    """The venue is there."""


class Taken(Report, frozen=True, kw_only=True, gc=False):
    """An order is working; `open` is what it has open, before any trade reported later."""

    tag: str
    venue_id: int
    open: int


class Declined(Report, frozen=True, kw_only=True, gc=False):
    """An order was not taken: nothing is open, nothing traded. `venue_id` 0 where the venue keeps no record of it."""

    tag: str
    venue_id: int = 0
    rule: str
    value: int | str
    limit: int | str


class CommandDeclined(Report, frozen=True, kw_only=True, gc=False):
    """A cancel or change did nothing."""

    venue_id: int
    rule: str
    value: int | str
    limit: int | str


class Changed(Report, frozen=True, kw_only=True, gc=False):
    """An order works on with other terms."""

    tag: str
    venue_id: int
    open: int
    limit: int


class Awoken(Report, frozen=True, kw_only=True, gc=False):
    """A stop was touched."""

    tag: str
    venue_id: int


class Dealt(Report, frozen=True, kw_only=True, gc=False):
    """A trade: `trade_id` is the venue's and never used again; `quantity` of this trade alone."""

    tag: str
    venue_id: int
    trade_id: int
    instrument: str
    side: Side
    product: Product
    quantity: int
    price: int
    maker: bool = False


class Undone(Report, frozen=True, kw_only=True, gc=False):
    """A trade was busted: it never happened."""

    tag: str
    venue_id: int
    trade_id: int


class Ended(Report, frozen=True, kw_only=True, gc=False):
    """An order left with `open` not traded: `state` is cancelled or expired."""

    tag: str
    venue_id: int
    open: int
    state: VenueState
    reason: str


class OrderRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order of the day, as the venue has it; `tag` is empty where nobody gave one."""

    tag: str
    venue_id: int
    instrument: str
    side: Side
    product: Product
    quantity: int
    filled: int
    open: int
    limit: int
    state: VenueState
    at: int
    reason: str = ""


class TradeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A trade of the day; a busted one is no longer there."""

    trade_id: int
    tag: str
    venue_id: int
    instrument: str
    side: Side
    product: Product
    quantity: int
    price: int
    at: int
    maker: bool = False


class PositionRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the account holds, signed; `average` is the price it was opened at."""

    instrument: str
    product: Product
    quantity: int
    average: int


class CashRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Money of the account, 1e-8, as trades have moved it, settled or not: shares, coins and options are paid in full
    at the trade, a future or a perpetual moves it by its profit as it is closed, margin leaves it alone. `open_cost` is
    the signed cost of what is open and has moved none of it."""

    currency: str
    cash: int
    open_cost: int = 0


class Page(Report, frozen=True, kw_only=True, gc=False):
    """Part of an answer: page `page` of `pages`; the whole has `rows` rows, whichever page they are on. Exactly the
    list that `subject` names is given."""

    request: int
    subject: Subject
    page: int
    pages: int
    rows: int
    orders: tuple[OrderRow, ...] = ()
    trades: tuple[TradeRow, ...] = ()
    positions: tuple[PositionRow, ...] = ()
    cash: tuple[CashRow, ...] = ()


class AskFailed(Report, frozen=True, kw_only=True, gc=False):
    """A question was not answered. It says nothing about what the answer would have been."""

    request: int
    why: str


Outgoing = Logon | Heartbeat | Ask | PlaceOrder | ChangeOrder | CancelOrder
AnyCommand = PlaceOrder | ChangeOrder | CancelOrder
Incoming = (
    Welcome
    | Unwelcome
    | Beat
    | Taken
    | Declined
    | CommandDeclined
    | Changed
    | Awoken
    | Dealt
    | Undone
    | Ended
    | Page
    | AskFailed
)
