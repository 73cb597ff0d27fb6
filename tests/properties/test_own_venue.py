"""Random trading by the own protocol: what a client adds up from reports is what the venue answers, exactly."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from tests.unit.exchange.own.scene import BUY, COIN, KEYS, MONDAY, SELL, Scene
from tests.unit.exchange.session_driver import clock
from tradsys.core.events import Fill, OrderType, Product, Validity
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import DAY, MINUTE, SCALE, SECOND
from tradsys.core.venue import Dealt, Ended, Page, Report, Subject, Taken, Undone, VenueState
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import MakerTaker
from tradsys.exchange.clearing.records import AccountKind, AccountOpened, CashDeposited, Margins
from tradsys.exchange.marketplace import Exchange, TradedInstrument
from tradsys.exchange.own import HouseTerms
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.calendar import RoundTheClock

PERPETUAL = "SIM:PERP"
CASH = 1_000_000 * SCALE
TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT, OrderType.STOP, OrderType.TRAILING, OrderType.STOP_LIMIT)


def coin(name: str, segment: Segment) -> Instrument:
    return Instrument(
        id=name, exchange="SIM", symbol=name[4:], segment=segment, currency="USDT",
        ticks=(DatedStep(0, SCALE // 100),), lots=(DatedStep(0, SCALE // 1000),),
    )  # fmt: skip


INSTRUMENTS = {each.id: each for each in (coin(COIN, Segment.CRYPTO_SPOT), coin(PERPETUAL, Segment.CRYPTO_PERPETUAL))}


def exchange() -> Exchange:
    whole = Margins(initial=SCALE, maintenance=SCALE // 2)
    listed = [
        TradedInstrument(
            instrument=each,
            previous_close=100 * SCALE,
            margins=whole if each.is_derivative else None,
        )
        for each in INSTRUMENTS.values()
    ]
    made = Exchange(
        listed, ReferenceBook(2), exchange="CRYPTO", day=MONDAY, calendar=RoundTheClock(),
        fees=MakerTaker(maker=0.0, taker=0.0), seed=1, currency="USDT",
    )  # fmt: skip
    for account in KEYS:
        made.tell(AccountOpened(account=account, kind=AccountKind.UNLIMITED))
        made.tell(CashDeposited(account=account, amount=CASH))
    return made


class Trader:
    """Sends at random, over midnight, and adds up what it is told."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        prices = dict.fromkeys(INSTRUMENTS, 100 * SCALE)
        house = HouseTerms(account=9, seed=seed, prices=prices, step=30, lots=900, interval=10 * SECOND)
        evening = clock(MONDAY, "23:50", "UTC")
        self.scene = Scene(exchange, at=evening, house=house, silence=DAY, page_rows=7)
        self.client = self.scene.client(1)
        self.known = [1]

    def act(self) -> None:
        chance, client = self.chance, self.client
        self.scene.pass_to(self.scene.now + chance.randint(1, 90) * SECOND // 10)
        known = chance.choice(self.known)
        kind = chance.choice(("place",) * 12 + ("cancel",) * 2 + ("change",) * 2 + ("bust",))
        if kind == "cancel":
            client.cancel(known)
        elif kind == "change":
            client.change(known, quantity=chance.randint(1, 3000) / 1000, limit=100 + chance.randint(-9, 9) / 10)
        elif kind == "place":
            self.known += [each.venue_id for each in self.place() if isinstance(each, Taken)]
        elif dealt := [each.trade_id for each in self.client.heard if isinstance(each, Dealt)]:
            self.scene.server.bust(chance.choice(dealt), at=self.scene.now)
            self.scene.deliver()

    def place(self) -> list[Report]:
        chance = self.chance
        name = chance.choice(tuple(INSTRUMENTS))
        return self.client.place(
            chance.choice((BUY, SELL)),
            chance.randint(1, 3000) / 1000,
            100 + chance.randint(-20, 20) / 10,
            instrument=name,
            type=chance.choice(TYPES),
            product=Product.SPOT if name == COIN else Product.NRML,
            validity=chance.choice(tuple(Validity)),
            trigger=10 * SCALE * chance.randint(98, 102) // 10,
            trail=SCALE // 5,
        )

    def rows(self, subject: Subject) -> list[Any]:
        """All pages of an answer."""
        pages = [self.client.ask(subject)]
        while isinstance(last := pages[-1], Page) and last.page + 1 < last.pages:
            pages.append(self.client.ask(subject, last.page + 1))
        rows = [row for page in pages for row in getattr(page, subject.value)]
        assert all(isinstance(page, Page) and page.rows == len(rows) for page in pages)
        return rows

    def standing(self) -> list[Dealt]:
        """Trades that were told and not undone."""
        undone = {each.trade_id for each in self.client.heard if isinstance(each, Undone)}
        return [each for each in self.client.heard if isinstance(each, Dealt) and each.trade_id not in undone]

    def ledger(self) -> Ledger:
        """What our own books make of them."""
        return booked((dealt, "s", 0) for dealt in self.standing())

    def shared_ledger(self) -> Ledger:
        """The same where they were told in any order, are two strategies', and cost something."""
        told = self.standing()
        self.chance.shuffle(told)
        return booked((dealt, self.chance.choice("ab"), self.chance.randint(0, SCALE)) for dealt in told)


def booked(trades: Iterable[tuple[Dealt, str, int]]) -> Ledger:
    """A ledger of trades, each with its strategy and charge."""
    made = Ledger(CASH, "USDT")
    for dealt, strategy, charge in trades:
        fill = Fill(
            at=dealt.at, order_id=dealt.venue_id, exchange_at=dealt.at, strategy=strategy, instrument=dealt.instrument,
            side=dealt.side, quantity=dealt.quantity, price=dealt.price, product=dealt.product,
        )  # fmt: skip
        place = made.place(strategy, INSTRUMENTS[dealt.instrument], dealt.product)
        made.book(fill, charge, (("fee", charge),), place)
    return made


@pytest.mark.parametrize("seed", range(5))
def test_reports_add_up_to_what_the_venue_answers(seed: int) -> None:
    trader = Trader(seed)
    midnight = clock(MONDAY, "23:59", "UTC") + MINUTE
    for step in range(220):
        trader.act()
        if step % 40 == 39:
            check(trader, midnight)
    assert trader.scene.now > midnight + MINUTE and len(trader.standing()) > 20
    assert any(isinstance(each, Undone) for each in trader.client.heard)
    numbers = [each.number for each in trader.client.heard if each.number]
    assert numbers == list(range(1, len(numbers) + 1))


def check(trader: Trader, midnight: int) -> None:
    """Positions, cash, trades and orders of the answers against those of the reports."""
    ledger = trader.ledger()
    held = {key[1:]: (each.quantity, each.average_price) for key, each in ledger.open_positions.items()}
    rows = trader.rows(Subject.POSITIONS)
    assert {(row.instrument, row.product): (row.quantity, row.average) for row in rows} == held
    (money,) = trader.rows(Subject.CASH)
    assert money.cash == ledger.cash
    assert money.cash - money.open_cost == trader.shared_ledger().cash_before_charges
    today = midnight if trader.scene.now >= midnight else 0
    told = [each.trade_id for each in trader.standing() if each.at >= today]
    assert [row.trade_id for row in trader.rows(Subject.TRADES)] == told
    filled: Counter[int] = Counter()
    for dealt in trader.standing():
        filled[dealt.venue_id] += dealt.quantity
    ended = {each.venue_id: each.state for each in trader.client.heard if isinstance(each, Ended)}
    for row in trader.rows(Subject.ORDERS):
        assert row.filled == filled[row.venue_id]
        if row.venue_id in ended:
            assert (row.state, row.open) == (ended[row.venue_id], 0)
        elif row.state is not VenueState.REJECTED:
            assert row.state is (VenueState.OPEN if row.open else VenueState.FILLED)
