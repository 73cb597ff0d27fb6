"""What every test may ask for: the repository's root and the folder of shared sample data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import postgres_server

ROOT = Path(__file__).resolve().parent.parent

# Neither the machine's speed nor chance decides a test. HYPOTHESIS_PROFILE=campaign searches with fresh seeds.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("campaign", deadline=None, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working copy."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of sample data that is read in place and never shipped; skips where it is absent."""
    folder = Path(os.environ.get("TRADSYS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no sample data at {folder}; set TRADSYS_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def server() -> str:
    """How to connect to the PostgreSQL of the tests; skips where none answers."""
    return postgres_server.answering()


@pytest.fixture
def schema(server: str, tmp_path: Path) -> Iterator[str]:
    """The name of a schema there that is gone afterwards."""
    name = postgres_server.schema_for(tmp_path)
    yield name
    postgres_server.dropped(name)
