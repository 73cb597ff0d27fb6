"""A snapshot of an engine between two events: taken at k and followed by the events after k, it is the whole.

Whoever owns the journal keeps the bytes and knows their place and hash; what belongs to the venue (orders' tags and
reports, safety) has states of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import msgspec

from tradsys.core.errors import ConfigError, InputRefused, InvariantBroken, StrategyError
from tradsys.engine.engine import Engine
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import LiveOrder, OrderDesk
from tradsys.engine.ruled.desk import RuledDesk
from tradsys.engine.runner import Desire, Runner
from tradsys.engine.schedule import Schedule
from tradsys.engine.trading.engine_state_identity import demand_same, identity_of
from tradsys.engine.trading.engine_state_ledger import ledger_state, restore_conversions, restore_ledger
from tradsys.engine.trading.engine_state_protected import protected_state, restore_protected
from tradsys.engine.trading.engine_state_records import (
    VERSION,
    DesireState,
    EngineState,
    Header,
    LiveState,
    MarketState,
    ReadingState,
    RouteState,
    RunnerState,
)
from tradsys.engine.trading.strategy_state import Packer, Wires, restore_strategy, strategy_state, unpacked
from tradsys.numerics.indicators import Stepper

_NOTHING = Wires({})


def engine_state(engine: Engine, *, schedule: Schedule, cutoffs: dict[str, int]) -> bytes:
    """Everything needed to go on from here, as MessagePack; the same bytes for the same state, in every process.

    Raises `ConfigError` for an engine whose indicators are computed ahead, `StrategyError` for a strategy that holds
    what cannot be kept.
    """
    for name, market in engine.markets.items():
        if not market.stepped:
            raise ConfigError(f"{name}: its indicators are computed ahead", value=name, fix="wire the engine stepped")
    log, planner, desk = engine.parts
    state = EngineState(
        identity=identity_of(engine, schedule, past=schedule.past),
        line=log.numbers.upcoming,
        order_id=planner.ids.upcoming,
        group=planner.groups.upcoming,
        ledger=ledger_state(engine.ledger),
        charges=desk.charges.state(),
        reserved=desk.standing.reserved,
        borrows=desk.standing.borrows,
        routes=list(_routes(desk)),
        live=list(_live(engine)),
        outbox=engine.outbox,
        runners=list(_runners(engine)),
        markets={name: _market(market) for name, market in engine.markets.items()},
        past=schedule.past,
        cutoffs=cutoffs,
        protected=protected_state(engine),
        rules=desk.state() if isinstance(desk, RuledDesk) else b"",
        limits=engine.limited.state() if engine.limited is not None else b"",
    )
    try:
        return msgspec.msgpack.encode(state)
    except (OverflowError, TypeError) as error:
        raise StrategyError(
            f"a number in the engine cannot be kept: {error}", value=str(error), limit="64 bits, Python's own types"
        ) from error


def state_hash(engine: Engine, *, schedule: Schedule, cutoffs: dict[str, int]) -> str:
    """SHA-256 of the state, hex: equal for engines that will decide alike. Raises as `engine_state`."""
    return sha256(engine_state(engine, schedule=schedule, cutoffs=cutoffs)).hexdigest()


def can_snapshot(engine: Engine) -> str:
    """Why no snapshot of this engine can be taken now; empty where one can. Takes as long as the snapshot."""
    try:
        engine_state(engine, schedule=Schedule(()), cutoffs={})
    except InputRefused as error:
        return str(error)
    return ""


def restore_engine(engine: Engine, *, schedule: Schedule, cutoffs: dict[str, int], state: bytes) -> None:
    """Make an engine that was just wired, stepped, what it was when `state` was taken.

    Raises `ConfigError` for bytes that are no state, of another version, or another engine's: it says what differs,
    and nothing was changed. Raises `InvariantBroken` for an engine that has processed something, `StrategyError` for a
    strategy's `restore` that raises: wire another then.
    """
    saved = _decoded(state)
    demand_same(mine=identity_of(engine, schedule, past=saved.past), saved=saved.identity)
    log, planner, desk = engine.parts
    if log.numbers.upcoming or engine.ledger.positions or schedule.past:
        raise InvariantBroken("a state goes into an engine that has processed nothing", value=log.numbers.upcoming)
    instruments = {name: market.instrument for name, market in engine.markets.items()}
    restore_ledger(engine.ledger, saved.ledger, instruments)
    desk.charges.restore(saved.charges)
    desk.standing.reserved, desk.standing.borrows = saved.reserved, saved.borrows
    for name, each in saved.markets.items():
        _restore_market(engine.markets[name], each)
    restore_conversions(engine.ledger, engine.markets.values())
    for route in saved.routes:
        desk.find((route.strategy, route.instrument, route.product, route.side)).offered = route.offered
    for runner, remembered in zip(engine.runners, saved.runners, strict=True):
        _restore_runner(engine, runner, remembered)
    for live in saved.live:
        _restore_live(engine, desk, live)
    restore_protected(engine, saved.protected)
    engine.outbox.extend(saved.outbox)
    if isinstance(desk, RuledDesk):
        desk.traffic.restore(saved.rules)
    if engine.limited is not None:
        engine.limited.restore(saved.limits, instruments)
    log.numbers.pass_over(saved.line)
    planner.ids.pass_over(saved.order_id - planner.ids.upcoming)
    planner.groups.pass_over(saved.group - planner.groups.upcoming)
    schedule.pass_over(saved.past)
    cutoffs.clear()
    cutoffs.update(saved.cutoffs)


def _decoded(state: bytes) -> EngineState:
    try:
        version = msgspec.msgpack.decode(state, type=Header).version
        if version == VERSION:
            return msgspec.msgpack.decode(state, type=EngineState)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unusable(f"it is none: {error}", len(state)) from error
    raise _unusable(f"version {version} wrote it, this one reads {VERSION}", version)


def _unusable(why: str, value: int) -> ConfigError:
    return ConfigError(f"the state of an engine: {why}", value=value, fix="replay the journal from its start")


# --- orders


def _routes(desk: OrderDesk) -> Iterator[RouteState]:
    for (strategy, instrument, product, side), route in desk.routes.items():
        yield RouteState(strategy=strategy, instrument=instrument, product=product, side=side, offered=route.offered)


def _live(engine: Engine) -> Iterator[LiveState]:
    for each in engine.working.values():
        yield LiveState(
            order=each.order,
            copy=engine.runners.index(each.desire.runner),
            seq=each.seq,
            remaining=each.remaining,
            reserved=each.reserved,
            offers=each.offers,
            pursues=each.pursues,
            state=each.state,
        )


def _restore_live(engine: Engine, desk: OrderDesk, saved: LiveState) -> None:
    order = saved.order
    desire = engine.runners[saved.copy].desires[order.instrument]
    route = desk.routes[order.strategy, order.instrument, order.product, order.side]
    live = LiveOrder(
        order,
        desire,
        route,
        saved.seq,
        saved.remaining,
        saved.reserved,
        saved.offers,
        saved.pursues,
        saved.state,
    )
    desk.live[order.order_id] = desire.orders[order.order_id] = live


# --- strategies


def _readings(engine: Engine) -> dict[str, object]:
    """Every reading that was handed out, by its market and its number there."""
    return {
        f"{name} {number}": reading
        for name, market in engine.markets.items()
        for number, (reading, _, _) in enumerate(market.steppers)
    }


def _wires(readings: dict[str, object], runner: Runner) -> Wires:
    return Wires({**readings, "account": runner.account})


def _runners(engine: Engine) -> Iterator[RunnerState]:
    packer, readings = Packer(), _readings(engine)
    for runner in engine.runners:
        remembered = b""
        if not runner.halted:
            wires = _wires(readings, runner)
            remembered = strategy_state(runner.id, runner.strategy, packer=packer, wires=wires)
        desires = {name: _desire(each) for name, each in runner.desires.items()}
        yield RunnerState(halted=runner.halted, desires=desires, remembered=remembered)


def _desire(desire: Desire) -> DesireState:
    return DesireState(strength=desire.strength, quantity=desire.quantity, working=desire.working)


def _restore_runner(engine: Engine, runner: Runner, saved: RunnerState) -> None:
    for name, each in saved.desires.items():
        desire = runner.desires[name]
        desire.strength, desire.quantity, desire.working = each.strength, each.quantity, each.working
    if saved.halted:
        engine.silence(runner)
    else:
        restore_strategy(runner.id, runner.strategy, saved.remembered, wires=_wires(_readings(engine), runner))


# --- markets


def _market(market: Market) -> MarketState:
    return MarketState(
        bar=market.bar,
        tick=market.tick,
        seen=market.seen,
        seen_at=market.seen_at,
        previous_close=market.previous_close,
        row=market.row,
        boundary=market.boundary,
        readings=[
            ReadingState(fields=dict(vars(reading)), stepper=_saved(stepper)) for reading, _, stepper in market.steppers
        ],
    )


def _saved(stepper: Stepper) -> bytes:
    return Packer().packed({"saved": stepper.state()}, owner="an indicator", wires=_NOTHING)


def _restore_market(market: Market, saved: MarketState) -> None:
    market.bar, market.tick = saved.bar, saved.tick
    market.seen, market.seen_at = saved.seen, saved.seen_at
    market.previous_close = saved.previous_close
    market.row, market.boundary = saved.row, saved.boundary
    for (reading, _, stepper), each in zip(market.steppers, saved.readings, strict=True):
        vars(reading).update(each.fields)
        stepper.restore(unpacked(each.stepper, wires=_NOTHING)["saved"])
