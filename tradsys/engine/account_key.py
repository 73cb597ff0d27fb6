"""The key of an account at a venue, from a file that nobody else can read."""

from __future__ import annotations

from pathlib import Path

from tradsys.core.errors import ConfigError, MissingData


def key_in_file(path: Path) -> str:
    """The key. Raises `MissingData` without the file, `ConfigError` for one that others may read or that is empty."""
    if not path.is_file():
        raise MissingData("no such key file", value=str(path), fix="write the account's key into it, mode 0600")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ConfigError("others may read the key file", value=oct(mode), limit="0600", fix=f"chmod 600 {path}")
    return not_empty(path.read_text(encoding="utf-8").strip(), where=str(path))


def not_empty(key: str, *, where: str) -> str:
    """The key, if there is one. Raises `ConfigError`."""
    if not key:
        raise ConfigError("there is no key", value=where, limit="one line of text", fix="put the account's key there")
    return key
