"""Everything the clearing remembers, and what its parts have in common."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from tradsys.exchange.clearing.accounts import Account, DeliveryLine, Line, Listing, OpenOrder, scaled_up
from tradsys.exchange.clearing.fees import Fees
from tradsys.exchange.clearing.records import MarginCall, Refusal, Rule, Trade
from tradsys.reference.settlement import SessionDays, close_out_percent, settlement_date


class BookedTrade(NamedTuple):
    """A trade with all that undoing it needs."""

    trade: Trade
    buy: Line
    sell: Line
    value: int
    buy_fee: int
    sell_fee: int
    day: date
    settlement_day: date


class Batch:
    """What is paid and delivered on one settlement day. `first_day` is the first trade date in it."""

    __slots__ = ("cash", "fees", "first_day", "units")

    def __init__(self, first_day: date) -> None:
        self.first_day = first_day
        self.units: dict[Line, int] = {}
        self.cash: dict[Account, int] = {}
        self.fees = 0


class Books:
    """The state of one exchange's clearing in one currency.

    `fees_due` are today's fees on their way to `fee_account`; payments pass through `exchange_account`, which is empty
    after every event. `deposited` is all cash that came in less all that went out, `issued` the same of units.
    """

    def __init__(self, *, exchange: str, currency: str, calendar: SessionDays, day: date, fees: Fees) -> None:
        self.exchange = exchange
        self.currency = currency
        self.calendar = calendar
        self.fees = fees
        self.accounts: dict[int, Account] = {}
        self.listings: dict[str, Listing] = {}
        self.orders: dict[int, OpenOrder] = {}
        self.trades: dict[int, BookedTrade] = {}
        self.busted: set[int] = set()
        self.batches: dict[date, Batch] = {}
        self.closed_out: set[tuple[Line, date]] = set()
        self.issued: dict[str, int] = {}
        self.fee_account = 0
        self.fees_due = 0
        self.exchange_account = 0
        self.deposited = 0
        self.begin(day, settles=settlement_date(exchange, calendar, traded=day))

    def begin(self, day: date, *, settles: date) -> None:
        """A session begins whose trades settle on `settles`: at once where that is the same day."""
        self.day = day
        self.settlement_day = settles
        self.instant = settles == day
        self.close_out = close_out_percent(self.exchange, day)
        self.fees.begin(day)

    def deliver_at_once(self, line: Line) -> None:
        """On an exchange that delivers at the trade: what a trade made due moves."""
        account = line.account
        account.cash += account.due
        account.due = 0
        if isinstance(line, DeliveryLine):
            line.settled = line.booked = line.quantity
        self.fee_account += self.fees_due
        self.fees_due = 0

    def spendable(self, account: Account) -> int:
        """Cash that may leave now: neither held nor needed for what is due on whichever day is the tightest."""
        left = lowest = account.cash
        for day in sorted(self.batches):
            left += self.batches[day].cash.get(account, 0)
            lowest = min(lowest, left)
        lowest = min(lowest, left + account.due - account.pending)
        return lowest - account.reserved - account.margin

    def deliverable(self, line: Line) -> int:
        """Units that may leave now: neither offered nor needed for delivery."""
        left = lowest = line.settled
        for day in sorted(self.batches):
            left += self.batches[day].units.get(line, 0)
            lowest = min(lowest, left)
        return min(lowest, line.quantity) - line.selling


def refused(rule: Rule, about: object, *, value: int | str, limit: int | str) -> Refusal:
    """A refusal."""
    return Refusal(rule=rule, about=str(about), value=value, limit=limit)


def unknown_account(books: Books, number: int) -> Refusal:
    """The refusal of an account that nobody opened."""
    return refused(Rule.UNKNOWN_ACCOUNT, number, value=number, limit=f"one of {len(books.accounts)} accounts")


def unknown_instrument(books: Books, name: str) -> Refusal:
    """The refusal of an instrument that is not listed."""
    return refused(Rule.UNKNOWN_INSTRUMENT, name, value=name, limit=f"one of {len(books.listings)} listed")


def margin_call(account: Account) -> MarginCall | None:
    """The call on an account whose equity is below maintenance, once for every amount."""
    if account.unlimited:
        return None
    lines = account.lines.values()
    equity = account.cash + account.due - sum(line.loss() for line in lines)
    maintenance = sum(scaled_up(line.listing.maintenance_unit * line.exposed()) for line in lines)
    initial = sum(scaled_up(line.listing.unit * line.exposed()) for line in lines)
    amount = initial - equity if equity < maintenance else 0
    if amount == account.called:
        return None
    account.called = amount
    if not amount:
        return None
    return MarginCall(account=account.number, equity=equity, maintenance=maintenance, amount=amount)
