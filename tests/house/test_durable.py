"""Nobody but the journal makes a permission to send, and nobody but the watchdog one for an emergency."""

from __future__ import annotations

import ast

import pytest

from tests.house.sources import Source, python_files

JOURNAL, WATCHDOG = "tradsys/journal/journal.py", "watchdog"
LOOKS = {"isinstance", "issubclass"}


def made(source: Source, token: str) -> list[str]:
    """Where a token is called, or given to something else that might make one."""
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    return [
        source.at(call, token)
        for call in calls
        if source.qualified(call.func).rpartition(".")[2] not in LOOKS
        and any(
            source.qualified(each).rpartition(".")[2] == token
            for each in [call.func, *call.args, *(keyword.value for keyword in call.keywords)]
        )
    ]


def may(path: str, token: str) -> bool:
    return path == JOURNAL if token == "DurableIntent" else WATCHDOG in path.rpartition("/")[2]


@pytest.mark.parametrize("token", ["DurableIntent", "EmergencyIntent"])
def test_a_permission_to_send_is_made_in_one_place(token: str) -> None:
    found = [
        where for source in python_files("tradsys") if not may(source.path, token) for where in made(source, token)
    ]
    assert found == []


def test_the_journal_makes_one() -> None:
    (journal,) = [source for source in python_files("tradsys") if source.path == JOURNAL]
    assert len(made(journal, "DurableIntent")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from tradsys.core.durable import DurableIntent as D\nD(sequence=1)",
        "from tradsys.core import durable\ndurable.DurableIntent(sequence=1)",
        "from tradsys.core.durable import DurableIntent\nmsgspec.convert({}, DurableIntent)",
        "from tradsys.core.durable import DurableIntent\nmsgspec.json.decode(b'', type=DurableIntent)",
    ],
)
def test_every_way_to_make_one_is_seen(text: str) -> None:
    assert made(Source("tradsys/engine/live.py", text), "DurableIntent")


def test_to_look_at_one_is_free() -> None:
    text = "from tradsys.core.durable import DurableIntent as D\ndef send(x: D): return isinstance(x, D)"
    assert made(Source("tradsys/engine/live.py", text), "DurableIntent") == []
