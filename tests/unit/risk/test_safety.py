"""The gate's check of the kill switch: risk is refused while anything says so, what reduces always passes."""

from __future__ import annotations

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.events import Order, OrderType, Product, Side, Validity
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SCALE
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.kill_triggers import KillSettings
from tradsys.risk.safety import SafetyCheck

SHARE = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY)
OTHER = Instrument(id="NSE:B", exchange="NSE", symbol="B", segment=Segment.EQUITY)
NORMAL, NO_NEW_RISK, CANCEL, FLATTEN = SafetyLevel


def verdict(check: SafetyCheck, *, opening: int, of: Instrument = SHARE) -> tuple[str, str, str] | None:
    """Rule, limit and value of the refusal of an order that opens so much."""
    order = Order(
        at=1,
        order_id=1,
        strategy="s",
        instrument=of.id,
        side=Side.BUY,
        quantity=5 * SCALE,
        type=OrderType.MARKET,
        product=Product.MIS,
        validity=Validity.DAY,
    )
    found = check(order, of, Claim(100 * SCALE, 0, 0, opening, 0))
    assert found is None or (found.fix and found.order is order)
    return (found.rule, found.limit, found.value) if found is not None else None


@pytest.mark.parametrize("level", [NO_NEW_RISK, CANCEL, FLATTEN])
def test_from_no_new_risk_on_nothing_opens_and_reductions_pass(level: SafetyLevel) -> None:
    kill = KillSwitch(KillSettings())
    check = SafetyCheck(kill)
    assert verdict(check, opening=1) is None
    kill.on_operator(level, by="a", reason="b", at=0)
    assert verdict(check, opening=1) == ("safety-level", "NORMAL", level.name)
    assert verdict(check, opening=0) is None
    kill.lower(NORMAL, by="a", reason="b", at=1)
    assert verdict(check, opening=1) is None


def test_safe_mode_ends_when_told() -> None:
    check = SafetyCheck(KillSwitch(KillSettings()))
    check.enter_safe_mode("restarted")
    assert verdict(check, opening=1) == ("safe-mode", "a reconciled account", "restarted")
    assert verdict(check, opening=0) is None
    check.leave_safe_mode()
    assert (verdict(check, opening=1), check.safe_mode) == (None, "")


def test_one_instrument_halted_leaves_the_others() -> None:
    check = SafetyCheck(KillSwitch(KillSettings()))
    check.halt_instrument("NSE:A", why="over-filled")
    check.halt_instrument("NSE:A", why="and again")
    assert verdict(check, opening=1) == ("instrument-halted", "not halted", "over-filled")
    assert verdict(check, opening=0) is None
    assert verdict(check, opening=1, of=OTHER) is None
    check.resume_instrument("NSE:A")
    assert (verdict(check, opening=1), check.halted) == (None, {})


def test_a_restart_keeps_safe_mode_and_halts() -> None:
    check = SafetyCheck(KillSwitch(KillSettings()))
    check.enter_safe_mode("link lost")
    check.halt_instrument("NSE:B", why="diff")
    again = SafetyCheck(KillSwitch(KillSettings()))
    again.restore(check.state())
    assert (again.safe_mode, again.halted, again.state()) == ("link lost", {"NSE:B": "diff"}, check.state())
    with pytest.raises(ConfigError, match="not a state"):
        again.restore(b"\xc1")


def test_it_concerns_every_order() -> None:
    check = SafetyCheck(KillSwitch(KillSettings()))
    assert all(check.concerns(SHARE, Product.CNC, side) for side in Side)
