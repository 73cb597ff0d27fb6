"""What a snapshot of an engine holds, record by record: plain data, exact, in the order it has in the engine."""

from __future__ import annotations

import msgspec

from tradsys.core.events import Approved, Bar, CancelRequested, Order, Product, Side, Tick
from tradsys.core.instruments import Instrument
from tradsys.core.orders import OrderState
from tradsys.portfolio.holdings import Shares

VERSION = 1


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """As much of a snapshot as every version has."""

    version: int


class StrategyIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy copy: its name in the run, its class, what it was given."""

    name: str
    kind: str
    parameters: dict[str, int | float | bool | str]
    instruments: tuple[str, ...]
    product: Product


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The engine a snapshot belongs to. Code and data are the journal's affair."""

    currency: str
    cash: int
    strategies: tuple[StrategyIdentity, ...]
    instruments: dict[str, Instrument]
    indicators: dict[str, tuple[str, ...]]
    calendar: str


class PositionState(msgspec.Struct, frozen=True, kw_only=True):
    """A place that fills go to, all numbers 1e-8."""

    strategy: str
    instrument: str
    product: Product
    quantity: int
    cost: int
    realised: int
    charges: int


class LedgerState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account. `positions`, `open_positions` and those of `strategies` are numbers of `places`, in their order.

    `holdings` are strategy, instrument and shares, where the account keeps what is settled; `rates` and `local_marks`
    those of foreign instruments.
    """

    cash: int
    charge_items: dict[str, int]
    places: list[PositionState]
    positions: list[int]
    open_positions: list[int]
    strategies: dict[str, list[int]]
    cash_moves: list[tuple[str, str, int]]
    marks: dict[str, int]
    holdings: list[tuple[str, str, Shares]] = []
    rates: dict[str, int] = {}
    local_marks: dict[str, int] = {}


class RouteState(msgspec.Struct, frozen=True, kw_only=True):
    """What live orders on one way offer to trade."""

    strategy: str
    instrument: str
    product: Product
    side: Side
    offered: int


class LiveState(msgspec.Struct, frozen=True, kw_only=True):
    """An order between approval and its end; `copy` is the number of the strategy copy whose it is."""

    order: Order
    copy: int
    seq: int
    remaining: int
    reserved: int
    offers: bool
    pursues: bool
    state: OrderState


class DesireState(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy copy wants of an instrument."""

    strength: int | float | None
    quantity: int
    working: int


class RunnerState(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy copy: its desires by instrument and what it remembers, of which a halted one needs nothing."""

    halted: bool
    desires: dict[str, DesireState]
    remembered: bytes


class ReadingState(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator as its strategy reads it, and its stepper."""

    fields: dict[str, float | bool]
    stepper: bytes


class MarketState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one instrument."""

    bar: Bar | None
    tick: Tick | None
    seen: float
    seen_at: int
    previous_close: int
    row: int
    boundary: int
    readings: list[ReadingState]


class EngineState(msgspec.Struct, frozen=True, kw_only=True):
    """A whole engine between two events, with its calendar: `past` events of it were handed out."""

    version: int = VERSION
    identity: Identity
    line: int
    order_id: int
    group: int
    ledger: LedgerState
    charges: bytes
    reserved: int
    borrows: bool
    routes: list[RouteState]
    live: list[LiveState]
    outbox: list[Approved | CancelRequested]
    runners: list[RunnerState]
    markets: dict[str, MarketState]
    past: int
    cutoffs: dict[str, int]
    limits: bytes = b""
    rules: bytes = b""
    protected: bytes = b""
