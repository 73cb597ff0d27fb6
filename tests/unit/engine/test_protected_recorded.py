"""Protected market orders on recorded ticks, recorded depth and in a book of single orders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import conserve, run
from tests.unit.engine.test_order_level_run import built as in_book
from tests.unit.engine.test_order_level_run import day as day
from tests.unit.engine.test_recorded_run import Row, bodies, recorded
from tradsys.core.events import Approved, Cancelled, Fill, OrderType
from tradsys.core.protection import Move, ProtectionStep
from tradsys.core.units import SCALE
from tradsys.engine.protected_desk import attending

FALLING: list[Row] = [
    *((second * 1000, 100.0, 1.0, 99.9, 5.0, 100.0, 5.0) for second in range(6)),
    *((second * 1000, 95.0, 1.0, 94.9, 5.0, 95.0, 5.0) for second in range(6, 30)),
]
"""Seconds at 100, then at 95."""
TWO = {"market_protection": 2.0, "protection": {"wait_seconds": 2.0}}


def in_and_out(strategy: Any, tick: Any, account: Any) -> list[Any] | None:
    plan = {1: lambda: strategy.buy(tick, 3), 5: lambda: strategy.sell(tick, 3)}
    return [plan[strategy.n]()] if strategy.n in plan else None


@pytest.mark.parametrize("latency", [0.0, 1500.0])
def test_an_exit_that_the_market_ran_away_from_is_completed(tmp_path: Path, latency: float) -> None:
    """Sold with a cap of 98 just before the fall: with a way of 1.5 s it arrives after it and rests; two seconds on it
    is withdrawn, and goes on at 95 × 0.98 = 93.1 when the withdrawal is known."""
    done = run(
        recorded(tmp_path, FALLING, in_and_out, latency_ms=latency, response_ms=latency / 2, **TWO), watch=conserve
    )
    sold = [fill for fill in bodies(done, Fill) if fill.side < 0]
    assert sum(fill.quantity for fill in sold) == 3 * SCALE
    orders = [each.order for each in bodies(done, Approved)]
    assert all(each.type is OrderType.LIMIT for each in orders)
    if latency:
        assert [each.move for each in bodies(done, ProtectionStep)] == [Move.RE_PEG]
        assert [each.limit for each in orders][1:] == [98 * SCALE, 9_310_000_000]
        (gone,) = bodies(done, Cancelled)
        assert orders[2].at >= gone.at, "the next order is made when the withdrawal is known"
        assert {fill.price for fill in sold} == {9_490_000_000}
    else:
        assert {fill.price for fill in sold} == {9_990_000_000} and not bodies(done, ProtectionStep)


def test_what_a_thin_book_leaves_rests_at_the_cap_and_is_pursued(tmp_path: Path) -> None:
    """Five are shown: the rest of eight stands at its cap. Nothing trades there, so it is given more room."""
    plan = {1: lambda s, e: s.buy(e, 4), 3: lambda s, e: s.buy(e, 4), 8: lambda s, e: s.sell(e, 8)}
    rows: list[Row] = [(second * 1000, 100.0, 1.0, 99.9, 5.0, 100.0, 5.0) for second in range(40)]

    def script(strategy: Any, tick: Any, account: Any) -> list[Any] | None:
        return [plan[strategy.n](strategy, tick)] if strategy.n in plan else None

    done = run(recorded(tmp_path, rows, script, latency_ms=1.0, **TWO), watch=conserve)
    sold = [fill.quantity for fill in bodies(done, Fill) if fill.side < 0]
    assert sum(sold) == 8 * SCALE and len(sold) > 1


def test_in_a_book_of_single_orders_a_large_order_eats_to_its_cap(tmp_path: Path, day: Path) -> None:
    """It buys far more than the book holds inside a hundredth of a percent: what rests is withdrawn after a second."""

    def script(strategy: Any, tick: Any, account: Any) -> list[Any] | None:
        return [strategy.buy(tick, 5_000)] if strategy.n == 200 else None

    protection = {"market_protection": 0.01, "protection": {"wait_seconds": 1.0}}
    data = {"path": str(day / "orders.parquet"), "format": "orders"}
    instrument = {"id": "NSE:X", "tick": 0.05}
    done = run(in_book(tmp_path, script, data, instrument, product="MIS", **protection), watch=conserve)
    order = next(each.order for each in bodies(done, Approved) if each.order.reason != "square_off")
    bought = [fill for fill in bodies(done, Fill) if fill.order_id == order.order_id]
    assert bought and all(fill.price <= order.limit for fill in bought)
    assert sum(fill.quantity for fill in bought) < order.quantity
    assert next(iter(bodies(done, ProtectionStep))).move is Move.CANCEL
    desk = attending(done.engine)
    assert desk is not None and not list(desk.chains())
    assert not done.ledger.open_positions, "the square-off ended it"
