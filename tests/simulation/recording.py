"""Numbers that a campaign or a hunt found, put where the documents show them."""

from __future__ import annotations

from pathlib import Path

from tests.simulation.cases import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"


def record(section: str, *, lines: list[str], document: Path = DOCUMENT) -> None:
    """Replace what stands between the two marks of a section. Raises `ValueError` where they are not."""
    text = document.read_text("utf-8")
    begin, end = f"<!-- {section} -->\n", f"<!-- end of {section} -->\n"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{document.name} has no section {section!r}")
    document.write_text("".join([head, begin, "\n", *(f"{line}\n" for line in lines), "\n", end, tail]), "utf-8")
