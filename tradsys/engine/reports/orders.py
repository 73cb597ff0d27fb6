"""The order log: every order that a run's checks judged, from the verdict to its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from tradsys.compliance.sebi.rule_check import source_of
from tradsys.core.events import (
    Accepted,
    Approved,
    CancelRequested,
    Charged,
    Entry,
    Fill,
    Order,
    OrderEvent,
    Refused,
    Stray,
    StrayKind,
)
from tradsys.core.order_terms import stated
from tradsys.core.orders import TERMINAL, OrderState, step
from tradsys.core.units import SCALE, Rounding, divide
from tradsys.engine.reports.algo_ids import AlgoIds
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.reports.sheets import Heading, Sheet
from tradsys.execution.tags import tag_of

HEADINGS = (
    Heading("order_id", "count", "Order"),
    Heading("line", "count"),
    Heading("made_utc", "utc", "Made (UTC)"),
    Heading("made_exchange", "local", "Made (exchange)"),
    Heading("strategy"),
    Heading("algo_id", label="Algo id"),
    Heading("instrument"),
    Heading("side"),
    Heading("type"),
    Heading("validity"),
    Heading("product"),
    Heading("quantity", "exact"),
    Heading("limit", "exact"),
    Heading("trigger", "exact"),
    Heading("trail", "exact"),
    Heading("display", "exact", "Shown at a time"),
    Heading("post_only"),
    Heading("expires_utc", "utc", "Good till (UTC)"),
    Heading("parent", "count", "Child of"),
    Heading("linked", "count", "Linked with"),
    Heading("protection_percent", "exact", "Market protection, %"),
    Heading("goes_on_with", "count", "Goes on with"),
    Heading("verdict"),
    Heading("rule"),
    Heading("rule_limit", label="Its limit"),
    Heading("rule_value", label="Its value"),
    Heading("tag"),
    Heading("venue_id", "count", "Venue's number"),
    Heading("sent_utc", "utc", "Sent (UTC)"),
    Heading("acknowledged_utc", "utc", "Acknowledged (UTC)"),
    Heading("acknowledged_exchange", "local", "Acknowledged (exchange)"),
    Heading("state"),
    Heading("filled", "exact"),
    Heading("average_price", "exact"),
    Heading("ended_utc", "utc", "Ended (UTC)"),
    Heading("ended_exchange", "local", "Ended (exchange)"),
    Heading("end_reason"),
    Heading("reason"),
    Heading("source", label="Source of the rule"),
)


@dataclass(slots=True)
class OrderLife:
    """What became of one order: `filled` and `average_price` 1e-8, instants None where it did not come to that, the
    reason of the last request to withdraw it."""

    order: Order
    line: int
    refused: Refused | None
    state: OrderState
    filled: int = 0
    paid: int = 0
    acknowledged_at: int | None = None
    ended_at: int | None = None
    end_reason: str = ""
    cancel_requests: int = 0
    withdrawn_for: str = ""

    @property
    def average_price(self) -> int | None:
        """Mean price of what filled, to the nearest 1e-8; None where nothing did."""
        return divide(self.paid, self.filled, Rounding.NEAREST) if self.filled else None


def lives(entries: Iterable[Entry]) -> dict[int, OrderLife]:
    """Every order of a log by its number, in the order of the verdicts. Raises `IllegalTransition` for a log in which
    an order does what none may."""
    found: dict[int, OrderLife] = {}
    for entry in entries:
        body = entry.body
        if isinstance(body, Approved | Refused):
            if body.order is not None:
                found[body.order_id] = _judged(body, body.order, line=entry.seq)
        elif isinstance(body, OrderEvent) and body.order_id in found and not isinstance(body, Charged):
            _live_on(found[body.order_id], body)
    return found


def _judged(verdict: Approved | Refused, order: Order, *, line: int) -> OrderLife:
    refused = verdict if isinstance(verdict, Refused) else None
    state = step(OrderState.NEW, verdict, order.quantity)
    life = OrderLife(order=order, line=line, refused=refused, state=state)
    if refused is not None:
        life.ended_at = refused.at
    return life


def _live_on(life: OrderLife, event: OrderEvent) -> None:
    if isinstance(event, Stray):
        sign = -1 if event.kind is StrayKind.BUST else 1
        _fill(life, event.fill, sign)
        return
    if isinstance(event, Fill):
        _fill(life, event, 1)
    elif isinstance(event, Accepted) and life.acknowledged_at is None:
        life.acknowledged_at = event.at
    elif isinstance(event, CancelRequested):
        life.cancel_requests += 1
        life.withdrawn_for = event.reason
    life.state = step(life.state, event, max(life.order.quantity - life.filled, 0))
    if life.state in TERMINAL and life.ended_at is None:
        life.ended_at = event.at
        life.end_reason = str(getattr(event, "reason", "")) if not isinstance(event, Fill) else ""


def _fill(life: OrderLife, fill: Fill, sign: int) -> None:
    life.filled += sign * fill.quantity
    life.paid += sign * fill.quantity * fill.price


def order_sheet(record: RunRecord, chosen: Sequence[OrderLife], ids: AlgoIds) -> Sheet:
    """The order log as a table, one row an order."""
    return Sheet(
        name="orders",
        title="Order log",
        lead="Every order that the checks judged, in the order of their verdicts, from the verdict to its end.",
        headings=HEADINGS,
        rows=[_row(each, record, ids) for each in chosen],
        zone=record.zone,
        currency=record.currency,
    )


def _row(life: OrderLife, record: RunRecord, ids: AlgoIds) -> tuple[Any, ...]:
    order, refused = life.order, life.refused
    terms, capped = stated(order.terms), order.capped
    algo_id = ids.of(order.strategy, record.instruments[order.instrument], order.at)
    sent = record.sent_of(order.order_id)
    tag = tag_of(record.name, order.order_id) if record.saved.live else ""
    return (
        order.order_id, life.line, order.at, order.at, order.strategy, algo_id, order.instrument,
        order.side.name.lower(), order.type, order.validity, order.product, order.quantity, order.limit or None,
        order.trigger or None, order.trail or None, terms.display or None, "yes" if terms.post_only else "",
        terms.expires_at or None, order.parent or None, order.group or None,
        None if capped is UNSET else capped.percent * SCALE // 100, None if capped is UNSET else capped.first or None,
        "approved" if refused is None else "refused", refused.rule if refused else "",
        refused.limit if refused else "", refused.value if refused else "", tag,
        (sent.venue_id or None) if sent else None, sent.at if sent else None, life.acknowledged_at,
        life.acknowledged_at, life.state, life.filled, life.average_price, life.ended_at, life.ended_at,
        life.end_reason, order.reason, source_of(refused) if refused else "",
    )  # fmt: skip
