"""The journal in a real PostgreSQL: durable or not at all, one writer, and no row of it ever changed."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.journals import ABC, NOON, Writer, check_answers, tag_of, write_run
from tests.postgres_server import SERVER
from tradsys.core.errors import (
    ConfigError,
    DataError,
    Fenced,
    InvariantBroken,
    JournalDamaged,
    JournalFailed,
    ResourceError,
)
from tradsys.core.events import CashMoved
from tradsys.core.venue import CancelOrder
from tradsys.journal import Record, open_journal, read_model
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.migrations import FOLDER, Migration, migrations, pending
from tradsys.journal.port import JournalPort
from tradsys.journal.reading import Position, Reader
from tradsys.journal.records import GENESIS

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

from tradsys.journal.postgres import DEMANDED, OLDEST_SERVER, Database, migrate, refuse_unsafe  # noqa: E402
from tradsys.journal.postgres_journal import (  # noqa: E402
    PostgresJournal,
    PostgresReader,
    link_of,
    open_postgres_journal,
)
from tradsys.journal.postgres_tables import PostgresProjections, PostgresSession  # noqa: E402


@pytest.fixture
def database(server: str, schema: str) -> Iterator[Database]:
    made = Database(server, schema=schema, connections=2)
    yield made
    made.close()


def add(journal: JournalPort, count: int) -> None:
    for _ in range(count):
        number = journal.durable + journal.waiting
        journal.append("order", bytes(range(number % 50)), at=number, recorded_at=-number, cause=number - 1)


def test_records_come_back_with_the_links_that_files_give_them(database: Database) -> None:
    journal, files = open_postgres_journal(database), open_journal(MemoryDisk(), segment_bytes=4096, reserve_bytes=8)
    for count in (1, 64, 7):
        for each in (journal, files):
            add(each, count)
            assert each.waiting == count and each.commit() == each.durable
    assert journal.link == files.link
    assert journal.position == Position(sequence=72, link=files.link)
    told: list[Record] = []
    journal.close()
    again = open_postgres_journal(database, told=told.append)
    assert (again.durable, again.link, again.epoch) == (72, files.link, 2)
    assert [each.sequence for each in told] == list(range(72)) and told[0].previous == GENESIS
    assert (told[70].kind, told[70].payload, told[70].at, told[70].recorded_at) == ("order", bytes(range(20)), 70, -70)
    assert (told[70].cause, told[70].commit) == (69, 65) and all(b.previous == a.link for a, b in pairwise(told))
    add(again, 1)
    assert again.commit() == 73
    tail = list(PostgresReader(database, Position(sequence=72, link=files.link)))
    assert [each.sequence for each in tail] == [72]
    again.close()


def test_what_was_not_committed_did_not_happen(database: Database) -> None:
    journal = open_postgres_journal(database)
    add(journal, 3)
    journal.commit()
    add(journal, 2)
    journal._connection.close()
    with pytest.raises(JournalFailed, match="closed"):
        journal.commit()
    with pytest.raises(JournalFailed, match="closed"):
        add(journal, 1)
    assert len(list(PostgresReader(database))) == 3


def test_a_second_writer_is_refused_and_the_end_of_the_first_frees_the_journal(database: Database) -> None:
    journal = open_postgres_journal(database)
    with pytest.raises(ResourceError, match="another process writes"):
        open_postgres_journal(database)
    add(journal, 1)
    journal.close()
    assert open_postgres_journal(database).durable == 1


def test_a_writer_that_was_taken_over_commits_nothing(database: Database) -> None:
    old = open_postgres_journal(database)
    add(old, 1)
    old.commit()
    add(old, 1)
    new = open_postgres_journal(database, take_over=True)
    with pytest.raises(JournalFailed):
        old.commit()
    add(new, 1)
    assert new.commit() == 2
    new.close()


def test_an_epoch_that_is_outdated_commits_and_sends_nothing(database: Database) -> None:
    journal = open_postgres_journal(database)
    command = CancelOrder(venue_id=4)
    sequence = journal.append_intent(command, at=1, recorded_at=1)
    with pytest.raises(InvariantBroken, match="durable"):
        journal.mint(sequence, epoch=1, command=command)
    journal.commit()
    with pytest.raises(InvariantBroken, match="another epoch"):
        journal.mint(sequence, epoch=2, command=command)
    assert journal.mint(sequence, epoch=1, command=command).command == command
    other = journal.append_intent(command, at=1, recorded_at=1)
    journal.commit()
    add(journal, 1)
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"UPDATE {database.schema}.writer SET epoch = epoch + 1")
    with pytest.raises(Fenced):
        journal.mint(other, epoch=1, command=command)
    with pytest.raises(JournalFailed, match="became the writer"):
        journal.commit()
    assert len(list(PostgresReader(database))) == 2


def test_a_commit_of_an_outdated_epoch_leaves_nothing(database: Database) -> None:
    journal = open_postgres_journal(database)
    add(journal, 2)
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"UPDATE {database.schema}.writer SET epoch = epoch + 1")
    with pytest.raises(Fenced):
        journal.commit()
    assert list(PostgresReader(database)) == []


def test_nobody_can_take_over_between_the_question_and_the_commit(database: Database) -> None:
    class Asked(PostgresJournal):
        blocked = 0

        def _demand_epoch(self, query: Any) -> None:
            super()._demand_epoch(query)
            with psycopg.connect(SERVER, autocommit=True, options="-c lock_timeout=30") as connection:
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    connection.execute(f"UPDATE {database.schema}.writer SET epoch = epoch + 1")
                self.blocked += 1

    journal = open_postgres_journal(database)
    asked = Asked(journal._connection, journal.position, epoch=journal.epoch)
    add(asked, 2)
    assert asked.commit() == 2 and asked.blocked == 1
    asked.close()


def test_rows_are_never_changed(database: Database) -> None:
    journal = open_postgres_journal(database)
    add(journal, 2)
    journal.commit()
    with psycopg.connect(SERVER, autocommit=True) as connection:
        for change in ("UPDATE {}.journal SET at = 0", "DELETE FROM {}.journal", "TRUNCATE {}.journal"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                connection.execute(change.format(database.schema))
    assert len(list(PostgresReader(database))) == 2


DAMAGE = {
    "UPDATE journal SET payload = '\\x00' WHERE sequence = 3": 3,
    "UPDATE journal SET at = at + 1 WHERE sequence = 3": 3,
    "UPDATE journal SET link = previous WHERE sequence = 3": 3,
    "UPDATE journal SET commit_began = 1 WHERE sequence = 3": 3,
    "DELETE FROM journal WHERE sequence = 3": 3,
    "DELETE FROM journal WHERE sequence = 0": 0,
}


def test_rows_that_somebody_changed_all_the_same_are_found(database: Database) -> None:
    journal = open_postgres_journal(database)
    add(journal, 6)
    journal.close()
    with database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("CREATE TABLE copied AS SELECT * FROM journal")
        for change, sequence in DAMAGE.items():
            connection.execute(change)
            with pytest.raises(JournalDamaged) as found:
                open_postgres_journal(database)
            assert found.value.sequence == sequence, change
            connection.execute("DELETE FROM journal; INSERT INTO journal SELECT * FROM copied")
    assert open_postgres_journal(database).durable == 6


def test_a_row_that_was_forged_with_a_link_of_its_own_is_found_by_the_next(database: Database) -> None:
    journal = open_postgres_journal(database)
    add(journal, 6)
    journal.close()
    third = list(PostgresReader(database))[3]
    forged = msgspec.structs.replace(third, payload=b"forged")
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        change = f"UPDATE {database.schema}.journal SET payload = %s, link = %s WHERE sequence = 3"
        connection.execute(change, [forged.payload, link_of(forged)])
    with pytest.raises(JournalDamaged, match="does not follow") as found:
        list(PostgresReader(database))
    assert found.value.sequence == 4


def test_statements_end_and_commits_are_durable(database: Database) -> None:
    with database.connect() as connection:
        settings = {name: connection.execute(f"SHOW {name}").fetchone() for name in DEMANDED}
        assert settings["statement_timeout"] == ("30s",) and settings["synchronous_commit"] == ("on",)
        connection.execute("SET statement_timeout = 20")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(1)")


def test_a_server_that_may_lose_commits_is_refused(server: str, schema: str) -> None:
    with pytest.raises(ResourceError, match="synchronous_commit = off"):
        Database(f"{server} options='-c synchronous_commit=off'", schema=schema)
    safe = {name: allowed[0] for name, allowed in DEMANDED.items()}
    refuse_unsafe(safe, version=OLDEST_SERVER)
    with pytest.raises(ResourceError, match="fsync = off"):
        refuse_unsafe({**safe, "fsync": "off"}, version=OLDEST_SERVER)
    with pytest.raises(ResourceError, match="too old"):
        refuse_unsafe(safe, version=OLDEST_SERVER - 1)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(ResourceError, match="PostgreSQL"):
        Database("host=127.0.0.1 port=1 dbname=test connect_timeout=1")
    for text in ("no connection string", "postgresql://asha:hunter@2@127.0.0.1/test", "host=a password='hunter"):
        with pytest.raises(ConfigError, match="connection string") as refused:
            Database(text)
        assert "hunter" not in str(refused.value.as_dict()) and refused.value.__context__ is None
    with pytest.raises(ConfigError, match="schema"):
        Database(SERVER, schema='x"; DROP SCHEMA public; --')


def test_migrations_happen_once_and_newer_tables_are_refused(database: Database, server: str) -> None:
    with database.connect() as connection:
        assert migrate(connection, database.schema) == 0
        versions = connection.execute("SELECT version, name FROM schema_versions ORDER BY version").fetchall()
        assert versions == [(each.version, each.name) for each in migrations()]
        connection.execute("INSERT INTO schema_versions (version, name, sha256) VALUES (99, 'future', '')")
    with pytest.raises(ConfigError, match="newer version"):
        Database(server, schema=database.schema)


def test_a_migration_that_fails_leaves_nothing(server: str, schema: str, tmp_path: Path) -> None:
    for path in FOLDER.glob("0*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "0003_wrong.sql").write_text("CREATE TABLE half (a integer); SELECT 1 / 0;")
    with psycopg.connect(server, autocommit=True, options=f"-c search_path={schema}") as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(connection, schema, folder=tmp_path)
        assert connection.execute("SELECT to_regnamespace(%s)", [schema]).fetchone() == (None,)
        (tmp_path / "0003_wrong.sql").write_text("CREATE TABLE whole (a integer);")
        assert migrate(connection, schema, folder=tmp_path) == 3


def test_migrations_are_numbered_and_never_edited(tmp_path: Path) -> None:
    first = Migration(version=1, name="0001_first", text="SELECT 1")
    with pytest.raises(ConfigError, match="not the one"):
        pending([first], {1: "another hash"})
    (tmp_path / "0002_second.sql").write_text("SELECT 1")
    with pytest.raises(InvariantBroken, match="numbered"):
        migrations(tmp_path)


def test_the_read_model_answers_as_it_does_in_a_file(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_model, "BATCH", 7)
    journal = open_postgres_journal(database)
    write_run(journal)
    model = PostgresProjections(database, tag_of=tag_of)
    source = functools.partial(PostgresReader, database)
    assert model.catch_up(source) == journal.durable == model.position
    check_answers(model)
    assert model.catch_up(source) == 0
    add(journal, 9)
    journal.close()
    assert model.catch_up(source) == 9
    check_answers(model)
    with database.borrowed() as connection:
        held = connection.execute("SELECT instrument, quantity FROM holdings").fetchall()
        assert held == [(ABC, 3 * 10**8)]
        assert connection.execute("SELECT strategy, decisions, halted FROM strategies").fetchall() == [("trend", 5, 1)]


def test_the_read_model_of_files_is_emptied_for_another_journal(database: Database) -> None:
    model = PostgresProjections(database, tag_of=tag_of)
    for name in ("first", "second"):
        disk = MemoryDisk()
        journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
        Writer(journal).add("run", {"run": name})
        write_run(journal)
        assert model.catch_up(functools.partial(Reader, disk)) == journal.durable
        check_answers(model)


def test_a_crash_in_a_batch_leaves_the_batches_before(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_model, "BATCH", 7)
    disk = MemoryDisk()
    write_run(open_journal(disk, segment_bytes=4096, reserve_bytes=8))

    class Failing(PostgresSession):
        left = 25

        def execute(self, statement: str, parameters: Mapping[str, Any]) -> None:
            """See `Session`."""
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
            super().execute(statement, parameters)

    dying = read_model.ReadModel(Failing(database), tag_of=tag_of)
    with pytest.raises(KeyboardInterrupt):
        dying.catch_up(functools.partial(Reader, disk))
    assert dying.position > 0 and dying.position % 7 == 0
    model = PostgresProjections(database, tag_of=tag_of)
    model.catch_up(functools.partial(Reader, disk))
    check_answers(model)


def test_a_number_beyond_the_tables_is_refused_and_never_cut(database: Database) -> None:
    model = PostgresProjections(database, tag_of=tag_of)
    for amount in (2**63, -(2**63) - 1, 2**70):
        disk = MemoryDisk()
        journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
        moved = CashMoved(at=NOON, strategy="trend", instrument=ABC, amount=amount, reason="gift")
        Writer(journal).line(moved, cause=-1)
        journal.close()
        with pytest.raises(DataError, match="too large"):
            model.catch_up(functools.partial(Reader, disk))
        assert model.position == 0


def test_users_outlive_a_rebuild(database: Database) -> None:
    with database.borrowed() as connection:
        connection.execute("INSERT INTO users (name, role, created_at) VALUES ('asha', 'trader', 1)")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO users (name, role, created_at) VALUES ('bina', 'god', 1)")
    test_the_read_model_of_files_is_emptied_for_another_journal(database)
    with database.borrowed() as connection:
        assert connection.execute("SELECT name FROM users").fetchall() == [("asha",)]


def test_a_payload_is_kept_to_the_byte(database: Database) -> None:
    journal = open_postgres_journal(database)
    payloads = [b"", bytes(range(256)), b"\0" * 9, msgspec.json.encode({"a": "ä"})]
    for payload in payloads:
        journal.append("bar", payload, at=-(2**63), recorded_at=2**63 - 1)
    journal.close()
    assert [each.payload for each in PostgresReader(database)] == payloads
