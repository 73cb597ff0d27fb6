"""Where the journal of a live run is: what a run file may say of it, and where whoever comes later finds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.postgres_server import SERVER, connection_file
from tools.kill_scene import write_key, write_scene
from tradsys.core.errors import ConfigError, DataError, InputRefused, MissingData, ResourceError, UnknownName
from tradsys.engine.live_folder import begun_run, run_of
from tradsys.engine.live_journal import kept_in, store_in
from tradsys.engine.live_replay import open_live, records_of
from tradsys.engine.settings import Settings, load
from tradsys.engine.trading import records
from tradsys.engine.trading.assembly import configuration_hash
from tradsys.engine.trading.records import RunBegun
from tradsys.journal import FolderDisk, Lease
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.opening import SegmentStore

ON_SERVER = ("journal.kind=postgresql", "journal.connection_file=server")


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    write_key(tmp_path)
    return write_scene(tmp_path, port=7700, seconds=1)


def settings_of(run_file: Path, *flags: str) -> Settings:
    return load(run_file, environment={}, flags=flags)


def begun(run: str) -> bytes:
    return records.encode(RunBegun(run=run, configuration="", code="", strategies={}, feed=""))


def test_files_unless_told_otherwise(run_file: Path) -> None:
    kept = kept_in(settings_of(run_file), run=None)
    assert isinstance(kept(MemoryDisk()), SegmentStore)


@pytest.mark.parametrize(
    ("flags", "kind", "message"),
    [
        (["journal.kind=postgres"], UnknownName, "postgresql"),
        (["journal.schema=mine"], ConfigError, r"journal\.schema is given, and the journal is kept in files"),
        (
            ["journal.connection_file=server"],
            ConfigError,
            r"connection_file is given, and the journal is kept in files",
        ),
        (["journal.kind=postgresql"], ConfigError, r"journal\.connection_file is not given"),
        (["journal.kind=postgresql", "journal.connection_file=gone"], MissingData, "no such connection file"),
        ([*ON_SERVER, "journal.schema=a b"], ConfigError, "name of a schema"),
    ],
)
def test_what_contradicts_itself_is_refused(
    run_file: Path, flags: list[str], kind: type[InputRefused], message: str
) -> None:
    pytest.importorskip("psycopg")
    connection_file(run_file.parent)
    with pytest.raises(kind, match=message):
        kept_in(settings_of(run_file, *flags), run=None)


def test_a_key_that_does_not_exist_is_named_with_the_nearest(run_file: Path) -> None:
    with pytest.raises(UnknownName, match=r"journal\.connection_file"):
        settings_of(run_file, "journal.conection_file=server")


def test_the_connection_is_a_secret(run_file: Path) -> None:
    pytest.importorskip("psycopg")
    path = connection_file(run_file.parent)
    path.write_text("host=127.0.0.1 port=1 password=hunter2 connect_timeout=1")
    with pytest.raises(ResourceError) as refused:
        kept_in(settings_of(run_file, *ON_SERVER), run=None)
    assert "hunter2" not in str(refused.value.as_dict())
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read the connection file"):
        kept_in(settings_of(run_file, *ON_SERVER), run=None)
    path.chmod(0o600)
    path.write_text("\n")
    with pytest.raises(ConfigError, match="the connection file is empty"):
        kept_in(settings_of(run_file, *ON_SERVER), run=None)


def test_a_run_keeps_its_journal_where_it_began(run_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = settings_of(run_file)
    assert begun_run(folder, settings) is None
    run = run_of(folder, settings, stamp=7)
    with pytest.raises(ConfigError, match=r"another \[journal\]"):
        begun_run(folder, settings_of(run_file, *ON_SERVER))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["configuration"].pop("journal") == {"kind": "files", "connection_file": "", "schema": ""}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert begun_run(folder, settings) == run, "a folder from before there was a choice"
    manifest["configuration"]["journal"] = {"kind": 7}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="not of this version"):
        store_in(folder)


def test_where_the_journal_is_decides_nothing(run_file: Path) -> None:
    assert configuration_hash(settings_of(run_file).run) == configuration_hash(settings_of(run_file, *ON_SERVER).run)


def test_a_key_with_its_default_is_as_if_it_were_not_there(run_file: Path) -> None:
    plain = configuration_hash(settings_of(run_file).run)
    assert plain == configuration_hash(settings_of(run_file, "execution.roll_days=1").run)
    assert plain != configuration_hash(settings_of(run_file, "run.cash=123456").run)


def test_the_manifest_says_where_to_read(run_file: Path, server: str, schema: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    connection_file(tmp_path)
    settings = settings_of(run_file, *ON_SERVER, f"journal.schema={schema}")
    kept = kept_in(settings, run=None)
    assert not folder.exists(), "nothing is written before the server is known to do"
    run = run_of(folder, settings, stamp=7)
    disk = FolderDisk(folder / "journal")
    store = kept(disk)
    lease = Lease.acquire(disk, holder="a test", now=0, above=store.epoch)
    journal = store.open(lease=lease)
    journal.append(records.RUN, begun(run), at=1, recorded_at=1)
    journal.close()
    lease.release()
    for place in (folder, folder / "journal"):
        assert [each.kind for each in store_in(place).read()] == [records.RUN]
    assert [each.kind for each in records_of(open_live(folder))] == [records.RUN]
    assert SERVER not in (folder / "manifest.json").read_text()
    assert kept_in(settings, run=run)(disk).epoch == 1
    for other in (None, "other"):
        with pytest.raises(ConfigError, match="holds the journal of another run"):
            kept_in(settings, run=other)


def test_a_database_without_the_journal_says_so(run_file: Path, server: str, schema: str, tmp_path: Path) -> None:
    connection_file(tmp_path)
    run_of(tmp_path / "run", settings_of(run_file, *ON_SERVER, f"journal.schema={schema}"), stamp=7)
    with pytest.raises(MissingData, match="no journal in schema"):
        store_in(tmp_path / "run")


def test_a_folder_that_holds_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no journal here"):
        store_in(tmp_path)
