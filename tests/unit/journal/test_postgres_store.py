"""A journal in a real PostgreSQL whose leases, snapshots and seals are files: one writer, wherever the other sleeps."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import msgspec
import pytest

from tests.postgres_server import SERVER
from tradsys.core.errors import Fenced, JournalDamaged, JournalFailed, MissingData, ResourceError
from tradsys.core.units import SECOND
from tradsys.core.venue import CancelOrder
from tradsys.journal import Journal, Lease, postgres_journal, snapshots
from tradsys.journal.audit import verify
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.seals import KIND, Sealer

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

from tradsys.journal.postgres import Database  # noqa: E402
from tradsys.journal.postgres_journal import EPOCH_FILE, PostgresJournal, PostgresStore  # noqa: E402

CANCEL = CancelOrder(venue_id=4)


@pytest.fixture
def store(server: str, schema: str) -> Iterator[PostgresStore]:
    yield PostgresStore(Database(server, schema=schema, connections=0), MemoryDisk())


def lease_of(store: PostgresStore, *, holder: str = "one", now: int = 0) -> Lease:
    return Lease.acquire(store.disk, holder=holder, now=now, above=store.epoch)


def add(journal: Journal, count: int) -> None:
    for _ in range(count):
        number = journal.durable + journal.waiting
        journal.append("order", b"%d" % number, at=number, recorded_at=number, cause=number - 1)


def test_the_epoch_is_the_leases_and_only_rises(store: PostgresStore) -> None:
    assert store.epoch == 0
    lease = lease_of(store)
    journal = store.open(lease=lease)
    assert (journal.epoch, store.epoch) == (1, 1)
    number = journal.append_intent(CANCEL, at=1, recorded_at=1)
    journal.commit()
    assert journal.mint(number, epoch=1, command=CANCEL).epoch == 1
    journal.close()
    lease.release()
    # Somebody took the folder's leases away: what the database knows still counts.
    empty = PostgresStore(store._database, MemoryDisk())
    again = lease_of(empty)
    assert again.epoch == 2 and empty.open(lease=again).durable == 1


def test_one_that_sleeps_is_taken_over_and_neither_writes_nor_sends_when_it_wakes(store: PostgresStore) -> None:
    slept = store.open(lease=lease_of(store))
    add(slept, 3)
    slept.commit()
    number = slept.append_intent(CANCEL, at=1, recorded_at=1)
    slept.commit()
    add(slept, 1)
    with pytest.raises(ResourceError, match="one writes this journal"):
        lease_of(store, holder="two", now=4 * SECOND)
    lease = lease_of(store, holder="two", now=6 * SECOND)
    assert lease.taken_over
    # The lease alone stops it, before the other has opened the journal.
    with pytest.raises(Fenced):
        slept.mint(number, epoch=1, command=CANCEL)
    journal = store.open(lease=lease)
    assert (journal.epoch, journal.durable) == (2, 4) and not lease.taken_over
    with pytest.raises(JournalFailed):
        slept.commit()
    add(journal, 1)
    assert journal.commit() == 5
    assert [each.payload for each in store.read()][-1] == b"4"


def test_a_sleeper_that_looked_at_its_lease_before_it_slept_commits_nothing(store: PostgresStore) -> None:
    """It looks, sleeps, is taken over, and writes."""

    class Sleeping(PostgresJournal):
        def _demand_epoch(self, query: str) -> None:
            others.append(store.open(lease=lease_of(store, holder="two", now=6 * SECOND)))
            super()._demand_epoch(query)

    others: list[PostgresJournal] = []
    lease = lease_of(store)
    opened = store.open(lease=lease)
    slept = Sleeping(opened._connection, opened.position, epoch=opened.epoch, lease=lease)
    add(slept, 2)
    with pytest.raises(Fenced, match="another process took over"):
        slept.commit()
    assert list(store.read()) == [] and others[0].durable == 0
    others[0].close()


def test_a_folder_that_was_copied_is_refused_while_the_other_writes(store: PostgresStore) -> None:
    journal = store.open(lease=lease_of(store))
    copied = PostgresStore(store._database, MemoryDisk())
    with pytest.raises(ResourceError, match="another process writes"):
        copied.open(lease=lease_of(copied))
    add(journal, 1)
    assert journal.commit() == 1


def test_a_folder_that_is_older_than_the_journal_is_refused(store: PostgresStore) -> None:
    old = lease_of(store)
    newer = PostgresStore(store._database, MemoryDisk())
    newer.open(lease=lease_of(newer)).close()
    with pytest.raises(ResourceError, match="another folder wrote"):
        store.open(lease=old)


def test_a_database_that_has_less_than_the_folder_wrote_is_refused(store: PostgresStore, server: str) -> None:
    store.open(lease=lease_of(store)).close()
    assert store.disk.names() == ["0000000000000001.lease", EPOCH_FILE]
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"UPDATE {store._database.schema}.writer SET epoch = 0")
    with pytest.raises(ResourceError, match="not the one that this folder wrote"):
        lease_of(store)
    store.disk.open(EPOCH_FILE, writable=True).write(0, b"?")
    with pytest.raises(ResourceError, match="cannot be read"):
        lease_of(store)


def test_a_server_that_hangs_ends_the_journal_before_its_lease_ends(store: PostgresStore) -> None:
    journal = store.open(lease=lease_of(store))
    journal._connection.patience = 0.2
    add(journal, 1)
    with psycopg.connect(SERVER) as connection:
        connection.execute(f"SELECT epoch FROM {store._database.schema}.writer FOR UPDATE")
        with pytest.raises(JournalFailed, match=r"no answer for 0\.2 s"):
            journal.commit()
    for asked in (journal.commit, journal.check, lambda: next(iter(journal.read()))):
        with pytest.raises(JournalFailed):
            asked()
    assert list(store.read()) == []


def test_a_server_that_is_gone_is_noticed_without_anything_to_write(store: PostgresStore) -> None:
    journal = store.open(lease=lease_of(store))
    journal.check()
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 1000)", [journal._connection.info.backend_pid])
    with pytest.raises(JournalFailed):
        journal.check()


def test_snapshots_and_seals_are_files_that_the_journal_names(store: PostgresStore) -> None:
    lease = lease_of(store)
    journal = store.open(lease=lease)
    sealer = Sealer(store.disk, journal)
    add(journal, 4)
    name = snapshots.save(store.disk, journal, b"state", at=4, recorded_at=4)
    seal = sealer.seal(at=5, recorded_at=5)
    add(journal, 1)
    journal.close()
    lease.release()
    snapshot = snapshots.load(store.disk, name, source=store.read)
    assert (snapshot.state, snapshot.position.sequence) == (b"state", 4)
    with pytest.raises(JournalDamaged, match="does not name it"):
        snapshots.load(store.disk, name)
    told: list[int] = []
    again = store.open(lease=lease_of(store), since=snapshot.position, told=lambda record: told.append(record.sequence))
    assert told == [4, 5, 6]
    assert Sealer(store.disk, again).last == sealer.last
    verdict = verify(store.disk, source=store.read)
    assert (verdict.records, verdict.seals, verdict.unsealed, verdict.first_bad) == (7, 1, 2, None)
    assert seal.count == 5
    again.close()


def test_an_audit_names_what_was_changed_on_the_server(store: PostgresStore) -> None:
    journal = store.open(lease=lease_of(store))
    add(journal, 4)
    Sealer(store.disk, journal).seal(at=5, recorded_at=5)
    journal.close()
    schema = store._database.schema
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"DELETE FROM {schema}.journal WHERE kind = '{KIND}'")
        bad = verify(store.disk, source=store.read).first_bad
        assert bad is not None and "its end was taken away" in bad.why
        connection.execute(f"UPDATE {schema}.journal SET at = 77 WHERE sequence = 2")
    bad = verify(store.disk, source=store.read).first_bad
    assert bad is not None and (bad.seq, bad.segment) == (2, f"{schema}.journal")


def test_a_restart_from_a_snapshot_checks_what_is_before_it(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = store.open(lease=lease_of(store))
    add(journal, 9)
    journal.commit()
    end = journal.position
    add(journal, 1)
    journal.close()
    paused: list[int] = []
    assert store.check_before(end, pause=lambda: paused.append(1)) == 9 and paused == [1]
    with pytest.raises(JournalDamaged, match="does not lead to its snapshot"):
        store.check_before(msgspec.structs.replace(end, link=bytes(32)))
    schema = store._database.schema
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"UPDATE {schema}.journal SET at = 77 WHERE sequence = 2")
    with pytest.raises(JournalDamaged, match="record 2 is not what its link says"):
        store.check_before(end)
    monkeypatch.setattr(postgres_journal, "_CHECKED", 5)
    assert store.check_before(end) == 5


def test_kinds_that_are_not_known_are_refused(store: PostgresStore) -> None:
    journal = store.open()
    add(journal, 2)
    journal.append("strange", b"", at=3, recorded_at=3)
    journal.close()
    with pytest.raises(JournalDamaged, match="knows no record of kind 'strange'"):
        store.open(kinds=("order",))
    assert [each.sequence for each in store.latest()] == [0, 1, 2]


def test_tables_that_are_to_be_there_are_not_made(server: str, schema: str) -> None:
    with pytest.raises(MissingData, match="no journal in schema"):
        Database(server, schema=schema, create=False)
    with psycopg.connect(SERVER) as connection:
        assert connection.execute("SELECT to_regnamespace(%s)", [schema]).fetchone() == (None,)


def test_a_full_folder_is_no_reason_not_to_start(server: str, schema: str) -> None:
    disk = MemoryDisk()
    store = PostgresStore(Database(server, schema=schema, connections=0), disk)
    lease = lease_of(store)
    disk.room = 0
    journal = store.open(lease=lease)
    add(journal, 1)
    assert journal.commit() == 1


def test_who_may_not_wait_is_answered_or_goes_on() -> None:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(ResourceError, match="PostgreSQL"):
            Database(f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=test", create=False, patience=1.0)
        assert time.monotonic() - began < 4
