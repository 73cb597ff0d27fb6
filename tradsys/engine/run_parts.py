"""What every run has in common, on history or in a simulated market: the gate's checks, margins, a strategy's start."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from tradsys.compliance.sebi.fused import fused
from tradsys.core.errors import StrategyError
from tradsys.core.events import Product
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Check
from tradsys.core.units import SCALE, from_float
from tradsys.engine.gate import Gate
from tradsys.engine.instruments import underlying_of
from tradsys.engine.runner import Runner
from tradsys.engine.standing import AccountStanding, MarginRate
from tradsys.reference.clock import local_date
from tradsys.reference.ticks import Underlying, futures_of, margin_rate
from tradsys.risk.checks import Balance, Delivery, IntradayEntry, Margin, Tradable
from tradsys.risk.limit_checks import AFTER_MARGIN, BEFORE_MARGIN, LimitCheck
from tradsys.risk.limit_screen import screened
from tradsys.strategies.context import Context


def usual_gate(
    standing: AccountStanding,
    *,
    cutoffs: Mapping[str, int],
    currency: str,
    before: Sequence[Check] = (),
    limits: Callable[[type[LimitCheck]], Check] | None = None,
    after: Sequence[Check] = (),
) -> Gate:
    """The checks in the order in which they refuse: those given as `before`, the usual ones, those of `after`.

    `limits` makes the check of each of our own limits; without it there are none. The order is that of RISK-1: valid,
    balance, position, leverage, daily loss, margin, then what an order may be and how often.
    """
    valid = (Tradable(futures_of), Delivery(), IntradayEntry(cutoffs))
    balance, margin = Balance(standing, currency), Margin(standing, currency)
    if limits is None:
        return Gate((*before, *valid, balance, margin, *after), fuse=_fused)
    own = (*map(limits, BEFORE_MARGIN), margin, *map(limits, AFTER_MARGIN))
    return Gate((*before, *valid, balance, *own, *after), fuse=_fused)


def _fused(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """What stands together of limits and of rules as one check each."""
    return screened(fused(checks))


def dated_margins(*, fixed: datetime.date | None = None, leverage: float | None = None) -> MarginRate:
    """Margin rates of the dated table at the date of each order, or at `fixed`; `leverage` replaces the intraday rate
    of shares."""
    known: dict[tuple[Segment, Product, Underlying, datetime.date], int] = {}

    def rate(instrument: Instrument, product: Product, at: int) -> int:
        if instrument.segment is Segment.CRYPTO_PERPETUAL:
            return SCALE
        if leverage is not None and product is Product.MIS and instrument.segment is Segment.EQUITY:
            return from_float(1 / leverage)
        day = fixed or local_date(at, "UTC")
        key = (instrument.segment, product, underlying_of(instrument), day)
        if key not in known:
            known[key] = margin_rate(instrument.segment, product, day, underlying=key[2])
        return known[key]

    return rate


def started(runner: Runner) -> Context:
    """What a strategy asked for in its `on_start`; its timers are set. Raises `StrategyError` for one that raises."""
    context = Context(runner.instruments)
    try:
        runner.strategy.on_start(context)
    except (
        AttributeError,
        NameError,
        TypeError,
        ValueError,
        LookupError,
        ArithmeticError,
        OSError,
        RuntimeError,
    ) as error:
        raise StrategyError(
            f"{runner.id}: on_start raises {type(error).__name__}: {error}", value=runner.id, fix="correct on_start"
        ) from error
    runner.clocks = tuple(context.timers)
    runner.timers = frozenset(name for _, name in context.timers)
    return context
