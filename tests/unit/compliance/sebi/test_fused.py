"""Rules fused for a route say what they say one by one: the rules one by one are the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.compliance.sebi.book import sebi_rules
from tradsys.compliance.sebi.facts import AUTOMATIC, Band, Exposure, Messages, Registration, StatedFacts
from tradsys.compliance.sebi.fused import Fused, fused
from tradsys.compliance.sebi.pack import checks
from tradsys.compliance.sebi.rule_check import RuleCheck
from tradsys.compliance.sebi.vector_rows import all_vectors
from tradsys.compliance.sebi.vectors import Vector, claim, index_option, moment, order, share, stock_future
from tradsys.core.events import Order, OrderType, Product, Refused, Side, Validity
from tradsys.core.instruments import Instrument
from tradsys.core.order_terms import Terms
from tradsys.core.ports import Claim
from tradsys.core.units import SCALE
from tradsys.risk.checks import Delivery

BOOK = sebi_rules()


def concerned(rules: Sequence[RuleCheck], instrument: Instrument, product: Product, side: Side) -> list[RuleCheck]:
    return [each for each in rules if each.concerns(instrument, product, side)]


def one_by_one(rules: Sequence[RuleCheck], placed: Order, instrument: Instrument, claimed: Claim) -> Refused | None:
    return next((said for each in rules if (said := each(placed, instrument, claimed)) is not None), None)


@pytest.mark.parametrize("vector", all_vectors(), ids=lambda each: f"{each.rule}: {each.says}")
def test_a_vector_is_answered_alike(vector: Vector) -> None:
    placed, instrument = vector.order, vector.instrument
    single, whole = (concerned(checks(BOOK, vector.facts), instrument, placed.product, placed.side) for _ in range(2))
    assert Fused(whole)(placed, instrument, vector.claim) == one_by_one(single, placed, instrument, vector.claim)


INSTRUMENTS = {"share": share(closing_auction=True), "call": index_option(), "future": stock_future()}
FACTS = StatedFacts(
    registrations={"s": Registration()},
    protection=AUTOMATIC,
    egress="a",
    addresses=("a",),
    login=moment(date(2026, 11, 20), "08:00"),
    bands={each.id: Band(low=90 * SCALE, high=110 * SCALE) for each in INSTRUMENTS.values()},
    references={each.id: 100 * SCALE for each in INSTRUMENTS.values()},
    freezes={INSTRUMENTS["future"].id: 800 * SCALE},
    bans={"NSE:INFY": False},
    exposures={"NSE:INFY": Exposure(units=5), "NSE:NIFTY 50": Exposure()},
    market_wide={"NSE:INFY": 10**6 * SCALE},
    measures={"NSE:INFY": ""},
    counts=Messages(counted=3, trades=1),
    own=(),
)
DAYS = [date(2021, 6, 1), date(2025, 8, 4), date(2026, 8, 3), date(2026, 11, 20)]
PLACED = st.fixed_dictionaries(
    {
        "type": st.sampled_from(list(OrderType)),
        "validity": st.sampled_from(list(Validity)),
        "quantity": st.sampled_from([65 * SCALE, 400 * SCALE, 1_950 * SCALE]),
        "price": st.sampled_from([80, 95, 100, 105, 141]),
        "shown": st.booleans(),
        "day": st.sampled_from(DAYS),
        "clock": st.sampled_from(["09:20", "10:00", "15:20"]),
        "opens": st.booleans(),
    }
)


def made(instrument: Instrument, side: Side, product: Product, wanted: dict[str, Any]) -> tuple[Order, Claim]:
    kind, price = wanted["type"], wanted["price"] * SCALE
    placed = order(
        instrument,
        side=side,
        product=product,
        type=kind,
        validity=wanted["validity"],
        quantity=wanted["quantity"],
        limit=price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else 0,
        trigger=price if kind in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING) else 0,
        at=moment(wanted["day"], wanted["clock"]),
        **({"terms": Terms(display=SCALE)} if wanted["shown"] else {}),
    )
    return placed, claim(placed, opening=placed.quantity if wanted["opens"] else 0)


@given(
    name=st.sampled_from(sorted(INSTRUMENTS)),
    side=st.sampled_from(list(Side)),
    product=st.sampled_from([Product.CNC, Product.MIS, Product.NRML]),
    wanted=st.lists(PLACED, min_size=1, max_size=30),
    fixed=st.sampled_from([None, date(2026, 11, 20)]),
)
def test_a_stream_of_orders_is_answered_alike(
    name: str, side: Side, product: Product, wanted: list[dict[str, Any]], fixed: date | None
) -> None:
    """Days and kinds of order in any order, the rate counting on in both."""
    instrument = INSTRUMENTS[name]
    single, whole = (concerned(checks(BOOK, FACTS, as_of=fixed), instrument, product, side) for _ in range(2))
    together = Fused(whole)
    for each in wanted:
        placed, claimed = made(instrument, side, product, each)
        assert together(placed, instrument, claimed) == one_by_one(single, placed, instrument, claimed)


def test_other_checks_stay_where_they_are() -> None:
    rules = checks(BOOK, FACTS)
    own = Delivery()
    first, rest = fused((own, *rules))
    assert first is own and isinstance(rest, Fused)
    assert fused((own,)) == (own,)
    assert rest.concerns(share(), Product.CNC, Side.BUY)
