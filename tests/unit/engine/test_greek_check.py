"""Limits on Greeks in the gate: an option at the money has a delta near a half, a future one of 1."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Case, at_bar, bodies, conserve, flat, minutes, scripted
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Approved, Refused
from tradsys.engine.assemble import Prepared

INDEX = "NSE:NIFTY 50"
TERMS = {"expiry": "2024-06-27", "underlying": INDEX, "lot": 1.0}
BARS = {
    "NFO:CALL": minutes(MONDAY, flat(2.0, 2.0, 2.0, 2.0)),
    "NFO:FUT": minutes(MONDAY, flat(100.0, 100.0, 100.0, 100.0)),
    INDEX: minutes(MONDAY, flat(100.0, 100.0, 100.0, 100.0)),
}
DETAILS = {
    "NFO:CALL": {**TERMS, "segment": "option", "strike": 100.0, "right": "CE"},
    "NFO:FUT": {**TERMS, "segment": "future"},
}
RULES = {"delta": "greek-delta", "gamma": "greek-gamma", "vega_point": "greek-vega-point"}


def case(folder: Path, plan: Mapping[int, Any], *limits: Mapping[str, Any], bars: Mapping[str, Any] = BARS) -> Case:
    risk = {"greeks": {"interest_rate": 0.065, "limits": list(limits)}}
    script = scripted("plan", at_bar(plan), use="Portfolio", instruments=["NFO:CALL", "NFO:FUT"], product="NRML")
    return Case(folder, bars, [script], instruments=DETAILS, sections={"risk": risk})


def play(folder: Path, plan: Mapping[int, Any], *limits: Mapping[str, Any], bars: Mapping[str, Any] = BARS) -> Prepared:
    return case(folder, plan, *limits, bars=bars).run(watch=conserve)


def delta(most: float) -> dict[str, Any]:
    return {"greek": "delta", "most": most, "underlying": INDEX}


def test_a_future_counts_one_and_an_option_about_a_half(tmp_path: Path) -> None:
    buys = {2: lambda s, b: s.buy("NFO:FUT", 10)}
    assert not bodies(play(tmp_path / "a", buys, delta(10.0)), Refused)
    (found,) = bodies(play(tmp_path / "b", buys, delta(9.99)), Refused)
    assert (found.rule, found.limit, found.value) == ("greek-delta", f"9.99 (delta of {INDEX})", "10")
    calls = {2: lambda s, b: s.buy("NFO:CALL", 10)}
    assert not bodies(play(tmp_path / "c", calls, delta(6.5)), Refused)
    (found,) = bodies(play(tmp_path / "d", calls, delta(4.5)), Refused)
    assert 5.0 < float(found.value) < 6.5, "in the money by the interest"


def test_orders_on_their_way_count_where_they_make_it_worse_and_nowhere_else(tmp_path: Path) -> None:
    both = {2: lambda s, b: [s.buy("NFO:FUT", 6, limit=90.0), s.buy("NFO:FUT", 6)]}
    (found,) = bodies(play(tmp_path / "a", both, delta(10.0)), Refused)
    assert found.value == "12"
    hedge = {2: lambda s, b: [s.sell("NFO:FUT", 6, limit=110.0), s.buy("NFO:FUT", 6)]}
    assert not bodies(play(tmp_path / "b", hedge, delta(6.0)), Refused), "the other way may never trade"
    assert bodies(play(tmp_path / "c", hedge, delta(5.9)), Refused)


def test_what_reduces_the_greek_passes(tmp_path: Path) -> None:
    hedged = {2: lambda s, b: s.buy("NFO:FUT", 10), 4: lambda s, b: s.sell("NFO:CALL", 10)}
    run = play(tmp_path, hedged, delta(10.0))
    assert not bodies(run, Refused) and len(bodies(run, Approved)) == 2


@pytest.mark.parametrize("greek", ["gamma", "vega_point"])
def test_a_future_has_neither_gamma_nor_vega(tmp_path: Path, greek: str) -> None:
    limit = {"greek": greek, "most": 1e-6, **({"underlying": INDEX} if greek == "gamma" else {})}
    assert not bodies(play(tmp_path / "a", {2: lambda s, b: s.buy("NFO:FUT", 10)}, limit), Refused)
    (found,) = bodies(play(tmp_path / "b", {2: lambda s, b: s.sell("NFO:CALL", 10)}, limit), Refused)
    assert found.rule == RULES[greek] and float(found.value) < 0


def test_what_cannot_be_valued_is_refused(tmp_path: Path) -> None:
    worthless = {**BARS, "NFO:CALL": minutes(MONDAY, flat(150.0, 150.0, 150.0))}
    (found,) = bodies(play(tmp_path, {2: lambda s, b: s.buy("NFO:CALL", 1)}, delta(10.0), bars=worthless), Refused)
    assert found.rule == "greeks-unknown" and found.value == "NFO:CALL: no volatility: nan"
    alone = {name: rows for name, rows in BARS.items() if name != INDEX}
    plan = {2: lambda s, b: s.buy("NFO:FUT", 1), 4: lambda s, b: s.sell("NFO:FUT", 1)}
    found = bodies(play(tmp_path / "b", plan, delta(10.0), bars=alone), Refused)
    assert {each.rule for each in found} == {"greeks-unknown"}
    assert found[0].value == "NFO:FUT: no price of the underlying: none"


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"greek": "delta", "most": 1.0, "underlying": "NSE:NIFTY"}, INDEX),
        ({"greek": "dleta", "most": 1.0, "underlying": INDEX}, "dleta"),
        ({"greek": "delta", "most": -1.0, "underlying": INDEX}, "positive"),
        ({"greek": "delta", "mots": 1.0, "underlying": INDEX}, "most"),
    ],
)
def test_limits_that_are_none(tmp_path: Path, limit: Mapping[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, UnknownName), match=message):
        case(tmp_path, {}, limit).prepare()
