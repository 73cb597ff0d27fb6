"""The life of an order on its way to a venue and back: one table of every state and everything that can happen.

Rules for this file:
1. Every pair is listed: it does something, is ignored for a reason, raises an alarm, or is a defect of ours.
2. What the engine is told is always legal in `core.orders.TRANSITIONS`: the moves see to that, not their callers.
3. No order is let out but from `WAITING`, and nothing leads back there.
"""

from __future__ import annotations

from typing import NamedTuple

from tradsys.core.events import Word


class TrackedState(Word):
    """Where an order is."""

    ASLEEP = "asleep"
    """The exit of an entry that has not ended."""
    WAITING = "waiting"
    """Asked for, not let out."""
    SENT = "sent"
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTLY_FILLED = "partly_filled"
    ENDING = "ending"
    """The venue says that it ended; trades of it are still to be heard of."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NEVER_SENT = "never_sent"


class Happening(Word):
    """What can happen to an order."""

    WOKEN = "woken"
    """Its entry has filled."""
    LET_OUT = "let_out"
    WITHDRAWN = "withdrawn"
    TOO_LATE = "too_late"
    """It may not leave any more: too old, or no link."""
    SILENCE = "silence"
    """No answer in time, or the link or the process went."""
    TAKEN = "taken"
    DECLINED = "declined"
    AWOKEN = "awoken"
    CHANGED = "changed"
    DEALT = "dealt"
    ENDED = "ended"
    WORKING = "working"
    """An answer to a question has it open."""
    ABSENT = "absent"
    """A whole answer to a question does not have it."""
    WRITTEN_OFF = "written_off"
    """Two people say that it is gone."""


class Move(Word):
    """What is done about it."""

    WAKE = "wake"
    SEND = "send"
    END_UNSENT = "end_unsent"
    REFUSE = "refuse"
    CANCEL = "cancel"
    DOUBT = "doubt"
    ACCEPT = "accept"
    REJECT = "reject"
    AWAKE = "awake"
    TERMS = "terms"
    DEAL = "deal"
    END = "end"
    REOPEN = "reopen"
    """It works on after all: what we took for its end was a change that crossed a trade, or the venue was wrong."""
    COUNT_ABSENCE = "count_absence"
    WRITE_OFF = "write_off"
    REVIVE = "revive"
    """It works although it was given up: it is withdrawn, and counted as somebody else's until it is gone."""
    IGNORE = "ignore"
    ALARM = "alarm"
    DEFECT = "defect"


class Cell(NamedTuple):
    """What is done, the state that follows, and why: the reason to ignore it, or what the alarm says."""

    move: Move
    to: TrackedState
    why: str = ""


_S, _H, _M = TrackedState, Happening, Move

TERMINAL = frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.NEVER_SENT})
AT_VENUE = frozenset({_S.SENT, _S.UNKNOWN, _S.OPEN, _S.PARTLY_FILLED, _S.ENDING})

_FOREIGN = "an order that was never let out is at the venue: another process sends under our tags"
_CONTRADICTION = "the venue declines an order that it had taken"
_GIVEN_UP = "an order that was given up works at the venue"
_IS_SENT = "it has left already"
_WORKS = "it is known to work"
_OVER = "it has ended"
_AWAKE = "it does not sleep"
_BEFORE = "said before it ended, heard after"


def _ended(state: TrackedState) -> dict[Happening, Cell]:
    """The row of a state in which the venue had the order and has it no more."""
    return {
        _H.WOKEN: Cell(_M.DEFECT, state, _AWAKE),
        _H.LET_OUT: Cell(_M.DEFECT, state, _IS_SENT),
        _H.WITHDRAWN: Cell(_M.IGNORE, state, _OVER),
        _H.TOO_LATE: Cell(_M.DEFECT, state, _IS_SENT),
        _H.SILENCE: Cell(_M.IGNORE, state, _OVER),
        _H.TAKEN: Cell(_M.IGNORE, state, _BEFORE),
        _H.DECLINED: Cell(_M.ALARM, state, _CONTRADICTION),
        _H.AWOKEN: Cell(_M.IGNORE, state, _BEFORE),
        _H.CHANGED: Cell(_M.IGNORE, state, _BEFORE),
        _H.DEALT: Cell(_M.DEAL, state),
        _H.ENDED: Cell(_M.IGNORE, state, _OVER),
        _H.WORKING: Cell(_M.REVIVE, state, _GIVEN_UP),
        _H.ABSENT: Cell(_M.IGNORE, state, _OVER),
        _H.WRITTEN_OFF: Cell(_M.IGNORE, state, _OVER),
    }


def _given_up(state: TrackedState) -> dict[Happening, Cell]:
    """The row of a state in which the venue should never have had the order."""
    return {
        **_ended(state),
        _H.TAKEN: Cell(_M.REVIVE, state, _GIVEN_UP),
        _H.DECLINED: Cell(_M.IGNORE, state, _OVER),
        _H.AWOKEN: Cell(_M.REVIVE, state, _GIVEN_UP),
        _H.CHANGED: Cell(_M.REVIVE, state, _GIVEN_UP),
        _H.DEALT: Cell(_M.DEAL, state, "an order that was given up traded"),
    }


def _unsent(state: TrackedState) -> dict[Happening, Cell]:
    """What is common to orders that have not left."""
    return {
        _H.WITHDRAWN: Cell(_M.END_UNSENT, _S.NEVER_SENT),
        _H.TOO_LATE: Cell(_M.REFUSE, _S.NEVER_SENT),
        _H.SILENCE: Cell(_M.DEFECT, state, "nobody was asked"),
        **_asked(_FOREIGN),
        _H.ABSENT: Cell(_M.IGNORE, state, "it was not let out"),
        _H.WRITTEN_OFF: Cell(_M.END_UNSENT, _S.NEVER_SENT),
    }


def _asked(why: str = "") -> dict[Happening, Cell]:
    """What the venue's word does to an order it has not spoken of before; `why` is an alarm."""
    return {
        _H.TAKEN: Cell(_M.ACCEPT, _S.OPEN, why),
        _H.DECLINED: Cell(_M.REJECT, _S.REJECTED, why),
        _H.AWOKEN: Cell(_M.AWAKE, _S.OPEN, why),
        _H.CHANGED: Cell(_M.TERMS, _S.OPEN, why),
        _H.DEALT: Cell(_M.DEAL, _S.PARTLY_FILLED, why),
        _H.ENDED: Cell(_M.END, _S.CANCELLED, why),
        _H.WORKING: Cell(_M.ACCEPT, _S.OPEN, why),
    }


def _working(state: TrackedState) -> dict[Happening, Cell]:
    """The row of an order that the venue has working."""
    return {
        _H.WOKEN: Cell(_M.DEFECT, state, _AWAKE),
        _H.LET_OUT: Cell(_M.DEFECT, state, _IS_SENT),
        _H.WITHDRAWN: Cell(_M.CANCEL, state),
        _H.TOO_LATE: Cell(_M.DEFECT, state, _IS_SENT),
        _H.SILENCE: Cell(_M.IGNORE, state, _WORKS),
        _H.TAKEN: Cell(_M.IGNORE, state, _WORKS),
        _H.DECLINED: Cell(_M.ALARM, state, _CONTRADICTION),
        _H.AWOKEN: Cell(_M.AWAKE, state),
        _H.CHANGED: Cell(_M.TERMS, state),
        _H.DEALT: Cell(_M.DEAL, _S.PARTLY_FILLED),
        _H.ENDED: Cell(_M.END, _S.CANCELLED),
        _H.WORKING: Cell(_M.IGNORE, state, _WORKS),
        _H.ABSENT: Cell(_M.ALARM, state, "the venue does not have an order that it had taken"),
        _H.WRITTEN_OFF: Cell(_M.WRITE_OFF, _S.CANCELLED),
    }


LIFE: dict[TrackedState, dict[Happening, Cell]] = {
    _S.ASLEEP: {
        _H.WOKEN: Cell(_M.WAKE, _S.WAITING),
        _H.LET_OUT: Cell(_M.DEFECT, _S.ASLEEP, "it sleeps"),
        **_unsent(_S.ASLEEP),
    },
    _S.WAITING: {
        _H.WOKEN: Cell(_M.DEFECT, _S.WAITING, _AWAKE),
        _H.LET_OUT: Cell(_M.SEND, _S.SENT),
        **_unsent(_S.WAITING),
    },
    _S.SENT: {
        _H.WOKEN: Cell(_M.DEFECT, _S.SENT, _AWAKE),
        _H.LET_OUT: Cell(_M.DEFECT, _S.SENT, _IS_SENT),
        _H.WITHDRAWN: Cell(_M.CANCEL, _S.SENT),
        _H.TOO_LATE: Cell(_M.DEFECT, _S.SENT, _IS_SENT),
        _H.SILENCE: Cell(_M.DOUBT, _S.UNKNOWN),
        **_asked(),
        _H.ABSENT: Cell(_M.IGNORE, _S.SENT, "its answer is still awaited"),
        _H.WRITTEN_OFF: Cell(_M.IGNORE, _S.SENT, "its answer is still awaited"),
    },
    _S.UNKNOWN: {
        _H.WOKEN: Cell(_M.DEFECT, _S.UNKNOWN, _AWAKE),
        _H.LET_OUT: Cell(_M.DEFECT, _S.UNKNOWN, _IS_SENT),
        _H.WITHDRAWN: Cell(_M.CANCEL, _S.UNKNOWN),
        _H.TOO_LATE: Cell(_M.DEFECT, _S.UNKNOWN, _IS_SENT),
        _H.SILENCE: Cell(_M.IGNORE, _S.UNKNOWN, "it is unknown already"),
        **_asked(),
        _H.ABSENT: Cell(_M.COUNT_ABSENCE, _S.REJECTED),
        _H.WRITTEN_OFF: Cell(_M.WRITE_OFF, _S.REJECTED),
    },
    _S.OPEN: {**_working(_S.OPEN), _H.DECLINED: Cell(_M.END, _S.CANCELLED, _CONTRADICTION)},
    _S.PARTLY_FILLED: _working(_S.PARTLY_FILLED),
    _S.ENDING: {
        **_ended(_S.ENDING),
        _H.ENDED: Cell(_M.END, _S.CANCELLED),
        _H.WORKING: Cell(_M.REOPEN, _S.PARTLY_FILLED),
        _H.WRITTEN_OFF: Cell(_M.WRITE_OFF, _S.CANCELLED),
    },
    _S.FILLED: _ended(_S.FILLED),
    _S.CANCELLED: _ended(_S.CANCELLED),
    _S.EXPIRED: _ended(_S.EXPIRED),
    _S.REJECTED: _given_up(_S.REJECTED),
    _S.NEVER_SENT: {
        **_given_up(_S.NEVER_SENT),
        _H.LET_OUT: Cell(_M.DEFECT, _S.NEVER_SENT, "it may not leave any more"),
        _H.TOO_LATE: Cell(_M.IGNORE, _S.NEVER_SENT, _OVER),
    },
}
"""`DEAL` leads to `FILLED` with the last of the quantity; `END` to `EXPIRED` where the venue says so, and to `ENDING`
while it has traded more than was heard of; `COUNT_ABSENCE` stays `UNKNOWN` until the evidence is enough."""
