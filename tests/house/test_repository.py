"""What is kept under version control names no machine and no registry, and pins every package by hash."""

from __future__ import annotations

import re

import pytest

from tests.house.sources import ROOT, kept_files

# Put together here so that this file does not hold what it looks for.
MACHINES = ("/" + "work/", "/" + "root/", "file" + ":///", "/" + "home/[a-z]+/", "/" + "opt/pypi")
REGISTRIES = ("pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "index" + "-url [^\n]*http")
MACHINE, REGISTRY = re.compile("|".join(MACHINES)), re.compile("|".join(REGISTRIES))
PINNED = re.compile(r"[\w.\-]+(\[[\w,]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}")
LOCKS = ["requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-uv.txt"]


def texts() -> list[tuple[str, str]]:
    """Path and text of every kept file that is text."""
    found = []
    for path in kept_files():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found.append((path.relative_to(ROOT).as_posix(), content.decode("utf-8", "replace")))
    return found


@pytest.mark.parametrize("pattern", [MACHINE, REGISTRY], ids=["machine", "registry"])
def test_no_file_names_a_machine_or_registry(pattern: re.Pattern[str]) -> None:
    found = texts()
    assert len(found) > 20
    hits = [f"{path}: {match.group()}" for path, text in found for match in [pattern.search(text)] if match]
    assert hits == []


def test_patterns_catch_what_they_are_for() -> None:
    assert MACHINE.search("cd /" + "root/x")
    assert REGISTRY.search("https://files.python" + "hosted.org/packages")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_by_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().replace("\\\n", " ").strip())
    assert entries
    unpinned = [entry for entry in entries if not PINNED.match(entry)]
    assert unpinned == []


def test_development_pins_agree_with_runtime_pins() -> None:
    runtime, development = (
        dict(re.findall(r"^([\w.\-]+)==(\S+)", (ROOT / lock).read_text(), re.M)) for lock in LOCKS[:2]
    )
    assert runtime.items() <= development.items()
