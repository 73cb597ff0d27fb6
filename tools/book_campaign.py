"""Ten million random commands through the compiled book and the reference book, side by side.

Run by `make campaign-book`. After every command both give the same outcome and the same events, after every 1,000 the
same state hash; the laws of `tools.book_laws` hold; and the compiled book, run once more alone, gives the same hashes.

Seeds are independent: a campaign can be cut into parts or taken up again with `--from-seed 40`. A difference ends it,
with the command that reproduces it and the fewest commands that show it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from tools.book_commands import INSTRUMENTS, commands
from tools.book_laws import Broken, compare, replayed_hashes, shortest
from tradsys.core.matching import Command, MatchingBook
from tradsys.exchange.book_reference import ReferenceBook

MakeBook = Callable[[int], MatchingBook]

A_SEED = 100_000
BETWEEN_HASHES = 1_000


def run_seed(make_book: MakeBook, seed: int, count: int) -> None:
    """One seed through both books, then through the compiled one again.

    Raises: `Broken` at the first difference.
    """
    wanted, given = ReferenceBook(INSTRUMENTS), make_book(INSTRUMENTS)
    first = compare(commands(seed, count), expected=wanted, given=given, between_hashes=BETWEEN_HASHES)
    again = replayed_hashes(commands(seed, count), make_book(INSTRUMENTS), between_hashes=BETWEEN_HASHES)
    if first != again:
        raise Broken("a replay does not give the same hashes")


def fewest(make_book: MakeBook, seed: int, count: int) -> list[Command]:
    """The fewest commands of a seed that show its difference, hashes compared after each."""

    def fails(some: list[Command]) -> bool:
        try:
            compare(some, expected=ReferenceBook(INSTRUMENTS), given=make_book(INSTRUMENTS), between_hashes=1)
        except Broken:
            return True
        return False

    run = list(commands(seed, count))
    try:
        compare(run, expected=ReferenceBook(INSTRUMENTS), given=make_book(INSTRUMENTS), between_hashes=1)
    except Broken as broken:
        run = run[: broken.at + 1]
    return shortest(run, fails=fails)


def campaign(make_book: MakeBook, *, first: int, seeds: int, count: int) -> int:
    """Run seeds and tell the progress. Returns: the exit code, 1 for a difference."""
    started = time.perf_counter()
    for done, seed in enumerate(range(first, first + seeds), 1):
        try:
            run_seed(make_book, seed, count)
        except Broken as broken:
            print(f"seed {seed}: {broken}")
            print(f"again: python -m tools.book_campaign --from-seed {seed} --seeds 1 --count {count}")
            print("the fewest commands:", *fewest(make_book, seed, count), sep="\n  ")
            return 1
        rate = done * count / (time.perf_counter() - started)
        print(f"seed {seed}: equal; {done * count:,} of {seeds * count:,} commands, {rate:,.0f}/s", flush=True)
    print("equal outcomes, events and hashes; never crossed; quantities conserved; replays identical")
    return 0


def main() -> int:
    """Read the arguments and run."""
    from tradsys.exchange.book import Book

    parser = argparse.ArgumentParser(description="Random commands through both order books.")
    parser.add_argument("--from-seed", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds")
    parser.add_argument("--count", type=int, default=A_SEED, help="commands a seed")
    asked = parser.parse_args()
    return campaign(Book, first=asked.from_seed, seeds=asked.seeds, count=asked.count)


if __name__ == "__main__":
    sys.exit(main())
