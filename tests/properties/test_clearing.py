"""Laws of the clearing over random sequences of events: nothing is created, lost or half done."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tradsys.core.events import Side
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.exchange.clearing import Clearing, Fees, MakerTaker, TariffFees
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    ClearingEvent,
    CloseOut,
    Confirmation,
    ContractExpired,
    DayEnded,
    Events,
    Listed,
    Margins,
    MarginsChanged,
    Marked,
    OrderChanged,
    OrderEntered,
    OrderFinished,
    Refusal,
    Reversal,
    SettlementDue,
    Trade,
    TradeBusted,
    UnitsDeposited,
    UnitsWithdrawn,
)
from tradsys.reference.calendar import calendar_for
from tradsys.reference.charges import exercise_tax

TICK = SCALE // 20
# Monday 26 January 2026 is a holiday.
FIRST_DAY = date(2026, 1, 22)
FIFTH = Margins(initial=SCALE // 5, maintenance=SCALE // 8)
SHARE = Instrument(id="NSE:S", exchange="NSE", symbol="S", segment=Segment.EQUITY)
OTHER = Instrument(id="NSE:T", exchange="NSE", symbol="T", segment=Segment.EQUITY)
INDEX = Instrument(id="NSE:I", exchange="NSE", symbol="I", segment=Segment.INDEX)
FUTURE = Instrument(id="NFO:F", exchange="NFO", symbol="F", segment=Segment.FUTURE, multiplier=3)
CALL = Instrument(
    id="NFO:C",
    exchange="NFO",
    symbol="C",
    segment=Segment.OPTION,
    underlying="NSE:I",
    strike=100 * SCALE,
    right=OptionRight.CALL,
)
TRADED = (SHARE, OTHER, FUTURE, CALL)
CASH, MARGIN, UNLIMITED = AccountKind.CASH, AccountKind.MARGIN, AccountKind.UNLIMITED
KINDS = {1: CASH, 2: CASH, 3: MARGIN, 4: MARGIN, 5: UNLIMITED}

traders = st.sampled_from([1, 2, 3, 4, 3, 4, 3, 4, 5])
instruments = st.sampled_from([each.id for each in (SHARE, SHARE, SHARE, SHARE, OTHER, FUTURE, FUTURE, CALL)])
rarely = st.sampled_from([False, False, True])
shares = st.sampled_from([SHARE.id, OTHER.id])
prices = st.integers(1600, 2400).map(lambda ticks: ticks * TICK)
wild = st.integers(200, 8000).map(lambda ticks: ticks * TICK)
quantities = st.integers(1, 30).map(lambda units: units * SCALE)
sides = st.sampled_from([Side.BUY, Side.SELL])


def schedule(number: int) -> Fees:
    """The tariff of India (0), or rates as odd as can be, with a rebate."""
    return MakerTaker(maker=-0.000123456789, taker=0.000987654321) if number else TariffFees()


def is_refused(answer: Events) -> bool:
    return any(isinstance(each, Refusal) for each in answer)


class Market(RuleBasedStateMachine):
    """The oracle knows neither settlement nor margin: an account has what came in, less what its trades cost."""

    @initialize(fees=st.sampled_from([0, 0, 1, 1, 2]))
    def open(self, fees: int) -> None:
        self.fees = fees
        self.log: list[tuple[ClearingEvent, Events]] = []
        self.clearing = self.fresh()
        self.orders: dict[int, OrderEntered] = {}
        self.left: Counter[int] = Counter()
        self.trades: dict[int, Trade] = {}
        self.money: Counter[int] = Counter()
        self.units: Counter[tuple[int, str]] = Counter()
        self.busted: set[int] = set()
        self.short_delivered: set[int] = set()
        self.numbers = 0
        for instrument, margins in ((SHARE, FIFTH), (OTHER, None), (INDEX, None), (FUTURE, FIFTH), (CALL, FIFTH)):
            assert self.do(Listed(instrument=instrument, mark=100 * SCALE, margins=margins)) == ()
        for account, kind in KINDS.items():
            assert self.do(AccountOpened(account=account, kind=kind)) == ()
            self.deposit(account, 3_000 * SCALE if kind is MARGIN else 10_000 * SCALE)
            if kind is CASH:
                self.bring(account, SHARE.id, 50 * SCALE)

    def fresh(self) -> Clearing:
        exchange = "CRYPTO" if self.fees == 2 else "NSE"
        calendar = calendar_for(exchange, Segment.EQUITY)
        return Clearing(exchange=exchange, calendar=calendar, day=FIRST_DAY, fees=schedule(self.fees))

    def snapshot(self) -> object:
        """All that can be seen from outside."""
        clearing = self.clearing
        return (
            clearing.day,
            clearing.fee_account,
            [clearing.balance(account) for account in clearing.accounts],
            [clearing.position(account, each.id) for account in clearing.accounts for each in TRADED],
            [clearing.held_for(order_id) for order_id in self.orders],
        )

    def do(self, event: ClearingEvent) -> Events:
        """Applies one event; a refused one must leave everything as it was."""
        before = self.snapshot()
        answer = self.clearing.apply(event)
        if is_refused(answer):
            assert len(answer) == 1
            assert self.snapshot() == before
            return answer
        self.log.append((event, answer))
        self.follow(answer)
        return answer

    def follow(self, answer: Events) -> None:
        """Books what the clearing says as an outsider would."""
        for each in answer:
            if isinstance(each, Confirmation):
                self.money[each.account] -= each.side * each.value + each.fee
                self.units[each.account, each.instrument] += each.side * each.quantity
                self.left[each.order_id] -= each.quantity if each.order_id else 0
            elif isinstance(each, Reversal):
                self.money[each.account] += each.side * each.value + each.fee
                self.units[each.account, each.instrument] -= each.side * each.quantity
            elif isinstance(each, CloseOut):
                for account, sign in ((each.seller, 1), (each.buyer, -1)):
                    self.money[account] -= sign * each.cash
                    self.units[account, each.instrument] += sign * each.quantity
                    self.short_delivered.add(account)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def deposit(self, account: int, amount: int) -> None:
        self.do(CashDeposited(account=account, amount=amount))
        self.money[account] += amount

    def bring(self, account: int, share: str, quantity: int) -> None:
        self.do(UnitsDeposited(account=account, instrument=share, quantity=quantity))
        self.units[account, share] += quantity

    @rule(account=traders, share=shares, quantity=quantities, part=st.integers(-11, 11), cash=st.booleans())
    def move(self, account: int, share: str, quantity: int, part: int, cash: bool) -> None:
        """Cash or units come in or go out; an eleventh part too much is refused."""
        spendable = self.clearing.balance(account).spendable
        if cash and part < 0:
            self.deposit(account, -part * 1_000 * SCALE + 1)
        elif cash:
            amount = max(spendable * part // 10, 1)
            answer = self.do(CashWithdrawn(account=account, amount=amount))
            assert is_refused(answer) == (amount > spendable and account != 5)
            self.money[account] -= 0 if is_refused(answer) else amount
        elif part < 0:
            self.bring(account, share, quantity)
        else:
            answer = self.do(UnitsWithdrawn(account=account, instrument=share, quantity=quantity))
            self.units[account, share] -= 0 if is_refused(answer) else quantity

    def enter(
        self, account: int, instrument: str, side: Side, *, quantity: int, price: int, intraday: bool
    ) -> OrderEntered | None:
        order = OrderEntered(
            order_id=self.number(),
            account=account,
            instrument=instrument,
            side=side,
            quantity=quantity,
            price=price,
            intraday=intraday and instrument == SHARE.id,
        )
        if is_refused(self.do(order)):
            return None
        self.orders[order.order_id] = order
        self.left[order.order_id] = quantity
        return order

    @rule(account=traders, instrument=instruments, side=sides, quantity=quantities, price=prices, intraday=rarely)
    def rest(self, account: int, instrument: str, side: Side, quantity: int, price: int, intraday: bool) -> None:
        self.enter(account, instrument, side, quantity=quantity, price=price, intraday=intraday)

    @rule(
        accounts=st.tuples(traders, traders),
        instrument=instruments,
        amounts=st.tuples(quantities, quantities, quantities),
        price=prices,
        intraday=st.tuples(rarely, st.booleans()),
        taker=sides,
    )
    def deal(
        self,
        accounts: tuple[int, int],
        instrument: str,
        amounts: tuple[int, int, int],
        price: int,
        intraday: tuple[bool, bool],
        taker: Side,
    ) -> None:
        """Two orders meet; one may be left, partly filled."""
        limits = price + 3 * TICK, price - 2 * TICK
        made = [
            self.enter(account, instrument, side, quantity=amount, price=limit, intraday=for_day)
            for account, side, amount, limit, for_day in zip(accounts, Side, amounts, limits, intraday, strict=False)
        ]
        buy, sell = made
        if buy and sell:
            self.trade(buy, sell, price=price, quantity=min(amounts), taker=taker)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), price=prices, quantity=quantities)
    def change(self, data: st.DataObject, price: int, quantity: int) -> None:
        order = self.orders[data.draw(st.sampled_from(sorted(self.orders)))]
        if not is_refused(self.do(OrderChanged(order_id=order.order_id, price=price, quantity=quantity))):
            assert self.left[order.order_id]
            self.left[order.order_id] = quantity
            values = {name: getattr(order, name) for name in order.__struct_fields__}
            self.orders[order.order_id] = OrderEntered(**{**values, "price": price})

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        order_id = data.draw(st.sampled_from(sorted(self.orders)))
        assert is_refused(self.do(OrderFinished(order_id=order_id))) == (not self.left.pop(order_id, 0))
        assert self.clearing.held_for(order_id) == 0

    @rule(data=st.data(), taker=sides)
    def match(self, data: st.DataObject, taker: Side) -> None:
        live = [order for order_id, order in self.orders.items() if self.left[order_id]]
        pairs = [
            (buy, sell)
            for buy in live
            for sell in live
            if buy.side > sell.side and buy.instrument == sell.instrument and buy.price >= sell.price
        ]
        if not pairs:
            return
        buy, sell = data.draw(st.sampled_from(pairs))
        most = min(self.left[buy.order_id], self.left[sell.order_id]) // SCALE
        price = data.draw(st.integers(sell.price // TICK, buy.price // TICK)) * TICK
        quantity = data.draw(st.integers(1, most)) * SCALE
        assert not is_refused(self.trade(buy, sell, price=price, quantity=quantity, taker=taker))

    @rule(data=st.data(), taker=sides, quantity=quantities)
    def trade_with_the_market(self, data: st.DataObject, taker: Side, quantity: int) -> None:
        live = [order for order_id, order in self.orders.items() if self.left[order_id] >= quantity]
        if live:
            order = data.draw(st.sampled_from(live))
            sides = (order, None) if order.side > 0 else (None, order)
            assert not is_refused(self.trade(*sides, price=order.price, quantity=quantity, taker=taker))

    def trade(
        self, buy: OrderEntered | None, sell: OrderEntered | None, *, price: int, quantity: int, taker: Side
    ) -> Events:
        known = buy or sell
        assert known
        trade = Trade(
            trade_id=self.number(),
            instrument=known.instrument,
            price=price,
            quantity=quantity,
            buyer=buy.account if buy else 5,
            seller=sell.account if sell else 5,
            buy_order=buy.order_id if buy else 0,
            sell_order=sell.order_id if sell else 0,
            taker=taker,
        )
        answer = self.do(trade)
        self.trades[trade.trade_id] = trade
        return answer

    @rule(instrument=st.sampled_from([*TRADED, INDEX]), price=wild, initial=st.integers(10, 100), rates=rarely)
    def mark(self, instrument: Instrument, price: int, initial: int, rates: bool) -> None:
        """Marks leap, so that accounts fall below maintenance."""
        self.do(Marked(instrument=instrument.id, price=price))
        if rates:
            margins = Margins(initial=initial * SCALE // 100, maintenance=(initial - 9) * SCALE // 100)
            self.do(MarginsChanged(instrument=instrument.id, margins=margins))

    @rule(unsettled=rarely)
    def end_day(self, unsettled: bool) -> None:
        """Without the settlement first, the end of the day may be refused."""
        if not unsettled:
            self.do(SettlementDue(day=self.clearing.day))
        self.do(DayEnded(day=self.clearing.day))

    @precondition(lambda self: len(self.trades) > 6)
    @rule(instrument=st.sampled_from([FUTURE, CALL]), price=prices, ordered=rarely)
    def expire(self, instrument: Instrument, price: int, ordered: bool) -> None:
        for order_id, order in self.orders.items():
            if not ordered and order.instrument == instrument.id and self.left[order_id]:
                self.do(OrderFinished(order_id=order_id))
                self.left[order_id] = 0
        day = self.clearing.day
        if is_refused(self.do(ContractExpired(instrument=instrument.id, price=price))):
            return
        worth = max(price - 100 * SCALE, 0) if instrument is CALL else price
        for account in KINDS:
            quantity = self.units.pop((account, instrument.id), 0)
            paid = quantity * worth * instrument.multiplier // SCALE
            taxed = instrument is CALL and quantity > 0 and not self.fees
            tax = exercise_tax(paid, day=day, plan="zerodha", exchange="NFO") if taxed else 0
            self.money[account] += paid - tax

    @precondition(lambda self: self.trades)
    @rule(data=st.data(), again=rarely)
    def bust(self, data: st.DataObject, again: bool) -> None:
        trade_id = data.draw(st.sampled_from(sorted(self.trades)))
        if not is_refused(self.do(TradeBusted(trade_id=trade_id))):
            assert trade_id not in self.busted
            self.busted.add(trade_id)
        if not again:
            del self.trades[trade_id]

    @invariant()
    def laws_hold(self) -> None:
        self.clearing.check()

    @invariant()
    def accounts_have_what_came_in_less_what_trades_cost(self) -> None:
        for account in KINDS:
            assert self.wealth(account) == self.money[account], account

    def wealth(self, account: int) -> int:
        balance = self.clearing.balance(account)
        return balance.cash + balance.due - self.clearing.open_cost(account)

    @invariant()
    def positions_are_the_sum_of_trades(self) -> None:
        for account in KINDS:
            for instrument in TRADED:
                held = self.clearing.position(account, instrument.id).quantity
                assert held == self.units[account, instrument.id]

    @invariant()
    def cash_accounts_never_owe(self) -> None:
        for account in (1, 2):
            if account not in self.short_delivered:
                balance = self.clearing.balance(account)
                # What an order holds for fees grows with the tariff.
                rise = 0 if self.fees else SCALE
                assert min(balance.cash, balance.free + rise) >= 0
                assert min(self.units[account, instrument.id] for instrument in TRADED) >= 0

    def teardown(self) -> None:
        """The same events again give the same answers."""
        again = self.fresh()
        assert [again.apply(event) for event, _ in self.log] == [answer for _, answer in self.log]


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
