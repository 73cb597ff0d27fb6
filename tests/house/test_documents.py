"""What the documents tell a reader to type or to open exists."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import typer

from tests.house.sources import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
PLACEHOLDER = re.compile(r"[A-Z_]{2,}|…|\.\.\.|[\[|<]")


def blocks(document: Path, *languages: str) -> list[str]:
    """The fenced blocks of a document in the given languages."""
    return [body for language, body in FENCE.findall(document.read_text("utf-8")) if language in languages]


def commands(text: str) -> list[list[str]]:
    """The commands of a shell block, comments and prompts off."""
    joined = text.replace("\\\n", " ").splitlines()
    lines = (line.removeprefix("$ ").removeprefix(".venv/bin/") for line in joined)
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def make_targets() -> set[str]:
    """Verbs of the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))


def command_line() -> Any:
    """The whole tree of `tradsys` commands."""
    return typer.main.get_command(importlib.import_module("tradsys.cli.application").verbs)


def complaint(command: Any, words: list[str]) -> str:
    """Why these words are not a command of ours, or nothing."""
    while (verbs := getattr(command, "commands", None)) and words and not words[0].startswith("-"):
        following = verbs.get(words[0])
        if following is None:
            return f"no verb {words[0]!r}"
        command, words = following, words[1:]
    known = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]} | {"--help"}
    unknown = [
        w for w in words if w.startswith("--") and w.partition("=")[0] not in known and not PLACEHOLDER.search(w)
    ]
    return f"no option {unknown[0]}" if unknown else ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_shell_blocks_name_verbs_that_exist(document: Path) -> None:
    targets, problems = make_targets(), []
    for words in (words for block in blocks(document, "bash", "sh", "console") for words in commands(block)):
        if words[0] == "make":
            problems += [f"make {word}" for word in words[1:] if "=" not in word and word not in targets]
        elif words[0] == "tradsys" and (why := complaint(command_line(), words[1:])):
            problems.append(f"{shlex.join(words)}: {why}")
    assert problems == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_blocks_compile_and_import_what_exists(document: Path) -> None:
    problems = []
    for block in blocks(document, "python"):
        for node in ast.walk(ast.parse(block, str(document))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tradsys":
                module = importlib.import_module(node.module or "")
                problems += [f"{node.module}.{alias.name}" for alias in node.names if not holds(module, alias.name)]
    assert problems == []


def holds(module: ModuleType, name: str) -> bool:
    """Whether a module has a name, or as a package a module of that name."""
    if hasattr(module, name):
        return True
    return hasattr(module, "__path__") and find_spec(f"{module.__name__}.{name}") is not None


def test_the_first_strategy_of_the_readme_runs() -> None:
    (block, *_) = blocks(ROOT / "README.md", "python")
    assert len(block.splitlines()) <= 20
    done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    text = FENCE.sub("", document.read_text("utf-8"))
    assert [link for link in LINK.findall(text) if not (document.parent / link).exists()] == []


def test_a_wrong_command_is_caught() -> None:
    option = SimpleNamespace(opts=["--fast"], secondary_opts=[])
    group = SimpleNamespace(commands={"run": SimpleNamespace(params=[option])}, params=[])
    assert complaint(group, ["run", "--fast", "x.toml"]) == ""
    assert complaint(group, ["walk"]) == "no verb 'walk'"
    assert complaint(group, ["run", "--slow"]) == "no option --slow"


def test_every_verb_of_the_makefile_has_help() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    verbs = [line for line in lines if re.match(r"[a-z][a-z-]*:", line)]
    assert len(verbs) >= 5
    assert [line for line in verbs if " ## " not in line] == []
