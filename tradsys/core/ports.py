"""Every place something can be plugged in, on one screen."""

from __future__ import annotations

from typing import ClassVar, Protocol

import msgspec

from tradsys.core.events import Fill, Order, Product, Refused, Side
from tradsys.core.instruments import Instrument


class Account(Protocol):
    """What a strategy may know of its own standing: floats, read only."""

    @property
    def cash(self) -> float:
        """Free cash of the shared account."""

    @property
    def equity(self) -> float:
        """Cash plus positions at the last price, of the shared account."""

    @property
    def allotment(self) -> float:
        """Equity this strategy may size against: its share of the capital, and what it earned."""

    def position(self, instrument: str, *, product: str = "") -> float:
        """Signed units this strategy holds, of one product or of all together."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What an order means for the account, worked out once for every check; 1e-8.

    `price` is the last price (0: none), `held` the signed position of the order's strategy, instrument and product,
    `offered` what working orders on its side already offer to trade, `opening` the part of the order that enlarges or
    opens a position, `needed` the cash or margin that this part claims.
    """

    price: int
    held: int
    offered: int
    opening: int
    needed: int


class Standing(Protocol):
    """What a check may ask of the account: exact (1e-8), read only."""

    def free_cash(self) -> int:
        """Cash that no position or working order has claimed."""


class Holdings(Protocol):
    """What limits on the whole account are held against, at the last prices: exact (1e-8), read only.

    A scope is a kind (`account`, `strategy`, `instrument`, `segment`) and a name, empty for the account.
    """

    def held(self, instrument: str, *, strategy: str = "") -> int:
        """Signed units of an instrument over all products, of one strategy or of all."""

    def exposure(self, kind: str, *, name: str) -> int:
        """Sum of what open positions of a scope are worth, whichever way they are."""

    def equity(self) -> int:
        """Cash and what positions would bring."""

    def profit(self, kind: str, *, name: str) -> int:
        """What a scope has earned since the run began, net of charges."""

    def account(self) -> tuple[int, int, int]:
        """Equity, profit and exposure of the account, worked out together."""


class Check(Protocol):
    """One rule of the gate. Not modelled here: anything that needs the venue's answer."""

    name: str

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Whether an order of this kind could ever be refused; the answer never changes during a run."""

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """A refusal carrying rule, limit and value, or None."""


class ChargePlan(Protocol):
    """What a fill costs, itemised; 1e-8 of the currency."""

    def on_fill(self, fill: Fill, instrument: Instrument) -> tuple[tuple[str, int], ...]:
        """Items of one fill, in the order of a contract note."""

    def on_exercise(self, intrinsic: int, instrument: Instrument, *, at: int) -> tuple[tuple[str, int], ...]:
        """Items of an option exercised at expiry for its intrinsic value in money, 1e-8."""

    def state(self) -> bytes:
        """What it counts by the day, the same bytes for the same counts."""

    def restore(self, state: bytes) -> None:
        """Go on from what `state` gave. Raises `ConfigError` for bytes that are none."""


class Sizer(Protocol):
    """Exposure to a target position. `looks_at_equity` says whether `equity` matters; where not, it is 0."""

    looks_at_equity: ClassVar[bool]

    def quantity(self, *, strength: float, price: float, equity: float) -> float:
        """Units wanted for a strength in -1…1 at a price, of an equity in currency units."""
