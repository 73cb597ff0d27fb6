"""Why an order was made and what became of it: the chain from the data to the last fill, step by step with its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from tradsys.core.errors import InputRefused, UnknownName
from tradsys.core.events import (
    Approved,
    Charged,
    Decision,
    Entry,
    Fill,
    Intent,
    Order,
    OrderEvent,
    Refused,
    Stray,
    StrayKind,
)
from tradsys.core.orders import OrderState, step
from tradsys.core.protection import ProtectionStep
from tradsys.core.units import SCALE
from tradsys.engine import live_replay
from tradsys.engine.assemble import prepare
from tradsys.engine.known_data import known_by
from tradsys.engine.live_replay import tell, way_of, wired_again
from tradsys.engine.replay import code_changed, load, refuse_changed, run
from tradsys.engine.saved_run import SavedRun
from tradsys.engine.witness import Witness, equals_before, orders_of

NEAR = 3
"""Numbers named to each side of one that does not exist."""

Progress = Callable[[int, int], None]


def explain_order(saved: SavedRun, order_id: int, *, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """The chain of one order. Raises `UnknownName` with the nearest numbers for one that is not in the run.

    `order` and `line` (of its verdict), `strategy`, `instrument`, `data` and `values` (see `Witness`: what was known
    and what the strategy held when it decided), `intent` (its line), `checks` (each with `value`, `limit`, `passed`),
    `request` (the order as it was sent), `steps` (each line with `since_ns`, the time since the one before; a fill with
    `since_exchange_ns`, how long after it happened it was heard, or, of a live run, with `venue_at` by the venue's own
    clock), `state` and `filled` at the end, `related` orders, of a live run its way to the `venue` and back (`way_of`),
    and `notes` on what could not be computed again. Prices and quantities are exact (`scale`).
    """
    entries = list(saved.entries())
    judged = [(each, order) for each in entries if (order := _judged(each)) is not None]
    verdict, order = next((pair for pair in judged if pair[1].order_id == order_id), (None, None))
    if verdict is None or order is None:
        raise _unknown("order", order_id, [each.order_id for _, each in judged])
    intent = _intent_of(entries, verdict)
    steps = [each for each in entries if _is_about(each, order_id) or each is intent]
    found = _chain(saved, entries, intent=intent, steps=steps, orders=[order_id], progress=progress)
    state, filled = end_of(steps, order)
    return {
        "order": order_id,
        "line": verdict.seq,
        "strategy": order.strategy,
        "instrument": order.instrument,
        **found,
        "request": msgspec.to_builtins(order) if isinstance(verdict.body, Approved) else None,
        "state": state,
        "filled": filled,
        "related": _related(entries, order),
        **({"venue": way_of(saved, order_id)} if saved.live else {}),
    }


def explain_line(saved: SavedRun, line: int, *, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """The chain that a line of the decision log stands in: its order's, or what led to it and followed from it.

    Raises `UnknownName` for a number that no line has.
    """
    entries = list(saved.entries())
    entry = next((each for each in entries if each.seq == line), None)
    if entry is None:
        raise _unknown("line", line, [each.seq for each in entries])
    if isinstance(entry.body, OrderEvent | ProtectionStep) and _has_verdict(entries, entry.body.order_id):
        return explain_order(saved, entry.body.order_id, progress=progress)
    intent = _intent_of(entries, entry)
    first = entry if intent is None else intent
    steps = [each for each in entries if each is first or each.cause == first.seq or each is entry]
    orders = [order.order_id for each in steps if (order := _judged(each)) is not None]
    found = _chain(saved, entries, intent=intent, steps=steps, orders=orders, progress=progress)
    return {
        "order": None,
        "line": line,
        "strategy": entry.strategy,
        "instrument": getattr(first.body, "instrument", ""),
        **found,
        "request": None,
        "state": None,
        "filled": 0,
        "related": [{"order": number, "as": "made by it"} for number in orders],
    }


def _judged(entry: Entry) -> Order | None:
    """The order that a line is the verdict on."""
    return entry.body.order if isinstance(entry.body, Approved | Refused) else None


def _has_verdict(entries: Sequence[Entry], order_id: int) -> bool:
    return any(order.order_id == order_id for each in entries if (order := _judged(each)) is not None)


def _is_about(entry: Entry, order_id: int) -> bool:
    return isinstance(entry.body, OrderEvent | ProtectionStep) and entry.body.order_id == order_id


def _intent_of(entries: Sequence[Entry], entry: Entry) -> Entry | None:
    """The intent at the head of a line's causes; None where no strategy asked."""
    by_number = {each.seq: each for each in entries}
    while entry.cause in by_number and not isinstance(entry.body, Intent):
        entry = by_number[entry.cause]
    return entry if isinstance(entry.body, Intent) else None


def _chain(
    saved: SavedRun,
    entries: Sequence[Entry],
    *,
    intent: Entry | None,
    steps: Sequence[Entry],
    orders: Sequence[int],
    progress: Progress,
) -> dict[str, Any]:
    seen = _seen(saved, entries, intent=intent, steps=steps, orders=orders, progress=progress)
    by_number = {each.seq: each for each in entries}
    return {
        **seen,
        "intent": None if intent is None else msgspec.to_builtins(intent),
        "steps": list(_steps(steps, by_number, intent, live=saved.live)),
        "scale": SCALE,
    }


def _seen(
    saved: SavedRun,
    entries: Sequence[Entry],
    *,
    intent: Entry | None,
    steps: Sequence[Entry],
    orders: Sequence[int],
    progress: Progress,
) -> dict[str, Any]:
    """Data, values and checks, from a repetition that ends where they have been seen."""
    nothing: dict[str, Any] = {"data": {}, "values": None, "checks": []}
    try:
        refuse_changed(saved)
        if intent is None and not orders:
            name = str(getattr(steps[0].body, "instrument", ""))
            known = known_by(load(saved.settings), name, steps[0].at)
            return {**nothing, "data": {each["kind"].lower(): each for each in known}, "notes": []}
        return _witnessed(saved, entries, intent=intent, orders=orders, progress=progress)
    except InputRefused as problem:
        return {**nothing, "notes": [f"data, values and checks are not known: {problem.message}"]}


def _witnessed(
    saved: SavedRun,
    entries: Sequence[Entry],
    *,
    intent: Entry | None,
    orders: Sequence[int],
    progress: Progress,
) -> dict[str, Any]:
    """What a repetition shows, of a backtest from its data, of a live run from its journal."""
    before = 0 if intent is None else equals_before(entries, intent)
    if saved.live:
        process, wired = wired_again(saved)
        witness = Witness(wired, intent=intent, before=before, orders=orders_of(entries, orders))
        tell(process, saved, progress=progress, stop=lambda: witness.done)
        changed = live_replay.code_changed(saved, wired)
    else:
        prepared = prepare(saved.settings)
        witness = Witness(prepared, intent=intent, before=before, orders=orders_of(entries, orders))
        run(prepared, saved, progress=progress, stop=lambda: witness.done)
        changed = code_changed(saved, prepared)
    notes = [f"not the program of the run any more: {name}" for name in changed]
    if not witness.done:
        notes.append("the repetition did not decide the same: what it does not show is not known")
    return {"data": witness.data or {}, "values": witness.values, "checks": witness.checks, "notes": notes}


def _steps(
    steps: Sequence[Entry], by_number: dict[int, Entry], intent: Entry | None, *, live: bool
) -> Iterator[dict[str, Any]]:
    """Each line. A live run's clock is that of its feed, the venue's another: no time lies between the two."""
    before: int | None = None
    for entry in steps:
        found = {
            "line": entry.seq,
            "at": entry.at,
            "event": type(entry.body).__name__,
            "since_ns": 0 if before is None else entry.at - before,
            "body": msgspec.to_builtins(entry.body),
        }
        fill = entry.body.fill if isinstance(entry.body, Stray) else entry.body
        if isinstance(fill, Fill) and live:
            found["venue_at"] = fill.exchange_at
        elif isinstance(fill, Fill):
            found["since_exchange_ns"] = entry.at - fill.exchange_at
        asked = by_number.get(entry.cause)
        if asked is not None and asked is not intent and isinstance(asked.body, Decision):
            found["asked_by"] = msgspec.to_builtins(asked)
        yield found
        before = entry.at


def end_of(steps: Sequence[Entry], order: Order) -> tuple[str, int]:
    """The state an order is in after its lines, and what of it filled (1e-8)."""
    state, filled = OrderState.NEW, 0
    for entry in steps:
        body = entry.body
        if isinstance(body, Stray):
            filled += -body.fill.quantity if body.kind is StrayKind.BUST else body.fill.quantity
        elif isinstance(body, OrderEvent) and not isinstance(body, Charged):
            filled += body.quantity if isinstance(body, Fill) else 0
            state = step(state, body, max(order.quantity - filled, 0))
    return str(state), filled


def _related(entries: Sequence[Entry], order: Order) -> list[dict[str, Any]]:
    """Orders of the same bracket or pair, or made of what was left of one market order."""
    found = []
    for entry in entries:
        other = _judged(entry)
        if other is None or other.order_id == order.order_id:
            continue
        if other.order_id == order.parent:
            found.append({"order": other.order_id, "as": "parent"})
        elif other.parent == order.order_id:
            found.append({"order": other.order_id, "as": "child"})
        elif order.group and other.group == order.group:
            found.append({"order": other.order_id, "as": "twin: one fills, the other goes"})
        elif _asked_for(other) == _asked_for(order):
            found.append({"order": other.order_id, "as": "the same market order, placed anew for what was left"})
    return found


def _asked_for(order: Order) -> int:
    """The order that was asked for, where protection made several of it."""
    return order.order_id if order.capped is UNSET else order.capped.first or order.order_id


def _unknown(kind: str, number: int, known: Sequence[int]) -> UnknownName:
    """Names the nearest numbers rather than all."""
    nearest = sorted(dict.fromkeys(known), key=lambda each: (abs(each - number), each))[: 2 * NEAR]
    problem = UnknownName(kind, str(number), map(str, sorted(nearest)), where="the run")
    problem.limit = ", ".join(map(str, sorted(nearest)))
    problem.fix = f"the nearest are {problem.limit}" if nearest else f"the run has no {kind}"
    return problem
