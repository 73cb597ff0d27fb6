"""Every failure TradSys raises, as one tree.

TradSysError
├── InputRefused            exit 2: nothing was written
│   ├── ConfigError         a run file, flag, environment variable or parameter
│   │   └── UnknownName     a key, strategy, instrument or plan that does not exist; carries the nearest valid name
│   ├── DataError           market data: malformed, unsorted, duplicated, not positive
│   │   └── MissingData     a file, instrument or window that is not there
│   ├── StrategyError       a strategy file that cannot be loaded
│   └── UncoveredDate       no dated row of reference data covers the date asked for
├── ResourceError           exit 3: disk full, permission, unreadable device
├── ProtocolError           exit 3: bytes from the other end that are not what was agreed; that connection ends
├── JournalFailed           exit 70: the record of everything can no longer be kept; the process stops
│   ├── JournalFull         the disk is full: only what is essential goes on, from the reserve
│   ├── Fenced              another process took the lease: this one writes and sends nothing more
│   └── JournalDamaged      a journal that is not what was written; carries the first bad place
└── InvariantBroken         exit 70: a law of the ledger or of the order life cycle does not hold; trading stops
    └── IllegalTransition   an order event that the life-cycle table does not allow

Expected outcomes (a refusal, a rejection, a gap) are events, never exceptions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class TradSysError(Exception):
    """Root of all failures: what went wrong, with which value, against which limit, and what to do about it."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, value: object = None, limit: object = None, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.value = value
        self.limit = limit
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} ({self.fix})" if self.fix else self.message

    def as_dict(self) -> dict[str, object]:
        """The body of `{"error": …}` that `--json` prints."""
        plain = (str, int, float, bool, type(None))
        value = self.value if isinstance(self.value, plain) else str(self.value)
        limit = self.limit if isinstance(self.limit, plain) else str(self.limit)
        return {
            "code": self.code,
            "message": self.message,
            "value": value,
            "limit": limit,
            "fix": self.fix,
        }


class InputRefused(TradSysError):
    """What the user gave cannot be used; nothing was written."""

    code = "input_refused"
    exit_code = 2


class ConfigError(InputRefused):
    """A run file, flag, environment variable or parameter is wrong."""

    code = "config"


class UnknownName(ConfigError):
    """A name that does not exist, with the nearest one that does."""

    code = "unknown_name"

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        choices = sorted(known)
        near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
        fix = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(choices) or 'none'}"
        place = f" in {where}" if where else ""
        super().__init__(
            f"unknown {kind} {name!r}{place}",
            value=name,
            limit=", ".join(choices),
            fix=fix,
        )


class DataError(InputRefused):
    """Market data that cannot be traded on as it stands."""

    code = "data"


class MissingData(DataError):
    """A file, an instrument or a window of time that the data does not have."""

    code = "missing_data"


class StrategyError(InputRefused):
    """A strategy that cannot be loaded."""

    code = "strategy"


class UncoveredDate(InputRefused):
    """No dated row of reference data covers the date."""

    code = "uncovered_date"


class ResourceError(TradSysError):
    """The machine could not do it: disk full, permission denied, unreadable device."""

    code = "resource"
    exit_code = 3


class ProtocolError(TradSysError):
    """Bytes that are no message of the protocol: what came instead, what was expected."""

    code = "protocol"
    exit_code = 3


class JournalFailed(TradSysError):
    """The journal could not be written. What was not yet durable did not happen; that file is never synced again."""

    code = "journal_failed"
    exit_code = 70


class JournalFull(JournalFailed):
    """No room but the reserve, which is kept for what closes and records."""

    code = "journal_full"


class Fenced(JournalFailed):
    """Another process has taken the lease over: whatever this one still wanted to write or send did not happen."""

    code = "fenced"


class JournalDamaged(JournalFailed):
    """Bytes that are not what was written: the segment, the offset in it, the sequence expected there."""

    code = "journal_damaged"

    def __init__(self, message: str, *, segment: str, offset: int, sequence: int, fix: str) -> None:
        super().__init__(
            f"{message}; {segment} at byte {offset}, record {sequence}", value=offset, limit=segment, fix=fix
        )
        self.segment = segment
        self.offset = offset
        self.sequence = sequence


class InvariantBroken(TradSysError):
    """A law of the ledger or the order life cycle does not hold: a defect of ours, and a reason to stop."""

    code = "invariant_broken"
    exit_code = 70


class IllegalTransition(InvariantBroken):
    """An order event that the life-cycle table does not allow in the order's state."""

    code = "illegal_transition"
