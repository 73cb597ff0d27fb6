"""The gate's door to the kill switch: what would open or enlarge a position is refused while anything says so."""

from __future__ import annotations

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Claim
from tradsys.core.safety import SafetyLevel
from tradsys.risk.checks import refuse
from tradsys.risk.kill_switch import KillSwitch

_NO_NEW_RISK = SafetyLevel.NO_NEW_RISK


class _State(msgspec.Struct, kw_only=True):
    unsafe: str = ""
    halted: dict[str, str] = {}


class SafetyCheck:
    """No new risk while the kill switch is up, while the account is not reconciled, or while the instrument is halted.

    What only reduces a position always passes: `claim.opening` is 0. Safe mode and halts are its own, and end when
    told; the level is the switch's.
    """

    name = "safety"

    def __init__(self, switch: KillSwitch) -> None:
        self._switch = switch
        self._state = _State()

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Every order."""
        return True

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """None, or `safety-level`, `safe-mode`, `instrument-halted`."""
        if claim.opening == 0:
            return None
        level, state = self._switch.level, self._state
        if level >= _NO_NEW_RISK:
            fix = "find the cause, then lower the level"
            return refuse(order, "safety-level", limit="NORMAL", value=level.name, fix=fix)
        if state.unsafe:
            fix = "wait until the account is reconciled"
            return refuse(order, "safe-mode", limit="a reconciled account", value=state.unsafe, fix=fix)
        why = state.halted.get(instrument.id)
        if why is not None:
            fix = "reconcile the instrument, then resume it"
            return refuse(order, "instrument-halted", limit="not halted", value=why, fix=fix)
        return None

    def enter_safe_mode(self, why: str) -> None:
        """Nothing opens until `leave_safe_mode`: at the start, after a lost connection."""
        self._state.unsafe = why or "unknown"

    def leave_safe_mode(self) -> None:
        """The account is reconciled."""
        self._state.unsafe = ""

    @property
    def safe_mode(self) -> str:
        """Why nothing opens, empty where it may."""
        return self._state.unsafe

    def halt_instrument(self, instrument: str, *, why: str) -> None:
        """Nothing of one instrument opens until `resume_instrument`; the first reason stays."""
        self._state.halted.setdefault(instrument, why)

    def resume_instrument(self, instrument: str) -> None:
        """An instrument may be traded again."""
        self._state.halted.pop(instrument, None)

    @property
    def halted(self) -> dict[str, str]:
        """Halted instruments and why."""
        return dict(self._state.halted)

    def state(self) -> bytes:
        """Safe mode and halts, as MessagePack; the switch has a state of its own."""
        return msgspec.msgpack.encode(self._state)

    def restore(self, state: bytes) -> None:
        """Be what `state` was taken of. Raises `ConfigError` for bytes that are none."""
        try:
            self._state = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"safety check: not a state: {error}", value=len(state), limit="what state() gave"
            ) from None
