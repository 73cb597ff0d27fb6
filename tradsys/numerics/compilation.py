"""How kernels are compiled: one decorator, where the compiled code is kept, and how long compiling took."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs
from numba.core import event

Function = TypeVar("Function", bound=Callable[..., Any])

KERNELS = Path(__file__).resolve().parent / "kernels"


class _CompileClock(event.Listener):
    """Adds up the time of the outermost compilations; a callee compiled inside its caller counts once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0
        self._started = 0.0

    def on_start(self, event: object) -> None:
        if self._depth == 0:
            self._started = time.perf_counter()
        self._depth += 1

    def on_end(self, event: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._started


_clock = _CompileClock()
cast(Any, event).register("numba:compile", _clock)


def compile_seconds() -> float:
    """Seconds this process has spent compiling; 0.0 when everything came from the cache."""
    return _clock.seconds


def kernel(function: Function) -> Function:
    """Compile a plain module-level function on first call, and keep the machine code on disk.

    Strict floating point: nothing is reordered or fused, so results do not depend on the machine; a division by zero
    gives inf or NaN. The function is copied into compiled callers, which keeps its state in registers.

    The folder is named by a hash of every source the code could depend on, because numba's own check looks only at
    the file of the function itself and would miss a changed callee. `NUMBA_CACHE_DIR`, where set, is respected.
    """
    config = cast(Any, numba.config)
    before = config.CACHE_DIR
    if not os.environ.get("NUMBA_CACHE_DIR"):
        config.CACHE_DIR = str(_cache_directory(Path(function.__code__.co_filename).resolve().parent))
    try:
        return cast(Function, numba.njit(cache=True, error_model="numpy", forceinline=True)(function))
    finally:
        config.CACHE_DIR = before


def entry_point(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """The machine code of a kernel for arguments of these types, without numba's look at the types on every call.

    It halves the cost of a call. The caller answers for passing the same types ever after.
    """
    compiled: Callable[..., Any] = cast(Any, function).compile(tuple(map(cast(Any, numba).typeof, arguments)))
    return compiled


def _fused_multiply_add(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    real = numba.types.float64

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return real(real, real, real), generate


fused_multiply_add = cast(Callable[[float, float, float], float], numba.extending.intrinsic(_fused_multiply_add))
"""a * b + c rounded once (IEEE 754 fusedMultiplyAdd), the same bits on every machine. For use inside kernels."""


@functools.cache
def _cache_directory(folder: Path) -> Path:
    name = hash_of_sources(folder)
    wanted = Path(platformdirs.user_cache_dir("tradsys")) / "kernels" / name
    if _writable(wanted):
        return wanted
    return Path(tempfile.gettempdir()) / f"tradsys-{os.getuid()}" / "kernels" / name


def hash_of_sources(folder: Path) -> str:
    """A name for what kernels in `folder` are compiled from: its sources, the shared kernels', and numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted({Path(__file__).resolve(), *KERNELS.rglob("*.py"), *folder.rglob("*.py")}):
        digest.update(str(source).encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
