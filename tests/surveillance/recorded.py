"""Honest market makers in recorded markets: what surveillance says of them is a false alarm."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.captures import binance_spot
from tradsys.compliance.surveillance.events import AnyEvent
from tradsys.compliance.surveillance.exchange_day import DayFacts, events_of_day
from tradsys.compliance.surveillance.settings import settings_from
from tradsys.compliance.surveillance.surveillance import Finding, surveil
from tradsys.core.events import Depth
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.matching import Action, BookPhase, BookSide, Command
from tradsys.core.units import MINUTE, SCALE
from tradsys.exchange.agents.information import Still
from tradsys.exchange.agents.market_maker import MarketMaker, MarketMakerParameters
from tradsys.exchange.agents.participant import Participant
from tradsys.exchange.agents.recorded_depth import RecordedDepth
from tradsys.exchange.agents.recorded_orders import FlowAction, RecordedOrder, RecordedOrders, cme_orders
from tradsys.exchange.book import Book
from tradsys.exchange.fixed_timeline import FixedTimeline
from tradsys.exchange.recorded_events import Trade
from tradsys.exchange.simulation import Simulation

CHICAGO = "esh4_20231225_records_00000_19999.csv.gz"
CROWD = ("recorded_orders", "recorded_depth")
BITCOIN = Instrument(
    id="NSE:BTCUSDT",
    exchange="NSE",
    symbol="BTCUSDT",
    segment=Segment.EQUITY,
    ticks=(DatedStep(0, SCALE // 100),),
    lots=(DatedStep(0, 1_000),),
)
"""Given an Indian name, so that the Indian ratio is judged too."""


def makers(first: int, *, quantity: int, gap: int) -> list[Participant]:
    """Three market makers who know nothing but the middle of the book; each quotes two sizes a side."""
    shape = MarketMakerParameters(
        looks_a_second=15.0, trust=0.0, level_gap=gap, quantity=quantity, inventory_limit=20 * quantity
    )
    return [MarketMaker(first + number, shape) for number in range(3)]


def _surveilled(
    everyone: Sequence[Participant], commands: list[Command], *, name: str, tick: int, lot: int, seed: int
) -> Finding:
    simulation = Simulation(
        Book(1), everyone, seed=seed, venue=FixedTimeline(commands), information=Still(100.0), depth_every=MINUTE
    )
    record = simulation.run()
    facts = DayFacts(instrument=name, tick=tick, lot=lot, names=record.names, closes_at=commands[-1].at, crowd=CROWD)
    events: Iterator[AnyEvent] = events_of_day(facts, orders=record.orders(), trades=record.trades())
    own = [f"{each.name}-{each.account}" for each in everyone if each.name not in CROWD]
    return surveil(events, settings_from({"front_running": {"own_accounts": own}}, where="the makers"), whole=True)


def chicago(folder: Path, *, seed: int) -> Finding:
    """Market makers in an hour and a half of an index future, order by order (CME, 25 December 2023)."""
    lines = gzip.decompress((folder / "l3" / "cme_mbo" / CHICAGO).read_bytes()).decode().splitlines()
    records = list(cme_orders(lines, tick=250_000_000))
    opens = next(int(line.split(",")[1]) for line in lines if ",T,N," in line) - 1
    commands = [
        Command(Action.SET_PHASE, price=BookPhase.AUCTION, at=records[0].at - 1),
        Command(Action.UNCROSS, at=opens),
        Command(Action.SET_PHASE, price=BookPhase.CONTINUOUS, at=opens),
        Command(Action.SET_PHASE, price=BookPhase.CLOSED, at=records[-1].at + 1),
    ]
    everyone = [RecordedOrders(1, records), *makers(2, quantity=5, gap=1)]
    return _surveilled(everyone, commands, name="NSE:ESH4", tick=SCALE // 4, lot=SCALE, seed=seed)


def bitcoin(folder: Path, *, seed: int, lines: int = 41_249) -> Finding:
    """Market makers in BTCUSDT's recorded depth, hit by its recorded trades (Binance, 8 August 2024)."""
    events = list(binance_spot(folder, name=BITCOIN.id, lines=lines))
    depths = [each for each in events if isinstance(each, Depth)]
    trades = [_taken(each) for each in events if isinstance(each, Trade)]
    commands = [
        Command(Action.SET_PHASE, price=BookPhase.CONTINUOUS, at=depths[0].at - 1),
        Command(Action.SET_PHASE, price=BookPhase.CLOSED, at=events[-1].at + 1),
    ]
    everyone: list[Participant] = [RecordedDepth(1, depths, BITCOIN), RecordedOrders(2, trades)]
    everyone += makers(3, quantity=5_000, gap=20)
    return _surveilled(everyone, commands, name=BITCOIN.id, tick=SCALE // 100, lot=1_000, seed=seed)


def _taken(trade: Trade) -> RecordedOrder:
    side = BookSide.BUY if trade.aggressor > 0 else BookSide.SELL
    lots = max(round(trade.quantity * SCALE / 1_000), 1)
    return RecordedOrder(trade.at, FlowAction.TRADE, 0, side, round(trade.price * 100), lots)
