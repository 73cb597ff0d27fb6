"""A quote takes the place of the one before it in its own instrument, and looks at nothing else that works."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from tests.builders import MONDAY, Case, Scripted, flat, minutes, scripted
from tradsys.core.events import Approved, Bar, CancelRequested
from tradsys.core.units import MINUTE
from tradsys.engine.assemble import Prepared

FIRST = 1_717_386_360_000_000_000


def market_maker(folder: Path, *, resting: int) -> Prepared:
    """Quotes on every bar of NSE:A; on each of NSE:B it leaves some low bids, and one in NSE:A."""

    def on_bar(strategy: Scripted, bar: Bar, account: Any) -> Iterator[Any]:
        if bar.instrument == "NSE:A":
            yield strategy.quote(bar, bid=99.0, ask=101.0, quantity=1)
        else:
            yield strategy.buy("NSE:A", 1, limit=90.0)
            for _ in range(resting):
                yield strategy.buy(bar, 1, limit=90.0)

    bars = {name: minutes(MONDAY, flat(*[100.0] * 5)) for name in ("NSE:A", "NSE:B")}
    strategies = [scripted(f"maker-{resting}", on_bar, use="Portfolio", product="MIS")]
    return Case(folder, bars, strategies).prepare()


def bar(name: str, minute: int) -> Bar:
    at = FIRST + minute * MINUTE
    return Bar(at, at, name, MINUTE, 100.0, 100.0, 100.0, 100.0, 1e6)


def test_only_the_quotes_before_it_are_withdrawn(tmp_path: Path) -> None:
    engine = market_maker(tmp_path, resting=3).engine
    engine.process(bar("NSE:A", 0))
    first = {each.order_id for each in engine.outbox if type(each) is Approved}
    engine.process(bar("NSE:B", 0))
    assert len(first) == 2
    assert len(engine.working) == 2 + 4
    engine.process(bar("NSE:A", 1))
    withdrawn = [each.order_id for each in engine.outbox if type(each) is CancelRequested]
    assert withdrawn == sorted(first)


def steps(prepared: Prepared, event: Bar) -> int:
    """Instructions of the interpreter that an event takes."""
    counted = 0

    def trace(frame: FrameType, what: str, detail: Any) -> Any:
        nonlocal counted
        frame.f_trace_opcodes = True
        counted += what == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        prepared.engine.process(event)
    finally:
        sys.settrace(before)
    return counted


def test_what_a_quote_costs_does_not_grow_with_the_orders_elsewhere(tmp_path: Path) -> None:
    costs = []
    for resting in (1, 500):
        prepared = market_maker(tmp_path / str(resting), resting=resting)
        prepared.engine.process(bar("NSE:A", 0))
        prepared.engine.process(bar("NSE:B", 0))
        assert len(prepared.engine.working) == 3 + resting
        costs.append(steps(prepared, bar("NSE:A", 1)))
    assert costs[0] == costs[1]
    assert costs[0] > 500, "the quote was not traced"
