"""The published scenarios of exchange-core and MultiBit Exchange, read as they are written.

Balances are left aside. A reserve price is the highest price a buy may be moved to: checked before the book is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.books import MakeBook, each_book
from tradsys.core.matching import Action, BookEvent, BookEventKind, BookSide, Command, Status, TimeInForce

Table = list[list[str]]
KEYWORDS = re.compile(r"(Given|When|Then|And) (.*)")
EXCHANGE_CORE, MULTIBIT = "exchange_core_basic.feature", "multibit_limit_order.feature"


@dataclass
class Step:
    """One sentence and the table under it."""

    text: str
    table: Table = field(default_factory=list)

    def filled_in(self, values: dict[str, str]) -> Step:
        """The step of one row of examples."""

        def put(text: str) -> str:
            return re.sub(r"<([^>]+)>", lambda name: values[name[1]], text)

        return Step(put(self.text), [[put(cell) for cell in row] for row in self.table])


@dataclass
class Section:
    """A background or scenario."""

    name: str
    steps: list[Step] = field(default_factory=list)
    examples: Table = field(default_factory=list)


def read_sections(text: str) -> list[Section]:
    """Background first, then each scenario."""
    sections: list[Section] = []
    table: Table = []
    for line in (line.strip() for line in text.splitlines()):
        if step := KEYWORDS.fullmatch(line):
            sections[-1].steps.append(Step(step[2]))
            table = sections[-1].steps[-1].table
        elif line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
        elif line.startswith("Examples:"):
            table = sections[-1].examples
        elif line.startswith(("Background:", "Scenario")):
            sections.append(Section(line.partition(":")[2].strip()))
    return sections


def scenarios(path: Path) -> Iterator[tuple[str, list[Step]]]:
    """Name and steps of each scenario, one for each row of its examples."""
    background, *rest = read_sections(path.read_text("utf-8"))
    for section in rest:
        names, *rows = section.examples or [[], []]
        for row in rows:
            values = dict(zip(names, row, strict=True))
            yield f"{section.name} {row}", [step.filled_in(values) for step in background.steps + section.steps]


class Venue:
    """What the sentences speak of: clients, symbols, orders and the trades of the last order."""

    def __init__(self, make_book: MakeBook) -> None:
        self.book = make_book(2)
        self.symbols: dict[str, int] = {}
        self.sizes: dict[int, int] = {}
        self.owners: dict[int, str] = {}
        self.reserves: dict[int, int] = {}
        self.trades: list[BookEvent] = []

    def submit(self, command: Command) -> None:
        outcome, events = self.book.submit(command)
        assert outcome.status != Status.REJECTED
        self.trades = [event for event in events if event.kind == BookEventKind.TRADE]

    def check_levels(self, symbol: str, table: Table) -> None:
        """Bid, price, ask; from the highest price down."""
        levels = [
            (price, side, quantity)
            for side in BookSide
            for price, quantity, _ in self.book.levels(self.symbols[symbol], side, count=100)
        ]
        wanted = [
            (int(price), BookSide.BUY if bid else BookSide.SELL, int(bid or ask))
            for bid, price, ask in table
            if price != "price"
        ]
        assert sorted(levels, reverse=True) == wanted

    def check_orders(self, client: str, table: Table) -> None:
        """Id, price, size, filled, reserve price and side of each live order."""
        live = []
        for symbol in self.symbols.values():
            for order in self.book.orders(symbol):
                if self.owners[order.order_id] == client:
                    size, reserve = self.sizes[order.order_id], self.reserves[order.order_id]
                    filled = size - order.shown - order.hidden
                    live.append([order.order_id, order.price, size, filled, reserve, "BA"[order.side]])
        wanted = [[*map(int, row[:-1]), row[-1][0]] for row in table[1:]]
        assert sorted(live) == wanted

    def place(self, client: str, side: str, order_id: str, price: str, size: str, validity: str, more: str) -> None:
        symbol, _, reserve = more.partition(", reservePrice: ")
        number = int(order_id)
        self.owners[number], self.sizes[number], self.reserves[number] = client, int(size), int(reserve or 0)
        command = Command(
            Action.NEW,
            number,
            BookSide.BUY if side == "BID" else BookSide.SELL,
            int(price),
            int(size),
            time_in_force=TimeInForce[validity],
            instrument=self.symbols.setdefault(symbol, len(self.symbols)),
        )
        self.submit(command)

    def move(self, price: str, order_id: str) -> None:
        (order,) = (
            o for symbol in self.symbols.values() for o in self.book.orders(symbol) if o.order_id == int(order_id)
        )
        assert order.side == BookSide.SELL or int(price) <= self.reserves[order.order_id]
        self.submit(Command(Action.REPLACE, order.order_id, price=int(price), quantity=order.shown))

    def cancel(self, order_id: str) -> None:
        self.submit(Command(Action.CANCEL, int(order_id)))

    def check_match(self, order_id: str, how: str, price: str, quantity: str) -> None:
        (trade,) = self.trades
        assert (trade.other_id, trade.price, trade.quantity) == (int(order_id), int(price), int(quantity))
        live = {order.order_id for symbol in self.symbols.values() for order in self.book.orders(symbol)}
        assert (trade.other_id in live) == (how == "partially")

    def no_trades(self) -> None:
        assert self.trades == []

    def no_orders(self, client: str) -> None:
        self.check_orders(client, [[]])


PLACES = r"A client (\w+) places an (ASK|BID) order (\d+) at (\d+)@(\d+) \(type: (\w+), symbol: (.+)\)"
"""exchange-core's sentences. What speaks of balances alone has no place in a book."""
SENTENCES: list[tuple[str, Callable[..., None]]] = [
    (PLACES, Venue.place),
    (r"An (\w+) order book is:", Venue.check_levels),
    (r"A client (\w+) orders:", Venue.check_orders),
    (r"A client (\w+) does not have active orders", Venue.no_orders),
    (r"A client \w+ moves a price to (\d+) of the order (\d+)", Venue.move),
    (r"A client \w+ cancels the remaining size \d+ of the order (\d+)", Venue.cancel),
    (r"The order (\d+) is (\w+) matched. LastPx: (\d+), LastQty: (\d+)", Venue.check_match),
    (r"No trade events", Venue.no_trades),
]
BALANCES = re.compile(r"(New client \w+ has a balance:|A balance of a client \w+:)")


def do(venue: Venue, step: Step) -> bool:
    """Do one sentence; whether it was one of orders."""
    if BALANCES.fullmatch(step.text):
        return False
    ((match, action),) = [(m, act) for pattern, act in SENTENCES if (m := re.fullmatch(pattern, step.text))]
    action(venue, *match.groups(), *([step.table] if step.table else []))
    return True


@each_book
def test_exchange_core(make_book: MakeBook, shared_data: Path) -> None:
    read = list(scenarios(shared_data / "matching" / EXCHANGE_CORE))
    assert len(read) == 3
    for name, steps in read:
        venue = Venue(make_book)
        assert sum(do(venue, step) for step in steps) >= 4, name


class Brokers:
    """MultiBit's sentences: brokers submit limit orders, and see trades and the book."""

    def __init__(self, make_book: MakeBook) -> None:
        self.book = make_book(1)
        self.names: list[str] = []
        self.trades: list[list[str]] = []

    def submitted(self, table: Table) -> None:
        self.trades = []
        for broker, side, quantity, price in table[1:]:
            self.names.append(broker)
            bought = side == "Buy"
            command = Command(
                Action.NEW,
                len(self.names),
                BookSide.BUY if bought else BookSide.SELL,
                tenths(price),
                int(quantity),
                time_in_force=TimeInForce.GTC,
            )
            _, events = self.book.submit(command)
            self.trades += [self.trade(event, bought=bought) for event in events]

    def trade(self, event: BookEvent, *, bought: bool) -> list[str]:
        taker, maker = self.names[event.order_id - 1], self.names[event.other_id - 1]
        buyer, seller = (taker, maker) if bought else (maker, taker)
        return [buyer, seller, str(event.quantity), str(Decimal(event.price) / 10)]

    def rows(self, side: BookSide) -> list[list[str]]:
        orders = [order for order in self.book.orders(0) if order.side == side]
        return [[self.names[o.order_id - 1], str(o.shown), str(Decimal(o.price) / 10)] for o in orders]

    def check(self, step: Step) -> None:
        if step.text == "the following orders are submitted:":
            self.submitted(step.table)
        elif step.text == "no trades are generated":
            assert self.trades == []
        elif step.text == "the following trades are generated:":
            assert self.trades == step.table[1:]
        else:
            assert step.text == "market order book looks like:"
            bids, asks = self.rows(BookSide.BUY), self.rows(BookSide.SELL)
            assert bids == [row[:3] for row in step.table[1:] if row[0]]
            assert asks == [row[:2:-1] for row in step.table[1:] if row[-1]]


def tenths(price: str) -> int:
    return int(Decimal(price) * 10)


@each_book
def test_multibit(make_book: MakeBook, shared_data: Path) -> None:
    read = list(scenarios(shared_data / "matching" / MULTIBIT))
    assert len(read) == 5
    for _, steps in read:
        brokers = Brokers(make_book)
        for step in steps:
            brokers.check(step)
