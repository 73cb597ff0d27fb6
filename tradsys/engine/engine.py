"""Events in, events out: the one object behind backtest, paper, live and replay.

`process` is synchronous and does no I/O, reads no clock, draws no random number and starts no thread. It returns the
lines of the decision log that the event caused; the caller keeps them and carries approved orders to a venue.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from tradsys.core.errors import ConfigError, InvariantBroken
from tradsys.core.events import (
    Accepted,
    Approved,
    Bar,
    CancelIntent,
    Cancelled,
    CancelRequested,
    CorporateAction,
    Decision,
    Depth,
    Entry,
    Expired,
    Fill,
    Funding,
    Halted,
    IndexValue,
    OpenInterest,
    Order,
    OrderEvent,
    OrderIntent,
    QuoteIntent,
    Refused,
    Rejected,
    SessionChange,
    Signal,
    Stray,
    Target,
    Tick,
    Timer,
    Triggered,
    TwoOrders,
    Unanswered,
)
from tradsys.core.ports import ChargePlan
from tradsys.core.rates import RateSet
from tradsys.engine.duties import SQUARE_OFF, Duties
from tradsys.engine.gate import Gate
from tradsys.engine.limited_desk import Limited
from tradsys.engine.log import Log
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import LiveOrder, OrderDesk
from tradsys.engine.planning import QUOTE, Planner
from tradsys.engine.runner import Desire, Runner
from tradsys.engine.standing import AccountStanding
from tradsys.portfolio.ledger import Ledger
from tradsys.strategies.context import missing_output

Carrier = Callable[[Desire, Any, int, int, list[Entry]], None]
"""Carries out an intent: desire, intent, instant, the number of the line that caused it, the lines so far."""

_QUIET: tuple[Entry, ...] = ()


class Engine:
    """Runs strategies over events. Owns the markets, the live orders and the numbering of the log. `desk` makes the
    keeper of the live orders: a run with a rule pack or with limits has one that counts."""

    def __init__(
        self,
        *,
        markets: dict[str, Market],
        runners: Sequence[Runner],
        ledger: Ledger,
        standing: AccountStanding,
        gate: Gate,
        charges: ChargePlan,
        desk: Callable[..., OrderDesk] = OrderDesk,
        limited: Limited | None = None,
    ) -> None:
        self.markets = markets
        self.runners = list(runners)
        self.ledger = ledger
        self.gate = gate
        self.limited = limited
        for runner in self.runners:
            runner.connect(markets, ledger)
        self._log = Log()
        self._number = self._log.number
        self._planner = Planner()
        self._desk = desk(
            markets=markets,
            ledger=ledger,
            standing=standing,
            gate=gate,
            charges=charges,
            log=self._log,
            ask=self._ask,
        )
        self.hear = self._desk.hear
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
        self._plans: dict[type, Callable[[Desire, Any, int], list[Order]]] = {
            Signal: self._planner.signal,
            Target: self._planner.target,
            OrderIntent: self._planner.order,
            TwoOrders: self._planner.two_orders,
            QuoteIntent: self._planner.quote,
        }
        self._carriers: dict[type, Carrier] = {
            Signal: self._pursue,
            Target: self._pursue,
            OrderIntent: self._place,
            TwoOrders: self._place,
            QuoteIntent: self._place,
            CancelIntent: self._withdraw,
        }
        self._handlers: dict[type, Callable[[Any], Sequence[Entry]]] = {
            Fill: self._on_answer,
            Accepted: self._on_answer,
            Rejected: self._on_answer,
            Triggered: self._on_answer,
            Unanswered: self._on_answer,
            Stray: self._on_answer,
            Cancelled: self._on_answer,
            Expired: self._on_answer,
            SessionChange: self._duties.on_session,
            Timer: self._duties.on_timer,
            CorporateAction: self._duties.on_action,
            Funding: self._duties.on_funding,
            RateSet: self._duties.on_rate,
            Tick: self._on_record,
            Depth: self._on_record,
            IndexValue: self._on_index,
            OpenInterest: _nobody,
        }
        if limited is not None:
            for kind in (SessionChange, Timer):
                self._handlers[kind] = limited.beginning(self._handlers[kind])

    def process(self, event: Any) -> Sequence[Entry]:
        """Everything one event causes, in order, already checked. Raises `InvariantBroken` when a law is broken."""
        if type(event) is Bar:
            return next(self.sweep((event,)), _QUIET)
        return self._handlers[type(event)](event)

    def sweep(
        self,
        bars: Iterable[Bar],
        *,
        awaited: Collection[str] = (),
        meet: Callable[[Bar, Bar | None], None] | None = None,
    ) -> Iterator[Sequence[Entry]]:
        """Process bars one by one; yields what each causes, if anything, before the next is looked at.

        A bar of an instrument in `awaited` is handed to `meet` first, with the one before it: the venue trades on it
        before strategies see it.
        """
        markets = self.markets
        entries: list[Entry] = []
        for bar in bars:
            name = bar.instrument
            market = markets[name]
            if awaited and name in awaited:
                meet(bar, market.bar)  # type: ignore[misc]  # who awaits anything gives it
            market.bar = bar
            row = market.row
            if row == market.boundary:
                market.advance(bar)
                row = market.row
            for fields, output, column in market.columns:
                fields[output] = column[row]
            market.row = row + 1
            for handler, account, runner in market.bar_listeners:
                try:
                    for intent in handler(bar, account) or ():
                        self._decide(runner, intent, bar.at, entries)
                except InvariantBroken:
                    raise
                except Exception as error:  # an author's code may raise anything: it is halted, the others go on
                    self._halt(runner, error, bar.at, entries)
            if entries:
                yield entries
                entries = []

    def sweep_records(
        self, records: Iterable[Any], *, awaited: Collection[str] = (), meet: Callable[[Any], None] | None = None
    ) -> Iterator[Sequence[Entry]]:
        """Process ticks, depth and whatever else a market says between bars, as `sweep` does bars.

        Strategies see ticks and depth; what is neither is for the venue alone.
        """
        markets = self.markets
        entries: list[Entry] = []
        for record in records:
            name = record.instrument
            if awaited and name in awaited:
                meet(record)  # type: ignore[misc]  # who awaits anything gives it
            market = markets[name]
            kind = type(record)
            if kind is Tick:
                market.tick = record
                last = record.last
                if last == last:
                    market.seen, market.seen_at = last, record.at
                listeners = market.tick_listeners
            elif kind is Depth:
                listeners = market.depth_listeners
            else:
                continue
            for handler, account, runner in listeners:
                try:
                    for intent in handler(record, account) or ():
                        self._decide(runner, intent, record.at, entries)
                except InvariantBroken:
                    raise
                except Exception as error:  # as in `sweep`
                    self._halt(runner, error, record.at, entries)
            if entries:
                yield entries
                entries = []

    def _on_answer(self, event: OrderEvent) -> Sequence[Entry]:
        return self.hear((event,))

    def _on_record(self, record: Tick | Depth) -> Sequence[Entry]:
        return next(self.sweep_records((record,)), _QUIET)

    def _on_index(self, value: IndexValue) -> Sequence[Entry]:
        """An index is observed, never traded: its level settles derivatives on it."""
        market = self.markets[value.instrument]
        market.seen, market.seen_at = value.value, value.at
        return _QUIET

    def start(self) -> None:
        """Make every market know who listens. Call once, after the strategies' `on_start`."""
        for market in self.markets.values():
            for kind in ("bar", "tick", "depth"):
                handlers = [(getattr(each, f"on_{kind}"), each.account, each) for each in market.runners]
                setattr(market, f"{kind}_listeners", [each for each in handlers if each[0] is not None])

    def stop(self, *, at: int) -> Sequence[Entry]:
        """Tell every strategy that no event will follow; what one raises here is kept like any other error."""
        entries: list[Entry] = []
        for runner in self.runners:
            self._ask(runner, runner.strategy_stops, None, at, entries)
        return entries

    @property
    def working(self) -> dict[int, LiveOrder]:
        """Orders between approval and their end, by id."""
        return self._desk.live

    @property
    def parts(self) -> tuple[Log, Planner, OrderDesk]:
        """What numbers the lines and the orders, and what keeps the live orders: for a snapshot."""
        return self._log, self._planner, self._desk

    @property
    def outbox(self) -> list[Approved | CancelRequested]:
        """What the venue must hear, oldest first. Whoever carries it there takes it out."""
        return self._desk.outbox

    def withdraw_all(self, *, at: int, reason: str) -> Sequence[Entry]:
        """Withdraw every working order but those that close positions for this very reason."""
        return self._duties.withdraw_all(at=at, reason=reason)

    def withdraw(self, order_ids: Collection[int], *, at: int, reason: str) -> Sequence[Entry]:
        """Withdraw some working orders."""
        return self._duties.withdraw(order_ids, at=at, reason=reason)

    def close_all(self, *, at: int, reason: str, instrument: str = "") -> Sequence[Entry]:
        """Close, at market, every position (of one instrument, or all) that is not yet being closed for this reason."""
        return self._duties.close_all(at=at, reason=reason, instrument=instrument)

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
        except Exception as error:  # as in `sweep`
            self._halt(runner, error, at, entries)

    def silence(self, runner: Runner) -> None:
        """A halted strategy hears nothing any more."""
        runner.halted = True
        for name in runner.instruments:
            market = self.markets[name]
            for kind in ("bar", "tick", "depth"):
                heard = getattr(market, f"{kind}_listeners")
                setattr(market, f"{kind}_listeners", [each for each in heard if each[2] is not runner])

    def _halt(self, runner: Runner, error: Exception, at: int, entries: list[Entry]) -> None:
        """Out of the run: its working orders are withdrawn, its positions stay and are valued."""
        self.silence(runner)
        text = "".join(traceback.format_exception(error, chain=False))
        seq = self._log.append(entries, _halted(at, runner.id, error, text), cause=-1, at=at, strategy=runner.id)
        for live in [each for each in self._desk.live.values() if each.desire.runner is runner]:
            if live.order.reason == SQUARE_OFF:
                continue
            self._desk.request_cancel(live, at=at, reason="its strategy was halted", cause=seq, entries=entries)

    def _decide(self, runner: Runner, intent: Decision, at: int, entries: list[Entry]) -> None:
        """Log an intent and carry it out."""
        try:
            desire = runner.desires[intent.instrument]
            carry = self._carriers[type(intent)]
        except KeyError:
            raise ConfigError(
                f"{runner.id} does not trade {intent.instrument}, or {type(intent).__name__} is no intent",
                value=intent.instrument,
                limit=", ".join(runner.desires),
            ) from None
        seq = self._number()
        entries.append(Entry(seq, -1, at, runner.id, intent))
        try:
            carry(desire, intent, at, seq, entries)
        except ConfigError as error:
            self._refuse(runner, error, at=at, cause=seq, entries=entries)

    def _pursue(self, desire: Desire, intent: Decision, at: int, cause: int, entries: list[Entry]) -> None:
        """Move toward a target. Working orders that pull the other way are withdrawn first, and the rest planned
        afresh."""
        plan = self._plans[type(intent)]
        orders = plan(desire, intent, at)
        if not orders:
            return
        if desire.working and (desire.working > 0) != (orders[0].side > 0):
            for live in [each for each in desire.orders.values() if each.pursues]:
                live.stop_pursuing()
                self._desk.request_cancel(live, at=at, reason="the target changed", cause=cause, entries=entries)
            orders = plan(desire, intent, at)
        for order in orders:
            if not self._desk.submit(desire, order, True, cause, entries):
                break

    def _place(self, desire: Desire, intent: Decision, at: int, cause: int, entries: list[Entry]) -> None:
        """Orders as written; a bracket whose entry is refused has no children."""
        orders = self._plans[type(intent)](desire, intent, at)
        if type(intent) is QuoteIntent:
            self._withdraw_quotes(desire, at=at, cause=cause, entries=entries)
        for order in orders:
            if not self._desk.submit(desire, order, False, cause, entries):
                break

    def _refuse(self, runner: Runner, error: ConfigError, *, at: int, cause: int, entries: list[Entry]) -> None:
        """An intent that cannot even be made an order."""
        refused = Refused(
            at=at, order_id=0, rule="invalid-order", limit=str(error.limit), value=str(error.value), fix=str(error)
        )
        self._log.append(entries, refused, cause=cause, at=at, strategy=runner.id)

    def _withdraw(self, desire: Desire, intent: CancelIntent, at: int, cause: int, entries: list[Entry]) -> None:
        reason = intent.reason or "asked by its strategy"
        asked = [desire.orders.get(intent.order_id)] if intent.order_id else list(desire.orders.values())
        for live in asked:
            if live is not None and live.order.reason != SQUARE_OFF:
                self._desk.request_cancel(live, at=at, reason=reason, cause=cause, entries=entries)

    def _withdraw_quotes(self, desire: Desire, *, at: int, cause: int, entries: list[Entry]) -> None:
        """A quote replaces the one before it, and touches no other order."""
        for live in [each for each in desire.orders.values() if each.order.reason == QUOTE]:
            self._desk.request_cancel(live, at=at, reason="replaced by a new quote", cause=cause, entries=entries)


def _nobody(event: OpenInterest) -> Sequence[Entry]:
    """No strategy handler and no account looks at open interest."""
    return _QUIET


def _halted(at: int, strategy: str, error: Exception, text: str) -> Halted:
    return Halted(
        at=at, strategy=strategy, error=f"{type(error).__name__}: {error}{missing_output(error)}", traceback=text
    )
