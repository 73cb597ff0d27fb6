"""Jobs in processes, as many at a time as the machine has processors."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from tradsys.core.errors import ResourceError
from tradsys.engine.verify_child import Job, Report


class Workers:
    """A context in which jobs can be done; leaving it ends every process that it started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._idle: list[subprocess.Popen[bytes]] = []
        self._started: list[subprocess.Popen[bytes]] = []
        self._number = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._started:
            _end(process)

    def do(self, jobs: Sequence[Job], *, done: Callable[[int], None]) -> list[Report]:
        """The reports, in the order of the jobs; `done` is told how many have ended.

        Raises `ResourceError` for copies that cannot be written, and for a process that is killed.
        """
        reports: dict[int, Report] = {}
        waiting = list(enumerate(jobs))[::-1]
        with selectors.DefaultSelector() as selector:
            while len(reports) < len(jobs):
                while waiting and len(selector.get_map()) < (os.cpu_count() or 1):
                    index, job = waiting.pop()
                    process, name = self._give(job)
                    assert process.stdout is not None
                    selector.register(process.stdout, selectors.EVENT_READ, (index, job, process, name))
                for key, _ in selector.select():
                    index, job, process, name = key.data
                    selector.unregister(key.fileobj)
                    reports[index] = self._take(job, process, name)
                    done(len(reports))
        return [reports[index] for index in range(len(jobs))]

    def _give(self, job: Job) -> tuple[subprocess.Popen[bytes], Path]:
        process = self._idle.pop() if self._idle else self._start()
        self._number += 1
        name = self._folder / f"job{self._number}"
        name.with_suffix(".json").write_bytes(msgspec.json.encode(job))
        assert process.stdin is not None
        process.stdin.write(f"{name}\n".encode())
        process.stdin.flush()
        return process, name

    def _start(self) -> subprocess.Popen[bytes]:
        """A process group of its own, so that an interrupt reaches us first and we end it whole."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tradsys.engine.verify_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        )
        self._started.append(process)
        return process

    def _take(self, job: Job, process: subprocess.Popen[bytes], name: Path) -> Report:
        assert process.stdout is not None
        answer = process.stdout.readline()
        if answer and process.poll() is None and hasattr(os, "fork"):
            self._idle.append(process)
        result, log = name.with_suffix(".result"), name.with_suffix(".log")
        if job.kind != "plain":
            shutil.rmtree(job.folder, ignore_errors=True)
        if answer.strip() == b"0" and result.is_file():
            return _usable(msgspec.json.decode(result.read_bytes(), type=Report))
        if answer.startswith(b"-"):
            raise ResourceError(
                f"a run on copies was killed by signal {answer.strip()[1:].decode()}",
                value=answer.strip().decode(),
                fix="free memory, then verify again",
            )
        said = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
        return Report(error=said[-1] if said else "its process ended without a word")


def _usable(report: Report) -> Report:
    if report.broken:
        raise ResourceError(
            f"no room for copies of the data: {report.broken}",
            value=tempfile.gettempdir(),
            fix="free space there, or set TMPDIR to a larger folder",
        )
    return report


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
