"""Disks of a real process that fill up and fail when a test says so, and the watchdog beside it."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tools.kill_checks import compared, truth_of
from tools.kill_scene import ACCOUNT, PATIENCE, ServedVenue, Trader
from tradsys.engine.control.protocol import Status

FAILING_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int descriptor) {
    if (access(getenv("SYNCS_FAIL"), F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(descriptor);
}
"""
"""A library for LD_PRELOAD: no file is synced any more once there is one of the name that SYNCS_FAIL has."""


@functools.cache
def namespaces() -> bool:
    """Whether a process here may mount a file system of its own, and another enter there."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return False
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


class SmallDisk:
    """A disk of a size under `folder`/journal, which processes begun with `before` see; it lasts until `close`."""

    def __init__(self, folder: Path, *, size: str) -> None:
        journal = folder / "journal"
        journal.mkdir(parents=True)
        mount = f'mount -t tmpfs -o size={size} none "$0" && echo mounted && exec cat'
        self._holder = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", mount, str(journal)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._holder.stdout is not None and self._holder.stdout.readline() == "mounted\n"
        self.before = ("nsenter", "-t", str(self._holder.pid), "-U", "-m", "--preserve-credentials")
        self.journal = Path(f"/proc/{self._holder.pid}/root{journal.resolve()}")
        """The folder on that disk, as others see it."""
        self._filler = self.journal / "somebody else's"

    def fill(self) -> None:
        """Somebody else takes all the space that is left."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(2**16)):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Somebody else gives it back."""
        self._filler.unlink()

    def close(self) -> None:
        """The disk is gone, with all that is on it."""
        self._holder.kill()
        self._holder.wait(PATIENCE)


def failing_syncs(folder: Path) -> tuple[tuple[str, ...], Path] | None:
    """What begins a command whose syncs fail once a file is there, and that file; nothing without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library, trigger = folder / "failing_sync.so", folder / "syncs fail"
    (folder / "failing_sync.c").write_text(FAILING_SYNC)
    build = [compiler, "-shared", "-fPIC", "-o", str(library), str(folder / "failing_sync.c"), "-ldl"]
    if subprocess.run(build, capture_output=True, check=False).returncode:
        return None
    return ("env", f"LD_PRELOAD={library}", f"SYNCS_FAIL={trigger}"), trigger


def seconds_to_end(trader: Trader) -> float:
    """Wait for a process to end by itself: how long that took, less what it and we had to wait for a processor."""
    queues = [Path(f"/proc/{pid}/schedstat") for pid in (trader.pid, os.getpid())]
    began, queued = time.monotonic(), _queued(queues)
    os.waitid(os.P_PID, trader.pid, os.WEXITED | os.WNOWAIT)
    return time.monotonic() - began - (_queued(queues) - queued)


def _queued(queues: list[Path]) -> float:
    return sum(int(each.read_text().split()[1]) for each in queues if each.exists()) / 1e9


def watchdog(folder: Path, venue: ServedVenue) -> subprocess.Popen[str]:
    """The watchdog of a run folder, watching."""
    named = ["--data-dir", str(folder), "--port", str(venue.port), "--account", str(ACCOUNT)]
    options = ["--key-file", str(venue.record.parent / "key"), "--guard", "0.2", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tradsys", "watchdog", *named, *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None and process.stderr.readline().startswith("watching")
    return process


def position_at(venue: ServedVenue, journal: Path) -> int:
    """What the account holds by the venue's own record."""
    return int(compared(journal, truth_of(venue.record, account=ACCOUNT), run="")["position_at_venue"])


def both(venue: ServedVenue, folder: Path, journal: Path) -> dict[str, Any]:
    """A run's journal beside the venue's record."""
    run = json.loads((folder / "manifest.json").read_text())["run"]
    return compared(journal, truth_of(venue.record, account=ACCOUNT), run=run)


def rest_of(trader: Trader) -> dict[str, Any]:
    """What it says of its account once that is at rest, or has not come to it for long."""
    deadline = time.monotonic() + PATIENCE
    while not (rest := trader.ask(Status())["flat"] or {}).get("flat") and time.monotonic() < deadline:
        trader.listen(time.monotonic() + 0.05)
    return rest
