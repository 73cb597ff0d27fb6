"""The end of a trading day and of a contract: mark to market, netting, instructions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from tradsys.core.instruments import Segment
from tradsys.exchange.clearing.accounts import Account, DeliveryLine, FutureLine, IntradayLine, Line, Listing, line_of
from tradsys.exchange.clearing.books import Batch, Books, margin_call, refused, unknown_instrument
from tradsys.exchange.clearing.records import (
    ClearingEvent,
    ContractExpired,
    DayEnded,
    Events,
    Instruction,
    Obligation,
    Refusal,
    Rule,
)
from tradsys.exchange.clearing.transfers import DERIVATIVES
from tradsys.reference.settlement import next_session, settlement_date


def end_day(books: Books, event: DayEnded) -> Events:
    """Nets the day's trades and begins the next session. Raises `UncoveredDate`, and does nothing, where the calendar
    or the fees end."""
    refusal = _not_endable(books, event)
    if refusal is not None:
        return (refusal,)
    following = next_session(books.calendar, books.day)
    settles = settlement_date(books.exchange, books.calendar, traded=following)
    accounts = books.accounts.values()
    for account in accounts:
        _deliver_intraday(account)
    netted = tuple(chain.from_iterable(_net(books, account) for account in accounts))
    _fees_fall_due(books)
    _remember_highs(books)
    books.begin(following, settles=settles)
    _hold_at_new_rates(books)
    calls = (margin_call(account) for account in accounts)
    return (*netted, *(call for call in calls if call is not None))


def _not_endable(books: Books, event: DayEnded) -> Refusal | None:
    if event.day != books.day:
        return refused(Rule.WRONG_DAY, event.day, value=event.day.isoformat(), limit=books.day.isoformat())
    if books.day in books.batches:
        value = books.day.isoformat()
        return refused(Rule.UNSETTLED, event.day, value=value, limit="settle what is due on a day before its end")
    return None


def _deliver_intraday(account: Account) -> None:
    """What was not closed within the day is paid and delivered like any other trade."""
    for line in [line for line in account.lines.values() if isinstance(line, IntradayLine)]:
        delivery = line_of(account, line.listing)
        delivery.quantity += line.quantity
        delivery.cost += line.cost
        account.due -= line.cost
        line.quantity = line.cost = 0
        line.refresh()


def _net(books: Books, account: Account) -> Iterator[ClearingEvent]:
    units = []
    for _, line in sorted(account.lines.items()):
        moved, cash = _take(line)
        if moved or cash:
            yield _obligation(books, line, units=moved, cash=cash)
        if moved:
            _batch(books).units[line] = _batch(books).units.get(line, 0) + moved
            units.append((line.listing.id, moved))
    today = account.due - account.pending
    if today or units:
        yield Instruction(account=account.number, settlement_day=books.settlement_day, cash=today, units=tuple(units))
    _schedule(books, account, today)


def _take(line: Line) -> tuple[int, int]:
    """Units and cash that a line's day comes to; the line starts anew."""
    if isinstance(line, FutureLine):
        return 0, _vary(line)
    moved, cash = line.quantity - line.booked if isinstance(line, DeliveryLine) else 0, -line.cost
    line.booked += moved
    line.cost = 0
    return moved, cash


def _vary(line: Line) -> int:
    """Variation of a position on margin: what it gained since it was last marked is due."""
    gained = line.listing.worth(line.quantity) - line.cost
    line.cost += gained
    line.account.due += gained
    line.refresh()
    return gained


def _obligation(books: Books, line: Line, *, units: int, cash: int) -> Obligation:
    return Obligation(
        account=line.account.number,
        instrument=line.listing.id,
        settlement_day=books.settlement_day,
        units=units,
        cash=cash,
    )


def _batch(books: Books) -> Batch:
    return books.batches.setdefault(books.settlement_day, Batch(books.day))


def _schedule(books: Books, account: Account, today: int) -> None:
    if books.instant:
        account.cash += today
        account.due = account.pending
    elif today:
        cash = _batch(books).cash
        cash[account] = cash.get(account, 0) + today
        account.pending = account.due


def _fees_fall_due(books: Books) -> None:
    if books.instant:
        books.fee_account += books.fees_due
    elif books.fees_due:
        _batch(books).fees += books.fees_due
    books.fees_due = 0


def _remember_highs(books: Books) -> None:
    """Keeps the highest trades of the days that a settlement to come may have to close out."""
    oldest = min((batch.first_day for batch in books.batches.values()), default=books.day)
    for listing in books.listings.values():
        if listing.high:
            listing.highs[books.day] = listing.high
            listing.high = 0
        listing.highs = {day: high for day, high in listing.highs.items() if day >= oldest}


def _hold_at_new_rates(books: Books) -> None:
    """An order that outlives the day holds what it can cost at the fees of the next."""
    for order in books.orders.values():
        reserved = order.line.held_for(order, books.fees)
        order.line.account.reserved += reserved - order.reserved
        order.reserved = reserved


def expire(books: Books, event: ContractExpired) -> Events:
    """Settles a contract in cash at its final price; what it brings is due with the day's trades."""
    listing = books.listings.get(event.instrument)
    if listing is None:
        return (unknown_instrument(books, event.instrument),)
    refusal = _not_expirable(listing, event.price)
    if refusal is not None:
        return (refusal,)
    is_option = listing.instrument.segment is Segment.OPTION
    listing.mark = listing.intrinsic(event.price) if is_option else event.price
    held = sorted((line for line in listing.lines if line.quantity or line.cost), key=lambda line: line.account.number)
    settled = [_close(books, line, is_option=is_option) for line in held]
    listing.expired = True
    if books.instant:
        for line in listing.lines:
            books.deliver_at_once(line)
    return tuple(settled)


def _not_expirable(listing: Listing, price: int) -> Refusal | None:
    if listing.instrument.segment not in DERIVATIVES:
        return refused(Rule.NOT_A_CONTRACT, listing.id, value=listing.instrument.segment, limit="a contract")
    if listing.expired:
        return refused(Rule.EXPIRED, listing.id, value="expired", limit="expires once")
    if price < 1:
        return refused(Rule.BAD_PRICE, listing.id, value=price, limit="> 0")
    if not listing.exact(price) or not listing.exact(listing.instrument.strike or 0):
        return refused(Rule.INEXACT, listing.id, value=price, limit="price x lot a whole number of 1e-8")
    ordered = sum(line.buying + line.selling for line in listing.lines)
    return refused(Rule.OPEN_ORDERS, listing.id, value=ordered, limit=0) if ordered else None


def _close(books: Books, line: Line, *, is_option: bool) -> Obligation:
    """Pays out one position; the premium that an option cost today is in what it brings."""
    value, account = line.listing.worth(line.quantity), line.account
    if is_option and value > 0:
        tax = books.fees.exercise(line.listing.instrument, intrinsic=value)
        account.due -= tax
        books.fees_due += tax
    account.due += value if is_option else value - line.cost
    settled = _obligation(books, line, units=0, cash=value - line.cost)
    line.quantity = line.cost = 0
    line.refresh()
    return settled
