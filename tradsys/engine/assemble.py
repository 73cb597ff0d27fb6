"""From a checked run file to a run that is ready to go: the one place where everything is wired."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import ChargePlan, Check
from tradsys.core.units import from_text
from tradsys.engine.account_assembly import account_checks, charges_of, ledger_of, refuse_unconverted, standing_of
from tradsys.engine.backtest import Backtest
from tradsys.engine.data import Loaded, load_data
from tradsys.engine.desks import composed
from tradsys.engine.driver import Driver
from tradsys.engine.engine import Engine
from tradsys.engine.feed import BarFeed
from tradsys.engine.greek_check import greek_check_of
from tradsys.engine.instruments import build_instrument, sections_of, with_dated_ticks
from tradsys.engine.limits_assembly import demand_limits_known, limits_of
from tradsys.engine.markets import Market
from tradsys.engine.monitoring import Watch, watch_of
from tradsys.engine.planning_calendar import plan_calendar
from tradsys.engine.protection_assembly import describe_protection, number_orders, protecting
from tradsys.engine.recorded_assembly import Replay, band_of, on_records
from tradsys.engine.ruled.pack import describe, rule_pack
from tradsys.engine.run_file import ChargesSection, ExecutionSection, RunFile, StrategySection
from tradsys.engine.run_parts import dated_margins, started, usual_gate
from tradsys.engine.runner import AccountView, Runner
from tradsys.engine.schedule import Schedule
from tradsys.engine.settings import Settings
from tradsys.engine.standing import MarginRate
from tradsys.exchange.bar_venue import BarVenue, Models
from tradsys.exchange.models import basis_points, participation
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.charge_plans import charge_plan
from tradsys.reference.charges import rates_on, segment_of
from tradsys.reference.clock import local_date
from tradsys.risk.checks import PRODUCTS
from tradsys.signals.sizing import build as build_sizer
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Reading
from tradsys.strategies.discovery import load as load_strategy

DEFAULT_PRODUCT: Mapping[Segment, Product] = {
    Segment.EQUITY: Product.CNC,
    Segment.INDEX: Product.CNC,
    Segment.FUTURE: Product.NRML,
    Segment.OPTION: Product.NRML,
    Segment.CRYPTO_SPOT: Product.SPOT,
    Segment.CRYPTO_PERPETUAL: Product.NRML,
}


Parts = tuple[dict[str, Market], Ledger]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one backtest needs, wired and checked; nothing has run yet."""

    settings: Settings
    instruments: dict[str, Instrument]
    data: Loaded
    ledger: Ledger
    engine: Engine
    replay: Replay
    assumptions: list[str]

    @property
    def backtest(self) -> Driver:
        """The run itself."""
        return self.replay.backtest


class Wired(msgspec.Struct, frozen=True, kw_only=True):
    """The engine of a run with what it is to be fed, before it is known where its orders go."""

    instruments: dict[str, Instrument]
    data: Loaded
    ledger: Ledger
    engine: Engine
    schedule: Schedule
    cutoffs: dict[str, int]
    bars: BarFeed
    watch: Watch | None = None


def prepare(settings: Settings, *, stepped: bool = False) -> Prepared:
    """Load the data and the strategies of a run file and wire them for a run on history.

    `stepped` computes indicators bar by bar, as live, instead of ahead. Raises the `InputRefused` family for anything
    the user can correct; nothing is written.
    """
    run, wired = settings.run, wire(settings, stepped=stepped)
    parts = (wired.instruments, wired.data, wired.engine, wired.schedule, wired.cutoffs, wired.bars)
    records = bool(wired.data.recordings)
    replay = on_records(run.execution, *parts, seed=run.run.seed) if records else _on_bars(run.execution, *parts)
    replay.backtest.watch = wired.watch
    return Prepared(
        settings=settings,
        instruments=wired.instruments,
        data=wired.data,
        ledger=wired.ledger,
        engine=wired.engine,
        replay=replay,
        assumptions=[
            *replay.assumptions,
            *describe_protection(run.execution),
            *_charge_assumptions(run),
            *describe(run.rules),
            *wired.data.assumptions,
        ],
    )


def wire(
    settings: Settings, *, stepped: bool, checks: Sequence[Check] = (), extra: Callable[[Parts], Runner] | None = None
) -> Wired:
    """Everything of a run but its venue. `checks` come before the usual ones; `extra` makes a runner more."""
    run = settings.run
    instruments = _instruments(run)
    data = load_data(settings, instruments)
    sections = {section.id: section for section in sections_of(run)}
    instruments = {
        name: data.recordings[name].instrument
        if name in data.recordings
        else with_dated_ticks(instrument, sections[name], price=float(data.series[name].close[0]))
        for name, instrument in instruments.items()
    }
    markets = {name: Market(instrument) for name, instrument in instruments.items()}
    ledger = ledger_of(run, instruments, cash=_cash(run.run.cash), zone=data.zone)
    margins = _margins(run)
    standing = standing_of(ledger, instruments, markets, margins)
    refuse_unconverted(run, instruments)
    cutoffs: dict[str, int] = {}
    watch = watch_of(run, markets=markets, ledger=ledger, margin_rate=margins, zone=data.zone)
    limited = limits_of(run, markets, ledger, zone=data.zone)
    greeks = greek_check_of(run, markets, ledger)
    charges = charges_of(build_charges(run.charges), ledger, instruments)
    runners = _runners(settings, markets, ledger, data, stepped=stepped)
    _refuse_uncovered(run, instruments, data, runners)
    own = [runner.id for runner in runners]
    if extra is not None:
        runners.append(extra((markets, ledger)))
    demand_limits_known(limited, runners, instruments)
    pack = rule_pack(settings, markets=markets, ledger=ledger, runners=runners, data=data, as_of=_rules_of(run))
    gate = usual_gate(
        standing,
        cutoffs=cutoffs,
        currency=run.run.currency,
        before=checks if watch is None else (*checks, watch.check),
        limits=limited.check if limited is not None else None,
        after=(
            *account_checks(ledger, positions=run.execution.positions),
            *(() if greeks is None else (greeks,)),
            *(() if pack is None else pack.checks),
        ),
    )
    protected = protecting(run.execution, instruments, data)
    engine = Engine(
        markets=markets,
        runners=runners,
        ledger=ledger,
        standing=standing,
        gate=gate,
        charges=charges,
        desk=composed([*protected, *(each.desk for each in (pack, limited) if each is not None)]),
        limited=limited,
    )
    if greeks is not None:
        greeks.working = engine.working
    number_orders(engine)
    if pack is not None:
        pack.connect(engine)
    engine.start()
    if watch is not None:
        watch.connect(engine, strategies=own)
    return Wired(
        instruments=instruments,
        data=data,
        ledger=ledger,
        engine=engine,
        schedule=Schedule(plan_calendar(run, instruments, data, runners)),
        cutoffs=cutoffs,
        bars=BarFeed([data.series[name] for name in instruments], [data.first[name] for name in instruments]),
        watch=watch,
    )


def _on_bars(
    execution: ExecutionSection,
    instruments: dict[str, Instrument],
    data: Loaded,
    engine: Engine,
    schedule: Schedule,
    cutoffs: dict[str, int],
    bars: BarFeed,
) -> Replay:
    models = _models(execution, instruments)
    venue = BarVenue(instruments.values(), models, held=engine.ledger.position)
    backtest = Backtest(engine, venue, schedule, cutoffs, feed=bars)
    return Replay(venue=venue, backtest=backtest, events=len(bars), assumptions=models.describe())


def build_charges(section: ChargesSection) -> ChargePlan:
    """The charge plan of a run file."""
    given = {"rate": section.rate, "maker": section.maker, "taker": section.taker}
    parameters = {name: value for name, value in given.items() if value is not None}
    if section.plan == "zerodha":
        parameters["square_off_fee"] = section.square_off_fee
    return charge_plan(section.plan, as_of=date_of("charges.as_of", section.as_of), **parameters)


def date_of(key: str, text: str | None) -> datetime.date | None:
    """A date of the run file. Raises `ConfigError`."""
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{key} is not a date", value=text, limit="YYYY-MM-DD", fix="write 2026-11-21") from error


def _cash(cash: float) -> int:
    if not cash > 0:
        raise ConfigError("run.cash must be positive", value=cash, limit="> 0", fix="give the starting cash")
    return from_text(repr(cash))


def _instruments(run: RunFile) -> dict[str, Instrument]:
    sections = sections_of(run)
    if not sections:
        raise ConfigError("data.instruments names no instrument", fix='instruments = ["NSE:INFY"]')
    found = {section.id: build_instrument(section, currency=run.run.currency) for section in sections}
    if len(found) != len(sections):
        raise ConfigError("data.instruments names one twice", value=[s.id for s in sections], fix="name each once")
    return found


def _margins(run: RunFile) -> MarginRate:
    """Margin rates: the dated table's, at the date of the order or of `rules.as_of`; `[risk]` may change intraday."""
    fixed = _rules_of(run)
    leverage = run.risk.intraday_leverage
    if leverage is not None and not 1 <= leverage <= 100:
        raise ConfigError("risk.intraday_leverage out of range", value=leverage, limit="1 to 100")
    return dated_margins(fixed=fixed, leverage=leverage)


def _rules_of(run: RunFile) -> datetime.date | None:
    return date_of("rules.as_of", run.rules.as_of)


def _models(section: ExecutionSection, instruments: dict[str, Instrument]) -> Models:
    return Models(
        slippage=basis_points(section.slippage_bps),
        participation=participation(section.participation),
        band=band_of(section, instruments),
    )


def _charge_assumptions(run: RunFile) -> list[str]:
    charges = run.charges
    if charges.plan == "none":
        return ["No charges at all."]
    if charges.as_of is not None:
        return [f"Charges: plan {charges.plan}, every trade at the rates of {charges.as_of} (charges.as_of)."]
    dated = " at the rates of each trade's date" if charges.plan == "zerodha" else ""
    return [f"Charges: plan {charges.plan}{dated}."]


def _refuse_uncovered(run: RunFile, instruments: dict[str, Instrument], data: Loaded, runners: list[Runner]) -> None:
    """A trade date without charge rates is an error before the run, not after it."""
    if run.charges.plan != "zerodha":
        return
    as_of = date_of("charges.as_of", run.charges.as_of)
    for runner in runners:
        for name in runner.instruments:
            instrument, series = instruments[name], data.series[name]
            if instrument.segment is Segment.INDEX or runner.product not in PRODUCTS[instrument.segment]:
                continue
            first = int(series.at[min(data.first[name], len(series) - 1)])
            day = as_of or local_date(first, data.zone)
            for side in Side:
                rates_on(
                    day,
                    plan="zerodha",
                    exchange=instrument.exchange,
                    segment=segment_of(instrument, runner.product),
                    side=side,
                )


def _runners(
    settings: Settings, markets: dict[str, Market], ledger: Ledger, data: Loaded, *, stepped: bool
) -> list[Runner]:
    """One runner a strategy and instrument, or one a strategy of scope `portfolio`; their indicators attached."""
    sections = settings.run.strategies
    if not sections:
        raise ConfigError("no [[strategies]] in the run file", fix='add [[strategies]] with use = "file.py:Class"')
    share = ledger.start // len(sections)
    runners: list[Runner] = []
    requests: dict[str, list[tuple[Any, Reading]]] = {name: [] for name in markets}
    for name, section in zip(_names(sections), sections, strict=True):
        found = load_strategy(section.use, folder=settings.folder)
        capital = share if section.capital is None else _cash(section.capital)
        for owned in _owned(section, found, tuple(markets)):
            runner = _runner(name, section, found, owned, settings.run, markets, ledger, capital)
            for instrument, indicator, reading in started(runner).requests:
                requests[instrument].append((indicator, reading))
            runners.append(runner)
            for each in owned:
                markets[each].runners.append(runner)
    for each, market in markets.items():
        if stepped:
            market.attach(requests[each], factor=data.factors[each])
            market.warm(data.series[each], data.first[each])
        else:
            series = data.series[each]
            market.precompute(requests[each], series.matrix, factor=data.factors[each], first=data.first[each])
    return runners


def _names(sections: Sequence[StrategySection]) -> list[str]:
    """Names that tell strategies apart: as given, else the class, numbered where it repeats."""
    names = [section.name or section.use.rpartition(":")[2] for section in sections]
    return [name if names.count(name) == 1 else f"{name}-{names[:i].count(name) + 1}" for i, name in enumerate(names)]


def _owned(section: StrategySection, found: type[Strategy], all_names: tuple[str, ...]) -> list[tuple[str, ...]]:
    names = tuple(section.instruments) if section.instruments is not None else all_names
    for name in names:
        if name not in all_names:
            raise UnknownName("instrument", name, all_names, where=f"strategies: {section.use}")
    return [names] if found.scope == "portfolio" else [(name,) for name in names]


def _runner(
    name: str,
    section: StrategySection,
    found: type[Strategy],
    owned: tuple[str, ...],
    run: RunFile,
    markets: dict[str, Market],
    ledger: Ledger,
    capital: int,
) -> Runner:
    segment = markets[owned[0]].instrument.segment
    copies = 1 if found.scope == "portfolio" else len(section.instruments or markets)
    return Runner(
        name,
        found(**section.params),
        instruments=owned,
        account=AccountView(ledger, markets, name, capital=capital // copies, copies=copies),
        sizer=build_sizer(section.sizer),
        product=section.product or run.execution.product or DEFAULT_PRODUCT[segment],
    )
