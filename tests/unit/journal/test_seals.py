"""Seals tile the whole journal, survive every crash between their record and their file, and are signed by who holds
the key."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from tradsys.core.errors import ConfigError, Fenced, JournalDamaged, JournalFailed
from tradsys.core.units import SECOND
from tradsys.journal import Journal, Lease, open_journal
from tradsys.journal.audit import verify
from tradsys.journal.memory_disk import MemoryDisk
from tradsys.journal.merkle import Tree
from tradsys.journal.reading import Reader
from tradsys.journal.records import GENESIS
from tradsys.journal.seals import Seal, Sealer, kept, plain, read_seals
from tradsys.journal.signatures import read_private_key, read_public_key

ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519", reason="extra audit not installed")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")


def opened(disk: MemoryDisk) -> Journal:
    return open_journal(disk, segment_bytes=2048, reserve_bytes=8)


def add(journal: Journal, count: int) -> None:
    for _ in range(count):
        journal.append("fill", b"x" * 30, at=0, recorded_at=0)
        journal.commit()


def test_seals_cover_everything_once_and_stand_for_it() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    sealer = Sealer(disk, journal)
    seals: list[Seal] = []
    for count in (1, 40, 7, 0):
        add(journal, count)
        assert sealer.catch_up(3) == min(3, count + bool(seals))
        seals.append(sealer.seal(at=5, recorded_at=6))
    assert [(seal.first, seal.last, seal.count) for seal in seals] == [(0, 0, 1), (1, 41, 41), (42, 49, 8), (50, 50, 1)]
    assert [seal.previous for seal in seals] == [GENESIS.hex(), *(seal.root for seal in seals[:-1])]
    records = list(Reader(disk))
    for seal in seals:
        tree = Tree()
        for record in records[seal.first : seal.last + 1]:
            tree.add(record.link)
        assert (tree.root().hex(), records[seal.last].link.hex()) == (seal.root, seal.link)
        assert msgspec.json.decode(records[seal.last + 1].payload, type=Seal) == seal
    assert [plain(seal) for seal in kept(disk)] == seals
    verdict = verify(disk)
    assert (verdict.first_bad, verdict.seals, verdict.unsealed) == (None, 4, 1)


@pytest.mark.parametrize("lost", ["nothing", "one file", "all files"])
def test_sealing_goes_on_after_a_restart_from_the_last_seal(lost: str) -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    sealer = Sealer(disk, journal)
    for _ in range(3):
        add(journal, 20)
        sealer.seal(at=0, recorded_at=0)
    files = [name for name in disk.names() if name.endswith(".seal")]
    for name in {"nothing": [], "one file": files[-1:], "all files": files}[lost]:
        disk.remove(name)
    disk.kill()
    journal = opened(disk)
    add(journal, 2)
    seal = Sealer(disk, journal).seal(at=0, recorded_at=0)
    assert (seal.first, seal.last) == (62, 64)
    assert verify(disk).first_bad is None and len(kept(disk)) == 4


@pytest.mark.parametrize("operation", ["create", "write", "sync", "rename", "sync_names"])
@pytest.mark.parametrize("after", range(2))
def test_a_disk_that_fails_while_sealing_leaves_a_journal_to_go_on_with(operation: str, after: int) -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    sealer = Sealer(disk, journal)
    add(journal, 5)
    sealer.seal(at=0, recorded_at=0)
    add(journal, 5)
    asked = 0

    def fault(done: str, name: str) -> int | None:
        nonlocal asked
        asked += done == operation
        return 5 if asked > after and done == operation else None

    disk.fault = fault
    try:
        sealer.seal(at=0, recorded_at=0)
    except JournalFailed:
        pass
    else:
        assert asked <= after
    disk.fault = lambda done, name: None
    disk.crash()
    journal = opened(disk)
    add(journal, 1)
    Sealer(disk, journal).seal(at=0, recorded_at=0)
    assert verify(disk).first_bad is None


def test_nothing_to_seal_is_said() -> None:
    disk = MemoryDisk()
    with pytest.raises(ConfigError, match="journal is empty"):
        Sealer(disk, opened(disk)).seal(at=0, recorded_at=0)


def test_a_file_that_is_no_seal_is_named() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    add(journal, 1)
    Sealer(disk, journal).seal(at=0, recorded_at=0)
    (name,) = [name for name in disk.names() if name.endswith(".seal")]
    disk.bytes_of(name)[0] ^= 1
    with pytest.raises(JournalDamaged, match="a seal is not whole"):
        Sealer(disk, journal)
    assert "a seal is not whole" in str(verify(disk).first_bad)


def test_a_process_that_lost_its_lease_seals_nothing() -> None:
    disk = MemoryDisk()
    lease = Lease.acquire(disk, holder="first", now=0)
    journal = open_journal(disk, lease=lease, segment_bytes=2048, reserve_bytes=8)
    add(journal, 3)
    sealer = Sealer(disk, journal)
    Lease.acquire(disk, holder="second", now=9 * SECOND)
    with pytest.raises(Fenced):
        sealer.seal(at=0, recorded_at=0)
    assert kept(disk) == []


# --- keys


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Files of a private key and its public one."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    private, public = tmp_path / "seal.key", tmp_path / "seal.pub"
    private.write_bytes(bytes(range(32)))
    private.chmod(0o600)
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def pem(tmp_path: Path) -> Path:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    path = tmp_path / "seal.pem"
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(text)
    path.chmod(0o600)
    return path


def test_signed_seals_are_held_to_the_key(pair: tuple[Path, Path], tmp_path: Path) -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    sealer = Sealer(disk, journal)
    add(journal, 9)
    seal = sealer.seal(at=0, recorded_at=0, signer=read_private_key(pair[0]))
    public = read_public_key(pair[1])
    assert seal.key == public.hex and public.signed(seal.message(), seal.signature)
    assert verify(disk, key=public).checked == 1 and verify(disk, key=public).first_bad is None
    for form in (bytes.fromhex(public.hex), f"{public.hex}\n".encode()):
        other = tmp_path / "other"
        other.write_bytes(form)
        assert read_public_key(other).hex == public.hex
    other.write_bytes(bytes.fromhex(read_private_key_of_another(tmp_path)))
    assert "signed by another key" in str(verify(disk, key=read_public_key(other)).first_bad)
    add(journal, 1)
    sealer.seal(at=0, recorded_at=0)
    assert "is not signed, nor is one after it" in str(verify(disk, key=public).first_bad)
    assert verify(disk).first_bad is None
    add(journal, 1)
    sealer.seal(at=0, recorded_at=0, signer=read_private_key(pair[0]))
    vouched = verify(disk, key=public)
    assert vouched.first_bad is None and (vouched.seals, vouched.signed) == (3, 2), "its link stands for all before it"


def read_private_key_of_another(tmp_path: Path) -> str:
    path = tmp_path / "another.key"
    path.write_bytes(bytes(32))
    path.chmod(0o600)
    return read_private_key(path).public


def test_raw_and_pem_are_one_key(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert read_private_key(pair[0]).public == read_private_key(pem(tmp_path)).public


def test_a_signature_over_anything_else_does_not_hold(pair: tuple[Path, Path]) -> None:
    signer, public = read_private_key(pair[0]), read_public_key(pair[1])
    signature = signer.sign(b"this")
    assert public.signed(b"this", signature)
    for other in ("", "zz", signature[:-2], "00" * 64, signature[2:] + "00"):
        assert not public.signed(b"this", other)
    assert not public.signed(b"that", signature)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_private_key_that_others_may_read_is_refused(pair: tuple[Path, Path], mode: int) -> None:
    os.chmod(pair[0], mode)
    with pytest.raises(ConfigError, match="others may read") as refused:
        read_private_key(pair[0])
    assert "chmod 600" in refused.value.fix


@pytest.mark.parametrize("content", [b"", b"no key", bytes(31), b"zz" * 32, b"-----BEGIN PUBLIC KEY-----\nAAAAA\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    for read in (read_private_key, read_public_key):
        with pytest.raises(ConfigError, match="no Ed25519 key"):
            read(path)


def test_one_half_is_not_taken_for_the_other(pair: tuple[Path, Path], tmp_path: Path) -> None:
    os.chmod(pair[1], 0o600)
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        read_private_key(pair[1])
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        read_public_key(pem(tmp_path))
    for read in (read_private_key, read_public_key):
        with pytest.raises(ConfigError, match="no such key file"):
            read(tmp_path / "nowhere")


def test_a_private_key_shows_in_no_text(pair: tuple[Path, Path]) -> None:
    signer = read_private_key(pair[0])
    secret = bytes(range(32))
    text = repr(signer) + str(vars(signer))
    assert secret.hex() not in text and repr(secret) not in text


def test_seals_kept_elsewhere_are_read_by_line() -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    add(journal, 1)
    seal = Sealer(disk, journal).seal(at=0, recorded_at=0)
    (name,) = [name for name in disk.names() if name.endswith(".seal")]
    assert read_seals(bytes(disk.bytes_of(name)).splitlines()) == [seal]
    assert read_seals([b"", msgspec.json.encode(seal)]) == [seal]
    with pytest.raises(ConfigError, match="line 2 is no seal"):
        read_seals([msgspec.json.encode(seal), b"{}"])
