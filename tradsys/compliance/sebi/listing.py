"""The rules for people and for scripts: rows that differ in exchange or segment only are one line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from tradsys.compliance.sebi.book import Rule, RuleBook
from tradsys.compliance.sebi.facts import Facts
from tradsys.compliance.sebi.pack import checks
from tradsys.compliance.sebi.rule_check import RuleCheck, source_of
from tradsys.core.events import Order
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Claim


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a rule, wherever it holds. `effective_to` is the first day it does not hold; None: open end."""

    id: str
    title: str
    severity: str
    item: str
    value: str
    exchanges: list[str]
    segments: list[str]
    effective_from: date
    effective_to: date | None
    source: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says to an order: `passed`, `refused`, `not in force` on the day, or `not concerned`."""

    id: str
    title: str
    severity: str
    verdict: str
    value: str
    limit: str
    effective_from: date | None
    effective_to: date | None
    source: str


def lines(rules: Iterable[Rule]) -> list[Line]:
    """The rules as lines, in their order."""
    found: dict[tuple[str, str, str, date, date, str], list[Rule]] = {}
    for each in rules:
        key = (each.id, each.item, each.value, each.effective_from, each.until, each.source)
        found.setdefault(key, []).append(each)
    return [_line(rows) for rows in found.values()]


def _line(rows: list[Rule]) -> Line:
    first = rows[0]
    return Line(
        id=first.id,
        title=first.title,
        severity=first.severity,
        item=first.item,
        value=first.value,
        exchanges=list(dict.fromkeys(each.exchange for each in rows)),
        segments=list(dict.fromkeys(each.segment.value for each in rows)),
        effective_from=first.effective_from,
        effective_to=_end(first),
        source=first.source,
    )


def _end(rule: Rule) -> date | None:
    return None if rule.until == date.max else rule.until


def verdicts(
    order: Order, instrument: Instrument, claim: Claim, *, book: RuleBook, facts: Facts, as_of: date | None = None
) -> list[Verdict]:
    """What every rule says to an order, by the rules of its own day or of `as_of`."""
    return [_verdict(check, order, instrument, claim) for check in checks(book, facts, as_of=as_of)]


def _verdict(check: RuleCheck, order: Order, instrument: Instrument, claim: Claim) -> Verdict:
    concerned = check.concerns(instrument, order.product, order.side)
    rows = list(check.rows(order, instrument).values()) if concerned else []
    refused = check(order, instrument, claim) if rows else None
    word = "refused" if refused else "passed" if rows else "not in force" if concerned else "not concerned"
    row = next((each for each in rows if each.severity == "block"), None)
    return Verdict(
        id=check.rule,
        title=check.title,
        severity=row.severity if row else "",
        verdict=word,
        value=refused.value if refused else "",
        limit=refused.limit if refused else "",
        effective_from=row.effective_from if row else None,
        effective_to=_end(row) if row else None,
        source=source_of(refused) if refused else row.source if row else "",
    )
