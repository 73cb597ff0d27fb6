"""Refusals by rule: counts, the first of each, and whose rule it is."""

from __future__ import annotations

from pathlib import Path

from tests.builders import MONDAY, Case, at_bar, flat, minutes, scripted
from tradsys.engine.refusals import OWN, refused_rules


def test_own_checks_have_a_title_and_say_that_they_are_ours(tmp_path: Path) -> None:
    plan = {
        0: lambda s, bar: [s.sell(bar, 7), s.buy(bar, 10**6)],
        1: lambda s, bar: [s.sell(bar, 8), s.buy(bar, float("nan"))],
    }
    bars = {"NSE:A": minutes(MONDAY, flat(100.0, 101.0, 102.0))}
    made = Case(tmp_path, bars, [scripted("plan", at_bar(plan))], sections={"execution": {"product": "CNC"}})
    short, cash, invalid = refused_rules(made.run().backtest.log)
    assert (short.rule, short.count, short.value, short.limit) == ("short-in-delivery", 2, "-7", "0")
    assert (short.title, short.source, short.instrument) == ("No short sale of what is delivered", OWN, "NSE:A")
    assert (cash.rule, cash.title) == ("insufficient-cash", "A purchase is paid for")
    assert (invalid.rule, invalid.count, invalid.instrument, invalid.source) == ("invalid-order", 1, "", OWN)
    assert 0 < short.at == cash.at < invalid.at
