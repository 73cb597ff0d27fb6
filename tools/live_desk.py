"""A live process and a venue in one thread, for tests and measurements: their own classes, time as told."""

from __future__ import annotations

from pathlib import Path

from tools.kill_scene import ACCOUNT, BEGIN, COIN, write_key, write_scene
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE
from tradsys.engine.settings import Settings, load
from tradsys.engine.trading.assembly import assemble
from tradsys.engine.trading.process import Process
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import NoFees
from tradsys.exchange.clearing.records import AccountKind, AccountOpened, CashDeposited
from tradsys.exchange.marketplace import Exchange, TradedInstrument
from tradsys.exchange.own import HouseTerms, VenueServer
from tradsys.execution.own.protocol import ClientSession
from tradsys.journal import Journal
from tradsys.reference.calendar import RoundTheClock

KEY = "a key of the campaign"
RUN = "r"


def coin_exchange() -> Exchange:
    """An exchange of one coin, where our account has cash alone."""
    coin = Instrument(
        id=COIN, exchange="CRYPTO", symbol="COIN", segment=Segment.CRYPTO_SPOT, currency="USDT",
        ticks=(DatedStep(0, SCALE // 100),), lots=(DatedStep(0, SCALE),),
    )  # fmt: skip
    listed = [TradedInstrument(instrument=coin, previous_close=100 * SCALE, band="fixed 20")]
    exchange = Exchange(
        listed, ReferenceBook(1), exchange="CRYPTO", day=BEGIN.date(), calendar=RoundTheClock(), fees=NoFees(), seed=7,
        currency="USDT",
    )  # fmt: skip
    exchange.tell(AccountOpened(account=ACCOUNT, kind=AccountKind.MARGIN))
    exchange.tell(CashDeposited(account=ACCOUNT, amount=10_000_000 * SCALE))
    return exchange


def coin_venue() -> VenueServer:
    """That exchange with a house that quotes."""
    return VenueServer(coin_exchange(), {ACCOUNT: KEY}, house=HouseTerms(account=9, seed=1, prices={COIN: 100 * SCALE}))


def coin_settings(folder: Path, *, seconds: float = 30, strategy: str = "") -> Settings:
    """A run file that trades on every tick, or by another strategy's text."""
    path = write_scene(folder, port=7700, seconds=seconds)
    write_key(folder)
    if strategy:
        (folder / "churn.py").write_text(strategy)
    return load(path, environment={})


def process_of(settings: Settings, *, run: str = RUN) -> Process:
    """A process that was told nothing."""
    return assemble(settings, run=run, session=lambda: ClientSession(account=ACCOUNT, key=KEY)).process


class Desk:
    """A started process, connected to a venue. `now` is the time of both."""

    def __init__(self, process: Process, *, venue: VenueServer, journal: Journal) -> None:
        self.process, self.venue, self.journal = process, venue, journal
        self.now = max(process.feed.known_at(0), process.now)
        process.start(journal, epoch=1, at=self.now)
        venue.opened(1, at=self.now)
        process.connected(at=self.now)
        self.settle()

    def settle(self) -> None:
        """Let both talk until neither has anything to say."""
        process, venue = self.process, self.venue
        while True:
            process.flush(at=self.now)
            outgoing, process.outgoing = process.outgoing, []
            for data in outgoing:
                venue.received(1, data, at=self.now)
            said, _ = venue.drained()
            for _, data in said:
                process.received(data, at=self.now)
            if not outgoing and not said:
                return

    def trade(self, rows: int) -> None:
        """Read so many rows of the feed, one at a time as they are known."""
        process = self.process
        for _ in range(rows):
            row = process.next_row
            assert row is not None
            self.now = max(self.now, process.feed.known_at(row))
            self.venue.advance(self.now)
            process.tick(at=self.now)
            process.read(row, at=self.now)
            self.settle()
