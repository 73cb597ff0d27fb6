"""Refusals of a run by rule: how often, the first of each, what the rule is about and who made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tradsys.compliance.sebi.book import TITLES
from tradsys.compliance.sebi.rule_check import source_of, without_source
from tradsys.core.events import Entry, Refused
from tradsys.portfolio.result import RefusedRule

OWN = "our own check"
_OWN_TITLES: Mapping[str, str] = {
    "index-not-tradable": "An index cannot be bought",
    "product-not-allowed": "Products of the segment",
    "contract-expired": "No order in an expired contract",
    "no-price": "No order before the first price",
    "short-in-delivery": "No short sale of what is delivered",
    "sell-beyond-holdings": "No sale beyond what is held",
    "sell-unsettled": "No sale of shares that are not settled",
    "intraday-entry-closed": "No new intraday position near the square-off",
    "insufficient-cash": "A purchase is paid for",
    "insufficient-margin": "A leveraged position has its margin",
    "invalid-order": "What is no order at all",
}


def refused_rules(log: Sequence[Entry]) -> list[RefusedRule]:
    """One row a rule, in the order in which the rules first refused."""
    first: dict[str, Refused] = {}
    counts: Counter[str] = Counter()
    for entry in log:
        if type(entry.body) is Refused:
            first.setdefault(entry.body.rule, entry.body)
            counts[entry.body.rule] += 1
    return [_row(each, counts[rule]) for rule, each in first.items()]


def _row(first: Refused, count: int) -> RefusedRule:
    return RefusedRule(
        rule=first.rule,
        count=count,
        limit=first.limit,
        value=first.value,
        fix=without_source(first),
        title=TITLES.get(first.rule) or _OWN_TITLES.get(first.rule, ""),
        source=source_of(first) or OWN,
        at=first.at,
        instrument=first.order.instrument if first.order is not None else "",
    )
