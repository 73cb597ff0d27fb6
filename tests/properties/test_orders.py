"""The life cycle of an order: the table is all there is, and what has ended stays ended."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.errors import IllegalTransition
from tradsys.core.events import (
    Accepted,
    Approved,
    Cancelled,
    CancelRequested,
    Charged,
    Expired,
    Fill,
    Order,
    OrderEvent,
    OrderType,
    Product,
    Refused,
    Rejected,
    Side,
    Triggered,
    Unanswered,
    Validity,
)
from tradsys.core.orders import TERMINAL, TRANSITIONS, OrderState, measured, step

ORDER = Order(
    at=0,
    order_id=1,
    strategy="s",
    instrument="X:A",
    side=Side.BUY,
    quantity=10,
    type=OrderType.MARKET,
    product=Product.CNC,
    validity=Validity.DAY,
)
FILL: dict[str, Any] = {
    "exchange_at": 0,
    "strategy": "s",
    "instrument": "X:A",
    "side": Side.BUY,
    "product": Product.CNC,
}
EVENTS: list[OrderEvent] = [
    Approved(at=0, order_id=1, order=ORDER),
    Refused(at=0, order_id=1, rule="r", limit="l", value="v"),
    Accepted(at=0, order_id=1),
    Rejected(at=0, order_id=1, reason=""),
    Triggered(at=0, order_id=1),
    Fill(at=0, order_id=1, quantity=1, price=1, **FILL),
    CancelRequested(at=0, order_id=1, reason=""),
    Cancelled(at=0, order_id=1, remaining=1, reason=""),
    Expired(at=0, order_id=1, remaining=1, reason=""),
    Charged(at=0, order_id=1, total=0, items=()),
    Unanswered(at=0, order_id=1, reason=""),
]

LEGAL = {
    ("new", "Approved"): "approved",
    ("new", "Refused"): "refused",
    ("approved", "Accepted"): "open",
    ("approved", "Rejected"): "rejected",
    ("approved", "CancelRequested"): "approved",
    ("approved", "Cancelled"): "cancelled",
    ("approved", "Expired"): "expired",
    ("approved", "Unanswered"): "unknown",
    ("unknown", "CancelRequested"): "unknown",
    ("unknown", "Accepted"): "open",
    ("unknown", "Rejected"): "rejected",
    ("unknown", "Cancelled"): "cancelled",
    ("unknown", "Expired"): "expired",
    ("open", "Triggered"): "open",
    ("open", "CancelRequested"): "open",
    ("open", "Fill"): "partly_filled",
    ("open", "Cancelled"): "cancelled",
    ("open", "Expired"): "expired",
    ("partly_filled", "Triggered"): "partly_filled",
    ("partly_filled", "CancelRequested"): "partly_filled",
    ("partly_filled", "Fill"): "partly_filled",
    ("partly_filled", "Cancelled"): "cancelled",
    ("partly_filled", "Expired"): "expired",
    ("cancelled", "Fill"): "cancelled",
}
"""Written out by hand from the docstrings of the events, not read from the table."""


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_pair(state: OrderState, event: OrderEvent) -> None:
    expected = LEGAL.get((state.value, type(event).__name__))
    if expected is None:
        with pytest.raises(IllegalTransition, match="order 1"):
            step(state, event, remaining=5)
    else:
        assert step(state, event, remaining=5) == expected


@pytest.mark.parametrize("state", [OrderState.OPEN, OrderState.PARTLY_FILLED])
def test_the_last_fill_ends_an_order(state: OrderState) -> None:
    assert step(state, EVENTS[5], remaining=0) is OrderState.FILLED


def test_a_trigger_ends_nothing() -> None:
    assert step(OrderState.PARTLY_FILLED, EVENTS[4], remaining=0) is OrderState.PARTLY_FILLED


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 3)), max_size=30))
def test_no_sequence_leads_out_of_the_table(sequence: list[tuple[OrderEvent, int]]) -> None:
    state, ended = OrderState.NEW, False
    for event, remaining in sequence:
        before = state
        try:
            state = step(state, event, remaining=remaining)
        except IllegalTransition:
            assert state is before
            continue
        assert state in TRANSITIONS
        if ended:
            assert state is before
        ended = state in TERMINAL


def test_every_state_is_reached_and_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    reached = {following for events in TRANSITIONS.values() for following in events.values()}
    assert reached | {OrderState.NEW, OrderState.FILLED} == set(OrderState)
    assert {state for state in OrderState if not set(TRANSITIONS[state].values()) - {state}} == TERMINAL


def test_a_refusal_says_what_was_measured_and_against_what() -> None:
    assert measured("12", limit="10") == "12 against 10"
    assert measured("not reconciled", limit="a reconciled account") == "not reconciled; needed: a reconciled account"
    assert measured("nothing", limit="") == "nothing"
