"""What an account holds for its open orders: the worst that they can cost, released to the last unit."""

from __future__ import annotations

from tradsys.core.instruments import Segment
from tradsys.exchange.clearing.accounts import Account, Listing, OpenOrder, line_of
from tradsys.exchange.clearing.books import Books, refused, unknown_account, unknown_instrument
from tradsys.exchange.clearing.records import Events, OrderChanged, OrderEntered, OrderFinished, Refusal, Rule


def enter_order(books: Books, event: OrderEntered) -> Events:
    """Holds for a new order, or refuses it."""
    account, listing = books.accounts.get(event.account), books.listings.get(event.instrument)
    if account is None:
        return (unknown_account(books, event.account),)
    if listing is None:
        return (unknown_instrument(books, event.instrument),)
    refusal = _bad_entry(books, event) or _bad_terms(listing, event) or _not_allowed(books, account, listing, event)
    if refusal is not None:
        return (refusal,)
    line = line_of(account, listing, intraday=event.intraday)
    order = OpenOrder(line, order_id=event.order_id, side=event.side)
    refusal = _place(books, order, price=event.price, quantity=event.quantity)
    if refusal is not None:
        return (refusal,)
    books.orders[order.order_id] = order
    return ()


def change_order(books: Books, event: OrderChanged) -> Events:
    """Holds for what is open from now on, or refuses and leaves the order as it is."""
    order = books.orders.get(event.order_id)
    if order is None:
        return (_unknown_order(event.order_id),)
    refusal = _bad_terms(order.line.listing, event)
    if refusal is None:
        refusal = _place(books, order, price=event.price, quantity=event.quantity)
    return () if refusal is None else (refusal,)


def finish_order(books: Books, event: OrderFinished) -> Events:
    """Releases what is still held."""
    order = books.orders.pop(event.order_id, None)
    if order is None:
        return (_unknown_order(event.order_id),)
    _hold(books, order, price=order.price, quantity=0, mark=order.mark)
    return ()


def _unknown_order(order_id: int) -> Refusal:
    return refused(Rule.UNKNOWN_ORDER, order_id, value=order_id, limit="an open order")


def _bad_entry(books: Books, event: OrderEntered) -> Refusal | None:
    if event.order_id < 1:
        return refused(Rule.BAD_ORDER, event.order_id, value=event.order_id, limit=">= 1")
    if event.order_id in books.orders:
        return refused(Rule.DUPLICATE_ORDER, event.order_id, value=event.order_id, limit="not open")
    if event.side not in (1, -1):
        return refused(Rule.WRONG_SIDE, event.order_id, value=event.side, limit="1 or -1")
    return None


def _bad_terms(listing: Listing, event: OrderEntered | OrderChanged) -> Refusal | None:
    if event.quantity < 1 or event.quantity % listing.step:
        limit = f"multiples of {listing.step} above 0"
        return refused(Rule.BAD_QUANTITY, event.order_id, value=event.quantity, limit=limit)
    if event.price < 1:
        return refused(Rule.BAD_PRICE, event.order_id, value=event.price, limit="> 0")
    return None


def _not_allowed(books: Books, account: Account, listing: Listing, event: OrderEntered) -> Refusal | None:
    if not listing.tradable:
        return refused(Rule.NOT_TRADABLE, listing.id, value=listing.instrument.segment, limit="anything but an index")
    if listing.expired:
        return refused(Rule.EXPIRED, listing.id, value="expired", limit="live")
    if (event.intraday or listing.margined) and not account.wide:
        return refused(Rule.NOT_A_MARGIN_ACCOUNT, account.number, value="cash", limit="a margin account")
    return _not_intraday(books, listing) if event.intraday else None


def _not_intraday(books: Books, listing: Listing) -> Refusal | None:
    if listing.instrument.segment is not Segment.EQUITY or listing.margins is None:
        return refused(Rule.NO_MARGIN_RATE, listing.id, value="intraday", limit="shares with margins")
    if books.close_out is None or books.instant:
        value = f"intraday on {books.exchange}"
        return refused(Rule.NO_CLOSE_OUT_RULE, listing.id, value=value, limit="a rule for shares not delivered")
    return None


def _hold(books: Books, order: OpenOrder, *, price: int, quantity: int, mark: int) -> None:
    """Sets an order's terms and all that is held for it."""
    line, more = order.line, quantity - order.open
    order.price, order.open, order.mark = price, quantity, mark
    reserved = line.held_for(order, books.fees)
    if order.side > 0:
        line.buying += more
    else:
        line.selling += more
    line.account.reserved += reserved - order.reserved
    order.reserved = reserved
    line.refresh()


def _place(books: Books, order: OpenOrder, *, price: int, quantity: int) -> Refusal | None:
    """Holds for an order's new terms; undone if the account cannot carry them."""
    line = order.line
    before = order.price, order.open, order.mark
    free, uncovered, required = line.account.free, line.uncovered(), line.required
    _hold(books, order, price=price, quantity=quantity, mark=line.listing.mark)
    if line.account.unlimited:
        return None
    refusal = _short(order, free=free, uncovered=uncovered, required=required)
    if refusal is not None:
        price, quantity, mark = before
        _hold(books, order, price=price, quantity=quantity, mark=mark)
    return refusal


def _short(order: OpenOrder, *, free: int, uncovered: int, required: int) -> Refusal | None:
    """Why an account cannot carry an order just held for, given what it was free to use and held before."""
    line = order.line
    account = line.account
    writes = account.wide and line.listing.underlying is not None
    if line.uncovered() > uncovered and not writes:
        there = line.quantity - line.selling + order.open
        return refused(Rule.INSUFFICIENT_UNITS, order.order_id, value=order.open, limit=max(there, 0))
    taken, added = free - account.free, line.required - required
    # An order that can only shrink a position on margin is taken whatever there is: it must be possible to get out.
    if account.free >= 0 or taken <= 0 or (line.margined and added <= 0):
        return None
    rule = Rule.INSUFFICIENT_MARGIN if added > 0 else Rule.INSUFFICIENT_CASH
    return refused(rule, order.order_id, value=taken, limit=free)
