"""Pay-in and pay-out of a settlement day, and what happens to units that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tradsys.core.errors import InvariantBroken
from tradsys.exchange.clearing.accounts import Line, Listing, scaled_up
from tradsys.exchange.clearing.books import Batch, Books, margin_call, refused
from tradsys.exchange.clearing.records import CloseOut, Events, Rule, Settled, SettlementDue


def settle(books: Books, event: SettlementDue) -> Events:
    """Moves all cash and units due on a day. A day on which nothing is due has nothing to say."""
    if event.day != books.day:
        return (refused(Rule.WRONG_DAY, event.day, value=event.day.isoformat(), limit=books.day.isoformat()),)
    batch = books.batches.pop(event.day, None)
    if batch is None:
        return ()
    close_outs = tuple(_close_outs(books, batch))
    settled = _settled(batch, books.day)
    _deliver(batch)
    _pay(books, batch)
    calls = (margin_call(account) for account in books.accounts.values())
    return (*close_outs, *settled, *(call for call in calls if call is not None))


def _deliver(batch: Batch) -> None:
    for line, units in batch.units.items():
        line.settled += units


def _pay(books: Books, batch: Batch) -> None:
    """Everything is paid to the exchange's account and out of it."""
    for account, cash in batch.cash.items():
        account.cash += cash
        account.due -= cash
        account.pending -= cash
        books.exchange_account -= cash
    books.fee_account += batch.fees
    books.exchange_account -= batch.fees
    if books.exchange_account:
        raise InvariantBroken(
            "a settlement that does not balance", value=books.exchange_account, limit=0, fix="stop: this is a defect"
        )


def _settled(batch: Batch, day: date) -> Events:
    cash = {account.number: amount for account, amount in batch.cash.items() if amount}
    moved: dict[int, list[tuple[str, int]]] = {number: [] for number in cash}
    for line, units in batch.units.items():
        if units:
            moved.setdefault(line.account.number, []).append((line.listing.id, units))
    return tuple(
        Settled(account=number, day=day, cash=cash.get(number, 0), units=tuple(sorted(units)))
        for number, units in sorted(moved.items())
    )


def _close_outs(books: Books, batch: Batch) -> Iterator[CloseOut]:
    """Pairs units that are not there with those who wait for most; both leave the batch and are paid in cash."""
    shorts = [(line, missing) for line, units in batch.units.items() if (missing := _missing(line, units))]
    for short, missing in sorted(shorts, key=lambda pair: (pair[0].listing.id, pair[0].account.number)):
        while missing:
            waiting = _awaiting_most(batch, short.listing)
            units = min(batch.units[waiting], missing)
            missing -= units
            yield _close_out(books, batch, short=short, waiting=waiting, units=units)


def _awaiting_most(batch: Batch, listing: Listing) -> Line:
    waiting = (line for line in batch.units if line.listing is listing)
    return max(waiting, key=lambda line: (batch.units[line], -line.account.number))


def _missing(line: Line, units: int) -> int:
    if line.account.unlimited or units >= 0:
        return 0
    return max(-units - max(line.settled, 0), 0)


def _close_out(books: Books, batch: Batch, *, short: Line, waiting: Line, units: int) -> CloseOut:
    percent = books.close_out
    if percent is None:
        raise InvariantBroken("units are missing where none can be sold short", value=units, limit=0)
    price = close_out_price(short.listing, since=batch.first_day, percent=percent)
    cash = scaled_up(price * units * short.listing.multiplier)
    for line, sign in ((short, 1), (waiting, -1)):
        line.quantity += sign * units
        line.booked += sign * units
        batch.units[line] += sign * units
        line.account.cash -= sign * cash
        books.closed_out.add((line, books.day))
    return CloseOut(
        seller=short.account.number,
        buyer=waiting.account.number,
        instrument=short.listing.id,
        quantity=units,
        price=price,
        cash=cash,
    )


def close_out_price(listing: Listing, *, since: date, percent: int) -> int:
    """The highest trade from the trade day on, or `percent` above the last mark, whichever is higher; rounded up.

    Source: SEBI SMD/Policy/Cir-03/2002 and `data/settlement.csv`.
    """
    highest = max((high for day, high in listing.highs.items() if day >= since), default=0)
    return max(highest, listing.high, -(-listing.mark * (100 + percent) // 100))
