"""Closing positions by force: which, to get back below a limit, and the orders that do it, which pass the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import Entry
from tradsys.core.units import SCALE
from tradsys.engine.account_state import Holdings, closes, of_way
from tradsys.engine.engine import Engine
from tradsys.engine.runner import Desire
from tradsys.portfolio.ledger import Ledger, Position
from tradsys.risk.monitoring.account import AccountState
from tradsys.risk.monitoring.liquidation import Closing, Holding, plan
from tradsys.risk.monitoring.measures import Measure
from tradsys.risk.monitoring.monitor import gross_use, margin_use
from tradsys.risk.monitoring.settings import Thresholds

LIQUIDATION = "liquidation"
"""Reason of the orders that close positions by force to get back below a limit."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is beyond its limit, and what to close for it."""

    measure: Measure
    closings: Sequence[Closing]


class Liquidation:
    """Plans from the ledger, carries out by the engine's desk."""

    def __init__(self, limits: Thresholds, engine: Engine, holdings: Holdings, ledger: Ledger) -> None:
        self._limits = limits
        self._engine = engine
        self._holdings = holdings
        self._ledger = ledger

    def due(self, account: AccountState) -> Due | None:
        """What is to be closed now, beside what is being closed already; None below the limits."""
        limits = self._limits
        rules = (
            (margin_use(account, limits.liquidate_margin), self._holdings.margin, limits.liquidate_margin),
            (gross_use(account, limits.liquidate_gross), self._holdings.size, limits.liquidate_gross),
        )
        for measure, size, limit in rules:
            if measure is not None and measure.breached:
                closings = self._planned(measure, size, limit, account.at)
                if closings:
                    return Due(measure=measure, closings=closings)
        return None

    def _planned(self, measure: Measure, size: Callable[[Position], int], limit: int, at: int) -> list[Closing]:
        """Closing takes a position's size off the value, and its cost off what stands against that."""
        needed = measure.value - measure.limit + 1
        holdings = []
        for held in self._ledger.open_positions.values():
            cost, whole = self._holdings.cost(held), abs(held.quantity)
            frees = size(held) * SCALE - limit * cost
            going = sum(each.remaining for each in of_way(self._engine.working, held) if closes(each))
            left = max(0, whole - going)
            needed -= frees * (whole - left) // whole
            holdings.append(
                Holding(
                    strategy=held.strategy,
                    instrument=held.instrument.id,
                    product=held.product,
                    quantity=left if held.quantity > 0 else -left,
                    lot=held.instrument.lot_at(at),
                    frees=frees * left // whole,
                    cost=cost * left // whole,
                )
            )
        return plan(holdings, needed=needed)

    def carry_out(self, closings: Iterable[Closing], *, at: int, cause: int) -> list[Entry]:
        """Withdraw what else works on the way of each, because of a line, and close it at market; no strategy is
        asked."""
        entries: list[Entry] = []
        _, planner, desk = self._engine.parts
        for closing in closings:
            holding = closing.holding
            held = self._ledger.positions[holding.strategy, holding.instrument, holding.product]
            others = [each.order.order_id for each in of_way(self._engine.working, held) if not closes(each)]
            withdraw(self._engine, others, at=at, reason=LIQUIDATION, cause=cause, entries=entries)
            desire = self._desire(holding.strategy, holding.instrument)
            desire.quantity, desire.strength = 0, 0.0
            order = planner.market(desire, -closing.quantity, holding.product, reason=LIQUIDATION, at=at)
            # As every order that no strategy asked for: rules on rates do not hold it up.
            desk.submit(desire, order, False, -1, entries)
        return entries

    def _desire(self, strategy: str, instrument: str) -> Desire:
        for runner in self._engine.runners:
            if runner.id == strategy and instrument in runner.desires:
                return runner.desires[instrument]
        raise InvariantBroken("a position of a strategy that is not in the run", value=f"{strategy} {instrument}")


def withdraw(engine: Engine, numbers: Iterable[int], *, at: int, reason: str, cause: int, entries: list[Entry]) -> None:
    """Ask the venue to withdraw some working orders, by their numbers."""
    desk = engine.parts[2]
    for number in numbers:
        desk.request_cancel(desk.live[number], at=at, reason=reason, cause=cause, entries=entries)
