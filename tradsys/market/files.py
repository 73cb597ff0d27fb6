"""Which files are meant, and their bytes: the reading side of market data's input and output."""

from __future__ import annotations

import glob
import gzip
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tradsys.core.errors import DataError, MissingData, ResourceError

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file's bytes, unpacked if it was gzip; `sha256` is of the bytes on disk."""

    path: Path
    content: bytes
    sha256: str


def find(paths: Paths, *, suffixes: tuple[str, ...]) -> list[Path]:
    """Files that a path, folder, glob pattern or list of them stands for, sorted within each.

    A folder gives the files below it with one of the suffixes. Raises `MissingData` for whatever gives none.
    """
    if not isinstance(paths, str | Path):
        return list(dict.fromkeys(path for each in paths for path in find(each, suffixes=suffixes)))
    given = Path(paths)
    if given.is_file():
        return [given]
    if given.is_dir():
        found = sorted(path for path in given.rglob("*") if path.is_file() and path.name.endswith(suffixes))
    else:
        found = sorted(Path(name) for name in glob.glob(str(paths), recursive=True) if Path(name).is_file())
    if not found:
        wanted = f"files ending in {', '.join(suffixes)}" if given.is_dir() else "an existing file, folder or pattern"
        raise MissingData(f"no data at {paths}", value=str(paths), limit=wanted, fix="check [data] path")
    return found


def read(path: Path) -> FileContent:
    """Bytes of a file. Raises `MissingData`, `ResourceError` where it cannot be read, `DataError` for damaged gzip."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise MissingData(f"no file {path}", value=str(path), fix="check the path") from None
    except OSError as problem:
        raise ResourceError(
            f"cannot read {path}: {problem.strerror}", value=str(path), fix="check its permissions"
        ) from None
    return FileContent(path, _unpacked(path, raw), hashlib.sha256(raw).hexdigest())


def _unpacked(path: Path, raw: bytes) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{path}: damaged gzip: {problem}", value=str(path), fix="fetch the file again") from None


def joint_sha256(digests: Sequence[str]) -> str:
    """One digest for several files: of the only one as it is, else of the digests one after the other."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
