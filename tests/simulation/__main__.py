"""`python -m tests.simulation`: one seed, looked at closely, or very many."""

from __future__ import annotations

import argparse
import math
import os
import sys

import msgspec

from tests.simulation.campaign import campaign
from tests.simulation.cases import Case, again, attempt, case_of, keep, line
from tests.simulation.scenario import TROUBLE
from tests.simulation.shrinking import shrunk


def main() -> int:
    """Returns the exit code: 1 where a law was broken."""
    parser = argparse.ArgumentParser(description="Simulated trading under faults.")
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--without", default="", help="kinds of faults to leave out, with commas between")
    parser.add_argument("--trouble", type=int, default=TROUBLE, help="simulated seconds in which things go wrong")
    parser.add_argument("--log", action="store_true", help="the end of what happened")
    parser.add_argument("--tail", type=int, default=60, help="lines of it")
    parser.add_argument("--shrink", action="store_true", help="make a failing seed smaller")
    parser.add_argument("--keep", action="store_true", help="and keep it among those that the tests run for ever")
    parser.add_argument("--seeds", type=int, default=2000, help="many: so many seeds")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--record", action="store_true", help="put what they were like into docs/reliability.md")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; begun again, it goes on")
    given = parser.parse_args()
    if given.seed is None:
        return campaign(
            first=given.first, seeds=given.seeds, workers=given.workers, write=given.record, minutes=given.minutes
        )
    without = tuple(filter(None, given.without.split(",")))
    case = case_of(given.seed, without=without, trouble=given.trouble)
    return _one(case, tail=given.tail if given.log else 0, shrink=given.shrink or given.keep, store=given.keep)


def _one(case: Case, *, tail: int, shrink: bool, store: bool) -> int:
    log: list[str] | None = [] if tail else None
    report = attempt(case, log=log)
    print(*(log or [])[-tail:], sep="\n")
    if not report.law:
        print(f"seed {case.seed}: all laws hold; {report.events} events, trace {report.trace}")
        return 0
    print(line(case, report))
    if shrink:
        case = shrunk(msgspec.structs.replace(case, law=report.law))
        print(f"shrunk: {line(case, attempt(case))}\n  {again(case)}")
    if store:
        keep(case)
    return 1


if __name__ == "__main__":
    sys.exit(main())
