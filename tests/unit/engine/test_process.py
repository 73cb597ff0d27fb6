"""A trading process beside the venue's own server, byte for byte, without faults but those a test asks for."""

from __future__ import annotations

import errno
from collections import Counter
from math import nan

import pytest

from tests.simulation.assembly import Seat, assembled
from tests.simulation.faults import Swarm
from tests.simulation.venue import ACCOUNT, SimulatedVenue
from tests.simulation.world import SECOND, World
from tradsys.core.errors import ConfigError, InvariantBroken, JournalFailed
from tradsys.core.events import MarketEvent, Product, Tick
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SCALE
from tradsys.core.venue import Declined, PlaceOrder, Unwelcome, VenueState
from tradsys.core.wire import encode, outgoing_reader
from tradsys.engine.trading.feed import EventFeed
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.records import PlanLine
from tradsys.engine.trading.recovery import restore, state_of
from tradsys.exchange.clearing.records import CashDeposited
from tradsys.execution.order_life import TrackedState
from tradsys.execution.reconciliation_lines import CashStanding
from tradsys.journal.lease import Lease
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.opening import open_journal
from tradsys.journal.reading import Reader
from tradsys.risk.limits import LimitsSection

START = 1_795_000_000 * SECOND
COIN = "CRYPTO:DDD"


def ticks(count: int) -> list[MarketEvent]:
    """One a second of one perpetual: the swinger trades every ninth."""
    return [
        Tick(START + n * SECOND, START + n * SECOND, COIN, 500.0, 1.0, nan, nan, nan, nan, nan) for n in range(count)
    ]


class Pair:
    """One process and one venue. `deaf` lets nothing of the process arrive."""

    def __init__(
        self, *, rows: int = 200, room: int = 2**40, beside: int = 0, own_limits: LimitsSection | None = None
    ) -> None:
        self.own_limits = own_limits
        self.world = World(1, start=START)
        self.venue = SimulatedVenue(self.world, Swarm({}), seed=1)
        if beside:
            self.pay_in(beside)
        self.errors: dict[str, int] = {}
        self.disk = MemoryDisk(room=room, fault=lambda operation, name: self.errors.get(operation))
        self.feed = EventFeed("ticks", ticks(rows))
        self.deaf = False
        self.sent: list[PlaceOrder] = []
        self.connection = 0
        self.process = self.started()

    def started(self, feed: EventFeed | None = None) -> Process:
        process = assembled(Seat(run="test", feed=feed or self.feed, own_limits=self.own_limits))
        lease = Lease.acquire(self.disk, holder="one", now=self.world.now)
        journal = open_journal(self.disk, told=process.told, lease=lease, segment_bytes=2**14, reserve_bytes=2**16)
        process.start(journal, epoch=lease.epoch, at=self.world.now)
        self.connection += 1
        self.venue.server.opened(self.connection, at=self.world.now)
        process.connected(at=self.world.now)
        self.process = process
        self.talk()
        return process

    def killed(self) -> None:
        self.disk.kill()
        self.venue.server.closed(self.connection, at=self.world.now)

    def pay_in(self, amount: int) -> None:
        """Somebody does, by hand; whole units."""
        self.venue.server.venue.exchange.tell(CashDeposited(account=ACCOUNT, amount=amount * SCALE))

    def told_of_cash(self) -> list[tuple[str, str]]:
        """What this process said of cash: the action, and the evidence up to the answer."""
        lines = [each for each in self.process.notices if isinstance(each, PlanLine)]
        return [(each.action, each.evidence.partition("; cash answer")[0]) for each in lines if "cash" in each.subject]

    def talk(self) -> None:
        """Until neither has anything to say."""
        process, server = self.process, self.venue.server
        while True:
            process.flush(at=self.world.now)
            outgoing, process.outgoing = process.outgoing, []
            for data in outgoing:
                self.sent += [each for each in outgoing_reader().feed(data) if isinstance(each, PlaceOrder)]
                if not self.deaf:
                    server.received(self.connection, data, at=self.world.now)
            said, _ = server.drained()
            for number, data in said:
                if number == self.connection:
                    process.received(data, at=self.world.now)
            if not outgoing and not said:
                return

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.world.now += SECOND
            self.process.read((self.world.now - START) // SECOND, at=self.world.now)
            self.talk()
            self.process.tick(at=self.world.now)
            self.venue.server.advance(self.world.now)
            self.talk()

    @property
    def held(self) -> int:
        return self.process.trading.engine.ledger.position("Swinger-NRML", COIN, Product.NRML)


def test_it_trades_once_the_account_is_reconciled() -> None:
    pair = Pair()
    assert pair.process.trading.safety.safe_mode == ""
    pair.run(14)
    assert pair.sent and pair.held and pair.venue.positions()
    assert len({each.tag for each in pair.sent}) == len(pair.sent)


def test_nothing_leaves_before_it_is_durable() -> None:
    pair = Pair()
    pair.errors["sync"] = errno.EIO
    before = len(pair.sent)
    with pytest.raises(JournalFailed):
        pair.run(20)
    assert pair.process.outgoing == [] and len(pair.sent) == before
    with pytest.raises(JournalFailed):
        pair.process.tick(at=pair.world.now + 60 * SECOND)
        pair.process.flush(at=pair.world.now)


def test_a_restart_is_a_replay_and_sends_nothing_again() -> None:
    pair = Pair()
    pair.run(14)
    held, sent, before = pair.held, len(pair.sent), pair.process
    pair.killed()
    pair.started()
    assert pair.process is not before and pair.held == held and len(pair.sent) == sent
    assert pair.process.replayed.outputs > sent and pair.process.trading.safety.safe_mode == ""


def test_money_beside_the_run_is_adopted_once_and_known_after_a_restart() -> None:
    pair = Pair(beside=500)
    opening = [("adopt cash_opening", "we have 1000000; the venue has 1000500")]
    assert pair.told_of_cash() == opening
    known = pair.process.trading.reconciling.reconciler.cash
    assert known == {"USDT": CashStanding(opening=500 * SCALE)}
    pair.run(30)
    assert pair.told_of_cash() == opening and pair.held, "trades are no difference"
    restored = assembled(Seat(run="test", feed=pair.feed))
    restore(restored, state_of(pair.process))
    assert restored.trading.reconciling.reconciler.cash == known
    pair.killed()
    pair.started()
    assert pair.process.trading.reconciling.reconciler.cash == known
    pair.run(14)
    assert pair.told_of_cash() == []


def test_money_paid_in_while_it_trades_is_told_of_once_and_halts_where_policy_says_so() -> None:
    pair = Pair()
    pair.run(14)
    pair.pay_in(70)
    pair.run(30)
    ((action, _),) = pair.told_of_cash()
    trading = pair.process.trading
    assert (action, trading.level) == ("halt cash_differs", SafetyLevel.NO_NEW_RISK)
    assert trading.reconciling.reconciler.cash == {"USDT": CashStanding(opening=0, said=70 * SCALE, halted=True)}
    pair.killed()
    pair.started()
    pair.process.operator(SafetyLevel.NORMAL, by="me", reason="it was mine", at=pair.world.now)
    pair.run(14)
    assert (pair.told_of_cash(), pair.process.trading.level) == ([], SafetyLevel.NORMAL)


def test_a_question_that_nobody_answered_is_journaled_as_refused() -> None:
    pair = Pair()
    pair.deaf = True
    pair.process.trading.reconciling.reconciler.begin("a test asks", at=pair.world.now)
    pair.run(4)
    refused = [each for each in pair.process.notices if isinstance(each, PlanLine) and each.action == "refuse"]
    assert refused and (refused[0].subject, refused[0].evidence[:13]) == ("trades", "no answer in ")


def test_the_plan_of_a_start_and_of_a_reconnect_is_there_to_be_shown_and_no_other() -> None:
    pair = Pair()
    reconciling = pair.process.trading.reconciling
    shown, reconciling.opening = reconciling.opening, None
    assert shown is not None and shown.reason == "start"
    pair.run(40)
    assert reconciling.reconciled and reconciling.opening is None, "a routine comparison says what it does"
    pair.process.disconnected("a test", at=pair.world.now)
    pair.connection += 1
    pair.venue.server.opened(pair.connection, at=pair.world.now)
    pair.process.connected(at=pair.world.now)
    pair.talk()
    assert reconciling.opening is not None and reconciling.opening.reason == "reconnect"


def test_an_order_that_nobody_answered_for_is_unknown_and_never_sent_again() -> None:
    pair = Pair()
    pair.run(5)
    pair.deaf = True
    pair.run(4)
    tracked = next(iter(pair.process.trading.tracker.live))
    assert tracked.state is TrackedState.UNKNOWN
    assert pair.process.trading.engine.working[tracked.order.order_id].state == "unknown"
    tags = [each.tag for each in pair.sent]
    pair.killed()
    pair.deaf = False
    pair.started()
    pair.run(3)
    assert [each.tag for each in pair.sent if each.tag == tracked.tag] == [tracked.tag] and tracked.tag in tags


def test_an_exit_that_nobody_answered_for_is_not_followed_by_another() -> None:
    pair = Pair()
    pair.run(11)
    pair.deaf = True
    pair.process.operator(SafetyLevel.FLATTEN, by="somebody", reason="enough", at=pair.world.now)
    pair.run(4)
    engine = pair.process.trading.engine
    exit_order = next(each for each in engine.working.values() if each.order.reason == "kill")
    assert exit_order.state == "unknown"
    engine.withdraw([exit_order.order.order_id], at=pair.world.now, reason="a target changed")
    entries = engine.close_all(at=pair.world.now, reason="again", instrument=COIN)
    assert [type(each.body).__name__ for each in entries] == ["Refused"]


def test_what_is_said_to_reduce_does_beside_what_reduces_already() -> None:
    pair = Pair()
    pair.run(40)
    held: Counter[str] = Counter()
    said, tracker = {each.tag: each for each in pair.sent}, pair.process.trading.tracker
    for dealt in pair.venue.trades.values():
        order, tracked = said[dealt.tag], tracker.by_tag(dealt.tag)
        assert tracked is not None
        strategy = tracked.order.strategy
        assert not order.reduces or 0 < dealt.quantity <= -held[strategy] * order.side
        held[strategy] += dealt.side * dealt.quantity
    assert {each.reduces for each in pair.sent} == {True, False}


def test_a_journal_of_another_feed_or_other_decisions_is_refused() -> None:
    pair = Pair()
    pair.run(12)
    pair.killed()
    with pytest.raises(InvariantBroken, match="another feed"):
        pair.started(EventFeed("others", ticks(200)))
    pair.disk.kill()
    moved = [Tick(each.at, each.at, COIN, 501.0, 1.0, nan, nan, nan, nan, nan) for each in ticks(200)]
    with pytest.raises(InvariantBroken, match="are not those that record"):
        pair.started(EventFeed("ticks", moved))


def test_a_full_disk_lets_nothing_open_and_everything_close() -> None:
    pair = Pair()
    pair.run(11)
    assert pair.held
    pair.disk.room = 0
    pair.run(60)
    assert pair.process.on_reserve and pair.process.trading.level is SafetyLevel.NO_NEW_RISK
    rows = pair.process.trading.rows
    opened = [each for each in pair.sent if not each.reduces]
    pair.process.operator(SafetyLevel.FLATTEN, by="somebody", reason="the disk is full", at=pair.world.now)
    pair.run(10)
    assert not any(pair.venue.positions().values()) and pair.held == 0
    assert [each for each in pair.sent if not each.reduces] == opened and pair.process.trading.rows == rows


def test_what_a_full_disk_keeps_back_has_ended_at_once_also_after_a_restart() -> None:
    pair = Pair()
    journal = pair.process._journal
    assert journal is not None
    commit = journal.commit

    def full() -> int:
        journal.on_reserve = journal.on_reserve or bool(pair.process._intents)
        return commit()

    journal.commit = full  # type: ignore[method-assign]
    pair.run(14)
    tracker = pair.process.trading.tracker
    assert pair.sent == [] and len(tracker.all) > 0 and tracker.live == [], "it was approved, recorded, and never left"
    ended = [each.state for each in tracker.all]
    assert set(ended) == {TrackedState.REJECTED}
    before = state_of(pair.process)
    pair.killed()
    told = assembled(Seat(run="test", feed=pair.feed))
    for record in Reader(pair.disk):
        told.told(record)
    assert state_of(told) == before
    pair.started()
    assert [each.state for each in pair.process.trading.tracker.all][: len(ended)] == ended and pair.sent == []


def test_a_disk_that_is_nearly_full_lets_nothing_open_before_it_is() -> None:
    pair = Pair()
    pair.run(20)
    assert pair.process.trading.level < SafetyLevel.NO_NEW_RISK
    pair.disk.room = 0
    pair.run(2)
    assert pair.process.trading.level is SafetyLevel.NO_NEW_RISK
    assert not pair.process.on_reserve
    placed = len(pair.sent)
    pair.run(40)
    assert all(each.reduces for each in pair.sent[placed:])


def test_the_kill_switch_brings_the_account_to_rest_and_stays() -> None:
    pair = Pair()
    pair.run(30)
    assert pair.held
    pair.process.operator(SafetyLevel.FLATTEN, by="somebody", reason="enough", at=pair.world.now)
    pair.run(10)
    assert not any(pair.venue.positions().values())
    assert not [row for row in pair.venue.orders() if row.state is VenueState.OPEN]
    pair.killed()
    pair.started()
    sent = len(pair.sent)
    pair.run(30)
    assert pair.process.trading.level is SafetyLevel.FLATTEN and len(pair.sent) == sent
    pair.process.operator(SafetyLevel.NORMAL, by="somebody", reason="looked at", at=pair.world.now)
    pair.run(20)
    assert len(pair.sent) > sent


def test_a_level_that_nobody_could_lower_is_not_journaled() -> None:
    pair = Pair()
    pair.process.operator(SafetyLevel.FLATTEN, by="", reason="", at=pair.world.now)
    for by, reason in (("", ""), ("somebody", " ")):
        with pytest.raises(ConfigError, match="needs a name and a reason"):
            pair.process.operator(SafetyLevel.CANCEL, by=by, reason=reason, at=pair.world.now)
    pair.run(1)
    pair.killed()
    pair.started()
    assert pair.process.trading.level is SafetyLevel.FLATTEN


def test_what_is_no_report_ends_the_connection() -> None:
    pair = Pair()
    pair.process.received(b"<html>502</html>", at=pair.world.now)
    assert "HTML" in pair.process.hang_up
    pair.process.disconnected(pair.process.hang_up, at=pair.world.now)
    assert pair.process.trading.safety.safe_mode


def test_nothing_is_asked_or_sent_on_a_connection_that_spoke_nonsense() -> None:
    pair = Pair()
    pair.run(12)
    pair.process.received(b"HTTP/1.1 502 Bad Gateway", at=pair.world.now)
    pair.process.operator(SafetyLevel.FLATTEN, by="somebody", reason="now", at=pair.world.now)
    pair.world.now += 13 * SECOND
    pair.process.tick(at=pair.world.now)
    pair.process.flush(at=pair.world.now)
    assert pair.process.hang_up
    assert pair.process.outgoing == []


@pytest.mark.parametrize(
    ("rule", "remedy"), [("wrong_key", "key_file"), ("unknown_account", "account"), ("superseded", "higher lease")]
)
def test_a_venue_that_lets_it_not_in_is_named_with_what_to_do(rule: str, remedy: str) -> None:
    pair = Pair()
    pair.process.received(encode(Unwelcome(at=1, rule=rule, value=1, limit=2)), at=pair.world.now)
    assert pair.process.hang_up.startswith(f"{rule}: 1 against 2; ") and remedy in pair.process.hang_up


def test_a_report_that_is_missing_ends_the_connection() -> None:
    pair = Pair()
    declined = Declined(at=1, number=9, tag="nobody", rule="x", value=0, limit=0)
    pair.process.received(encode(declined), at=pair.world.now)
    assert pair.process.hang_up == "reports are missing"


def test_bytes_without_a_report_are_no_sign_of_life() -> None:
    pair = Pair()
    frame = encode(Declined(at=1, tag="x" * 2000, rule="x", value=0, limit=0))
    for second in range(31):
        pair.world.now += SECOND
        pair.process.received(frame[second : second + 1], at=pair.world.now)
        pair.process.tick(at=pair.world.now)
    assert pair.process.hang_up == "the venue is silent"


def test_a_clock_that_was_set_back_does_not_stop_time() -> None:
    pair = Pair()
    pair.run(12)
    pair.killed()
    pair.world.now -= 3600 * SECOND
    process = assembled(Seat(run="test", feed=pair.feed))
    lease = Lease.acquire(pair.disk, holder="two", now=0)
    journal = open_journal(pair.disk, told=process.told, lease=lease)
    process.start(journal, epoch=lease.epoch, at=pair.world.now)
    process.connected(at=pair.world.now)
    due = process.next_at
    assert due is not None and pair.world.now < due <= pair.world.now + SECOND
    process.tick(at=due)
    assert process.now >= START + 12 * SECOND
