"""From a finished (or interrupted) run to plain results: curves, trades, refusals, what was assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tradsys.core.events import Approved, Halted, Signal, Target
from tradsys.core.instruments import Segment
from tradsys.core.orders import measured
from tradsys.core.units import SCALE
from tradsys.engine.accounts import History, curves, fold, reconcile
from tradsys.engine.assemble import Prepared
from tradsys.engine.bookings import attributed
from tradsys.engine.closing_holdings import closing_holdings
from tradsys.engine.currency_data import at_rates
from tradsys.engine.instruments import INDIAN, calendar_of
from tradsys.engine.refusals import refused_rules
from tradsys.engine.risk_events import risk_events
from tradsys.engine.runner import mark_open
from tradsys.market.loading import RawFile
from tradsys.market.quality import check
from tradsys.market.readers.raw import RawBars
from tradsys.market.series import BarSeries
from tradsys.portfolio.currencies import in_one_currency
from tradsys.portfolio.result import FillColumns, Finding, Prices, RunResult
from tradsys.portfolio.trades import with_excursions
from tradsys.reference.clock import text


def collect(prepared: Prepared, manifest: Mapping[str, object]) -> tuple[RunResult, History]:
    """Everything a run leaves behind. Raises `InvariantBroken` if the log does not explain the account."""
    run, data = prepared.settings.run, prepared.data
    log, instruments = in_one_currency(prepared.backtest.log, prepared.instruments, currency=run.run.currency)
    ledger = prepared.ledger
    mark_open(ledger, prepared.engine.markets)
    ledger.check()
    history = fold(log, instruments, cash=ledger.start, currency=run.run.currency)
    reconcile(history, ledger)
    names = list(prepared.instruments)
    seen = [_processed(prepared, data.series[name]) for name in names]
    series = [_valued(prepared, each) for each in seen]
    at, cash, equity = curves(
        history, series, [data.first[name] for name in names], start_cash=ledger.start, final_equity=ledger.equity()
    )
    prices = [_prices(each, data.first[each.instrument]) for each in series]
    attribution = attributed(log, instruments, prices, ledger)
    result = RunResult(
        name=run.run.name,
        currency=run.run.currency,
        zone=data.zone,
        days_a_year=252 if data.zone == "Asia/Kolkata" else 365,
        start_cash=ledger.start,
        at=at,
        cash=cash,
        equity=equity,
        benchmark=_buy_and_hold(prepared, series, at, ledger.start),
        fills=FillColumns.of(history.fills, history.charges, instruments),
        trades=with_excursions(history.trips.finish(ledger.marks), prices),
        charge_items=dict(ledger.charge_items),
        cash_moves=history.moves,
        profit_by_strategy={name: ledger.profit(name) for name in dict.fromkeys(r.id for r in prepared.engine.runners)},
        profit_by_instrument=ledger.profit_by_instrument(),
        attribution=attribution,
        holdings=closing_holdings(log, instruments, ledger, zone=data.zone, at=int(at[-1])),
        findings=[found for each in seen if len(each) for found in _findings(prepared, each)],
        orders=sum(1 for entry in log if type(entry.body) is Approved),
        refusals=refused_rules(log),
        risk_events=risk_events(log),
        halted=[entry.body for entry in log if type(entry.body) is Halted],
        assumptions=_assumptions(prepared),
        why_no_trades=() if history.fills else _why_no_trades(prepared),
        manifest=manifest,
        prices=prices,
        interrupted="interrupted by the user" if prepared.backtest.interrupted else "",
    )
    return result, history


def _processed(prepared: Prepared, series: BarSeries) -> BarSeries:
    """The bars that an interrupted run came to see."""
    if not prepared.backtest.interrupted:
        return series
    last = max((market.bar.at for market in prepared.engine.markets.values() if market.bar is not None), default=0)
    rows = int(np.searchsorted(series.at, last, side="right"))
    return replace(
        series, at=series.at[:rows], exchange_at=series.exchange_at[:rows], matrix=series.matrix[:, :rows].copy()
    )


def _valued(prepared: Prepared, series: BarSeries) -> BarSeries:
    """The bars in the account's currency."""
    currency = prepared.instruments[series.instrument].currency
    foreign = currency != prepared.ledger.currency
    return at_rates(series, currency, prepared.data.rates) if foreign else series


def _prices(series: BarSeries, first: int) -> Prices:
    return Prices(
        instrument=series.instrument,
        at=series.at[first:],
        open=series.open[first:],
        high=series.high[first:],
        low=series.low[first:],
        close=series.close[first:],
    )


def _buy_and_hold(
    prepared: Prepared, series: Sequence[BarSeries], at: NDArray[np.int64], cash: int
) -> NDArray[np.float64] | None:
    """Start cash split equally over what can be held, bought at the first open, dividends and splits kept."""
    held = [s for s in series if prepared.instruments[s.instrument].segment is not Segment.INDEX] or list(series)
    worth = np.zeros(len(at))
    for each in held:
        first = prepared.data.first[each.instrument]
        if first >= len(each):
            return None
        factor = prepared.data.factors[each.instrument]
        close = each.close if factor is None else each.close * factor[: len(each)]
        opening = float(each.open[first]) * (1.0 if factor is None else float(factor[first]))
        rows = np.maximum(np.searchsorted(each.at, at, side="right") - 1, first)
        worth += close[rows] / opening
    return worth / len(held) * (cash / SCALE)


def _findings(prepared: Prepared, series: BarSeries) -> Iterator[Finding]:
    """What is odd in bars that are fit to trade on: holes, cut days, spikes, likely splits."""
    instrument = prepared.instruments[series.instrument]
    calendar = calendar_of(instrument) if instrument.exchange in INDIAN else None
    bars = RawBars(
        instrument=series.instrument,
        labels=series.at,
        matrix=series.matrix,
        zone=prepared.data.zone,
        label="end",
        span=series.span,
        exact=True,
    )
    for each in check([RawFile(bars, series.source, series.sha256)], calendar=calendar).findings:
        yield Finding(kind=each.kind, instrument=each.instrument, count=each.count, first=each.first, last=each.last)


def _assumptions(prepared: Prepared) -> list[str]:
    found = list(prepared.assumptions)
    if prepared.backtest.forced:
        forced = prepared.backtest.forced
        found.append(
            f"{len(forced)} square-offs had no bar left to fill on and traded at the last price, the first"
            f" {forced[0][0]} at {text(forced[0][1], prepared.data.zone)}."
        )
    return found


def _why_no_trades(prepared: Prepared) -> list[str]:
    log = prepared.backtest.log
    counts = Counter(type(entry.body).__name__ for entry in log)
    wants = sum(counts[name] for name in ("Signal", "Target", "OrderIntent", "TwoOrders", "QuoteIntent"))
    reasons = [f"{prepared.backtest.bars:,} bars were processed.", f"The strategies made {wants:,} decisions."]
    flat = sum(
        1
        for e in log
        if (type(e.body) is Signal and e.body.strength == 0) or (type(e.body) is Target and not e.body.quantity)
    )
    if flat:
        reasons.append(f"{flat:,} of them wanted to be flat.")
    longest = max((len(s) - prepared.data.first[s.instrument] for s in prepared.data.series.values()), default=0)
    if not wants:
        reasons.append(f"Its conditions were never met, or its indicators need more than {longest:,} bars to warm up.")
    reasons += [
        f"{each.count:,} refused by {each.rule}: {measured(each.value, limit=each.limit)}."
        for each in refused_rules(log)
    ]
    if counts["Approved"]:
        reasons.append(f"{counts['Approved']:,} orders were approved, none of which traded: see the fill assumptions.")
    return reasons
