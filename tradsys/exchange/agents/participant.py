"""What a participant of the simulated market is: what it sees, what it may ask for, what it is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from tradsys.core.matching import BookPhase, Command
from tradsys.core.units import SECOND
from tradsys.exchange.agents.draws import Draws

NEVER = 2**63 - 1
"""The instant of a participant that has nothing more to do."""


class Request(NamedTuple):
    """A command that reaches the book at `at` (UTC nanoseconds; what is past means at once).

    `while_live`: drop it if its order is no longer live by then, because the participant would know that. `answered`:
    tell the participant whether the book took it, before anything that follows from it.
    """

    at: int
    command: Command
    while_live: bool = False
    answered: bool = False


class Notice(NamedTuple):
    """What happened to an order of ours: traded `filled` lots at `price` ticks, has `open` lots left (0: it is gone).
    Where one command trades more than once, `open` is what is left after all of it.

    `reason` (`core.matching.Reason`) says why a command was rejected or an order removed. `maker`: the order rested
    when it traded. `taken`: whether the book took a request that is `answered`; `open` is then what goes in. A notice
    that says nothing of these says that a stop was touched.
    """

    order_id: int
    side: int
    price: int
    filled: int
    open: int
    reason: int = 0
    maker: bool = False
    taken: bool | None = None


class View:
    """The market as a participant sees it when it wakes. Prices in ticks, quantities in lots, 0 where there is none.

    `value` is the price (ticks, a float) that the information so far is worth, `activity` how busy the market is (1: an
    average moment of an average day), `ripple` the standard deviation of the value's next second in ticks.
    """

    __slots__ = (
        "activity", "ask", "ask_quantity", "at", "bid", "bid_quantity", "last", "last_id", "phase", "ripple", "value",
    )  # fmt: skip

    def __init__(self) -> None:
        self.at = 0
        self.phase = BookPhase.CLOSED
        self.bid = self.bid_quantity = self.ask = self.ask_quantity = self.last = 0
        self.value = 0.0
        self.activity = 1.0
        self.ripple = 0.0
        self.last_id = 0

    def new_id(self) -> int:
        """An order number that nobody has used."""
        self.last_id += 1
        return self.last_id

    @property
    def middle(self) -> float:
        """Middle of the best prices in ticks; the last trade, then the value, where a side is empty."""
        if self.bid and self.ask:
            return (self.bid + self.ask) / 2
        return float(self.last) or self.value


class Participant(Protocol):
    """Somebody who trades. One instrument, whole ticks and lots. Wakes, acts, says when to wake it next.

    Not modelled here: money; a participant limits its own inventory.
    """

    account: int
    name: str

    def act(self, view: View, draws: Draws) -> Iterable[Request]:
        """Commands of this moment; called in a phase that takes orders."""

    def wake_at(self, view: View, draws: Draws) -> int:
        """When to act next, UTC nanoseconds, or `NEVER`. Asked once before the day and after each `act`."""

    def told(self, notice: Notice) -> Iterable[Request] | None:
        """A trade, a removal or a rejection of one of its orders, as it happens; what it asks for then."""


def chance_wake(view: View, draws: Draws, *, a_second: float) -> int:
    """The next instant of a Poisson process of so many a second at activity 1; `NEVER` once there is no activity."""
    rate = a_second * view.activity
    return view.at + int(draws.exponential(SECOND / rate)) + 1 if rate > 0 else NEVER


def whole_lots(quantity: float) -> int:
    """The nearest number of lots, at least one."""
    return max(round(quantity), 1)
