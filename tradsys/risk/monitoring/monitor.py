"""From the state of an account to alerts: each is said once, and again only after it has cleared."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.risk_events import RiskAlert, Severity
from tradsys.core.units import SCALE
from tradsys.risk.monitoring.account import AccountState, Exposure
from tradsys.risk.monitoring.measures import Measure, Unit
from tradsys.risk.monitoring.settings import Thresholds

_APPROACHING, _BREACHED, _CLEARED = Severity.APPROACHING, Severity.BREACHED, Severity.CLEARED

Key = tuple[str, str]
"""Rule and subject."""


class Monitor:
    """Remembers what was said. No clock, no I/O: the same states give the same alerts."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._said: dict[Key, Severity] = {}

    def look(self, state: AccountState) -> list[RiskAlert]:
        """What is to be said of a state: what rose, in the order of the rules, then what is measured no more."""
        found: list[RiskAlert] = []
        left = dict(self._said)
        for measure in measures(state, self._thresholds):
            before = left.pop(measure[:2], None)
            now = self._severity(measure, before)
            if now is not before:
                found += self._changed(measure, before, now, state)
        for rule, subject in left:
            del self._said[rule, subject]
            found.append(_alert(state.at, (rule, subject), _CLEARED, "not measured", ""))
        return found

    @property
    def said(self) -> dict[Key, Severity]:
        """What is approached or breached, and was said."""
        return dict(self._said)

    def _severity(self, measure: Measure, before: Severity | None) -> Severity | None:
        """Against its limit, with the distance that what was said must fall back to clear."""
        if measure.breached:
            return _BREACHED
        value, limit, clear = measure.value * SCALE, measure.limit, self._thresholds.clear
        if before is _BREACHED and value >= clear * limit:
            return _BREACHED
        if not measure.approaches:
            return None
        approach = self._thresholds.approach
        if value >= approach * limit or (before is not None and value * SCALE >= clear * approach * limit):
            return _APPROACHING
        return None

    def _changed(
        self, measure: Measure, before: Severity | None, now: Severity | None, state: AccountState
    ) -> Iterator[RiskAlert]:
        """Keep how it stands, and say it unless it only fell from breached to approaching."""
        key = measure[:2]
        if now is None:
            del self._said[key]
            now = _CLEARED
        else:
            self._said[key] = now
        if now is not _APPROACHING or before is None:
            yield _alert(state.at, key, now, *measure.texts(state.currency))

    def state(self) -> bytes:
        """What was said, as MessagePack."""
        return msgspec.msgpack.encode([(*key, severity) for key, severity in self._said.items()])

    def restore(self, state: bytes) -> None:
        """Be what `state` was taken of. Raises `ConfigError` for bytes that are none."""
        try:
            said = msgspec.msgpack.decode(state, type=list[tuple[str, str, Severity]])
        except msgspec.DecodeError as error:
            raise ConfigError(f"monitor: not a state: {error}", value=len(state), limit="what state() gave") from None
        self._said = {(rule, subject): severity for rule, subject, severity in said}


def _alert(at: int, key: Key, severity: Severity, value: str, limit: str) -> RiskAlert:
    return RiskAlert(at=at, rule=key[0], subject=key[1], severity=severity, value=value, limit=limit)


def measures(state: AccountState, thresholds: Thresholds) -> Iterator[Measure]:
    """Everything that is watched of a state, beside its limit; what has no limit is not there."""
    yield from _of_worth(state, thresholds)
    margin = margin_use(state, thresholds.margin_call)
    if margin is not None:
        yield margin
    yield from _exposures(state, thresholds)
    if thresholds.stale:
        for each in state.prices:
            age = state.at - each.silent_since
            yield Measure("stale-data", each.instrument, age, thresholds.stale, Unit.TIME, approaches=False)
    yield from state.uses


def _of_worth(state: AccountState, thresholds: Thresholds) -> Iterator[Measure]:
    peak = state.peak
    if thresholds.drawdown:
        lost = (peak - state.equity) * SCALE
        yield Measure("drawdown", "", lost, thresholds.drawdown * peak, Unit.SHARE, peak)
    if thresholds.daily_loss:
        yield Measure("daily-loss", "", state.day_start - state.equity, thresholds.daily_loss, Unit.MONEY)


def margin_use(state: AccountState, limit: int) -> Measure | None:
    """Margin beside a share (1e-8) of what covers it; None without margin or without a limit."""
    if not limit or not state.margin:
        return None
    return Measure("margin-call", "", state.margin * SCALE, limit * state.funds, Unit.SHARE, state.funds)


def gross_use(state: AccountState, limit: int, rule: str = "gross-exposure") -> Measure | None:
    """The sizes of all positions beside so many times (1e-8) the account's worth; None without either."""
    return _exposure(rule, "", sum(each.gross for each in state.exposures), limit, state.equity)


def _exposures(state: AccountState, thresholds: Thresholds) -> Iterator[Measure]:
    net = abs(sum(each.net for each in state.exposures))
    found = [
        gross_use(state, thresholds.gross_exposure),
        _exposure("net-exposure", "", net, thresholds.net_exposure, state.equity),
        *(_of_instrument(each, thresholds.instrument_exposure, state.equity) for each in state.exposures),
    ]
    yield from (each for each in found if each is not None)


def _of_instrument(exposure: Exposure, limit: int, equity: int) -> Measure | None:
    return _exposure("instrument-exposure", exposure.instrument, exposure.gross, limit, equity)


def _exposure(rule: str, subject: str, size: int, limit: int, equity: int) -> Measure | None:
    if not limit or not size:
        return None
    return Measure(rule, subject, size * SCALE, limit * equity, Unit.SHARE, equity)
