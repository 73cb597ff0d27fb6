"""The rules as dated rows: which hold on a date, for an exchange and segment. Overlapping rows of one rule are refused.

A row is keyed by rule, exchange, segment (`tradsys.core.instruments.Segment`) and item, the figure it gives. Rows:
`tradsys/reference/data/sebi_rules.csv`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Literal, get_args

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.instruments import Segment
from tradsys.reference.dated import DatedRow, DatedTable, read_table

Severity = Literal["block", "warn"]
KEY = ("rule", "exchange", "segment", "item")

TITLES: Mapping[str, str] = {
    "sebi-algo-id": "Generic algo id, or a registered one with the code that was registered",
    "sebi-static-ip": "Orders leave from a registered static address",
    "sebi-daily-session": "The broker's session began today",
    "sebi-product": "Products of the segment",
    "sebi-market-order": "No market orders of algorithms",
    "sebi-market-protection": "Market orders carry market protection",
    "sebi-immediate-order": "No immediate orders where barred",
    "sebi-stop-market-option": "No stop-market orders on options",
    "sebi-closing-auction": "No stop, immediate or disclosed orders in the closing auction",
    "sebi-price-band": "Prices inside the day's band",
    "sebi-limit-protection": "Limit price protection of derivatives",
    "sebi-freeze-quantity": "Quantity freeze",
    "sebi-surveillance": "Shares under surveillance: ASM, GSM, ESM, trade for trade",
    "sebi-short-sale": "No short sale but intraday",
    "sebi-ban-period": "In the ban period only what reduces the position",
    "sebi-index-position": "Position limit in index options",
    "sebi-stock-position": "Position limit in one stock",
    "sebi-expiry-day": "Contracts on the day they expire",
    "sebi-order-to-trade": "Order-to-trade ratio",
    "sebi-self-trade": "Own orders do not trade with each other",
    "sebi-order-rate": "Orders in a calendar second",
}
"""What each rule is about, in the order in which the checks are asked."""


_number = cache(int)


@cache
def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a rule in force from `effective_from` up to, not including, `until`."""

    id: str
    title: str
    exchange: str
    segment: Segment
    item: str
    value: str
    severity: Severity
    effective_from: date
    until: date
    source: str

    @property
    def number(self) -> int:
        """The value of a row that gives a whole number."""
        return _number(self.value)

    @property
    def words(self) -> tuple[str, ...]:
        """The value of a row that lists names."""
        return _words(self.value)


InForce = Mapping[str, Rule]
"""The rows of one rule for one exchange and segment on a day, by item."""


class RuleBook:
    """Every row of every rule.

    Raises:
        ConfigError: rows of one rule overlap, no row at all, a severity that is none.
        UnknownName: a rule or segment that does not exist.
    """

    def __init__(self, table: DatedTable) -> None:
        self._rules = [rule for key in table.all_keys() for rule in _rules(table.history(*key))]
        if not self._rules:
            raise ConfigError("no rules", value=table.name, limit="at least one row")
        self._scopes = {(rule.id, rule.exchange, rule.segment) for rule in self._rules}

    def rules_on(self, day: date) -> list[Rule]:
        """The rows in force on a date, in the order of the rules."""
        order = list(TITLES)
        return sorted((r for r in self._rules if _holds(r, day)), key=lambda r: order.index(r.id))

    def history(self, rule: str) -> list[Rule]:
        """Every row of one rule, oldest first. Raises `UnknownName`."""
        if rule not in TITLES:
            raise UnknownName("rule", rule, TITLES)
        return sorted((r for r in self._rules if r.id == rule), key=lambda r: r.effective_from)

    def covers(self, rule: str, *, exchange: str, segment: Segment) -> bool:
        """Whether the rule has a row for an exchange and segment at any date."""
        return (rule, exchange, segment) in self._scopes

    def in_force(self, rule: str, day: date, *, exchange: str, segment: Segment) -> InForce:
        """The rule's rows for an exchange and segment on a day; none before the rule."""
        scope = (rule, exchange, segment)
        return {r.item: r for r in self._rules if (r.id, r.exchange, r.segment) == scope and _holds(r, day)}


def sebi_rules() -> RuleBook:
    """The book of the rows that ship."""
    return RuleBook(read_table("sebi_rules", *KEY))


def _holds(rule: Rule, day: date) -> bool:
    return rule.effective_from <= day < rule.until


def _rules(rows: Iterable[DatedRow]) -> list[Rule]:
    rules = [_rule(row) for row in rows]
    for earlier, later in pairwise(rules):
        if earlier.until > later.effective_from or earlier.effective_from >= later.effective_from:
            raise ConfigError(
                f"rows of {earlier.id} {earlier.item} overlap for {earlier.exchange} {earlier.segment}",
                value=f"{later.effective_from} to {later.until}",
                limit=f"after {earlier.until}",
                fix="end the earlier row where the later begins",
            )
    return rules


def _rule(row: DatedRow) -> Rule:
    name, exchange, segment, item = row.key
    severity = row.fields["severity"]
    if name not in TITLES:
        raise UnknownName("rule", name, TITLES, where="the rows of rules")
    if segment not in set(Segment):
        raise UnknownName("segment", segment, Segment, where="the rows of rules")
    if severity not in get_args(Severity):
        raise ConfigError(f"no such severity of {name}", value=severity, limit=", ".join(get_args(Severity)))
    if row.until <= row.effective_from:
        raise ConfigError(f"a row of {name} {item} ends before it begins, or overlaps", value=row.effective_from)
    return Rule(
        id=name,
        title=TITLES[name],
        exchange=exchange,
        segment=Segment(segment),
        item=item,
        value=row.value,
        severity=msgspec.convert(severity, Severity),
        effective_from=row.effective_from,
        until=row.until,
        source=row.source,
    )
