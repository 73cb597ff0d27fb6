"""Patches of the product: read, and applied to a copy of it.

A file begins with lines of text: what the defect is, in one line, and what kind of loss it stands for. Then come hunks
as `diff -u` writes them. The lines that a hunk takes out, with those around them, must be there exactly once; where in
the file does not matter.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.simulation.cases import ROOT

HERE = Path(__file__).parent
_FILE = re.compile(r"^\+\+\+ b/(\S+)")


class DoesNotApply(ValueError):
    """A patch is of code that is not there any more, or is there twice."""


class Hunk(msgspec.Struct, frozen=True, kw_only=True):
    """One place of one file: the text that is there, and the one that takes its place."""

    path: str
    old: str
    new: str


class Defect(msgspec.Struct, frozen=True, kw_only=True):
    """A planted defect. `name` is the file's, `title` its first line."""

    name: str
    title: str
    hunks: tuple[Hunk, ...]

    def apply(self, root: Path) -> None:
        """Change the product under `root`. Raises `DoesNotApply`; nothing was written then."""
        texts: dict[str, str] = {}
        for hunk in self.hunks:
            text = texts.get(hunk.path) or (root / hunk.path).read_text("utf-8")
            if (found := text.count(hunk.old)) != 1:
                raise DoesNotApply(f"{self.name}: its lines are {found} times in {hunk.path}:\n{hunk.old}")
            texts[hunk.path] = text.replace(hunk.old, hunk.new)
        for path, text in texts.items():
            (root / path).write_text(text, "utf-8")


def defects() -> list[Defect]:
    """All of them, by name."""
    return [read(path) for path in sorted(HERE.glob("*.patch"))]


def read(path: Path) -> Defect:
    """One patch file. Raises `DoesNotApply` for one without a change."""
    text = path.read_text("utf-8")
    hunks = tuple(_hunks(text.splitlines(keepends=True)))
    if not hunks or any(hunk.old == hunk.new for hunk in hunks):
        raise DoesNotApply(f"{path.name}: it changes nothing")
    return Defect(name=path.stem, title=text.splitlines()[0].rstrip("."), hunks=hunks)


def _hunks(lines: list[str]) -> Iterator[Hunk]:
    path, old, new = "", "", ""
    for line in [*lines, "@@"]:
        if line.startswith(("@@", "--- ")):
            if old or new:
                yield Hunk(path=path, old=old, new=new)
            old = new = ""
        elif found := _FILE.match(line):
            path = found.group(1)
        elif path:
            old += line[1:] if line[0] in " -" else ""
            new += line[1:] if line[0] in " +" else ""


def product_with(defect: Defect | None, folder: Path) -> Path:
    """A copy of the product in a new folder, with a defect in it. Raises `DoesNotApply`."""
    shutil.copytree(ROOT / "tradsys", folder / "tradsys")
    if defect is not None:
        defect.apply(folder)
    return folder
