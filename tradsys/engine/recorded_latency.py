"""How long orders and reports travel in a run on records: from `[execution]` and the record to a latency a leg."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.units import MILLISECOND
from tradsys.engine.recorded_data import Recording
from tradsys.engine.run_file import ExecutionSection
from tradsys.exchange.latency_models import ConstantLatency, Latency, lognormal, recorded

LONGEST = 60_000.0
LARGEST_SCALE = 1_000.0
KINDS = ("constant", "lognormal", "recorded")


def latencies(execution: ExecutionSection, recordings: Iterable[Recording], *, seed: int) -> tuple[Latency, Latency]:
    """The latency of orders, and that of reports. Drawn ones follow from `seed`, each leg for itself.

    Raises `UnknownName` for a kind that there is not, `ConfigError` for figures out of range, and for a `recorded`
    latency where milliseconds are given too or no message of the record says how long it took.
    """
    entry = _nanoseconds("execution.latency_ms", execution.latency_ms)
    response = _nanoseconds("execution.response_ms", execution.response_ms)
    if execution.latency == "constant":
        return ConstantLatency(entry), ConstantLatency(response)
    if execution.latency == "lognormal":
        legs = ((entry, 2 * seed), (response, 2 * seed + 1))
        drawn, heard = (_drawn(median, spread=execution.latency_spread, seed=each) for median, each in legs)
        return drawn, heard
    if execution.latency != "recorded":
        raise UnknownName("latency", execution.latency, KINDS, where="execution.latency")
    if entry or response:
        raise ConfigError(
            "a recorded latency is as long as the record says",
            value=f"latency_ms = {execution.latency_ms:g}, response_ms = {execution.response_ms:g}",
            fix="leave both out, or give latency_scale",
        )
    taken = _as_recorded(recordings, scale=execution.latency_scale)
    return taken, taken


def _nanoseconds(key: str, milliseconds: float) -> int:
    if not 0 <= milliseconds <= LONGEST:
        raise ConfigError(
            f"{key} out of range", value=milliseconds, limit=f"0 to {LONGEST:g}", fix="1.5 is a good line"
        )
    return round(milliseconds * MILLISECOND)


def _drawn(median: int, *, spread: float, seed: int) -> Latency:
    """A leg without a median takes no time."""
    return lognormal(median=median, spread=spread, seed=seed) if median else ConstantLatency(0)


def _as_recorded(recordings: Iterable[Recording], *, scale: float) -> Latency:
    if not 0 < scale <= LARGEST_SCALE:
        raise ConfigError(
            "execution.latency_scale out of range",
            value=scale,
            limit=f"above 0, to {LARGEST_SCALE:g}",
            fix="1 is usual",
        )
    series = [each.ticks for each in recordings]
    at, exchange_at = (np.concatenate([getattr(each, name) for each in series]) for name in ("at", "exchange_at"))
    if not (at > exchange_at).any():
        raise ConfigError(
            "the record does not say how long its messages took",
            value="no message was heard later than it happened",
            fix='latency = "constant" or "lognormal"',
        )
    order = np.argsort(at, kind="stable")
    return recorded(exchange_at=exchange_at[order].tolist(), at=at[order].tolist(), scale=scale)
