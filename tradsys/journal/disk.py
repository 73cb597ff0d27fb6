"""The seam to the disk: files of a fixed size in one folder, written in place and synced on demand.

Every method may raise `OSError`; who calls decides what that means.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from tradsys.core.errors import ResourceError

_LOCK = "writer.lock"


class DiskFile(Protocol):
    """One file whose bytes are there from its creation on."""

    @property
    def size(self) -> int:
        """Bytes of it."""

    def read(self, offset: int, *, size: int) -> bytes:
        """So many bytes, fewer at the end."""

    def write(self, offset: int, data: bytes) -> None:
        """All of `data`, inside the file; on stable storage only after `sync`."""

    def sync(self) -> None:
        """All that was written is on stable storage. Never to be tried again after it failed."""

    def close(self) -> None:
        """Give the file back."""


class Disk(Protocol):
    """A folder of files. Creating, renaming and removing last only after `sync_names`."""

    def names(self) -> list[str]:
        """Names of the files, sorted."""

    def create(self, name: str, *, size: int) -> DiskFile:
        """A new file of zeros whose space is taken; replaces one of that name."""

    def open(self, name: str, *, writable: bool = False) -> DiskFile:
        """A file that is there."""

    def rename(self, old: str, *, to: str) -> None:
        """Give a file another name; replaces one of that name."""

    def remove(self, name: str) -> None:
        """Take a file away."""

    def sync_names(self) -> None:
        """Names are on stable storage."""

    def lock(self) -> None:
        """Be the only writer until the process ends. Raises `ResourceError` while another is."""


class FolderDisk:
    """A folder of the file system. Not modelled: disks that say they synced and did not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock: int | None = None

    def names(self) -> list[str]:
        """See `Disk`."""
        return sorted(entry.name for entry in self._folder.iterdir() if entry.name != _LOCK)

    def create(self, name: str, *, size: int) -> DiskFile:
        """See `Disk`."""
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            os.fsync(descriptor)
        except OSError:
            os.close(descriptor)
            (self._folder / name).unlink()
            raise
        return FolderFile(descriptor)

    def open(self, name: str, *, writable: bool = False) -> DiskFile:
        """See `Disk`."""
        return FolderFile(os.open(self._folder / name, os.O_RDWR if writable else os.O_RDONLY))

    def rename(self, old: str, *, to: str) -> None:
        """See `Disk`."""
        (self._folder / old).rename(self._folder / to)

    def remove(self, name: str) -> None:
        """See `Disk`."""
        (self._folder / name).unlink()

    def sync_names(self) -> None:
        """See `Disk`."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self) -> None:
        """See `Disk`; the lock of the file system, which ends with the process however that ends."""
        if self._lock is not None:
            return
        descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ResourceError(
                "another process writes this journal", value=str(self._folder), fix="stop it first, or read only"
            ) from None
        self._lock = descriptor

    def unlock(self) -> None:
        """Let another process write."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class FolderFile:
    """An open file of the file system."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        """See `DiskFile`."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, *, size: int) -> bytes:
        """See `DiskFile`."""
        parts = []
        while size and (part := os.pread(self._descriptor, size, offset)):
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        """See `DiskFile`."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view, offset)
            offset, view = offset + done, view[done:]

    def sync(self) -> None:
        """See `DiskFile`."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """See `DiskFile`."""
        os.close(self._descriptor)
