"""The pack put together: every rule as a check, in the order in which they are asked."""

from __future__ import annotations

from datetime import date

from tradsys.compliance.sebi.access import AlgoId, DailySession, StaticAddress
from tradsys.compliance.sebi.book import RuleBook
from tradsys.compliance.sebi.conduct import OrderRate, OrderToTrade, SelfTrade
from tradsys.compliance.sebi.facts import Facts
from tradsys.compliance.sebi.order_kinds import (
    ClosingAuction,
    ImmediateOrder,
    MarketOrder,
    MarketProtection,
    ProductOfSegment,
    StopMarketOption,
)
from tradsys.compliance.sebi.positions import (
    BanPeriod,
    ExpiryDay,
    IndexPosition,
    ShortSale,
    StockPosition,
    Surveillance,
)
from tradsys.compliance.sebi.prices import FreezeQuantity, LimitProtection, PriceBand
from tradsys.compliance.sebi.rule_check import RuleCheck

BEFORE_RATE: tuple[type[RuleCheck], ...] = (
    AlgoId,
    StaticAddress,
    DailySession,
    ProductOfSegment,
    MarketOrder,
    MarketProtection,
    ImmediateOrder,
    StopMarketOption,
    ClosingAuction,
    PriceBand,
    LimitProtection,
    FreezeQuantity,
    Surveillance,
    ShortSale,
    BanPeriod,
    IndexPosition,
    StockPosition,
    ExpiryDay,
    OrderToTrade,
    SelfTrade,
)
"""All rules but the rate, which comes last: it counts what the others let pass."""


def checks(
    book: RuleBook, facts: Facts, *, as_of: date | None = None, own_rate: int | None = None
) -> tuple[RuleCheck, ...]:
    """Every rule as a check, for the gate's `before`.

    Without `as_of` an order is judged by the rules of its own day: a backtest of 2023 gets those of 2023. With it every
    order is judged by the rules of that day. `own_rate` replaces the default of our own limit of orders a second.
    """
    rate = OrderRate(book, facts, as_of=as_of, own_limit=own_rate)
    return (*(kind(book, facts, as_of=as_of) for kind in BEFORE_RATE), rate)
