"""What a run leaves behind, as plain data: the input of the metrics and of the tear sheet.

Exact columns are int64 in 1e-8 (of the currency, of a unit); `float64` columns are in currency units. Times are UTC
nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core.errors import DataError
from tradsys.core.events import Fill, Halted
from tradsys.core.instruments import Instrument
from tradsys.portfolio.holdings import Holding

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one entry order made when one exit order closed it (first in, first out); exact, 1e-8.

    Prices are averages over partial fills, the entry's adjusted for splits in between. `gross` is before `charges`;
    dividends and funding are not in it. `break_even_move` is the price move a unit that pays all charges. An open trade
    has `exited_at` 0 and `exit_price` its last mark, so that `gross` is unrealised. `bars` counts price bars after the
    entry up to the exit; `adverse` (≤ 0) and `favourable` (≥ 0) are the furthest moves against and for the trade as
    fractions of the entry price; all three None where no prices were given or a split lies between.
    """

    strategy: str
    instrument: str
    product: str
    side: int
    quantity: int
    entered_at: int
    exited_at: int
    entry_price: int
    exit_price: int
    gross: int
    charges: int
    break_even_move: int
    entry_order: int
    exit_order: int
    entry_reason: str = ""
    exit_reason: str = ""
    is_open: bool = False
    crossed_split: bool = False
    bars: int | None = None
    adverse: float | None = None
    favourable: float | None = None

    @property
    def net(self) -> int:
        """Gain or loss after charges, 1e-8."""
        return self.gross - self.charges

    @property
    def held(self) -> int | None:
        """Nanoseconds from entry to exit; None while open."""
        return None if self.is_open else self.exited_at - self.entered_at


class ProfitPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one cause made of one signal's lots: `amount` in 1e-8, positive is earned.

    `item` is the charge item or the reason of the cash move, else empty; `reason` the signal, empty for cash moves.
    """

    strategy: str
    instrument: str
    reason: str
    cause: str
    item: str
    amount: int


class RefusedRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How often a rule refused, with the first case: when, whose, its limit, the offending value and what to do.

    `title` says what the rule is about, `source` who made it.
    """

    rule: str
    count: int
    limit: str = ""
    value: str = ""
    fix: str = ""
    title: str = ""
    source: str = ""
    at: int = 0
    instrument: str = ""


class RiskEventRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What watching the account said of one rule and subject: what happened, how often, and the first case (UTC ns)."""

    what: str
    rule: str
    subject: str
    count: int
    first: int
    value: str
    limit: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One kind of defect found in the data of one instrument, `first` and `last` time seen (0: not dated)."""

    kind: str
    instrument: str
    count: int
    first: int = 0
    last: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Prices:
    """Bars of one instrument as traded (not adjusted): `at` is the end of each bar, all arrays of one length n."""

    instrument: str
    at: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True)
class FillColumns:
    """Fills in time order, all columns of one length m. `notional` is the unsigned money of the fill, `side` ±1."""

    at: Integers
    strategy: Sequence[str]
    instrument: Sequence[str]
    side: NDArray[np.int8]
    quantity: Integers
    price: Integers
    notional: Integers
    charges: Integers
    order_id: Integers
    product: Sequence[str]
    reason: Sequence[str]

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of(cls, fills: Sequence[Fill], charges: Iterable[int], instruments: Mapping[str, Instrument]) -> FillColumns:
        """Columns of fill events and the charges of each (1e-8)."""
        sizes = [abs(fill.price) * fill.quantity * instruments[fill.instrument].multiplier // 10**8 for fill in fills]
        return cls(
            at=np.array([fill.at for fill in fills], np.int64),
            strategy=[fill.strategy for fill in fills],
            instrument=[fill.instrument for fill in fills],
            side=np.array([int(fill.side) for fill in fills], np.int8),
            quantity=np.array([fill.quantity for fill in fills], np.int64),
            price=np.array([fill.price for fill in fills], np.int64),
            notional=np.array(sizes, np.int64),
            charges=np.array(list(charges), np.int64),
            order_id=np.array([fill.order_id for fill in fills], np.int64),
            product=[str(fill.product) for fill in fills],
            reason=[fill.reason for fill in fills],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One run, finished or interrupted. Everything but the curves may be empty.

    `at`, `cash`, `equity` (int64, 1e-8) are the account after each step, n > 0 points in time order; `benchmark`
    (float64[n], currency units) is buy-and-hold of the same start cash. `days_a_year` annualises daily returns (252
    trading days at NSE, 365 in crypto). `profit_by_*` are net of charges, open positions at their marks, cash moves
    included; the parts of `attribution` add up to the same profit. `cash_moves` sums by reason.
    `holdings` are the shares in delivery at the last bar. `manifest` is printed
    as it stands (code version, data hash, compile time …). `interrupted` says why a run is partial. Raises `DataError`
    for curves that are empty or differ in length.
    """

    name: str
    currency: str
    zone: str
    days_a_year: int
    start_cash: int
    at: Integers
    cash: Integers
    equity: Integers
    benchmark: Floats | None = None
    benchmark_name: str = "buy and hold"
    fills: FillColumns = field(default_factory=lambda: FillColumns.of((), (), {}))
    trades: Sequence[RoundTrip] = ()
    charge_items: Mapping[str, int] = field(default_factory=dict)
    cash_moves: Mapping[str, int] = field(default_factory=dict)
    profit_by_strategy: Mapping[str, int] = field(default_factory=dict)
    profit_by_instrument: Mapping[str, int] = field(default_factory=dict)
    attribution: Sequence[ProfitPart] = ()
    holdings: Sequence[Holding] = ()
    orders: int = 0
    metrics: Mapping[str, object] = field(default_factory=dict)
    refusals: Sequence[RefusedRule] = ()
    risk_events: Sequence[RiskEventRow] = ()
    halted: Sequence[Halted] = ()
    findings: Sequence[Finding] = ()
    assumptions: Sequence[str] = ()
    why_no_trades: Sequence[str] = ()
    manifest: Mapping[str, object] = field(default_factory=dict)
    prices: Sequence[Prices] = ()
    interrupted: str = ""

    def __post_init__(self) -> None:
        lengths = {"at": len(self.at), "cash": len(self.cash), "equity": len(self.equity)}
        if self.benchmark is not None:
            lengths["benchmark"] = len(self.benchmark)
        if len(set(lengths.values())) != 1 or not lengths["at"]:
            raise DataError("curves must be of one length and not empty", value=str(lengths), limit="n > 0")
