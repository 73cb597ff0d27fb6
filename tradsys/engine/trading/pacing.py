"""How long is waited where a run's clock goes faster than the venue's: what is waited for takes as long as ever."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.execution.venue_limits import Patience, VenueLimits

if TYPE_CHECKING:
    from tradsys.engine.trading.terms import LiveSettings

FASTEST = 1_000.0
_MINUTE = 60


def pace(speed: float) -> Callable[[LiveSettings], LiveSettings]:
    """What makes settings of the venue's seconds to settings of a clock that runs `speed` times as fast.

    Spans in which the venue answers grow; what it allows in a minute of that clock is what it allows in so much of its
    own. Silence of the market is the market's and stays. Raises `ConfigError` for a speed out of range.
    """
    if not (math.isfinite(speed) and 0 < speed <= FASTEST):
        raise ConfigError("speed out of range", value=speed, limit=f"above 0, at most {FASTEST:g}", fix="--speed 1")
    return lambda live: live if speed == 1 else _paced(live, speed)


def _paced(live: LiveSettings, speed: float) -> LiveSettings:
    kill = live.kill
    return msgspec.structs.replace(
        live,
        limits=_limits(live.limits, speed),
        patience=_patience(live.patience, speed),
        kill=msgspec.structs.replace(
            kill,
            link_after=kill.link_after and round(kill.link_after * speed),
            evaluate_after=kill.evaluate_after and round(kill.evaluate_after * max(1.0, speed)),
        ),
        reconcile_every=round(live.reconcile_every * speed),
    )


def _limits(limits: VenueLimits, speed: float) -> VenueLimits:
    minute = round(min(limits.per_minute, limits.per_second * _MINUTE) / speed)
    return msgspec.structs.replace(
        limits,
        per_minute=max(2, minute),
        max_decision_age=round(limits.max_decision_age * speed),
        jitter=round(limits.jitter * speed),
    )


def _patience(patience: Patience, speed: float) -> Patience:
    spans = ("answer", "bracket", "quarantine", "first_inquiry", "last_inquiry", "rest", "longest_rest")
    return msgspec.structs.replace(patience, **{name: round(getattr(patience, name) * speed) for name in spans})
