"""A day as a row of phases without gap or overlap, and halts cut into it.

Not modelled: the block-deal windows, special pre-open sessions (listings), sessions of illiquid shares, the pre-open
session of special days such as Muhurat, and that far-month futures have no pre-open session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from zlib import crc32

import msgspec
from msgspec.structs import replace

from tradsys.core.errors import InvariantBroken
from tradsys.core.matching import BookPhase
from tradsys.exchange.agents.draws import Draws
from tradsys.reference.phases import Duty, Market, Phase, day_bounds, day_phases

Timeline = tuple[Phase, ...]

CLOSED = "closed"
HALT = "halt"
REOPENING = "reopening"
_UNCROSS = frozenset({Duty.UNCROSS_RELEASE, Duty.UNCROSS_CANCEL_MARKET, Duty.UNCROSS_CANCEL_ALL})


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """A stop of trading from `start` to `end` (None: for the rest of the day), and the call auction after it.

    `phase` is what the book is in meanwhile; in an auction phase it ends with a match. `value` passed `limit`, both in
    the units of what was watched.
    """

    rule: str
    value: int
    limit: int
    start: int
    end: int | None
    auction: int = 0
    phase: BookPhase = BookPhase.HALTED


def timeline(market: Market, on: date, *, seed: int) -> Timeline:
    """The day from midnight to midnight at the venue; random closes drawn from `seed`.

    All instruments of one exchange and kind close at the same instant. A day without a session is closed throughout.
    Raises `UnknownName`, `UncoveredDate`.
    """
    phases = [_drawn(phase, market, seed) for phase in day_phases(market, on)]
    start, end = day_bounds(market.exchange, on)
    return _filled(phases, start=start, end=end)


def _drawn(phase: Phase, market: Market, seed: int) -> Phase:
    """The phase with its end drawn to the nanosecond, each as likely."""
    if phase.random_from is None:
        return phase
    share = Draws(seed, stream=crc32(f"{market.exchange} {market.kind} {phase.name} {phase.start}".encode())).uniform()
    return replace(phase, end=phase.random_from + int(share * (phase.end - phase.random_from)))


def _filled(phases: Iterable[Phase], *, start: int, end: int) -> Timeline:
    """Phases with what lies between them closed. Raises `InvariantBroken` where they overlap."""
    whole: list[Phase] = []
    reached = start
    for phase in phases:
        if phase.start < reached or not phase.start < phase.end <= end:
            raise InvariantBroken(f"phase {phase.name} does not fit its day", value=phase.start, limit=reached)
        whole += [*_closed(reached, phase.start), phase]
        reached = phase.end
    return (*whole, *_closed(reached, end))


def _closed(start: int, end: int, name: str = CLOSED) -> Timeline:
    """A closed phase, where there is time for one."""
    return (Phase(name=name, start=start, end=end, phase=BookPhase.CLOSED),) if start < end else ()


def trades_freely(phase: Phase) -> bool:
    """Whether it is continuous trading at prices of its own, not at the closing price."""
    return phase.phase == BookPhase.CONTINUOUS and Duty.BAND_CLOSE not in phase.at_start


def trading_end(day: Iterable[Phase]) -> int:
    """When continuous trading at prices of its own ends; 0 where there is none."""
    return max((phase.end for phase in day if trades_freely(phase)), default=0)


def reopening(market: Market, on: date, *, start: int, seed: int) -> Timeline:
    """The call auction after a market-wide halt: the day's pre-open session, begun at `start`.

    None for what has no pre-open session (options): it stays halted as long [by assumption].
    """
    opening = [phase for phase in day_phases(market, on) if phase.name.startswith("pre_open")]
    if not opening:
        return ()
    later = start - opening[0].start
    moved = [_moved(phase, later) for phase in opening]
    return tuple(_drawn(phase, market, seed) for phase in moved)


def _moved(phase: Phase, later: int) -> Phase:
    random_from = None if phase.random_from is None else phase.random_from + later
    return replace(phase, name=REOPENING, start=phase.start + later, end=phase.end + later, random_from=random_from)


def interrupted(
    current: Phase, ahead: Sequence[Phase], halt: Halt, auction: Callable[[int], Timeline]
) -> Timeline | None:
    """What lies ahead once a halt is cut into the rest of the day; None where it changes nothing.

    It changes nothing outside continuous trading, or inside a halt of another kind or one that lasts as long. A halt
    within another lasts as long as either. `auction` gives the phases of the call auction that begins at an instant.
    What the halt covers is left out; what it covers in part begins late. Orders that a phase left out would have
    cancelled or expired still are, a match that it would have made is not. What lies beyond the day is the next day's
    (`InstrumentDay.carried`).
    """
    if not (trades_freely(current) or (current.name == HALT and current.phase == halt.phase)):
        return None
    day_end = (ahead[-1] if ahead else current).end
    if halt.end is None:
        return (_halted(halt, day_end, (Duty.EXPIRE_DAY,)),)
    if halt.end + halt.auction <= _covered((current, *ahead)):
        return None
    end = max(halt.end, current.end if current.name == HALT else 0)
    resume = min(end + halt.auction, day_end)
    matched = tuple(phase for phase in auction(end) if phase.end <= resume) if halt.auction else ()
    return _spliced(current, ahead, _halted(halt, min(end, day_end), _match(halt, end, day_end)), matched, resume)


def _covered(phases: Iterable[Phase]) -> int:
    """When the halt that is on ends, its auction included; 0 without one."""
    return max((phase.end for phase in phases if phase.name in (HALT, REOPENING)), default=0)


def _match(halt: Halt, end: int, day_end: int) -> tuple[Duty, ...]:
    in_auction = halt.phase in (BookPhase.AUCTION, BookPhase.AUCTION_LIMIT)
    return (Duty.UNCROSS_RELEASE,) if in_auction and end <= day_end else ()


def _halted(halt: Halt, end: int, at_end: tuple[Duty, ...]) -> Phase:
    return Phase(name=HALT, start=halt.start, end=end, phase=halt.phase, at_end=at_end)


def _spliced(current: Phase, ahead: Sequence[Phase], halted: Phase, auction: Timeline, resume: int) -> Timeline:
    """The halt, its auction, and what of the day is left after them, with the duties of what is left out."""
    begun = () if current.name == HALT else (replace(current, at_start=()),)
    rest = [phase for phase in (*begun, *ahead) if phase.name not in (HALT, REOPENING)]
    missed = (duty for phase in rest if phase.end <= resume for duty in (*phase.at_start, *phase.at_end))
    owed = tuple(duty for duty in missed if duty not in _UNCROSS)
    later = [phase if phase.start >= resume else replace(phase, start=resume) for phase in rest if phase.end > resume]
    if later:
        later[0] = replace(later[0], at_start=(*owed, *later[0].at_start))
    else:
        halted = replace(halted, at_end=(*halted.at_end, *owed))
    gap = _closed(auction[-1].end if auction else halted.end, resume, REOPENING)
    return (halted, *auction, *gap, *later)
