"""What happens because of the date: expiry, roll, ex-dates, funding; each worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    MONDAY,
    Case,
    Row,
    Scripted,
    at_bar,
    bodies,
    conserve,
    days,
    fills,
    flat,
    minutes,
    run,
    scripted,
    trades,
)
from tradsys.core.errors import ConfigError
from tradsys.core.events import CashMoved, Charged, CorporateAction, Funding, Product
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared
from tradsys.engine.results import collect

EXPIRY = date(2024, 6, 27)
INDEX = "NSE:NIFTY 50"
FUTURE = {"segment": "future", "expiry": "2024-06-27", "underlying": INDEX, "lot": 25.0}
NEXT = {"segment": "future", "expiry": "2024-07-25", "underlying": INDEX, "lot": 25.0}
CALL = {**FUTURE, "segment": "option", "strike": 100.0, "right": "CE"}
PUT = {**CALL, "right": "PE"}


def last_day(*closes: float) -> list[Row]:
    """Minutes that end at the close of the expiry, and one of the day after."""
    rows = minutes(EXPIRY, flat(*closes), first=f"15:{31 - len(closes):02}")
    return rows + minutes(date(2024, 6, 28), flat(closes[-1]))


def case(
    folder: Path,
    plan: Mapping[int, Any],
    bars: Mapping[str, Sequence[Row]],
    details: Mapping[str, Mapping[str, Any]],
    **sections: Any,
) -> Prepared:
    script = scripted("plan", at_bar(plan), instruments=[next(iter(bars))])
    return Case(folder, bars, [script], instruments=details, sections=sections).run(watch=conserve)


def test_a_future_moves_cash_by_its_gain_alone(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 25), 2: lambda s, b: s.sell(b, 25)}
    seen: list[tuple[int, int]] = []
    prepared = Case(
        tmp_path,
        {"NFO:FUT": minutes(MONDAY, flat(100, 100, 110, 120, 120))},
        [scripted("plan", at_bar(plan))],
        instruments={"NFO:FUT": FUTURE},
    ).prepare()
    run(prepared, watch=lambda p, event: seen.append((p.ledger.cash // SCALE, p.ledger.equity() // SCALE)))
    assert trades(prepared) == [("buy", 25, 100.0), ("sell", 25, 120.0)]
    assert seen[2][0] == 1_000_000, "opening a future costs nothing"
    assert prepared.ledger.cash == (1_000_000 + 25 * 20) * SCALE


def test_a_future_settles_at_its_underlying(tmp_path: Path) -> None:
    bars = {"NFO:FUT": last_day(100, 101, 102), INDEX: last_day(100, 100, 107)}
    prepared = case(tmp_path, {0: lambda s, b: s.buy(b, 25)}, bars, {"NFO:FUT": FUTURE})
    assert trades(prepared) == [("buy", 25, 101.0), ("sell", 25, 107.0)]
    assert fills(prepared)[-1].reason == "expiry" and fills(prepared)[-1].order_id == 0
    assert prepared.ledger.cash == (1_000_000 + 25 * 6) * SCALE
    assert not prepared.engine.working


def test_a_future_without_its_underlying_settles_at_its_own_last_price(tmp_path: Path) -> None:
    prepared = case(tmp_path, {0: lambda s, b: s.buy(b, 25)}, {"NFO:FUT": last_day(100, 101, 103)}, {"NFO:FUT": FUTURE})
    assert trades(prepared) == [("buy", 25, 101.0), ("sell", 25, 103.0)]


@pytest.mark.parametrize(
    ("details", "wish", "settled", "stt"),
    [
        (CALL, "buy", 8.0, 25 * 8 * 0.00125),  # long, in the money: exercised, 0.125 % of intrinsic value
        (PUT, "buy", 0.0, 0.0),  # worthless
        (CALL, "sell", 8.0, 0.0),  # assigned: no exercise tax on the seller
    ],
)
def test_an_option_settles_at_its_intrinsic_value(
    tmp_path: Path, details: Mapping[str, Any], wish: str, settled: float, stt: float
) -> None:
    """STT on exercised options: 0.125 % of intrinsic value (Finance Act 2019, from 2019-09-01 to 2026-03-31)."""
    bars = {"NFO:OPT": last_day(3, 3, 3), INDEX: last_day(100, 100, 108)}
    plan = {0: lambda s, b: getattr(s, wish)(b, 25)}
    prepared = case(tmp_path, plan, bars, {"NFO:OPT": details}, charges={"plan": "zerodha", "as_of": "2025-12-01"})
    other = "sell" if wish == "buy" else "buy"
    assert trades(prepared)[-1] == (other, 25, settled)
    final = bodies(prepared, Charged)[-1]
    assert final.total / SCALE == pytest.approx(stt, abs=0.5)
    assert (final.total > 0) == (stt > 0)
    sign = 1 if wish == "buy" else -1
    charges = sum(each.total for each in bodies(prepared, Charged))
    assert prepared.ledger.cash == (1_000_000 + sign * 25 * int(settled - 3)) * SCALE - charges


def test_an_option_needs_its_underlying_to_expire(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="underlying"):
        case(tmp_path, {}, {"NFO:OPT": last_day(3, 3)}, {"NFO:OPT": {**CALL, "underlying": ""}})


def test_a_position_rolls_the_day_before_expiry(tmp_path: Path) -> None:
    near = minutes(date(2024, 6, 25), flat(100, 100)) + minutes(date(2024, 6, 26), flat(101, 102, 103))
    far = minutes(date(2024, 6, 25), flat(110, 110)) + minutes(date(2024, 6, 26), flat(111, 112, 113))
    prepared = Case(
        tmp_path,
        {"NFO:NEAR": near, "NFO:FAR": far},
        [scripted("plan", at_bar({0: lambda s, b: s.buy("NFO:NEAR", 25)}), use="Portfolio")],
        instruments={"NFO:NEAR": {**FUTURE, "roll_to": "NFO:FAR"}, "NFO:FAR": NEXT},
    ).run(watch=conserve)
    assert [(f.instrument, *t) for f, t in zip(fills(prepared), trades(prepared), strict=True)] == [
        ("NFO:NEAR", "buy", 25, 100.0),
        ("NFO:NEAR", "sell", 25, 102.0),
        ("NFO:FAR", "buy", 25, 112.0),
    ]


# --- ex-dates


def actions(folder: Path, *rows: str) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    (folder / "actions.csv").write_text("instrument,ex_date,kind,ratio,cash,source\n" + "\n".join(rows) + "\n")
    return {"data": {"corporate_actions": "actions.csv"}}


def test_a_bonus_keeps_the_value_of_a_holding(tmp_path: Path) -> None:
    sections = actions(tmp_path, "NSE:A,2024-06-06,bonus,1:1,,made up")
    equity: list[int] = []
    prepared = Case(
        tmp_path,
        {"NSE:A": days(flat(100, 100, 100, 50, 50))},
        [scripted("plan", at_bar({0: lambda s, b: s.buy(b, 11)}))],
        interval="1d",
        sections=sections,
    ).prepare()
    run(prepared, watch=lambda p, event: (p.ledger.check(), equity.append(p.ledger.equity()))[0])  # type: ignore[func-returns-value]
    assert prepared.ledger.position("plan", "NSE:A", Product.CNC) == 22 * SCALE
    assert set(equity) == {1_000_000 * SCALE}


def test_a_split_pays_the_fraction_of_a_share(tmp_path: Path) -> None:
    # 3 new for 2 old: 11 shares become 16 and a half; the half is paid at 150 x 2 / 3 = 100
    sections = actions(tmp_path, "NSE:A,2024-06-06,bonus,1:2,,made up")
    prepared = Case(
        tmp_path,
        {"NSE:A": days(flat(150, 150, 150, 100, 100))},
        [scripted("plan", at_bar({0: lambda s, b: s.buy(b, 11)}))],
        interval="1d",
        sections=sections,
    ).run(watch=conserve)
    assert prepared.ledger.position("plan", "NSE:A", Product.CNC) == 16 * SCALE
    assert [each.amount for each in bodies(prepared, CashMoved)] == [50 * SCALE]


def test_a_dividend_is_received_and_the_target_stays(tmp_path: Path) -> None:
    sections = actions(tmp_path, "NSE:A,2024-06-06,dividend,,4.5,made up")
    prepared = Case(
        tmp_path,
        {"NSE:A": days(flat(100, 100, 100, 95.5, 95.5))},
        [scripted("plan", lambda s, b, a: [s.target(b, 10)])],
        interval="1d",
        sections=sections,
    ).run(watch=conserve)
    assert [(each.amount, each.reason) for each in bodies(prepared, CashMoved)] == [(45 * SCALE, "dividend")]
    assert len(fills(prepared)) == 1
    collect(prepared, {})
    assert prepared.ledger.equity() == 1_000_000 * SCALE


def test_a_target_is_in_the_shares_of_the_day(tmp_path: Path) -> None:
    sections = actions(tmp_path, "NSE:A,2024-06-06,split,1:5,,made up")
    prepared = Case(
        tmp_path,
        {"NSE:A": days(flat(100, 100, 100, 20, 20, 20))},
        [scripted("plan", lambda s, b, a: [s.signal(b, 1.0)])],
        interval="1d",
        sections={**sections, "data": {**sections["data"]}},
    ).run(watch=conserve)
    assert len(fills(prepared)) == 1, "a repeated signal does not trade a split"


def test_working_orders_do_not_survive_an_ex_date(tmp_path: Path) -> None:
    sections = actions(tmp_path, "NSE:A,2024-06-06,split,1:5,,made up")
    prepared = Case(
        tmp_path,
        {"NSE:A": days(flat(100, 100, 100, 20, 20, 20))},
        [scripted("plan", at_bar({0: lambda s, b: s.buy(b, 1, limit=50.0, validity="GTC", product="CNC")}))],
        interval="1d",
        sections=sections,
    ).run(watch=conserve)
    assert not fills(prepared) and not prepared.engine.working


def test_a_share_is_worth_the_same_before_its_first_bar_after_a_bonus(tmp_path: Path) -> None:
    """A second, livelier share shows the account in between: to strategies and on the curve."""
    sections = actions(tmp_path, "NSE:A,2024-06-04,bonus,1:1,,made up")
    tuesday = date(2024, 6, 4)
    seen: list[float] = []

    def script(strategy: Scripted, bar: Any, account: Any) -> Any:
        seen.append(account.equity)
        return [strategy.buy("NSE:A", 100)] if strategy.n == 1 else []

    prepared = Case(
        tmp_path,
        {
            "NSE:A": minutes(MONDAY, flat(100, 100, 100)) + minutes(tuesday, flat(50, 50), first="09:18"),
            "NSE:B": minutes(MONDAY, flat(10, 10, 10)) + minutes(tuesday, flat(10, 10, 10, 10)),
        },
        [scripted("plan", script, use="Portfolio")],
        sections=sections,
    ).run(watch=conserve)
    assert prepared.ledger.position("plan", "NSE:A", Product.CNC) == 200 * SCALE
    assert set(seen) == {1_000_000.0}
    result, _ = collect(prepared, {})
    assert set(result.equity.tolist()) == {1_000_000 * SCALE}
    assert len(bodies(prepared, CorporateAction)) == 1


# --- crypto


def test_maker_and_taker_on_a_spot_market(tmp_path: Path) -> None:
    plan = {0: lambda s, b: s.buy(b, 2), 1: lambda s, b: s.sell(b, 1, limit=110.0)}
    prepared = Case(
        tmp_path,
        {"BINANCE:ETHUSDT": minutes(MONDAY, [*flat(100, 100), (100, 111, 100, 100)])},
        [scripted("plan", at_bar(plan))],
        sections={"run": {"currency": "USDT"}, "charges": {"plan": "crypto", "maker": 0.001, "taker": 0.002}},
    ).run(watch=conserve)
    assert [each.total for each in bodies(prepared, Charged)] == [200 * SCALE * 2 // 1000, 110 * SCALE // 1000]
    assert prepared.ledger.cash == (1_000_000 - 200 + 110) * SCALE - 40_000_000 - 11_000_000


def test_funding_is_paid_by_who_is_long(tmp_path: Path) -> None:
    prepared = Case(
        tmp_path,
        {"BINANCE:PERP": minutes(MONDAY, flat(100, 100, 100))},
        [scripted("plan", at_bar({0: lambda s, b: s.buy(b, 3)}))],
        instruments={"BINANCE:PERP": {"segment": "crypto_perpetual"}},
        sections={"run": {"currency": "USDT"}},
    ).run(watch=conserve)
    before = prepared.ledger.cash
    (entry,) = prepared.engine.process(Funding(0, 0, "BINANCE:PERP", 0.0001, 100.0))
    assert isinstance(entry.body, CashMoved) and entry.body.amount == -3 * SCALE // 100
    assert prepared.ledger.cash - before == -3 * SCALE // 100
    prepared.ledger.check()
