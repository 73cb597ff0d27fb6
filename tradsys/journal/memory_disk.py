"""A disk in memory that forgets what was not synced, and fails when told to: for simulations of what goes wrong."""

from __future__ import annotations

import errno
from collections.abc import Callable

from tradsys.core.errors import ResourceError

BLOCK = 512


class _Content:
    """Bytes of a file as they are seen, as they are on stable storage, and which blocks differ."""

    def __init__(self, size: int) -> None:
        self.seen = bytearray(size)
        self.stable = bytearray(size)
        self.unsynced: list[int] = []

    def write(self, offset: int, data: bytes) -> None:
        if offset + len(data) > len(self.seen):
            raise OSError(errno.EFBIG, "beyond the file")
        self.seen[offset : offset + len(data)] = data
        last = (offset + len(data) - 1) // BLOCK
        self.unsynced += [block for block in range(offset // BLOCK, last + 1) if block not in self.unsynced]

    def settle(self, blocks: list[int]) -> None:
        for block in blocks:
            span = slice(block * BLOCK, (block + 1) * BLOCK)
            self.stable[span] = self.seen[span]
        self.unsynced.clear()


class MemoryDisk:
    """Files of one folder. `room` is how many bytes may be taken in all; `fault` is asked before each operation, by its
    name and the file's, and may answer with an error number.

    A crash leaves what was synced, and of what was not whatever blocks `crash` is told survived.
    """

    def __init__(
        self, *, room: int = 2**40, fault: Callable[[str, str], int | None] = lambda operation, name: None
    ) -> None:
        self.room = room
        self.fault = fault
        self._files: dict[str, _Content] = {}
        self._stable_names: dict[str, _Content] = {}
        self._locked = False

    def names(self) -> list[str]:
        """See `Disk`."""
        self._ask("names", "")
        return sorted(self._files)

    def create(self, name: str, *, size: int) -> MemoryFile:
        """See `Disk`."""
        self._ask("create", name)
        taken = sum(len(content.seen) for other, content in self._files.items() if other != name)
        if taken + size > self.room:
            raise OSError(errno.ENOSPC, "no space left")
        content = self._files[name] = _Content(size)
        return MemoryFile(self, name, content)

    def open(self, name: str, *, writable: bool = False) -> MemoryFile:
        """See `Disk`."""
        self._ask("open", name)
        if name not in self._files:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return MemoryFile(self, name, self._files[name])

    def rename(self, old: str, *, to: str) -> None:
        """See `Disk`."""
        self._ask("rename", old)
        self._files[to] = self._files.pop(old)

    def remove(self, name: str) -> None:
        """See `Disk`."""
        self._ask("remove", name)
        del self._files[name]

    def sync_names(self) -> None:
        """See `Disk`."""
        self._ask("sync_names", "")
        self._stable_names = dict(self._files)

    def lock(self) -> None:
        """See `Disk`."""
        if self._locked:
            raise ResourceError("another process writes this journal", fix="stop it first, or read only")
        self._locked = True

    def crash(self, survive: Callable[[str, list[int]], list[int]] = lambda name, blocks: []) -> None:
        """The power goes and comes back; `survive` says which unsynced blocks of a file made it."""
        for name, content in sorted(self._stable_names.items()):
            content.settle(survive(name, list(content.unsynced)))
            content.seen = bytearray(content.stable)
        self._files = dict(self._stable_names)
        self._locked = False

    def kill(self) -> None:
        """The process ends; the machine goes on, so nothing written is lost."""
        self._locked = False

    def bytes_of(self, name: str) -> bytearray:
        """A file's bytes, to look at or to damage."""
        return self._files[name].seen

    def _ask(self, operation: str, name: str) -> None:
        number = self.fault(operation, name)
        if number is not None:
            raise OSError(number, f"{operation} failed")


class MemoryFile:
    """An open file of it."""

    def __init__(self, disk: MemoryDisk, name: str, content: _Content) -> None:
        self._disk = disk
        self._name = name
        self._content = content

    @property
    def size(self) -> int:
        """See `DiskFile`."""
        return len(self._content.seen)

    def read(self, offset: int, *, size: int) -> bytes:
        """See `DiskFile`."""
        self._disk._ask("read", self._name)
        return bytes(self._content.seen[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        """See `DiskFile`."""
        self._disk._ask("write", self._name)
        self._content.write(offset, data)

    def sync(self) -> None:
        """See `DiskFile`."""
        self._disk._ask("sync", self._name)
        self._content.settle(self._content.unsynced)

    def close(self) -> None:
        """See `DiskFile`."""
