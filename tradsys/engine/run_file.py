"""What a run file may say: every key, its type and its default. Unknown keys are refused by `settings`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tradsys.core.events import Product
from tradsys.core.instruments import OptionRight, Segment
from tradsys.risk.breaker_settings import BreakersSection
from tradsys.risk.greek_limits import GreeksSection
from tradsys.risk.limits import LimitsSection
from tradsys.risk.monitoring.settings import MonitoringSettings
from tradsys.signals.sizing import SizerChoice


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the run file."""


class RunSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """`[run]`: `from` and `to` are dates (both included, in the exchange's zone) or instants with an offset."""

    name: str
    seed: int = 0
    cash: float = 1_000_000.0
    currency: str = "INR"
    from_: str | None = None
    to: str | None = None


class InstrumentSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `[[data.instruments]]`: `id` is `EXCHANGE:SYMBOL`; `path` where it has a file of its own."""

    id: str
    path: str | None = None
    name: str | None = None
    segment: Segment | None = None
    tick: float | None = None
    lot: float | None = None
    multiplier: int = 1
    currency: str | None = None
    underlying: str = ""
    expiry: str | None = None
    strike: float | None = None
    right: OptionRight | None = None
    physical_settlement: bool = False
    closing_auction: bool = False
    roll_to: str | None = None
    funding: str | None = None


class DataSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[data]`: where the bars are, and what the file cannot say of itself."""

    path: str | list[str]
    format: str
    instruments: list[str | InstrumentSection] = []
    interval: str | None = None
    label: str | None = None
    timezone: str | None = None
    date_order: str | None = None
    corporate_actions: str | None = None
    adjust: str = "all"
    rates: str | None = None


class StrategySection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `[[strategies]]`. `capital` is its share of the account, an equal part when not given."""

    use: str
    name: str | None = None
    params: dict[str, Any] = {}
    capital: float | None = None
    sizer: SizerChoice = SizerChoice()
    instruments: list[str] | None = None
    product: Product | None = None


class ProtectionSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[execution.protection]`: what becomes of a capped market order that rests. It is looked at `wait_seconds` after
    it was taken, or `wait_bars` bars; it is placed anew so often at the last price, then `then` is done. `widen`
    multiplies the percentage, up to `widest`."""

    wait_seconds: float = 5.0
    wait_bars: int = 0
    entry_re_pegs: int = 0
    entry_then: Literal["widen", "cancel", "alert"] = "cancel"
    exit_re_pegs: int = 3
    exit_then: Literal["widen", "cancel", "alert"] = "widen"
    widen: float = 2.0
    widest: float = 20.0


class ExecutionSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[execution]`: the assumptions of the simulated venue, on `bars` or on the `exchange` (ticks and books).

    `slippage_bps` and `participation` are for bars, the queue (with the exponent of `proportional`) and the latencies
    for the exchange. `latency_ms` is an order's way to the venue and `response_ms` a report's way back: as long as that
    where `constant`, in the median where `lognormal`; a `recorded` latency is `latency_scale` times the feed's.
    `market_protection` caps every market order: that many percent beyond the last price, or "automatic".
    """

    venue: str = "bars"
    queue: str = "risk_averse"
    queue_exponent: float = 1.0
    latency: str = "constant"
    latency_ms: float = 0.0
    response_ms: float = 0.0
    latency_spread: float = 0.5
    latency_scale: float = 1.0
    slippage_bps: float = 5.0
    participation: float = 0.1
    product: Product | None = None
    positions: str = "netting"
    price_band: float | None = None
    roll_days: int = 1
    market_protection: float | str | None = None
    protection: ProtectionSection | None = None


class ChargesSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[charges]`: `as_of` prices every trade at the rates of one date."""

    plan: str = "zerodha"
    as_of: str | None = None
    rate: float | None = None
    maker: float | None = None
    taker: float | None = None
    square_off_fee: bool = True


class FactsSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[rules.facts]`: what rules ask and a run cannot know by itself; what is not given is unknown and refuses.

    `paper_access` says that the venue is a simulated one, where a session has always just begun and orders leave
    from a registered address; `login` is the time of day of the daily log-in. The last six are CSV files of dated rows.
    """

    paper_access: bool = False
    generic_algo_id: bool = False
    address: str | None = None
    registered_addresses: list[str] | None = None
    login: str | None = None
    registrations: str | None = None
    surveillance: str | None = None
    ban_list: str | None = None
    market_wide_limits: str | None = None
    freeze_quantities: str | None = None
    price_bands: str | None = None


FACT_FILES = (
    "registrations",
    "surveillance",
    "ban_list",
    "market_wide_limits",
    "freeze_quantities",
    "price_bands",
)
"""Keys of `[rules.facts]` that name files."""


class RulesSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[rules]`: `pack` adds a regulator's rules to the gate; `as_of` takes margin rates and those rules of one date
    for every date; `orders_per_second` is our own limit below the pack's."""

    pack: str | None = None
    as_of: str | None = None
    orders_per_second: int | None = None
    facts: FactsSection | None = None


class RiskSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[risk]`: our own limits."""

    intraday_leverage: float | None = None
    limits: LimitsSection | None = None
    greeks: GreeksSection | None = None
    sell_unsettled: bool = True
    monitoring: MonitoringSettings | None = None
    breakers: BreakersSection | None = None


class VenueSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[venue]`: where a live run trades, how long it waits, and what the venue allows. `key_file` holds the account's
    key; `policy` is the file that says what reconciliation may do unattended."""

    host: str = "127.0.0.1"
    port: int = 0
    account: int = 1
    key_file: str = ""
    policy: str = ""
    answer_seconds: float = 2.0
    quarantine_seconds: float = 120.0
    decision_age_seconds: float = 2.0
    reconcile_seconds: float = 30.0
    orders_per_second: int = 10
    orders_per_minute: int = 400
    orders_per_day: int = 5_000
    open_orders: int = 50


class SafetySection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[safety]`: when trading stops by itself. Losses of a day in currency units; 0 watches nothing."""

    loss_no_new_risk: float = 0.0
    loss_cancel: float = 0.0
    loss_flatten: float = 0.0
    stale_seconds: float = 0.0
    link_seconds: float = 5.0


class JournalSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[journal]`: where a live run keeps its journal, in `files` of its folder or in `postgresql`. `connection_file`
    holds the server's connection string; `schema` is "tradsys" there unless given."""

    kind: str = "files"
    connection_file: str = ""
    schema: str = ""


class RunFile(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole run file."""

    run: RunSection
    data: DataSection
    strategies: list[StrategySection]
    execution: ExecutionSection = ExecutionSection()
    charges: ChargesSection = ChargesSection()
    rules: RulesSection = RulesSection()
    risk: RiskSection = RiskSection()
    venue: VenueSection = VenueSection()
    safety: SafetySection = SafetySection()
    journal: JournalSection = JournalSection()
