"""A user's own strategy in a simulated market: the engine of a backtest, fed by what it sees, trading in the book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import nan

import msgspec

from tradsys.core.errors import ConfigError, StrategyError
from tradsys.core.events import (
    Entry,
    Fill,
    Halted,
    OrderIntent,
    Phase,
    Product,
    Refused,
    Rejected,
    SessionChange,
    Side,
    Signal,
    Tick,
    TwoOrders,
)
from tradsys.core.instruments import Instrument
from tradsys.core.matching import BookPhase
from tradsys.core.ports import ChargePlan
from tradsys.core.units import MILLISECOND, SCALE, SECOND, to_float
from tradsys.engine.engine import Engine
from tradsys.engine.markets import Market
from tradsys.engine.run_parts import dated_margins, started, usual_gate
from tradsys.engine.runner import AccountView, Runner
from tradsys.engine.standing import AccountStanding
from tradsys.engine.strategy_orders import StrategyOrders
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import Notice, Request, View
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.charge_plans import FreePlan
from tradsys.reference.clock import local_date
from tradsys.risk.checks import PRODUCTS
from tradsys.signals.sizing import SizerChoice, build
from tradsys.strategies.base import Strategy

MILLION = 1_000_000 * SCALE


class StrategyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's day: quantities in units, money in currency. `profit` is net of charges, with the position at the
    last price. `refused` counts what our own rules stopped (`refused_by`: each of them), `rejected` what the exchange
    did; `halted` is the error, if any, that took the strategy out of the day."""

    name: str
    account: int
    trades: int
    bought: float
    sold: float
    position: float
    last_price: float
    charges: float
    profit: float
    refused: int
    refused_by: dict[str, int]
    rejected: int
    halted: str


class StrategyParticipant:
    """Shows a strategy a tick every `every` nanoseconds of continuous trading and carries what it wants to the book;
    commands travel `latency` nanoseconds, news does not. It is told of fills and of what becomes of its orders as they
    happen, passes the gate as in a backtest, and sees its account: `cash` (1e-8) to begin with, `product` (None: the
    intraday one where the segment has it). `log` is its decision log.

    Taken: `QuoteIntent` (changed in place), `OrderIntent` without stop and target, `Target`, `CancelIntent`. Raises
    `StrategyError` for any other, and for a strategy that needs bars, indicators, depth or timers.

    Not modelled: trades between two looks; margin calls, square-off, funding; brackets and pairs.
    """

    def __init__(
        self,
        account: int,
        strategy: Strategy,
        instrument: Instrument,
        *,
        name: str = "",
        every: int = SECOND,
        latency: int = MILLISECOND,
        cash: int = MILLION,
        product: Product | None = None,
        charges: ChargePlan | None = None,
    ) -> None:
        _demand(every=every, latency=latency, cash=cash)
        self.account = account
        self.name = name or type(strategy).__name__
        self.log: list[Entry] = []
        self._instrument = instrument
        self._every = every
        self._orders = StrategyOrders(instrument, account=account, latency=latency)
        self._view = View()
        self._opened = False
        self._ledger = Ledger(cash, instrument.currency)
        self._engine = self._wired(strategy, product or _usual_product(instrument), charges or FreePlan())

    def _wired(self, strategy: Strategy, product: Product, charges: ChargePlan) -> Engine:
        instrument, ledger = self._instrument, self._ledger
        market = Market(instrument)
        markets = {instrument.id: market}
        standing = AccountStanding(ledger, markets, dated_margins())
        view = AccountView(ledger, markets, self.name, capital=ledger.start, copies=1)
        sizer = build(SizerChoice())
        runner = Runner(self.name, strategy, instruments=(instrument.id,), account=view, sizer=sizer, product=product)
        _demand_ticks(runner)
        market.runners.append(runner)
        gate = usual_gate(standing, cutoffs={}, currency=instrument.currency)
        engine = Engine(markets=markets, runners=[runner], ledger=ledger, standing=standing, gate=gate, charges=charges)
        engine.start()
        return engine

    # --- as a participant

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`."""
        self._view = view
        return view.at + self._every

    def act(self, view: View, draws: Draws) -> Sequence[Request]:
        """See `Participant`. Raises `StrategyError` for an intent that is not taken."""
        if view.phase is not BookPhase.CONTINUOUS:
            return ()
        if not self._opened:
            self._opened = True
            self._process(self._session(Phase.OPEN))
        self._process(self._tick(view))
        return self._departing()

    def told(self, notice: Notice) -> Sequence[Request]:
        """See `Participant`: the engine hears of it, and the strategy may answer."""
        for event in self._orders.hear(notice, self._view.at):
            self._process(event)
        return self._departing()

    def finish(self) -> StrategyReport:
        """The day is over: tell the strategy, check the account's laws, and say what came of it. Call once."""
        if self._opened:
            self._process(self._session(Phase.CLOSED))
        self._keep(self._engine.stop(at=self._view.at))
        last = self._view.last * self._instrument.tick_at(self._view.at)
        if last:
            self._ledger.mark(self._instrument.id, last)
        self._ledger.check()
        return self._report(last)

    # --- inside

    def _process(self, event: object) -> None:
        self._keep(self._engine.process(event))

    def _keep(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            body = entry.body
            if isinstance(body, (Signal, TwoOrders)) or (isinstance(body, OrderIntent) and _is_bracket(body)):
                raise _untaken(self.name, body)
            self.log.append(entry)

    def _departing(self) -> Sequence[Request]:
        """Everything asked of the venue, and what follows from it at once, as commands."""
        outbox, orders, view = self._engine.outbox, self._orders, self._view
        while outbox:
            asked = outbox.copy()
            outbox.clear()
            for each in asked:
                for event in orders.ask(each, view):
                    self._process(event)
        return orders.departing(view)

    def _tick(self, view: View) -> Tick:
        tick, lot = self._instrument.tick_at(view.at), self._instrument.lot_at(view.at)
        return Tick(
            view.at, view.at, self._instrument.id, view.last * tick / SCALE or nan, nan, view.bid * tick / SCALE or nan,
            view.bid_quantity * lot / SCALE, view.ask * tick / SCALE or nan, view.ask_quantity * lot / SCALE, nan,
        )  # fmt: skip

    def _session(self, phase: Phase) -> SessionChange:
        """No session of the exchanges that are simulated spans midnight UTC."""
        day = local_date(self._view.at, "UTC")
        date = day.year * 10_000 + day.month * 100 + day.day
        return SessionChange(at=self._view.at, exchange=self._instrument.exchange, phase=phase, date=date)

    def _report(self, last: int) -> StrategyReport:
        bodies = [entry.body for entry in self.log]
        fills = [body for body in bodies if isinstance(body, Fill)]
        refused = Counter(body.rule for body in bodies if isinstance(body, Refused))
        bought, sold = (sum(fill.quantity for fill in fills if fill.side is side) for side in (Side.BUY, Side.SELL))
        return StrategyReport(
            name=self.name,
            account=self.account,
            trades=len(fills),
            bought=to_float(bought),
            sold=to_float(sold),
            position=to_float(bought - sold),
            last_price=to_float(last),
            charges=to_float(self._ledger.charges),
            profit=to_float(self._ledger.equity() - self._ledger.start),
            refused=refused.total(),
            refused_by=dict(sorted(refused.items())),
            rejected=sum(isinstance(body, Rejected) for body in bodies),
            halted=next((body.error for body in bodies if isinstance(body, Halted)), ""),
        )


def _demand(**limits: int) -> None:
    for name, value in limits.items():
        least = 0 if name == "latency" else 1
        if value < least:
            raise ConfigError(f"strategy: {name} out of range", value=value, limit=f"at least {least}")


def _demand_ticks(runner: Runner) -> None:
    context = started(runner)
    lacks = {
        "on_tick": runner.on_tick is None,
        "no indicators of bars": bool(context.requests),
        "no timers": bool(context.timers),
    }
    for what, is_lacking in lacks.items():
        if is_lacking:
            raise StrategyError(
                f"{runner.id} cannot trade in a simulated market, which has ticks alone",
                value=runner.id,
                limit=what,
                fix="decide in on_tick, from ticks",
            )


def _usual_product(instrument: Instrument) -> Product:
    known = PRODUCTS.get(instrument.segment, (Product.MIS,))
    return Product.MIS if Product.MIS in known else known[0]


def _is_bracket(intent: OrderIntent) -> bool:
    return intent.stop is not None or intent.target is not None


def _untaken(name: str, intent: Signal | TwoOrders | OrderIntent) -> StrategyError:
    kind = "OrderIntent with stop or target" if isinstance(intent, OrderIntent) else type(intent).__name__
    return StrategyError(
        f"{name}: a simulated market does not take this intent",
        value=kind,
        limit="QuoteIntent, Target, CancelIntent, OrderIntent without stop and target",
        fix="quote, or send plain orders",
    )
