"""What must hold after every event, computed anew from the books' smallest parts and compared with their totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tradsys.core.errors import InvariantBroken
from tradsys.exchange.clearing.accounts import Account, DeliveryLine, IntradayLine, Line, Listing
from tradsys.exchange.clearing.books import Books

Law = tuple[str, int, int]


def check(books: Books) -> None:
    """Raises `InvariantBroken` naming the first law that does not hold, what was found and what it should be."""
    for law, found, expected in _laws(books):
        if found != expected:
            raise InvariantBroken(
                f"clearing: {law}: {found}, not {expected}", value=found, limit=expected, fix="stop: this is a defect"
            )


def _laws(books: Books) -> Iterator[Law]:
    yield from _cash(books)
    for listing in books.listings.values():
        yield from _units(books, listing)
    yield from _batches(books)
    offered = _offered(books)
    for account in books.accounts.values():
        yield from _account(books, account)
        for line in account.lines.values():
            yield from _line(books, line, offered)


def _cash(books: Books) -> Iterator[Law]:
    accounts = books.accounts.values()
    cash = sum(account.cash for account in accounts) + books.fee_account + books.exchange_account
    yield "cash of all accounts is what was deposited less what was withdrawn", cash, books.deposited
    yield "the exchange keeps nothing of what passes through it", books.exchange_account, 0
    fees = books.fees_due + sum(batch.fees for batch in books.batches.values())
    day_trades = (line.cost for each in accounts for line in each.lines.values() if isinstance(line, IntradayLine))
    yield "what some are owed others owe", sum(account.due for account in accounts) + fees, sum(day_trades)


def _units(books: Books, listing: Listing) -> Iterator[Law]:
    lines = listing.lines
    held = sum(line.quantity for line in lines)
    yield f"positions in {listing.id} add up to what is issued", held, books.issued.get(listing.id, 0)
    settled = sum(line.settled for line in lines)
    yield f"settled units of {listing.id} add up to what is issued", settled, books.issued.get(listing.id, 0)
    if listing.id not in books.issued:
        yield f"what {listing.id} cost one it brought another", sum(line.cost for line in lines), 0


def _batches(books: Books) -> Iterator[Law]:
    for day, batch in books.batches.items():
        yield f"payments due {day} balance", sum(batch.cash.values()) + batch.fees, 0
        moved: Counter[str] = Counter()
        for line, units in batch.units.items():
            moved[line.listing.id] += units
        for instrument, units in moved.items():
            yield f"deliveries of {instrument} due {day} balance", units, 0


def _offered(books: Books) -> Counter[tuple[Line, int]]:
    offered: Counter[tuple[Line, int]] = Counter()
    for order in books.orders.values():
        offered[order.line, order.side] += order.open
    return offered


def _account(books: Books, account: Account) -> Iterator[Law]:
    number = account.number
    orders = [order for order in books.orders.values() if order.line.account is account]
    worst = sum(order.line.held_for(order, books.fees) for order in orders)
    yield f"account {number} holds the worst that its open orders can cost", account.reserved, worst
    yield f"account {number} holds nothing below zero", min(account.reserved, account.margin, 0), 0
    required = sum(line.requirement() for line in account.lines.values())
    yield f"account {number} holds the margin of its positions", account.margin, required
    instructed = sum(batch.cash.get(account, 0) for batch in books.batches.values())
    yield f"what account {number} is instructed to pay is pending", account.pending, instructed


def _line(books: Books, line: Line, offered: Counter[tuple[Line, int]]) -> Iterator[Law]:
    whose = f"account {line.account.number} in {line.listing.id}"
    yield f"{whose} buys what its orders buy", line.buying, offered[line, 1]
    yield f"{whose} sells what its orders sell", line.selling, offered[line, -1]
    if isinstance(line, DeliveryLine):
        scheduled = sum(batch.units.get(line, 0) for batch in books.batches.values())
        yield f"{whose} was instructed to deliver what is not settled", line.booked, line.settled + scheduled
