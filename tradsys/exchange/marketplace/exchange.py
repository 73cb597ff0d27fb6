"""One exchange over several instruments and days. Commands and time go in, events come out (`docs/exchange.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from heapq import heappop, heappush

from tradsys.core.errors import ConfigError, InvariantBroken
from tradsys.core.instruments import Instrument
from tradsys.core.matching import (
    Action,
    BookPhase,
    BookSide,
    Command,
    MatchingBook,
    Reason,
    Status,
    TimeInForce,
)
from tradsys.exchange.admission import Entry
from tradsys.exchange.clearing import Clearing, Fees
from tradsys.exchange.clearing.records import (
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    ClearingEvent,
    Events,
    Listed,
    MarginsChanged,
    Marked,
    Refusal,
    TradeBusted,
    UnitsDeposited,
    UnitsWithdrawn,
)
from tradsys.exchange.marketplace.day import Day
from tradsys.exchange.marketplace.day_end import expiring, final_prices, settle
from tradsys.exchange.marketplace.desk import Desk
from tradsys.exchange.marketplace.floor import Floor
from tradsys.exchange.marketplace.following import Follower
from tradsys.exchange.marketplace.orders import LiveOrder, OrderRegister
from tradsys.exchange.marketplace.records import (
    BandSet,
    ExchangeEvents,
    PhaseEntered,
    TradedInstrument,
    TradingHalted,
)
from tradsys.reference.settlement import SessionDays, next_session

_TOLD = (
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    UnitsDeposited,
    UnitsWithdrawn,
    MarginsChanged,
    Marked,
    TradeBusted,
)


class Exchange:
    """Several instruments of one exchange and currency, one book, one clearing, day after day.

    Every method takes the instant (UTC nanoseconds, never before the one before) and answers with all that happened up
    to it and by it, in order. What cannot be done is an `OrderRefused`, or the clearing's `Refusal`: nothing changes.

    `book` is one with a place for each of `listed`, in their order, and nothing in it; `calendar` says which dates are
    sessions, `members` who a client's member is (for the flexing of bands), `indexes` the closes of the indexes whose
    moves halt everything. The same seed, commands and times give the same events.

    Not modelled: orders over a change of tick or lot (they are withdrawn the night before), pre-open sessions of
    listings, a member's own limits.

    Raises `ConfigError` for what the clearing does not list, `UnknownName` and `UncoveredDate` as the tables do.
    """

    def __init__(
        self,
        listed: Iterable[TradedInstrument],
        book: MatchingBook,
        *,
        exchange: str,
        day: date,
        calendar: SessionDays,
        fees: Fees,
        seed: int,
        currency: str = "INR",
        members: Mapping[int, str] | None = None,
        indexes: Mapping[str, int] | None = None,
    ) -> None:
        self._listed = {each.instrument.id: each for each in listed}
        self._book = book
        self._calendar = calendar
        self._seed = seed
        self._indexes = dict(indexes or {})
        self.currency = currency
        self.clearing = Clearing(exchange=exchange, calendar=calendar, day=day, fees=fees, currency=currency)
        self._register = OrderRegister(self.clearing)
        self._follower = Follower(self.clearing, self._register, members or {})
        for each in self._listed.values():
            _must(
                self.clearing.apply(Listed(instrument=each.instrument, mark=each.previous_close, margins=each.margins))
            )
        self._day = self._opened(day, {name: each.previous_close for name, each in self._listed.items()}, {})
        self._due = self._day.next_at
        self._desk = Desk(book, self._register, self._follower, self.clearing)
        self._expiries: list[tuple[int, int]] = []
        self.now = 0

    def _opened(self, on: date, closes: Mapping[str, int], before: Mapping[str, Floor]) -> Day:
        return Day(self._listed, on, closes=closes, before=before, indexes=self._indexes, seed=self._seed)

    # --- what others see

    @property
    def day(self) -> date:
        """The session that is on."""
        return self._day.date

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """All that is listed, in the order of their numbers in the book."""
        return tuple(each.instrument for each in self._listed.values())

    @property
    def next_at(self) -> int | None:
        """When something is due next; None once the day is over."""
        expiry = self._expiries[0][0] if self._expiries else None
        if self._due is None or expiry is None:
            return self._due
        return min(self._due, expiry)

    @property
    def live_orders(self) -> int:
        """Number of orders in the book."""
        return len(self._register)

    def phase(self, instrument: str) -> BookPhase:
        """What an instrument's book does with orders. Raises `KeyError` for one that does not trade today."""
        return self._day.floors[instrument].phase

    def best(self, instrument: str) -> tuple[int, int, int, int]:
        """Best bid price and quantity, best ask price and quantity, 1e-8; 0 where there is none. Raises as `phase`."""
        floor = self._day.floors[instrument]
        bid, bid_shown, ask, ask_shown = self._book.best(floor.number)
        return bid * floor.tick, bid_shown * floor.lot, ask * floor.tick, ask_shown * floor.lot

    def levels(self, instrument: str, side: BookSide, *, count: int) -> list[tuple[int, int, int]]:
        """Price and quantity shown (1e-8) and number of orders of the best levels. Raises as `phase`."""
        floor = self._day.floors[instrument]
        rows = self._book.levels(floor.number, side, count=count)
        return [(price * floor.tick, shown * floor.lot, orders) for price, shown, orders in rows]

    # --- accounts

    def tell(self, event: ClearingEvent) -> Events:
        """Open accounts, move cash and units in and out, change margins, bust a trade; answers as the clearing does.

        Raises `ConfigError` for an event that is the exchange's own to say.
        """
        if not isinstance(event, _TOLD):
            known = ", ".join(each.__name__ for each in _TOLD)
            raise ConfigError("the exchange says this itself", value=type(event).__name__, limit=known)
        return self.clearing.apply(event)

    # --- orders

    def submit(self, entry: Entry, *, at: int, intraday: bool = False) -> ExchangeEvents:
        """A new order, or what replaces one. `intraday` shares are on margin, to be closed the same day."""
        said = self.advance(at)
        floor = self._desk.submit(entry, self._day, said, at=at, intraday=intraday)
        if floor is not None:
            if entry.time_in_force == TimeInForce.GTD and not entry.replaces:
                heappush(self._expiries, (entry.expires_at, floor.number))
            self._settle_down(floor, said)
        return said

    def cancel(self, order_id: int, *, account: int, at: int) -> ExchangeEvents:
        """Withdraw an order."""
        said = self.advance(at)
        self._desk.cancel(order_id, said, account=account, at=at)
        return said

    def reduce(self, order_id: int, *, quantity: int, account: int, at: int) -> ExchangeEvents:
        """Take `quantity` (1e-8) off an order, which keeps its place; with nothing left it is withdrawn."""
        said = self.advance(at)
        self._desk.reduce(order_id, said, quantity=quantity, account=account, at=at)
        return said

    # --- time

    def advance(self, at: int) -> ExchangeEvents:
        """Everything due by an instant: phases, auctions, bands, expiries, what a halt does. Raises `ConfigError` for
        an instant before the last."""
        if at < self.now:
            raise ConfigError("time goes back at the exchange", value=at, limit=self.now, fix="send in order of time")
        said: ExchangeEvents = []
        while (due := self.next_at) is not None and due <= at:
            self.now = max(due, self.now)
            self._expire(self.now, said)
            for floor in self._day.floors.values():
                while (theirs := floor.day.next_at) is not None and theirs <= self.now:
                    for command in floor.day.advance(theirs, self._book):
                        self._govern(floor, command._replace(at=self.now), said)
                    self._halt(said)
            self._due = self._day.next_at
        self.now = at
        return said

    def on_index(self, at: int, *, index: str, value: int) -> ExchangeEvents:
        """A value of an index that can halt everything, in the unit of `indexes`. Raises `ConfigError` for another."""
        said = self.advance(at)
        if index not in self._indexes or self._day.breaker is None:
            raise ConfigError("this exchange watches no such index", value=index, limit=", ".join(self._indexes))
        self._indexes[index] = value
        halt = self._day.breaker.on_index(at, index=index, value=value)
        if halt is not None:
            self._follower.halts += [(floor, halt) for floor in self._day.floors.values()]
            self._halt(said)
            said += self.advance(at)
        return said

    def end_day(self, *, settlement_prices: Mapping[str, int] | None = None) -> ExchangeEvents:
        """Pass what is left of the day, settle it, and open the next session.

        `settlement_prices` (1e-8) are those of underlyings of contracts that expire, where their close here does not
        decide. Raises `ConfigError`, and settles nothing, where one is missing; `UncoveredDate` where a table ends.
        """
        said = self.advance(max(self.now, self._day.ends_at))
        floors = self._day.floors
        following = next_session(self._calendar, self.day)
        ending = expiring(floors.values(), following)
        finals = final_prices(ending, floors, settlement_prices or {})
        closes = {name: floor.close * floor.tick for name, floor in floors.items()}
        opened = self._opened(following, closes, floors)
        for floor in floors.values():
            kept = opened.floors.get(floor.instrument.id)
            if kept is None or (kept.tick, kept.lot) != (floor.tick, floor.lot):
                self._empty(floor, said)
        said += settle(self.clearing, floors.values(), finals)
        self._register.move(opened.floors)
        self._day = opened
        self._due = opened.next_at
        return said

    def check(self) -> None:
        """Every law of the clearing, from scratch. Raises `InvariantBroken`."""
        self.clearing.check()

    # --- inside

    def _settle_down(self, floor: Floor, said: ExchangeEvents) -> None:
        """What trades have caused beyond the book: halts now, a band that moves later."""
        self._halt(said)
        due = floor.day.next_at
        if due is not None and (self._due is None or due <= self._due):
            self._due = due
            said += self.advance(self.now)

    def _halt(self, said: ExchangeEvents) -> None:
        halts, self._follower.halts = self._follower.halts, []
        for floor, halt in halts:
            if floor.interrupt(halt):
                self._due = self.now
                name, rule = floor.instrument.id, halt.rule
                said.append(
                    TradingHalted(
                        at=self.now, instrument=name, rule=rule, value=halt.value, limit=halt.limit, end=halt.end
                    )
                )

    def _expire(self, at: int, said: ExchangeEvents) -> None:
        """Orders good till an instant."""
        numbers = set()
        while self._expiries and self._expiries[0][0] <= at:
            numbers.add(heappop(self._expiries)[1])
        for number in sorted(numbers):
            self._follow(Command(Action.TIME, instrument=number, at=at), said)

    def _govern(self, floor: Floor, command: Command, said: ExchangeEvents) -> None:
        """A command of the exchange's own, and what it changes for the orders that rest."""
        self._follow(command, said)
        if command.action == Action.SET_PHASE:
            floor.phase = BookPhase(command.price)
            name = floor.day.phase.name if floor.day.phase is not None else ""
            said.append(PhaseEntered(at=self.now, instrument=floor.instrument.id, phase=floor.phase, name=name))
        elif command.action == Action.SET_BAND:
            floor.low, floor.high = command.price, command.trigger
            low, high = floor.low * floor.tick, floor.high * floor.tick
            said.append(BandSet(at=self.now, instrument=floor.instrument.id, low=low, high=high))
        if command.action in (Action.SET_BAND, Action.UNCROSS):
            self._hold_anew(floor, said)

    def _follow(self, command: Command, said: ExchangeEvents) -> None:
        outcome, events = self._book.submit(command)
        if outcome.status == Status.REJECTED:
            raise InvariantBroken(
                f"the book refused the exchange's own {Action(command.action).name}",
                value=Reason(outcome.reason).name,
                limit=command,
            )
        self._follower.follow(events, self.now, said)
        if command.action == Action.CANCEL:
            order = self._register.get(command.order_id)
            if order is not None:
                self._follower.remove(order, said, at=self.now, reason="session")

    def _hold_anew(self, floor: Floor, said: ExchangeEvents) -> None:
        """Orders whose worst price is the band's hold for the new one; who cannot is withdrawn."""
        for resting in self._book.orders(floor.number):
            order = self._register.get(resting.order_id)
            if order is None:
                raise InvariantBroken("the book knows an order that the exchange does not", value=resting.order_id)
            order.kind = resting.kind
            worst = floor.worst(resting.kind, side=resting.side, price=resting.price, reference=0) or order.worst
            if worst != order.worst:
                refusal = self._register.change(order, worst=worst, left=order.left)
                if refusal is not None:
                    self._withdraw(order, refusal, said)

    def _withdraw(self, order: LiveOrder, refusal: Refusal, said: ExchangeEvents) -> None:
        self._book.submit(Command(Action.CANCEL, order.order_id, at=self.now))
        self._follower.remove(order, said, at=self.now, reason=refusal.rule)

    def _empty(self, floor: Floor, said: ExchangeEvents) -> None:
        """Withdraw everything from a floor: its contract ends, or its tick or lot is another tomorrow."""
        self._follow(Command(Action.CANCEL_ALL, instrument=floor.number, at=self.now), said)


def _must(said: Events) -> None:
    if said and isinstance(said[0], Refusal):
        raise ConfigError(f"cannot be listed: {said[0].rule} {said[0].about}", value=said[0].value, limit=said[0].limit)
