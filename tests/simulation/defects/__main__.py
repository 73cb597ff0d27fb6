"""`make defects`: every planted defect is hunted; the table of what it took."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from tests.simulation.defects.hunting import LIMIT, Caught, hunt
from tests.simulation.defects.patches import defects


def main() -> int:
    """Returns the exit code: 1 where one was not found."""
    parser = argparse.ArgumentParser(description="Plant defects and see that the simulator finds them.")
    parser.add_argument("names", nargs="*", help="some of them; all where none is named")
    parser.add_argument("--from", type=int, default=0, dest="first", help="first seed")
    parser.add_argument("--limit", type=int, default=LIMIT, help="seeds at most")
    parser.add_argument("--seconds", type=float, default=600, help="and seconds, for each")
    parser.add_argument("--out", type=Path, help="a file for one line of JSON each")
    given = parser.parse_args()
    found = []
    for defect in defects():
        if given.names and defect.name not in given.names:
            continue
        caught = hunt(defect, first=given.first, limit=given.limit, seconds=given.seconds)
        found.append(caught)
        print(row(caught), flush=True)
        if given.out:
            with given.out.open("ab") as file:
                file.write(msgspec.json.encode(caught) + b"\n")
    missed = [each.defect for each in found if not each.seeds]
    print(f"{len(found) - len(missed)} of {len(found)} found", *missed)
    return 1 if missed or not found else 0


def row(caught: Caught) -> str:
    """A line of the table."""
    seeds = f"{caught.seeds:,}" if caught.seeds else "not found"
    return f"| {caught.title} | {caught.law} | {seeds} |"


if __name__ == "__main__":
    sys.exit(main())
