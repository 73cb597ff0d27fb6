"""One instrument's recorded book and the orders of ours that stand in it: who is reached, at what price, for how much.

The rules are those of `docs/recorded_data.md`. Prices, quantities and keys (side × price) are exact ints (1e-8).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable
from math import inf

from tradsys.core.events import Depth, Order, OrderType, Side, Tick, Validity
from tradsys.core.instruments import Instrument
from tradsys.core.order_terms import stated
from tradsys.core.units import LARGEST, SCALE, from_float
from tradsys.exchange.ladder import UNKNOWN, Ladder
from tradsys.exchange.live_orders import LiveOrder, Reports, would_take
from tradsys.exchange.queue_models import QueueModel
from tradsys.exchange.recorded_events import ChangeKind, OrderChange, Trade

# Members are bound once: on Python 3.11 an attribute look-up on an enumeration costs a hundred nanoseconds.
_TRAILING, _IOC, _FOK = OrderType.TRAILING, Validity.IOC, Validity.FOK
_BUY, _SELL = int(Side.BUY), int(Side.SELL)


class Desk:
    """The book as recorded, and our orders in it, best first and then by age.

    `low` and `high` are prices between which nothing the record says can touch an order of ours; a tick that stays
    inside is kept and looked at when needed.
    """

    __slots__ = (
        "_asked", "_bidden", "_reports", "_said", "high", "instrument", "ladders", "last", "low", "queue", "resting",
        "volume", "waiting",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, *, queue: QueueModel, reports: Reports) -> None:
        self.instrument, self.queue, self._reports = instrument, queue, reports
        self.ladders = {_BUY: Ladder(), _SELL: Ladder()}
        self.resting: dict[int, list[LiveOrder]] = {_BUY: [], _SELL: []}
        self.waiting: list[LiveOrder] = []
        self.last = 0
        self.clear()

    def clear(self) -> None:
        """A session begins: what the book showed before is not there any more."""
        for ladder in self.ladders.values():
            ladder.clear()
        self._bidden: Tick | None = None
        self._asked: Tick | None = None
        self._said: Tick | None = None
        self.volume = -1.0
        self.watch()

    # --- our orders

    def objection(self, order: Order) -> str:
        """Why an order is not taken now: a post-only one that would take what is shown. Empty where it is."""
        if not stated(order.terms).post_only:
            return ""
        self._settle()
        opposite = self.ladders[-order.side]
        reached = [key for key in opposite.reached(-order.side * order.limit) if opposite.available(key) > 0]
        return would_take(abs(reached[0])) if reached else ""

    def enter(self, live: LiveOrder) -> None:
        """An order arrives, or is triggered: it takes what is shown within its price, the rest waits or is dropped."""
        self._settle()
        if live.waiting and not self._touched(live, self._reference(live.order.side)):
            self.waiting.append(live)
        else:
            if live.waiting:
                live.waiting = False
                self._reports.triggered(live)
            validity = live.order.validity
            if validity is not _FOK or self._fills_whole(live):
                self._take(live)
            if live.remaining and (validity is _IOC or validity is _FOK):
                self._reports.dropped(live)
            elif live.remaining:
                self._rest(live)
        self.watch()

    def remove(self, live: LiveOrder) -> None:
        """An order is out."""
        live.remaining = 0
        queue = self.waiting if live.waiting else self.resting[live.order.side]
        if live in queue:
            queue.remove(live)
        self.watch()

    @property
    def orders(self) -> list[LiveOrder]:
        """Every order here, by age."""
        return sorted([*self.resting[_BUY], *self.resting[_SELL], *self.waiting], key=lambda live: live.order.order_id)

    def watch(self) -> None:
        """Work out the prices between which nothing can happen to us."""
        low, high = -inf, inf
        if buys := self.resting[_BUY]:
            low = inf if buys[0].key == UNKNOWN else buys[0].key / SCALE
        if sells := self.resting[_SELL]:
            high = -inf if sells[0].key == UNKNOWN else -sells[0].key / SCALE
        for live in self.waiting:
            if live.order.type is _TRAILING:
                low = inf
            elif live.order.side > 0:
                high = min(high, live.order.trigger / SCALE)
            else:
                low = max(low, live.order.trigger / SCALE)
        if self.ladders[_BUY].taken or self.ladders[_SELL].taken:
            low = inf
        self.low, self.high = low, high

    def _fills_whole(self, live: LiveOrder) -> bool:
        """Whether all of an order is there for it at once."""
        opposite, wanted = self.ladders[-live.order.side], live.remaining
        there = sum(opposite.available(key) for key in opposite.reached(-live.key))
        return there >= wanted and self._reports.allowed(live, wanted) >= wanted

    def _take(self, live: LiveOrder) -> None:
        opposite = self.ladders[-live.order.side]
        for key in opposite.reached(-live.key):
            quantity = min(opposite.available(key), live.remaining)
            if quantity > 0:
                opposite.take(key, quantity=self._fill(live, abs(key), quantity, maker=False))
            if not live.remaining:
                return

    def _rest(self, live: LiveOrder) -> None:
        ladder = self.ladders[live.order.side]
        live.ahead = live.shown = ladder.at(live.key)
        live.arrival = ladder.arrivals
        if live.display:
            live.show_next()
        insort(self.resting[live.order.side], live, key=lambda each: -each.key)

    def _fill(self, live: LiveOrder, price: int, quantity: int, *, maker: bool, behind: bool = True) -> int:
        """A trade. Of an order that shows a part, what shows meets it; the rest too, unless others stand `behind`."""
        quantity = self._reports.allowed(live, quantity)
        if quantity > 0:
            self._reports.filled(live, price=price, quantity=quantity, maker=maker)
            if live.display and live.remaining:
                (live.show_less if behind else live.show_next)(quantity)
        return quantity

    def _requeue(self, live: LiveOrder, *, ahead: int) -> None:
        """The next part of an order that has shown all it showed goes behind everybody at its price."""
        side = live.order.side
        orders = self.resting[side]
        orders.remove(live)
        live.show_next()
        live.ahead, live.arrival = ahead, self.ladders[side].arrivals
        insort(orders, live, key=lambda each: -each.key)

    # --- what the record says

    def on_tick(self, tick: Tick) -> None:
        """A last trade and best quotes; NaN is not said, a price or quantity of 0 an empty side.

        A tick that repeats the volume before it repeats its last trade.
        """
        low, high, bid, ask, last = self.low, self.high, tick.bid, tick.ask, tick.last
        # Of what is not said, none of this is true.
        if not (bid <= low or bid >= high or ask <= low or ask >= high or last <= low or last >= high):
            if bid == bid and tick.bid_quantity == tick.bid_quantity:
                self._bidden = tick
            if ask == ask and tick.ask_quantity == tick.ask_quantity:
                self._asked = tick
            if last == last:
                self._said = tick
            self.volume = tick.volume
            return
        self._settle()
        traded = last == last and tick.last_quantity > 0 and tick.volume != self.volume
        self.volume = tick.volume
        if traded:
            price = from_float(last)
            self._print(price, quantity=_quantity(tick.last_quantity), aggressor=self._aggressor(price))
        elif last == last:
            self.last = from_float(last)
        self._quote(_BUY, bid, quantity=tick.bid_quantity)
        self._quote(_SELL, ask, quantity=tick.ask_quantity)
        self._meet()
        if traded:
            self._touch(price)
        self.watch()

    def on_trade(self, trade: Trade) -> None:
        """One trade, with its aggressor."""
        self._settle()
        price = from_float(trade.price)
        self._print(price, quantity=_quantity(trade.quantity), aggressor=trade.aggressor)
        self._meet()
        self._touch(price)
        self.watch()

    def on_depth(self, depth: Depth) -> None:
        """Levels of both sides, then what they do to us."""
        self._settle()
        for side, said in ((_BUY, depth.bids), (_SELL, depth.asks)):
            levels = {side * from_float(price): _quantity(quantity) for price, quantity in said}
            if depth.snapshot:
                self.ladders[side].replace(levels)
                self._look(side)
            else:
                for key, quantity in levels.items():
                    self.ladders[side].set(key, quantity=quantity)
                self._look(side, stated=levels)
        self._meet()
        self.watch()

    def on_change(self, change: OrderChange) -> None:
        """One order of the book: added, or some of it gone or traded."""
        self._settle()
        side = change.side
        ladder = self.ladders[side]
        if change.kind == ChangeKind.ADD:
            key = side * from_float(change.price)
            ladder.add(change.number, key=key, quantity=_quantity(change.quantity))
            self._look(side, stated=(key,))
        else:
            quantity = UNKNOWN if change.kind == ChangeKind.DELETE else _quantity(change.quantity)
            self._leave(ladder, change, quantity)
        self._meet()
        self.watch()

    def _leave(self, ladder: Ladder, change: OrderChange, quantity: int) -> None:
        """Some of a recorded order goes; executed ones are trades at their price, known to the ladder or not."""
        found = ladder.remove(change.number, quantity=quantity)
        if change.kind == ChangeKind.EXECUTE:
            price = from_float(change.price)
            self._print(price, quantity=quantity, aggressor=-change.side)
            self._touch(price)
        if found is not None:
            key, gone, arrival = found
            known = None if change.kind == ChangeKind.EXECUTE else (gone, arrival)
            self._look(change.side, stated=(key,), known=known)

    # --- inside

    def _settle(self) -> None:
        """Take in the ticks that were passed over because they could not touch us."""
        if self._said is not None:
            self.last, self._said = from_float(self._said.last), None
        if self._bidden is not None:
            tick, self._bidden = self._bidden, None
            self._quote(_BUY, tick.bid, quantity=tick.bid_quantity)
        if self._asked is not None:
            tick, self._asked = self._asked, None
            self._quote(_SELL, tick.ask, quantity=tick.ask_quantity)

    def _quote(self, side: int, price: float, *, quantity: float) -> None:
        """The best level of a side is said; of the others nothing is known."""
        if price != price or quantity != quantity:
            return
        shown = _quantity(quantity) if price > 0 else 0
        self.ladders[side].replace({side * from_float(price): shown} if shown else {})
        if self.resting[side]:
            self._look(side)

    def _aggressor(self, price: int) -> int:
        """By the quotes before the trade: at or above the ask a buyer, at or below the bid a seller, else unknown."""
        bids, asks = self.ladders[_BUY].keys, self.ladders[_SELL].keys
        bought = bool(asks) and price >= -asks[-1]
        sold = bool(bids) and price <= bids[-1]
        return bought - sold

    def _print(self, price: int, *, quantity: int, aggressor: int) -> None:
        """A trade reaches the orders it would have met: all better than its price, then the queue at its price."""
        self.last = price
        left = quantity
        if aggressor <= 0:
            left = self._reach(self.resting[_BUY], _BUY * price, quantity=quantity, left=left)
        if aggressor >= 0:
            self._reach(self.resting[_SELL], _SELL * price, quantity=quantity, left=left)

    def _reach(self, orders: list[LiveOrder], key: int, *, quantity: int, left: int) -> int:
        spent: list[tuple[LiveOrder, int]] = []
        for live in list(orders):
            if live.key < key:
                break
            reached, others = left, 0
            if live.key == key:
                reached = max(left - live.ahead, 0)
                if live.display:
                    reached, others = min(reached, live.visible), live.others
                live.ahead = max(live.ahead - left, 0)
                live.traded += quantity
            else:
                live.ahead = 0
            filled = min(reached, live.remaining)
            if filled > 0:
                market = live.key == UNKNOWN
                price = abs(key if market else live.key)
                left -= self._fill(live, price, filled, maker=not market, behind=live.key == key)
                if live.is_spent:
                    spent.append((live, others))
        for live, others in spent:
            left = self._reach_next(live, left, others=others)
        return left

    def _reach_next(self, live: LiveOrder, left: int, *, others: int) -> int:
        """What a trade leaves after what shows at its price, and after all `others` there, meets the next parts."""
        self._requeue(live, ahead=max(others - left, 0))
        filled = min(max(left - others, 0), live.remaining)
        if filled > 0:
            left -= self._fill(live, abs(live.key), filled, maker=True, behind=False)
        return left

    def _look(self, side: int, *, stated: Collection[int] | None = None, known: tuple[int, int] | None = None) -> None:
        """Move our orders up where their level is shown shorter. `stated`: the levels spoken of (None: the whole side);
        `known`: quantity that left and the arrival of its order."""
        ladder = self.ladders[side]
        for live in self.resting[side]:
            if live.key == UNKNOWN or (stated is not None and live.key not in stated):
                continue
            after = ladder.at(live.key)
            if after != UNKNOWN:
                self._move_up(live, after, known=known)
            elif stated is None:
                break

    def _move_up(self, live: LiveOrder, after: int, *, known: tuple[int, int] | None) -> None:
        if live.shown != UNKNOWN and live.ahead != UNKNOWN:
            level = live.shown - live.traded
            if level > after:
                gone = level - after
                ours = None if known is None else (known[0] if known[1] <= live.arrival else 0)
                lot = self.instrument.lot_at(live.live_at)
                live.ahead = self.queue.advance(live.ahead, level=level, gone=gone, lot=lot, known=ours)
        live.ahead = min(live.ahead, after)
        live.shown, live.traded, live.own = after, 0, 0

    def _meet(self) -> None:
        """Quotes of the other side that have come to our prices trade with us, for what they show and no more."""
        for side in (_BUY, _SELL):
            opposite, orders = self.ladders[-side], self.resting[side]
            if not orders or not opposite.keys or opposite.keys[-1] < -orders[0].key:
                continue
            for live in list(orders):
                levels = opposite.reached(-live.key)
                if not levels:
                    break
                self._meet_levels(live, levels, opposite)
        if self.waiting and not self.last:
            self._touch(0)

    def _meet_levels(self, live: LiveOrder, levels: Iterable[int], opposite: Ladder) -> None:
        at_our_price = opposite.keys[-1] == -live.key
        for key in levels:
            if not at_our_price:
                self._meet_level(live, key, opposite, ahead=0)
                continue
            others = live.others if live.display else 0
            self._meet_level(live, key, opposite, ahead=live.ahead, shown=live.visible, behind=True)
            if live.is_spent:
                self._requeue(live, ahead=others)
                self._meet_level(live, key, opposite, ahead=others)

    def _meet_level(
        self, live: LiveOrder, key: int, opposite: Ladder, *, ahead: int, shown: int = UNKNOWN, behind: bool = False
    ) -> None:
        quantity = min(opposite.available(key) - ahead, live.remaining, shown)
        if quantity > 0:
            market = live.key == UNKNOWN
            price = abs(key if market else live.key)
            opposite.take(key, quantity=self._fill(live, price, quantity, maker=not market, behind=behind))

    def _reference(self, side: int) -> int:
        """What touches a stop: the last trade; until the record tells one, the best price it would meet, 0 without."""
        opposite = self.ladders[-side].keys
        return self.last or (abs(opposite[-1]) if opposite else 0)

    def _touch(self, price: int) -> None:
        """Stops that a trade (0: the quotes) reaches are live from then on, in order of age."""
        for live in [each for each in self.waiting if self._touched(each, price or self._reference(each.order.side))]:
            if live in self.waiting:
                self.waiting.remove(live)
                self.enter(live)

    def _touched(self, live: LiveOrder, price: int) -> bool:
        """Whether a price (0: none) reaches a stop; the extreme of a trailing one moves with it."""
        order, trigger = live.order, live.order.trigger
        if order.type is _TRAILING and price:
            live.extreme = min(live.extreme, price) if order.side > 0 else max(live.extreme, price)
            trigger = live.extreme + order.side * order.trail
        return price > 0 and (price - trigger) * order.side >= 0


def _quantity(value: float) -> int:
    """Exact 1e-8 of a quantity of the record; beyond what a float says exactly, to the whole unit."""
    return from_float(value) if value <= LARGEST else round(value) * SCALE
