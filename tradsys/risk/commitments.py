"""What live orders may still do and what the day has seen: the numbers that limits are held against. Exact, 1e-8.

A fold over approvals, fills and ends of orders: the same orders give the same numbers, however often a process was
started again. An order counts at full size from its approval to its end, whatever is not known of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Order, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import MINUTE, SCALE
from tradsys.risk.limits import ACCOUNT, MOST_ORDERS, Scope

_OPTION, _SELL = Segment.OPTION, Side.SELL
Day = Callable[[int], tuple[int, int]]
"""An instant → when its trading day begins, and when the next one does (UTC nanoseconds)."""
Same = tuple[str, str, str, int, int, str, int, int]
"""What makes two orders the same: strategy, instrument, product, side, quantity, type, limit, trigger."""


class Tally:
    """Of one scope: the value of its open orders, the orders that opened today, and when it sent its last ones."""

    __slots__ = ("open_value", "scope", "sent", "trades")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.open_value = 0
        self.trades = 0
        self.sent: deque[int] = deque(maxlen=MOST_ORDERS)


class Foreign(NamedTuple):
    """An order at the venue that is not ours: `units` of it work, worth at most `price` each. Until the venue has said
    of what it is, `instrument` is None, and it counts in every one and on both sides (`side` 0)."""

    instrument: Instrument | None
    side: int
    units: int
    price: int


class Working:
    """Units that live orders of one side may still trade, 1e-8; `buys` and `sells` are both positive."""

    __slots__ = ("buys", "sells")

    def __init__(self) -> None:
        self.buys = 0
        self.sells = 0

    def add(self, side: int, *, quantity: int) -> None:
        """So many more, or fewer, of a side."""
        if side > 0:
            self.buys += quantity
        else:
            self.sells += quantity

    def of(self, side: int) -> int:
        """Those of a side."""
        return self.buys if side > 0 else self.sells


class Row:
    """Opening orders of the same side and size that one strategy executed in one instrument, one after the other today,
    and those that work and may still."""

    __slots__ = ("latched", "side", "size", "times", "waiting")

    def __init__(self) -> None:
        self.side = self.size = self.times = 0
        self.latched = False
        self.waiting: dict[tuple[int, int], int] = {}

    def wait(self, side: int, *, size: int, change: int) -> None:
        """One more that works, or one fewer."""
        self.waiting[side, size] = self.waiting.get((side, size), 0) + change

    def executed(self, side: int, *, size: int) -> None:
        """One of them was filled, or began to be."""
        self.wait(side, size=size, change=-1)
        if (self.side, self.size) != (side, size):
            self.side, self.size, self.times = side, size, 0
        self.times += 1

    def repeats(self, side: int, *, size: int) -> int:
        """How many there are, should all that work be executed."""
        done = self.times if (self.side, self.size) == (side, size) else 0
        return done + self.waiting.get((side, size), 0)


class Place:
    """Whatever an order of one strategy in one instrument counts in."""

    __slots__ = ("all", "instrument", "own", "row", "scopes")

    def __init__(self, instrument: Instrument, *, own: Working, all_: Working, scopes: tuple[Tally, ...]) -> None:
        self.instrument = instrument
        self.own = own
        self.all = all_
        self.scopes = scopes
        self.row = Row()


class Commitment(msgspec.Struct, gc=False):
    """A live order: what is left of it, how much of that opens, and the highest price that this is valued at. One that
    opens is `untraded` until its first fill; ended so, it is taken out of the orders that opened, if it is of
    `today`."""

    strategy: str
    instrument: str
    side: int
    remaining: int
    opening: int
    price: int
    untraded: bool
    today: bool = True


class _State(msgspec.Struct, frozen=True, kw_only=True):
    begins: int
    ends: int
    latest: int
    bases: list[tuple[Scope, int]]
    live: list[tuple[int, Commitment]]
    trades: list[tuple[Scope, int]]
    sent: list[tuple[Scope, list[int]]]
    same: list[tuple[Same, int]]
    rows: list[tuple[str, str, int, int, int, bool]]


class Commitments:
    """Owner of all that limits count. `day` gives the trading day of an instant; time that goes back counts in the
    latest one. `profits` gives what each scope has earned since the run began, asked when a day begins."""

    def __init__(self, *, day: Day, profits: Callable[[], dict[Scope, int]]) -> None:
        self._day = day
        self._profits = profits
        self._begins = self._ends = self._latest = 0
        self._bases: dict[Scope, int] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self._tallies: dict[Scope, Tally] = {}
        self._all: dict[str, Working] = {}
        self._live: dict[int, Commitment] = {}
        self.same: dict[Same, int] = {}
        self.foreign: Callable[[], Iterable[Foreign]] = tuple

    # --- what is asked

    def foreign_units(self, instrument: str, side: int) -> int:
        """Units of an instrument that others' orders of a side may still trade on our account."""
        found = self.foreign()
        return sum(
            each.units
            for each in found
            if each.instrument is None or (each.instrument.id == instrument and each.side == side)
        )

    def foreign_value(self, scope: Scope) -> int:
        """What others' orders in a scope are worth, money; a strategy has none."""
        return sum(
            exposure(each.instrument, side=each.side, quantity=each.units, price=each.price)
            for each in self.foreign()
            if each.instrument is not None and _holds(scope, each.instrument)
        )

    def place(self, strategy: str, instrument: Instrument) -> Place:
        """Where orders of a strategy in an instrument count."""
        key = (strategy, instrument.id)
        found = self._places.get(key)
        if found is None:
            segment, name = Scope("segment", instrument.segment.value), Scope("instrument", instrument.id)
            scopes = (ACCOUNT, Scope("strategy", strategy), segment, name)
            tallies = tuple(self.tally(scope) for scope in scopes)
            working = self._all.setdefault(instrument.id, Working())
            found = self._places[key] = Place(instrument, own=Working(), all_=working, scopes=tallies)
        return found

    def tally(self, scope: Scope) -> Tally:
        """The numbers of one scope."""
        found = self._tallies.get(scope)
        if found is None:
            found = self._tallies[scope] = Tally(scope)
        return found

    def base(self, scope: Scope) -> int:
        """What a scope had earned when the day began, money."""
        return self._bases.get(scope, 0)

    @property
    def latched(self) -> list[tuple[str, str]]:
        """Strategies and instruments in which nothing opens until a person says so."""
        return [key for key, place in self._places.items() if place.row.latched]

    # --- what happens

    def begin(self, at: int) -> None:
        """Count anew where a trading day has begun by an instant. Called at a day's first event, before its prices."""
        if at < self._ends:
            return
        self._begins, self._ends = self._day(at)
        self._bases = self._profits()
        self.same.clear()
        for tally in self._tallies.values():
            tally.trades = 0
        for place in self._places.values():
            place.row.times = 0
        for counted in self._live.values():
            counted.today = False

    def approved(self, order: Order, instrument: Instrument, *, opening: int, price: int) -> None:
        """An order passed the gate. `opening` units of it open, worth at most `price` each."""
        place = self.place(order.strategy, instrument)
        quantity = 0 if order.parent else order.quantity
        counted = Commitment(order.strategy, instrument.id, order.side, quantity, opening, price, opening > 0)
        self._live[order.order_id] = counted
        self._count(place, counted)
        self._sent(place, order.at)
        self.same[same(order)] = order.at
        if not opening:
            return
        place.row.wait(order.side, size=quantity, change=1)
        for tally in place.scopes:
            tally.trades += 1

    def _count(self, place: Place, counted: Commitment, sign: int = 1) -> None:
        place.own.add(counted.side, quantity=sign * counted.remaining)
        place.all.add(counted.side, quantity=sign * counted.remaining)
        if counted.opening:
            value = sign * exposure(place.instrument, side=counted.side, quantity=counted.opening, price=counted.price)
            for tally in place.scopes:
                tally.open_value += value

    def traded(self, order_id: int) -> None:
        """Something of an order was filled."""
        counted = self._live.get(order_id)
        if counted is not None and counted.untraded:
            counted.untraded = False
            self._places[counted.strategy, counted.instrument].row.executed(counted.side, size=counted.remaining)

    def released(self, order_id: int, *, remaining: int) -> None:
        """So much of an order is left, after a fill or at its end. One that ended untraded opened nothing."""
        counted = self._live.get(order_id)
        if counted is None:
            return
        place = self._places[counted.strategy, counted.instrument]
        self._count(place, counted, -1)
        if remaining:
            counted.remaining = min(counted.remaining, remaining)
            counted.opening = min(counted.opening, remaining)
            self._count(place, counted)
            return
        del self._live[order_id]
        if counted.untraded:
            place.row.wait(counted.side, size=counted.remaining, change=-1)
            for tally in place.scopes:
                tally.trades -= counted.today

    def withdrawn(self, order_id: int, *, at: int) -> None:
        """The venue was asked to withdraw an order: a message like any other."""
        counted = self._live.get(order_id)
        if counted is not None:
            self._sent(self._places[counted.strategy, counted.instrument], at)

    def _sent(self, place: Place, at: int) -> None:
        """A message at an instant, or at the latest one where that is later: the clocks of a feed and of a process
        differ."""
        self._latest = at = max(at, self._latest)
        for tally in place.scopes:
            tally.sent.append(at)

    def demand_latched(self, strategy: str, *, by: str, reason: str) -> None:
        """Raise `UnknownName` for a strategy that did not repeat itself, `ConfigError` without a name or a reason."""
        if not (by.strip() and reason.strip()):
            raise ConfigError(
                "a reset needs a name and a reason", value=f"by={by!r} reason={reason!r}", fix="give both"
            )
        latched = list(dict.fromkeys(owner for owner, _ in self.latched))
        if strategy not in latched:
            raise UnknownName("strategy that repeated itself", strategy, latched)

    def reset(self, strategy: str) -> None:
        """A person lets a strategy go on that repeated itself."""
        for (owner, _), place in self._places.items():
            if owner == strategy:
                place.row.latched, place.row.times = False, 0

    # --- a process that goes on

    def state(self) -> bytes:
        """All of it, the same bytes for the same numbers; of what was sent, the last minute."""
        state = _State(
            begins=self._begins,
            ends=self._ends,
            latest=self._latest,
            bases=sorted(self._bases.items()),
            live=sorted(self._live.items()),
            trades=sorted((scope, tally.trades) for scope, tally in self._tallies.items() if tally.trades),
            sent=sorted((scope, _since(tally.sent, self._latest - MINUTE)) for scope, tally in self._tallies.items()),
            same=sorted(self.same.items()),
            rows=sorted(
                (*key, *_row(place.row)) for key, place in self._places.items() if place.row.side or place.row.latched
            ),
        )
        return msgspec.msgpack.encode(state)

    def restore(self, state: bytes, instruments: dict[str, Instrument]) -> None:
        """Go on from what `state` gave. Raises `ConfigError` for bytes that are none."""
        try:
            saved = msgspec.msgpack.decode(state, type=_State)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError("not a state of the limits", value=str(error)) from None
        self._begins, self._ends, self._bases = saved.begins, saved.ends, dict(saved.bases)
        self._latest = saved.latest
        for order_id, counted in saved.live:
            self._live[order_id] = counted
            place = self.place(counted.strategy, instruments[counted.instrument])
            self._count(place, counted)
            if counted.untraded:
                place.row.wait(counted.side, size=counted.remaining, change=1)
        for scope, trades in saved.trades:
            self.tally(scope).trades = trades
        for scope, sent in saved.sent:
            self.tally(scope).sent.extend(sent)
        self.same.update(saved.same)
        for strategy, name, side, size, times, latched in saved.rows:
            row = self.place(strategy, instruments[name]).row
            row.side, row.size, row.times, row.latched = side, size, times, latched


def _holds(scope: Scope, instrument: Instrument) -> bool:
    if scope.kind == "account":
        return True
    return scope.name == {"segment": instrument.segment.value, "instrument": instrument.id}.get(scope.kind)


def _since(instants: deque[int], at: int) -> list[int]:
    return [each for each in instants if each > at]


def _row(row: Row) -> tuple[int, int, int, bool]:
    return row.side, row.size, row.times, row.latched


def same(order: Order) -> Same:
    """What an order is, whenever it is sent."""
    return (
        order.strategy,
        order.instrument,
        order.product,
        order.side,
        order.quantity,
        order.type,
        order.limit,
        order.trigger,
    )


def exposure(instrument: Instrument, *, side: int, quantity: int, price: int) -> int:
    """What units are worth as risk, money rounded up: at their price, a written option at its strike and premium."""
    if side < 0 and instrument.segment is _OPTION and instrument.strike is not None:
        price += instrument.strike
    return -(-price * quantity * instrument.multiplier // SCALE)
