"""The bundle that is kept for years and given to others: records, seals, proofs, and the program that checks them.

Records are JSON lines; a payload that is JSON stands there byte for byte, last in its line, so that the hash of the
record can be taken again; any other as base64.
"""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.units import SECOND
from tradsys.journal.audit import Audit, Verdict
from tradsys.journal.disk import Disk
from tradsys.journal.journal import INTENT
from tradsys.journal.merkle import Proofs
from tradsys.journal.port import Source
from tradsys.journal.records import Record
from tradsys.journal.seals import KIND, Seal, decoded
from tradsys.journal.signatures import PublicKey
from tradsys.reference.retention import retention

FORMAT = "tradsys-audit"
VERSION = 1
ALL = "all"
"""Instead of kinds: prove every record."""
RECORDS, SEALS, PROOFS, KEY, VERIFIER, MANIFEST = (
    "records.jsonl", "seals.jsonl", "proofs.jsonl", "public_key.hex", "verify.py", "manifest.json",
)  # fmt: skip


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """That a record is one of those under a seal: its place among `count`, and the hashes beside its way up."""

    sequence: int
    seal: int
    index: int
    count: int
    path: list[str]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle holds; `files` are SHA-256 hashes. It is to be kept to the end of the day before `retain_until`."""

    format: str = FORMAT
    version: int = VERSION
    records: int
    link: str
    seals: int
    signed: int
    proofs: int
    unsealed: int
    torn_bytes: int
    retain_until: str
    retention_source: str
    files: dict[str, str]


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported, or why nothing was: then there is a first bad record and no manifest."""

    verdict: Verdict
    manifest: Manifest | None


def export(
    disk: Disk,
    *,
    source: Source | None = None,
    to: Path,
    verifier: str,
    key: PublicKey | None = None,
    elsewhere: Sequence[Seal] = (),
    prove: Collection[str] = (INTENT,),
) -> Export:
    """Check a journal and write its bundle into a new folder; a damaged one leaves no folder.

    `verifier` is the text of the program that goes with it, `prove` the kinds of records that get a proof each. Raises
    `ConfigError` for a folder that is not empty, `OSError`.
    """
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise ConfigError("the bundle's folder is not empty", value=str(to), fix="choose another --to")
    unfinished = to.with_name(f"{to.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    bundle = _Bundle(unfinished, prove)
    audit = Audit(disk, source=source, key=key, elsewhere=elsewhere)
    with bundle:
        for record in audit.records():
            bundle.take(record)
    verdict = audit.verdict()
    if verdict.first_bad is not None:
        shutil.rmtree(unfinished)
        return Export(verdict=verdict, manifest=None)
    manifest = bundle.finish(verdict, verifier, key)
    if to.exists():
        to.rmdir()
    unfinished.rename(to)
    return Export(verdict=verdict, manifest=manifest)


class _Bundle:
    """The files while they are written."""

    def __init__(self, folder: Path, prove: Collection[str]) -> None:
        self._folder = folder
        self._prove = prove
        self._files: dict[str, BinaryIO] = {}
        self._links: list[bytes] = []
        self._wanted: list[int] = []
        self._first = 0
        self._proofs = 0
        self._latest = 0

    def __enter__(self) -> None:
        self._files = {name: (self._folder / name).open("wb") for name in (RECORDS, SEALS, PROOFS)}

    def __exit__(self, *failure: object) -> None:
        for file in self._files.values():
            file.close()

    def take(self, record: Record) -> None:
        self._files[RECORDS].write(line(record))
        self._latest = max(self._latest, record.recorded_at)
        if record.kind == KIND:
            self._seal(record, decoded(record.payload))
        if ALL in self._prove or record.kind in self._prove:
            self._wanted.append(record.sequence)
        self._links.append(record.link)

    def _seal(self, record: Record, seal: Seal) -> None:
        self._files[SEALS].write(record.payload + b"\n")
        for proof in self._proven(record.sequence):
            self._files[PROOFS].write(msgspec.json.encode(proof) + b"\n")
            self._proofs += 1
        self._links, self._wanted, self._first = [], [], seal.last + 1

    def _proven(self, seal: int) -> Iterator[Proof]:
        if not self._wanted:
            return
        proofs, first = Proofs(self._links), self._first
        for sequence in self._wanted:
            path = [each.hex() for each in proofs.path(sequence - first)]
            yield Proof(sequence=sequence, seal=seal, index=sequence - first, count=len(self._links), path=path)

    def finish(self, verdict: Verdict, verifier: str, key: PublicKey | None) -> Manifest:
        (self._folder / VERIFIER).write_text(verifier)
        if key is not None:
            (self._folder / KEY).write_text(f"{key.hex}\n")
        kept = retention("order trail", last=datetime.fromtimestamp(self._latest // SECOND, UTC).date())
        manifest = Manifest(
            records=verdict.records,
            link=verdict.link,
            seals=verdict.seals,
            signed=verdict.signed,
            proofs=self._proofs,
            unsealed=verdict.unsealed,
            torn_bytes=verdict.torn_bytes,
            retain_until=kept.until.isoformat(),
            retention_source=kept.source,
            files={path.name: _hash(path) for path in sorted(self._folder.iterdir())},
        )
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        (self._folder / MANIFEST).write_bytes(content + b"\n")
        return manifest


def line(record: Record) -> bytes:
    """A record as one line of JSON."""
    payload = record.payload
    common = {
        "sequence": record.sequence,
        "commit": record.commit,
        "kind": record.kind,
        "at": record.at,
        "recorded_at": record.recorded_at,
        "cause": record.cause,
        "previous": record.previous.hex(),
        "link": record.link.hex(),
    }
    if _is_one_line_of_json(payload):
        return msgspec.json.encode({**common, "payload": msgspec.Raw(payload)}) + b"\n"
    return msgspec.json.encode({**common, "payload_base64": b64encode(payload).decode()}) + b"\n"


def _is_one_line_of_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
        payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return b"\n" not in payload and b"\r" not in payload


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()
