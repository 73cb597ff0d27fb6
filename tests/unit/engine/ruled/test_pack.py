"""The rule pack of a run file: what is wrong is refused before the run, what is not known refuses in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Case, at_bar, bodies, fills, flat, minutes, scripted
from tests.unit.engine.ruled.runs import MONDAY, case, refused, rules, two_days
from tradsys.compliance.sebi.book import sebi_rules
from tradsys.compliance.sebi.vectors import commodity_future
from tradsys.core.errors import ConfigError, MissingData, UnknownName
from tradsys.core.events import Approved, Refused
from tradsys.engine.markets import Market
from tradsys.engine.ruled.facts import Stated
from tradsys.engine.ruled.pack import demand_closable
from tradsys.engine.trading.assembly import configuration_hash


def buying(*, at: int = 3, price: float | None = 100.0, name: str = "plan", **section: Any) -> dict[str, Any]:
    return scripted(name, at_bar({at: lambda s, bar: s.buy(bar, 1, limit=price)}), **section)


def test_an_order_that_keeps_every_rule_passes(tmp_path: Path) -> None:
    done = case(tmp_path, [buying()]).run()
    assert refused(done) == []
    assert len(bodies(done, Approved)) == 1


@pytest.mark.parametrize(
    ("facts", "rule", "what"),
    [
        ({"generic_algo_id": False}, "sebi-algo-id", "registration of plan at NSE"),
        ({"paper_access": False}, "sebi-static-ip", "the registered addresses"),
        (
            {"paper_access": False, "registered_addresses": ["192.0.2.1"]},
            "sebi-static-ip",
            "the address that orders leave from",
        ),
        (
            {"paper_access": False, "registered_addresses": ["192.0.2.1"], "address": "192.0.2.1"},
            "sebi-daily-session",
            "when the session began",
        ),
    ],
)
def test_what_is_not_given_is_unknown_and_refuses(tmp_path: Path, facts: Any, rule: str, what: str) -> None:
    done = case(tmp_path, [buying()], facts=facts).run()
    assert [(each[0], each[1]) for each in refused(done)] == [(rule, f"unknown: {what}")]


def test_a_list_that_ends_refuses_after_its_end(tmp_path: Path) -> None:
    ended = {"surveillance": "*,none,2020-01-01,2026-11-17,list"}
    done = case(tmp_path, [buying()], files=ended).run()
    assert refused(done) == [("sebi-surveillance", "unknown: surveillance status of NSE:A", "a share's measure")]


def test_an_address_of_ones_own_is_judged(tmp_path: Path) -> None:
    access = {"address": "192.0.2.9", "registered_addresses": ["192.0.2.1"], "login": "08:30"}
    done = case(tmp_path, [buying()], facts={"paper_access": False, **access}).run()
    assert refused(done) == [("sebi-static-ip", "192.0.2.9", "192.0.2.1")]


def test_without_a_close_of_the_day_before_there_is_no_band(tmp_path: Path) -> None:
    plan = scripted("plan", at_bar({n: lambda s, bar: s.buy(bar, 1, limit=100.0) for n in (0, 1)}))
    done = case(tmp_path, [plan]).run()
    assert refused(done) == [("sebi-price-band", "unknown: price band of NSE:A", "daily band")]
    assert len(bodies(done, Approved)) == 1, "the day after has one"


@pytest.mark.parametrize(
    ("price", "rows", "band"),
    [
        (120.0, "", ""),
        (120.05, "", "80 to 120"),
        (105.0, "NSE:A,5,2026-01-01,,daily file", ""),
        (105.05, "NSE:A,5,2026-01-01,,daily file", "95 to 105"),
        (110.05, "NSE:A,dynamic,2026-01-01,,daily file", "90 to 110"),
        (110.05, "NSE:B,5,2026-01-01,,daily file", ""),
    ],
)
def test_the_band_is_the_files_or_the_venues(tmp_path: Path, price: float, rows: str, band: str) -> None:
    files = {"price_bands": rows} if rows else {}
    done = case(tmp_path, [buying(price=price)], files=files).run()
    assert refused(done) == ([("sebi-price-band", str(price), band)] if band else [])


@pytest.mark.parametrize(("as_of", "band"), [("", "daily band"), ("2026-11-20", "90 to 110")])
def test_a_dynamic_band_is_that_of_the_rules(tmp_path: Path, as_of: str, band: str) -> None:
    """In 2015 there was none."""
    files = {"price_bands": "NSE:A,dynamic,2015-01-01,,daily file", "surveillance": "*,none,2015-01-01,,list"}
    rows = two_days(*[100.0] * 6, first=date(2015, 9, 21))
    rules_of = {"as_of": as_of} if as_of else {}
    done = case(tmp_path, [buying(price=110.05)], bars={"NSE:A": rows}, files=files, rules=rules_of).run()
    assert [(each[0], each[2]) for each in refused(done)] == [("sebi-price-band", band)]


def test_own_checks_refuse_before_the_rules(tmp_path: Path) -> None:
    plan = scripted("plan", at_bar({3: lambda s, bar: s.sell(bar, 1, limit=300.0)}))
    assert rules(case(tmp_path, [plan]).run()) == ["short-in-delivery"]


@pytest.mark.parametrize(
    ("sections", "kind", "says"),
    [
        ({"rules": {"pack": "sebbi"}}, UnknownName, "unknown rule pack 'sebbi' in rules.pack .did you mean 'sebi'"),
        ({"rules": {"pack": "sebi", "orders_per_second": 0}}, ConfigError, "must be positive"),
        ({"facts": {"login": "8 in the morning"}}, ConfigError, "no time of day"),
        ({"facts": {"login": "25:00"}}, ConfigError, "no time of day"),
        ({"facts": {"ban_list": "nowhere.csv"}}, MissingData, "no file"),
        ({"files": {"ban_list": "NSE:A,maybe,2026-01-01,,list"}}, ConfigError, "not yes or no"),
        ({"files": {"market_wide_limits": "*,1000,2026-01-01,,list"}}, ConfigError, "no two are alike"),
        ({"files": {"freeze_quantities": "NSE:A,0,2026-01-01,,list"}}, ConfigError, "units above 0"),
        ({"files": {"freeze_quantities": "NSE:A,many,2026-01-01,,list"}}, ConfigError, "not a number"),
        ({"files": {"price_bands": "NSE:A,100,2026-01-01,,list"}}, ConfigError, "below 100"),
    ],
)
def test_a_run_file_that_is_wrong_is_refused(tmp_path: Path, sections: Any, kind: type, says: str) -> None:
    with pytest.raises(kind, match=says):
        case(tmp_path, [buying()], **sections).prepare()


@pytest.mark.parametrize("given", [{"facts": {"paper_access": True}}, {"orders_per_second": 5}])
def test_facts_without_a_pack_are_refused(tmp_path: Path, given: Any) -> None:
    bars = {"NSE:A": minutes(MONDAY, flat(100.0))}
    with pytest.raises(ConfigError, match=r"without rules\.pack"):
        Case(tmp_path, bars, [buying()], sections={"rules": given}).prepare()


def unprotected(folder: Path, *, year: int, as_of: str = "") -> Case:
    plan = scripted("plan", at_bar({1: lambda s, bar: s.buy(bar, 1, product="MIS")}))
    day = date(2023, 6, 5) if year == 2023 else MONDAY
    rows = two_days(*[100.0] * 4, first=day) + minutes(
        date.fromordinal(day.toordinal() + 1), flat(100.0), first="15:21"
    )
    made = case(folder, [plan], bars={"NSE:A": rows})
    del made.sections["execution"]["market_protection"]  # type: ignore[attr-defined]
    if as_of:
        made.sections["rules"]["as_of"] = as_of  # type: ignore[index]
    return made


def test_where_market_orders_are_barred_a_run_without_protection_does_not_start(tmp_path: Path) -> None:
    for number, made in enumerate((("", 2026), ("2026-11-20", 2023))):
        as_of, year = made
        with pytest.raises(ConfigError, match="with which positions are closed") as caught:
            unprotected(tmp_path / str(number), year=year, as_of=as_of).prepare()
        assert "execution.market_protection" in caught.value.fix


@pytest.mark.parametrize(("day", "barred"), [(date(2026, 4, 29), False), (date(2026, 4, 30), True)])
def test_where_even_protected_ones_are_barred_nothing_may_be_traded(day: date, barred: bool) -> None:
    """Commodities."""
    gold = commodity_future()
    markets, spans = {gold.id: Market(gold)}, {gold.id: (day, day)}
    stated = Stated(protection=200)
    if not barred:
        demand_closable(sebi_rules(), markets, spans=spans, as_of=None, stated=stated)
        return
    with pytest.raises(ConfigError, match="bars market orders") as caught:
        demand_closable(sebi_rules(), markets, spans=spans, as_of=None, stated=stated)
    assert "another instrument" in caught.value.fix


def test_where_they_are_taken_it_trades_and_closes_at_market(tmp_path: Path) -> None:
    done = unprotected(tmp_path, year=2023).run()
    assert rules(done) == []
    assert [each.reason for each in fills(done)] == ["", "square_off"]


def test_the_protection_of_a_run_is_what_the_rules_are_told(tmp_path: Path) -> None:
    done = case(tmp_path, [buying(price=None)]).run()
    assert rules(done) == []
    assert len(fills(done)) == 1


def test_our_own_limit_of_the_rate(tmp_path: Path) -> None:
    plan = scripted("plan", at_bar({3: lambda s, bar: [s.buy(bar, 1, limit=100.0) for _ in range(4)]}))
    done = case(tmp_path, [plan], rules={"orders_per_second": 3}).run()
    assert refused(done) == [("sebi-order-rate", "4", "3 a second")]


def test_withdrawals_count_in_the_rate(tmp_path: Path) -> None:
    def plan(strategy: Any, bar: Any) -> list[Any]:
        return [strategy.cancel(bar), *(strategy.buy(bar, 1, limit=90.0) for _ in range(6))]

    done = case(tmp_path, [scripted("plan", at_bar({2: plan, 3: plan}))]).run()
    # six withdrawn and two new are eight in the second minute
    assert refused(done) == [("sebi-order-rate", "9", "8 a second")] * 4


@pytest.mark.parametrize(("code", "passes"), [("right", True), ("ab12", False)])
def test_registered_code_is_the_code_that_runs(tmp_path: Path, repository: Path, code: str, passes: bool) -> None:
    from tradsys.engine.inputs import hash_of

    folder = tmp_path
    made = case(folder, [buying()], facts={"generic_algo_id": False, "registrations": "registrations.csv"})
    digest = hash_of(repository / "tests" / "builders.py") if passes else code
    (folder / "registrations.csv").write_text(
        f"strategy,exchange,value,code,effective_from,effective_to,source\nplan,NSE,4711,{digest},2026-01-01,,letter\n"
    )
    assert rules(made.run()) == ([] if passes else ["sebi-algo-id"])


def test_a_run_file_without_a_pack_hashes_as_before(tmp_path: Path) -> None:
    from tradsys.engine import settings as layered

    bars = {"NSE:A": minutes(MONDAY, flat(100.0))}
    path = Case(tmp_path, bars, [buying()]).write()
    run = layered.load(path, environment={}).run
    assert (run.rules.pack, run.rules.facts) == (None, None)
    assert configuration_hash(run) != configuration_hash(
        layered.load(path, environment={}, flags=["rules.pack=sebi"]).run
    )
    assert not [each for each in bodies(Case(tmp_path, bars, [buying()]).run(), Refused) if "sebi" in each.rule]
