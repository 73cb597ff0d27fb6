"""Random days at the whole exchange: after every event cash and units are conserved, and accounts hold for exactly
what the book has open; both books, asked the same, say the same."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest

from tests.books import MakeBook
from tests.unit.exchange.session_driver import clock
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.matching import POST_ONLY, BookSide, Kind, SelfTrade, TimeInForce
from tradsys.core.units import MINUTE, SCALE
from tradsys.exchange.admission import Entry
from tradsys.exchange.book import Book
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import MakerTaker
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    Margins,
    TradeBusted,
    UnitsDeposited,
)
from tradsys.exchange.marketplace import Exchange, TradedInstrument
from tradsys.exchange.marketplace.records import BandSet, ExchangeEvents, OrderRefused, Traded, TradingHalted
from tradsys.reference.calendar import calendar_for

FIRST = date(2026, 11, 16)
TICK, CLOSE, DAYS = SCALE // 20, 100 * SCALE, 3
MARGINS = Margins(initial=SCALE // 5, maintenance=SCALE // 5)
SHARE, CALM = "NSE:S", "NSE:C"
LISTED = (
    TradedInstrument(
        instrument=Instrument(id=SHARE, exchange="NSE", symbol="S", segment=Segment.EQUITY, closing_auction=True),
        previous_close=CLOSE,
        band="share",
        margins=MARGINS,
    ),
    TradedInstrument(
        instrument=Instrument(id=CALM, exchange="NSE", symbol="C", segment=Segment.EQUITY),
        previous_close=CLOSE,
        band="fixed 2",
    ),
    TradedInstrument(
        instrument=Instrument(
            id="NFO:F",
            exchange="NFO",
            symbol="F",
            segment=Segment.FUTURE,
            underlying=SHARE,
            expiry=clock(date(2026, 11, 17), "15:40"),
        ),
        previous_close=CLOSE,
        band="share",
        margins=MARGINS,
    ),
    TradedInstrument(
        instrument=Instrument(
            id="NFO:O",
            exchange="NFO",
            symbol="O",
            segment=Segment.OPTION,
            underlying=SHARE,
            strike=CLOSE,
            right=OptionRight.CALL,
            expiry=clock(date(2026, 11, 18), "15:40"),
        ),
        previous_close=5 * SCALE,
        margins=MARGINS,
    ),
)
KINDS = (*[Kind.LIMIT] * 8, Kind.MARKET, Kind.PROTECTED, Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING)
VALIDITIES = (*[TimeInForce.DAY] * 4, TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK)
ACCOUNTS = {1: AccountKind.CASH, 2: AccountKind.MARGIN, 3: AccountKind.MARGIN, 4: AccountKind.UNLIMITED}


class Crowd:
    """Whoever acts at random: orders, changes, busts, cash and units, moves of the index."""

    def __init__(self, seed: int, make_book: MakeBook) -> None:
        self.chance = random.Random(seed)
        calendar = calendar_for("NSE", Segment.EQUITY)
        fees = MakerTaker(maker=-0.0001, taker=0.0003)
        self.book = make_book(len(LISTED))
        self.exchange = Exchange(
            LISTED, self.book, exchange="NSE", day=FIRST, calendar=calendar, fees=fees, seed=seed,
            indexes={"NIFTY 50": 2_500_000}, members={1: "A", 2: "A"},
        )  # fmt: skip
        self.said: ExchangeEvents = []
        self.orders = 0
        for account, kind in ACCOUNTS.items():
            self.exchange.tell(AccountOpened(account=account, kind=kind))
            self.exchange.tell(CashDeposited(account=account, amount=5_000 * account * SCALE))
            self.exchange.tell(UnitsDeposited(account=account, instrument=SHARE, quantity=50 * SCALE))

    def live_day(self, actions: int) -> None:
        start, end = clock(self.exchange.day, "08:55"), clock(self.exchange.day, "16:05")
        for number in range(actions):
            at = start + (end - start) * number // actions + self.chance.randint(0, MINUTE)
            self.hear(self.act(at))
        self.hear(self.exchange.end_day())

    def hear(self, said: ExchangeEvents) -> None:
        self.said += said
        self.exchange.check()
        self.compare()

    def act(self, at: int) -> ExchangeEvents:
        exchange, chance = self.exchange, self.chance
        order_id, account = chance.randint(1, self.orders + 1), chance.randint(1, 4)
        match chance.choice(("enter",) * 8 + ("replace", "cancel", "reduce", "tell", "index")):
            case "enter":
                self.orders += 1
                return exchange.submit(self.entry(self.orders, account, at), at=at, intraday=chance.random() < 0.2)
            case "replace":
                return exchange.submit(self.entry(order_id, account, at, replaces=True), at=at)
            case "cancel":
                return exchange.cancel(order_id, account=account, at=at)
            case "reduce":
                return exchange.reduce(order_id, quantity=chance.randint(1, 5) * SCALE, account=account, at=at)
            case "index":
                moved = 2_500_000 + chance.choice((0, 10_000, -260_000 if chance.random() < 0.2 else 5_000))
                return exchange.on_index(at, index="NIFTY 50", value=moved)
        said = exchange.advance(at)
        trades = sum(isinstance(each, Traded) for each in self.said)
        told = chance.choice((CashDeposited(account=account, amount=SCALE), TradeBusted(trade_id=trades)))
        return [*said, *exchange.tell(told)]

    def entry(self, order_id: int, account: int, at: int, *, replaces: bool = False) -> Entry:
        chance = self.chance
        traded = chance.choice(LISTED)
        middle = traded.previous_close // TICK
        kind, quantity = chance.choice(KINDS), chance.randint(1, 30)
        price = chance.randint(1, 20) if kind is Kind.PROTECTED else middle + chance.randint(-45, 45)
        resting = kind is Kind.LIMIT
        return Entry(
            order_id=order_id,
            instrument=traded.instrument.id,
            side=BookSide(chance.randint(0, 1)),
            quantity=quantity * SCALE,
            kind=kind,
            price=0 if kind in (Kind.MARKET, Kind.STOP, Kind.TRAILING) else price * TICK,
            trigger=(middle + chance.randint(-45, 45)) * TICK if kind in (Kind.STOP, Kind.STOP_LIMIT) else 0,
            trail=chance.randint(1, 20) * TICK if kind is Kind.TRAILING else 0,
            display=chance.choice((0, 0, quantity // 2)) * SCALE if resting else 0,
            time_in_force=chance.choice(VALIDITIES),
            expires_at=at + chance.randint(1, 600) * MINUTE,
            flags=chance.choice(list(SelfTrade)) | (chance.choice((0, 0, 0, POST_ONLY)) if resting else 0),
            account=account,
            replaces=replaces,
        )

    def compare(self) -> None:
        """Accounts hold for what the book has open."""
        for number, traded in enumerate(LISTED):
            resting = Counter[tuple[int, int]]()
            for each in self.book.orders(number):
                resting[each.account, each.side] += (each.shown + each.hidden) * SCALE
            for account in ACCOUNTS:
                held = self.exchange.clearing.position(account, traded.instrument.id)
                assert (held.buying, held.selling) == (resting[account, 0], resting[account, 1])


@pytest.mark.parametrize("seed", range(6))
def test_days_conserve_cash_and_units_and_both_books_agree(seed: int) -> None:
    crowds = [Crowd(seed, make_book) for make_book in (ReferenceBook, Book)]
    for crowd in crowds:
        for _ in range(DAYS):
            crowd.live_day(160)
    first, second = crowds
    assert first.said == second.said
    assert first.book.state_hash() == second.book.state_hash()
    kinds = Counter(type(each).__name__ for each in first.said)
    assert kinds["Traded"] > 20 and kinds["Settled"] and kinds["Obligation"] and kinds["OrderRemoved"]
    assert first.exchange.day > FIRST


def test_the_days_meet_every_kind_of_event() -> None:
    said: ExchangeEvents = []
    for seed in range(8):
        crowd = Crowd(seed, Book)
        crowd.live_day(160)
        said += crowd.said
    rules = {each.rule for each in said if isinstance(each, OrderRefused)}
    assert {"session_closed", "unknown_order", "outside_band", "insufficient_cash", "insufficient_units"} <= rules
    assert {"instrument_halted", "unprotected", "other_terms", "not_in_auction"} <= rules
    assert any(isinstance(each, TradingHalted) for each in said)
    assert any(isinstance(each, BandSet) for each in said)
