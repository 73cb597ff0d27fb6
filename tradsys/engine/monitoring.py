"""Watches a run: its alerts, circuit breakers and forced closings, wired to the engine and written to its log.

Whoever drives the engine tells the watch of time: `release` before what happens at an instant, `look` after it. A
watch is a fold like the engine: the same events and instants give the same lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import Approved, CorporateAction, Entry, Fill, OrderEvent, Phase, Product, SessionChange, Stray
from tradsys.core.protection import Move, ProtectionStep
from tradsys.core.risk_events import BreakerReset, BreakerTripped, HaltScope, Liquidating, RiskAlert, RiskEvent
from tradsys.core.units import MINUTE, to_text
from tradsys.engine.account_state import Holdings, opens
from tradsys.engine.engine import Engine
from tradsys.engine.limit_uses import LimitUses
from tradsys.engine.liquidation import Liquidation, withdraw
from tradsys.engine.markets import Market
from tradsys.engine.run_file import RunFile
from tradsys.engine.runner import mark_open
from tradsys.engine.schedule import Due
from tradsys.engine.standing import MarginRate
from tradsys.portfolio.ledger import Key, Ledger
from tradsys.reference.clock import local_date
from tradsys.risk.breaker_settings import BreakersSection, rules
from tradsys.risk.circuit_breakers import BreakerCheck, CircuitBreakers
from tradsys.risk.monitoring.account import AccountState, LastPrice, Worth
from tradsys.risk.monitoring.monitor import Monitor
from tradsys.risk.monitoring.settings import MonitoringSettings, Thresholds, thresholds


class _Trip(msgspec.Struct):
    """A position between two times at which it is flat: its side, and what it had made in all when it began."""

    strategy: str
    instrument: str
    product: Product
    side: int
    before: int


class _State(msgspec.Struct, kw_only=True):
    now: int = 0
    looked: int = 0
    worth: Worth
    closing_again: int = 0
    opened: dict[str, int] = {}
    closed: dict[str, bool] = {}
    trips: list[_Trip] = []
    monitor: bytes = b""
    breakers: bytes = b""


class Watch:
    """One run under watch. `zone` gives the trading date."""

    def __init__(
        self,
        limits: Thresholds,
        breakers: CircuitBreakers,
        *,
        markets: dict[str, Market],
        ledger: Ledger,
        margin_rate: MarginRate,
        zone: str,
    ) -> None:
        self.breakers = breakers
        self.check = BreakerCheck(breakers)
        self._limits = limits
        self._monitor = Monitor(limits)
        self._markets = markets
        self._ledger = ledger
        self._holdings = Holdings(ledger, markets, margin_rate)
        self._zone = zone
        self._state = _State(worth=Worth())
        self._trips: dict[Key, _Trip] = {}
        self._strategies: frozenset[str] = frozenset()
        self._limits_used: LimitUses | None = None
        self._minute = self._date = -1

    def connect(self, engine: Engine, *, strategies: Collection[str]) -> None:
        """Write to this engine's log, close by its orders, hear what the venue says of them, and watch its limits. The
        trades of `strategies` count."""
        self._engine = engine
        self._log = engine.parts[0]
        self._strategies = frozenset(strategies)
        self._liquidation = Liquidation(self._limits, engine, self._holdings, self._ledger)
        if engine.limited is not None:
            self._limits_used = LimitUses(engine.limited, self._ledger)
        self._hear = engine.hear
        engine.hear = self._heard

    # --- what happens

    def on_due(self, due: Due) -> None:
        """Something of the calendar happened: markets open and close, an ex-date changes what prices mean."""
        state = self._state
        if isinstance(due, SessionChange):
            state.closed[due.exchange] = due.phase is not Phase.OPEN
            if due.phase is Phase.OPEN:
                state.opened[due.exchange] = due.at
        elif isinstance(due, CorporateAction):
            self.breakers.forget(due.instrument)

    def _heard(self, events: Iterable[OrderEvent]) -> list[Entry]:
        """What the venue said, and the breakers that a closed trade trips."""
        said = tuple(events)
        entries = self._hear(said)
        for each in said:
            fill = each.fill if isinstance(each, Stray) else each
            if isinstance(fill, Fill):
                self._traded((fill.strategy, fill.instrument, fill.product), fill.at, entries)
        return entries

    def _traded(self, key: Key, at: int, entries: list[Entry]) -> None:
        """A position changed: where it was closed or turned, a trade of its strategy has ended."""
        held = self._ledger.positions.get(key)
        if held is None or held.strategy not in self._strategies:
            return
        made, side = held.realised - held.charges, (held.quantity > 0) - (held.quantity < 0)
        trip = self._trips.setdefault(key, _Trip(*key, 0, 0))
        if side == trip.side and side:
            return
        if trip.side or (made != trip.before and not side):
            net, trip.before = made - trip.before, made
            self._trip(
                self.breakers.on_trade(
                    held.strategy, instrument=held.instrument.id, net=net, date=self._date_of(at), at=at
                ),
                entries,
            )
        trip.side = side

    # --- time

    @property
    def next_at(self) -> int | None:
        """When to look next, where nothing else happens; None before anything has."""
        return self._state.looked + self._limits.every if self._state.looked else None

    def release(self, *, at: int) -> list[Entry]:
        """Before anything is decided at an instant: halts that are over by then end."""
        entries: list[Entry] = []
        if self._limits_used is not None:
            self._limits_used.begin(at)
        if self.breakers.halts:
            for reset in self.breakers.release(date=self._date_of(at), at=at):
                self._say(reset, entries)
        return entries

    def look(self, *, at: int) -> list[Entry]:
        """All that happened at an instant did: judge the account, unless that was done a moment ago."""
        state = self._state
        if state.looked and at < state.looked + self._limits.every:
            return []
        state.now = state.looked = at = max(at, state.now)
        entries: list[Entry] = []
        for key in [key for key, trip in self._trips.items() if trip.side]:
            self._traded(key, at, entries)
        mark_open(self._ledger, self._markets)
        date, equity = self._date_of(at), self._ledger.equity()
        state.worth.take(equity, date=date)
        self._trip(self.breakers.on_equity(equity, date=date, at=at), entries)
        for name, market in self._markets.items():
            self._trip(self.breakers.on_price(name, price=market.price, date=date, at=at), entries)
        account = self._account(at)
        for alert in self._monitor.look(account):
            self._say(alert, entries)
        self._liquidate(account, entries)
        return entries

    def _date_of(self, at: int) -> int:
        """YYYYMMDD where the exchange is; worked out once a minute, since no zone changes within one."""
        minute = at // MINUTE
        if minute != self._minute:
            day = local_date(at, self._zone)
            self._minute, self._date = minute, day.year * 10_000 + day.month * 100 + day.day
        return self._date

    def _account(self, at: int) -> AccountState:
        worth, holdings = self._state.worth, self._holdings
        return AccountState(
            at=at,
            currency=self._ledger.currency,
            equity=worth.equity or 0,
            day_start=worth.day_start,
            peak=worth.peak,
            margin=sum(holdings.margin(held) for held in self._ledger.open_positions.values()),
            funds=holdings.funds(),
            exposures=holdings.exposures(),
            prices=tuple(self._prices(at)) if self._limits.stale else (),
            uses=(*self.breakers.uses, *(self._limits_used() if self._limits_used is not None else ())),
        )

    def _prices(self, at: int) -> Iterable[LastPrice]:
        """Instruments whose market is open, and since when they are silent."""
        state = self._state
        for name, market in self._markets.items():
            exchange = market.instrument.exchange
            if not state.closed.get(exchange, False):
                heard = [each.at for each in (market.bar, market.tick) if each is not None]
                begun = state.opened.setdefault(exchange, at)
                yield LastPrice(instrument=name, silent_since=max(*heard, market.seen_at, begun))

    # --- what follows

    def _say(self, body: RiskEvent, entries: list[Entry], *, cause: int = -1) -> int:
        whose = body.subject if isinstance(body, BreakerTripped) and body.scope is HaltScope.STRATEGY else ""
        return self._log.append(entries, body, cause=cause, at=body.at, strategy=whose)

    def _trip(self, tripped: Iterable[BreakerTripped], entries: list[Entry], *, cause: int = -1) -> None:
        """Say it, and withdraw what would open in its scope."""
        for each in tripped:
            seq = self._say(each, entries, cause=cause)
            halted = [
                number
                for number, live in self._engine.working.items()
                if opens(live) and _covers(each, live.order.strategy, live.order.instrument)
            ]
            reason = f"breaker {each.breaker}"
            withdraw(self._engine, halted, at=each.at, reason=reason, cause=seq, entries=entries)

    def _liquidate(self, account: AccountState, entries: list[Entry]) -> None:
        """Close what brings the account below the limits from which positions are closed by force, and keep what was
        closed from being opened again. What the gate refused is not tried again for a minute."""
        at = account.at
        due = self._liquidation.due(account) if at >= self._state.closing_again else None
        if due is None:
            return
        count = len(due.closings)
        value, limit = due.measure.texts(account.currency)
        body = Liquidating(at=at, rule=due.measure.rule, value=value, limit=limit, positions=count)
        seq = self._say(body, entries)
        tripped = self.breakers.on_liquidation(positions=count, date=self._date_of(at), at=at)
        self._trip(tripped, entries, cause=seq)
        orders = self._liquidation.carry_out(due.closings, at=at, cause=seq)
        if not any(isinstance(each.body, Approved) for each in orders):
            self._state.closing_again = at + MINUTE
        entries += orders

    # --- people

    def reset(self, breaker: str, *, subject: str, by: str, reason: str, at: int) -> list[Entry]:
        """A person ends a halt. Raises `ConfigError`, `UnknownName`: see `CircuitBreakers.demand_tripped`."""
        entries: list[Entry] = []
        self._say(self.breakers.reset(breaker, subject=subject, by=by, reason=reason, at=at), entries)
        return entries

    def standing(self) -> dict[str, list[dict[str, object]]]:
        """For people: the `halts` that hold, and the `alerts` that were said and have not cleared."""
        alerts = [
            {"rule": rule, "subject": subject, "severity": severity.value}
            for (rule, subject), severity in self._monitor.said.items()
        ]
        return {"halts": [msgspec.to_builtins(each) for each in self.breakers.halts], "alerts": alerts}

    # --- snapshots

    def state(self) -> bytes:
        """Everything, as MessagePack: `restore` of it is the same watch."""
        state = self._state
        state.trips = list(self._trips.values())
        state.monitor, state.breakers = self._monitor.state(), self.breakers.state()
        return msgspec.msgpack.encode(state)

    def restore(self, state: bytes) -> None:
        """Be what `state` was taken of. Raises `ConfigError` for bytes that are none."""
        try:
            saved = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise ConfigError(f"watch: not a state: {error}", value=len(state), limit="what state() gave") from None
        self._monitor.restore(saved.monitor)
        self.breakers.restore(saved.breakers)
        self._state = saved
        self._trips = {(each.strategy, each.instrument, each.product): each for each in saved.trips}


def _covers(tripped: BreakerTripped, strategy: str, instrument: str) -> bool:
    subjects = {HaltScope.ACCOUNT: "", HaltScope.STRATEGY: strategy, HaltScope.INSTRUMENT: instrument}
    return subjects[tripped.scope] == tripped.subject


def watch_of(
    run: RunFile, *, markets: dict[str, Market], ledger: Ledger, margin_rate: MarginRate, zone: str
) -> Watch | None:
    """The watch of a run file; None where it has neither `[risk.monitoring]` nor `[risk.breakers]`. `zone` gives the
    trading date. Raises `ConfigError`."""
    risk = run.risk
    if risk.monitoring is None and risk.breakers is None:
        return None
    return Watch(
        thresholds(risk.monitoring or MonitoringSettings()),
        CircuitBreakers(rules(risk.breakers or BreakersSection()), ledger.currency),
        markets=markets,
        ledger=ledger,
        margin_rate=margin_rate,
        zone=zone,
    )


def told(body: object) -> str:
    """A line of the log about risk, or of a capped order that needs somebody, in words; empty for every other."""
    of = f" of {body.subject}" if isinstance(body, RiskAlert | BreakerTripped | BreakerReset) and body.subject else ""
    if isinstance(body, RiskAlert):
        limit = f", limit {body.limit}" if body.limit else ""
        return f"risk: {body.rule}{of} {body.severity.value}: {body.value}{limit}"
    if isinstance(body, BreakerTripped):
        return f"breaker {body.breaker}{of} tripped: {body.value}, limit {body.limit}; nothing opens until its reset"
    if isinstance(body, BreakerReset):
        return f"breaker {body.breaker}{of} reset by {body.by or 'itself'}: {body.reason}"
    if isinstance(body, Liquidating):
        return f"{body.positions} positions are closed by force: {body.rule} {body.value}, limit {body.limit}"
    if isinstance(body, ProtectionStep) and body.move is Move.ALERT:
        return f"order {body.order_id} of {body.instrument}: {body.reason}, {to_text(body.remaining)} unfilled"
    return ""
