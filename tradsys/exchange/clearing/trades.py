"""One trade through both accounts, in constant time."""

from __future__ import annotations

from tradsys.core.events import Side
from tradsys.core.units import SCALE
from tradsys.exchange.clearing.accounts import Account, Line, OpenOrder, line_of
from tradsys.exchange.clearing.books import BookedTrade, Books, refused, unknown_account, unknown_instrument
from tradsys.exchange.clearing.records import Confirmation, Events, Refusal, Rule, Trade


def book_trade(books: Books, trade: Trade) -> Events:
    """Moves money, units and holds of both sides; answers with both confirmations, or with a refusal and no change."""
    buy = books.orders.get(trade.buy_order) or _orderless(books, trade, Side.BUY)
    sell = books.orders.get(trade.sell_order) or _orderless(books, trade, Side.SELL)
    if not isinstance(buy, OpenOrder):
        return (buy,)
    if not isinstance(sell, OpenOrder):
        return (sell,)
    line, other = buy.line, sell.line
    listing = line.listing
    price, quantity = trade.price, trade.quantity
    turnover = price * quantity * listing.multiplier
    if (
        trade.trade_id in books.trades
        or listing.id != trade.instrument
        or other.listing is not listing
        or line.account.number != trade.buyer
        or other.account.number != trade.seller
        or not buy.side > 0 > sell.side
        or not buy.price >= price >= sell.price > 0
        or not 0 < quantity <= buy.open
        or quantity > sell.open
        or quantity % listing.step
        or turnover % SCALE
    ):
        return (_why_not(books, trade, buy, sell),)
    value = turnover // SCALE
    fees, maker = books.fees, trade.taker < 0
    buy_fee = fees.due(listing.instrument, product=line.product, side=1, maker=maker, turnover=turnover)
    sell_fee = fees.due(listing.instrument, product=other.product, side=-1, maker=not maker, turnover=turnover)
    _fill(books, buy, quantity=quantity, value=value, fee=buy_fee)
    _fill(books, sell, quantity=quantity, value=value, fee=sell_fee)
    books.fees_due += buy_fee + sell_fee
    if price > listing.high:
        listing.high = price
    settles = books.settlement_day
    if books.instant:
        books.deliver_at_once(line)
        books.deliver_at_once(other)
    books.trades[trade.trade_id] = BookedTrade(trade, line, other, value, buy_fee, sell_fee, books.day, settles)
    return (
        Confirmation(
            trade_id=trade.trade_id,
            order_id=trade.buy_order,
            account=trade.buyer,
            instrument=trade.instrument,
            side=1,
            quantity=quantity,
            price=price,
            value=value,
            fee=buy_fee,
            maker=maker,
            settlement_day=settles,
        ),
        Confirmation(
            trade_id=trade.trade_id,
            order_id=trade.sell_order,
            account=trade.seller,
            instrument=trade.instrument,
            side=-1,
            quantity=quantity,
            price=price,
            value=value,
            fee=sell_fee,
            maker=not maker,
            settlement_day=settles,
        ),
    )


def _fill(books: Books, order: OpenOrder, *, quantity: int, value: int, fee: int) -> None:
    line, side = order.line, order.side
    order.open -= quantity
    if side > 0:
        line.buying -= quantity if order.order_id else 0
    else:
        line.selling -= quantity if order.order_id else 0
    line.move(side, quantity=quantity, value=value, fee=fee)
    reserved = line.held_for(order, books.fees)
    line.account.reserved += reserved - order.reserved
    order.reserved = reserved
    if not order.open:
        books.orders.pop(order.order_id, None)


def _orderless(books: Books, trade: Trade, side: Side) -> OpenOrder | Refusal:
    """The side of an unlimited account that trades without an order, as an order of exactly this trade."""
    order_id, number = (trade.buy_order, trade.buyer) if side > 0 else (trade.sell_order, trade.seller)
    if order_id:
        return refused(Rule.UNKNOWN_ORDER, trade.trade_id, value=order_id, limit="an open order")
    account = books.accounts.get(number)
    if account is None:
        return unknown_account(books, number)
    if not account.unlimited:
        return refused(Rule.UNKNOWN_ORDER, trade.trade_id, value=order_id, limit="0 for an unlimited account alone")
    line = _tradable(books, account, trade.instrument)
    if isinstance(line, Refusal):
        return line
    order = OpenOrder(line, order_id=0, side=side)
    order.price, order.open = trade.price, trade.quantity
    return order


def _tradable(books: Books, account: Account, instrument: str) -> Line | Refusal:
    listing = books.listings.get(instrument)
    if listing is None:
        return unknown_instrument(books, instrument)
    if listing.expired or not listing.tradable:
        rule = Rule.EXPIRED if listing.expired else Rule.NOT_TRADABLE
        return refused(rule, listing.id, value=listing.instrument.segment, limit="a live instrument that trades")
    return line_of(account, listing)


def _why_not(books: Books, trade: Trade, buy: OpenOrder, sell: OpenOrder) -> Refusal:
    """The rule that a trade breaks which does not fit its orders."""
    listing, accounts = buy.line.listing, (buy.line.account.number, sell.line.account.number)
    least, open_price = min(buy.open, sell.open), f"{sell.price} to {buy.price}"
    checks = (
        (trade.trade_id not in books.trades, Rule.DUPLICATE_TRADE, trade.trade_id, "a new id"),
        (listing.id == trade.instrument, Rule.WRONG_INSTRUMENT, trade.instrument, listing.id),
        (sell.line.listing is listing, Rule.WRONG_INSTRUMENT, sell.line.listing.id, listing.id),
        (accounts == (trade.buyer, trade.seller), Rule.WRONG_ACCOUNT, f"{trade.buyer} {trade.seller}", str(accounts)),
        (buy.side > 0 > sell.side, Rule.WRONG_SIDE, f"{buy.side} {sell.side}", "1 -1"),
        (trade.price > 0, Rule.BAD_PRICE, trade.price, "> 0"),
        (trade.quantity > 0, Rule.BAD_QUANTITY, trade.quantity, "> 0"),
        (not trade.quantity % listing.step, Rule.BAD_QUANTITY, trade.quantity, f"multiples of {listing.step}"),
        (buy.price >= trade.price >= sell.price, Rule.BEYOND_LIMIT, trade.price, open_price),
        (trade.quantity <= least, Rule.BEYOND_OPEN, trade.quantity, least),
    )
    for holds, rule, value, limit in checks:
        if not holds:
            return refused(rule, trade.trade_id, value=value, limit=limit)
    return refused(Rule.INEXACT, trade.trade_id, value=trade.price, limit="price x quantity a whole number of 1e-8")
