"""What must hold in a simulated run: after every event, and once everything has come to rest.

These know the truth: the venue's own books, the bytes on the disks. They share no code with what they check but the
types and the readers of records.
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from tests.simulation.host import Host, Running
from tests.simulation.venue import SimulatedVenue
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SCALE
from tradsys.core.venue import AnyCommand, PlaceOrder, VenueState
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.recovery import state_of
from tradsys.journal.reading import Position, Reader
from tradsys.journal.records import Record


class Broken(AssertionError):
    """An invariant does not hold: its number in the list of laws, and what was seen."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law = law


class Checks:
    """The laws, over one host and one venue."""

    def __init__(self, host: Host, venue: SimulatedVenue) -> None:
        self._host = host
        self._venue = venue
        venue.on_command = self._on_command
        self._intents: set[bytes] = set()
        self._position: Position | None = None

    # --- after every event

    def each(self) -> None:
        """The cheap ones."""
        if self._host.failures:
            raise Broken("no failure", self._host.failures[0])
        for running in self._host.running:
            if not running.paused:
                self._ledger(running)

    def _ledger(self, running: Running) -> None:
        ledger = running.process.trading.engine.ledger
        if running.number * 7919 % 16 == self._host.world.events % 16:
            ledger.check()

    def _on_command(self, command: AnyCommand) -> None:
        """D1, D2: what reaches the venue is durable, and no order of ours comes twice."""
        if isinstance(command, PlaceOrder):
            if not command.tag:
                return
            if self._venue.placed[command.tag] > 1:
                raise Broken("D2", f"the order {command.tag} reached the venue twice")
        self.written(command)

    def written(self, command: AnyCommand) -> None:
        """D1: what leaves is durable before."""
        payload = msgspec.json.encode(command)
        if payload not in self._intents and payload not in self._durable():
            raise Broken("D1", f"{command} left, and no durable record says so")

    def _durable(self) -> set[bytes]:
        """Payloads of intents that would survive the power failing now. What was durable once is so for good."""
        reader = Reader(self._host.disk.stable(), self._position)
        self._intents.update(record.payload for record in reader if record.kind == "intent")
        self._position = reader.position
        return self._intents

    # --- at rest

    def at_rest(self) -> None:
        """All of them, when nothing has gone wrong for long enough."""
        running = [each for each in self._host.running if not each.paused]
        if len(running) != 1:
            raise Broken("C6", f"{len(running)} processes run at the end")
        trading = running[0].process.trading
        self._positions(running[0])
        self._cash(running[0])
        self._orders(running[0])
        if trading.safety.safe_mode:
            raise Broken("C2", f"still in safe mode: {trading.safety.safe_mode}")
        trading.engine.ledger.check()
        self._trades(running[0])

    def _positions(self, running: Running) -> None:
        """P2: what we believe to hold is what the venue holds."""
        mine: dict[tuple[str, str], int] = {}
        for held in running.process.trading.engine.ledger.open_positions.values():
            key = (held.instrument.id, str(held.product))
            mine[key] = mine.get(key, 0) + held.quantity
        theirs = {(name, str(product)): quantity for (name, product), quantity in self._venue.positions().items()}
        mine = {key: quantity for key, quantity in mine.items() if quantity}
        if mine != theirs:
            raise Broken("P2", f"we hold {_shown(mine)}, the venue has {_shown(theirs)}")

    def _cash(self, running: Running) -> None:
        """P4: what trades made of our cash is what they made of the venue's, and what else moved there is known."""
        trading, venue = running.process.trading, self._venue
        ledger = trading.engine.ledger
        owed = sum(held.cost for held in ledger.open_positions.values() if not held.paid_in_full)
        mine = ledger.cash - owed + ledger.charges
        if mine != venue.paid():
            raise Broken("P4", f"we paid to {mine / SCALE}, the venue's trades to {venue.paid() / SCALE}")
        row, moved = venue.cash(), sum(venue.moved)
        if row.cash - row.open_cost != venue.paid() + moved:
            raise Broken("P4", f"the venue says {row}, its trades {venue.paid() / SCALE} and people {moved / SCALE}")
        known = trading.reconciling.reconciler.cash.get(row.currency)
        if known is None:
            raise Broken("P4", "cash was never compared")
        if known.opening + known.said != moved:
            raise Broken("P4", f"people moved {moved / SCALE}, of which is known {known}")

    def _orders(self, running: Running) -> None:
        """C2: what we believe to work is what works, and nothing is unknown."""
        tracker = running.process.trading.tracker
        theirs = {row.venue_id for row in self._venue.orders() if row.state is VenueState.OPEN}
        mine = {each.venue_id for each in tracker.live} | set(tracker.external)
        if mine != theirs:
            raise Broken("C2", f"we have {sorted(mine)} working, the venue {sorted(theirs)}")
        engine = {live.order.order_id for live in running.process.trading.engine.working.values()}
        tracked = {each.order.order_id for each in tracker.live}
        if engine != tracked:
            raise Broken("C2", f"the engine has {sorted(engine)} working, the tracker {sorted(tracked)}")

    def _trades(self, running: Running) -> None:
        """S1, O4: every trade of the venue was booked once."""
        tracker = running.process.trading.tracker
        booked = {number for (number, _), seen in tracker.trades.items() if seen.fill is not None and not seen.undone}
        missing = set(self._venue.trades) - booked
        if missing:
            raise Broken("S1", f"trades {sorted(missing)[:5]} were never booked")

    @cached_property
    def records(self) -> list[Record]:
        """All that is in the journal: to be asked for when no more is written. A1: it can be read."""
        return list(Reader(self._host.disk.stable()))

    def journal(self) -> None:
        """A1, D5: the journal is whole, and leads to the very state that is."""
        running = next(each for each in self._host.running if not each.paused)
        again = self._host.fresh()
        for record in self.records:
            again.told(record)
        if state_of(running.process) != state_of(again):
            raise Broken("D5", f"the journal does not lead to the state that is: {_parts(running.process, again)}")

    def level(self) -> None:
        """R2: while nothing new was allowed, nothing that opens left."""
        level = SafetyLevel.NORMAL
        decode = msgspec.json.decode
        for record in self.records:
            if record.kind == "safety":
                level = SafetyLevel(decode(record.payload)["level"])
            elif record.kind == "intent" and level >= SafetyLevel.NO_NEW_RISK:
                command = decode(record.payload)
                if command["message"] == "PlaceOrder" and not command["reduces"]:
                    raise Broken("R2", f"an order left at level {level.name}: {command}")


def _parts(one: Process, other: Process) -> str:
    """Which parts of two states differ."""
    a, b = (msgspec.msgpack.decode(state_of(each)) for each in (one, other))
    return ", ".join(name for name in a if a[name] != b[name])


def _shown(positions: dict[tuple[str, str], int]) -> str:
    return ", ".join(
        f"{name} {product} {quantity / SCALE:g}" for (name, product), quantity in sorted(positions.items())
    )
