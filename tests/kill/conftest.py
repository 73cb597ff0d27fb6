"""A served venue that records, a run that trades there, and disks that are small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kill.disks import SmallDisk, namespaces
from tools.kill_scene import ServedVenue, Trader, write_scene


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[ServedVenue]:
    """Served while a test lasts."""
    served = ServedVenue(tmp_path, delay_ms=0)
    yield served
    served.close()


@pytest.fixture
def run_file(venue: ServedVenue, tmp_path: Path) -> Path:
    """Trades there for a minute."""
    return write_scene(tmp_path, port=venue.port, seconds=60)


@pytest.fixture
def trading(run_file: Path, tmp_path: Path) -> Iterator[Callable[..., Trader]]:
    """Begins a process that trades in the folder `run`; whichever still does when the test ends is killed."""
    begun: list[Trader] = []

    def begin(*options: str, before: tuple[str, ...] = ()) -> Trader:
        begun.append(Trader(run_file, tmp_path / "run", *options, before=before))
        return begun[-1]

    yield begin
    for each in begun:
        each.process.kill()
        each.process.wait()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], SmallDisk]]:
    """Makes the disk that the journal of the folder `run` is on, of a size."""
    if not namespaces():
        pytest.skip("a process may not mount a file system here")
    made: list[SmallDisk] = []

    def make(size: str) -> SmallDisk:
        made.append(SmallDisk(tmp_path / "run", size=size))
        return made[-1]

    yield make
    for each in made:
        each.close()
