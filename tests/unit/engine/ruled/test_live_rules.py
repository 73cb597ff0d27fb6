"""A live run with SEBI's rules: the same gate, in its journal and its snapshots, at a served exchange."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import bodies, run, to_toml
from tests.unit.engine.ruled.runs import CALM, FACTS, HEAD
from tools.kill_scene import ACCOUNT, write_key
from tools.live_desk import KEY, Desk, process_of
from tradsys.core.events import Approved, Fill, Refused
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SCALE, SECOND
from tradsys.engine.assemble import prepare
from tradsys.engine.ruled.desk import RuledDesk
from tradsys.engine.settings import Settings, load
from tradsys.engine.trading.records import ENTRY, decode
from tradsys.engine.trading.recovery import recover, restore, state_of
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import NoFees
from tradsys.exchange.clearing.records import AccountKind, AccountOpened, CashDeposited
from tradsys.exchange.marketplace import Exchange, TradedInstrument
from tradsys.exchange.own import HouseTerms, VenueServer
from tradsys.journal import open_journal
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.reading import Reader
from tradsys.reference.calendar import RoundTheClock

SHARE = "NSE:A"
MONDAY, TUESDAY = (datetime(2026, 11, day, 4, 0, tzinfo=UTC) for day in (16, 17))
"""Half past nine in India."""
STRATEGY = '''from tradsys import Strategy


class Churn(Strategy):
    """In and out, and every tenth tick a burst that breaks the order rate."""

    def on_start(self, ctx):
        self.seen = 0

    def on_tick(self, tick, account):
        self.seen += 1
        held = account.position(tick.instrument)
        if self.seen % 10 == 4:
            for _ in range(9):
                yield self.buy(tick, 1, limit=90.0, reason="burst")
        elif self.seen % 10 == 5:
            yield self.cancel(tick)
        elif self.seen % 10 == 7:
            yield self.buy(tick, 1, limit=150.0, reason="outside the band")
        elif held:
            yield self.sell(tick, held, reason="out")
        else:
            yield self.buy(tick, 2, reason="in")
'''


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "churn.py").write_text(STRATEGY)
    (tmp_path / "surveillance.csv").write_text(f"{HEAD}{CALM}\n")
    write_key(tmp_path)
    rows = ["timestamp,last,last_quantity,bid,bid_quantity,ask,ask_quantity"]
    times = [MONDAY + timedelta(seconds=n) for n in range(3)] + [
        TUESDAY + timedelta(milliseconds=600 * n) for n in range(60)
    ]
    rows += [f"{at.isoformat(timespec='milliseconds')},100.00,1,99.95,10,100.05,10" for at in times]
    (tmp_path / "ticks.csv").write_text("\n".join(rows) + "\n")
    wanted = {
        "run": {"name": "live rules", "cash": 1_000_000.0},
        "data": {"path": "ticks.csv", "format": "ticks", "interval": "1s", "instruments": [{"id": SHARE}]},
        "execution": {"venue": "exchange", "product": "CNC", "price_band": 0.2, "market_protection": 2.0},
        "charges": {"plan": "none"},
        "rules": {"pack": "sebi", "facts": FACTS},
        "safety": {"stale_seconds": 80_000, "link_seconds": 86_400},
        "venue": {"port": 7700, "key_file": "key", "orders_per_minute": 1_000},
        "strategies": [{"use": "churn.py:Churn", "sizer": {"kind": "fixed_quantity", "value": 1}}],
    }
    path = tmp_path / "run.toml"
    path.write_text(to_toml(wanted))
    return load(path, environment={})


def share_venue() -> VenueServer:
    share = Instrument(
        id=SHARE, exchange="NSE", symbol="A", segment=Segment.EQUITY, currency="INR",
        ticks=(DatedStep(0, SCALE // 20),), lots=(DatedStep(0, SCALE),),
    )  # fmt: skip
    listed = [TradedInstrument(instrument=share, previous_close=100 * SCALE, band="fixed 20")]
    exchange = Exchange(
        listed, ReferenceBook(1), exchange="NSE", day=MONDAY.date(), calendar=RoundTheClock(), fees=NoFees(), seed=7
    )
    exchange.tell(AccountOpened(account=ACCOUNT, kind=AccountKind.MARGIN))
    exchange.tell(CashDeposited(account=ACCOUNT, amount=1_000_000 * SCALE))
    return VenueServer(exchange, {ACCOUNT: KEY}, house=HouseTerms(account=9, seed=1, prices={SHARE: 100 * SCALE}))


def overnight(desk: Desk) -> None:
    """The link ends in the evening and is there again before the first tick of the next day."""
    desk.process.disconnected("the day is over", at=desk.now)
    desk.venue.closed(1, at=desk.now)
    desk.now = int(TUESDAY.timestamp() - 10) * SECOND
    desk.venue.opened(1, at=desk.now)
    desk.process.connected(at=desk.now)
    desk.settle()
    desk.process.operator(SafetyLevel.NORMAL, by="somebody", reason="a new day", at=desk.now)


def test_rules_hold_live_and_a_restart_forgets_nothing(settings: Settings) -> None:
    disk = MemoryDisk()
    journal = open_journal(disk, segment_bytes=2**18, reserve_bytes=2**12)
    desk = Desk(process_of(settings), venue=share_venue(), journal=journal)
    desk.trade(3)
    overnight(desk)
    desk.trade(60)
    lines = [decode(each.kind, each.payload, sequence=each.sequence) for each in Reader(disk) if each.kind == ENTRY]
    said = [each.body for each in lines]
    refused = {each.rule for each in said if isinstance(each, Refused)}
    assert {"sebi-price-band", "sebi-order-rate"} <= refused
    assert any(isinstance(each, Fill) for each in said) and any(isinstance(each, Approved) for each in said)
    lived = state_of(desk.process)
    again = process_of(settings)
    for told in Reader(disk):
        again.told(told)
    assert state_of(again) == lived
    fresh = process_of(settings)
    restore(fresh, lived)
    mine, other = (each.trading.engine.parts[2] for each in (desk.process, fresh))
    assert isinstance(mine, RuledDesk) and isinstance(other, RuledDesk)
    assert other.state() == mine.state()
    disk.kill()
    process, journal = recover(lambda: process_of(settings), disk, lease=None, say=print)
    assert state_of(process) == lived


def test_a_backtest_on_its_ticks_keeps_the_same_rules(settings: Settings) -> None:
    done = run(prepare(settings))
    assert {"sebi-price-band", "sebi-order-rate"} <= {each.rule for each in bodies(done, Refused)}
    assert bodies(done, Fill)
