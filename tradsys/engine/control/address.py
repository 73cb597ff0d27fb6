"""Names of Unix sockets, which the system keeps to about a hundred bytes, however deep their folder lies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_LONGEST = 100


@contextlib.contextmanager
def address_of(path: Path) -> Iterator[str]:
    """A name of a path that is short enough for a socket: by way of its open folder where it is not itself.

    Raises `OSError` for a folder that is not there.
    """
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
