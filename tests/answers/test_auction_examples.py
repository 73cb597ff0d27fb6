"""Call auctions worked out by exchanges on their own pages, typed in."""

from __future__ import annotations

import pytest

from tests.unit.exchange.auction_oracle import Order, resting
from tradsys.exchange.auction import Equilibrium, equilibrium, interest

Row = tuple[int, int, int]
"""Price, quantity bid there, quantity offered there."""


def orders(*rows: Row) -> list[Order]:
    sides: list[Order] = []
    for price, bid, offered in rows:
        sides += [("B", price, bid)] if bid else []
        sides += [("S", price, offered)] if offered else []
    return sides


def found(rows: list[Order], reference: int) -> Equilibrium | None:
    return equilibrium(interest(resting(rows)), reference=reference)


def test_nse_opens_at_105() -> None:
    """nseindia.com, equity market pre-open: at 105, 27,500 shares; demand above 107 as its schedule says (9,000)."""
    book = orders(
        (103, 13_500, 11_500),
        (104, 9_500, 9_800),
        (105, 12_000, 15_000),
        (106, 6_500, 12_000),
        (107, 5_000, 12_500),
        (108, 4_000, 0),
    )
    assert found(book, 100) == Equilibrium(price=105, volume=27_500, imbalance=-8_800)


def test_bse_meets_at_52() -> None:
    """bseindia.com, call auction trading mechanism: the order book of its demand and supply curves."""
    book = orders((54, 1, 1), (53, 1, 2), (52, 2, 1), (51, 2, 1), (50, 3, 2))
    assert found(book, 51) == Equilibrium(price=52, volume=4, imbalance=0)


CME_BIDS = {51: 10, 50: 20, 49: 30, 48: 40, 47: 50, 46: 70, 45: 100, 44: 1, 43: 30}
CME_OFFERS = {51: 30, 50: 100, 49: 1, 48: 25, 47: 1, 46: 100, 45: 90, 44: 4, 43: 6}


@pytest.mark.parametrize(
    ("bids", "offers", "expected"),
    [
        ({}, {}, Equilibrium(price=46, volume=200, imbalance=20)),
        ({46: 30}, {47: 0, 46: 50}, Equilibrium(price=47, volume=150, imbalance=0)),
    ],
    ids=["most volume", "least imbalance"],
)
def test_cme_indicative_opening_price(bids: dict[int, int], offers: dict[int, int], expected: Equilibrium) -> None:
    """CME Group, Application of the Indicative Opening Price Rules, rules 1 and 2."""
    bid, offered = CME_BIDS | bids, CME_OFFERS | offers
    assert found(orders(*((price, bid[price], offered[price]) for price in bid)), 50) == expected


def test_hong_kong_with_and_without_a_market_order() -> None:
    """HKEX, closing auction example 1, prices in cents: 1,000 at 24.00 before trader H sells 1,000 at any price."""
    book = orders((2405, 200, 800), (2400, 1_000, 600), (2395, 400, 400))
    assert found(book, 2400) == Equilibrium(price=2400, volume=1_000, imbalance=200)
    after = found([*book, ("S", 0, 1_000)], 2400)
    assert after is not None
    assert (after.price, after.volume) == (2395, 1_400)


def test_sebi_takes_the_previous_close_in_the_middle_of_the_nearest_pair() -> None:
    """SEBI CIR/MRD/DP/21/2010: the mid-value of the pair of prices closest to it is the equilibrium price itself."""
    book = orders((104, 100, 0), (100, 0, 100))
    assert found(book, 102) == Equilibrium(price=102, volume=100, imbalance=0)
    assert found(book, 103) == Equilibrium(price=104, volume=100, imbalance=0)
    assert found(book, 90) == Equilibrium(price=100, volume=100, imbalance=0)


def test_sebi_matches_market_orders_alone_at_the_previous_close() -> None:
    """SEBI CIR/MRD/DP/32/2010, paragraph 2 (a)."""
    assert found([("B", 0, 70), ("S", 0, 100)], 250) == Equilibrium(price=250, volume=70, imbalance=-30)
