"""The kill switch: one latched level that only rises by itself, from triggers that fail closed.

A fold over what it is told: no clock, no I/O. Whoever drives it journals each `SafetyRaised` and acts on the level; the
gate's `SafetyCheck` reads it. What cannot be evaluated counts as a limit passed, with the broken value as the reason.
"""

from __future__ import annotations

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.safety import SafetyLevel, SafetyLowered, SafetyRaised
from tradsys.risk.kill_triggers import KillSettings, Window

_NO_NEW_RISK = SafetyLevel.NO_NEW_RISK


class _State(msgspec.Struct, kw_only=True):
    """All that a restart must know. `heard` maps an instrument that data is expected of to when it was last heard."""

    level: SafetyLevel = SafetyLevel.NORMAL
    date: int = 0
    day_start: int | None = None
    equity: int | None = None
    evaluated_at: int = 0
    heard: dict[str, int] = {}
    rejects: list[int] = []
    orders: list[int] = []
    down_since: int | None = None


class KillSwitch:
    """Owns the level. Each `on_…` answers with at most one `SafetyRaised`, and only where the level rises.

    A cause that still holds after the level was lowered raises it again.
    """

    def __init__(self, settings: KillSettings) -> None:
        self._settings = settings
        self._adopt(_State())

    def _adopt(self, state: _State) -> None:
        self._state = state
        settings = self._settings
        self._rejects = Window(settings.rejects, state.rejects) if settings.rejects is not None else None
        self._orders = Window(settings.orders, state.orders) if settings.orders is not None else None

    def configure(self, settings: KillSettings) -> None:
        """Other limits from now on; what was latched and counted stays."""
        self._settings = settings
        self._adopt(msgspec.msgpack.decode(self.state(), type=_State))

    @property
    def level(self) -> SafetyLevel:
        """What holds now."""
        return self._state.level

    # --- people

    def on_operator(self, level: SafetyLevel, *, by: str, reason: str, at: int) -> list[SafetyRaised]:
        """A person raises the level; nothing where it already holds. It is never refused."""
        return self._raised(level, "operator", limit="a person's word", value=reason, at=at, by=by)

    def lower(self, level: SafetyLevel, *, by: str, reason: str, at: int) -> SafetyLowered:
        """A person lowers the level. Raises `ConfigError` without a name, without a reason, or where it is no lower."""
        if not by.strip() or not reason.strip():
            raise ConfigError(
                "lowering the safety level needs a name and a reason",
                value=f"by={by!r} reason={reason!r}",
                limit="both given",
                fix="say who lowers it, and why it is safe again",
            )
        if level >= self._state.level:
            raise ConfigError(
                f"the safety level is {self._state.level.name}: {level.name} is not lower",
                value=level.name,
                limit=f"below {self._state.level.name}",
                fix="name a lower one",
            )
        self._state.level = level
        return SafetyLowered(at=at, level=level, by=by, reason=reason)

    # --- money

    def on_equity(self, equity: int | float | None, *, date: int, at: int) -> list[SafetyRaised]:
        """The account's worth, money 1e-8, on the exchange's trading `date` (YYYYMMDD).

        The day's loss counts from the last worth of the day before, or the first there is; a date that goes back
        resets nothing. Anything but an int (None: a price is missing; NaN) raises to NO_NEW_RISK.
        """
        if type(equity) is not int:
            return self._raised(_NO_NEW_RISK, "loss", limit="a worth that is known", value=str(equity), at=at)
        state = self._state
        if state.day_start is None or date > state.date:
            state.day_start = state.equity if state.equity is not None else equity
            state.date = date
        state.equity, state.evaluated_at = equity, at
        return self._judged_loss(state.day_start - equity, at)

    def _judged_loss(self, lost: int, at: int) -> list[SafetyRaised]:
        passed = [rung for rung in self._settings.loss if lost >= rung.limit]
        if not passed:
            return []
        return self._raised(passed[-1].level, "loss", limit=str(passed[-1].limit), value=str(lost), at=at)

    # --- market data

    def on_expected(self, instrument: str, *, expected: bool, at: int) -> list[SafetyRaised]:
        """Data of an instrument is expected from now on (its session is open), or no longer."""
        heard = self._state.heard
        if not expected:
            heard.pop(instrument, None)
        elif instrument not in heard:
            if not heard:
                self._state.evaluated_at = max(self._state.evaluated_at, at)
            heard[instrument] = at
        return []

    def on_market(self, instrument: str, *, at: int) -> list[SafetyRaised]:
        """An instrument was heard of."""
        heard = self._state.heard
        if instrument in heard:
            heard[instrument] = at
        return []

    # --- orders and the venue

    def on_order(self, *, at: int) -> list[SafetyRaised]:
        """An order leaves."""
        return self._counted(self._orders, "order_rate", at)

    def on_reject(self, *, at: int) -> list[SafetyRaised]:
        """The venue said no to an order."""
        return self._counted(self._rejects, "reject_burst", at)

    def _counted(self, window: Window | None, trigger: str, at: int) -> list[SafetyRaised]:
        if window is None:
            return []
        count, burst = window.add(at), window.burst
        if count <= burst.count:
            return []
        limit = f"{burst.count} in {_seconds(burst.window)}"
        return self._raised(burst.level, trigger, limit=limit, value=str(count), at=at)

    def on_link(self, *, up: bool, at: int) -> list[SafetyRaised]:
        """The connection to the venue is there, or lost; it counts as lost from the first word on."""
        if up:
            self._state.down_since = None
        elif self._state.down_since is None:
            self._state.down_since = at
        return self.on_time(at=at)

    def on_reconciliation(self, *, failed: str, at: int) -> list[SafetyRaised]:
        """The account was compared with the venue: `failed` says what does not hold, empty where all does."""
        if not failed:
            return []
        level = self._settings.reconciliation_level
        return self._raised(level, "reconciliation", limit="the venue's account is ours", value=failed, at=at)

    def on_storage(self, *, failed: str, at: int) -> list[SafetyRaised]:
        """The record of everything cannot be kept in full: the disk is full, say."""
        level = self._settings.storage_level
        return self._raised(level, "storage", limit="everything is recorded", value=failed or "unknown", at=at)

    # --- time

    @property
    def next_at(self) -> int | None:
        """When silence would next raise the level; None where it cannot."""
        due = [deadline for deadline, level, *_ in self._deadlines() if level > self._state.level]
        return min(due, default=None)

    def on_time(self, *, at: int) -> list[SafetyRaised]:
        """Judge silence: of the feed, of the venue, of whoever works out the account's worth."""
        passed = [each for each in self._deadlines() if each[0] <= at]
        if not passed:
            return []
        _, level, trigger, limit, what, since = max(passed, key=lambda each: each[1])
        value = f"{what} silent for {_seconds(at - since)}"
        return self._raised(level, trigger, limit=limit, value=value, at=at)

    def _deadlines(self) -> list[tuple[int, SafetyLevel, str, str, str, int]]:
        """Deadline, level, trigger, limit, what is silent, since when."""
        state, settings, found = self._state, self._settings, []
        if settings.stale_after is not None and state.heard:
            since, name = min((heard, name) for name, heard in state.heard.items())
            found.append((settings.stale_after, settings.stale_level, "stale_feed", name, since))
        if settings.evaluate_after is not None and state.heard:
            found.append((settings.evaluate_after, _NO_NEW_RISK, "loss", "the account's worth", state.evaluated_at))
        if settings.link_after is not None and state.down_since is not None:
            found.append((settings.link_after, settings.link_level, "lost_heartbeat", "venue", state.down_since))
        return [
            (since + patience, level, trigger, _seconds(patience), what, since)
            for patience, level, trigger, what, since in found
        ]

    # --- latch

    def _raised(
        self, level: SafetyLevel, trigger: str, *, limit: str, value: str, at: int, by: str = ""
    ) -> list[SafetyRaised]:
        if level <= self._state.level:
            return []
        self._state.level = level
        return [SafetyRaised(at=at, level=level, trigger=trigger, limit=limit, value=value, by=by)]

    def state(self) -> bytes:
        """Everything, as MessagePack: `restore` of it is the same switch."""
        if self._rejects is not None:
            self._state.rejects = self._rejects.instants
        if self._orders is not None:
            self._state.orders = self._orders.instants
        return msgspec.msgpack.encode(self._state)

    def restore(self, state: bytes) -> None:
        """Be what `state` was taken of. Raises `ConfigError` for bytes that are none."""
        try:
            self._adopt(msgspec.msgpack.decode(state, type=_State))
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"kill switch: not a state: {error}", value=len(state), limit="what state() gave"
            ) from None


def _seconds(span: int) -> str:
    return f"{span / 10**9:g} s"
