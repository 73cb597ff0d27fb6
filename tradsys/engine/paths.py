"""Where the files of a run file are."""

from __future__ import annotations

from pathlib import Path


def find_path(text: str, *, folder: Path) -> str:
    """A path of the run file: beside it if it is there, else under the current directory. Globs keep their stars."""
    beside = folder / text
    if Path(text).is_absolute() or not (beside.exists() or (any(c in text for c in "*?[") and beside.parent.is_dir())):
        return text
    return str(beside)
