"""Limits of a process that trades: what people do by hand in the broker's own app counts, and a restart changes
nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.venue import ACCOUNT
from tests.unit.engine.test_process import COIN, Pair
from tradsys.core.events import Approved, OrderType, Product, Refused, Side, Validity
from tradsys.core.units import SCALE
from tradsys.core.venue import CancelOrder, PlaceOrder
from tradsys.engine.trading import records
from tradsys.journal.reading import Reader
from tradsys.risk.limits import ACCOUNT as ACCOUNT_SCOPE
from tradsys.risk.limits import LimitsSection


def by_hand(pair: Pair, quantity: float, *, limit: float = 0.0, instrument: str = COIN) -> None:
    """Somebody buys in the broker's own app."""
    order = PlaceOrder(
        tag="",
        instrument=instrument,
        side=Side.BUY,
        quantity=round(quantity * SCALE),
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        product=Product.NRML,
        validity=Validity.GTC,
        limit=round(limit * SCALE),
    )
    pair.venue.server.by_hand(ACCOUNT, order, at=pair.world.now)
    pair.talk()


def bodies(pair: Pair, kind: type) -> list[Any]:
    entries = [
        records.decode(each.kind, each.payload, sequence=each.sequence)
        for each in Reader(pair.disk.stable())
        if each.kind == records.ENTRY
    ]
    return [each.body for each in entries if isinstance(each.body, kind)]


def values(pair: Pair) -> set[str]:
    """What the refusals of the one strategy that buys three tenths say."""
    return {each.value for each in bodies(pair, Refused) if each.order.strategy.startswith("Stepper")}


def test_without_anybody_else_the_limit_is_room_enough() -> None:
    pair = Pair(own_limits=LimitsSection(position=0.4))
    pair.run(14)
    bought = [each.order for each in bodies(pair, Approved) if each.order.side is Side.BUY]
    assert [each.quantity for each in bought] == [3 * SCALE // 10]


def test_a_position_made_by_hand_counts_and_is_left_alone() -> None:
    pair = Pair(own_limits=LimitsSection(position=0.4))
    by_hand(pair, 0.2)
    pair.run(14)
    assert not bodies(pair, Approved) and values(pair) == {"0.5"}
    ledger = pair.process.trading.engine.ledger
    assert ledger.position("external", COIN, Product.NRML) == SCALE // 5
    assert pair.venue.positions() == {(COIN, "NRML"): SCALE // 5}, "nobody closed it"


def test_an_order_made_by_hand_counts_while_it_works_and_no_longer() -> None:
    pair = Pair(own_limits=LimitsSection(position=0.4))
    by_hand(pair, 0.2, limit=100.0)
    pair.run(14)
    assert not bodies(pair, Approved) and values(pair) == {"0.5"}
    (venue_id,) = pair.process.trading.tracker.external
    pair.venue.server.by_hand(ACCOUNT, CancelOrder(venue_id=venue_id), at=pair.world.now)
    pair.talk()
    pair.run(14)
    assert bodies(pair, Approved), "it is gone"


@pytest.mark.parametrize(("open_value", "passes"), [(160.0, False), (250.0, True)])
def test_what_it_is_worth_counts_among_open_orders(open_value: float, passes: bool) -> None:
    """It is valued at the last price, 500: fifty; three tenths of a coin make one hundred and fifty."""
    pair = Pair(own_limits=LimitsSection(open_value=open_value))
    by_hand(pair, 0.1, limit=100.0)
    pair.run(14)
    assert bool(bodies(pair, Approved)) is passes


def test_counts_of_the_day_outlive_a_restart() -> None:
    pair = Pair(own_limits=LimitsSection(trades_per_day=1))
    pair.run(14)
    limited = pair.process.trading.engine.limited
    assert limited is not None
    before = limited.state()
    pair.killed()
    pair.started()
    again = pair.process.trading.engine.limited
    assert again is not None and again is not limited and again.state() == before
    pair.run(30)
    assert again.commitments.tally(ACCOUNT_SCOPE).trades == 1
    assert "max-trades-day" in {each.rule for each in bodies(pair, Refused)}
