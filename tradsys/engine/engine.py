"""Events in, events out: the one object behind backtest, paper, live and replay.

`process` is synchronous and does no I/O, reads no clock, draws no random number and starts no thread. It returns the
lines of the decision log that the event caused; the caller keeps them and carries approved orders to a venue.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

from tradsys.core.errors import ConfigError, InvariantBroken
from tradsys.core.events import (
    Accepted,
    Bar,
    CancelIntent,
    Cancelled,
    CorporateAction,
    Decision,
    Entry,
    Expired,
    Fill,
    Funding,
    Halted,
    Order,
    OrderIntent,
    OrderType,
    QuoteIntent,
    Refused,
    Rejected,
    SessionChange,
    Signal,
    Target,
    Timer,
    Triggered,
    TwoOrders,
)
from tradsys.core.ports import ChargePlan
from tradsys.engine.duties import Duties
from tradsys.engine.gate import Gate
from tradsys.engine.log import Log
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import LiveOrder, OrderDesk
from tradsys.engine.planning import Planner
from tradsys.engine.runner import Runner
from tradsys.engine.standing import AccountStanding
from tradsys.portfolio.ledger import Ledger

_QUIET: tuple[Entry, ...] = ()


class Engine:
    """Runs strategies over events. Owns the markets, the live orders and the numbering of the log."""

    def __init__(
        self,
        *,
        markets: dict[str, Market],
        runners: Sequence[Runner],
        ledger: Ledger,
        standing: AccountStanding,
        gate: Gate,
        charges: ChargePlan,
    ) -> None:
        self.markets = markets
        self.runners = list(runners)
        self.ledger = ledger
        self._log = Log()
        self._planner = Planner(ledger, markets)
        self._desk = OrderDesk(
            markets=markets,
            ledger=ledger,
            standing=standing,
            gate=gate,
            charges=charges,
            log=self._log,
            ask=self._ask,
        )
        self._duties = Duties(
            markets=markets,
            runners=self.runners,
            ledger=ledger,
            desk=self._desk,
            planner=self._planner,
            charges=charges,
            log=self._log,
            ask=self._ask,
        )
        self._plans: dict[type, Callable[[Runner, Any, int], list[Order]]] = {
            Signal: self._planner.signal,
            Target: self._planner.target,
            OrderIntent: self._planner.order,
            TwoOrders: self._planner.two_orders,
            QuoteIntent: self._planner.quote,
        }
        self._handlers: dict[type, Callable[[Any], Sequence[Entry]]] = {
            Fill: self._desk.on_fill,
            Accepted: self._desk.on_order_event,
            Rejected: self._desk.on_order_event,
            Triggered: self._desk.on_order_event,
            Cancelled: self._desk.on_order_event,
            Expired: self._desk.on_order_event,
            SessionChange: self._duties.on_session,
            Timer: self._duties.on_timer,
            CorporateAction: self._duties.on_action,
            Funding: self._duties.on_funding,
        }

    def process(self, event: Any) -> Sequence[Entry]:
        """Everything one event causes, in order, already checked. Raises `InvariantBroken` when a law is broken."""
        if type(event) is not Bar:
            return self._handlers[type(event)](event)
        market = self.markets[event.instrument]
        market.bar = event
        if market.row == market.boundary:
            market.refill()
        elif market.boundary < 0:
            market.step(event)
        row = market.row
        for fields, name, column in market.columns:
            fields[name] = column[row]
        market.row = row + 1
        entries: list[Entry] | None = None
        for runner in market.listeners:
            try:
                intents = runner.on_bar(event, runner.account)  # type: ignore[misc]  # listeners have a handler
                if intents is not None:
                    for intent in intents:
                        if entries is None:
                            entries = []
                        self._decide(runner, intent, event.at, entries)
            except InvariantBroken:
                raise
            except Exception as error:  # an author's code may raise anything: it is halted, the others go on
                entries = [] if entries is None else entries
                self._halt(runner, error, event.at, entries)
        return _QUIET if entries is None else entries

    def start(self) -> None:
        """Make every market know who listens. Call once, after the strategies' `on_start`."""
        for market in self.markets.values():
            market.listeners = [runner for runner in market.runners if runner.on_bar is not None]

    @property
    def working(self) -> dict[int, LiveOrder]:
        """Orders between approval and their end, by id."""
        return self._desk.live

    def roll(self, *, near: str, far: str, at: int) -> Sequence[Entry]:
        """Carry every position from an expiring contract to the next: close here, open there, both at market."""
        return self._duties.roll(near=near, far=far, at=at)

    # --- strategies

    def _ask(
        self, runner: Runner, handler: Callable[[Any, Any], Any], event: Any, at: int, entries: list[Entry]
    ) -> None:
        if runner.halted:
            return
        try:
            for intent in handler(event, runner.account) or ():
                self._decide(runner, intent, at, entries)
        except InvariantBroken:
            raise
        except Exception as error:  # as in `process`
            self._halt(runner, error, at, entries)

    def _halt(self, runner: Runner, error: Exception, at: int, entries: list[Entry]) -> None:
        """Out of the run: its working orders are withdrawn, its positions stay and are valued."""
        runner.halted = True
        for name in runner.instruments:
            market = self.markets[name]
            market.listeners = [other for other in market.listeners if other is not runner]
        text = "".join(traceback.format_exception(error, chain=False))
        seq = self._log.append(entries, -1, at, runner.id, _halted(at, runner.id, error, text))
        for live in [live for live in self._desk.live.values() if live.runner is runner]:
            self._desk.request_cancel(live, at, "its strategy was halted", seq, entries)

    def _decide(self, runner: Runner, intent: Decision, at: int, entries: list[Entry]) -> None:
        """Log an intent and carry it out."""
        seq = self._log.append(entries, -1, at, runner.id, intent)
        if intent.instrument not in runner.desires:
            raise ConfigError(
                f"{runner.id} does not trade {intent.instrument}",
                value=intent.instrument,
                limit=", ".join(runner.desires),
            )
        if type(intent) is CancelIntent:
            self._withdraw(runner, intent, at, seq, entries)
            return
        if type(intent) is QuoteIntent:
            self._withdraw_quotes(runner, intent.instrument, at, seq, entries)
        try:
            orders = self._plans[type(intent)](runner, intent, at)
        except ConfigError as error:
            body = Refused(
                at=at, order_id=0, rule="invalid-order", limit=str(error.limit), value=str(error.value), fix=str(error)
            )
            self._log.append(entries, seq, at, runner.id, body)
            return
        if not orders:
            return
        planned = type(intent) is Signal or type(intent) is Target
        if planned:
            orders = self._clear_way(runner, intent, orders, at, seq, entries)
        for order in orders:
            if not self._desk.submit(runner, order, seq, planned=planned, entries=entries):
                break

    def _clear_way(
        self, runner: Runner, intent: Decision, orders: list[Order], at: int, seq: int, entries: list[Entry]
    ) -> list[Order]:
        """Working orders that pull the other way are withdrawn first; what remains to do is planned afresh."""
        desire = runner.desires[intent.instrument]
        if not desire.working or (desire.working > 0) == (orders[0].side > 0):
            return orders
        for order_id in list(desire.orders):
            live = self._desk.live.get(order_id)
            if live is not None:
                desire.working -= live.remaining * live.order.side
                desire.orders.remove(order_id)
                live.planned = False
                self._desk.request_cancel(live, at, "the target changed", seq, entries)
        return self._plans[type(intent)](runner, intent, at)

    def _withdraw(self, runner: Runner, intent: CancelIntent, at: int, cause: int, entries: list[Entry]) -> None:
        for live in list(self._desk.live.values()):
            ours = live.runner is runner and live.order.instrument == intent.instrument
            if ours and intent.order_id in (0, live.order.order_id):
                self._desk.request_cancel(live, at, intent.reason or "asked by its strategy", cause, entries)

    def _withdraw_quotes(self, runner: Runner, instrument: str, at: int, cause: int, entries: list[Entry]) -> None:
        for live in list(self._desk.live.values()):
            if live.runner is runner and live.order.instrument == instrument and live.order.type is OrderType.LIMIT:
                self._desk.request_cancel(live, at, "replaced by a new quote", cause, entries)


def _halted(at: int, strategy: str, error: Exception, text: str) -> Halted:
    return Halted(at=at, strategy=strategy, error=f"{type(error).__name__}: {error}", traceback=text)
