"""Saying that kernels are being compiled: their first use on a machine takes a while, and nothing else shows why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from numba.core import event


class _FirstCompilation(event.Listener):
    """Tells of the first compilation and of no other."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._is_told = False

    def on_start(self, event: object) -> None:
        if not self._is_told:
            self._is_told = True
            self._tell()

    def on_end(self, event: object) -> None:
        """Compiled."""


@contextmanager
def compilation_announced(tell: Callable[[], None]) -> Iterator[None]:
    """Within the block, `tell` is called before the first kernel is compiled; never when all come from the cache."""
    with cast(Any, event).install_listener("numba:compile", _FirstCompilation(tell)):
        yield
