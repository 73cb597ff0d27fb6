"""The PostgreSQL that tests use: a schema of its own for each, gone afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SERVER = os.environ.get("TRADSYS_TEST_POSTGRES", "host=127.0.0.1 dbname=test connect_timeout=3")


def answering() -> str:
    """How to connect to it; skips where none answers."""
    psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    try:
        psycopg.connect(SERVER).close()
    except psycopg.Error as error:
        pytest.skip(f"no PostgreSQL answers: {error}")
    return SERVER


def schema_for(folder: Path) -> str:
    """A name that no other test has."""
    return f"tradsys_test_{os.getpid()}_{abs(hash(folder)) % 10**9}"


def dropped(schema: str) -> None:
    """Take a schema away."""
    import psycopg

    with psycopg.connect(SERVER, autocommit=True, options="-c synchronous_commit=off") as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


def connection_file(folder: Path) -> Path:
    """A file that says how to connect, which others cannot read."""
    path = folder / "server"
    path.touch(mode=0o600)
    path.write_text(f"{SERVER}\n")
    return path
