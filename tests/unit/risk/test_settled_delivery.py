"""`risk.sell_unsettled = false` through whole runs: what it refuses, and that nothing changes without it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Case, at_bar, bodies, conserve, days, fills, flat, scripted
from tradsys.core.errors import UnknownName
from tradsys.core.events import Refused
from tradsys.core.units import SCALE
from tradsys.engine.assemble import Prepared

STRICT = {"risk": {"sell_unsettled": False}}


def case(folder: Path, plan: Mapping[int, Any], *, strict: bool, instrument: str = "NSE:A", **details: Any) -> Case:
    """Daily bars from a Monday on; what a bar asks for trades on the next."""
    return Case(
        folder,
        {instrument: days(flat(*[100.0] * 8))},
        [scripted("plan", at_bar(plan))],
        instruments={instrument: details},
        sections=STRICT if strict else {},
        interval="1d",
    )


def play(folder: Path, plan: Mapping[int, Any], *, strict: bool = True) -> Prepared:
    return case(folder, plan, strict=strict).run(watch=conserve)


def sold_on(day: int) -> Mapping[int, Any]:
    """Bought on Tuesday, sold by an order made at the end of a day (0 is Monday)."""
    return {0: lambda s, b: s.buy(b, 10), day: lambda s, b: s.sell(b, 10)}


@pytest.mark.parametrize("day", [1, 2])
def test_nothing_is_sold_before_it_is_settled(tmp_path: Path, day: int) -> None:
    """On Tuesday it is bought, on Wednesday it is T1 and paid out in the evening."""
    (found,) = bodies(play(tmp_path, sold_on(day)), Refused)
    assert (found.rule, found.limit, found.value) == ("sell-unsettled", "0", "10")
    assert "sell_unsettled" in found.fix


def test_what_is_settled_is_sold(tmp_path: Path) -> None:
    run = play(tmp_path, sold_on(3))
    assert not bodies(run, Refused)
    assert [each.side * each.quantity // SCALE for each in fills(run)] == [10, -10]


def test_what_is_offered_is_offered_once(tmp_path: Path) -> None:
    run = play(
        tmp_path,
        {
            0: lambda s, b: s.buy(b, 10),
            3: lambda s, b: s.buy(b, 10),
            4: lambda s, b: [s.sell(b, 6, limit=200.0, validity="GTC"), s.sell(b, 6)],
        },
    )
    (found,) = bodies(run, Refused)
    assert (found.rule, found.limit, found.value) == ("sell-unsettled", "4", "6")


def test_a_bracket_would_sell_what_is_not_there(tmp_path: Path) -> None:
    run = play(tmp_path, {0: lambda s, b: s.buy(b, 10, stop=90.0)})
    (found,) = bodies(run, Refused)
    assert (found.rule, found.order.parent) == ("sell-unsettled", 1)


def test_brokers_allow_it(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        assert not bodies(play(tmp_path / str(day), sold_on(day), strict=False), Refused)


def test_an_exchange_without_settlement_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="NYSE"):
        case(tmp_path, {}, strict=True, instrument="NYSE:A", segment="equity").prepare()
