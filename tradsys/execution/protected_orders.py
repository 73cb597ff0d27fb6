"""Market orders as exchanges take them: limit orders capped a little beyond the last price, which may come to rest.

Pure: a remainder and the market in, what to do with it out. Prices are 1e-8, percentages hundredths of a percent.
Rule: a market order with protection is a limit order at the last price ± the percentage (Kite Connect forum 52940,
52970), and what it does not fill stays in the book at that limit.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tradsys.core.events import Side
from tradsys.core.protection import Move
from tradsys.core.units import Rounding, to_step, to_text

WHOLE = 10_000
"""Hundredths of a percent in one."""

Then = Literal["widen", "cancel", "alert"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a price may be just now: whole ticks, from the lowest to the highest of the day's band."""

    tick: int
    low: int
    high: int


class Chase(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a remainder that rests: so many new limits at the last price, then something else."""

    re_pegs: int
    then: Then


class ProtectionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a capped order is looked at (`wait` nanoseconds after it was taken, or as long as `bars` of its instrument),
    and what is done with what opens a position and with what closes one. Widening multiplies the percentage by
    `factor` hundredths, up to `widest`."""

    wait: int
    bars: int
    entries: Chase
    exits: Chase
    factor: int
    widest: int

    def chase(self, *, closes: bool, forced: bool) -> Chase:
        """What holds for an order. What no strategy asked for (square-off, kill switch, roll) always ends done."""
        if forced:
            return Chase(re_pegs=self.exits.re_pegs, then="widen")
        return self.exits if closes else self.entries


class Remainder(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a capped order sees: its limit, how it was worked out, how often it was looked at, whether it
    traded since, whether other orders hang on it, and whether somebody was already told that nothing helps."""

    side: Side
    limit: int
    percent: int
    attempt: int
    progressed: bool
    linked: bool
    told: bool


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, at which cap, and why."""

    move: Move
    percent: int
    limit: int
    reason: str


def cap(price: int, *, side: Side, percent: int, limits: Limits) -> int:
    """The limit of a protected market order: price × (1 ± percent), at most that far: a buy rounds down to the tick, a
    sale up; never outside the band, never below a tick."""
    exact = price * (WHOLE + side * percent)
    down = side > 0
    whole = exact // WHOLE if down else -(-exact // WHOLE)
    rounded = to_step(whole, limits.tick, Rounding.DOWN if down else Rounding.UP)
    return max(min(max(rounded, limits.low), limits.high), limits.tick)


def is_clipped(rest: Remainder, price: int) -> bool:
    """Whether the market has reached the cap or gone beyond: what is left then waits for it to come back."""
    return (price - rest.limit) * rest.side >= 0


def judge(rest: Remainder, chase: Chase, policy: ProtectionPolicy, *, price: int, limits: Limits) -> Verdict | None:
    """What to do with what is left of a capped order; None for one that trades, and for one that nothing would help.

    A new limit is only worth losing the place in the queue for where it reaches further than the one there is.
    """
    if rest.progressed and not is_clipped(rest, price):
        return None
    why = f"rests at {to_text(rest.limit)}, the last price is {to_text(price)}"
    if rest.linked and chase.then != "cancel":
        return _alert(rest, f"{why}; orders that hang on it keep it from being placed anew")
    if rest.attempt < chase.re_pegs and not rest.linked:
        return _re_peg(rest, f"{why}; {rest.attempt + 1} of {chase.re_pegs}", price=price, limits=limits)
    if chase.then == "widen":
        return _widen(rest, policy, why, price=price, limits=limits)
    if chase.then == "cancel":
        return Verdict(move=Move.CANCEL, percent=rest.percent, limit=0, reason=why)
    return _alert(rest, f"{why}; it stays there")


def _re_peg(rest: Remainder, why: str, *, price: int, limits: Limits) -> Verdict:
    fresh = cap(price, side=rest.side, percent=rest.percent, limits=limits)
    further = (fresh - rest.limit) * rest.side > 0
    return Verdict(move=Move.RE_PEG if further else Move.HOLD, percent=rest.percent, limit=fresh, reason=why)


def _widen(rest: Remainder, policy: ProtectionPolicy, why: str, *, price: int, limits: Limits) -> Verdict | None:
    """More room, as much as it takes to reach further than the limit there is: the last price may lie far inside it. At
    the widest, the last price again; where not even that reaches further, somebody is told."""
    widest, wide = max(policy.widest, rest.percent), rest.percent
    while True:
        wide = max(min(wide * policy.factor // 100, widest), wide + 1) if wide < widest else widest
        fresh = cap(price, side=rest.side, percent=wide, limits=limits)
        if (fresh - rest.limit) * rest.side > 0:
            move = Move.WIDEN if wide > rest.percent else Move.RE_PEG
            return Verdict(move=move, percent=wide, limit=fresh, reason=why)
        if wide == widest:
            return _alert(rest, f"{why}; {wide / 100:g} % reaches no further inside the price band")


def _alert(rest: Remainder, reason: str) -> Verdict | None:
    return None if rest.told else Verdict(move=Move.ALERT, percent=rest.percent, limit=0, reason=reason)
