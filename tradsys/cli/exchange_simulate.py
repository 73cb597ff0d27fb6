"""`tradsys exchange simulate`: a whole day of a market, generated from a seed, as files."""

from __future__ import annotations

from datetime import datetime as Moment
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradsys.core.units import SECOND

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tradsys.cli.exchange_strategy import StrategyOptions
    from tradsys.core.instruments import Instrument
    from tradsys.engine.strategy_participant import StrategyReport
    from tradsys.exchange.generated_day import DayParameters, Hours
    from tradsys.exchange.market_statistics import MarketStatistics
    from tradsys.exchange.simulation_record import SimulationRecord

INTERRUPTED = 130


def simulate(
    instrument: Annotated[str, typer.Option(help="EXCHANGE:SYMBOL; without an exchange, NSE.")],
    date: Annotated[Moment, typer.Option(help="Trading day.", formats=["%Y-%m-%d"])],
    seed: Annotated[int, typer.Option(help="The same seed gives the same day, byte for byte.")],
    out: Annotated[Path, typer.Option(help="Folder for the files; those of an earlier day are replaced.")],
    reference_price: Annotated[str, typer.Option(help="Close of the day before, in currency.")] = "1500",
    tick: Annotated[str | None, typer.Option(help="Price step; default: the exchange's rule, else 0.01.")] = None,
    lot: Annotated[str, typer.Option(help="Quantity step in units.")] = "1",
    volatility: Annotated[float, typer.Option(help="A year's, as a fraction: 0.25 is 25 %.")] = 0.25,
    activity: Annotated[float, typer.Option(help="How busy: 1 sends some half a million messages.")] = 1.0,
    quantity: Annotated[float, typer.Option(help="Median size of an order in lots.")] = 20.0,
    closing_auction: Annotated[bool, typer.Option("--closing-auction", help="The share closes by auction.")] = False,
    strategy: Annotated[str | None, typer.Option(help="Your own: file.py:Class trades beside the others.")] = None,
    strategy_latency: Annotated[str, typer.Option(help="How long its commands travel: 2ms, 500us.")] = "1ms",
    strategy_every: Annotated[str, typer.Option(help="How often it is shown a tick.")] = "1s",
    strategy_cash: Annotated[str, typer.Option(help="What it starts with, in currency.")] = "1000000",
    strategy_param: Annotated[list[str] | None, typer.Option(help="A parameter of it: size=10. Repeatable.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Generate a day of orders, trades and depth: pre-open auction, continuous trading, close."""
    from tradsys.cli.exchange_instrument import traded_instrument
    from tradsys.cli.progress import interruptible, watch
    from tradsys.core.errors import ConfigError
    from tradsys.core.units import from_text
    from tradsys.exchange.agents.information import InformationParameters
    from tradsys.exchange.agents.population import Population
    from tradsys.exchange.book import Book
    from tradsys.exchange.generated_day import DayParameters, generated_day
    from tradsys.exchange.simulation_files import write

    day = date.date()
    traded = traded_instrument(
        instrument, day, tick=tick, lot=lot, price=reference_price, closing_auction=closing_auction
    )
    parameters = DayParameters(
        reference=from_text(reference_price),
        information=InformationParameters(volatility=volatility),
        population=Population(activity=activity, quantity=quantity),
    )
    options = _strategy_options(
        strategy, latency=strategy_latency, every=strategy_every, cash=strategy_cash, parameters=strategy_param or []
    )
    mine = [options.participant(traded)] if options else []
    simulation, hours = generated_day(Book(1), traded, day, parameters, seed=seed, others=mine)
    if out.exists() and not out.is_dir():
        raise ConfigError("the output is a file, not a folder", value=str(out), fix="choose another --out")
    with watch(f"simulating {traded.id}") as progress, interruptible() as stop:
        record = simulation.run(progress=lambda at: progress(*_seconds(at, hours)), stop=stop)
    statistics = _statistics(record, hours)
    description = _description(traded, day, hours, record, parameters, seed=seed)
    reports = [each.finish() for each in mine]
    if options:
        description |= {"strategy": options.described(reports[0])}
    hashes = write(record, out, instrument=traded, at=hours.opens, description=description)
    _report({**description, "sha256": hashes}, statistics, reports, out, as_json=json)
    if not record.complete:
        typer.echo(f"interrupted: {out} holds the day so far, marked as incomplete", err=True)
        raise typer.Exit(INTERRUPTED)


def _strategy_options(
    use: str | None, *, latency: str, every: str, cash: str, parameters: Sequence[str]
) -> StrategyOptions | None:
    from tradsys.cli.exchange_strategy import StrategyOptions

    return StrategyOptions(use, latency=latency, every=every, cash=cash, parameters=parameters) if use else None


def _seconds(at: int, hours: Hours) -> tuple[int, int]:
    """Seconds of the day's trading done, and in all."""
    total = (hours.closes - hours.opens) // SECOND
    return min(max((at - hours.opens) // SECOND, 0), total), total


def _statistics(record: SimulationRecord, hours: Hours) -> MarketStatistics:
    from tradsys.exchange.market_statistics import measure

    return measure(
        orders=record.orders(),
        trades=record.trades(),
        depth=record.depths(),
        opens=hours.opens,
        closes=hours.closes,
        levels=record.depth_levels,
    )


def _description(
    instrument: Instrument,
    day: datetime.date,
    hours: Hours,
    record: SimulationRecord,
    parameters: DayParameters,
    *,
    seed: int,
) -> dict[str, object]:
    """What the files say of themselves; nothing in it depends on when or where they were made."""
    from tradsys.core.units import to_text

    return {
        "format": "tradsys-simulation",
        "version": 1,
        "complete": record.complete,
        "instrument": instrument.id,
        "date": day.isoformat(),
        "seed": seed,
        "tick": to_text(instrument.tick_at(hours.opens)),
        "lot": to_text(instrument.lot_at(hours.opens)),
        "open": hours.opens,
        "close": hours.closes,
        "accounts": {str(account): name for account, name in sorted(record.names.items())},
        "parameters": parameters,
    }


def _report(
    description: Mapping[str, object],
    statistics: MarketStatistics,
    reports: Sequence[StrategyReport],
    out: Path,
    *,
    as_json: bool,
) -> None:
    import msgspec

    if as_json:
        body = {"out": str(out), **description, "statistics": statistics}
        typer.echo(msgspec.json.encode(body).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("What", "Value", title=f"{description['instrument']}, {description['date']}: {out}")
    from tradsys.cli.exchange_strategy import rows

    for what, value in chain(_rows(statistics), *map(rows, reports)):
        table.add_row(what, value)
    Console().print(table)


def _rows(statistics: MarketStatistics) -> Iterator[tuple[str, str]]:
    yield "Messages of participants", f"{statistics.messages:,}"
    yield "Trades", f"{statistics.trades:,}"
    yield "Messages a trade", f"{statistics.order_to_trade:.1f}"
    yield "Rejected", f"{statistics.rejected:.2%}"
    yield "Both sides quoted", f"{statistics.two_sided:.2%} of the seconds"
    yield "Spread, mean · median · 95 %", _ticks(statistics.spread_mean, statistics.spread_median, statistics.spread_95)
    yield "Mean lots at levels 1, 2, …", " ".join(f"{each:,.0f}" for each in statistics.depth)
    yield "Volume through the day (mean 1)", " ".join(f"{each:.2f}" for each in statistics.volume)
    yield "Autocorrelation of trade signs, lags 1, 5, 10", _plain(statistics.sign_autocorrelation)
    for each in statistics.returns:
        name = f"Returns of {each.seconds} s"
        yield f"{name}: kurtosis (normal 3)", f"{each.kurtosis:.1f}"
        yield f"{name}: autocorrelation, lag 1", f"{each.autocorrelation:.2f}"
        yield f"{name}: of their size, lags 1, 5, 10", _plain(each.absolute_autocorrelation)
        yield f"{name}: deviation of the day", f"{each.deviation:.2%}"


def _ticks(*values: float) -> str:
    return " · ".join(f"{each:.2f}" for each in values) + " ticks"


def _plain(values: Iterable[float]) -> str:
    return " ".join(f"{each:.2f}" for each in values)
