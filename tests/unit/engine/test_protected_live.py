"""A trading process with market protection beside the venue's own server: what rests is placed anew, also by force."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from msgspec.structs import replace

from tests.simulation.assembly import Seat, assembled
from tests.simulation.world import SECOND
from tests.unit.engine.test_process import COIN, START, Pair
from tradsys.core.events import MarketEvent, OrderType, Tick
from tradsys.core.safety import SafetyLevel
from tradsys.engine.protection import Protection
from tradsys.engine.trading.feed import EventFeed
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.records import Alert
from tradsys.exchange.models import NoBand
from tradsys.execution.protected_orders import Chase, ProtectionPolicy
from tradsys.journal.lease import Lease
from tradsys.journal.opening import open_journal

POLICY = ProtectionPolicy(
    wait=2 * SECOND,
    bars=0,
    entries=Chase(re_pegs=0, then="cancel"),
    exits=Chase(re_pegs=2, then="widen"),
    factor=200,
    widest=2_000,
)
PROTECTION = Protection(percent=lambda instrument, price, at: 200, policy=POLICY, band=NoBand())


def feed(lasts: Sequence[float]) -> EventFeed:
    """One tick a second. The swinger sells short with the 9th, closes with the 18th and buys with the 27th; at the
    venue the price is 500 all the while."""
    rows: list[MarketEvent] = [
        Tick(START + n * SECOND, START + n * SECOND, COIN, last, 1.0, nan, nan, nan, nan, nan)
        for n, last in enumerate(lasts)
    ]
    return EventFeed("ticks", rows)


class Protected(Pair):
    """The same pair, its market orders capped two percent beyond what the feed says."""

    def __init__(self, lasts: Sequence[float], *, policy: ProtectionPolicy = POLICY) -> None:
        self.lasts, self.protection = lasts, replace(PROTECTION, policy=policy)
        super().__init__()

    def started(self, feed_again: EventFeed | None = None) -> Process:
        process = assembled(Seat(run="test", feed=feed(self.lasts), protection=self.protection))
        lease = Lease.acquire(self.disk, holder="one", now=self.world.now)
        journal = open_journal(self.disk, told=process.told, lease=lease, segment_bytes=2**14, reserve_bytes=2**16)
        process.start(journal, epoch=lease.epoch, at=self.world.now)
        self.connection += 1
        self.venue.server.opened(self.connection, at=self.world.now)
        process.connected(at=self.world.now)
        self.process = process
        self.talk()
        return process


def test_every_order_that_leaves_is_a_limit() -> None:
    pair = Protected([500.0] * 60)
    pair.run(40)
    assert pair.sent and all(each.type is OrderType.LIMIT and each.limit for each in pair.sent)


def test_an_exit_that_rests_at_the_venue_is_placed_anew() -> None:
    """The feed lags at 480 when the short is closed: the purchase is capped at 489.6 and rests. Two seconds on the
    feed says 500: it is placed anew at 510, and fills."""
    pair = Protected([500.0] * 16 + [480.0] * 4 + [500.0] * 40)
    pair.run(19)
    assert pair.held < 0 and pair.sent[-1].limit == 48_960_000_000
    pair.run(4)
    assert pair.held == 0 and pair.sent[-1].limit == 510 * 10**8
    assert pair.sent[-1].reduces


def test_the_kill_switch_ends_flat_where_the_feed_is_far_from_the_venue() -> None:
    """The feed stays at 480 while everything is to be closed: 489.6 rests, and protection widens until it reaches the
    venue's 500: 4 % is 499.2, 8 % is 518.4. The policy for exits would only have told somebody."""
    lax = replace(POLICY, exits=Chase(re_pegs=1, then="alert"))
    pair = Protected([500.0] * 12 + [480.0] * 60, policy=lax)
    pair.run(13)
    assert pair.held < 0
    pair.process.operator(SafetyLevel.FLATTEN, by="somebody", reason="enough", at=pair.world.now)
    pair.talk()
    pair.run(12)
    tracked = [pair.process.trading.tracker.by_tag(each.tag) for each in pair.sent]
    closing = [each.order for each in tracked if each is not None and each.order.reason == "kill"]
    limits = [each.limit for each in closing if each.strategy == "Swinger-NRML"]
    assert limits == [48_960_000_000, 49_920_000_000, 51_840_000_000]
    assert pair.held == 0 and not any(pair.venue.positions().values())
    assert not pair.process.trading.engine.working


def test_a_restart_while_a_remainder_rests_goes_on_where_it_was() -> None:
    """Reading the journal repeats every step, or the start would be refused; the exit then ends."""
    pair = Protected([500.0] * 16 + [480.0] * 12 + [500.0] * 40)
    pair.run(20)
    sent = len(pair.sent)
    pair.killed()
    pair.started()
    assert len(pair.sent) == sent and pair.held < 0
    pair.run(14)
    assert pair.held >= 0 and len(pair.sent) > sent


def test_what_nothing_helps_is_told_to_a_person() -> None:
    """At its widest the cap does not reach the venue: somebody is told once, and the order stays."""
    narrow = replace(POLICY, widest=300)
    pair = Protected([500.0] * 16 + [480.0] * 40, policy=narrow)
    pair.run(40)
    told = [each.what for each in pair.process.notices if isinstance(each, Alert)]
    assert len([each for each in told if "reaches no further" in each]) == 1
    assert pair.held < 0
