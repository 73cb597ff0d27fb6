"""A failing seed made smaller: fewer kinds of faults, less time, and the same law broken."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tests.simulation.cases import Case, attempt

BUDGET = 80
"""Runs at most; what was found until then is the answer."""
SHORTEST = 5
Fails = Callable[[Case], bool]


def shrunk(case: Case, *, fails: Fails | None = None, budget: int = BUDGET) -> Case:
    """The smallest case found that breaks the law that `case` names. `fails` says whether one does: by running it."""
    left = [budget]

    def counted(some: Case) -> bool:
        left[0] -= 1
        return left[0] >= 0 and (fails or _breaks_the_same)(some)

    before = None
    while before != case and left[0] > 0:
        before = case
        case = _shorter(_fewer(case, counted), counted)
    return case


def _breaks_the_same(case: Case) -> bool:
    return attempt(case).law == case.law


def _fewer(case: Case, fails: Fails) -> Case:
    """Faults turned off, half of them at a time and then one by one."""
    kinds = list(case.rates)
    size = max(1, len(kinds) // 2)
    while size:
        for start in range(0, len(kinds), size):
            smaller = case
            for kind in kinds[start : start + size]:
                smaller = smaller.without(kind)
            if smaller != case and fails(smaller):
                case = smaller
        kinds = [kind for kind in kinds if kind in case.rates]
        size //= 2
    return case


def _shorter(case: Case, fails: Fails) -> Case:
    """The time cut by bisection: not every shorter one need fail, one that does is enough."""
    passes, broken = 0, case.trouble
    while broken - passes > SHORTEST:
        middle = (passes + broken) // 2
        if fails(msgspec.structs.replace(case, trouble=middle)):
            broken = middle
        else:
            passes = middle
    return msgspec.structs.replace(case, trouble=broken)
