"""A user's market maker: its quotes become orders, changed in place, and it learns its position."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isnan

import pytest

from tests.unit.exchange.test_simulation import AT, Planned, commands_of, new, simulation
from tradsys.core.errors import StrategyError
from tradsys.core.events import Decision, QuoteIntent, Target, Tick
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import Action, BookSide, Command, Status
from tradsys.core.units import MILLISECOND, SECOND
from tradsys.exchange.agents.quoter import Quoter
from tradsys.exchange.simulation_record import SimulationRecord

SHARE = Instrument(id="NSE:X", exchange="NSE", symbol="X", segment=Segment.EQUITY)
Answer = Callable[[Tick, float], Decision | None]


def quote(bid: float | None, ask: float | None, quantity: float = 10.0) -> QuoteIntent:
    return QuoteIntent(instrument=SHARE.id, bid=bid, ask=ask, quantity=quantity)


def run(answer: Answer, *others: Planned, seconds: int = 8) -> tuple[Quoter, SimulationRecord]:
    def quotes(tick: Tick, position: float) -> Iterator[Decision]:
        wanted = answer(tick, position)
        if wanted is not None:
            yield wanted

    maker = Quoter(1, quotes, SHARE)
    return maker, simulation([maker, *others], seconds=seconds).run()


def sent(record: SimulationRecord) -> list[tuple[int, int, int, int]]:
    """Second, action, side and price of the quoter's commands."""
    return [
        ((command.at - AT) // SECOND, command.action, command.side, command.price)
        for _, command in commands_of(record)
        if command.account == 1
    ]


def test_quotes_rest_rounded_away_and_unchanged_ones_are_not_sent_again() -> None:
    _, record = run(lambda tick, position: quote(50.07, 50.11))
    assert sent(record) == [(1, Action.NEW, BookSide.BUY, 1001), (1, Action.NEW, BookSide.SELL, 1003)]
    assert record.orders()["at"][1] == AT + SECOND + MILLISECOND


def test_quotes_move_in_place_and_are_withdrawn() -> None:
    def answer(tick: Tick, position: float) -> Decision:
        second = (tick.at - AT) // SECOND
        return quote(50.0, 51.0) if second < 3 else quote(50.1, 51.0) if second < 5 else quote(None, None)

    _, record = run(answer)
    actions = [row[:3] for row in sent(record)]
    assert actions[2:] == [
        (3, Action.REPLACE, BookSide.BUY),
        (5, Action.CANCEL, BookSide.BUY),
        (5, Action.CANCEL, BookSide.SELL),
    ]
    ids = {command.order_id for _, command in commands_of(record) if command.account == 1}
    assert len(ids) == 2


def test_it_learns_its_position_and_restores_what_was_filled() -> None:
    seen: list[tuple[float, float]] = []

    def answer(tick: Tick, position: float) -> Decision:
        seen.append((position, tick.bid_quantity))
        return quote(50.0, 51.0)

    other = Planned(2, [(3, new(10**6, BookSide.SELL, 1000, 4))])
    maker, record = run(answer, other)
    assert maker.position == 4
    assert seen[1] == (0.0, 10.0)
    assert seen[2] == (4.0, 6.0)
    assert seen[3] == (4.0, 10.0)
    assert sent(record)[2] == (3, Action.REPLACE, BookSide.BUY, 1000)


def test_a_quote_that_would_trade_is_rejected_and_tried_again() -> None:
    other = Planned(2, [(1, new(10**6, BookSide.SELL, 1000, 4)), (4, Command(Action.CANCEL, 10**6))])
    maker, record = run(lambda tick, position: quote(50.0, None), other)
    statuses = [status for status, command in commands_of(record) if command.account == 1]
    assert statuses == [Status.REJECTED, Status.REJECTED, Status.REJECTED, Status.OPEN]
    assert maker.position == 0


def test_an_empty_market_has_no_prices() -> None:
    seen: list[Tick] = []
    run(lambda tick, position: seen.append(tick), seconds=2)
    assert all(isnan(value) for value in (seen[0].bid, seen[0].ask, seen[0].last))


def test_an_intent_that_is_no_quote_is_refused() -> None:
    with pytest.raises(StrategyError, match="yields quotes"):
        run(lambda tick, position: Target(instrument=SHARE.id, quantity=5.0))
