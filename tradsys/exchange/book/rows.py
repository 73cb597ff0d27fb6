"""Commands, outcomes and events as rows of arrays, and as bytes."""

from __future__ import annotations

import struct
from mmap import mmap

import numpy as np

from tradsys.core.errors import DataError
from tradsys.core.matching import Command
from tradsys.exchange.book import layout

COMMAND = np.dtype(
    {
        "names": [
            *("action", "side", "kind", "time_in_force", "flags", "instrument"),
            *("order_id", "price", "quantity", "account", "trigger", "trail", "display", "expires_at", "at"),
        ],
        "formats": ["u1"] * 5 + ["u2"] + ["i8"] * 9,
        "offsets": [0, 1, 2, 3, 4, 6, *range(8, 80, 8)],
        "itemsize": layout.COMMAND_BYTES,
    }
)
"""One row of a batch: the fields of `Command`."""

PLAIN_COMMAND = np.dtype(
    {
        "names": ["action", "side", "kind", "time_in_force", "flags", "instrument", "order_id", "price", "quantity"],
        "formats": ["u1"] * 5 + ["u2"] + ["i8"] * 3,
        "offsets": [0, 1, 2, 3, 4, 6, 8, 16, 24],
        "itemsize": layout.PLAIN_BYTES,
    }
)
"""The first part of `COMMAND`, all else 0: what most messages need, in less than half the memory."""

OUTCOME = np.dtype(
    {
        "names": ["status", "reason", "filled", "open"],
        "formats": ["u1", "u1", "i8", "i8"],
        "offsets": [layout.STATUS, layout.REASON, layout.FILLED, layout.OPEN],
        "itemsize": layout.OUTCOME_BYTES,
    }
)
"""One row of a batch's outcomes: the fields of `Outcome`."""

EVENT = np.dtype(
    {
        "names": ["kind", "side", "reason", "instrument", "command", "order_id", "other_id", "price", "quantity"],
        "formats": ["u1", "u1", "u1", "u4", "i8", "i8", "i8", "i8", "i8"],
        "offsets": [0, 1, 2, 4, 8, 16, 24, 32, 40],
        "itemsize": layout.EVENT_BYTES,
    }
)
"""One row of a batch's events: the fields of `BookEvent`."""

COMMAND_BYTES = struct.Struct("<5BxH9q")
EVENT_BYTES = struct.Struct("<3BxI5q")
ANSWER_BYTES = struct.Struct(
    f"<q{layout.EVENTS_LOST - layout.EVENT_COUNT - 8}xq{layout.OUTCOME - layout.EVENTS_LOST - 8}xBB6xqq"
)
"""What the last command left in a book's block, from `EVENT_COUNT` on: how many events, how many of them had no room,
and its outcome."""

_LARGEST = 2**63 - 1


def write(command: Command, rows: bytearray | mmap, place: int) -> None:
    """Write a command as a row's bytes. A number that no field can hold becomes the nearest one, which is refused
    alike.

    Raises `DataError` for an order or account identifier beyond 64 bits, which has no nearest, and for what is no whole
    number.
    """
    (
        action, order_id, side, price, quantity, kind, validity, flags, instrument,
        account, trigger, trail, display, expires_at, at,
    ) = command  # fmt: skip
    try:
        COMMAND_BYTES.pack_into(
            rows, place, action, side, kind, validity, flags, instrument,
            order_id, price, quantity, account, trigger, trail, display, expires_at, at,
        )  # fmt: skip
    except struct.error:
        write(_bounded(command), rows, place)


def _bounded(command: Command) -> Command:
    for name, value in command._asdict().items():
        if not isinstance(value, int):
            raise DataError(
                f"{name} is no whole number", value=value, limit="integers", fix="convert it by the tick or lot"
            )
    for name in ("order_id", "account"):
        value = getattr(command, name)
        if not -_LARGEST - 1 <= value <= _LARGEST:
            raise DataError(f"{name} beyond 64 bits", value=value, limit=f"{-_LARGEST - 1} to {_LARGEST}")
    bytes_ = {name: _small(getattr(command, name)) for name in ("action", "side", "kind", "time_in_force", "flags")}
    wide = ("price", "quantity", "trigger", "trail", "display", "expires_at", "at")
    words = {name: min(max(getattr(command, name), -_LARGEST - 1), _LARGEST) for name in wide}
    instrument = command.instrument if 0 <= command.instrument < 2**16 else 2**16 - 1
    return command._replace(**bytes_, **words, instrument=instrument)


def _small(value: int) -> int:
    """Every action, side, kind, validity and flag from here on is unknown."""
    return value if 0 <= value < 2**8 else 2**8 - 1
