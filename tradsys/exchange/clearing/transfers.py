"""Listing instruments, opening accounts, and what comes in from outside or goes out."""

from __future__ import annotations

from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.exchange.clearing.accounts import Account, DeliveryLine, Listing, line_of
from tradsys.exchange.clearing.books import Books, margin_call, refused, unknown_account, unknown_instrument
from tradsys.exchange.clearing.records import (
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    Events,
    Listed,
    MarginsChanged,
    Marked,
    Refusal,
    Rule,
    UnitsDeposited,
    UnitsWithdrawn,
)

DERIVATIVES = (Segment.FUTURE, Segment.OPTION, Segment.CRYPTO_PERPETUAL)
_WHOLE_MONEY = "tick x lot x multiplier a whole number of 1e-8"


def list_instrument(books: Books, event: Listed) -> Events:
    """An index is listed to be marked, for the options on it."""
    refusal = _not_listable(books, event)
    if refusal is not None:
        return (refusal,)
    instrument = event.instrument
    option = instrument.segment is Segment.OPTION
    underlying = books.listings[instrument.underlying] if option else None
    listing = Listing(instrument, mark=event.mark, margins=event.margins, underlying=underlying)
    books.listings[instrument.id] = listing
    if instrument.segment not in DERIVATIVES:
        books.issued[instrument.id] = 0
    if underlying is not None:
        underlying.writers.append(listing)
    return ()


def _not_listable(books: Books, event: Listed) -> Refusal | None:
    instrument = event.instrument
    name, segment = instrument.id, instrument.segment
    if name in books.listings:
        return refused(Rule.DUPLICATE_INSTRUMENT, name, value=name, limit="listed once")
    if instrument.currency != books.currency:
        return refused(Rule.OTHER_CURRENCY, name, value=instrument.currency, limit=books.currency)
    if instrument.physical_settlement:
        return refused(Rule.PHYSICAL_SETTLEMENT, name, value="physical", limit="settled in cash")
    if segment in DERIVATIVES and event.margins is None:
        return refused(Rule.NO_MARGIN_RATE, name, value="none", limit=f"margins of {segment}")
    if segment is Segment.OPTION and instrument.underlying not in books.listings:
        return unknown_instrument(books, instrument.underlying)
    if _inexact(instrument, event.mark):
        return refused(Rule.INEXACT, name, value=event.mark, limit=_WHOLE_MONEY)
    return _bad_margins(name, event) or _bad_mark(name, event.mark)


def _inexact(instrument: Instrument, mark: int) -> bool:
    prices = [mark, *(row.step for row in instrument.ticks)]
    return any(price * lot.step * instrument.multiplier % SCALE for price in prices for lot in instrument.lots)


def _bad_margins(name: str, event: Listed | MarginsChanged) -> Refusal | None:
    margins = event.margins
    if margins is None or 0 < margins.maintenance <= margins.initial:
        return None
    value = f"initial {margins.initial}, maintenance {margins.maintenance}"
    return refused(Rule.BAD_AMOUNT, name, value=value, limit="0 < maintenance <= initial")


def _bad_mark(name: str, mark: int) -> Refusal | None:
    return None if mark > 0 else refused(Rule.BAD_PRICE, name, value=mark, limit="> 0")


def change_margins(books: Books, event: MarginsChanged) -> Events:
    """What is held changes with the rates; an account that has too little is called."""
    listing = books.listings.get(event.instrument)
    if listing is None:
        return (unknown_instrument(books, event.instrument),)
    refusal = _bad_margins(listing.id, event)
    if refusal is not None:
        return (refusal,)
    listing.margins = event.margins
    return _measure(listing)


def mark(books: Books, event: Marked) -> Events:
    """What is held changes with the mark; an account that has too little is called."""
    listing = books.listings.get(event.instrument)
    if listing is None:
        return (unknown_instrument(books, event.instrument),)
    refusal = _bad_mark(listing.id, event.price)
    if refusal is not None:
        return (refusal,)
    if not listing.exact(event.price):
        return (refused(Rule.INEXACT, listing.id, value=event.price, limit="mark x lot a whole number of 1e-8"),)
    listing.mark = event.price
    return _measure(listing)


def _measure(listing: Listing) -> Events:
    concerned = {}
    for each in (listing, *listing.writers):
        each.measure()
        for line in each.lines:
            line.refresh()
            if line.quantity:
                concerned[line.account.number] = line.account
    calls = (margin_call(account) for _, account in sorted(concerned.items()))
    return tuple(call for call in calls if call is not None)


def open_account(books: Books, event: AccountOpened) -> Events:
    """Numbers are given by the caller, from 1."""
    if event.account < 1:
        return (refused(Rule.BAD_ACCOUNT, event.account, value=event.account, limit=">= 1"),)
    if event.account in books.accounts:
        return (refused(Rule.DUPLICATE_ACCOUNT, event.account, value=event.account, limit="opened once"),)
    books.accounts[event.account] = Account(event.account, event.kind)
    return ()


def _not_movable(books: Books, number: int, amount: int) -> Refusal | None:
    if number not in books.accounts:
        return unknown_account(books, number)
    return None if amount > 0 else refused(Rule.BAD_AMOUNT, number, value=amount, limit="> 0")


def deposit_cash(books: Books, event: CashDeposited) -> Events:
    """A deposit may meet a margin call."""
    refusal = _not_movable(books, event.account, event.amount)
    if refusal is not None:
        return (refusal,)
    account = books.accounts[event.account]
    account.cash += event.amount
    books.deposited += event.amount
    call = margin_call(account)
    return () if call is None else (call,)


def withdraw_cash(books: Books, event: CashWithdrawn) -> Events:
    """Money of a sale goes out when it is settled."""
    refusal = _not_movable(books, event.account, event.amount)
    if refusal is not None:
        return (refusal,)
    account = books.accounts[event.account]
    spendable = max(books.spendable(account), 0)
    if event.amount > spendable and not account.unlimited:
        return (refused(Rule.INSUFFICIENT_CASH, account.number, value=event.amount, limit=spendable),)
    account.cash -= event.amount
    books.deposited -= event.amount
    return ()


def _units_line(books: Books, event: UnitsDeposited | UnitsWithdrawn) -> DeliveryLine | Refusal:
    refusal = _not_movable(books, event.account, event.quantity)
    if refusal is not None:
        return refusal
    listing = books.listings.get(event.instrument)
    if listing is None:
        return unknown_instrument(books, event.instrument)
    if event.quantity % listing.step:
        return refused(Rule.BAD_QUANTITY, listing.id, value=event.quantity, limit=f"multiples of {listing.step}")
    if listing.instrument.segment not in (Segment.EQUITY, Segment.CRYPTO_SPOT):
        return refused(Rule.NOT_DELIVERABLE, listing.id, value=listing.instrument.segment, limit="shares and coins")
    line = line_of(books.accounts[event.account], listing)
    assert isinstance(line, DeliveryLine)
    return line


def _bring(books: Books, line: DeliveryLine, quantity: int) -> None:
    line.quantity += quantity
    line.booked += quantity
    line.settled += quantity
    books.issued[line.listing.id] += quantity


def deposit_units(books: Books, event: UnitsDeposited) -> Events:
    """Units come in and count as issued."""
    line = _units_line(books, event)
    if isinstance(line, Refusal):
        return (line,)
    _bring(books, line, event.quantity)
    return ()


def withdraw_units(books: Books, event: UnitsWithdrawn) -> Events:
    """Units that were bought go out when they are settled."""
    line = _units_line(books, event)
    if isinstance(line, Refusal):
        return (line,)
    deliverable = max(books.deliverable(line), 0)
    if event.quantity > deliverable and not line.account.unlimited:
        return (refused(Rule.INSUFFICIENT_UNITS, line.account.number, value=event.quantity, limit=deliverable),)
    _bring(books, line, -event.quantity)
    return ()
