"""Positions by delta: futures by units, options by a Black-Scholes worked out here; what has no value is unknown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.builders import at_bar, bodies, flat, minutes, scripted
from tests.unit.engine.ruled.runs import MONDAY, TUESDAY, case, refused
from tradsys.compliance.sebi.facts import UNKNOWN, Exposure
from tradsys.core.events import Approved, Order, OrderType, Product, Side, Validity
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared
from tradsys.engine.ruled.desk import RuledDesk
from tradsys.engine.ruled.exposure import Exposures

INDEX, CALL, PUT, FUTURE = "NSE:NIFTY", "NFO:NIFTY26DEC24000CE", "NFO:NIFTY26DEC24000PE", "NFO:NIFTY26DECFUT"
EXPIRY = "2026-12-31"
OPTION: dict[str, Any] = {"segment": "option", "underlying": INDEX, "expiry": EXPIRY, "strike": 24_000.0, "lot": 65}
INSTRUMENTS: dict[str, dict[str, Any]] = {
    INDEX: {"segment": "index"},
    CALL: {**OPTION, "right": "CE"},
    PUT: {**OPTION, "right": "PE"},
    FUTURE: {"segment": "future", "underlying": INDEX, "expiry": EXPIRY, "lot": 65},
}
SPOT, VOLATILITY = 24_150.0, 0.14


def normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def black_scholes(*, years: float, put: bool) -> tuple[float, float]:
    """Price and delta without interest."""
    spread = VOLATILITY * math.sqrt(years)
    d1 = math.log(SPOT / 24_000.0) / spread + spread / 2
    price = SPOT * normal(d1) - 24_000.0 * normal(d1 - spread)
    return (price - SPOT + 24_000.0, normal(d1) - 1) if put else (price, normal(d1))


def made(folder: Path, prices: dict[str, float], plan: Any = None, **sections: Any) -> Prepared:
    bars = {name: minutes(MONDAY, flat(price)) + minutes(TUESDAY, flat(*[price] * 5)) for name, price in prices.items()}
    return case(
        folder,
        [scripted("plan", plan or at_bar({}), instruments=[next(n for n in prices if n != INDEX)])],
        bars=bars,
        instruments={name: INSTRUMENTS[name] for name in prices},
        execution={"product": "NRML"},
        run={"cash": 1e9},
        **sections,
    ).run()


def asked(prepared: Prepared, name: str, side: Side, quantity: int) -> Any:
    desk = prepared.engine.parts[2]
    assert isinstance(desk, RuledDesk)
    bar = prepared.engine.markets[name].bar
    assert bar is not None
    order = Order(
        at=bar.at, order_id=99, strategy="plan", instrument=name, side=side, quantity=quantity * SCALE,
        type=OrderType.LIMIT, product=Product.NRML, validity=Validity.DAY, limit=SCALE,
    )  # fmt: skip
    exposures = Exposures(prepared.engine.markets, prepared.engine.ledger, desk.traffic)
    return exposures.after(order, prepared.instruments[name])


@pytest.mark.parametrize(("name", "put"), [(CALL, False), (PUT, True)])
@pytest.mark.parametrize("side", list(Side))
def test_an_option_counts_by_its_delta(tmp_path: Path, name: str, put: bool, side: Side) -> None:
    first = made(tmp_path / "first", {INDEX: SPOT, name: 100.0})
    bar, expiry = first.engine.markets[name].bar, first.instruments[name].expiry
    assert bar is not None and expiry is not None
    price, delta = black_scholes(years=(expiry - bar.at) / (365 * 86_400 * 10**9), put=put)
    found = asked(made(tmp_path / "then", {INDEX: SPOT, name: round(price, 2)}), name, side, 650)
    assert isinstance(found, Exposure)
    money = abs(delta) * 650 * SPOT
    bought_up = (side > 0) is not put
    assert found.long / SCALE == pytest.approx(money if bought_up else 0, rel=1e-4)
    assert found.short / SCALE == pytest.approx(0 if bought_up else money, rel=1e-4)
    assert found.units / SCALE == pytest.approx(side * delta * 650, rel=1e-4)


def test_an_option_at_its_intrinsic_value_counts_in_full(tmp_path: Path) -> None:
    found = asked(made(tmp_path, {INDEX: SPOT, CALL: 100.0}), CALL, Side.BUY, 65)
    assert found == Exposure(long=round(SPOT * 65) * SCALE, units=65 * SCALE)


@pytest.mark.parametrize("prices", [{CALL: 300.0}, {INDEX: 100.0, CALL: 24_000.0}])
def test_what_cannot_be_valued_is_unknown(tmp_path: Path, prices: dict[str, float]) -> None:
    assert asked(made(tmp_path, prices), CALL, Side.BUY, 65) is UNKNOWN


def test_futures_add_up_with_what_is_held_and_what_works_the_same_way(tmp_path: Path) -> None:
    plan = {
        1: lambda s, bar: s.buy(bar, 130, limit=1.01 * bar.close),
        3: lambda s, bar: [s.buy(bar, 65, limit=0.9 * bar.close), s.sell(bar, 650, limit=1.1 * bar.close)],
    }
    seen: list[Any] = []

    def look(prepared: Prepared) -> None:
        seen.append([asked(prepared, FUTURE, side, 65).units // SCALE for side in Side])

    script = at_bar(plan)

    def watched(strategy: Any, bar: Any, account: Any) -> Any:
        if strategy.n == 4:
            look(holder[0])
        return script(strategy, bar, account)

    holder: list[Prepared] = []
    bars = {
        FUTURE: minutes(MONDAY, flat(SPOT)) + minutes(TUESDAY, flat(*[SPOT] * 5)),
    }
    prepared = case(
        tmp_path,
        [scripted("plan", watched)],
        bars=bars,
        instruments={FUTURE: INSTRUMENTS[FUTURE]},
        execution={"product": "NRML"},
        run={"cash": 1e9},
    ).prepare()
    holder.append(prepared)
    prepared.backtest.run(progress=lambda done: None, stop=lambda: False)
    assert refused(prepared) == []
    assert len(bodies(prepared, Approved)) == 3
    # held 130; a purchase of 65 counts with the 65 that work to buy, a sale with the 650 that work to sell
    assert seen == [[130 + 65 + 65, 130 - 65 - 650]]


def test_a_position_limit_holds_over_orders_that_have_not_traded(tmp_path: Path) -> None:
    name = "NFO:A26DECFUT"
    plan = at_bar({n: lambda s, bar: s.buy(bar, 400, limit=0.9 * bar.close) for n in (2, 3, 4)})
    done = case(
        tmp_path,
        [scripted("plan", plan)],
        bars={name: minutes(MONDAY, flat(100.0)) + minutes(TUESDAY, flat(*[100.0] * 6))},
        instruments={name: {"segment": "future", "underlying": "NSE:A", "expiry": EXPIRY, "lot": 10}},
        files={
            "ban_list": "*,no,2026-01-01,,list",
            "market_wide_limits": "NSE:A,10000,2026-01-01,,list",
            "freeze_quantities": f"{name},500,2026-01-01,,contract file",
        },
        execution={"product": "NRML"},
    ).run()
    assert refused(done) == [("sebi-stock-position", "1200", "1000")]
