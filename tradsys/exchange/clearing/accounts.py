"""The running state of accounts: what they own, owe and hold for open orders, as plain objects that change in O(1).

A `Line` is one account's position in one instrument. Its class says how the instrument is paid for: `DeliveryLine`
(shares, coins) and `OptionLine` in full, `IntradayLine` and `FutureLine` on margin.
"""

from __future__ import annotations

from datetime import date
from math import gcd

from tradsys.core.events import Product
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.exchange.clearing.fees import Fees
from tradsys.exchange.clearing.records import AccountKind, Margins


def scaled_up(amount: int) -> int:
    """A product of two 1e-8 ints as 1e-8, rounded up: for what is held, never for what is paid."""
    return -(-amount // SCALE)


class Account:
    """Money of one trader, 1e-8. What is neither owed nor held is `free`.

    `due` is the net of all trades that are not settled, of which `pending` is instructed and the rest today's;
    `reserved` is held for open orders, `margin` for positions with the orders that may add to them.
    """

    __slots__ = ("called", "cash", "due", "lines", "margin", "number", "pending", "reserved", "unlimited", "wide")

    def __init__(self, number: int, kind: AccountKind) -> None:
        self.number = number
        self.unlimited = kind is AccountKind.UNLIMITED
        self.wide = kind is not AccountKind.CASH
        self.cash = 0
        self.due = 0
        self.pending = 0
        self.reserved = 0
        self.margin = 0
        self.called = 0
        self.lines: dict[tuple[str, bool], Line] = {}

    @property
    def free(self) -> int:
        """What new orders may take."""
        return self.cash + self.due - self.reserved - self.margin


class Listing:
    """One instrument as the clearing knows it.

    `unit` and `maintenance_unit` are margin money (1e-8) of one whole unit at the mark; `step` the smallest quantity;
    `high` the highest trade of the day and `highs` those of earlier days that may still be closed out.
    """

    __slots__ = (
        "expired",
        "high",
        "highs",
        "id",
        "instrument",
        "lines",
        "maintenance_unit",
        "margined",
        "margins",
        "mark",
        "multiplier",
        "step",
        "tradable",
        "underlying",
        "unit",
        "writers",
    )

    def __init__(
        self, instrument: Instrument, *, mark: int, margins: Margins | None, underlying: Listing | None
    ) -> None:
        self.instrument = instrument
        self.id = instrument.id
        self.multiplier = instrument.multiplier
        self.step = gcd(*(row.step for row in instrument.lots))
        self.margins = margins
        self.underlying = underlying
        self.tradable = instrument.segment is not Segment.INDEX
        self.margined = instrument.is_derivative
        self.expired = False
        self.high = 0
        self.highs: dict[date, int] = {}
        self.lines: list[Line] = []
        self.writers: list[Listing] = []
        """Options on this instrument: its mark decides their margin."""
        self.unit = self.maintenance_unit = 0
        self.mark = mark
        self.measure()

    def measure(self) -> None:
        """Margin a unit from the marks and rates in force."""
        if self.margins is None:
            return
        base, premium = (self, 0) if self.underlying is None else (self.underlying, self.mark * self.multiplier)
        notional = base.mark * self.multiplier
        self.unit = scaled_up(notional * self.margins.initial) + premium
        self.maintenance_unit = scaled_up(notional * self.margins.maintenance) + premium

    def exact(self, price: int) -> bool:
        """Whether any quantity of this instrument is worth whole 1e-8 at a price."""
        return price * self.step * self.multiplier % SCALE == 0

    def worth(self, quantity: int) -> int:
        """Value of a signed quantity at the mark: exact, because marks are."""
        return quantity * self.mark * self.multiplier // SCALE

    def intrinsic(self, price: int) -> int:
        """What one unit of this option is worth at expiry with its underlying at `price`."""
        strike = self.instrument.strike or 0
        return max(price - strike if self.instrument.right is OptionRight.CALL else strike - price, 0)


class OpenOrder:
    """What is open of an order and the cash held for it. `mark` is its instrument's when it was last entered."""

    __slots__ = ("line", "mark", "open", "order_id", "price", "reserved", "side")

    def __init__(self, line: Line, *, order_id: int, side: int) -> None:
        self.order_id = order_id
        self.line = line
        self.side = side
        self.price = 0
        self.mark = 0
        self.open = 0
        self.reserved = 0


class Line:
    """One account's position in one instrument, paid in full: the money of a trade is due at once.

    `quantity` is signed and counts every trade; `buying` and `selling` are open in orders; `cost` is today's net cash
    paid; `required` the margin this line holds. Of `quantity`, `booked` is instructed or settled, `settled` is here.
    """

    __slots__ = ("account", "booked", "buying", "cost", "listing", "quantity", "required", "selling", "settled")

    product = Product.NRML
    margined = False

    def __init__(self, account: Account, listing: Listing) -> None:
        self.account = account
        self.listing = listing
        self.quantity = 0
        self.buying = 0
        self.selling = 0
        self.cost = 0
        self.required = 0
        self.booked = 0
        self.settled = 0

    def move(self, side: int, *, quantity: int, value: int, fee: int) -> None:
        """A fill; with all three negative, one taken back."""
        self.quantity += side * quantity
        self.cost += side * value
        self.account.due -= side * value + fee
        self.refresh()

    def uncovered(self) -> int:
        """Units offered beyond those there are."""
        return self.selling - self.quantity if self.selling > self.quantity else 0

    def held_for(self, order: OpenOrder, fees: Fees) -> int:
        """Cash held for an order: all that a purchase can still cost; a sale pays its fee from what it brings."""
        if order.side < 0 or not order.open:
            return 0
        turnover = order.price * order.open * self.listing.multiplier
        return scaled_up(turnover) + self.most(order, turnover, fees)

    def most(self, order: OpenOrder, turnover: int, fees: Fees) -> int:
        """The most that the fees of what is open of an order can come to."""
        listing = self.listing
        fills = order.open // listing.step
        return fees.most(listing.instrument, product=self.product, side=order.side, turnover=turnover, fills=fills)

    def exposed(self) -> int:
        """Units of the position that need margin."""
        return 0

    def loss(self) -> int:
        """Loss at the mark that is not yet due."""
        return 0

    def requirement(self) -> int:
        """Margin of the position if the worse side of its open orders fills whole, and its loss."""
        return 0

    def refresh(self) -> None:
        """Holds the margin that the line now requires."""
        required = self.requirement()
        self.account.margin += required - self.required
        self.required = required


class DeliveryLine(Line):
    """Shares held for delivery, coins: no margin."""

    __slots__ = ()
    product = Product.CNC

    def refresh(self) -> None:
        """Nothing is on margin."""


class OptionLine(Line):
    """Options: the premium is paid in full, what is written beyond what is held is on margin."""

    __slots__ = ()

    def exposed(self) -> int:
        """See `Line`."""
        return max(-self.quantity, 0)

    def requirement(self) -> int:
        """See `Line`."""
        return scaled_up(self.listing.unit * self.uncovered())


class FutureLine(Line):
    """Futures and perpetuals: margin on both sides, `cost` runs since the last mark to market."""

    __slots__ = ()
    margined = True

    def move(self, side: int, *, quantity: int, value: int, fee: int) -> None:
        """See `Line`; the money of the trade is not due, only its difference to the mark is, at the end of the day."""
        self.quantity += side * quantity
        self.cost += side * value
        self.account.due -= fee
        self.refresh()

    def uncovered(self) -> int:
        """Nothing needs to be there to be sold."""
        return 0

    def held_for(self, order: OpenOrder, fees: Fees) -> int:
        """Fees, and the loss against the mark that the worst price brings at once."""
        if not order.open:
            return 0
        units = order.open * self.listing.multiplier
        adverse = max(order.side * (order.price - order.mark), 0)
        return scaled_up(adverse * units) + self.most(order, max(order.price, order.mark) * units, fees)

    def exposed(self) -> int:
        """See `Line`."""
        return abs(self.quantity)

    def loss(self) -> int:
        """See `Line`."""
        return max(self.cost - self.listing.worth(self.quantity), 0)

    def requirement(self) -> int:
        """See `Line`."""
        listing, quantity = self.listing, self.quantity
        bought, sold = quantity + self.buying, self.selling - quantity
        required = scaled_up(listing.unit * (bought if bought > sold else sold))
        lost = self.cost - quantity * listing.mark * listing.multiplier // SCALE
        return required + lost if lost > 0 else required


class IntradayLine(FutureLine):
    """Shares bought or sold for the day: on margin until the day ends, then for delivery like any other."""

    __slots__ = ()
    product = Product.MIS


_STYLES: dict[Segment, type[Line]] = {
    Segment.EQUITY: DeliveryLine,
    Segment.CRYPTO_SPOT: DeliveryLine,
    Segment.OPTION: OptionLine,
    Segment.FUTURE: FutureLine,
    Segment.CRYPTO_PERPETUAL: FutureLine,
}


def line_of(account: Account, listing: Listing, *, intraday: bool = False) -> Line:
    """The account's line in an instrument, made when first needed."""
    key = (listing.id, intraday)
    line = account.lines.get(key)
    if line is None:
        style = IntradayLine if intraday else _STYLES[listing.instrument.segment]
        line = account.lines[key] = style(account, listing)
        listing.lines.append(line)
    return line
