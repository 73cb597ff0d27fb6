"""Check an audit bundle with nothing but Python: `python verify.py [--key PUBLIC_KEY] [FOLDER]`.

It lies in every bundle as `verify.py` and needs no other package. It takes every record's hash again and compares it
with the chain, the seals with the records under them, the proofs with the seals, the files with the manifest; with a
public key (64 hexadecimal digits, or a file of them or of PEM) also every seal's Ed25519 signature (RFC 8032). Take the
key from somebody you trust, not from the bundle.

Prints one JSON object: `records`, `seals`, `signatures`, `proofs`, and `first_bad`, null where everything holds. Exit
code 0 for that, 1 for something bad, 2 for what is no bundle.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BODY = struct.Struct("<HHQQqqq32s")
VERSION = 1
ZEROS = "0" * 64
PAYLOAD = b',"payload":'


class Bad(Exception):
    """What is not as it should be, and at which record."""

    def __init__(self, why: str, sequence: int = -1) -> None:
        super().__init__(why)
        self.sequence = sequence


# --- Ed25519, section 5.1 of RFC 8032

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def plus(a: Point, b: Point) -> Point:
    """Two points in extended coordinates, added."""
    left, right = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    third, fourth = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = right - left, fourth - third, fourth + third, right + left
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """A point added to itself so many times."""
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = plus(found, point)
        point, number = plus(point, point), number >> 1
    return found


def point_of(data: bytes) -> Point:
    """The point that 32 bytes stand for. Raises `ValueError`."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (not x and sign):
        raise ValueError("no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of a public key signed a message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= ORDER:
        return False
    try:
        key, commitment = point_of(public), point_of(signature[:32])
    except ValueError:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left = times(scalar, BASE)
    right = plus(commitment, times(int.from_bytes(digest, "little") % ORDER, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# --- hashes


def leaf(link: bytes) -> bytes:
    """The lowest node of the tree for a record."""
    return hashlib.sha256(b"\0" + link).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The node above two."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(links: Iterable[bytes]) -> bytes:
    """The root of the tree over all links, RFC 6962."""
    level = [leaf(link) for link in links]
    while len(level) > 1:
        above = [node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = above + level[-1:] if len(level) % 2 else above
    return level[0]


def proven_root(link: bytes, proof: dict[str, Any]) -> bytes:
    """The root that a proof leads to."""
    found, path, index, last = leaf(link), list(proof["path"]), proof["index"], proof["count"] - 1
    while last:
        if index ^ 1 <= last:
            beside = bytes.fromhex(path.pop(0))
            found = node(beside, found) if index & 1 else node(found, beside)
        index, last = index // 2, last // 2
    return found if not path else b""


# --- the bundle


def payload_of(line: bytes, record: dict[str, Any]) -> bytes:
    """The bytes of a record's payload, as they were written."""
    if "payload_base64" in record:
        return base64.b64decode(record["payload_base64"], validate=True)
    return line[line.index(PAYLOAD) + len(PAYLOAD) : -1]


def link_of(line: bytes, record: dict[str, Any]) -> bytes:
    """A record's hash, taken again."""
    kind = record["kind"].encode()
    numbers = [record[name] for name in ("sequence", "commit", "at", "recorded_at", "cause")]
    head = BODY.pack(VERSION, len(kind), *numbers, bytes.fromhex(record["previous"]))
    return hashlib.sha256(head + kind + payload_of(line, record)).digest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


class Bundle:
    """One bundle, read once from beginning to end."""

    def __init__(self, folder: Path, key: bytes | None) -> None:
        self.folder = folder
        self.key = key
        self.links: list[bytes] = []
        self.seals: dict[int, dict[str, Any]] = {}
        self.signatures = self.proofs = 0
        self.not_vouched: int | None = None

    def check(self) -> None:
        """Everything. Raises `Bad` for the first thing that does not hold."""
        manifest = json.loads((self.folder / "manifest.json").read_bytes())
        if (manifest["format"], manifest["version"]) != ("tradsys-audit", VERSION):
            raise Bad(f"a bundle of version {manifest['version']}, this program reads {VERSION}")
        self.records()
        if len(self.links) != manifest["records"] or (self.links and self.links[-1].hex() != manifest["link"]):
            raise Bad("the manifest speaks of other records", len(self.links))
        if [json.loads(line) for line in self.lines("seals.jsonl")] != list(self.seals.values()):
            raise Bad("seals.jsonl holds other seals than the records")
        for line in self.lines("proofs.jsonl"):
            self.prove(json.loads(line))
        for name, wanted in manifest["files"].items():
            if file_hash(self.folder / name) != wanted:
                raise Bad(f"{name} is not the file of the manifest")

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, without their ends."""
        with (self.folder / name).open("rb") as file:
            for line in file:
                yield line.rstrip(b"\n")

    def records(self) -> None:
        """Every record: its place, its hash, the chain, and what seals say."""
        previous = ZEROS
        for number, line in enumerate(self.lines("records.jsonl")):
            record = json.loads(line)
            if record["sequence"] != number or record["previous"] != previous:
                raise Bad("the record does not follow the one before", number)
            link = link_of(line, record)
            if link.hex() != record["link"]:
                raise Bad("the record is not what was written", number)
            if record["kind"] == "seal":
                self.seal(record["payload"], number)
            self.links.append(link)
            previous = record["link"]
        if self.not_vouched is not None:
            raise Bad("the seal is not signed, nor is one after it", self.not_vouched)

    def seal(self, seal: dict[str, Any], number: int) -> None:
        """A seal stands for all records since the one before."""
        before: dict[str, Any] = self.seals[max(self.seals)] if self.seals else {"last": -1, "root": ZEROS}
        links = self.links[before["last"] + 1 :]
        covered = (before["last"] + 1, number - 1, len(links))
        if (seal["first"], seal["last"], seal["count"]) != covered or seal["previous"] != before["root"]:
            raise Bad("the seal does not follow the one before", number)
        if seal["link"] != links[-1].hex() or seal["root"] != root_of(links).hex():
            raise Bad("the seal stands for other records", number)
        if self.key is not None and not seal["signature"]:
            # One after it that is signed vouches for it: its link stands for all records before.
            self.not_vouched = number if self.not_vouched is None else self.not_vouched
        elif self.key is not None:
            message = json.dumps({**seal, "signature": ""}, separators=(",", ":")).encode()
            if not signed(self.key, message, bytes.fromhex(seal["signature"])):
                raise Bad("the seal is not signed by this key", number)
            self.signatures += 1
            self.not_vouched = None
        self.seals[number] = seal

    def prove(self, proof: dict[str, Any]) -> None:
        """A proof leads from its record to the root of its seal."""
        seal, sequence = self.seals[proof["seal"]], proof["sequence"]
        root = proven_root(self.links[sequence], proof)
        if root.hex() != seal["root"] or sequence != seal["first"] + proof["index"]:
            raise Bad("the proof does not lead to its seal", sequence)
        self.proofs += 1


def read_key(text: str) -> bytes:
    """A public key: hexadecimal digits, or a file of them or of PEM. Raises `ValueError`."""
    if Path(text).is_file():
        text = Path(text).read_text().strip()
    if "-----BEGIN PUBLIC KEY-----" in text:
        # The last 32 bytes of its DER form are the key.
        return base64.b64decode("".join(text.splitlines()[1:-1]))[-32:]
    return bytes.fromhex(text)


def main() -> int:
    """Check the bundle and say what was found."""
    parser = argparse.ArgumentParser(description="Check an audit bundle.")
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).parent), help="the bundle")
    parser.add_argument("--key", help="public key: 64 hexadecimal digits, or a file")
    asked = parser.parse_args()
    try:
        key = read_key(asked.key) if asked.key else None
        if key is not None and len(key) != 32:
            raise ValueError("a public key has 32 bytes")
        if not (Path(asked.folder) / "manifest.json").is_file():
            raise ValueError(f"no bundle in {asked.folder}")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    bundle, bad = Bundle(Path(asked.folder), key), None
    try:
        bundle.check()
    except Bad as found:
        bad = {"seq": found.sequence, "why": str(found)}
    except (KeyError, IndexError, TypeError, ValueError, OSError, struct.error) as found:
        bad = {"seq": len(bundle.links), "why": f"not readable: {found!r}"}
    said = {"records": len(bundle.links), "seals": len(bundle.seals), "signatures": bundle.signatures}
    print(json.dumps({**said, "proofs": bundle.proofs, "first_bad": bad}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
