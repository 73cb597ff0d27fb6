"""One seed: a market, a venue, a machine, faults for a while, then rest, and the laws all along."""

from __future__ import annotations

from functools import partial
from random import Random

import msgspec

from tests.simulation.assembly import Seat
from tests.simulation.checks import Broken, Checks
from tests.simulation.faults import Swarm, drawn
from tests.simulation.host import Host
from tests.simulation.laws import Laws
from tests.simulation.market import OWN_LIMITS, ticks
from tests.simulation.venue import SimulatedVenue
from tests.simulation.world import SECOND, World
from tradsys.engine.protection import Protection
from tradsys.engine.trading.feed import EventFeed
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.venue_limits import VenueLimits

START = 1_795_000_000 * SECOND
TROUBLE = 48
"""Simulated seconds in which the market moves and things go wrong."""
REST = 62
"""And in which nothing does: longer than the quarantine, two absences, and the latest order that comes late."""


LAST = 15
"""Seconds after the last quote at the venue, so that its last trade is heard of, or found."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a seed. `law` is empty where all held."""

    seed: int
    events: int
    orders: int
    faults: int
    trades: int
    restarts: int
    records: int
    trace: str
    law: str = ""
    what: str = ""
    at_event: int = 0
    kinds: dict[str, int] = {}

    @property
    def line(self) -> str:
        """Everything that is needed to see it again."""
        return f"SEED={self.seed} EVENT#={self.at_event} INVARIANT={self.law}: {self.what}"


def run(
    seed: int,
    *,
    swarm: Swarm | None = None,
    trouble: int = TROUBLE,
    log: list[str] | None = None,
    protection: Protection | None = None,
) -> Report:
    """Run one seed. `swarm` in place of the faults it would draw, `trouble` seconds of them: what shrinking changes.
    `protection` caps its market orders."""
    random = Random(seed)
    swarm = drawn(Random(seed)) if swarm is None else swarm
    world = World(seed * 2 + 1, start=START)
    if log is not None:
        world.keep_log, world.log = True, log
    rows = ticks(Random(seed * 2), start=START + SECOND, seconds=TROUBLE, every=0.2)
    rows = [row for row in rows if row.at < START + trouble * SECOND]
    venue = SimulatedVenue(world, swarm, seed=seed)
    every = random.choice((2**60, 120, 300))
    limits = VenueLimits(open_orders=200, per_minute=30 if swarm.rate("throttle") else 400)
    halts = not swarm.rate("money_elsewhere") or seed % 2 == 0
    seat = Seat(
        run=f"seed-{seed}",
        feed=EventFeed(f"seed-{seed}", rows),
        policy=Policy(unexplained_positions="halt", cash="halt" if halts else "ignore"),
        snapshot_every=every,
        limits=limits,
        own_limits=OWN_LIMITS,
        protection=protection,
    )
    host = Host(world, swarm, venue, seat)
    checks = Checks(host, venue)
    laws = Laws(host, venue, limits=seat.limits, run=seat.run, written=checks.written)
    law = what = ""
    try:
        _play(world, venue, host, checks, laws, rows=len(rows), known=[row.at for row in rows], trouble=trouble)
    except Broken as broken:
        law, what = broken.law, str(broken)
    return Report(
        seed=seed,
        events=world.events,
        orders=sum(venue.placed.values()),
        faults=world.faults,
        trades=len(venue.trades),
        restarts=host.starts - 1,
        records=host.records,
        trace=world.trace,
        law=law,
        what=what,
        at_event=world.events,
        kinds=dict(world.counts),
    )


def _play(
    world: World,
    venue: SimulatedVenue,
    host: Host,
    checks: Checks,
    laws: Laws,
    *,
    rows: int,
    known: list[int],
    trouble: int,
) -> None:
    for row in range(rows):
        world.at(known[row], partial(host.read, row))
    end = START + trouble * SECOND
    second = START
    while second < end + (REST + LAST) * SECOND:
        calm = second >= end
        second += SECOND * (5 if calm else 2)
        world.at(second, partial(_every, venue, host, calm=calm))

    def each() -> None:
        checks.each()
        laws.each()

    host.boot()
    world.run(end, each=each)
    host.settle()
    venue.settle()
    world.run(end + REST * SECOND, each=each)
    venue.freeze()
    world.run(end + (REST + LAST) * SECOND, each=each)
    checks.at_rest()
    checks.level()
    checks.journal()
    laws.at_rest(checks.records)


def _every(venue: SimulatedVenue, host: Host, *, calm: bool) -> None:
    venue.advance(calm=calm)
    if not calm:
        host.misfortune()
