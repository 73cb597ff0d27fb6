"""The table of an order's life: every pair is there, and each is tried on an order in that state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.execution.orders import (
    approved,
    changed,
    dealt,
    declined,
    ended,
    names,
    row,
    tag,
    taken,
    tracker,
)
from tradsys.core.errors import InvariantBroken
from tradsys.core.events import CancelRequested, OrderEvent
from tradsys.core.venue import Awoken, VenueState
from tradsys.execution.order_life import AT_VENUE, LIFE, TERMINAL, Happening, Move, TrackedState
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.venue_limits import SECOND

S, H = TrackedState, Happening
SENT_AT = 10 * SECOND
SILENT_AT = 13 * SECOND
LATER = 200 * SECOND


def sent() -> OrderTracker:
    made = waiting()
    made.departing(at=SENT_AT)
    return made


def waiting() -> OrderTracker:
    made = tracker()
    made.submit(approved(1), reduces=False, at=SENT_AT)
    return made


def asleep() -> OrderTracker:
    made = tracker()
    made.submit(approved(2), reduces=False, at=SENT_AT)
    made.submit(approved(1, parent=2), reduces=False, at=SENT_AT)
    made.departing(at=SENT_AT)
    return made


def unknown() -> OrderTracker:
    made = sent()
    made.on_time(at=SILENT_AT)
    return made


def after(*reports: object) -> Callable[[], OrderTracker]:
    def build() -> OrderTracker:
        made = sent()
        for report in reports:
            made.on_report(report, at=SILENT_AT)  # type: ignore[arg-type]
        return made

    return build


def never_sent() -> OrderTracker:
    made = waiting()
    made.withdraw(CancelRequested(at=0, order_id=1, reason=""), at=SENT_AT)
    made.on_time(at=SENT_AT)
    return made


STATES: dict[TrackedState, Callable[[], OrderTracker]] = {
    S.ASLEEP: asleep,
    S.WAITING: waiting,
    S.SENT: sent,
    S.UNKNOWN: unknown,
    S.OPEN: after(taken()),
    S.PARTLY_FILLED: after(dealt(1, 40)),
    S.ENDING: after(taken(), ended(60)),
    S.FILLED: after(dealt(1, 100)),
    S.CANCELLED: after(ended(100)),
    S.EXPIRED: after(ended(100, state=VenueState.EXPIRED)),
    S.REJECTED: after(declined()),
    S.NEVER_SENT: never_sent,
}


def withdraw(made: OrderTracker) -> list[OrderEvent]:
    made.withdraw(CancelRequested(at=0, order_id=1, reason="r"), at=LATER)
    return [event for event in made.on_time(at=0) if event.order_id == 1]


def absent(made: OrderTracker) -> list[OrderEvent]:
    made.on_absent(tag(1), asked_at=LATER - 2, at=LATER)
    return made.on_absent(tag(1), asked_at=LATER - 1, at=LATER)


OUTSIDE: dict[Happening, Callable[[OrderTracker], list[OrderEvent]]] = {
    H.WITHDRAWN: withdraw,
    H.TAKEN: lambda made: made.on_report(taken(), at=LATER),
    H.DECLINED: lambda made: made.on_report(declined(), at=LATER),
    H.AWOKEN: lambda made: made.on_report(Awoken(at=1, tag=taken().tag, venue_id=1001), at=LATER),
    H.CHANGED: lambda made: made.on_report(changed(50, 60), at=LATER),
    H.DEALT: lambda made: made.on_report(dealt(7, 10), at=LATER),
    H.ENDED: lambda made: made.on_report(ended(100), at=LATER),
    H.WORKING: lambda made: made.on_evidence(row(), trades=[], asked_at=LATER, at=LATER),
    H.ABSENT: absent,
    H.WRITTEN_OFF: lambda made: made.write_off(1, by=("a", "b"), reason="r", at=LATER),
}

NOTHING: list[str] = []
WANTED: dict[tuple[TrackedState, Happening], tuple[list[str], str]] = {
    **{(s, H.WITHDRAWN): (["Cancelled"], "never_sent") for s in (S.ASLEEP, S.WAITING)},
    **{(s, H.WITHDRAWN): (NOTHING, s.value) for s in S if s not in (S.ASLEEP, S.WAITING)},
    **{(s, H.TAKEN): (["Accepted"], "open") for s in (S.ASLEEP, S.WAITING, S.SENT, S.UNKNOWN)},
    **{(s, H.TAKEN): (NOTHING, s.value) for s in (S.OPEN, S.PARTLY_FILLED, S.ENDING, *TERMINAL)},
    **{(s, H.DECLINED): (["Rejected"], "rejected") for s in (S.ASLEEP, S.WAITING, S.SENT, S.UNKNOWN)},
    (S.OPEN, H.DECLINED): (["Cancelled"], "cancelled"),
    **{(s, H.DECLINED): (NOTHING, s.value) for s in (S.PARTLY_FILLED, S.ENDING, *TERMINAL)},
    **{(s, H.AWOKEN): (["Accepted", "Triggered"], "open") for s in (S.ASLEEP, S.WAITING, S.SENT, S.UNKNOWN)},
    **{(s, H.AWOKEN): (["Triggered"], s.value) for s in (S.OPEN, S.PARTLY_FILLED)},
    **{(s, H.AWOKEN): (NOTHING, s.value) for s in (S.ENDING, *TERMINAL)},
    **{(s, H.CHANGED): (["Accepted"], "open") for s in (S.ASLEEP, S.WAITING, S.SENT, S.UNKNOWN)},
    **{(s, H.CHANGED): (NOTHING, s.value) for s in (S.OPEN, S.PARTLY_FILLED, S.ENDING, *TERMINAL)},
    **{(s, H.DEALT): (["Accepted", "Fill"], "partly_filled") for s in (S.ASLEEP, S.WAITING, S.SENT, S.UNKNOWN)},
    **{(s, H.DEALT): (["Fill"], "partly_filled") for s in (S.OPEN, S.PARTLY_FILLED)},
    (S.ENDING, H.DEALT): (["Fill"], "ending"),
    **{(s, H.DEALT): (["Stray"], s.value) for s in TERMINAL},
    **{(s, H.ENDED): (["Cancelled"], "cancelled") for s in (S.ASLEEP, S.WAITING, S.SENT, S.UNKNOWN, S.OPEN)},
    (S.PARTLY_FILLED, H.ENDED): (["Cancelled"], "cancelled"),
    (S.ENDING, H.ENDED): (["Cancelled"], "cancelled"),
    **{(s, H.ENDED): (NOTHING, s.value) for s in TERMINAL},
    **{(s, H.WORKING): (["Accepted"], "open") for s in (S.ASLEEP, S.WAITING, S.SENT, S.UNKNOWN)},
    **{(s, H.WORKING): (NOTHING, s.value) for s in (S.OPEN, S.PARTLY_FILLED, *TERMINAL)},
    (S.ENDING, H.WORKING): (NOTHING, "open"),
    (S.UNKNOWN, H.ABSENT): (["Rejected"], "rejected"),
    **{(s, H.ABSENT): (NOTHING, s.value) for s in S if s is not S.UNKNOWN},
    **{(s, H.WRITTEN_OFF): (["Cancelled"], "never_sent") for s in (S.ASLEEP, S.WAITING)},
    (S.UNKNOWN, H.WRITTEN_OFF): (["Rejected"], "rejected"),
    **{(s, H.WRITTEN_OFF): (["Cancelled"], "cancelled") for s in (S.OPEN, S.PARTLY_FILLED, S.ENDING)},
    **{(s, H.WRITTEN_OFF): (NOTHING, s.value) for s in (S.SENT, *TERMINAL)},
}
"""What the engine is told and where the order is then: written out from the manual, not read from the table."""


@pytest.mark.parametrize("state", TrackedState)
@pytest.mark.parametrize("happening", OUTSIDE)
def test_every_pair_that_others_bring_about(state: TrackedState, happening: Happening) -> None:
    made = STATES[state]()
    found = made.find(1)
    assert found is not None and found.state is state
    made.take_alerts()
    events = OUTSIDE[happening](made)
    told, follows = WANTED[state, happening]
    assert (names(events), found.state.value) == (told, follows)
    cell = LIFE[state][happening]
    alarmed = bool(cell.why) and cell.move is not Move.IGNORE
    alarmed |= (state, happening) in ((S.FILLED, H.DEALT), (S.ENDING, H.WORKING))
    assert any(alert.halts for alert in made.take_alerts()) is alarmed


DEFECTS = {
    **{(s, H.WOKEN): s is not S.ASLEEP for s in S},
    **{(s, H.LET_OUT): s is not S.WAITING for s in S},
    **{(s, H.TOO_LATE): s not in (S.ASLEEP, S.WAITING, S.NEVER_SENT) for s in S},
    **{(s, H.SILENCE): s in (S.ASLEEP, S.WAITING) for s in S},
}


@pytest.mark.parametrize(("state", "happening"), DEFECTS)
def test_every_pair_that_only_we_bring_about(state: TrackedState, happening: Happening) -> None:
    made = STATES[state]()
    found = made.find(1)
    assert found is not None
    is_defect = LIFE[state][happening].move is Move.DEFECT
    assert is_defect is DEFECTS[state, happening]
    if is_defect:
        with pytest.raises(InvariantBroken, match="order 1 in state"):
            made._moves.happen(found, happening, "", at=LATER)


def test_every_pair_is_listed_and_tried() -> None:
    assert set(LIFE) == set(TrackedState) == set(STATES)
    assert all(set(cells) == set(Happening) for cells in LIFE.values())
    assert {(s, h) for s in S for h in H} == set(WANTED) | set(DEFECTS)
    for cells in LIFE.values():
        for cell in cells.values():
            quiet = cell.move in (Move.IGNORE, Move.ALARM, Move.DEFECT)
            assert cell.why or not quiet


def test_nothing_leads_back_to_where_an_order_may_leave() -> None:
    for state, cells in LIFE.items():
        for cell in cells.values():
            if cell.to in (S.WAITING, S.ASLEEP):
                assert state in (S.WAITING, S.ASLEEP)
            if state in TERMINAL:
                assert cell.to is state
    sending = [state for state, cells in LIFE.items() if cells[H.LET_OUT].move is Move.SEND]
    assert sending == [S.WAITING]
    assert not AT_VENUE & TERMINAL
