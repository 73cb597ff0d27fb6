"""Limits that cannot be kept are refused where they are set."""

from __future__ import annotations

from typing import Any

import pytest

from tradsys.core.errors import ConfigError
from tradsys.execution.venue_limits import Patience, VenueLimits


@pytest.mark.parametrize(
    "fields", [{"per_second": 1}, {"open_orders": 0}, {"jitter": -1}, {"max_decision_age": 0}, {"in_flight": 1}]
)
def test_limits_that_leave_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        VenueLimits(**fields)


@pytest.mark.parametrize("fields", [{"answer": 0}, {"failures": 0}, {"longest_rest": 1}, {"last_inquiry": 1}])
def test_patience_that_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Patience(**fields)


def test_entries_of_a_day() -> None:
    assert VenueLimits().day_of_entries == 4_500
    assert VenueLimits(entries_of_day=100).day_of_entries == 100
