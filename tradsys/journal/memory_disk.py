"""A disk in memory that forgets what was not synced, and fails when told to: for simulations of what goes wrong.

Several simulated processes share one. A process that is paused simply does nothing; its open files and its lock stay.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from tradsys.core.errors import ResourceError

BLOCK = 512


class _Content:
    """Bytes of a file as they are seen, as they are on stable storage, and which blocks differ. Zeros at the end are
    not kept: `size` says how long the file is."""

    def __init__(self, size: int) -> None:
        self.size = self.stable_size = size
        self.seen = bytearray()
        self.stable = bytearray()
        self.unsynced: dict[int, None] = {}

    def read(self, offset: int, size: int) -> bytes:
        found = bytes(self.seen[offset : offset + size])
        return found + bytes(max(min(self.length - offset, size), 0) - len(found))

    def write(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if end > self.length:
            raise OSError(errno.EFBIG, "beyond the file")
        if not data:
            return
        if end > len(self.seen):
            self.seen.extend(bytes(end - len(self.seen)))
        self.seen[offset:end] = data
        for block in range(offset // BLOCK, (end - 1) // BLOCK + 1):
            self.unsynced[block] = None

    def whole(self) -> bytearray:
        """All of it, to change as one likes: from now on it is as long as that is."""
        self.seen.extend(bytes(self.length - len(self.seen)))
        self.size = 0
        return self.seen

    @property
    def length(self) -> int:
        return max(self.size, len(self.seen))

    def settle(self, blocks: list[int]) -> None:
        for block in blocks:
            begin, end = block * BLOCK, min((block + 1) * BLOCK, len(self.seen))
            if end > len(self.stable):
                self.stable.extend(bytes(end - len(self.stable)))
            self.stable[begin:end] = self.seen[begin:end]
        self.unsynced.clear()
        self.stable_size = self.length

    def crash(self, survivors: list[int]) -> None:
        size = self.stable_size
        self.settle(survivors)
        self.size = self.stable_size = size
        self.seen = bytearray(self.stable)


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
        self._holder: str | None = None
        self._boots = 1

    @property
    def boot(self) -> str:
        """See `Disk`: another after every crash."""
        return f"boot {self._boots}"

    @property
    def holder(self) -> str | None:
        """Who holds the writer's lock."""
        return self._holder

    @property
    def free(self) -> int:
        """See `Disk`."""
        self._ask("free", "")
        return self._left

    def names(self) -> list[str]:
        """See `Disk`."""
        self._ask("names", "")
        return sorted(self._files)

    def has(self, name: str) -> bool:
        """See `Disk`."""
        self._ask("has", name)
        return name in self._files

    def create(self, name: str, *, size: int) -> MemoryFile:
        """See `Disk`."""
        self._ask("create", name)
        if name in self._files:
            raise FileExistsError(errno.EEXIST, "there is such a file", name)
        self._take(size)
        content = self._files[name] = _Content(size)
        return MemoryFile(self, name, content)

    def open(self, name: str, *, writable: bool = False) -> MemoryFile:
        """See `Disk`."""
        self._ask("open", name)
        return MemoryFile(self, name, self._content(name))

    def rename(self, old: str, *, to: str) -> None:
        """See `Disk`."""
        self._ask("rename", old)
        self._content(old)
        self._files[to] = self._files.pop(old)

    def remove(self, name: str) -> None:
        """See `Disk`."""
        self._ask("remove", name)
        self._content(name)
        del self._files[name]

    def sync_names(self) -> None:
        """See `Disk`."""
        self._ask("sync_names", "")
        self._stable_names = dict(self._files)

    def lock(self, holder: str = "") -> None:
        """See `Disk`."""
        if self._holder is not None:
            raise ResourceError("another process writes this journal", fix="stop it first, or read only")
        self._holder = holder

    def seize(self, holder: str = "") -> None:
        """See `Disk`."""
        self._holder = holder

    def unlock(self, holder: str = "") -> None:
        """See `Disk`; of a process whose lock another seized, nothing."""
        if self._holder == holder:
            self._holder = None

    def crash(self, survive: Callable[[str, list[int]], list[int]] = lambda name, blocks: []) -> None:
        """The power goes and comes back; `survive` says which unsynced blocks of a file made it."""
        for name, content in sorted(self._stable_names.items()):
            content.crash(survive(name, list(content.unsynced)))
        self._files = dict(self._stable_names)
        self._holder = None
        self._boots += 1

    def kill(self, holder: str | None = None) -> None:
        """A process ends, whichever writes where none is named; the machine goes on, so nothing written is lost."""
        if holder in (None, self._holder):
            self._holder = None

    def stable(self) -> MemoryDisk:
        """What would be left if the power went now and nothing unsynced survived: to be read, and at once."""
        left = MemoryDisk()
        for name, content in self._stable_names.items():
            kept = left._files[name] = _Content(content.stable_size)
            kept.seen = content.stable
        return left

    def bytes_of(self, name: str) -> bytearray:
        """A file's bytes, to look at or to damage."""
        return self._files[name].whole()

    def _content(self, name: str) -> _Content:
        if name not in self._files:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return self._files[name]

    @property
    def _left(self) -> int:
        return self.room - sum(content.length for content in self._files.values())

    def _take(self, size: int) -> None:
        if size > self._left:
            raise OSError(errno.ENOSPC, "no space left")

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
        return self._content.length

    def read(self, offset: int, *, size: int) -> bytes:
        """See `DiskFile`."""
        self._disk._ask("read", self._name)
        return self._content.read(offset, size)

    def write(self, offset: int, data: bytes) -> None:
        """See `DiskFile`."""
        self._disk._ask("write", self._name)
        self._content.write(offset, data)

    def grow(self, size: int) -> None:
        """See `DiskFile`."""
        self._disk._ask("grow", self._name)
        self._disk._take(max(size - self._content.length, 0))
        self._content.size = max(size, self._content.length)

    def sync(self) -> None:
        """See `DiskFile`."""
        self._disk._ask("sync", self._name)
        self._content.settle(list(self._content.unsynced))

    def close(self) -> None:
        """See `DiskFile`."""
