"""What happens because of the date and not because a strategy asked: square-off, expiry, roll, ex-dates, funding."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import (
    ActionKind,
    Bar,
    CashMoved,
    Charged,
    CorporateAction,
    Entry,
    Fill,
    Funding,
    Phase,
    Product,
    SessionChange,
    Side,
    Timer,
)
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import ChargePlan
from tradsys.core.rates import RateSet
from tradsys.core.units import SCALE, Rounding, divide, to_float, to_step
from tradsys.engine.log import Log
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import Ask, OrderDesk
from tradsys.engine.planning import Planner
from tradsys.engine.runner import Desire, Runner
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.charges import funding_amount

SQUARE_OFF = "square_off"
"""Reason of the orders that close intraday positions at the end of the day; brokers charge for them."""


class Duties:
    """The engine's calendar. Its orders pass the gate like any other."""

    def __init__(
        self,
        *,
        markets: dict[str, Market],
        runners: Sequence[Runner],
        ledger: Ledger,
        desk: OrderDesk,
        planner: Planner,
        charges: ChargePlan,
        log: Log,
        ask: Ask,
    ) -> None:
        self._markets = markets
        self._runners = runners
        self._ledger = ledger
        self._desk = desk
        self._planner = planner
        self._charges = charges
        self._log = log
        self._ask = ask

    def on_session(self, change: SessionChange) -> Sequence[Entry]:
        """An exchange opens or closes: the reference price of the day is set, strategies are told."""
        entries: list[Entry] = []
        for market in self._markets.values():
            if market.instrument.exchange == change.exchange and change.phase is Phase.OPEN and market.bar is not None:
                market.previous_close = market.price
        for runner in self._runners:
            if runner.on_session is not None and self._trades_on(runner, change.exchange):
                self._ask(runner, runner.on_session, change, change.at, entries)
        return entries

    def _trades_on(self, runner: Runner, exchange: str) -> bool:
        return any(self._markets[name].instrument.exchange == exchange for name in runner.instruments)

    def on_timer(self, timer: Timer) -> Sequence[Entry]:
        """Square off, settle an expiry, or tell the strategies that asked for this timer."""
        entries: list[Entry] = []
        if timer.name == "square_off":
            self._square_off(timer, entries)
        elif timer.name == "expiry":
            self._settle(timer, entries)
        else:
            for runner in self._runners:
                if (
                    runner.on_timer is not None
                    and timer.name in runner.timers
                    and self._trades_on(runner, timer.exchange)
                ):
                    self._ask(runner, runner.on_timer, timer, timer.at, entries)
        return entries

    def _square_off(self, timer: Timer, entries: list[Entry]) -> None:
        """Withdraw intraday orders of an exchange and close intraday positions at market; no strategy is asked."""
        for live in list(self._desk.live.values()):
            order = live.order
            if order.product is Product.MIS and self._markets[order.instrument].instrument.exchange == timer.exchange:
                self._desk.request_cancel(live, at=timer.at, reason=SQUARE_OFF, cause=-1, entries=entries)
        for runner in self._runners:
            for name in runner.instruments:
                instrument = self._markets[name].instrument
                held = self._ledger.position(runner.id, name, Product.MIS)
                if held and instrument.exchange == timer.exchange:
                    self._close(runner.desires[name], held, Product.MIS, SQUARE_OFF, timer.at, entries)

    def _close(self, desire: Desire, held: int, product: Product, reason: str, at: int, entries: list[Entry]) -> None:
        """A closing order of our own making; it passes the gate like any other."""
        desire.quantity, desire.strength = 0, 0.0
        order = self._planner.market(desire, -held, product, reason=reason, at=at)
        self._desk.submit(desire, order, pursues=False, cause=-1, entries=entries)

    def withdraw_all(self, *, at: int, reason: str) -> Sequence[Entry]:
        """Withdraw every working order but those that close positions for this very reason."""
        entries: list[Entry] = []
        for live in list(self._desk.live.values()):
            if live.order.reason != reason:
                self._desk.request_cancel(live, at=at, reason=reason, cause=-1, entries=entries)
        return entries

    def withdraw(self, order_ids: Collection[int], *, at: int, reason: str) -> Sequence[Entry]:
        """Withdraw some working orders."""
        entries: list[Entry] = []
        for order_id in order_ids:
            live = self._desk.live.get(order_id)
            if live is not None:
                self._desk.request_cancel(live, at=at, reason=reason, cause=-1, entries=entries)
        return entries

    def close_all(self, *, at: int, reason: str, instrument: str = "") -> Sequence[Entry]:
        """Close, at market, what is open (of one instrument, or all) and not yet being closed for this reason; no
        strategy is asked."""
        entries: list[Entry] = []
        for held in list(self._ledger.open_positions.values()):
            if instrument and held.instrument.id != instrument:
                continue
            desire, side = self._desire(held.strategy, held.instrument.id), -1 if held.quantity > 0 else 1
            closing = sum(
                live.remaining
                for live in desire.orders.values()
                if (live.order.reason, live.order.product, live.order.side) == (reason, held.product, side)
            )
            left = abs(held.quantity) - closing
            if left > 0:
                self._close(desire, -side * left, held.product, reason, at, entries)
        return entries

    def _desire(self, strategy: str, instrument: str) -> Desire:
        for runner in self._runners:
            if runner.id == strategy and instrument in runner.desires:
                return runner.desires[instrument]
        raise InvariantBroken("a position of a strategy that is not in the run", value=f"{strategy} {instrument}")

    def roll(self, *, near: str, far: str, at: int) -> Sequence[Entry]:
        """Carry every position from an expiring contract to the next: close here, open there, both at market."""
        entries: list[Entry] = []
        for runner in self._runners:
            if near in runner.desires and far in runner.desires:
                held = self._ledger.position(runner.id, near, Product.NRML)
                if held:
                    self._close(runner.desires[near], held, Product.NRML, f"roll to {far}", at, entries)
                    desire = runner.desires[far]
                    order = self._planner.market(desire, held, Product.NRML, reason=f"roll from {near}", at=at)
                    self._desk.submit(desire, order, pursues=False, cause=-1, entries=entries)
        return entries

    def _settle(self, timer: Timer, entries: list[Entry]) -> None:
        """A contract expires: working orders go, holders are settled in cash at the underlying's last price."""
        market = self._markets[timer.instrument]
        for live in list(self._desk.live.values()):
            if live.order.instrument == timer.instrument:
                self._desk.request_cancel(live, at=timer.at, reason="the contract expired", cause=-1, entries=entries)
        underlying = self._markets.get(market.instrument.underlying)
        price = underlying.price if underlying is not None and underlying.bar is not None else market.price
        settled = self._ledger.settle_expiry(market.instrument, price=price, at=timer.at, charge=self._on_expiry)
        for fill, items in settled:
            seq = self._log.append(entries, fill, cause=-1, at=timer.at, strategy=fill.strategy)
            total = sum(amount for _, amount in items)
            body = Charged(at=timer.at, order_id=fill.order_id, total=total, items=items)
            self._log.append(entries, body, cause=seq, at=timer.at, strategy=fill.strategy)

    def _on_expiry(self, fill: Fill, instrument: Instrument) -> tuple[tuple[str, int], ...]:
        """Only the exercise of a long option is taxed at expiry."""
        exercised = instrument.segment is Segment.OPTION and fill.side is Side.SELL and fill.price > 0
        if not exercised:
            return ()
        intrinsic = fill.price * fill.quantity * instrument.multiplier // SCALE
        return self._charges.on_exercise(intrinsic, instrument, at=fill.at)

    def on_action(self, action: CorporateAction) -> Sequence[Entry]:
        """An ex-date: working orders in the share are withdrawn, holders are carried over."""
        entries: list[Entry] = []
        market = self._markets[action.instrument]
        for live in list(self._desk.live.values()):
            if live.order.instrument == action.instrument:
                self._desk.request_cancel(
                    live, at=action.at, reason=f"corporate action: {action.kind}", cause=-1, entries=entries
                )
        if market.bar is not None:
            self._ledger.mark(action.instrument, market.price)
        applied = msgspec.structs.replace(action, price=market.price * action.old // action.new)
        seq = self._log.append(entries, applied, cause=-1, at=action.at, strategy="")
        for moved in self._ledger.apply(applied, price=applied.price):
            self._log.append(entries, moved, cause=seq, at=action.at, strategy=moved.strategy)
        if market.bar is not None and action.kind is not ActionKind.DIVIDEND:
            market.bar = _in_new_shares(market.bar, action)
        for runner in market.runners:
            desire = runner.desires[action.instrument]
            lot = market.instrument.lot_at(action.at)
            scaled = divide(desire.quantity * action.new, action.old, Rounding.TOWARD_ZERO)
            desire.quantity = to_step(scaled, lot, Rounding.TOWARD_ZERO)
        market.previous_close = (market.previous_close * action.old - action.cash * action.old) // action.new
        return entries

    def on_funding(self, funding: Funding) -> Sequence[Entry]:
        """Holders of a perpetual pay or receive its funding rate on the mark notional."""
        entries: list[Entry] = []
        mark = funding.mark or to_float(self._markets[funding.instrument].price)
        for held in self._ledger.holders(funding.instrument):
            amount = funding_amount(
                rate=funding.rate, mark=mark, quantity=held.quantity, multiplier=held.instrument.multiplier
            )
            moved = CashMoved(
                at=funding.at, strategy=held.strategy, instrument=funding.instrument, amount=amount, reason="funding"
            )
            self._ledger.move_cash(moved)
            self._log.append(entries, moved, cause=-1, at=funding.at, strategy=held.strategy)
        return entries

    def on_rate(self, change: RateSet) -> Sequence[Entry]:
        """A currency has another rate: what is held in it is worth something else, what is sized from here on, too."""
        entries: list[Entry] = []
        self._ledger.set_rate(change)
        for market in self._markets.values():
            if market.instrument.currency == change.currency:
                market.conversion = to_float(change.rate)
        self._log.append(entries, change, cause=-1, at=change.at, strategy="")
        return entries


def _in_new_shares(bar: Bar, action: CorporateAction) -> Bar:
    """The last bar as prices of the shares there are now, until the first bar of the ex-date comes."""
    up = action.old / action.new
    return Bar(
        bar.at, bar.exchange_at, bar.instrument, bar.span,
        bar.open * up, bar.high * up, bar.low * up, bar.close * up, bar.volume / up,
    )  # fmt: skip
