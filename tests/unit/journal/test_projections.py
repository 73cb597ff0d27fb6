"""What the journal folds to can be asked for, survives a crash anywhere, and is never believed over the journal."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.journals import ABC, NOON, Writer, check_answers, order, tag_of, write_run
from tradsys.core.errors import DataError, JournalDamaged, ResourceError
from tradsys.core.events import Approved, CashMoved, Entry
from tradsys.core.units import SCALE
from tradsys.journal import Journal, open_journal, read_model
from tradsys.journal import statements as sql
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.projections import Fold
from tradsys.journal.reading import Reader, segments
from tradsys.journal.records import GENESIS, Record
from tradsys.journal.sqlite import BUSY_MILLISECONDS, ProjectionStore, SqliteSession
from tradsys.journal.statements import FOLDED

TABLES = Path(read_model.__file__).parent / "migrations"


def written(write: Callable[[Journal], None] = write_run) -> MemoryDisk:
    """A disk with a journal on it, of small segments."""
    disk = MemoryDisk()
    journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
    write(journal)
    journal.close()
    return disk


def filled(path: Path, disk: MemoryDisk) -> ProjectionStore:
    store = ProjectionStore(path, tag_of=tag_of)
    store.catch_up(functools.partial(Reader, disk))
    return store


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    connection = sqlite3.connect(path)
    try:
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in FOLDED}
    finally:
        connection.close()


def add(disk: MemoryDisk, count: int, *, kind: str = "clock") -> None:
    """More records, by a process that came after."""
    disk.kill()
    journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
    for number in range(count):
        journal.append(kind, b"{}", at=number, recorded_at=number)
    journal.close()


def test_questions_are_answered_from_the_tables(tmp_path: Path) -> None:
    disk = written()
    store = filled(tmp_path / "model.db", disk)
    check_answers(store)
    assert store.position == len(list(Reader(disk)))
    assert store.catch_up(functools.partial(Reader, disk)) == 0
    tables = contents(tmp_path / "model.db")
    assert [(row[2], row[3], row[7]) for row in tables["safety"]] == [
        ("SafetyRaised", 2, ""),
        ("SafetyLowered", 0, "asha"),
    ]
    assert [row[2] for row in tables["audit_logs"]] == ["run", "epoch", "safety", "safety", "operator"]
    assert tables["strategies"] == [("trend", 5, NOON, NOON, 1, "ZeroDivisionError")]
    assert sum(row[6] for row in tables["transactions"]) == 3 - 3 * SCALE
    connection = sqlite3.connect(tmp_path / "model.db")
    assert connection.execute("SELECT instrument, quantity FROM holdings").fetchall() == [(ABC, 3 * SCALE)]
    connection.close()


def test_every_record_is_found_where_the_index_says(tmp_path: Path) -> None:
    disk = written()
    filled(tmp_path / "model.db", disk)
    rows = contents(tmp_path / "model.db")["records"]
    assert len({row[7] for row in rows}) > 1
    for sequence, kind, *_, segment, offset in rows:
        file = disk.open(segment)
        data = file.read(offset, size=200)
        assert data[:4] == b"TSR1" and int.from_bytes(data[16:24], "little") == sequence and kind.encode() in data


class Failing(SqliteSession):
    """Dies before a change, and leaves what is there when a process is killed."""

    def __init__(self, path: Path, left: int) -> None:
        super().__init__(path)
        self.left = left

    def execute(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """See `Session`."""
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        super().execute(statement, parameters)


@pytest.mark.parametrize("left", [1, 2, 9, 17, 30, 41])
def test_a_crash_anywhere_changes_nothing_in_the_end(
    left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_model, "BATCH", 7)
    disk = written()
    filled(tmp_path / "whole.db", disk).close()
    dying = read_model.ReadModel(Failing(tmp_path / "cut.db", left), tag_of=tag_of)
    with pytest.raises(KeyboardInterrupt):
        dying.catch_up(functools.partial(Reader, disk))
    assert dying.position % 7 == 0
    dying.close()
    check_answers(filled(tmp_path / "cut.db", disk))
    assert contents(tmp_path / "cut.db") == contents(tmp_path / "whole.db")


def test_what_comes_later_is_added(tmp_path: Path) -> None:
    disk = written()
    store = filled(tmp_path / "model.db", disk)
    add(disk, 40)
    assert store.catch_up(functools.partial(Reader, disk)) == 40
    check_answers(store)


@pytest.mark.parametrize("longer", [0, 90])
def test_tables_of_another_journal_are_emptied_and_filled_again(tmp_path: Path, longer: int) -> None:
    def other(journal: Journal) -> None:
        Writer(journal).add("run", {"run": "other"})
        journal.commit()

    another = written(other)
    add(another, longer)
    store = filled(tmp_path / "model.db", another)
    disk = written()
    assert store.catch_up(functools.partial(Reader, disk)) == len(list(Reader(disk)))
    check_answers(store)
    filled(tmp_path / "fresh.db", disk)
    assert contents(tmp_path / "model.db") == contents(tmp_path / "fresh.db")


def test_a_damaged_journal_is_not_hidden_by_tables_that_are_whole(tmp_path: Path) -> None:
    disk = written()
    store = filled(tmp_path / "model.db", disk)
    file = disk.open(segments(disk)[0], writable=True)
    file.write(200, bytes([file.read(200, size=1)[0] ^ 1]))
    add_unread = functools.partial(Reader, disk)
    assert store.catch_up(add_unread) == 0
    with pytest.raises(JournalDamaged):
        ProjectionStore(tmp_path / "fresh.db", tag_of=tag_of).catch_up(add_unread)


def test_tables_of_another_version_are_made_again(tmp_path: Path) -> None:
    disk = written()
    filled(tmp_path / "model.db", disk).close()
    connection = sqlite3.connect(tmp_path / "model.db")
    connection.executescript("DROP TABLE trades; PRAGMA user_version = 99")
    connection.close()
    check_answers(filled(tmp_path / "model.db", disk))


def test_settings_hold_on_every_connection(tmp_path: Path) -> None:
    session = SqliteSession(tmp_path / "model.db")
    settings = {name: session.pragma(name) for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")}
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 1,
        "busy_timeout": BUSY_MILLISECONDS,
        "foreign_keys": 1,
    }
    session.close()


def test_settings_that_do_not_hold_are_refused() -> None:
    with pytest.raises(ResourceError, match="does not keep journal_mode"):
        SqliteSession(Path(":memory:"))


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "theirs.db")
    connection.execute("CREATE TABLE orders (a)")
    connection.close()
    before = (tmp_path / "theirs.db").read_bytes()
    with pytest.raises(ResourceError, match="something else"):
        ProjectionStore(tmp_path / "theirs.db", tag_of=tag_of)
    (tmp_path / "text.db").write_text("no database " * 100)
    with pytest.raises(ResourceError, match="not a database"):
        ProjectionStore(tmp_path / "text.db", tag_of=tag_of)
    assert (tmp_path / "theirs.db").read_bytes() == before


def test_two_that_fill_the_same_tables_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_model, "BATCH", 7)
    disk = written()
    store = ProjectionStore(tmp_path / "model.db", tag_of=tag_of)

    class Overtaken(Reader):
        """Somebody else is faster."""

        def __iter__(self) -> Any:
            for record in super().__iter__():
                if record.sequence == 10:
                    filled(tmp_path / "model.db", disk).close()
                yield record

    with pytest.raises(ResourceError, match="another process"):
        store.catch_up(functools.partial(Overtaken, disk))
    check_answers(store)


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1])
def test_a_number_beyond_the_tables_is_refused_and_never_cut(tmp_path: Path, amount: int) -> None:
    def large(journal: Journal) -> None:
        moved = CashMoved(at=NOON, strategy="trend", instrument=ABC, amount=amount, reason="gift")
        Writer(journal).line(moved, cause=-1)

    store = ProjectionStore(tmp_path / "model.db", tag_of=tag_of)
    with pytest.raises(DataError, match="too large"):
        store.catch_up(functools.partial(Reader, written(large)))
    assert store.position == 0


def test_a_sum_beyond_the_tables_is_refused(tmp_path: Path) -> None:
    def large(journal: Journal) -> None:
        writer = Writer(journal)
        asked = order(1, quantity=2**63 - 1)
        writer.line(Approved(at=NOON, order_id=1, order=asked), cause=-1)
        for _ in range(2):
            writer.filled(1, side=asked.side, quantity=5 * 10**10, price=0)

    with pytest.raises(DataError, match="too large"):
        ProjectionStore(tmp_path / "model.db", tag_of=tag_of).catch_up(functools.partial(Reader, written(large)))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("entry", b"{"),
        ("entry", msgspec.json.encode(Entry(0, -1, 0, "", {"event": "Levitated"}))),  # type: ignore[arg-type]
        ("intent", b'{"message":"TeleportOrder"}'),
        ("safety", b"\xff"),
        ("report", b"[]"),
    ],
)
def test_a_known_kind_that_cannot_be_read_is_named(kind: str, payload: bytes) -> None:
    record = Record(
        sequence=7,
        commit=7,
        kind=kind,
        payload=payload,
        at=0,
        recorded_at=0,
        cause=-1,
        previous=GENESIS,
        link=GENESIS,
    )
    with pytest.raises(DataError, match=f"record 7 of kind '{kind}'"):
        Fold(tag_of).changes(record, segment="", offset=0)


def test_both_databases_have_the_same_tables() -> None:
    def columns(path: Path) -> dict[str, list[str]]:
        tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", path.read_text(), re.S)
        return {name: re.findall(r'^    "?(\w+)"? (?!KEY)', body, re.M) for name, body in tables if name != "users"}

    def indexes(path: Path) -> list[str]:
        return re.findall(r"CREATE INDEX (.*);", path.read_text())

    ours, theirs = TABLES / "sqlite.sql", TABLES / "0002_read_model.sql"
    assert columns(ours) == columns(theirs) and list(columns(ours)) == list(FOLDED)
    assert indexes(ours) == indexes(theirs)


LOOKED_UP = {
    "why": sql.WHY,
    "history": sql.HISTORY,
    "order of a tag": "SELECT * FROM orders WHERE tag = :tag AND tag <> ''",
    **{name: text for name, text in vars(sql).items() if name.startswith("ABOUT_") or "UPDATE orders" in str(text)},
}


@pytest.mark.parametrize("statement", [*LOOKED_UP.values(), sql.CHARGED], ids=[*LOOKED_UP, "CHARGED"])
def test_nothing_reads_a_whole_table(tmp_path: Path, statement: str) -> None:
    session = SqliteSession(tmp_path / "model.db")
    named = dict.fromkeys(re.findall(r":(\w+)", statement), 1)
    plan = [row[3] for row in session.rows(f"EXPLAIN QUERY PLAN {statement}", named)]
    assert not [step for step in plan if step.startswith("SCAN") and step != "SCAN chain"], plan
    session.close()
