"""What the libraries that read files raise on damaged bytes, as a refusal."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradsys.core.errors import DataError


@contextmanager
def damage_refused(path: Path) -> Iterator[None]:
    """Turn what is raised on damaged bytes of a file into `DataError`; anything else is a defect of ours."""
    import pyarrow

    damage = (pyarrow.ArrowException, zipfile.BadZipFile, zlib.error, UnicodeDecodeError, OSError, EOFError)
    try:
        yield
    except damage as problem:
        raise DataError(f"{path} cannot be read: {problem}", value=str(path), fix="correct or fetch it again") from None
