"""Settlement cycles and close-out rules: dates typed in from the sources."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.core.errors import UncoveredDate, UnknownName
from tradsys.core.instruments import Segment
from tradsys.reference.calendar import calendar_for
from tradsys.reference.settlement import close_out_percent, next_session, sessions_to_settle, settlement_date

NSE = calendar_for("NSE", Segment.EQUITY)


@pytest.mark.parametrize(
    ("exchange", "traded", "settled"),
    [
        ("NSE", date(2023, 1, 24), date(2023, 1, 27)),
        ("NSE", date(2023, 1, 25), date(2023, 1, 30)),
        ("NSE", date(2023, 1, 27), date(2023, 1, 30)),
        ("NFO", date(2026, 1, 23), date(2026, 1, 27)),
        ("BSE", date(2026, 11, 20), date(2026, 11, 23)),
        ("EGX", date(2026, 11, 18), date(2026, 11, 20)),
        ("CRYPTO", date(2026, 11, 20), date(2026, 11, 20)),
    ],
)
def test_settlement_counts_sessions(exchange: str, traded: date, settled: date) -> None:
    assert settlement_date(exchange, NSE, traded=traded) == settled


def test_a_fifth_above_is_the_rule_of_the_indian_exchanges_alone() -> None:
    assert [close_out_percent(each, date(2026, 11, 20)) for each in ("NSE", "NFO", "BSE")] == [20, 20, 20]
    assert [close_out_percent(each, date(2026, 11, 20)) for each in ("EGX", "CRYPTO", "LSE")] == [None] * 3


def test_unknown_exchanges_and_dates_are_refused() -> None:
    with pytest.raises(UnknownName, match="LSE"):
        sessions_to_settle("LSE", date(2026, 11, 20))
    with pytest.raises(UncoveredDate, match="settlement"):
        sessions_to_settle("NSE", date(2004, 11, 19))
    with pytest.raises(UncoveredDate):
        next_session(NSE, date(2026, 12, 31))
