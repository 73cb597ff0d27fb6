"""The self-assessment: each requirement in force, the control that answers it, and what this run's record shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from tradsys.engine.reports.controls import Answer, Status, does_not_apply
from tradsys.engine.reports.evidence import Evidence
from tradsys.engine.reports.record_controls import CONTROLS
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.reports.sheets import Heading, Sheet
from tradsys.reference.self_assessment import Requirement, requirements

REGIMES = {"rts6": "EU 2017/589 (RTS 6)", "sebi": "SEBI, NSE"}

HEADINGS = (
    Heading("regime"),
    Heading("article"),
    Heading("item"),
    Heading("requirement"),
    Heading("status"),
    Heading("evidence"),
    Heading("contradicted"),
    Heading("control"),
    Heading("in_force_from", "date"),
    Heading("source"),
)


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement and its answer."""

    requirement: Requirement
    answer: Answer


def assess(evidence: Evidence, *, as_of: date) -> list[Assessed]:
    """Every requirement, by its row in force on a date; one that is not in force yet does not apply."""
    return [Assessed(requirement=each, answer=_answer(each, evidence)) for each in requirements(as_of)]


def _answer(requirement: Requirement, evidence: Evidence) -> Answer:
    if not requirement.in_force:
        return does_not_apply(f"in force from {requirement.effective_from}")
    return CONTROLS[requirement.control](evidence)


def counts(assessed: Sequence[Assessed]) -> dict[str, int]:
    """How many requirements have each status."""
    return {str(status): sum(1 for each in assessed if each.answer.status is status) for status in Status}


def assessment_sheet(record: RunRecord, assessed: Sequence[Assessed], *, as_of: date) -> Sheet:
    """One row a requirement."""
    return Sheet(
        name="self_assessment",
        title="Self-assessment",
        lead=f"Articles 9 to 18 of RTS 6 and what SEBI and NSE ask alike, as in force on {as_of}. Each status follows "
        "from the record of this run alone; not evidenced does not mean that it is not so.",
        headings=HEADINGS,
        rows=[
            (
                REGIMES[each.requirement.regime],
                each.requirement.article,
                each.requirement.item,
                each.requirement.text,
                str(each.answer.status),
                each.answer.words,
                "yes" if each.answer.found else "",
                each.requirement.control,
                each.requirement.effective_from,
                each.requirement.source,
            )
            for each in assessed
        ],
        zone=record.zone,
        currency=record.currency,
    )
