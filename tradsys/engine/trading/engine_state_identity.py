"""Which engine a snapshot belongs to, and what differs where it is another's."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.engine.engine import Engine
from tradsys.engine.markets import Market
from tradsys.engine.runner import Runner
from tradsys.engine.schedule import Schedule
from tradsys.engine.trading.engine_state_records import Identity, StrategyIdentity
from tradsys.numerics.indicators import Indicator


def identity_of(engine: Engine, schedule: Schedule, *, past: int) -> Identity:
    """What must be the same of an engine and its calendar up to the `past`-th event of it for a snapshot to fit."""
    return Identity(
        currency=engine.ledger.currency,
        cash=engine.ledger.start,
        strategies=tuple(_strategy(each) for each in engine.runners),
        instruments={name: market.instrument for name, market in engine.markets.items()},
        indicators={name: tuple(_indicators(market)) for name, market in engine.markets.items()},
        calendar=sha256(msgspec.msgpack.encode(schedule.first(past))).hexdigest(),
    )


def demand_same(*, mine: Identity, saved: Identity) -> None:
    """Raise `ConfigError` that names the first difference between this engine and the one of a snapshot."""
    here, there = msgspec.to_builtins(mine), msgspec.to_builtins(saved)
    for where, ours, other in _differences(here, there, ""):
        raise ConfigError(
            f"the snapshot is of another engine: {where} is {other!r} there and {ours!r} here",
            value=str(other),
            limit=str(ours),
            fix="start with the same run file, or replay the journal from its start",
        )


def _strategy(runner: Runner) -> StrategyIdentity:
    strategy = runner.strategy
    return StrategyIdentity(
        name=runner.id,
        kind=type(strategy).__qualname__,
        parameters={name: getattr(strategy, name) for name in strategy.parameters},
        instruments=runner.instruments,
        product=runner.product,
    )


def _indicators(market: Market) -> Iterator[str]:
    for _, indicator, _ in market.steppers:
        own: Any = indicator
        yield repr(own) if isinstance(own, Indicator) else f"{getattr(own, 'name', type(own).__name__)} {own.outputs}"


_ABSENT = "nothing"


def _differences(here: Any, there: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Places where two trees of plain values differ, with the values of both."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key in dict.fromkeys((*here, *there)):
            inner = f"{where}.{key}" if where else str(key)
            yield from _differences(here.get(key, _ABSENT), there.get(key, _ABSENT), inner)
        if list(here) != list(there):
            yield f"the order of {where}", list(here), list(there)
    elif isinstance(here, list | tuple) and isinstance(there, list | tuple):
        for number in range(max(len(here), len(there))):
            ours, other = (each[number] if number < len(each) else _ABSENT for each in (here, there))
            yield from _differences(ours, other, f"{where}[{number}]")
    elif here != there or type(here) is not type(there):
        yield where, here, there
