"""A venue of the own protocol with two instruments, and clients that speak in bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from tests.unit.exchange.session_driver import clock
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.core.venue import Ask, CancelOrder, ChangeOrder, Heartbeat, Logon, Page, PlaceOrder, Report, Subject
from tradsys.core.wire import encode, incoming_reader
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import NoFees
from tradsys.exchange.clearing.records import AccountKind, AccountOpened, CashDeposited, Margins, UnitsDeposited
from tradsys.exchange.marketplace import Exchange, TradedInstrument
from tradsys.exchange.own import VenueServer
from tradsys.reference.calendar import RoundTheClock, calendar_for

MONDAY = date(2026, 11, 16)
COIN, OTHER = "SIM:BTC", "SIM:ETH"
SHARE = "NSE:S"
KEYS = {1: "key of one", 2: "key of two"}
BUY, SELL = Side.BUY, Side.SELL
Kind = TypeVar("Kind")


def coins() -> list[TradedInstrument]:
    made = [
        Instrument(
            id=name, exchange="SIM", symbol=name[4:], segment=Segment.CRYPTO_SPOT, currency="USDT",
            ticks=(DatedStep(0, SCALE // 100),), lots=(DatedStep(0, SCALE // 1000),),
        )
        for name in (COIN, OTHER)
    ]  # fmt: skip
    return [TradedInstrument(instrument=each, previous_close=100 * SCALE, band="fixed 20") for each in made]


def shares() -> list[TradedInstrument]:
    fifth = Margins(initial=SCALE // 5, maintenance=SCALE // 5)
    share = Instrument(id=SHARE, exchange="NSE", symbol="S", segment=Segment.EQUITY)
    return [TradedInstrument(instrument=share, previous_close=100 * SCALE, band="fixed 20", margins=fifth)]


def crypto_exchange(kind: AccountKind = AccountKind.MARGIN) -> Exchange:
    exchange = Exchange(
        coins(), ReferenceBook(2), exchange="CRYPTO", day=MONDAY, calendar=RoundTheClock(), fees=NoFees(), seed=7,
        currency="USDT",
    )  # fmt: skip
    for account in KEYS:
        exchange.tell(AccountOpened(account=account, kind=kind))
        exchange.tell(CashDeposited(account=account, amount=100_000 * SCALE))
        exchange.tell(UnitsDeposited(account=account, instrument=COIN, quantity=50 * SCALE))
    return exchange


def share_exchange() -> Exchange:
    calendar = calendar_for("NSE", Segment.EQUITY)
    exchange = Exchange(
        shares(), ReferenceBook(1), exchange="NSE", day=MONDAY, calendar=calendar, fees=NoFees(), seed=7
    )
    for account in KEYS:
        exchange.tell(AccountOpened(account=account, kind=AccountKind.MARGIN))
        exchange.tell(CashDeposited(account=account, amount=100_000 * SCALE))
    return exchange


class Client:
    """One connection: what it says goes in at once, `heard` is all that came back."""

    def __init__(self, scene: Scene, connection: int) -> None:
        self.scene = scene
        self.connection = connection
        self.reader = incoming_reader()
        self.heard: list[Report] = []
        self.ended = False

    def say(self, message: Any) -> list[Report]:
        """What this connection hears to it."""
        return self.push(encode(message))

    def push(self, data: bytes) -> list[Report]:
        before = len(self.heard)
        self.scene.server.received(self.connection, data, at=self.scene.now)
        self.scene.deliver()
        return self.heard[before:]

    def place(self, side: Side, quantity: float, limit: float = 0, **fields: Any) -> list[Report]:
        order: dict[str, Any] = {
            "tag": f"tag{self.scene.tick()}",
            "instrument": self.scene.instrument,
            "side": side,
            "quantity": round(quantity * SCALE),
            "type": OrderType.LIMIT if limit else OrderType.MARKET,
            "product": Product.SPOT if self.scene.instrument == COIN else Product.CNC,
            "validity": Validity.DAY,
            "limit": round(limit * SCALE),
        }
        return self.say(PlaceOrder(**{**order, **fields}))

    def cancel(self, venue_id: int) -> list[Report]:
        return self.say(CancelOrder(venue_id=venue_id))

    def change(self, venue_id: int, *, quantity: float, limit: float) -> list[Report]:
        return self.say(ChangeOrder(venue_id=venue_id, quantity=round(quantity * SCALE), limit=round(limit * SCALE)))

    def ask(self, subject: Subject, page: int = 0, request: int = 1) -> Report:
        (answer,) = self.say(Ask(request=request, subject=subject, page=page))
        return answer

    def rows(self, subject: Subject) -> tuple[Any, ...]:
        page = self.ask(subject)
        assert isinstance(page, Page) and page.pages == 1
        rows: tuple[Any, ...] = getattr(page, subject.value)
        return rows

    def beat(self) -> list[Report]:
        return self.say(Heartbeat())


class Scene:
    """The server, its time, and its connections."""

    def __init__(
        self,
        make: Callable[[], Exchange] = crypto_exchange,
        *,
        at: int | None = None,
        instrument: str = COIN,
        **fields: Any,
    ) -> None:
        self.now = clock(MONDAY, "10:00", "UTC") if at is None else at
        self.instrument = instrument
        self.recorded: list[tuple[int, Report]] = []
        self.server = VenueServer(
            make(), KEYS, record=lambda account, report, order: self.recorded.append((account, report)), **fields
        )
        self.clients: dict[int, Client] = {}
        self.ticks = 0

    def tick(self) -> int:
        self.ticks += 1
        return self.ticks

    def connect(self) -> Client:
        client = self.clients[len(self.clients) + 1] = Client(self, len(self.clients) + 1)
        self.server.opened(client.connection, at=self.now)
        return client

    def client(self, account: int = 1, *, epoch: int = 1) -> Client:
        """Logged on."""
        client = self.connect()
        client.say(Logon(account=account, key=KEYS[account], epoch=epoch))
        client.heard.clear()
        return client

    def pass_to(self, at: int) -> None:
        self.now = at
        self.server.advance(at)
        self.deliver()

    def deliver(self) -> None:
        sent, ended = self.server.drained()
        for connection, data in sent:
            client = self.clients[connection]
            client.heard += client.reader.feed(data)
        for connection in ended:
            self.clients[connection].ended = True
        self.server.venue.exchange.check()


def of(said: list[Report], kind: type[Kind]) -> list[Kind]:
    return [each for each in said if isinstance(each, kind)]


def only(said: list[Report], kind: type[Kind]) -> Kind:
    (found,) = said
    assert isinstance(found, kind)
    return found
