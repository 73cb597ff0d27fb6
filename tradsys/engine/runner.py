"""One strategy copy inside the engine: its handlers, what it wants, and what it may see of the account."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradsys.core.events import Bar, Product
from tradsys.core.ports import Sizer
from tradsys.core.units import to_float
from tradsys.engine.markets import Market
from tradsys.portfolio.ledger import Ledger, Position
from tradsys.strategies.base import Intents, Strategy

if TYPE_CHECKING:
    from tradsys.engine.order_desk import LiveOrder

Handler = Callable[[Any, Any], Intents]


class Desire:
    """What one strategy copy wants of one instrument and what is on its way there (1e-8, signed).

    `position` is what it holds under its own product, `orders` all its live orders there by id; of these, `working` is
    what pursues the desired quantity.
    """

    __slots__ = ("instrument", "market", "orders", "position", "quantity", "runner", "strength", "working")

    def __init__(self, runner: Runner, market: Market, position: Position) -> None:
        self.runner = runner
        self.market = market
        self.instrument = market.instrument
        self.position = position
        self.strength: float | None = None
        self.quantity = 0
        self.working = 0
        self.orders: dict[int, LiveOrder] = {}


class AccountView:
    """The shared account as one strategy sees it: floats, read only."""

    __slots__ = ("_capital", "_copies", "_ledger", "_markets", "_strategy")

    def __init__(self, ledger: Ledger, markets: dict[str, Market], strategy: str, *, capital: int, copies: int) -> None:
        self._ledger = ledger
        self._markets = markets
        self._strategy = strategy
        self._capital = capital
        self._copies = copies

    @property
    def cash(self) -> float:
        """Cash of the shared account."""
        return to_float(self._ledger.cash)

    @property
    def equity(self) -> float:
        """Cash plus positions at the last price, of the shared account."""
        mark_open(self._ledger, self._markets)
        return to_float(self._ledger.equity())

    @property
    def allotment(self) -> float:
        """Equity this copy may size against: its share of the strategy's capital, and of what the strategy earned."""
        mark_open(self._ledger, self._markets)
        return to_float(self._capital + self._ledger.profit(self._strategy) // self._copies)

    def position(self, instrument: str, *, product: str = "") -> float:
        """Signed units this strategy holds, all products together, or of one, such as a leg. Raises `ValueError` for a
        product that there is not."""
        ledger, strategy = self._ledger, self._strategy
        if product:
            return to_float(ledger.position(strategy, instrument, Product(product)))
        return to_float(sum(ledger.position(strategy, instrument, product) for product in Product))


def source_hash(kind: type) -> str:
    """SHA-256 of the file that defines a class, hex; empty where there is none."""
    source = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""


def mark_open(ledger: Ledger, markets: dict[str, Market]) -> None:
    """Bring the marks of open positions to the last prices."""
    for held in ledger.open_positions.values():
        name = held.instrument.id
        price = markets[name].price
        if price:
            ledger.mark(name, price)


class Runner:
    """Holds a strategy copy and the bound handlers that its class overrides; the rest cost nothing."""

    __slots__ = (
        "account",
        "clocks",
        "desires",
        "halted",
        "id",
        "instruments",
        "on_bar",
        "on_depth",
        "on_fill",
        "on_order",
        "on_session",
        "on_tick",
        "on_timer",
        "product",
        "sizer",
        "strategy",
        "timers",
    )

    def __init__(
        self,
        name: str,
        strategy: Strategy,
        *,
        instruments: tuple[str, ...],
        account: AccountView,
        sizer: Sizer,
        product: Product,
    ) -> None:
        self.id = name
        self.strategy = strategy
        self.instruments = instruments
        self.account = account
        self.sizer = sizer
        self.product = product
        self.halted = False
        self.clocks: tuple[tuple[str, str], ...] = ()
        self.timers: frozenset[str] = frozenset()
        self.desires: dict[str, Desire] = {}
        self.on_bar: Callable[[Bar, Any], Intents] | None = self._overridden("on_bar")
        self.on_tick = self._overridden("on_tick")
        self.on_depth = self._overridden("on_depth")
        self.on_fill = self._overridden("on_fill")
        self.on_order = self._overridden("on_order")
        self.on_session = self._overridden("on_session")
        self.on_timer = self._overridden("on_timer")

    def connect(self, markets: dict[str, Market], ledger: Ledger) -> None:
        """Find, once for the whole run, the market and the place of fills for each of its instruments."""
        for name in self.instruments:
            market = markets[name]
            self.desires[name] = Desire(self, market, ledger.place(self.id, market.instrument, self.product))

    def strategy_stops(self, event: None, account: Any) -> None:
        """The strategy's last word, as a handler."""
        self.strategy.on_stop(account)

    def _overridden(self, name: str) -> Handler | None:
        own: Handler = getattr(self.strategy, name)
        return None if getattr(type(self.strategy), name) is getattr(Strategy, name) else own
