"""Folder names of the store: `instrument=INFY/interval=1m/year=2024`."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from tradsys.core.errors import ConfigError
from tradsys.market.intervals import interval_of, span_of

_PLAIN = re.compile(r"[^A-Za-z0-9._&-]")


def quote(name: str) -> str:
    """An instrument's name as a folder name: anything but letters, digits and `._&-` as %XX."""
    if not name:
        raise ConfigError("an instrument without a name", value=name, fix="give it one")
    return _PLAIN.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


def unquote(name: str) -> str:
    """The inverse of `quote`."""
    raw = re.sub(rb"%([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), name.encode())
    return raw.decode()


def wanted(path: Path, *, interval: str | None, instruments: Collection[str] | None) -> bool:
    """Whether a file's folders, where they are partitions, are those of the interval and instruments asked for."""
    keys = _keys(path)
    if interval and "interval" in keys and keys["interval"] != interval_of(span_of(interval)):
        return False
    return instruments is None or "instrument" not in keys or unquote(keys["instrument"]) in instruments


def is_partition(path: Path) -> bool:
    """Whether a file stands in the store's folders."""
    return {"instrument", "interval", "year"} <= _keys(path).keys()


def _keys(path: Path) -> dict[str, str]:
    return dict(part.split("=", 1) for part in path.parent.parts if "=" in part)
