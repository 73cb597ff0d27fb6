"""The order desk of a run with market protection: market orders leave as capped limits, and what rests is attended to.

At most one order of a chain is ever alive: a new one is made when the venue has said that the one before it is gone,
and for no more than is then left. Who else withdraws a capped order, or asks for the same anew, ends its chain.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from tradsys.core.events import (
    Accepted,
    Cancelled,
    Entry,
    Expired,
    Fill,
    Order,
    OrderEvent,
    OrderType,
    Rejected,
    Stray,
    StrayKind,
    Validity,
)
from tradsys.core.order_terms import within
from tradsys.core.protection import Capped, Move, ProtectionStep
from tradsys.core.units import to_text
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import LiveOrder, OrderDesk
from tradsys.engine.protection import FAR, Chain, Protection, Stage
from tradsys.engine.runner import Desire
from tradsys.execution.protected_orders import Chase, Limits, Remainder, cap, judge

if TYPE_CHECKING:
    from tradsys.engine.engine import Engine

MOST_REFUSALS = 5
"""An exit that was refused so often, by us or by the venue, is given up, and somebody is told."""

_RESTING = frozenset({Validity.DAY, Validity.GTC, Validity.GTD})
_ENDS = (Cancelled, Expired, Rejected)


class ProtectedDesk(OrderDesk):
    """See `OrderDesk`. `next_at` is when `look` has something to look at."""

    def __init__(self, *, protection: Protection, **parts: Any) -> None:
        super().__init__(**parts)
        self._protection = protection
        self._chains: dict[int, Chain] = {}
        self._by_order: dict[int, Chain] = {}
        self._whose: dict[int, Desire] = {}
        self.order_ids: Iterator[int] = iter(())

    # --- orders

    def submit(self, desire: Desire, order: Order, pursues: bool, cause: int, entries: list[Entry]) -> bool:
        """See `OrderDesk.submit`; a market order leaves as the limit order that protection makes of it. Without a last
        price it stays one, and the gate refuses it."""
        self._yield_to(desire, order, entries)
        if order.type is OrderType.MARKET:
            order = self._capped(desire, order)
        before = dict.fromkeys(desire.orders)
        approved = super().submit(desire, order, pursues, cause, entries)
        if order.capped is not msgspec.UNSET and order.validity in _RESTING:
            self._begin(desire, before, pursues=pursues, forced=cause < 0)
        elif approved and order.parent in self._by_order:
            self._by_order[order.parent].linked = True
        return approved

    def _capped(self, desire: Desire, order: Order) -> Order:
        price = desire.market.price
        if price <= 0:
            return order
        percent = self._protection.percent(desire.instrument, price, order.at)
        limit = cap(price, side=order.side, percent=percent, limits=self._limits(desire.market, order.at))
        return replace(order, type=OrderType.LIMIT, limit=limit, capped=Capped(percent=percent, last=price))

    def _limits(self, market: Market, at: int) -> Limits:
        tick = market.instrument.tick_at(at)
        low, high = self._protection.band.limits(market.previous_close, tick=tick)
        return Limits(tick=tick, low=low, high=high)

    def _begin(self, desire: Desire, before: Container[int], *, pursues: bool, forced: bool) -> None:
        """A chain for each capped order that was not there `before`: one that is sliced becomes several."""
        for live in desire.orders.values():
            order = live.order
            if order.capped is msgspec.UNSET or order.order_id in before or order.order_id in self._by_order:
                continue
            self._whose[order.order_id] = desire
            self._chains[order.order_id] = self._by_order[order.order_id] = Chain(
                order=order,
                ids=[order.order_id],
                asked=order.quantity,
                seq=live.seq,
                closes=live.opening == 0 or (forced and order.side * live.route.position.quantity < 0),
                forced=forced,
                pursues=pursues,
                percent=order.capped.percent,
                linked=bool(order.group),
            )

    def _yield_to(self, desire: Desire, order: Order, entries: list[Entry]) -> None:
        """Who asks for an order where one is owed takes over: both together would be too much."""
        for chain in list(self._chains.values()):
            same = self._whose[chain.ids[0]] is desire and chain.order.product is order.product
            if same and chain.order.order_id not in self.live and not order.parent:
                self._end(chain, "another order is asked for instead", order.at, entries)

    def request_cancel(self, live: LiveOrder, *, at: int, reason: str, cause: int, entries: list[Entry]) -> None:
        """See `OrderDesk.request_cancel`: whoever withdraws a capped order decides what follows."""
        chain = self._by_order.get(live.order.order_id)
        if chain is not None:
            self._drop(chain)
        super().request_cancel(live, at=at, reason=reason, cause=cause, entries=entries)

    # --- what the venue said

    def hear(self, events: Iterable[OrderEvent]) -> list[Entry]:
        """See `OrderDesk.hear`. What traded is counted before strategies hear of it, and may ask for more; what follows
        for capped orders comes after all that was said."""
        events = tuple(events)
        for event in events:
            chain = self._by_order.get(event.order_id)
            if chain is not None:
                self._count(chain, event)
        entries = super().hear(events)
        for event in events:
            chain = self._by_order.get(event.order_id)
            if chain is not None:
                self._follow(chain, event, entries)
        return entries

    def _count(self, chain: Chain, event: OrderEvent) -> None:
        if isinstance(event, Fill):
            chain.filled += event.quantity
        elif isinstance(event, Stray) and event.kind in (StrayKind.LATE, StrayKind.OVER):
            chain.filled += event.fill.quantity
        if chain.filled >= chain.asked and type(event) is Fill:
            self._drop(chain)

    def _follow(self, chain: Chain, event: OrderEvent, entries: list[Entry]) -> None:
        if isinstance(event, Accepted):
            chain.due = event.at + self._wait(chain)
        elif isinstance(event, Stray):
            self._on_stray_fill(chain, event, entries)
        elif isinstance(event, _ENDS) and event.order_id == chain.order.order_id:
            self._on_end(chain, event, entries)

    def _on_stray_fill(self, chain: Chain, stray: Stray, entries: list[Entry]) -> None:
        """A fill that crossed a withdrawal: the order that went on for it is too large, and gives way to a smaller."""
        live = self.live.get(chain.order.order_id)
        if live is not None and live.remaining > chain.asked - chain.filled and chain.stage is Stage.WORKING:
            reason = f"{to_text(stray.fill.quantity)} of order {stray.order_id} traded after it was gone"
            self._withdraw(chain, live, Stage.LEAVING, stray.at, entries, self._step(chain, Move.RE_PEG, reason))
        elif live is None and chain.filled >= chain.asked:
            self._drop(chain)

    def _on_end(self, chain: Chain, event: Cancelled | Expired | Rejected, entries: list[Entry]) -> None:
        """An order of a chain is gone: what is left is placed anew, owed, or given up."""
        at = event.at
        if chain.stage is Stage.LEAVING and isinstance(event, Cancelled):
            self._replace(chain, at, entries)
        elif _is_over(chain, event):
            self._drop(chain)
        else:
            chain.refusals += isinstance(event, Rejected)
            self._owe(chain, f"{type(event).__name__.lower()}: {event.reason}", at, entries)

    def _owe(self, chain: Chain, why: str, at: int, entries: list[Entry]) -> None:
        """Nothing is alive of what must end done: the next price brings an order, unless it was refused too often."""
        if chain.refusals >= MOST_REFUSALS:
            reason = f"{why}; given up after {chain.refusals} refusals"
            self._log_step(chain, self._step(chain, Move.ALERT, reason), at, entries)
            self._drop(chain)
            return
        market = self._whose[chain.ids[0]].market
        chain.stage, chain.since, chain.due = Stage.OWING, _told_at(market), at + self._wait(chain)
        self._log_step(chain, self._step(chain, Move.HOLD, f"{why}; the next price brings another"), at, entries)

    def _replace(self, chain: Chain, at: int, entries: list[Entry]) -> None:
        """The next order of a chain, for what is left of it; of an exit no more than there is to close."""
        desire, before = self._whose[chain.ids[0]], chain.order
        left = chain.asked - chain.filled
        if chain.closes:
            left = min(left, self._closable(desire, before))
        if left <= 0:
            self._end(chain, "nothing is left of it", at, entries)
            return
        price = desire.market.price
        limit = cap(price, side=before.side, percent=chain.percent, limits=self._limits(desire.market, at))
        order = replace(
            before,
            at=at,
            order_id=next(self.order_ids),
            quantity=left,
            limit=limit,
            terms=within(before.terms, left),
            capped=Capped(percent=chain.percent, last=price, first=chain.ids[0], attempt=chain.attempt),
        )
        # what no strategy asked for is placed as such: rules on rates do not hold it up
        cause = -1 if chain.forced else chain.seq
        approved = super().submit(desire, order, chain.pursues, cause, entries)
        if chain.ids[0] not in self._chains:
            return
        if approved:
            chain.order, chain.stage, chain.due, chain.seen = order, Stage.WORKING, FAR, chain.filled
            chain.asked = chain.filled + left
            chain.ids.append(order.order_id)
            self._by_order[order.order_id] = chain
        elif chain.closes or chain.forced:
            chain.refusals += 1
            self._owe(chain, "refused", at, entries)
        else:
            self._drop(chain)

    def _closable(self, desire: Desire, order: Order) -> int:
        """What an exit may still close: the position, less what other exits on its way already offer."""
        route = self.routes[order.strategy, order.instrument, order.product, order.side]
        others = sum(
            live.remaining
            for live in desire.orders.values()
            if live.route is route and live.offers and live.order.order_id != order.order_id and self._closes(live)
        )
        return -order.side * route.position.quantity - others

    def _closes(self, live: LiveOrder) -> bool:
        chain = self._by_order.get(live.order.order_id)
        return live.opening == 0 if chain is None else chain.closes

    # --- looking

    @property
    def next_at(self) -> int:
        """When something is to be looked at next (UTC nanoseconds); `FAR` where nothing is."""
        return min((chain.due for chain in self._chains.values()), default=FAR)

    def look(self, at: int) -> list[Entry]:
        """Look at every capped order whose time has come: the steps taken, and what they ask of the venue."""
        entries: list[Entry] = []
        for chain in list(self._chains.values()):
            if chain.due <= at:
                chain.due = at + self._wait(chain)
                self._attend(chain, at, entries)
        return entries

    def _attend(self, chain: Chain, at: int, entries: list[Entry]) -> None:
        live = self.live.get(chain.order.order_id)
        if chain.stage is Stage.OWING:
            if _told_at(self._whose[chain.ids[0]].market) > chain.since:
                self._log_step(chain, self._step(chain, Move.RE_PEG, "there is a newer price"), at, entries)
                self._replace(chain, at, entries)
        elif live is not None and chain.stage is Stage.WORKING:
            self._judge(chain, live, at, entries)
        elif live is not None:
            super().request_cancel(live, at=at, reason="asked again", cause=chain.seq, entries=entries)

    def _judge(self, chain: Chain, live: LiveOrder, at: int, entries: list[Entry]) -> None:
        market, policy = live.route.market, self._protection.policy
        rest = Remainder(
            side=chain.order.side,
            limit=chain.order.limit,
            percent=chain.percent,
            attempt=chain.attempt,
            progressed=chain.filled > chain.seen,
            linked=chain.linked,
            told=chain.told,
        )
        chase = policy.chase(closes=chain.closes, forced=chain.forced)
        verdict = judge(rest, chase, policy, price=market.price, limits=self._limits(market, at))
        chain.seen = chain.filled
        if verdict is None:
            return
        chain.percent = verdict.percent
        step = self._step(chain, verdict.move, verdict.reason, limit=verdict.limit)
        chain.attempt += 1
        self._carry_out(chain, live, step, chase, at, entries)

    def _carry_out(
        self, chain: Chain, live: LiveOrder, step: ProtectionStep, chase: Chase, at: int, entries: list[Entry]
    ) -> None:
        if step.move in (Move.RE_PEG, Move.WIDEN):
            self._withdraw(chain, live, Stage.LEAVING, at, entries, step)
        elif step.move is Move.CANCEL:
            self._withdraw(chain, live, Stage.ENDING, at, entries, step)
        else:
            self._log_step(chain, step, at, entries)
            chain.told = chain.told or step.move is Move.ALERT
            if step.move is Move.ALERT and (chain.linked or chase.then == "alert"):
                self._drop(chain)

    def _withdraw(
        self, chain: Chain, live: LiveOrder, stage: Stage, at: int, entries: list[Entry], step: ProtectionStep
    ) -> None:
        self._log_step(chain, step, at, entries)
        chain.stage, chain.due = stage, at + self._wait(chain)
        super().request_cancel(live, at=at, reason=f"market protection: {step.move}", cause=chain.seq, entries=entries)

    def _wait(self, chain: Chain) -> int:
        policy, bar = self._protection.policy, self._whose[chain.ids[0]].market.bar
        return policy.bars * bar.span if policy.bars and bar is not None else policy.wait

    # --- the log

    def _step(self, chain: Chain, move: Move, reason: str, *, limit: int = 0) -> ProtectionStep:
        return ProtectionStep(
            at=0,
            order_id=chain.order.order_id,
            instrument=chain.order.instrument,
            move=move,
            reason=reason,
            percent=chain.percent,
            remaining=max(chain.asked - chain.filled, 0),
            limit=limit,
        )

    def _log_step(self, chain: Chain, step: ProtectionStep, at: int, entries: list[Entry]) -> None:
        seq = self._number()
        entries.append(Entry(seq, chain.seq, at, chain.order.strategy, replace(step, at=at)))
        chain.seq = seq

    def _end(self, chain: Chain, why: str, at: int, entries: list[Entry]) -> None:
        self._log_step(chain, self._step(chain, Move.END, why), at, entries)
        self._drop(chain)

    def _drop(self, chain: Chain) -> None:
        for order_id in chain.ids:
            del self._by_order[order_id]
        del self._chains[chain.ids[0]], self._whose[chain.ids[0]]

    # --- snapshots

    def chains(self) -> Iterator[tuple[Desire, Chain]]:
        """What is being attended to, and whose it is, for a snapshot."""
        return ((self._whose[first], chain) for first, chain in self._chains.items())

    def resume(self, desire: Desire, chain: Chain) -> None:
        """Attend to what a snapshot says was attended to."""
        self._chains[chain.ids[0]], self._whose[chain.ids[0]] = chain, desire
        for order_id in chain.ids:
            self._by_order[order_id] = chain


def attending(engine: Engine) -> ProtectedDesk | None:
    """The desk that attends to an engine's capped orders, None where market orders leave as they are."""
    desk = engine.parts[2]
    return desk if isinstance(desk, ProtectedDesk) else None


def _told_at(market: Market) -> int:
    """When the market last said a price."""
    return max(market.seen_at, 0 if market.bar is None else market.bar.at)


def _is_over(chain: Chain, event: OrderEvent) -> bool:
    """Whether nothing follows the end of an order: only what closes a position, or no strategy asked for, goes on."""
    if chain.stage is Stage.ENDING or chain.linked or not (chain.closes or chain.forced):
        return True
    return isinstance(event, Expired) and chain.order.validity is Validity.GTD
