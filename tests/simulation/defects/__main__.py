"""`make defects`: every planted defect is hunted; the table of what it took."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from tests.simulation.defects.hunting import LIMIT, Caught, hunt
from tests.simulation.defects.patches import defects
from tests.simulation.recording import record


def main() -> int:
    """Returns the exit code: 1 where one was not found."""
    parser = argparse.ArgumentParser(description="Plant defects and see that the simulator finds them.")
    parser.add_argument("names", nargs="*", help="some of them; all where none is named")
    parser.add_argument("--from", type=int, default=0, dest="first", help="first seed")
    parser.add_argument("--limit", type=int, default=LIMIT, help="seeds at most")
    parser.add_argument("--seconds", type=float, default=600, help="and seconds, for each")
    parser.add_argument("--out", type=Path, help="one line of JSON each; what was found there is not hunted")
    parser.add_argument("--record", action="store_true", help="put the table into docs/reliability.md")
    given = parser.parse_args()
    found, before = [], found_before(given.out)
    for defect in defects():
        if given.names and defect.name not in given.names:
            continue
        if defect.name in before:
            found.append(before[defect.name])
            continue
        caught = hunt(defect, first=given.first, limit=given.limit, seconds=given.seconds)
        found.append(caught)
        print(row(caught), flush=True)
        if given.out:
            with given.out.open("ab") as file:
                file.write(msgspec.json.encode(caught) + b"\n")
    if given.record and not given.names:
        write(found)
    missed = [each.defect for each in found if not each.seeds]
    print(f"{len(found) - len(missed)} of {len(found)} found", *missed)
    return 1 if missed or not found else 0


def found_before(path: Path | None) -> dict[str, Caught]:
    """Those of an earlier hunt that were found, by name."""
    if path is None or not path.exists():
        return {}
    rows = [msgspec.json.decode(row, type=Caught) for row in path.read_bytes().splitlines()]
    return {each.defect: each for each in rows if each.seeds}


def write(found: list[Caught]) -> None:
    """The table, into the document."""
    caught = sum(each.seeds > 0 for each in found)
    took = "the seeds are those it took, from 0 on where nothing else is said."
    count = f"{caught} of {len(found)} found. The law is the first that broke; {took}"
    record("defects", lines=[count, "", "| defect | law | seeds |", "|---|---|---:|", *map(row, found)])


def row(caught: Caught) -> str:
    """A line of the table."""
    first = caught.seed - caught.seeds + 1
    seeds = f"{caught.seeds:,}" + (f", from {first:,} on" if first else "") if caught.seeds else "not found"
    return f"| {caught.title} | {caught.law} | {seeds} |"


if __name__ == "__main__":
    sys.exit(main())
