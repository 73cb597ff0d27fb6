"""What each record changes in the tables of the read model: a pure fold, the same for every database.

`changes` answers with statements of `tradsys.journal.statements` and their parameters. Only positions are kept here
between records, because what closes takes its share of the cost in exact integers; the tables hold all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from tradsys.core import events
from tradsys.core.errors import DataError
from tradsys.core.events import ActionKind, CorporateAction, Fill, Order, StrayKind
from tradsys.core.orders import OrderState
from tradsys.core.safety import SafetyLowered, SafetyRaised
from tradsys.core.venue import AnyCommand, ChangeOrder, PlaceOrder
from tradsys.journal import statements as sql
from tradsys.journal.position_line import PositionLine
from tradsys.journal.records import Record

Parameters = dict[str, Any]
Change = tuple[str, Parameters]
TagOf = Callable[[str, int], str]
"""The tag of a run's order."""

AUDITED = frozenset({"alert", "epoch", "limit", "operator", "plan", "reset", "run", "safety", "seal", "stopped"})
"""Kinds of record that say who ran, stopped or changed what."""


class Line(msgspec.Struct, frozen=True):
    """An entry of the decision log whose body is looked at later."""

    seq: int
    cause: int
    at: int
    strategy: str
    body: msgspec.Raw


class _Head(msgspec.Struct, frozen=True):
    """What bodies of entries have in common."""

    event: str
    instrument: str = ""
    reason: str = ""
    order_id: int = 0


class _Row(msgspec.Struct, frozen=True):
    """An order in a venue's answer."""

    tag: str
    venue_id: int


class _Said(msgspec.Struct, frozen=True):
    """What reports have in common, and the orders of an answer."""

    message: str
    at: int = 0
    tag: str = ""
    venue_id: int = 0
    open: int = 0
    limit: msgspec.Raw = msgspec.Raw(b"0")
    orders: tuple[_Row, ...] = ()


class _Run(msgspec.Struct, frozen=True):
    """The name of a run."""

    run: str


class _Author(msgspec.Struct, frozen=True):
    """Who is named in a record, if anybody is."""

    by: str = ""


_DECISIONS = frozenset(kind.__name__ for kind in events.Decision.__args__)
_ENDS: dict[str, OrderState] = {
    "Accepted": OrderState.OPEN,
    "Rejected": OrderState.REJECTED,
    "Unanswered": OrderState.UNKNOWN,
    "Cancelled": OrderState.CANCELLED,
    "Expired": OrderState.EXPIRED,
}
_SILENT = frozenset(
    {
        "Triggered",
        "CancelRequested",
        "RiskAlert",
        "BreakerTripped",
        "BreakerReset",
        "Liquidating",
        "LimitChanged",
        "RepeatReset",
        "ProtectionStep",
    }
)
_decode_line = msgspec.json.Decoder(Line).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_said = msgspec.json.Decoder(_Said).decode
_decode_author = msgspec.json.Decoder(_Author).decode
_decode_run = msgspec.json.Decoder(_Run).decode
_decode_command = msgspec.json.Decoder(AnyCommand).decode
_decode_safety = msgspec.json.Decoder(SafetyRaised | SafetyLowered).decode
_OUTCOMES: dict[str, Callable[[bytes | msgspec.Raw], Any]] = {
    kind.__name__: msgspec.json.Decoder(kind).decode
    for kind in (
        events.Approved,
        events.Refused,
        events.Fill,
        events.Stray,
        events.Charged,
        events.CashMoved,
        events.CorporateAction,
        events.Halted,
        SafetyRaised,
        SafetyLowered,
    )
}


class Fold:
    """Records in, changes of the tables out. `positions` are those that the tables have, `run` the last one begun;
    `tag_of` names an order of a run as the venue knows it."""

    def __init__(self, tag_of: TagOf, *, positions: Iterable[PositionLine] = (), run: str = "") -> None:
        self._tag_of = tag_of
        self._run = run
        self._positions = {(each.strategy, each.instrument, each.product): each for each in positions}

    def changes(self, record: Record, *, segment: str, offset: int) -> list[Change]:
        """What a record changes; of a kind not known here, that it is there.

        Raises `DataError` for a known kind that cannot be read: it is of a newer version.
        """
        row = {
            "sequence": record.sequence,
            "kind": record.kind,
            "at": record.at,
            "recorded_at": record.recorded_at,
            "cause": record.cause,
            "line": None,
            "line_cause": None,
            "segment": segment,
            "byte_offset": offset,
        }
        found: list[Change] = [(sql.RECORD, row)]
        try:
            if record.kind == "entry":
                line = _decode_line(record.payload)
                row["line"], row["line_cause"] = line.seq, line.cause if line.cause >= 0 else None
                self._entry(line, record.sequence, found)
            elif record.kind == "intent":
                _intent(_decode_command(record.payload), record, found)
            elif record.kind == "report":
                _report(_decode_said(record.payload), record.sequence, found)
            elif record.kind == "run":
                self._run = _decode_run(record.payload).run
            elif record.kind == "safety":
                found.append((sql.SAFETY, _safety(_decode_safety(record.payload), record.sequence)))
            if record.kind in AUDITED:
                found.append((sql.AUDIT, _audit(record)))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(
                f"record {record.sequence} of kind {record.kind!r} cannot be read: {error}",
                value=record.sequence,
                fix="read the journal with the version that wrote it",
            ) from error
        return found

    def _entry(self, line: Line, sequence: int, found: list[Change]) -> None:
        head = _decode_head(line.body)
        if head.order_id:
            found.append((sql.ABOUT_ORDER, {"order_id": head.order_id, "sequence": sequence}))
        if head.event in _DECISIONS:
            _decision(line, head, sequence, found)
        elif head.event in _ENDS:
            state = {"order_id": head.order_id, "state": str(_ENDS[head.event]), "reason": head.reason, "at": line.at}
            found.append((sql.STATE, state))
        elif head.event in _OUTCOMES:
            self._outcome(_OUTCOMES[head.event](line.body), line, sequence, found)
        elif head.event not in _SILENT:
            raise msgspec.ValidationError(f"no event {head.event!r}")

    def _outcome(self, body: Any, line: Line, sequence: int, found: list[Change]) -> None:
        match body:
            case events.Approved(order=order):
                found.append((sql.ORDER, self._order(order, sequence, OrderState.APPROVED)))
            case events.Refused(order=order):
                if order is not None:
                    reason = f"{body.rule}: {body.value}, limit {body.limit}"
                    found.append((sql.ORDER, self._order(order, sequence, OrderState.REFUSED, reason)))
            case events.Fill():
                filled = {"order_id": body.order_id, "quantity": body.quantity, "at": body.at}
                found.append((sql.FILLED, filled))
                self._trade(body, "", line, sequence, found)
            case events.Stray(kind=kind, fill=fill):
                signed = -fill.quantity if kind is StrayKind.BUST else fill.quantity
                found.append((sql.STRAYED, {"order_id": body.order_id, "quantity": signed, "at": body.at}))
                self._trade(fill, kind, line, sequence, found)
            case events.Charged():
                found.append((sql.CHARGED, {"total": body.total, "line": line.cause}))
                found.append((sql.TRANSACTION, _charge(body, line, sequence)))
            case events.CashMoved():
                found.append((sql.TRANSACTION, _cash(body, sequence)))
            case CorporateAction():
                self._carry(body, found)
            case events.Halted():
                found.append((sql.HALTED, {"strategy": body.strategy, "at": body.at, "error": body.error}))
            case _:
                found.append((sql.SAFETY, _safety(body, sequence)))

    def _order(self, order: Order, sequence: int, state: OrderState, reason: str = "") -> Parameters:
        return {
            "order_id": order.order_id,
            "tag": self._tag_of(self._run, order.order_id),
            "venue_id": 0,
            "strategy": order.strategy,
            "instrument": order.instrument,
            "side": int(order.side),
            "quantity": order.quantity,
            "type": str(order.type),
            "product": str(order.product),
            "validity": str(order.validity),
            "limit_price": order.limit,
            "trigger_price": order.trigger,
            "parent": order.parent,
            "state": str(state),
            "filled": 0,
            "reason": reason,
            "created_at": order.at,
            "updated_at": order.at,
            "sequence": sequence,
        }

    def _trade(self, fill: Fill, stray: str, line: Line, sequence: int, found: list[Change]) -> None:
        trade = {
            "sequence": sequence,
            "line": line.seq,
            "order_id": fill.order_id,
            "strategy": fill.strategy,
            "instrument": fill.instrument,
            "side": int(fill.side),
            "quantity": fill.quantity,
            "price": fill.price,
            "product": str(fill.product),
            "maker": int(fill.maker),
            "stray": str(stray),
            "charges": 0,
            "at": fill.at,
            "exchange_at": fill.exchange_at,
        }
        found.append((sql.TRADE, trade))
        key = (fill.strategy, fill.instrument, str(fill.product))
        held = self._positions.get(key)
        if held is None:
            held = self._positions[key] = PositionLine(strategy=key[0], instrument=key[1], product=key[2])
        held.take(fill)
        found.append((sql.POSITION, msgspec.structs.asdict(held)))

    def _carry(self, action: CorporateAction, found: list[Change]) -> None:
        if action.kind is ActionKind.DIVIDEND:
            return
        for held in self._positions.values():
            if held.instrument == action.instrument and held.quantity:
                held.carry(action)
                found.append((sql.POSITION, msgspec.structs.asdict(held)))


def _decision(line: Line, head: _Head, sequence: int, found: list[Change]) -> None:
    decision = {
        "sequence": sequence,
        "at": line.at,
        "strategy": line.strategy,
        "event": head.event,
        "instrument": head.instrument,
        "reason": head.reason,
        "body": bytes(line.body).decode(),
    }
    found.append((sql.DECISION, decision))
    found.append((sql.DECIDED, {"strategy": line.strategy, "at": line.at}))


def _intent(command: AnyCommand, record: Record, found: list[Change]) -> None:
    placed = command if isinstance(command, PlaceOrder) else None
    intent = {
        "sequence": record.sequence,
        "at": record.at,
        "cause": record.cause,
        "message": type(command).__name__,
        "tag": placed.tag if placed else "",
        "venue_id": 0 if isinstance(command, PlaceOrder) else command.venue_id,
        "instrument": placed.instrument if placed else "",
        "side": int(placed.side) if placed else 0,
        "quantity": command.quantity if isinstance(command, PlaceOrder | ChangeOrder) else 0,
        "limit_price": command.limit if isinstance(command, PlaceOrder | ChangeOrder) else 0,
        "reduces": int(placed.reduces) if placed else 0,
    }
    found.append((sql.INTENT, intent))
    if placed:
        found.append((sql.ABOUT_TAG, {"tag": placed.tag, "sequence": record.sequence}))
    else:
        found.append((sql.ABOUT_VENUE_ID, {"venue_id": intent["venue_id"], "sequence": record.sequence}))


def _report(said: _Said, sequence: int, found: list[Change]) -> None:
    """What a venue said changes no order's state here: what the engine made of it does, in its entries."""
    found += [(sql.KNOWN, {"tag": row.tag, "venue_id": row.venue_id}) for row in said.orders if row.tag]
    if said.tag:
        found.append((sql.ABOUT_TAG, {"tag": said.tag, "sequence": sequence}))
        if said.venue_id:
            found.append((sql.KNOWN, {"tag": said.tag, "venue_id": said.venue_id}))
        if said.message == "Changed":
            terms = {"tag": said.tag, "open": said.open, "limit": msgspec.json.decode(said.limit), "at": said.at}
            found.append((sql.CHANGED, terms))
    elif said.venue_id:
        found.append((sql.ABOUT_VENUE_ID, {"venue_id": said.venue_id, "sequence": sequence}))


def _charge(body: events.Charged, line: Line, sequence: int) -> Parameters:
    return {
        "sequence": sequence,
        "at": body.at,
        "strategy": line.strategy,
        "instrument": "",
        "order_id": body.order_id,
        "kind": "charges",
        "amount": -body.total,
        "reason": ", ".join(name for name, _ in body.items),
    }


def _cash(body: events.CashMoved, sequence: int) -> Parameters:
    return {
        "sequence": sequence,
        "at": body.at,
        "strategy": body.strategy,
        "instrument": body.instrument,
        "order_id": 0,
        "kind": "cash",
        "amount": body.amount,
        "reason": body.reason,
    }


def _safety(body: SafetyRaised | SafetyLowered, sequence: int) -> Parameters:
    raised = body if isinstance(body, SafetyRaised) else None
    return {
        "sequence": sequence,
        "at": body.at,
        "event": type(body).__name__,
        "level": int(body.level),
        "trigger": raised.trigger if raised else "",
        "limit": raised.limit if raised else "",
        "value": raised.value if raised else "",
        "who": body.by,
        "reason": "" if isinstance(body, SafetyRaised) else body.reason,
    }


def _audit(record: Record) -> Parameters:
    try:
        who = _decode_author(record.payload).by
    except msgspec.ValidationError:
        who = ""
    return {
        "sequence": record.sequence,
        "at": record.at,
        "kind": record.kind,
        "who": who,
        "detail": record.payload.decode(),
    }
