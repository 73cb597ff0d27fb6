"""Every rule at its limit, one unit below and one above; what a refusal carries; what is unknown is refused."""

from __future__ import annotations

import msgspec
import pytest

from tradsys.compliance.sebi.book import TITLES, sebi_rules
from tradsys.compliance.sebi.facts import StatedFacts
from tradsys.compliance.sebi.pack import checks
from tradsys.compliance.sebi.rule_check import source_of
from tradsys.compliance.sebi.vector_rows import all_vectors
from tradsys.compliance.sebi.vectors import Vector, answer
from tradsys.reference.dated import read_table

BOOK = sebi_rules()
VECTORS = all_vectors()
REFUSED = [each for each in VECTORS if each.value]
NEEDS_FACTS = {
    "sebi-algo-id",
    "sebi-static-ip",
    "sebi-daily-session",
    "sebi-market-protection",
    "sebi-price-band",
    "sebi-limit-protection",
    "sebi-freeze-quantity",
    "sebi-surveillance",
    "sebi-ban-period",
    "sebi-index-position",
    "sebi-stock-position",
    "sebi-expiry-day",
    "sebi-order-to-trade",
    "sebi-self-trade",
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: f"{each.rule}: {each.says}")
def test_the_rule_says_what_the_vector_says(vector: Vector) -> None:
    said = answer(vector, BOOK)
    found = (said.refused.value, said.refused.limit) if said.refused else ("", "")
    assert found == (vector.value, vector.limit)
    assert said.agrees


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each.value], ids=lambda each: f"{each.rule}: {each.says}"
)
def test_a_refusal_carries_rule_limit_value_and_source(vector: Vector) -> None:
    refused = answer(vector, BOOK).refused
    assert refused is not None
    assert (refused.rule, refused.order, refused.order_id) == (vector.rule, vector.order, vector.order.order_id)
    ranges = read_table("limit_protection", "exchange", "contract")
    sources = {row.source for row in BOOK.history(vector.rule)} | {row.source for row in ranges}
    assert source_of(refused) in sources


def test_every_rule_has_vectors_that_pass_and_that_are_refused() -> None:
    for kind in (True, False):
        assert {each.rule for each in VECTORS if bool(each.value) is kind} == set(TITLES)


def test_names_of_vectors_are_distinct() -> None:
    names = [(each.rule, each.says) for each in VECTORS]
    assert len(names) == len(set(names))


def test_whatever_needs_a_fact_refuses_without_it() -> None:
    refused = {each.rule for each in VECTORS if each.value.startswith("unknown: ")}
    assert refused == NEEDS_FACTS


def test_a_wrong_vector_is_found() -> None:
    right = next(each for each in VECTORS if each.value)
    assert not answer(msgspec.structs.replace(right, limit="another"), BOOK).agrees
    assert not answer(msgspec.structs.replace(right, value="", limit=""), BOOK).agrees


def test_the_pack_has_every_rule_once_and_the_rate_last() -> None:
    names = [check.name for check in checks(BOOK, StatedFacts())]
    assert names == list(TITLES)
    assert names[-1] == "sebi-order-rate"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: f"{each.rule}: {each.says}")
def test_measuring_changes_nothing_and_repeats_the_refusal(vector: Vector) -> None:
    check = next(each for each in checks(BOOK, vector.facts) if each.rule == vector.rule)
    measured = check.measure(vector.order, vector.instrument, vector.claim)
    assert measured == check.measure(vector.order, vector.instrument, vector.claim)
    concerned = check.concerns(vector.instrument, vector.order.product, vector.order.side)
    if vector.value and concerned and not vector.sent:
        assert measured == (vector.value, vector.limit)
