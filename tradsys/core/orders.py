"""The life cycle of an order: one table that the code looks up and the documents draw.

Rules for this file:
1. A missing entry is an illegal transition; nothing is ignored silently.
2. Terminal states have no entries but late fills, which the venue may report after a cancel crossed them.
3. Silence leads to `UNKNOWN`, which only what the venue says can end: the order counts at full size until then.
"""

from __future__ import annotations

from tradsys.core.errors import IllegalTransition
from tradsys.core.events import (
    Accepted,
    Approved,
    Cancelled,
    CancelRequested,
    Expired,
    Fill,
    OrderEvent,
    Refused,
    Rejected,
    Triggered,
    Unanswered,
    Word,
)


class OrderState(Word):
    """Where an order stands."""

    NEW = "new"
    APPROVED = "approved"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


_S = OrderState

TRANSITIONS: dict[OrderState, dict[type[OrderEvent], OrderState]] = {
    _S.NEW: {Approved: _S.APPROVED, Refused: _S.REFUSED},
    _S.APPROVED: {
        CancelRequested: _S.APPROVED,
        Unanswered: _S.UNKNOWN,
        Accepted: _S.OPEN,
        Rejected: _S.REJECTED,
        Cancelled: _S.CANCELLED,
        Expired: _S.EXPIRED,
    },
    _S.UNKNOWN: {
        CancelRequested: _S.UNKNOWN,
        Accepted: _S.OPEN,
        Rejected: _S.REJECTED,
        Cancelled: _S.CANCELLED,
        Expired: _S.EXPIRED,
    },
    _S.OPEN: {
        Triggered: _S.OPEN,
        CancelRequested: _S.OPEN,
        Fill: _S.PARTLY_FILLED,
        Cancelled: _S.CANCELLED,
        Expired: _S.EXPIRED,
    },
    _S.PARTLY_FILLED: {
        Triggered: _S.PARTLY_FILLED,
        CancelRequested: _S.PARTLY_FILLED,
        Fill: _S.PARTLY_FILLED,
        Cancelled: _S.CANCELLED,
        Expired: _S.EXPIRED,
    },
    _S.REFUSED: {},
    _S.FILLED: {},
    _S.CANCELLED: {Fill: _S.CANCELLED},
    _S.EXPIRED: {},
    _S.REJECTED: {},
}
"""State and event to next state. A fill of the whole remainder leads on to `FILLED` (see `step`)."""

TERMINAL = frozenset({_S.REFUSED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED})


# Bound once: on Python 3.11 an attribute look-up on an enumeration costs a hundred nanoseconds.
_PARTLY_FILLED, _FILLED = OrderState.PARTLY_FILLED, OrderState.FILLED


def step(state: OrderState, event: OrderEvent, remaining: int) -> OrderState:
    """The state after `event`; `remaining` is the quantity still unfilled after it. Raises `IllegalTransition`."""
    following = TRANSITIONS[state].get(type(event))
    if following is None:
        raise IllegalTransition(
            f"order {event.order_id}: {type(event).__name__} in state {state}",
            value=type(event).__name__,
            limit=state,
        )
    if following is _PARTLY_FILLED and remaining == 0 and type(event) is Fill:
        return _FILLED
    return following


def measured(value: str, *, limit: str) -> str:
    """What a refusal measured, in words: a figure against its limit, a state and the one that is needed."""
    if not limit:
        return value
    is_figure = any(each.isdigit() for each in limit)
    return f"{value} against {limit}" if is_figure else f"{value}; needed: {limit}"
