"""Every place something can be plugged in, on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tradsys.core.events import Approved, Bar, Fill, Order, OrderEvent, Refused
from tradsys.core.instruments import Instrument


class Account(Protocol):
    """What a strategy may know of its own standing: floats, read only."""

    @property
    def cash(self) -> float:
        """Free cash of the shared account."""

    @property
    def equity(self) -> float:
        """Cash plus positions at the last price, of the shared account."""

    def position(self, instrument: str) -> float:
        """Signed units this strategy holds."""


class Standing(Protocol):
    """What a check may know of the account: exact (1e-8), read only."""

    def free_cash(self) -> int:
        """Cash that no position or working order has claimed."""

    def sellable(self, order: Order) -> int:
        """Quantity the order's strategy holds and has not yet offered for sale."""

    def opening(self, order: Order) -> int:
        """The part of the order's quantity that would enlarge or open a position."""

    def needed(self, order: Order, instrument: Instrument, price: int) -> int:
        """Cash or margin that the order would claim."""


class Check(Protocol):
    """One rule of the gate. Not modelled here: anything that needs the venue's answer."""

    name: str

    def __call__(self, order: Order, instrument: Instrument, price: int) -> Refused | None:
        """A refusal carrying rule, limit and value, or None. `price` is the last price, 1e-8."""


class ChargePlan(Protocol):
    """What a fill costs, itemised; 1e-8 of the currency."""

    def on_fill(self, fill: Fill, instrument: Instrument) -> tuple[tuple[str, int], ...]:
        """Items of one fill, in the order of a contract note."""

    def on_exercise(self, intrinsic: int, instrument: Instrument, *, at: int) -> tuple[tuple[str, int], ...]:
        """Items of an option exercised at expiry for its intrinsic value in money, 1e-8."""


class Venue(Protocol):
    """Where approved orders go and order events come from."""

    def submit(self, approved: Approved) -> Sequence[OrderEvent]:
        """Take an order; what the venue says at once."""

    def cancel(self, order_id: int, *, at: int) -> Sequence[OrderEvent]:
        """Withdraw an order."""


class Sizer(Protocol):
    """Exposure to a target position."""

    def quantity(self, *, strength: float, price: float, equity: float) -> float:
        """Units wanted for a strength in -1…1 at a price, of an equity in currency units."""


class Feed(Protocol):
    """Market data in time order."""

    def __iter__(self) -> Iterator[Bar]:
        """Yield events, oldest first."""
