"""What a rule must know that neither the order nor a dated row says. `UNKNOWN` is an answer, and refuses the order."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, Protocol, TypeVar

import msgspec

from tradsys.core.events import Order
from tradsys.core.instruments import Instrument


class Unknown(Enum):
    """The answer of whoever does not know."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN

T = TypeVar("T")

AUTOMATIC: Final = -1
"""Market protection chosen by the broker."""


class Registration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a strategy is known to an exchange: its id there (empty: the generic one), the hash of the code that was
    registered, and of the code that runs."""

    algo_id: str = ""
    registered_hash: str = ""
    code_hash: str = ""


class Band(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lowest and highest price that an exchange takes, 1e-8."""

    low: int
    high: int


class Exposure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Positions in one underlying by delta (futures equivalent), with the order asked about counted in full.

    `long` and `short` are money, 1e-8 rupees, of options; `units` is the signed net of all contracts, 1e-8.
    """

    long: int = 0
    short: int = 0
    units: int = 0


class Messages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Today's messages that count for the order-to-trade ratio, today's trades, and whether the exchange has barred the
    member from orders now."""

    counted: int
    trades: int
    barred: bool = False


class Facts(Protocol):
    """What the rules ask. `at` is an instant (UTC nanoseconds); every answer may be `UNKNOWN`."""

    def registration(self, strategy: str, instrument: Instrument, at: int) -> Registration | Unknown:
        """How the strategy is known to the instrument's exchange."""

    def market_protection(self, order: Order) -> int | Unknown:
        """Protection that the order will be sent with, hundredths of a percent; 0 for none, `AUTOMATIC`."""

    def address(self, at: int) -> str | Unknown:
        """The network address that orders leave from."""

    def registered_addresses(self, at: int) -> tuple[str, ...] | Unknown:
        """Those that the broker has registered."""

    def logged_in_at(self, at: int) -> int | Unknown:
        """When the broker's session of that moment began, UTC nanoseconds."""

    def band(self, instrument: str, at: int) -> Band | Unknown:
        """The instrument's price band."""

    def reference_price(self, instrument: str, at: int) -> int | Unknown:
        """The reference price of limit price protection, 1e-8."""

    def freeze_quantity(self, instrument: str, at: int) -> int | Unknown:
        """Largest quantity of one order by the contract file, 1e-8, where no dated row has it."""

    def banned(self, underlying: str, at: int) -> bool | Unknown:
        """Whether a stock is in the ban period of its market-wide limit."""

    def exposure(self, order: Order, instrument: Instrument) -> Exposure | Unknown:
        """What the positions would be with this order."""

    def market_wide_limit(self, underlying: str, at: int) -> int | Unknown:
        """The market-wide position limit of a stock in units, 1e-8."""

    def surveillance(self, instrument: str, at: int) -> str | Unknown:
        """The measure a share is under: `GSM 2`, `LT-ASM 4`, `ESM 1`, `T2T`, …; empty for none."""

    def messages(self, instrument: Instrument, at: int) -> Messages | Unknown:
        """Counts of the day in the instrument's exchange and segment."""

    def own_orders(self, instrument: str, at: int) -> tuple[Order, ...] | Unknown:
        """Own orders that work or may be working, of all strategies and accounts of one owner."""


class StatedFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts written down once, the same at every instant; what is not written down is unknown.

    Mappings have the instrument or underlying as their key. `own` is None where own orders are unknown.
    """

    registrations: Mapping[str, Registration] = {}
    protection: int | None = None
    egress: str | None = None
    addresses: tuple[str, ...] | None = None
    login: int | None = None
    bands: Mapping[str, Band] = {}
    references: Mapping[str, int] = {}
    freezes: Mapping[str, int] = {}
    bans: Mapping[str, bool] = {}
    exposures: Mapping[str, Exposure] = {}
    market_wide: Mapping[str, int] = {}
    measures: Mapping[str, str] = {}
    counts: Messages | None = None
    own: tuple[Order, ...] | None = None

    def registration(self, strategy: str, instrument: Instrument, at: int) -> Registration | Unknown:
        """By strategy."""
        return self.registrations.get(strategy, UNKNOWN)

    def market_protection(self, order: Order) -> int | Unknown:
        """`protection`, the same for every order."""
        return _known(self.protection)

    def address(self, at: int) -> str | Unknown:
        """`egress`."""
        return _known(self.egress)

    def registered_addresses(self, at: int) -> tuple[str, ...] | Unknown:
        """`addresses`."""
        return _known(self.addresses)

    def logged_in_at(self, at: int) -> int | Unknown:
        """`login`."""
        return _known(self.login)

    def band(self, instrument: str, at: int) -> Band | Unknown:
        """By instrument."""
        return self.bands.get(instrument, UNKNOWN)

    def reference_price(self, instrument: str, at: int) -> int | Unknown:
        """By instrument."""
        return self.references.get(instrument, UNKNOWN)

    def freeze_quantity(self, instrument: str, at: int) -> int | Unknown:
        """By instrument."""
        return self.freezes.get(instrument, UNKNOWN)

    def banned(self, underlying: str, at: int) -> bool | Unknown:
        """By underlying."""
        return self.bans.get(underlying, UNKNOWN)

    def exposure(self, order: Order, instrument: Instrument) -> Exposure | Unknown:
        """By underlying, as written: the order is taken to be in it."""
        return self.exposures.get(instrument.underlying, UNKNOWN)

    def market_wide_limit(self, underlying: str, at: int) -> int | Unknown:
        """By underlying."""
        return self.market_wide.get(underlying, UNKNOWN)

    def surveillance(self, instrument: str, at: int) -> str | Unknown:
        """By instrument."""
        return self.measures.get(instrument, UNKNOWN)

    def messages(self, instrument: Instrument, at: int) -> Messages | Unknown:
        """`counts`, the same for every segment."""
        return _known(self.counts)

    def own_orders(self, instrument: str, at: int) -> tuple[Order, ...] | Unknown:
        """Those of `own` in the instrument."""
        return UNKNOWN if self.own is None else tuple(each for each in self.own if each.instrument == instrument)


def _known(value: T | None) -> T | Unknown:
    return UNKNOWN if value is None else value
