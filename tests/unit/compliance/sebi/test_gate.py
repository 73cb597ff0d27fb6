"""The pack in the gate of a backtest: refusals stand in the log, what passes is traded, the date decides."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Case, at_bar, bodies, flat, minutes, run, scripted, trades
from tradsys.compliance.sebi.book import sebi_rules
from tradsys.compliance.sebi.facts import AUTOMATIC, Band, Messages, Registration, StatedFacts
from tradsys.compliance.sebi.pack import checks
from tradsys.compliance.sebi.vectors import moment
from tradsys.core.events import Refused
from tradsys.core.units import SCALE
from tradsys.engine import settings as layered
from tradsys.engine.assemble import Prepared, _on_bars, wire

MONDAY = date(2026, 11, 16)
EARLIER = date(2023, 6, 5)


def facts(day: date, **changes: Any) -> StatedFacts:
    known: dict[str, Any] = {
        "registrations": {"plan": Registration()},
        "egress": "192.0.2.1",
        "addresses": ("192.0.2.1",),
        "login": moment(day, "08:30"),
        "bands": {"NSE:A": Band(low=90 * SCALE, high=110 * SCALE)},
        "measures": {"NSE:A": ""},
        "counts": Messages(counted=0, trades=0),
        "own": (),
    }
    return StatedFacts(**known | changes)


def play(
    folder: Path, plan: dict[int, Any], *, day: date = MONDAY, as_of: date | None = None, **changes: Any
) -> Prepared:
    """A share at 100 for six minutes, with the pack before the usual checks."""
    case = Case(
        folder,
        {"NSE:A": minutes(day, flat(*[100.0] * 6))},
        [scripted("plan", at_bar(plan))],
        sections={"execution": {"slippage_bps": 0, "participation": 0, "product": "CNC"}},
    )
    settings = layered.load(case.write(), environment={})
    pack = checks(sebi_rules(), facts(day, **changes), as_of=as_of)
    wired = wire(settings, stepped=False, checks=pack)
    parts = (wired.instruments, wired.data, wired.engine, wired.schedule, wired.cutoffs, wired.bars)
    replay = _on_bars(settings.run.execution, *parts)
    return run(
        Prepared(
            settings=settings,
            instruments=wired.instruments,
            data=wired.data,
            ledger=wired.ledger,
            engine=wired.engine,
            replay=replay,
            assumptions=[],
        )
    )


def rules(prepared: Prepared) -> list[str]:
    return [each.rule for each in bodies(prepared, Refused)]


def market(strategy: Any, bar: Any) -> Any:
    return strategy.buy(bar, 1)


def limit(price: float) -> Any:
    return lambda strategy, bar: strategy.buy(bar, 1, limit=price)


def test_a_limit_order_inside_every_rule_is_traded(tmp_path: Path) -> None:
    done = play(tmp_path, {0: limit(101.0)})
    assert rules(done) == []
    assert trades(done) == [("buy", 1, 100.0)]


@pytest.mark.parametrize(
    ("order", "changes", "rule"),
    [
        (market, {}, "sebi-market-order"),
        (market, {"protection": 0}, "sebi-market-order"),
        (limit(110.05), {}, "sebi-price-band"),
        (limit(100.0), {"bands": {}}, "sebi-price-band"),
        (limit(100.0), {"measures": {"NSE:A": "GSM 3"}}, "sebi-surveillance"),
        (limit(100.0), {"measures": {}}, "sebi-surveillance"),
        (limit(100.0), {"egress": "192.0.2.9"}, "sebi-static-ip"),
        (limit(100.0), {"login": None}, "sebi-daily-session"),
        (limit(100.0), {"registrations": {}}, "sebi-algo-id"),
        (limit(100.0), {"counts": Messages(counted=99, trades=0)}, "sebi-order-to-trade"),
        (limit(100.0), {"own": None}, "sebi-self-trade"),
    ],
)
def test_a_broken_rule_refuses_and_nothing_is_traded(
    tmp_path: Path, order: Any, changes: dict[str, Any], rule: str
) -> None:
    done = play(tmp_path, {0: order}, **changes)
    (refused,) = bodies(done, Refused)
    assert refused.rule == rule
    assert "(source: " in refused.fix
    assert trades(done) == []


def test_the_ninth_order_of_a_second_is_refused_and_the_next_second_is_open(tmp_path: Path) -> None:
    done = play(tmp_path, {0: lambda s, b: [s.buy(b, 1, limit=101.0) for _ in range(9)], 1: limit(101.0)})
    assert rules(done) == ["sebi-order-rate"]
    assert len(trades(done)) == 9


def test_a_year_has_its_own_rules_and_as_of_asks_for_todays(tmp_path: Path) -> None:
    then = play(tmp_path / "then", {0: market}, day=EARLIER)
    assert (rules(then), trades(then)) == ([], [("buy", 1, 100.0)])
    now = play(tmp_path / "now", {0: market}, day=EARLIER, as_of=date(2026, 11, 20))
    assert (rules(now), trades(now)) == (["sebi-market-order"], [])
    protected = play(tmp_path / "kept", {0: market}, day=EARLIER, as_of=date(2026, 11, 20), protection=AUTOMATIC)
    assert (rules(protected), trades(protected)) == ([], [("buy", 1, 100.0)])


def test_nothing_known_refuses_everything(tmp_path: Path) -> None:
    unknown: dict[str, Any] = dict.fromkeys(("egress", "addresses", "login", "counts", "own"))
    done = play(tmp_path, {0: limit(100.0), 1: market}, registrations={}, bands={}, measures={}, **unknown)
    assert rules(done) == ["sebi-algo-id"] * 2
    assert trades(done) == []
