"""Recorded depth as a participant: at each level the market is made to show what the record shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradsys.core.events import Depth
from tradsys.core.instruments import Instrument
from tradsys.core.matching import Action, BookSide, Command, SelfTrade, TimeInForce
from tradsys.core.units import Rounding
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import NEVER, Notice, Request, View

_BUY, _SELL = int(BookSide.BUY), int(BookSide.SELL)
_NEW, _CANCEL, _REDUCE = int(Action.NEW), int(Action.CANCEL), int(Action.REDUCE)
_GTC, _FLAGS = int(TimeInForce.GTC), int(SelfTrade.CANCEL_OLDEST)
Place = tuple[int, int]
"""Side and price in ticks."""


class RecordedDepth:
    """Keeps at every level the quantity of the record: more joins the tail as an order of its own, less is taken from
    the newest orders first. `depths` in order of time; prices off the tick are rounded to the nearest one.

    Not modelled: trades of the recorded market (give them as orders of another participant), who stood where in the
    queue; what others took from a level is back at the level's next update, not before.
    """

    name = "recorded_depth"

    def __init__(self, account: int, depths: Iterable[Depth], instrument: Instrument) -> None:
        self.account = account
        self._depths = iter(depths)
        self._next = next(self._depths, None)
        self._instrument = instrument
        self._levels: dict[Place, list[int]] = {}
        self._orders: dict[int, tuple[Place, int]] = {}

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`: the time of the next record."""
        return self._next.at if self._next else NEVER

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`: every record that is due, its withdrawals before its additions."""
        while self._next is not None and self._next.at <= view.at:
            depth, self._next = self._next, next(self._depths, None)
            changes = [(place, wanted - self._shown(place)) for place, wanted in self._wanted(depth).items()]
            for command in (*self._withdraw(changes), *self._add(changes, view)):
                yield Request(view.at, command._replace(flags=_FLAGS, account=self.account, at=view.at))

    def told(self, notice: Notice) -> None:
        """See `Participant`: what is left of an order."""
        if notice.order_id not in self._orders:
            return
        place, _ = self._orders[notice.order_id]
        if notice.open:
            self._orders[notice.order_id] = (place, notice.open)
        else:
            self._forget(notice.order_id)

    def _forget(self, order_id: int) -> None:
        place, _ = self._orders.pop(order_id)
        self._levels[place].remove(order_id)
        if not self._levels[place]:
            del self._levels[place]

    def _shown(self, place: Place) -> int:
        return sum(self._orders[order_id][1] for order_id in self._levels.get(place, ()))

    def _wanted(self, depth: Depth) -> dict[Place, int]:
        """Lots that each level named should show; a snapshot names every level that is there, the others are 0."""
        wanted = dict.fromkeys(self._levels, 0) if depth.snapshot else {}
        tick, lot = self._instrument.tick_at(depth.at), self._instrument.lot_at(depth.at)
        for side, levels in ((_BUY, depth.bids), (_SELL, depth.asks)):
            for price, quantity in levels:
                ticks = self._instrument.price(price, at=depth.at, rounding=Rounding.NEAREST) // tick
                wanted[(side, ticks)] = self._instrument.quantity(quantity, at=depth.at) // lot
        return wanted

    def _withdraw(self, changes: list[tuple[Place, int]]) -> Iterator[Command]:
        for place, change in changes:
            surplus = -change
            for order_id in reversed(self._levels.get(place, ()) if surplus > 0 else ()):
                left = self._orders[order_id][1]
                if surplus >= left:
                    yield Command(_CANCEL, order_id, place[0])
                elif surplus > 0:
                    self._orders[order_id] = (place, left - surplus)
                    yield Command(_REDUCE, order_id, place[0], 0, surplus)
                surplus -= left

    def _add(self, changes: list[tuple[Place, int]], view: View) -> Iterator[Command]:
        for place, change in changes:
            if change > 0:
                order_id = view.new_id()
                self._orders[order_id] = (place, change)
                self._levels.setdefault(place, []).append(order_id)
                yield Command(_NEW, order_id, place[0], place[1], change, time_in_force=_GTC)
