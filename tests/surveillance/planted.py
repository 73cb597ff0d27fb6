"""Market abuse planted in a generated day: each pattern as participants who really trade in its book."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from tradsys.compliance.surveillance.alerts import Alert, Pattern
from tradsys.compliance.surveillance.events import AnyEvent
from tradsys.compliance.surveillance.exchange_day import DayFacts, events_of_day
from tradsys.compliance.surveillance.settings import SurveillanceSettings, settings_from
from tradsys.compliance.surveillance.surveillance import Finding, surveil
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import Action, BookPhase, BookSide, Command, TimeInForce
from tradsys.core.units import MILLISECOND, MINUTE, SCALE, SECOND
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.information import InformationParameters
from tradsys.exchange.agents.participant import NEVER, Notice, Request, View
from tradsys.exchange.agents.population import Population
from tradsys.exchange.book import Book
from tradsys.exchange.generated_day import DayParameters, Hours, generated_day

DAY = date(2025, 10, 21)
"""An evening session of one hour: as busy as a whole day, and sooner over."""

HOURLY = 0.1
"""A year's volatility for the generator, which spreads a day's over the session: 25 % a year is 10 % in one hour of
it."""

INSTRUMENT = Instrument(id="NSE:INFY", exchange="NSE", symbol="INFY", segment=Segment.EQUITY)
BUY, SELL = int(BookSide.BUY), int(BookSide.SELL)
_NEW, _CANCEL, _IOC = int(Action.NEW), int(Action.CANCEL), int(TimeInForce.IOC)
_BACKGROUND = 8
"""Accounts of the generated day's own population."""

Act = Callable[["Actor", View], Iterable[Command] | None]


class Actor:
    """A participant that does what it was told to at its instants."""

    def __init__(self, account: int, name: str) -> None:
        self.account = account
        self.name = name
        self.open: dict[int, tuple[int, int]] = {}
        self.inventory = 0
        self.dearest = 0
        self.on_fill: Act | None = None
        self.view: View | None = None
        self._acts: list[tuple[int, int, Act]] = []
        self._count = 0

    def at(self, at: int, act: Act) -> None:
        """Do something at an instant."""
        self._count += 1
        self._acts.append((at, self._count, act))
        self._acts.sort(key=lambda item: item[:2])

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`."""
        return self._acts[0][0] if self._acts else NEVER

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`."""
        self.view = view
        while self._acts and self._acts[0][0] <= view.at:
            _, _, act = self._acts.pop(0)
            for command in act(self, view) or ():
                yield Request(view.at, command._replace(account=self.account, at=view.at))

    def told(self, notice: Notice) -> list[Request]:
        """See `Participant`: what it asks for once it traded."""
        if notice.filled:
            self.inventory += notice.filled if notice.side == BUY else -notice.filled
            self.dearest = max(self.dearest, notice.price) if notice.side == BUY and self.inventory > 0 else 0
        if notice.order_id in self.open and not notice.open:
            del self.open[notice.order_id]
        elif notice.order_id in self.open:
            self.open[notice.order_id] = (notice.side, notice.open)
        if not notice.filled or self.on_fill is None or self.view is None:
            return []
        commands = self.on_fill(self, self.view) or ()
        at = self.view.at + 300 * MILLISECOND
        return [Request(at, each._replace(account=self.account, at=at), while_live=True) for each in commands]

    def limit(self, view: View, side: int, price: int, quantity: int, *, at_once: bool = False) -> Command:
        """An order of its own."""
        order_id = view.new_id()
        if not at_once:
            self.open[order_id] = (side, quantity)
        validity = _IOC if at_once else int(TimeInForce.DAY)
        return Command(_NEW, order_id, side, price, quantity, time_in_force=validity)

    def take(self, view: View, side: int, quantity: int, *, deep: int = 0) -> Command:
        """Take what is there, down to so many ticks beyond the best."""
        price = (view.ask or view.bid) + deep if side == BUY else (view.bid or view.ask) - deep
        return self.limit(view, side, max(price, 1), quantity, at_once=True)

    def withdraw(self, *sides: int) -> list[Command]:
        """Cancel what is open on sides."""
        return [Command(_CANCEL, number, side) for number, (side, _) in self.open.items() if side in sides]


@dataclass
class Plant:
    """A pattern with who is behind it, when it begins, and what the settings must be told."""

    pattern: Pattern
    actors: list[Actor]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own: tuple[str, ...] = ()

    @property
    def accounts(self) -> set[str]:
        """Names of the accounts, as events have them."""
        return {f"{actor.name}-{actor.account}" for actor in self.actors}

    def found(self, alerts: Iterable[Alert]) -> bool:
        """Whether an alert names the pattern and nobody but those behind it."""
        return any(each.pattern is self.pattern and set(each.accounts) <= self.accounts for each in alerts)


def _lots(base: float, size: float) -> int:
    return max(round(base * size), 1)


def _hand_over(seller: Actor, buyer: Actor, at: int, quantity: int) -> None:
    """The seller offers inside the spread, the buyer takes it a millisecond later; every half second until it went."""
    offered: list[int] = []
    done: list[bool] = []

    def offer(actor: Actor, view: View) -> Iterable[Command]:
        if done or view.phase is not BookPhase.CONTINUOUS or not view.bid or view.ask - view.bid < 2:
            return ()
        offered.append(view.bid + 1)
        return (actor.limit(view, SELL, view.bid + 1, quantity),)

    def take(actor: Actor, view: View) -> Iterable[Command]:
        if not offered:
            return ()
        done.append(True)
        return (actor.limit(view, BUY, offered.pop(), quantity, at_once=True),)

    def give_up(actor: Actor, view: View) -> Iterable[Command]:
        return actor.withdraw(SELL)

    for number in range(60):
        moment = at + number * SECOND // 2
        seller.at(moment, offer)
        buyer.at(moment + MILLISECOND, take)
        seller.at(moment + 50 * MILLISECOND, give_up)


def wash(first: int, at: int, size: float) -> Plant:
    """Two accounts of one owner, four hand-overs there and back."""
    one, two = Actor(first, "wash"), Actor(first + 1, "wash")
    for turn in range(4):
        seller, buyer = (one, two) if turn % 2 == 0 else (two, one)
        _hand_over(seller, buyer, at + turn * 40 * SECOND, _lots(40, size))
    plant = Plant(Pattern.WASH_TRADE, [one, two])
    plant.groups["wash family"] = tuple(sorted(plant.accounts))
    return plant


def self_trade(first: int, at: int, size: float) -> Plant:
    """One account that meets itself."""
    one = Actor(first, "self")
    _hand_over(one, one, at, _lots(40, size))
    return Plant(Pattern.SELF_TRADE, [one])


def circular(first: int, at: int, size: float) -> Plant:
    """Three accounts, three rounds; they trade with others, too."""
    actors = [Actor(first + number, "ring") for number in range(3)]
    for turn in range(3):
        for leg in range(3):
            when = at + turn * 3 * MINUTE + leg * 40 * SECOND
            _hand_over(actors[leg], actors[(leg + 1) % 3], when, _lots(40, size))
    for actor in actors:
        actor.at(at + 150 * SECOND, lambda one, view: (one.take(view, BUY, _lots(20, size)),))
    return Plant(Pattern.CIRCULAR_TRADING, actors)


def _deceive(actor: Actor, at: int, side: int, layers: list[tuple[int, int]], quantity: int) -> None:
    """A small order of one side at the best price, large ones of the other; these go once the small one trades."""

    def begin(one: Actor, view: View) -> Iterable[Command]:
        if view.phase is not BookPhase.CONTINUOUS or not view.bid or not view.ask:
            return ()
        touch, base, sign = (view.ask, view.bid, -1) if side == SELL else (view.bid, view.ask, 1)
        touch += sign if view.ask - view.bid > 1 else 0
        bluff = [one.limit(view, 1 - side, base + sign * away, lots) for away, lots in layers]
        return (one.limit(view, side, touch, quantity), *bluff)

    def hurry(one: Actor, view: View) -> Iterable[Command]:
        """Nobody came: it goes to them."""
        waiting = one.withdraw(side)
        return (*waiting, one.take(view, side, quantity)) if waiting else ()

    def done(one: Actor, view: View) -> Iterable[Command]:
        return one.withdraw(BUY, SELL)

    actor.on_fill = lambda one, view: one.withdraw(1 - side)
    actor.at(at, begin)
    actor.at(at + 15 * SECOND, hurry)
    actor.at(at + 40 * SECOND, done)


def spoofing(first: int, at: int, size: float) -> Plant:
    """Six times a small sale behind a large purchase that never was meant."""
    one = Actor(first, "spoof")
    for turn in range(6):
        _deceive(one, at + turn * 60 * SECOND, SELL, [(2, _lots(600, size))], _lots(30, size))
    return Plant(Pattern.SPOOFING, [one])


def layering(first: int, at: int, size: float) -> Plant:
    """Three times a small sale behind five layers of purchases."""
    one = Actor(first, "layer")
    layers = [(away, _lots(100, size)) for away in (1, 2, 3, 4, 5)]
    for turn in range(3):
        _deceive(one, at + turn * 60 * SECOND, SELL, layers, _lots(30, size))
    return Plant(Pattern.LAYERING, [one])


def front_running(first: int, at: int, size: float) -> Plant:
    """A dealer buys ahead of a client three times, and sells to it."""
    dealer, client = Actor(first, "dealer"), Actor(first + 1, "client")
    for turn in range(3):
        when = at + turn * 6 * MINUTE
        for number in range(3):
            dealer.at(when + number * 5 * SECOND, lambda one, view: (one.take(view, BUY, _lots(30, size)),))
        # what is offered just above is what the client's order reaches
        dealer.at(
            when + 20 * SECOND,
            lambda one, view: (one.limit(view, SELL, max(view.ask, one.dearest) + 2, max(one.inventory, 1)),),
        )
        client.at(when + 25 * SECOND, lambda one, view: (one.take(view, BUY, _lots(6_000, size), deep=40),))
        dealer.at(when + 60 * SECOND, lambda one, view: one.withdraw(SELL))
    plant = Plant(Pattern.FRONT_RUNNING, [dealer])
    plant.own = tuple(plant.accounts)
    plant.actors.append(client)
    return plant


def marking(first: int, hours: Hours, size: float) -> Plant:
    """A holder of the share buys through the last twenty minutes, and more in the last three."""
    one = Actor(first, "close")
    one.at(hours.opens + 5 * MINUTE, lambda me, view: (me.take(view, BUY, 200, deep=3),))
    for number in range(80):
        when = hours.closes - 20 * MINUTE + number * 14 * SECOND
        one.at(when, lambda me, view: (me.take(view, BUY, _lots(600, size), deep=5),))
    for number in range(30):
        when = hours.closes - 3 * MINUTE + number * 6 * SECOND
        one.at(when, lambda me, view: (me.take(view, BUY, _lots(3_000, size), deep=20),))
    return Plant(Pattern.MARKING_THE_CLOSE, [one])


def ignition(first: int, at: int, size: float) -> Plant:
    """A burst of purchases up the book; somebody follows with a bid near its top, and is sold to.

    The follower is planted too: the population knows the value, and would not follow."""
    one, follower = Actor(first, "ignite"), Actor(first + 1, "follower")
    start: list[int] = []
    climb = _lots(10, size)

    def buy(number: int) -> Act:
        def act(me: Actor, view: View) -> Iterable[Command]:
            start.append(view.ask or view.last)
            price = start[0] + climb * (number + 1)
            return (me.limit(view, BUY, price, _lots(3_000, size), at_once=True),)

        return act

    for number in range(10):
        one.at(at + number * 300 * MILLISECOND, buy(number))
    follower.at(
        at + 2_800 * MILLISECOND,
        lambda me, view: (me.limit(view, BUY, start[0] + 8 * climb, _lots(10_000, size)),),
    )
    for number in range(4):
        one.at(at + 2_850 * MILLISECOND + number * SECOND, _leave(_lots(2_500, size)))
    follower.at(at + 20 * SECOND, lambda me, view: me.withdraw(BUY))
    plant = Plant(Pattern.MOMENTUM_IGNITION, [one])
    plant.actors.append(follower)
    return plant


def _leave(quantity: int) -> Act:
    """Sell some of what is held at the best bid."""

    def act(me: Actor, view: View) -> Iterable[Command]:
        return (me.take(view, SELL, min(quantity, me.inventory)),) if me.inventory > 0 else ()

    return act


def stuffing(first: int, at: int, size: float) -> Plant:
    """Orders far from the market, entered and withdrawn within a millisecond or two, for two seconds."""
    one = Actor(first, "stuff")
    pairs = _lots(200, size)
    for number in range(pairs):
        when = at + number * 2 * SECOND // pairs
        one.at(when, lambda me, view: (me.limit(view, BUY, max(view.bid - 40, 1), 10),))
        one.at(when + 2 * MILLISECOND, lambda me, view: me.withdraw(BUY))
    return Plant(Pattern.QUOTE_STUFFING, [one])


def ratio(first: int, at: int, size: float) -> Plant:
    """Orders one and a half percent away, all afternoon, and one trade."""
    one = Actor(first, "ratio")
    one.at(at, lambda me, view: (me.take(view, BUY, 5),))
    for number in range(_lots(300, size)):
        when = at + SECOND + number * 4 * SECOND
        one.at(when, lambda me, view: (me.limit(view, BUY, int(view.bid * 0.985), 10),))
        one.at(when + 2 * SECOND, lambda me, view: me.withdraw(BUY))
    return Plant(Pattern.ORDER_TO_TRADE, [one])


def plants(hours: Hours, *, seed: int, size: float) -> list[Plant]:
    """One of each pattern, at instants drawn from the seed."""
    draws = np.random.default_rng(seed)
    first, last = hours.opens + 8 * MINUTE, hours.closes - 25 * MINUTE

    def when() -> int:
        return int(draws.integers(first, last))

    made: list[Plant] = []
    accounts = iter(range(101, 1_000, 10))
    for make in (wash, self_trade, circular, spoofing, layering, front_running, ignition, stuffing, ratio):
        made.append(make(next(accounts), when(), size))
    made.append(marking(next(accounts), hours, size))
    return made


@dataclass
class PlantedDay:
    """A day, what was planted in it, and its events."""

    plants: list[Plant]
    events: list[AnyEvent]
    settings: SurveillanceSettings

    def surveil(self) -> Finding:
        """What surveillance finds."""
        return surveil(self.events, self.settings, whole=True)


def background_of(facts: DayFacts) -> tuple[str, ...]:
    """The day's own strategies: every one but the crowd."""
    return tuple(f"{name}-{account}" for account, name in facts.names.items() if name not in facts.crowd)


def planted_day(seed: int, *, size: float, activity: float = 0.06, plant: bool = True) -> PlantedDay:
    """A generated day of a share with every pattern planted once (or none)."""
    parameters = DayParameters(
        reference=1500 * SCALE,
        information=InformationParameters(volatility=HOURLY),
        population=Population(activity=activity),
    )
    _, hours = generated_day(Book(1), INSTRUMENT, DAY, parameters, seed=seed)
    made = plants(hours, seed=seed, size=size) if plant else []
    actors = [actor for each in made for actor in each.actors]
    simulation, hours = generated_day(Book(1), INSTRUMENT, DAY, parameters, seed=seed, others=actors)
    record = simulation.run()
    facts = DayFacts(
        instrument=INSTRUMENT.id,
        tick=INSTRUMENT.tick_at(hours.opens),
        lot=INSTRUMENT.lot_at(hours.opens),
        names=record.names,
        closes_at=hours.ends,
    )
    events = list(events_of_day(facts, orders=record.orders(), trades=record.trades()))
    groups = {name: members for each in made for name, members in each.groups.items()}
    planted = {actor.account for actor in actors}
    # every strategy of the background is under suspicion of front running too
    own = [name for name in background_of(facts) if int(name.rpartition("-")[2]) not in planted]
    own += [name for each in made for name in each.own]
    tables = {"groups": groups, "front_running": {"own_accounts": own}}
    return PlantedDay(made, events, settings_from(tables, where="the planted day"))
