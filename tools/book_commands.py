"""Random commands for order books: every action, kind, validity, flag, phase, self-trade rule and band, and bad input.

The same seed gives the same commands. Ids come from a small pool and finished ids are used again, so that the live book
stays small while everything in it happens often. Each seed has a character of its own: prices wide or narrow or at the
edge of what is allowed, many stops, many auctions, few accounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradsys.core.matching import MAX_PRICE, MAX_QUANTITY, POST_ONLY, Action, BookPhase, Command, Kind, TimeInForce

Column = NDArray[np.int64]

INSTRUMENTS = 3
BLOCK = 10_000
SMALLEST, LARGEST = -(2**63), 2**63 - 1

# In the order of the enumerations; the two beyond the last member become numbers of nothing.
ACTIONS = np.array([0.560, 0.110, 0.090, 0.200, 0.002, 0.009, 0.007, 0.012, 0.006, 0.001, 0.002, 0.001])
KINDS = np.array([0.520, 0.110, 0.080, 0.090, 0.100, 0.090, 0.005, 0.005])
VALIDITIES = np.array([0.290, 0.330, 0.170, 0.100, 0.100, 0.005, 0.005])
PHASES = np.array([0.710, 0.140, 0.070, 0.040, 0.020, 0.010, 0.010])
NUMBERS_OF_NOTHING = np.array([-1, 99])

BAD_PRICES = np.array([0, -1, SMALLEST, MAX_PRICE + 1, LARGEST])
BAD_QUANTITIES = np.array([0, -1, SMALLEST, MAX_QUANTITY + 1, LARGEST])
BAD_FLAGS = np.array([5, 6, 7, 16, 32, -1, POST_ONLY + 7, SMALLEST, LARGEST])
BAD_DISPLAYS = np.array([-1, 10**6, SMALLEST, LARGEST])
BAD_SIDES = np.array([-1, 2, SMALLEST, LARGEST])
BAD_INSTRUMENTS = np.array([-1, INSTRUMENTS, SMALLEST, LARGEST])
ODD_IDS = np.array([0, -1, 1, 2**32, SMALLEST, LARGEST])


@dataclass(frozen=True)
class Character:
    """What one seed is about."""

    centre: int
    width: float
    pool: Column
    accounts: int
    stops: float
    icebergs: float
    fill_or_kill: float
    auctions: float
    nonsense: float


def character(random: np.random.Generator) -> Character:
    """Draw what a seed is about."""
    ids = random.integers(-(2**62), 2**62, int(random.choice([24, 40, 120], p=[0.4, 0.4, 0.2])))
    ids[: len(ODD_IDS)] = ODD_IDS
    return Character(
        centre=int(random.choice([3, 100, 10_000, 1_000_000, MAX_PRICE - 3], p=[0.1, 0.35, 0.35, 0.1, 0.1])),
        width=float(random.choice([2.0, 6.0, 40.0], p=[0.4, 0.4, 0.2])),
        pool=ids,
        accounts=int(random.choice([1, 3, 8])),
        icebergs=float(random.choice([0.1, 0.7])),
        fill_or_kill=float(random.choice([1.0, 3.0])),
        stops=float(random.choice([0.3, 1.0, 3.0])),
        auctions=float(random.choice([0.2, 1.0, 3.0])),
        nonsense=float(random.choice([0.0, 0.002, 0.02])),
    )


def commands(seed: int, count: int) -> Iterator[Command]:
    """`count` commands of one seed for a book of `INSTRUMENTS`. A shorter run is the start of a longer one."""
    random = np.random.default_rng(seed)
    about = character(random)
    for start in range(0, count, BLOCK):
        columns = _block(random, about, start)
        yield from map(Command._make, zip(*(column[: count - start].tolist() for column in columns), strict=True))


def _block(random: np.random.Generator, about: Character, start: int) -> list[Column]:
    """One block as columns, in the order of the fields of `Command`."""
    action = _drawn(random, _scaled(ACTIONS, about.auctions, Action.SET_PHASE, Action.UNCROSS), len(Action))
    kind = _drawn(random, _scaled(KINDS, about.stops, Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING), len(Kind))
    validity = _drawn(random, _scaled(VALIDITIES, about.fill_or_kill, TimeInForce.FOK), len(TimeInForce))
    at = np.arange(start, start + BLOCK)
    side = random.integers(0, 2, BLOCK)
    quantity = _quantities(random, about, action)
    plain = (kind == Kind.LIMIT) & (validity <= TimeInForce.GTD)
    return [
        action,
        random.choice(about.pool, BLOCK),
        _spoilt(random, about, side, BAD_SIDES),
        _first_prices(random, about, action, kind, side),
        quantity,
        kind,
        validity,
        _flags(random, about, plain),
        _spoilt(random, about, random.integers(0, INSTRUMENTS, BLOCK), BAD_INSTRUMENTS),
        random.integers(0, about.accounts + 1, BLOCK),
        _second_prices(random, about, action, kind),
        _trails(random, about, kind),
        _displays(random, about, plain, quantity),
        at + random.integers(-40, 4_000, BLOCK),
        at,
    ]


def _drawn(random: np.random.Generator, weights: NDArray[np.float64], known: int) -> Column:
    """Numbers with the given weights; those beyond the known ones become numbers of nothing."""
    drawn = random.choice(len(weights), BLOCK, p=weights / weights.sum())
    nothing: Column = NUMBERS_OF_NOTHING.take(drawn - known, mode="clip")
    column: Column = np.where(drawn < known, drawn, nothing)
    return column


def _scaled(weights: NDArray[np.float64], factor: float, *which: int) -> NDArray[np.float64]:
    scaled = weights.copy()
    scaled[list(which)] *= factor
    return scaled


def _chance(random: np.random.Generator, share: float) -> NDArray[np.bool_]:
    return random.random(BLOCK) < share


def _spoilt(random: np.random.Generator, about: Character, good: Column, bad: Column) -> Column:
    return np.where(_chance(random, about.nonsense), random.choice(bad, BLOCK), good)


def _around(random: np.random.Generator, about: Character, shift: Column | int = 0) -> Column:
    """Prices about the centre, at least 1 and at most the most."""
    drawn = random.normal(0, about.width, BLOCK).round().astype(np.int64) + about.centre + shift
    clipped: Column = np.clip(drawn, 1, MAX_PRICE)
    return clipped


def _first_prices(random: np.random.Generator, about: Character, action: Column, kind: Column, side: Column) -> Column:
    """Field `price`: a limit, a protection, a phase, a band's lowest or an auction's price."""
    away = (side * 2 - 1) * int(about.width * 0.6)
    protection = (action == Action.NEW) & (kind == Kind.PROTECTED)
    price = np.where(protection, random.integers(1, 8, BLOCK), _around(random, about, away))
    band = np.where(_chance(random, 0.5), 0, _around(random, about, -int(2 * about.width)))
    price = np.where(action == Action.SET_BAND, band, price)
    price = np.where((action == Action.UNCROSS) & _chance(random, 0.15), 0, price)
    price = _spoilt(random, about, price, BAD_PRICES)
    phase = _drawn(random, PHASES, len(BookPhase))
    return np.where(action == Action.SET_PHASE, phase, price)


def _second_prices(random: np.random.Generator, about: Character, action: Column, kind: Column) -> Column:
    """Field `trigger`: of a stop, a band's highest, or what an auction without a price falls back on."""
    unset = _chance(random, 0.5) & ((action == Action.SET_BAND) | (action == Action.UNCROSS) | (kind == Kind.TRAILING))
    band = _around(random, about, int(2 * about.width))
    drawn = np.where(action == Action.SET_BAND, band, _around(random, about))
    return _spoilt(random, about, np.where(unset, 0, drawn), BAD_PRICES)


def _quantities(random: np.random.Generator, about: Character, action: Column) -> Column:
    quantity = random.integers(1, 25, BLOCK)
    # not where a small display could be kept: an order as large would take it part by part
    huge = _chance(random, 0.002) & (action != Action.REPLACE)
    quantity = np.where(huge, MAX_QUANTITY - quantity + 1, quantity)
    quantity = np.where(action == Action.UNCROSS, random.choice(3, BLOCK, p=[0.6, 0.25, 0.15]), quantity)
    quantity = np.where(action == Action.SET_BAND, random.integers(0, 2, BLOCK), quantity)
    return _spoilt(random, about, quantity, BAD_QUANTITIES)


def _flags(random: np.random.Generator, about: Character, plain: NDArray[np.bool_]) -> Column:
    post_only = np.where(plain & _chance(random, 0.12), POST_ONLY, 0)
    return _spoilt(random, about, random.integers(0, 5, BLOCK) + post_only, BAD_FLAGS)


def _trails(random: np.random.Generator, about: Character, kind: Column) -> Column:
    trail = np.where(kind == Kind.TRAILING, random.integers(1, 12, BLOCK), 0)
    return _spoilt(random, about, trail, BAD_PRICES[1:])


def _displays(random: np.random.Generator, about: Character, plain: NDArray[np.bool_], quantity: Column) -> Column:
    iceberg = plain & _chance(random, about.icebergs) & (quantity > 0)
    parts = np.where(quantity > 2**30, quantity // 7, random.integers(1, 12, BLOCK))
    display = np.minimum(parts, quantity)
    return _spoilt(random, about, np.where(iceberg, display, 0), BAD_DISPLAYS)
