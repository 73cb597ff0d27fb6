"""The account in a snapshot: places of fills as they are, everything else by their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradsys.core.events import Product
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE, to_float
from tradsys.engine.markets import Market
from tradsys.engine.trading.engine_state_records import LedgerState, PositionState
from tradsys.portfolio.currencies import CurrencyLedger
from tradsys.portfolio.holdings import HoldingsLedger, Shares
from tradsys.portfolio.ledger import Ledger, Position


def ledger_state(ledger: Ledger) -> LedgerState:
    """What a ledger holds. What follows from an instrument (paid in full or not) is not kept."""
    number = {key: index for index, key in enumerate(ledger.places)}

    def numbers(positions: Iterable[Position]) -> list[int]:
        return [number[each.key] for each in positions]

    return LedgerState(
        cash=ledger.cash,
        charge_items=ledger.charge_items,
        places=[_position_state(each) for each in ledger.places.values()],
        positions=numbers(ledger.positions.values()),
        open_positions=numbers(ledger.open_positions.values()),
        strategies={name: numbers(owned) for name, owned in ledger.strategies.items()},
        cash_moves=[(*key, amount) for key, amount in ledger.cash_moves.items()],
        marks=ledger.marks,
        holdings=_holdings(ledger),
        rates=ledger.rates if isinstance(ledger, CurrencyLedger) else {},
        local_marks=ledger.local_marks if isinstance(ledger, CurrencyLedger) else {},
    )


def restore_ledger(ledger: Ledger, state: LedgerState, instruments: Mapping[str, Instrument]) -> None:
    """Make a fresh ledger what it was; its places stay the objects that strategies already hold."""
    places = [_restore_position(ledger, each, instruments) for each in state.places]
    for mine, numbers in ((ledger.positions, state.positions), (ledger.open_positions, state.open_positions)):
        mine.update((places[each].key, places[each]) for each in numbers)
    ledger.cash = state.cash
    ledger.charge_items.update(state.charge_items)
    ledger.strategies.update({name: [places[each] for each in owned] for name, owned in state.strategies.items()})
    ledger.cash_moves.update({(strategy, name): amount for strategy, name, amount in state.cash_moves})
    ledger.marks.update(state.marks)
    if isinstance(ledger, CurrencyLedger):
        ledger.rates.update(state.rates)
        ledger.local_marks.update(state.local_marks)
    if isinstance(ledger, HoldingsLedger):
        ledger.holdings.shares.update({(owner, name, Product.CNC): each for owner, name, each in state.holdings})


def restore_conversions(ledger: Ledger, markets: Iterable[Market]) -> None:
    """Make foreign markets know the rates of a ledger that was restored."""
    if isinstance(ledger, CurrencyLedger):
        for market in markets:
            market.conversion = to_float(ledger.rates.get(market.instrument.currency, SCALE))


def _holdings(ledger: Ledger) -> list[tuple[str, str, Shares]]:
    if not isinstance(ledger, HoldingsLedger):
        return []
    return [(strategy, name, each) for (strategy, name, _), each in ledger.holdings.shares.items()]


def _position_state(position: Position) -> PositionState:
    return PositionState(
        strategy=position.strategy,
        instrument=position.instrument.id,
        product=position.product,
        quantity=position.quantity,
        cost=position.cost,
        realised=position.realised,
        charges=position.charges,
    )


def _restore_position(ledger: Ledger, state: PositionState, instruments: Mapping[str, Instrument]) -> Position:
    position = ledger.place(state.strategy, instruments[state.instrument], state.product)
    position.quantity, position.cost = state.quantity, state.cost
    position.realised, position.charges = state.realised, state.charges
    return position
