"""What is said on the control socket: one JSON object a line, each answered by one.

A command is `{"command": "kill", "level": "flatten", "reason": …, "by": …}`, `lower` with the same fields,
`{"command": "reset", "breaker": …, "subject": …, "reason": …, "by": …}`,
`{"command": "limit", "limit": …, "value": …, "kind": …, "name": …, "reason": …, "by": […]}`,
`{"command": "stop", "reason": …, "by": …}` or `{"command": "status"}`; an answer is an object of the process's own, or
`{"error": {"code", "message", "value", "limit", "fix"}}`. Answers to `kill` and `status` have `level` (a name) and
`flat` (null, or `{"flat": bool, …}` once the venue was asked), for which `tradsys kill` waits. Any bytes are survived:
a line that is no command is answered as such, one that is too long ends the connection.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tradsys.core.errors import ConfigError, InputRefused, TradSysError, UnknownName
from tradsys.core.safety import SafetyLevel

MOST_BYTES = 2**16
"""Longest line that is taken."""

LEVELS = {level.name.lower(): level for level in SafetyLevel}


class Command(
    msgspec.Struct, frozen=True, kw_only=True, tag=str.lower, tag_field="command", forbid_unknown_fields=True
):
    """Something a person wants of the process."""


class Kill(Command, frozen=True, kw_only=True):
    """Raise the safety level to `level` (`no_new_risk`, `cancel`, `flatten`). It needs no reason to be obeyed."""

    level: str = "flatten"
    reason: str = ""
    by: str = ""


class Lower(Command, frozen=True, kw_only=True):
    """Lower the safety level to `level`."""

    level: str
    reason: str
    by: str


class Reset(Command, frozen=True, kw_only=True):
    """End the halt of a tripped breaker: of the account, or of the strategy or instrument that is its `subject`."""

    breaker: str
    reason: str
    by: str
    subject: str = ""


class SetLimit(Command, frozen=True, kw_only=True, tag="limit"):
    """Set a limit to a value, or take it away where it is null; `by` are people as `NAME:ROLE`."""

    limit: str
    value: float | None
    reason: str
    by: tuple[str, ...]
    kind: str = "account"
    name: str = ""


class Status(Command, frozen=True, kw_only=True):
    """Say how things stand."""


class Stop(Command, frozen=True, kw_only=True):
    """End as one should."""

    reason: str = ""
    by: str = ""


AnyControl = Kill | Lower | Reset | SetLimit | Status | Stop
_decoder: msgspec.json.Decoder[AnyControl] = msgspec.json.Decoder(AnyControl)


def level_of(name: str) -> SafetyLevel:
    """The level of a name, in any case. Raises `UnknownName` with the nearest one."""
    level = LEVELS.get(name.strip().lower())
    if level is None:
        raise UnknownName("safety level", name, LEVELS)
    return level


class LineReader:
    """Lines out of bytes that come in any pieces."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes; the lines that are whole now, without their ends, empty ones left out.

        Raises `InputRefused` for a line longer than `MOST_BYTES`.
        """
        self._waiting += data
        *lines, rest = bytes(self._waiting).split(b"\n")
        self._waiting = bytearray(rest)
        if max(map(len, [*lines, rest])) > MOST_BYTES:
            raise InputRefused(
                "a control line is too long", value=len(rest), limit=MOST_BYTES, fix="send one object a line"
            )
        return [line for line in (each.strip() for each in lines) if line]


def command_of(line: bytes) -> AnyControl:
    """The command that a line is. Raises `ConfigError` for anything else, `UnknownName` for a level there is not."""
    try:
        command = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(
            f"not a control command: {error}",
            value=line[:80].decode("ascii", "replace"),
            limit='{"command": "kill" | "limit" | "lower" | "reset" | "status" | "stop", …}',
            fix="send one JSON object a line",
        ) from None
    if isinstance(command, Kill | Lower):
        level_of(command.level)
    return command


def line_of(body: Command | Mapping[str, object]) -> bytes:
    """A command or an answer as its line."""
    return msgspec.json.encode(body) + b"\n"


def refusal(error: TradSysError) -> dict[str, object]:
    """The answer to what cannot be done."""
    return {"error": error.as_dict()}
