"""The venue of a simulated run: the product's own exchange behind its own protocol, the truth about what reached it,
and people who trade on the account by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from tests.simulation.faults import Swarm
from tests.simulation.market import CURRENCY, first_price, instruments, product_of
from tests.simulation.network import Connection
from tests.simulation.world import SECOND, World
from tradsys.core.events import OrderType, Side, Validity
from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE, from_float
from tradsys.core.venue import AnyCommand, CancelOrder, CashRow, Dealt, OrderRow, PlaceOrder, Report, Undone, VenueState
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import NoFees
from tradsys.exchange.clearing.records import AccountKind, AccountOpened, CashDeposited, CashWithdrawn, Margins, Refusal
from tradsys.exchange.marketplace import Exchange, TradedInstrument
from tradsys.exchange.own import HouseTerms, VenueServer
from tradsys.reference.calendar import RoundTheClock

ACCOUNT, HOUSE, KEY = 7, 1, "simulated-key"
CASH = 1_000_000 * SCALE


class SimulatedVenue:
    """`placed` counts the orders that reached it by tag, `trades` are those that stand, `commands` how many came;
    `overdue` are tags of orders that come after everybody had to give them up; `moved` is money that people paid in, or
    took out (negative), one after the other."""

    def __init__(self, world: World, swarm: Swarm, *, seed: int) -> None:
        self._world = world
        self._swarm = swarm
        self.placed: Counter[str] = Counter()
        self.commands = 0
        self.overdue: set[str] = set()
        self.moved: list[int] = []
        self.trades: dict[int, Dealt] = {}
        self.on_command: Callable[[AnyCommand], None] = lambda command: None
        self._connections: dict[int, Connection] = {}
        self._numbers = 0
        self._closed_until = 0
        self.server = VenueServer(
            self._exchange(seed),
            {ACCOUNT: KEY},
            house=HouseTerms(
                account=HOUSE,
                seed=seed,
                prices={each.id: from_float(first_price(each)) for each in instruments()},
                interval=25 * SECOND,
                refill=SECOND,
                step=16,
                spread=2,
                levels=2,
                lots=3 if swarm.rate("thin_book") else 40,
            ),
            page_rows=25,
            orders_per_second=2 if swarm.rate("throttle") else 0,
            record=self._record,
        )

    def _exchange(self, seed: int) -> Exchange:
        day = datetime.fromtimestamp(self._world.now / SECOND, UTC).date()
        whole = Margins(initial=SCALE, maintenance=SCALE // 2)
        listed = [
            TradedInstrument(
                instrument=each,
                previous_close=from_float(first_price(each)),
                margins=whole if each.segment is Segment.CRYPTO_PERPETUAL else None,
            )
            for each in instruments()
        ]
        exchange = Exchange(
            listed,
            ReferenceBook(len(listed)),
            exchange="CRYPTO",
            day=day,
            calendar=RoundTheClock(),
            fees=NoFees(),
            seed=seed,
            currency=CURRENCY,
        )
        exchange.tell(AccountOpened(account=ACCOUNT, kind=AccountKind.UNLIMITED))
        exchange.tell(CashDeposited(account=ACCOUNT, amount=CASH))
        return exchange

    def _record(self, account: int, report: Report, order: OrderRow | None) -> None:
        if isinstance(report, Dealt):
            self.trades[report.trade_id] = report
        elif isinstance(report, Undone):
            self.trades.pop(report.trade_id, None)

    # --- connections

    def connect(
        self, *, received: Callable[[Connection, bytes], None], broken: Callable[[Connection, str], None]
    ) -> Connection | None:
        """A connection for a process; none where it is refused."""
        world = self._world
        if world.now < self._closed_until:
            return None
        if world.chance(self._swarm.rate("refuse_connection")):
            world.fault("refuse_connection")
            return None
        self._numbers += 1
        number = self._numbers
        connection = Connection(
            world,
            self._swarm,
            number=number,
            to_venue=lambda data: self._received(number, data),
            to_process=lambda data: received(connection, data),
            broken=lambda why: self._broken(connection, why, broken),
            late=self._late,
        )
        connection.watch = self._came
        connection.overdue = self.overdue.add
        self._connections[number] = connection
        self.server.opened(number, at=world.now)
        self._deliver()
        return connection

    @property
    def connections(self) -> int:
        """How many there were."""
        return self._numbers

    def _broken(self, connection: Connection, why: str, told: Callable[[Connection, str], None]) -> None:
        self._connections.pop(connection.number, None)
        self.server.closed(connection.number, at=self._world.now)
        self._deliver()
        told(connection, why)

    def _received(self, number: int, data: bytes) -> None:
        self.server.received(number, data, at=self._world.now)
        self._deliver()

    def _came(self, command: AnyCommand) -> None:
        """A command is about to reach the venue."""
        self.commands += 1
        if isinstance(command, PlaceOrder):
            self.placed[command.tag] += 1
        self.on_command(command)

    def _late(self, command: AnyCommand) -> None:
        """A command that took another way arrives, whoever is connected."""
        self._came(command)
        self.server.by_hand(ACCOUNT, command, at=self._world.now)
        self._deliver()

    def _deliver(self) -> None:
        sent, closing = self.server.drained()
        for number, data in sent:
            connection = self._connections.get(number)
            if connection is not None:
                connection.answer(data)
        for number in closing:
            connection = self._connections.get(number)
            if connection is not None:
                self._world.after(SECOND // 100, partial(connection.cut, "the venue closed the connection"))

    # --- time and people

    def settle(self) -> None:
        """Nothing more goes wrong here."""
        self._swarm = Swarm({})
        self._closed_until = 0
        for connection in self._connections.values():
            connection.settle()

    def freeze(self) -> None:
        """Nobody trades any more."""
        self.server.house = None

    def advance(self, *, calm: bool) -> None:
        """What is due at the venue; also, unless it is calm: busts, maintenance, what others do on the account."""
        world, now = self._world, self._world.now
        self.server.advance(now)
        self._deliver()
        if calm:
            return
        if world.chance(3 * self._swarm.rate("bust")) and self.trades:
            world.fault("bust")
            self.server.bust(world.random.choice(list(self.trades)), at=now)
        if world.chance(self._swarm.rate("maintenance")):
            world.fault("maintenance")
            self._closed_until = now + world.span(SECOND, 12 * SECOND)
            for connection in list(self._connections.values()):
                connection.cut("maintenance")
        for kind in ("cancel_elsewhere", "trade_elsewhere", "order_elsewhere"):
            if world.chance(self._swarm.rate(kind)):
                self._by_hand(kind)
        if world.chance(self._swarm.rate("money_elsewhere")):
            self._move_money()
        self._deliver()

    def _by_hand(self, kind: str) -> None:
        world, now = self._world, self._world.now
        if kind == "cancel_elsewhere":
            open_orders = [each for each in self.orders() if each.state is VenueState.OPEN]
            if open_orders:
                world.fault(kind)
                self.server.by_hand(ACCOUNT, CancelOrder(venue_id=world.random.choice(open_orders).venue_id), at=now)
            return
        world.fault(kind)
        instrument = world.random.choice(instruments())
        resting = kind == "order_elsewhere"
        command = PlaceOrder(
            tag="",
            instrument=instrument.id,
            side=Side.BUY,
            quantity=SCALE // 2,
            type=OrderType.LIMIT if resting else OrderType.MARKET,
            product=product_of(instrument),
            validity=Validity.GTC,
            limit=from_float(round(first_price(instrument) / 2, 2)) if resting else 0,
        )
        self.server.by_hand(ACCOUNT, command, at=now)

    def _move_money(self) -> None:
        """Somebody pays in, or takes out."""
        amount = self._world.random.randint(1, 5_000 * SCALE)
        way, sign = self._world.random.choice(((CashDeposited, 1), (CashWithdrawn, -1)))
        said = self.server.venue.exchange.tell(way(account=ACCOUNT, amount=amount))
        if not any(isinstance(each, Refusal) for each in said):
            self._world.fault("money_elsewhere", str(sign * amount))
            self.moved.append(sign * amount)

    # --- the truth

    def orders(self) -> list[OrderRow]:
        """All orders of the account."""
        return self.server.venue.orders(ACCOUNT)

    def positions(self) -> dict[tuple[str, str], int]:
        """What the account holds."""
        rows = self.server.venue.positions(ACCOUNT)
        return {(row.instrument, row.product): row.quantity for row in rows}

    def cash(self) -> CashRow:
        """Money of the account."""
        return self.server.venue.cash(ACCOUNT)[0]

    def paid(self) -> int:
        """What the trades that stand leave of the cash, had everything been paid in full."""
        return CASH - sum(each.side * each.quantity * each.price // SCALE for each in self.trades.values())
