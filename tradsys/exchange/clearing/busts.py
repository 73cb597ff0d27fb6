"""Undoing trades: exactly what was booked is taken back, at whatever stage the trade has reached, or nothing."""

from __future__ import annotations

from tradsys.exchange.clearing.accounts import DeliveryLine, Line, line_of
from tradsys.exchange.clearing.books import BookedTrade, Books, refused
from tradsys.exchange.clearing.records import Events, Refusal, Reversal, Rule, Stage, TradeBusted


def bust(books: Books, event: TradeBusted) -> Events:
    """Answers with both reversals, or with a refusal and no change."""
    booked = books.trades.get(event.trade_id)
    if booked is None:
        return (refused(Rule.UNKNOWN_TRADE, event.trade_id, value=event.trade_id, limit="a trade of this exchange"),)
    stage = _stage(books, booked)
    refusal = _not_bustable(books, booked, stage)
    if refusal is not None:
        return (refusal,)
    sides = _sides(books, booked)
    before = [_room(books, line) for line, _, _ in sides]
    _shift(books, booked, stage, sign=-1)
    for (line, _, _), room in zip(sides, before, strict=True):
        refusal = _overdrawn(books, line, trade_id=event.trade_id, before=room)
        if refusal is not None:
            _shift(books, booked, stage, sign=1)
            return (refusal,)
    books.busted.add(event.trade_id)
    if books.instant:
        for line, _, _ in sides:
            books.deliver_at_once(line)
    return tuple(_reversal(booked, line, side=side, fee=fee, stage=stage) for line, side, fee in sides)


def _stage(books: Books, booked: BookedTrade) -> Stage:
    """Contracts stay open until they expire: taking a trade back at its price undoes every variation since."""
    delivered = isinstance(line_of(booked.buy.account, booked.buy.listing), DeliveryLine)
    if not delivered or (booked.day == books.day and not books.instant):
        return Stage.OPEN
    return Stage.PENDING if booked.settlement_day in books.batches else Stage.SETTLED


def _not_bustable(books: Books, booked: BookedTrade, stage: Stage) -> Refusal | None:
    trade, listing = booked.trade, booked.buy.listing
    if trade.trade_id in books.busted:
        return refused(Rule.ALREADY_BUSTED, trade.trade_id, value=trade.trade_id, limit="busted once")
    if listing.expired:
        return refused(Rule.EXPIRED, trade.trade_id, value=listing.id, limit="a live contract")
    for line, _, _ in _sides(books, booked):
        if stage is Stage.SETTLED and (line, booked.settlement_day) in books.closed_out:
            value = booked.settlement_day.isoformat()
            return refused(Rule.CLOSED_OUT, trade.trade_id, value=value, limit="a settlement without close-outs")
    return None


def _sides(books: Books, booked: BookedTrade) -> tuple[tuple[Line, int, int], ...]:
    """Line, side and fee of both; what was bought for the day on an earlier one is for delivery now."""
    buy, sell = booked.buy, booked.sell
    if booked.day != books.day:
        buy, sell = (line_of(line.account, line.listing) for line in (buy, sell))
    return (buy, 1, booked.buy_fee), (sell, -1, booked.sell_fee)


def _shift(books: Books, booked: BookedTrade, stage: Stage, *, sign: int) -> None:
    """Takes a trade back (sign -1) or books it again (1)."""
    quantity, value = sign * booked.trade.quantity, sign * booked.value
    for line, side, fee in _sides(books, booked):
        if stage is Stage.OPEN:
            line.move(side, quantity=quantity, value=value, fee=sign * fee)
            continue
        line.quantity += side * quantity
        line.booked += side * quantity
        paid = side * value + sign * fee
        if stage is Stage.SETTLED:
            line.settled += side * quantity
            line.account.cash -= paid
        else:
            _reschedule(books, booked, line, units=side * quantity, paid=paid)
    _shift_fees(books, booked, stage, sign * (booked.buy_fee + booked.sell_fee))


def _reschedule(books: Books, booked: BookedTrade, line: Line, *, units: int, paid: int) -> None:
    batch, account = books.batches[booked.settlement_day], line.account
    batch.units[line] = batch.units.get(line, 0) + units
    batch.cash[account] = batch.cash.get(account, 0) - paid
    account.due -= paid
    account.pending -= paid


def _shift_fees(books: Books, booked: BookedTrade, stage: Stage, fees: int) -> None:
    if stage is Stage.OPEN:
        books.fees_due += fees
    elif stage is Stage.PENDING:
        books.batches[booked.settlement_day].fees += fees
    else:
        books.fee_account += fees


def _room(books: Books, line: Line) -> tuple[int, int, int, int]:
    """What an account can still pay (in all, and now) and deliver (units not offered, and units here)."""
    account = line.account
    return account.free, books.spendable(account), line.quantity - line.selling, line.settled


def _overdrawn(books: Books, line: Line, *, trade_id: int, before: tuple[int, ...]) -> Refusal | None:
    """Why an account cannot give back what the trade brought it: spent, sold on, offered or withdrawn."""
    if line.account.unlimited:
        return None
    cash = Rule.INSUFFICIENT_CASH
    units = Rule.INSUFFICIENT_UNITS if isinstance(line, DeliveryLine) or not line.account.wide else None
    for rule, had, left in zip((cash, cash, units, units), before, _room(books, line), strict=True):
        if rule is not None and left < min(had, 0):
            return refused(rule, trade_id, value=had - left, limit=max(had, 0))
    return None


def _reversal(booked: BookedTrade, line: Line, *, side: int, fee: int, stage: Stage) -> Reversal:
    return Reversal(
        trade_id=booked.trade.trade_id,
        account=line.account.number,
        instrument=line.listing.id,
        side=side,
        quantity=booked.trade.quantity,
        value=booked.value,
        fee=fee,
        stage=stage,
    )
