"""A small version of the tables in docs/surveillance.md: planted abuse is found, honest market making is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surveillance.planted import planted_day
from tests.surveillance.recorded import bitcoin, chicago
from tradsys.compliance.surveillance.alerts import Pattern
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import surveil
from tradsys.engine.surveillance.sources import open_source

MOST_FALSE = 2.0
"""Alerts against participants who were not planted, for 10,000 orders."""


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_abuse_is_found_with_its_evidence(seed: int) -> None:
    day = planted_day(seed, size=1.0)
    finding = day.surveil()
    found = {plant.pattern for plant in day.plants if plant.found(finding.alerts)}
    assert len(found) >= 9, sorted(set(Pattern) - found)
    behind = {account for plant in day.plants for account in plant.accounts}
    strangers = [each for each in finding.alerts if not behind & set(each.accounts)]
    assert 10_000 * len(strangers) / finding.orders <= MOST_FALSE
    assert not any(account.startswith("market_maker") for each in strangers for account in each.accounts)
    for each in finding.alerts:
        assert 0.0 < each.score <= 1.0
        assert each.begins <= each.ends == each.at
        assert each.orders or each.trades or each.pattern is Pattern.ORDER_TO_TRADE
        assert each.accounts and each.measures and each.clause


def test_over_the_seeds_each_pattern_is_found() -> None:
    found = [
        {plant.pattern for plant in day.plants if plant.found(alerts)}
        for day in (planted_day(seed, size=2.0) for seed in (11, 12))
        for alerts in [day.surveil().alerts]
    ]
    assert set.union(*found) == set(Pattern)
    assert len(set.intersection(*found)) >= 8


def test_a_quiet_day_accuses_no_market_maker() -> None:
    finding = planted_day(21, size=1.0, plant=False).surveil()
    assert 10_000 * len(finding.alerts) / finding.orders <= MOST_FALSE
    assert not any(account.startswith("market_maker") for each in finding.alerts for account in each.accounts)


def test_market_makers_on_recorded_orders_and_depth_raise_nothing(shared_data: Path) -> None:
    for finding in (chicago(shared_data, seed=1), bitcoin(shared_data, seed=1, lines=2_000)):
        makers = [row for row in finding.ratios if row.member.startswith("market_maker")]
        assert len(makers) == 3
        assert sum(row.counted + row.exempt for row in makers) > 100
        assert finding.alerts == ()


@pytest.mark.parametrize("accounts", ["runs", "20"])
def test_recorded_orders_as_they_are_raise_nothing(shared_data: Path, accounts: str) -> None:
    for path in (
        "l3/cme_mbo/esh4_20231225_records_00000_19999.csv.gz",
        "l3/lobster/AAPL_2012-06-21_first998_message_10.csv",
    ):
        source = open_source(shared_data / path, accounts=accounts, instrument="NSE:RECORDED")
        finding = surveil(source.events, SurveillanceSettings(), whole=source.whole)
        assert finding.orders > 400
        assert finding.alerts == ()
