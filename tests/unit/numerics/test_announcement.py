"""What is compiled is announced once, before it starts; what is compiled already is not."""

from __future__ import annotations

from typing import Any, cast

import numba

from tradsys.numerics.announcement import compilation_announced


def doubled(number: float) -> float:
    return number + number


def test_the_first_compilation_alone_is_announced() -> None:
    told: list[str] = []
    compiled: Any = cast(Any, numba.njit)(doubled)
    with compilation_announced(lambda: told.append("compiling")):
        assert (compiled(1), compiled(2.5)) == (2, 5.0)
    assert told == ["compiling"]
    with compilation_announced(lambda: told.append("again")):
        assert compiled(3) == 6
    assert told == ["compiling"]
