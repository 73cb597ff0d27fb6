"""`tradsys audit`: the exit code says whether the record holds, and a bundle is checked by Python alone."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tradsys.cli.audit import audit_app
from tradsys.cli.verify_bundle import signed
from tradsys.core.errors import ConfigError, ResourceError, TradSysError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.venue import PlaceOrder
from tradsys.journal import FolderDisk, Lease, open_journal
from tradsys.journal.seals import Sealer
from tradsys.journal.signatures import read_private_key

pytest.importorskip("cryptography", reason="extra audit not installed")

ORDER = PlaceOrder(
    tag="a",
    instrument="NSE:X",
    side=Side.BUY,
    quantity=100,
    type=OrderType.MARKET,
    product=Product.MIS,
    validity=Validity.DAY,
)
PAYLOADS = (b'{"a": [1, 2.50], "payload":{"b":"\\u20b9 \xe2\x82\xb9"} }', b"\x00\xff", b"", b'{"a":\n1}', b'"payload":')
NOON = 1_795_257_000 * 10**9  # 21 November 2026


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(audit_app, [str(word) for word in words], catch_exceptions=True)
    if isinstance(result.exception, TradSysError):
        raise result.exception
    return result.exit_code, result.stdout


def answer(*words: object) -> tuple[int, dict[str, Any]]:
    code, output = run(*words, "--json")
    body: dict[str, Any] = json.loads(output)
    return code, body


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


@pytest.fixture
def run_folder(tmp_path: Path, key: Path) -> Path:
    """A run of three signed seals with orders, and payloads of every kind."""
    folder = tmp_path / "run"
    disk = FolderDisk(folder / "journal")
    journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
    sealer = Sealer(disk, journal)
    for number in range(45):
        journal.append("note", PAYLOADS[number % len(PAYLOADS)], at=NOON, recorded_at=NOON + number, cause=number - 1)
        if number % 4 == 0:
            journal.append_intent(ORDER, at=NOON, recorded_at=NOON)
        if number % 15 == 14:
            sealer.seal(at=NOON, recorded_at=NOON, signer=read_private_key(key))
    journal.close()
    disk.unlock()
    return folder


@pytest.fixture
def public(tmp_path: Path, key: Path) -> Path:
    path = tmp_path / "key.hex"
    path.write_text(read_private_key(key).public)
    return path


def test_a_whole_journal(run_folder: Path, public: Path) -> None:
    code, body = answer("verify", run_folder, "--key", public)
    assert (code, body["records"], body["first_bad"], body["checked"]) == (0, 60, None, 3)
    assert run("verify", run_folder)[1].count("signatures not checked") == 1
    assert "all as written" in run("verify", run_folder / "journal")[1]


def test_a_changed_byte(run_folder: Path) -> None:
    path = sorted((run_folder / "journal").glob("*.segment"))[1]
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    code, body = answer("verify", run_folder)
    assert code == 1 and body["first_bad"]["offset"] == 0 and body["first_bad"]["seq"] == body["records"]
    assert "BAD at record" in run("verify", run_folder)[1]


def test_a_writer_goes_on_while_it_is_checked(run_folder: Path) -> None:
    journal = open_journal(FolderDisk(run_folder / "journal"))
    journal.append("note", b"{}", at=0, recorded_at=0)
    journal.commit()
    code, body = answer("verify", run_folder)
    assert (code, body["records"]) == (0, 61)


def test_seals_kept_elsewhere(run_folder: Path, tmp_path: Path) -> None:
    seals = sorted((run_folder / "journal").glob("*.seal"))
    kept = tmp_path / "seals.jsonl"
    kept.write_bytes(b"".join(path.read_bytes() for path in seals))
    assert answer("verify", run_folder, "--seals", kept)[0] == 0
    for path in (*seals, *sorted((run_folder / "journal").glob("*.segment"))[-1:]):
        path.unlink()
    assert answer("verify", run_folder)[0] == 0
    code, body = answer("verify", run_folder, "--seals", kept)
    assert code == 1 and "taken away" in body["first_bad"]["why"]


def test_what_cannot_be_used_is_refused(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("no key")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for words in (
        ("verify", tmp_path / "nowhere"),
        ("verify", run_folder, "--key", tmp_path / "bad"),
        ("verify", run_folder, "--key", tmp_path / "nowhere"),
        ("verify", run_folder, "--seals", tmp_path / "nowhere"),
        ("verify", run_folder, "--seals", tmp_path / "bad"),
        ("export", run_folder, "--to", tmp_path / "full"),
    ):
        with pytest.raises(ConfigError):
            run(*words)


@pytest.mark.parametrize("leased", [False, True])
def test_a_run_that_ended_is_sealed(run_folder: Path, key: Path, public: Path, leased: bool) -> None:
    disk = FolderDisk(run_folder / "journal")
    if leased:
        Lease.acquire(disk, holder="run", now=0).release()
    code, body = answer("seal", run_folder, "--sign", key)
    assert code == 0 and (body["first"], body["last"]) == (59, 59) and body["key"] == public.read_text()
    assert run("seal", run_folder)[1].startswith(f"{run_folder}: records 60 to 60 sealed")
    code, body = answer("verify", run_folder)
    assert (code, body["records"], body["seals"], body["signed"]) == (0, 62, 5, 4)


def test_who_signs_last_vouches_for_seals_without_a_signature(
    run_folder: Path, key: Path, public: Path, tmp_path: Path
) -> None:
    run("seal", run_folder)
    assert "nor is one after it" in answer("verify", run_folder, "--key", public)[1]["first_bad"]["why"]
    assert answer("export", run_folder, "--to", tmp_path / "none", "--key", public)[0] == 1
    answer("export", run_folder, "--to", tmp_path / "unsigned")
    code, body = checked(tmp_path / "unsigned", "--key", public)
    assert code == 1 and "nor is one after it" in body["first_bad"]["why"]
    run("seal", run_folder, "--sign", key)
    assert answer("verify", run_folder, "--key", public)[0] == 0
    assert answer("export", run_folder, "--to", tmp_path / "signed", "--key", public)[0] == 0
    code, body = checked(tmp_path / "signed", "--key", public)
    assert (code, body["signatures"], body["seals"]) == (0, 4, 5)


def test_a_run_that_goes_on_is_not_sealed(run_folder: Path) -> None:
    disk = FolderDisk(run_folder / "journal")
    Lease.acquire(disk, holder="run", now=time.monotonic_ns())
    with pytest.raises(ResourceError, match="run writes this journal"):
        run("seal", run_folder)


# --- the bundle


def checked(bundle: Path, *words: object) -> tuple[int, dict[str, Any]]:
    """What the bundle's own program says, run with no other package at hand."""
    command = [sys.executable, "-I", "-S", str(bundle / "verify.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=bundle.parent)
    assert not done.stderr or done.returncode == 2, done.stderr
    body: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, body


@pytest.fixture
def bundle(run_folder: Path, public: Path, tmp_path: Path) -> Path:
    code, body = answer("export", run_folder, "--to", tmp_path / "bundle", "--key", public)
    assert code == 0 and body["manifest"]["proofs"] == 12
    return tmp_path / "bundle"


def test_a_bundle_is_checked_by_a_stranger(bundle: Path, public: Path) -> None:
    said = {"records": 60, "seals": 3, "signatures": 3, "proofs": 12, "first_bad": None}
    assert checked(bundle, "--key", public) == (0, said)
    assert checked(bundle, "--key", public.read_text())[0] == 0
    assert checked(bundle) == (0, {**said, "signatures": 0})
    code, body = checked(bundle, "--key", "00" * 32)
    assert code == 1 and "not signed by this key" in body["first_bad"]["why"]
    assert checked(bundle, "--key", "00")[0] == checked(bundle, "--key", public, bundle.parent)[0] == 2


def test_a_bundle_says_how_long_it_is_kept(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["retain_until"] == "2031-11-21" and "NSE/INVG/67858" in manifest["retention_source"]
    assert sorted(manifest["files"]) == sorted(path.name for path in bundle.iterdir() if path.name != "manifest.json")


def test_payloads_stand_as_they_were_written(bundle: Path) -> None:
    lines = (bundle / "records.jsonl").read_bytes().splitlines()
    assert lines[0].endswith(b',"payload":' + PAYLOADS[0] + b"}")
    rows = [json.loads(line) for line in lines]
    assert rows[1]["payload"]["tag"] == "a" and rows[2]["payload_base64"] == "AP8="


def resigned(bundle: Path) -> None:
    """The manifest as a forger would leave it: hashes of the files as they are."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in manifest["files"]}
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["records.jsonl", "seals.jsonl", "proofs.jsonl"])
def test_any_change_to_a_bundle_is_found(bundle: Path, public: Path, name: str, tmp_path: Path) -> None:
    chance = random.Random(name)
    content = (bundle / name).read_bytes()
    for _ in range(4):
        other = tmp_path / "other"
        shutil.copytree(bundle, other, dirs_exist_ok=True)
        changed = bytearray(content)
        changed[chance.randrange(len(content) - 1)] ^= 1
        (other / name).write_bytes(changed)
        assert checked(other, "--key", public)[0] == 1
        resigned(other)
        assert checked(other, "--key", public)[0] == 1


def test_records_taken_from_the_end_of_a_bundle_are_missed(bundle: Path) -> None:
    lines = (bundle / "records.jsonl").read_bytes().splitlines(keepends=True)
    (bundle / "records.jsonl").write_bytes(b"".join(lines[:-3]))
    resigned(bundle)
    assert checked(bundle)[0] == 1


def test_every_record_can_be_proven(run_folder: Path, tmp_path: Path) -> None:
    assert answer("export", run_folder, "--to", tmp_path / "all", "--prove", "all")[0] == 0
    code, body = checked(tmp_path / "all")
    # The last record is the last seal, which the next one would prove.
    assert (code, body["proofs"]) == (0, 59)


def test_a_damaged_journal_gives_no_bundle(run_folder: Path, tmp_path: Path) -> None:
    path = sorted((run_folder / "journal").glob("*.segment"))[1]
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    code, body = answer("export", run_folder, "--to", tmp_path / "bundle")
    assert code == 1 and body["first_bad"] and body["manifest"] is None
    assert [path.name for path in tmp_path.iterdir() if "bundle" in path.name] == []


# Of RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_bundles_program_knows_ed25519(public: str, message: str, signature: str) -> None:
    key, text, right = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert signed(key, text, right)
    for place in range(0, 64, 5):
        wrong = bytearray(right)
        wrong[place] ^= 1
        assert not signed(key, text, bytes(wrong))
    assert not signed(key, text + b"x", right) and not signed(key[:-1], text, right)
    assert not signed(key[::-1], text, right)


def test_a_run_fed_with_old_data_is_kept_from_when_it_was_recorded_sealed_later_or_not(tmp_path: Path) -> None:
    disk, years = FolderDisk(tmp_path / "run" / "journal"), []
    journal = open_journal(disk, segment_bytes=4096, reserve_bytes=8)
    journal.append("note", b"{}", at=1_443_400_000 * 10**9, recorded_at=time.time_ns())
    journal.close()
    disk.unlock()
    for name in ("first", "second"):
        _, body = answer("export", tmp_path / "run", "--to", tmp_path / name)
        years.append(int(body["manifest"]["retain_until"][:4]) - time.gmtime().tm_year)
        answer("seal", tmp_path / "run")
    assert years == [5, 5]
