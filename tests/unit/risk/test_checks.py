"""Every refusal of the gate, through a run: rule, limit and value, and nothing reaches the venue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Case, at_bar, bodies, conserve, fills, flat, minutes, scripted, trades
from tradsys.core.events import Accepted, Product, Refused
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared

FUTURE = {"segment": "future", "expiry": "2024-06-27", "underlying": "NSE:NIFTY 50", "lot": 25.0}


def play(
    folder: Path,
    plan: Mapping[int, Any],
    *,
    instrument: str = "NSE:A",
    details: Mapping[str, Any] | None = None,
    bars: int = 5,
    first: str = "09:16",
    cash: float = 1_000_000.0,
    use: str = "Scripted",
    currency: str = "INR",
    **section: Any,
) -> Prepared:
    case = Case(
        folder,
        {instrument: minutes(MONDAY, flat(*[100.0] * bars), first=first)},
        [scripted("plan", at_bar(plan), use=use, **section)],
        instruments={instrument: details or {}},
        sections={"run": {"cash": cash, "currency": currency}},
    )
    return case.run(watch=conserve)


def refused(run: Prepared) -> Refused:
    """The only refusal."""
    (found,) = bodies(run, Refused)
    assert isinstance(found, Refused)
    return found


def test_an_index_is_a_number(tmp_path: Path) -> None:
    run = play(tmp_path, {0: lambda s, b: s.buy(b, 1)}, instrument="NSE:NIFTY 50", bars=2)
    found = refused(run)
    assert (found.rule, found.value) == ("index-not-tradable", "NSE:NIFTY 50")
    assert "NIFTY futures on NFO" in found.fix
    assert not bodies(run, Accepted)


@pytest.mark.parametrize(
    ("instrument", "product", "details"),
    [("NSE:A", "NRML", {}), ("NFO:FUT", "CNC", FUTURE), ("X:COIN", "MIS", {})],
)
def test_a_segment_takes_its_own_products(
    tmp_path: Path, instrument: str, product: str, details: Mapping[str, Any]
) -> None:
    run = play(
        tmp_path, {0: lambda s, b: s.buy(b, 25, product=product)}, instrument=instrument, details=details, bars=2
    )
    found = refused(run)
    assert (found.rule, found.value) == ("product-not-allowed", product)
    assert product not in found.limit


def test_no_short_in_delivery(tmp_path: Path) -> None:
    found = refused(play(tmp_path, {0: lambda s, b: s.sell(b, 3)}, product="CNC"))
    assert (found.rule, found.limit, found.value) == ("short-in-delivery", "0", "-3")
    assert "MIS" in found.fix


def test_no_short_on_a_spot_market(tmp_path: Path) -> None:
    found = refused(play(tmp_path, {0: lambda s, b: s.sell(b, 3)}, instrument="X:COIN"))
    assert (found.rule, found.fix) == ("short-in-delivery", "buy first")


def test_no_sale_beyond_holdings(tmp_path: Path) -> None:
    run = play(tmp_path, {0: lambda s, b: s.buy(b, 3), 2: lambda s, b: s.sell(b, 4)}, product="CNC")
    found = refused(run)
    assert (found.rule, found.limit, found.value) == ("sell-beyond-holdings", "3", "4")


def test_shares_are_offered_once(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 10), 2: lambda s, b: [s.sell(b, 6, limit=110.0), s.sell(b, 6, limit=111.0)]}
    found = refused(play(tmp_path, plan, product="CNC"))
    assert (found.rule, found.limit, found.value) == ("sell-beyond-holdings", "4", "6")


def test_delivery_is_paid_in_full(tmp_path: Path) -> None:
    plan = {0: lambda s, b: [s.buy(b, 99), s.buy(b, 2)]}
    run = play(tmp_path, plan, cash=10_000.0, product="CNC")
    found = refused(run)
    assert (found.rule, found.limit, found.value) == ("insufficient-cash", "₹100.00", "₹200.00")
    assert trades(run) == [("buy", 99, 100.0)]


def test_a_stop_claims_its_trigger(tmp_path: Path) -> None:
    found = refused(play(tmp_path, {0: lambda s, b: s.buy(b, 99, trigger=105.0)}, cash=10_000.0, product="CNC"))
    assert found.value == "₹10,395.00"


def test_intraday_needs_a_fifth(tmp_path: Path) -> None:
    plan = {0: lambda s, b: [s.sell(b, 500), s.sell(b, 1)]}
    found = refused(play(tmp_path, plan, cash=10_000.0, product="MIS"))
    assert (found.rule, found.limit, found.value) == ("insufficient-margin", "₹0.00", "₹20.00")


def test_closing_needs_no_margin(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.sell(b, 500), 2: lambda s, b: s.buy(b, 500)}
    run = play(tmp_path, plan, cash=10_000.0, product="MIS")
    assert trades(run) == [("sell", 500, 100.0), ("buy", 500, 100.0)]


def test_the_second_half_of_a_flip_needs_margin(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.target(b, 400), 2: lambda s, b: s.target(b, -400)}
    run = play(tmp_path, plan, cash=10_000.0, product="MIS")
    assert (refused(run).rule, refused(run).value) == ("insufficient-margin", "₹8,000.00")
    assert run.ledger.position("plan", "NSE:A", Product.MIS) == 0


def test_two_orders_do_not_close_one_position_twice(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 400), 2: lambda s, b: [s.sell(b, 400, limit=110.0), s.sell(b, 400)]}
    found = refused(play(tmp_path, plan, cash=10_000.0, product="MIS"))
    assert found.rule == "insufficient-margin"


def test_no_intraday_entry_at_the_end_of_the_day(tmp_path: Path) -> None:
    """The last entry is at 15:20, when positions are squared off (Zerodha, before the closing auction)."""
    plan = {1: lambda s, b: s.buy(b, 1), 2: lambda s, b: s.buy(b, 2)}
    run = play(tmp_path, plan, first="15:18", bars=8, product="MIS")
    assert refused(run).rule == "intraday-entry-closed"
    assert trades(run) == [("buy", 1, 100.0), ("sell", 1, 100.0)]


def test_delivery_is_bought_until_the_close(tmp_path: Path) -> None:
    assert len(fills(play(tmp_path, {2: lambda s, b: s.buy(b, 2)}, first="15:18", bars=8, product="CNC"))) == 1


def test_an_expired_contract(tmp_path: Path) -> None:
    rows = [(f"2024-06-27 15:{minute}:00", 100.0, 100.0, 100.0, 100.0, 1e6) for minute in (28, 29, 30)]
    case = Case(
        tmp_path,
        {"NFO:FUT": rows},
        [scripted("plan", at_bar({2: lambda s, b: s.buy(b, 25)}))],
        instruments={"NFO:FUT": FUTURE},
    )
    assert refused(case.run(watch=conserve)).rule == "contract-expired"


def test_no_price_no_order(tmp_path: Path) -> None:
    case = Case(
        tmp_path,
        {"NSE:A": minutes(MONDAY, flat(100, 100)), "NSE:B": minutes(MONDAY, flat(100), first="09:30")},
        [scripted("plan", at_bar({0: lambda s, b: s.buy("NSE:B", 1)}), use="Portfolio")],
    )
    assert refused(case.run(watch=conserve)).rule == "no-price"


@pytest.mark.parametrize(
    "wish",
    [
        lambda s, b: s.buy(b, float("nan")),
        lambda s, b: s.buy(b, 0.5),
        lambda s, b: s.buy(b, -3),
        lambda s, b: s.buy(b, 1, limit=float("inf")),
        lambda s, b: s.buy(b, 1, limit=-5.0),
        lambda s, b: s.buy(b, 1, trail=float("nan")),
        lambda s, b: s.signal(b, 1.5),
        lambda s, b: s.signal(b, float("nan")),
        lambda s, b: s.target(b, 1e300),
        lambda s, b: s.buy(b, 1, limit=0.01),
    ],
)
def test_what_cannot_be_an_order(tmp_path: Path, wish: Any) -> None:
    run = play(tmp_path, {0: wish})
    assert refused(run).rule == "invalid-order"
    assert refused(run).order is None and not fills(run)


def test_a_strategy_hears_of_a_refusal(tmp_path: Path) -> None:
    from tests.builders import Listening

    Listening.orders.clear()
    play(tmp_path, {0: lambda s, b: s.sell(b, 3)}, product="CNC", use="Listening")
    (heard,) = Listening.orders
    assert (heard.event, heard.state, heard.detail, heard.quantity) == ("refused", "refused", "short-in-delivery", 3.0)


def test_cash_claimed_by_a_working_order_comes_back(tmp_path: Path) -> None:
    plan = {
        0: lambda s, b: s.buy(b, 90, limit=95.0),
        1: lambda s, b: s.buy(b, 90, limit=95.0),
        2: lambda s, b: [s.cancel(b), s.buy(b, 90, limit=95.0)],
    }
    run = play(tmp_path, plan, cash=10_000.0, product="CNC")
    assert refused(run).rule == "insufficient-cash"
    assert sum(live.reserved for live in run.engine.working.values()) == 90 * 95 * SCALE
