"""Breakers that halt the account, a strategy or an instrument, and stay tripped until something resets them.

What only reduces a position always passes. A halt ends by a person's word, with a name and a reason, or, where its
rule says so, on the next trading date or after a time. From a reset on, what tripped is counted afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Claim
from tradsys.core.risk_events import BreakerReset, BreakerTripped, HaltScope
from tradsys.core.units import SCALE
from tradsys.risk.breaker_settings import (
    DAILY_LOSS,
    DRAWDOWN,
    INSTRUMENT_STREAK,
    LIQUIDATION,
    LOSS_STREAK,
    LOW_PROFIT,
    VOLATILITY,
    ResetBy,
    Rule,
)
from tradsys.risk.checks import refuse
from tradsys.risk.monitoring.account import Worth
from tradsys.risk.monitoring.measures import Measure, Unit, written


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """A tripped breaker, and the trading date (YYYYMMDD) on which it tripped."""

    tripped: BreakerTripped
    date: int


class _State(msgspec.Struct, kw_only=True):
    worth: Worth
    halts: list[Halt] = []
    streaks: dict[str, int] = {}
    instrument_streaks: dict[str, int] = {}
    profits: dict[str, list[int]] = {}
    windows: dict[str, list[tuple[int, int]]] = {}


class CircuitBreakers:
    """Owner of the halts. `rules` are those that are on. No clock, no I/O: the same words give the same halts."""

    def __init__(self, rules: Mapping[str, Rule], currency: str) -> None:
        self._rules = rules
        self._currency = currency
        self._state = _State(worth=Worth())
        self._halts: dict[tuple[str, str], Halt] = {}
        self._by_scope: dict[tuple[HaltScope, str], BreakerTripped] = {}

    # --- what is watched

    def on_equity(self, equity: int, *, date: int, at: int) -> list[BreakerTripped]:
        """The account's worth, money 1e-8, on a trading `date` (YYYYMMDD)."""
        self._state.worth.take(equity, date=date)
        return [tripped for each in self._losses() for tripped in self._judged(each, date=date, at=at)]

    def on_price(self, instrument: str, *, price: int, date: int, at: int) -> list[BreakerTripped]:
        """The last price of an instrument, 1e-8; 0 is none. It is compared with every one that was told within the
        window, both ends included."""
        rule = self._rules.get(VOLATILITY)
        if rule is None or price <= 0:
            return []
        window = self._state.windows.setdefault(instrument, [])
        window.append((at, price))
        while window[0][0] < at - rule.window:
            window.pop(0)
        base = min(window, key=lambda each: each[1])[1]
        highest = max(window, key=lambda each: each[1])[1]
        if (highest - price) * base > (price - base) * highest:
            base = highest
        measure = Measure(VOLATILITY, instrument, abs(price - base) * SCALE, rule.limit * base, Unit.SHARE, base)
        return self._judged(measure, date=date, at=at)

    def on_trade(self, strategy: str, *, instrument: str, net: int, date: int, at: int) -> list[BreakerTripped]:
        """A position was closed that made so much after charges, money 1e-8. Only a loss lengthens a streak."""
        found = []
        state = self._state
        for name, streaks, subject in (
            (LOSS_STREAK, state.streaks, strategy),
            (INSTRUMENT_STREAK, state.instrument_streaks, instrument),
        ):
            rule = self._rules.get(name)
            if rule is not None:
                streaks[subject] = streaks.get(subject, 0) + 1 if net < 0 else 0
                found += self._judged(_streak(rule, subject, streaks[subject]), date=date, at=at)
        return found + self._low_profit(instrument, net, date=date, at=at)

    def _low_profit(self, instrument: str, net: int, *, date: int, at: int) -> list[BreakerTripped]:
        rule = self._rules.get(LOW_PROFIT)
        if rule is None:
            return []
        last = self._state.profits.setdefault(instrument, [])
        last.append(net)
        del last[: -rule.trades]
        if len(last) < rule.trades or sum(last) >= rule.limit:
            return []
        return self._trip(rule, instrument, value=sum(last), base=0, limit=rule.limit, date=date, at=at)

    def on_liquidation(self, *, positions: int, date: int, at: int) -> list[BreakerTripped]:
        """Positions are closed by force: nothing may open them again."""
        return self._trip(self._rules[LIQUIDATION], "", value=positions, base=0, limit=0, date=date, at=at)

    def forget(self, instrument: str) -> None:
        """Prices of an instrument up to here are of other units (an ex-date)."""
        self._state.windows.pop(instrument, None)

    @property
    def uses(self) -> tuple[Measure, ...]:
        """Breakers that have not tripped, as limits that may be approached."""
        streaks = self._state.streaks
        rule = self._rules.get(LOSS_STREAK)
        counted = [_streak(rule, name, count) for name, count in streaks.items() if count] if rule is not None else []
        return tuple(
            each._replace(rule=f"breaker-{each.rule}")
            for each in (*self._losses(), *counted)
            if (each.rule, each.subject) not in self._halts
        )

    def _losses(self) -> Iterator[Measure]:
        worth = self._state.worth
        equity = worth.equity
        if equity is None:
            return
        daily, drawdown = self._rules.get(DAILY_LOSS), self._rules.get(DRAWDOWN)
        if daily is not None:
            yield Measure(DAILY_LOSS, "", worth.day_start - equity, daily.limit, Unit.MONEY)
        if drawdown is not None:
            lost, peak = (worth.peak - equity) * SCALE, worth.peak
            yield Measure(DRAWDOWN, "", lost, drawdown.limit * peak, Unit.SHARE, peak)

    # --- latch

    def _judged(self, measure: Measure, *, date: int, at: int) -> list[BreakerTripped]:
        if not measure.breached:
            return []
        rule, value, limit = self._rules[measure.rule], measure.value, measure.limit
        return self._trip(rule, measure.subject, value=value, base=measure.base, limit=limit, date=date, at=at)

    def _trip(
        self, rule: Rule, subject: str, *, value: int, base: int, limit: int, date: int, at: int
    ) -> list[BreakerTripped]:
        """Latch a halt, unless it is latched already."""
        if (rule.name, subject) in self._halts:
            return []
        tripped = BreakerTripped(
            at=at,
            breaker=rule.name,
            scope=rule.scope,
            subject=subject,
            value=written(value, rule.unit, base=base, currency=self._currency),
            limit=written(limit, rule.unit, base=base, currency=self._currency),
            reset=rule.reset,
            until=at + rule.lasts if rule.lasts else 0,
        )
        self._halts[rule.name, subject] = Halt(tripped=tripped, date=date)
        self._index()
        return [tripped]

    def _index(self) -> None:
        """The first halt of each scope is the one that refuses."""
        self._by_scope = {}
        for halt in self._halts.values():
            self._by_scope.setdefault((halt.tripped.scope, halt.tripped.subject), halt.tripped)

    @property
    def halts(self) -> list[BreakerTripped]:
        """What is tripped, oldest first."""
        return [each.tripped for each in self._halts.values()]

    def halting(self, strategy: str, *, instrument: str) -> BreakerTripped | None:
        """The halt that keeps a strategy from opening in an instrument, or None."""
        if not self._by_scope:
            return None
        scopes = ((HaltScope.ACCOUNT, ""), (HaltScope.STRATEGY, strategy), (HaltScope.INSTRUMENT, instrument))
        return next((self._by_scope[each] for each in scopes if each in self._by_scope), None)

    # --- reset

    def release(self, *, date: int, at: int) -> list[BreakerReset]:
        """End the halts that end by themselves and are over by an instant on a trading date."""
        over = [each for each in self._halts.values() if _is_over(each, date=date, at=at)]
        why = {ResetBy.NEXT_DAY: "the next trading date", ResetBy.AFTER: "its time is over"}
        return [self._end(each.tripped, by="", reason=why[ResetBy(each.tripped.reset)], at=at) for each in over]

    def demand_tripped(self, breaker: str, *, subject: str, by: str, reason: str) -> None:
        """Raise `ConfigError` for a reset without a name or a reason, `UnknownName` for what is not tripped."""
        if not by.strip() or not reason.strip():
            raise ConfigError(
                "resetting a breaker needs a name and a reason", value=f"by={by!r} reason={reason!r}", fix="give both"
            )
        if (breaker, subject) not in self._halts:
            tripped = [f"{name} {of}".strip() for name, of in self._halts]
            raise UnknownName("tripped breaker", f"{breaker} {subject}".strip(), tripped)

    def reset(self, breaker: str, *, subject: str, by: str, reason: str, at: int) -> BreakerReset:
        """A person ends a halt. Raises as `demand_tripped`; nothing changes then."""
        self.demand_tripped(breaker, subject=subject, by=by, reason=reason)
        return self._end(self._halts[breaker, subject].tripped, by=by, reason=reason, at=at)

    def _end(self, tripped: BreakerTripped, *, by: str, reason: str, at: int) -> BreakerReset:
        del self._halts[tripped.breaker, tripped.subject]
        self._index()
        self._afresh(tripped.breaker, tripped.subject)
        return BreakerReset(
            at=at, breaker=tripped.breaker, scope=tripped.scope, subject=tripped.subject, by=by, reason=reason
        )

    def _afresh(self, breaker: str, subject: str) -> None:
        """What tripped counts from here: otherwise it would trip again at once."""
        state = self._state
        worth = state.worth
        if breaker == DAILY_LOSS and worth.equity is not None:
            worth.day_start = worth.equity
        elif breaker == DRAWDOWN and worth.equity is not None:
            worth.peak = worth.equity
        for name, counted in (
            (VOLATILITY, state.windows),
            (LOSS_STREAK, state.streaks),
            (INSTRUMENT_STREAK, state.instrument_streaks),
            (LOW_PROFIT, state.profits),
        ):
            if breaker == name:
                counted.pop(subject, None)

    # --- snapshots

    def state(self) -> bytes:
        """Everything, as MessagePack: `restore` of it is the same."""
        self._state.halts = list(self._halts.values())
        return msgspec.msgpack.encode(self._state)

    def restore(self, state: bytes) -> None:
        """Be what `state` was taken of. Raises `ConfigError` for bytes that are none."""
        try:
            self._state = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise ConfigError(f"breakers: not a state: {error}", value=len(state), limit="what state() gave") from None
        self._halts = {(each.tripped.breaker, each.tripped.subject): each for each in self._state.halts}
        self._index()


def _streak(rule: Rule, subject: str, count: int) -> Measure:
    return Measure(rule.name, subject, count, rule.limit, Unit.COUNT)


def _is_over(halt: Halt, *, date: int, at: int) -> bool:
    if halt.tripped.reset == ResetBy.NEXT_DAY:
        return date > halt.date
    return halt.tripped.reset == ResetBy.AFTER and at >= halt.tripped.until


class BreakerCheck:
    """The gate's door to the breakers."""

    name = "breakers"

    def __init__(self, breakers: CircuitBreakers) -> None:
        self._breakers = breakers

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Every order."""
        return True

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or `breaker-` and the name of what tripped."""
        if claim.opening == 0:
            return None
        halt = self._breakers.halting(order.strategy, instrument=instrument.id)
        if halt is None:
            return None
        return refuse(order, f"breaker-{halt.breaker}", limit=halt.limit, value=halt.value, fix=_fix(halt))

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What halts such an order, and that nothing may."""
        halt = self._breakers.halting(order.strategy, instrument=instrument.id)
        return ("nothing" if halt is None else halt.breaker), "no halt"


def _fix(halt: BreakerTripped) -> str:
    if halt.reset == ResetBy.NEXT_DAY:
        return "wait for the next trading date, or reset it"
    if halt.reset == ResetBy.AFTER:
        return f"wait until {halt.until}, or reset it"
    return "find the cause, then reset it with a name and a reason"
