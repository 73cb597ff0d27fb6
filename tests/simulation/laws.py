"""More laws, of what a process lets out and writes down: asked as something leaves, at each end of an order, and of the
whole journal once everything rests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from tests.simulation.checks import Broken
from tests.simulation.host import Host, Running
from tests.simulation.market import POSITIONS
from tests.simulation.venue import SimulatedVenue
from tests.simulation.world import SECOND
from tradsys.core.events import Order, Product
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SCALE, from_float
from tradsys.core.venue import AnyCommand, PlaceOrder, Subject, VenueState
from tradsys.engine.trading.trading import KILL
from tradsys.execution.order_life import TrackedState
from tradsys.execution.tags import tag_of
from tradsys.execution.tracked_orders import Tracked
from tradsys.execution.venue_limits import VenueLimits
from tradsys.journal.records import Record

_ENDS = ("cancelled", "expired", "rejected", "never_sent")
_AGE = 2 * SECOND
_QUIET = 25 * SECOND


def _own(order: Order) -> tuple[str, str, int]:
    return order.strategy, order.instrument, order.side


def _way(order: Order) -> tuple[str, str, str, int, str]:
    return order.strategy, order.instrument, order.product, order.side, order.reason


class Laws:
    """Over one host and one venue; `limits` are what the venue allows, `written` raises for what is not
    durable. Call `each` after every event."""

    def __init__(
        self,
        host: Host,
        venue: SimulatedVenue,
        *,
        limits: VenueLimits,
        run: str,
        written: Callable[[AnyCommand], None],
    ) -> None:
        self._host, self._venue, self._limits, self._run = host, venue, limits, run
        self._written = written
        self._epoch = 0
        self._ended: dict[int, int] = {}
        self._connections: deque[tuple[int, int]] = deque(maxlen=2)
        host.leaving = self._leaving

    # --- what leaves

    def _leaving(self, running: Running, command: AnyCommand) -> None:
        """D1, C6, C1, R2, D11: who lets out what opens a position, and when."""
        self._written(command)
        epoch = running.lease.epoch
        if epoch < self._epoch:
            raise Broken("C6", f"a process of epoch {epoch} sends, {self._epoch} is the newest")
        if not isinstance(command, PlaceOrder):
            return
        self._within_own(running, command)
        if command.reduces:
            self._reduces(running, command)
            return
        trading = running.process.trading
        asked = running.connection.answered if running.connection is not None else {}
        if not trading.reconciling.reconciled or not all(asked.get(subject) for subject in Subject):
            raise Broken("C1", f"{command.tag} leaves before the account is reconciled")
        if trading.level >= SafetyLevel.NO_NEW_RISK:
            raise Broken("R2", f"{command.tag} leaves at level {trading.level.name}")
        if not any(name.startswith("reserve") for name in self._host.disk.stable().names()):
            raise Broken("D11", f"{command.tag} leaves although the disk is full and the reserve in use")

    def _within_own(self, running: Running, command: PlaceOrder) -> None:
        """R1: no strategy holds more than its limit in an instrument, should all that may still trade be filled."""
        trading = running.process.trading
        tracked = trading.tracker.by_tag(command.tag)
        if tracked is None or tracked.order.strategy not in POSITIONS or command.reduces:
            return
        order, ledger = tracked.order, trading.engine.ledger
        held = sum(ledger.position(order.strategy, order.instrument, product) for product in Product)
        same = (order.strategy, order.instrument, order.side)
        live = [each for each in trading.tracker.live if _own(each.order) == same]
        worst = held * order.side + sum(each.remaining for each in live if each.order.order_id <= order.order_id)
        if worst > from_float(POSITIONS[order.strategy]):
            raise Broken("R1", f"{command.tag} could make {worst / SCALE} of {order.instrument}")

    def _reduces(self, running: Running, command: PlaceOrder) -> None:
        """R2: what is said to reduce a position is no larger than it."""
        trading = running.process.trading
        tracked = trading.tracker.by_tag(command.tag)
        if tracked is None or tracked.submitted_at != running.process.now:
            return
        order = tracked.order
        held = trading.engine.ledger.position(order.strategy, order.instrument, order.product)
        if command.quantity > max(0, -held * order.side):
            raise Broken("R2", f"{command.tag} of {command.quantity} is said to reduce {held}")

    # --- after every event

    def each(self) -> None:
        """The cheap ones."""
        world = self._host.world
        number = self._venue.connections
        if not self._connections or self._connections[-1][1] != number:
            self._connections.append((world.now, number))
        for running in self._host.running:
            self._epoch = max(self._epoch, running.lease.epoch)
            if not running.paused:
                self._ends(running)
                self._closing(running)
                self._gap(running)

    def _gap(self, running: Running) -> None:
        """S1: where a report is missing the connection is given up, and everything asked for again."""
        connection = running.connection
        if connection is not None and 0 < connection.gap_at < self._host.world.now - SECOND:
            raise Broken("S1", f"a report is missing since {connection.gap_at}, and the connection is kept")

    def _closing(self, running: Running) -> None:
        """R2: at a level that withdraws, what works is asked to go; what closes does not close more than is held."""
        trading = running.process.trading
        if trading.level < SafetyLevel.CANCEL or running.process.on_reserve:
            return
        now = running.process.now
        for each in trading.tracker.live:
            closes = each.order.reason == KILL
            if each.state is TrackedState.ENDING:
                continue  # The venue works it no more; only trades of it are still to come.
            if not closes and not each.withdrawing and each.submitted_at < now - 5 * SECOND:
                raise Broken("R2", f"order {each.tag} is not withdrawn at level {trading.level.name}")
            if closes and each.submitted_at == now and not each.filled:
                self._no_more_than_held(running, each)

    def _no_more_than_held(self, running: Running, closing: Tracked) -> None:
        trading, order = running.process.trading, closing.order
        held = trading.engine.ledger.position(order.strategy, order.instrument, order.product)
        way = (order.strategy, order.instrument, order.product, order.side, KILL)
        orders = [each for each in trading.tracker.live if _way(each.order) == way]
        left = sum(each.remaining for each in orders)
        if left > max(0, -held * order.side):
            raise Broken("R2", f"{left} of {order.instrument} are being closed, {held} are held")

    def _ends(self, running: Running) -> None:
        """O5: no order is told to have ended that works at the venue."""
        tracker = running.process.trading.tracker
        ended = tracker.ended
        if self._ended.get(running.number, 0) == ended:
            return
        self._ended[running.number] = ended
        working = {row.tag for row in self._venue.orders() if row.state is VenueState.OPEN}
        for tag in sorted(working):
            tracked = tracker.by_tag(tag)
            if tracked is not None and tracked.state in _ENDS and not self._excused(tag):
                raise Broken("O5", f"order {tag} is {tracked.state} with us, and works at the venue")

    def _excused(self, tag: str) -> bool:
        """Of orders that came after any quarantine no more is asked than that everything fits at the end."""
        return tag in self._venue.overdue

    # --- at rest

    def at_rest(self, records: Iterable[Record]) -> None:
        """What must be so when nothing has gone wrong for long enough; `records` are all of the journal."""
        running = next(each for each in self._host.running if not each.paused)
        self._given_up(running)
        self._withdrawn(running)
        self._halted(running)
        since = self._connections[-1][0]
        if since > self._host.world.now - _QUIET:
            raise Broken("S2", "a connection was given up although nothing was wrong with it")
        self._journal(records)

    def _given_up(self, running: Running) -> None:
        """O5: what the venue took was not given up for never taken."""
        for row in self._venue.orders():
            tracked = running.process.trading.tracker.by_tag(row.tag) if row.tag else None
            if (
                tracked is not None
                and not self._excused(row.tag)
                and row.state is not VenueState.REJECTED
                and tracked.state in _ENDS[2:]
            ):
                raise Broken("O5", f"order {row.tag} is {tracked.state} with us, {row.state} at the venue")

    def _withdrawn(self, running: Running) -> None:
        """O8: what was to be withdrawn is."""
        left = [each.tag for each in running.process.trading.tracker.live if each.withdrawing]
        if left:
            raise Broken("O8", f"orders {left[:5]} were withdrawn, and still work")

    def _halted(self, running: Running) -> None:
        """R2: the account is as its level says."""
        level = running.process.trading.level
        working = [row.venue_id for row in self._venue.orders() if row.state is VenueState.OPEN]
        if level >= SafetyLevel.CANCEL and working:
            raise Broken("R2", f"orders {working[:5]} work at level {level.name}")
        if level >= SafetyLevel.FLATTEN and any(self._venue.positions().values()):
            raise Broken("R2", f"positions are open at level {level.name}")

    # --- the journal

    def _journal(self, records: Iterable[Record]) -> None:
        """R2, R5, O10, P2: what was written down is in order."""
        approved: dict[str, int] = {}
        sent: list[int] = []
        entries: list[int] = []
        cash: list[str] = []
        asked, level = SafetyLevel.NORMAL, SafetyLevel.NORMAL
        for record in records:
            if record.kind not in ("entry", "intent", "safety", "operator", "plan", "clock", "market"):
                continue
            said = msgspec.json.decode(record.payload)
            if record.kind == "entry":
                self._note(said["body"], record.at, approved)
            elif record.kind == "intent":
                opens = said["message"] == "PlaceOrder" and not said["reduces"]
                self._within(sent, record.at, share=(1, 1))
                if opens:
                    self._within(entries, record.at, share=(7, 10))
                self._young(said, record.at, approved)
            elif record.kind == "safety":
                level = SafetyLevel(said["level"])
            elif record.kind == "operator":
                asked = SafetyLevel(said["level"])
                continue
            elif record.kind == "plan" and said["action"] == "halt position_differs":
                raise Broken("P2", f"a position was called unexplained: {said}")
            elif record.kind == "plan" and said["action"] == "halt order_missing":
                raise Broken("C5", f"an order was called missing that is not: {said}")
            elif record.kind == "plan" and said["subject"].startswith("cash "):
                cash.append(said["action"])
            if asked > level and record.kind in ("clock", "market", "intent"):
                raise Broken("R2", f"{asked.name} was asked for, and {level.name} holds")
            asked = SafetyLevel.NORMAL if level >= asked else asked
        self._told_once(cash)

    def _told_once(self, cash: list[str]) -> None:
        """P4: what is on the account beside the run is taken at the first look and never again; no more is told than
        people moved. What is not believed yet is ignored."""
        told = [each for each in cash if not each.startswith("ignore")]
        moved = len(self._venue.moved)
        if len(told) > moved or any(each.endswith("cash_opening") for each in told[1:]):
            raise Broken("P4", f"money was moved {moved} times, and told of: {told}")

    def _note(self, body: dict[str, Any], at: int, approved: dict[str, int]) -> None:
        if body["event"] == "Approved":
            approved[tag_of(self._run, body["order_id"])] = at

    def _young(self, command: dict[str, Any], at: int, approved: dict[str, int]) -> None:
        """O10: no order leaves long after it was decided on."""
        if command["message"] != "PlaceOrder":
            return
        decided = approved.get(command["tag"])
        if decided is None:
            raise Broken("O10", f"{command['tag']} left, and nobody approved it")
        if at - decided > _AGE:
            raise Broken("O10", f"{command['tag']} left {(at - decided) / SECOND:.1f} s after it was approved")

    def _within(self, sent: list[int], at: int, *, share: tuple[int, int]) -> None:
        """R5: no more in any second, minute and day than the venue allows."""
        sent.append(at)
        limits, (part, whole) = self._limits, share
        for span, most in ((1, limits.per_second), (60, limits.per_minute), (86_400, limits.per_day)):
            most = most * part // whole
            if len(sent) > most and at - sent[-most - 1] < span * SECOND:
                raise Broken("R5", f"{most + 1} commands left in {(at - sent[-most - 1]) / SECOND:.3f} s")
