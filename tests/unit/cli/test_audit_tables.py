"""`tradsys audit tables`: tables of a run's record, made, gone on with, made anew; the journal is left as it was."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.postgres_server import SERVER
from tradsys.cli.application import verbs
from tradsys.core.errors import ConfigError, JournalDamaged, MissingData, ResourceError, TradSysError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.venue import PlaceOrder
from tradsys.journal import FolderDisk, open_journal

ORDER = PlaceOrder(
    tag="a",
    instrument="NSE:X",
    side=Side.BUY,
    quantity=100,
    type=OrderType.MARKET,
    product=Product.MIS,
    validity=Validity.DAY,
)


def write(folder: Path, count: int, *, note: bytes = b"{}") -> None:
    """So many records more, each fourth of them an order that left."""
    disk = FolderDisk(folder / "journal")
    journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
    for number in range(count):
        if number % 4 == 3:
            journal.append_intent(ORDER, at=number, recorded_at=number)
        else:
            journal.append("note", note, at=number, recorded_at=number)
        journal.commit()
    journal.close()
    disk.unlock()


def tables(*words: object) -> dict[str, Any]:
    result = CliRunner().invoke(verbs, ["audit", "tables", *map(str, words), "--json"])
    if isinstance(result.exception, TradSysError):
        raise result.exception
    body: dict[str, Any] = json.loads(result.stdout)
    return body


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "journal").iterdir()}


def test_tables_are_made_gone_on_with_and_made_anew_and_the_journal_is_only_read(tmp_path: Path) -> None:
    write(tmp_path, 8)
    before, file = content(tmp_path), tmp_path / "tables.db"
    assert tables(tmp_path) == {"tables": str(file), "records": 8, "taken": 8, "kept": 0}
    assert tables(tmp_path / "journal") == {"tables": str(file), "records": 8, "taken": 0, "kept": 8}
    assert content(tmp_path) == before
    write(tmp_path, 4)
    assert tables(tmp_path) == {"tables": str(file), "records": 12, "taken": 4, "kept": 8}
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT count(*), min(instrument) FROM intents").fetchone() == (3, "NSE:X")
    write(tmp_path / "other", 6, note=b'"another run"')
    assert tables(tmp_path / "other", "--to", file)["kept"] == 0
    said = CliRunner().invoke(verbs, ["audit", "tables", str(tmp_path), "--to", str(file)]).stdout
    assert said == f"{file}: 12 records, 12 of them new\n"


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 8)
    with pytest.raises(ConfigError, match="no journal"):
        tables(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="one place"):
        tables(tmp_path, "--to", tmp_path / "a.db", "--connection-file", tmp_path / "b")
    with pytest.raises(MissingData, match="connection file"):
        tables(tmp_path, "--connection-file", tmp_path / "b")
    taken = tmp_path / "theirs.db"
    with sqlite3.connect(taken) as database:
        database.execute("CREATE TABLE theirs (a)")
    with pytest.raises(ResourceError, match="something else"):
        tables(tmp_path, "--to", taken)
    (segment,) = (tmp_path / "journal").glob("*.segment")
    data = bytearray(segment.read_bytes())
    data[100] ^= 1
    segment.write_bytes(data)
    with pytest.raises(JournalDamaged):
        tables(tmp_path)


def test_the_same_tables_on_a_server(tmp_path: Path, server: str, schema: str) -> None:
    write(tmp_path, 8)
    file = tmp_path / "connection"
    file.touch(mode=0o600)
    file.write_text(SERVER)
    words = (tmp_path, "--connection-file", file, "--schema", schema)
    assert tables(*words) == {"tables": f"schema {schema}", "records": 8, "taken": 8, "kept": 0}
    assert tables(*words)["taken"] == 0
