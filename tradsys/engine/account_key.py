"""Secrets, from files that nobody else can read: the key of an account at a venue, the way to a database."""

from __future__ import annotations

from pathlib import Path

from tradsys.core.errors import ConfigError, MissingData


def key_in_file(path: Path) -> str:
    """The key. Raises `MissingData` without the file, `ConfigError` for one that others may read or that is empty."""
    return not_empty(secret_in_file(path, file="key file", what="the account's key"), where=str(path))


def secret_in_file(path: Path, *, file: str, what: str) -> str:
    """The text of a file, without space around it; `file` and `what` it holds name them in errors.

    Raises `MissingData` without the file, `ConfigError` for one that others may read.
    """
    if not path.is_file():
        raise MissingData(f"no such {file}", value=str(path), fix=f"write {what} into it, mode 0600")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ConfigError(f"others may read the {file}", value=oct(mode), limit="0600", fix=f"chmod 600 {path}")
    return path.read_text(encoding="utf-8").strip()


def not_empty(key: str, *, where: str) -> str:
    """The key, if there is one. Raises `ConfigError`."""
    if not key:
        raise ConfigError("there is no key", value=where, limit="one line of text", fix="put the account's key there")
    return key
