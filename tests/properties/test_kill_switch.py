"""The latch: whatever happens in whatever order, the level only rises by itself, each rise is told once, and a restart
at any moment changes nothing that follows."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.safety import SafetyLevel, SafetyRaised
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.kill_triggers import SECOND, Burst, KillSettings, Rung

SETTINGS = KillSettings(
    loss=(
        Rung(limit=100, level=SafetyLevel.NO_NEW_RISK),
        Rung(limit=200, level=SafetyLevel.CANCEL),
        Rung(limit=300, level=SafetyLevel.FLATTEN),
    ),
    rejects=Burst(count=2, window=SECOND),
    orders=Burst(count=3, window=SECOND, level=SafetyLevel.CANCEL),
    stale_after=4 * SECOND,
    link_after=2 * SECOND,
    link_level=SafetyLevel.CANCEL,
)
names = st.sampled_from(["X", "Y"])
happenings = st.one_of(
    st.tuples(
        st.just("on_equity"),
        st.fixed_dictionaries(
            {
                "equity": st.one_of(st.integers(0, 1_000), st.integers(900, 1_000), st.none(), st.just(float("nan"))),
                "date": st.integers(1, 3),
            }
        ),
    ),
    st.tuples(st.just("on_expected"), st.fixed_dictionaries({"instrument": names, "expected": st.booleans()})),
    st.tuples(st.just("on_market"), st.fixed_dictionaries({"instrument": names})),
    st.tuples(st.just("on_order"), st.just({})),
    st.tuples(st.just("on_reject"), st.just({})),
    st.tuples(st.just("on_link"), st.fixed_dictionaries({"up": st.booleans()})),
    st.tuples(st.just("on_reconciliation"), st.fixed_dictionaries({"failed": st.sampled_from(["", "X differs"])})),
    st.tuples(st.just("on_time"), st.just({})),
    st.tuples(
        st.just("on_operator"),
        st.fixed_dictionaries(
            {"level": st.sampled_from(list(SafetyLevel)), "by": st.just("a"), "reason": st.just("b")}
        ),
    ),
    st.tuples(st.just("lower"), st.fixed_dictionaries({"level": st.sampled_from(list(SafetyLevel))})),
)
steps = st.lists(st.tuples(st.integers(0, 2 * SECOND), happenings), max_size=40)


def do(switch: KillSwitch, name: str, fields: dict[str, Any], at: int) -> list[SafetyRaised]:
    """One step; a lowering that is no lower is not made."""
    if name == "lower":
        if fields["level"] < switch.level:
            switch.lower(fields["level"], by="a", reason="b", at=at)
        return []
    found: list[SafetyRaised] = getattr(switch, name)(**fields, at=at)
    return found


@given(steps, st.integers(0, 40))
def test_the_level_is_latched_and_a_restart_changes_nothing(
    happened: list[tuple[int, tuple[str, dict[str, Any]]]], restart: int
) -> None:
    switch, again, at = KillSwitch(SETTINGS), KillSwitch(SETTINGS), 0
    for number, (passed, (name, fields)) in enumerate(happened):
        at += passed
        if number == restart:
            again = KillSwitch(SETTINGS)
            again.restore(switch.state())
        before = switch.level
        raised = do(switch, name, fields, at)
        if name != "lower":
            assert switch.level >= before
        assert [each.level for each in raised] == ([switch.level] if switch.level > before else [])
        assert all(each.limit and each.value and each.at == at for each in raised)
        assert do(again, name, fields, at) == raised
        assert (again.state(), again.next_at) == (switch.state(), switch.next_at)


@given(steps)
def test_silence_is_judged_when_next_at_says_and_not_before(
    happened: list[tuple[int, tuple[str, dict[str, Any]]]],
) -> None:
    switch, at = KillSwitch(SETTINGS), 0
    for passed, (name, fields) in happened:
        at += passed
        do(switch, name, fields, at)
    due = switch.next_at
    if due is None:
        assert switch.on_time(at=at + 10**15) == []
    else:
        early = KillSwitch(SETTINGS)
        early.restore(switch.state())
        assert early.on_time(at=due - 1) == []
        assert len(switch.on_time(at=due)) == 1
