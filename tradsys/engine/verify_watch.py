"""Sees which files a strategy opens: by Python's own audit events, and by the kernel's word on what Python cannot see.

Libraries written in C++ (Arrow, DuckDB) open files without telling Python. On Linux the folders that data lie in are
watched through inotify as well; elsewhere only what Python opens is seen.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

OPENED = 0x20
NOT_BLOCKING = 0o4000
_EVENT = struct.Struct("iIII")
DATA_SUFFIXES = (
    ".parquet", ".csv", ".csv.gz", ".txt", ".txt.gz", ".tsv", ".json", ".json.gz", ".feather", ".arrow", ".zip", ".h5",
    ".hdf5", ".npy", ".npz", ".pkl", ".db", ".sqlite", ".duckdb", ".xlsx",
)  # fmt: skip
_REACHING_OUT = ("socket.connect", "subprocess.Popen", "os.system", "os.posix_spawn")
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev")
_CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".pth")
_TRADSYS = str(Path(__file__).resolve().parent.parent) + os.sep

Report = Callable[[str, str], None]


class Folders:
    """The kernel's record of which data files in some folders were opened. Sees every process of the machine."""

    def __init__(self, folders: Iterable[str]) -> None:
        self._descriptor = -1
        self._folders: dict[int, str] = {}
        if sys.platform != "linux":
            return
        library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = library.inotify_init1(NOT_BLOCKING)
        for folder in folders if self._descriptor >= 0 else ():
            watch = library.inotify_add_watch(self._descriptor, os.fsencode(folder), OPENED)
            if watch >= 0:
                self._folders[watch] = folder

    def opened(self) -> list[str]:
        """Paths of the data files opened since the last call, sorted."""
        found: dict[str, None] = {}
        while self._folders and (events := self._read()):
            position = 0
            while position < len(events):
                watch, _, _, length = _EVENT.unpack_from(events, position)
                position += _EVENT.size
                name = os.fsdecode(events[position : position + length].rstrip(b"\0"))
                position += length
                if name.lower().endswith(DATA_SUFFIXES) and watch in self._folders:
                    found[os.path.join(self._folders[watch], name)] = None
        return sorted(found)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, 65536)
        except BlockingIOError:
            return b""


def listen(*, own: str, authors: Sequence[str], report: Report) -> None:
    """Report `(what, author's file)` for whatever strategies read from now on besides code, system files and `own`.

    `own` is the folder of copies; `authors` are the folders that strategies' code lies in. Cannot be undone: call it
    in a process made for one run.
    """
    free = (own + os.sep, *_libraries())

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if not isinstance(path, (str, bytes)) or not _reads(mode, flags):
                return
            what = os.path.abspath(os.fsdecode(path))
            if what.startswith(free) or what.endswith(_CODE):
                return
        elif event == "sqlite3.connect":
            what = f"the database {arguments[0]}"
        elif event in _REACHING_OUT:
            what = f"something outside ({event})"
        else:
            return
        author = _author(sys._getframe(1), tuple(authors))
        if author:
            report(what, author)

    sys.addaudithook(hook)


def _libraries() -> tuple[str, ...]:
    prefixes = (sys.prefix, sys.base_prefix, sys.exec_prefix, *_SYSTEM)
    return tuple(dict.fromkeys(prefix.rstrip(os.sep) + os.sep for prefix in prefixes))


def _reads(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return "r" in mode or "+" in mode
    return isinstance(flags, int) and (flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)) != os.O_WRONLY


def _author(frame: FrameType | None, authors: tuple[str, ...]) -> str:
    """The strategy's file on whose behalf something is opened; nothing where the engine opens it."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(authors):
            return file
        if file.startswith(_TRADSYS):
            return ""
        frame = frame.f_back
    return ""
