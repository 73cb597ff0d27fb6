"""Records are kept as long as the rule of their day asks."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.core.errors import UnknownName
from tradsys.reference.retention import retention


@pytest.mark.parametrize(
    ("records", "last", "until"),
    [
        # NSE/INVG/67858, I.a: five years.
        ("order trail", date(2026, 11, 20), date(2031, 11, 20)),
        ("order trail", date(2028, 2, 29), date(2033, 3, 1)),
        ("order trail", date(2020, 1, 1), date(2025, 1, 1)),
        # SEBI (Stock Brokers) Regulations 2026, regulation 16: eight years.
        ("broker books", date(2028, 2, 29), date(2036, 2, 29)),
    ],
)
def test_records_are_kept_until(records: str, last: date, until: date) -> None:
    found = retention(records, last=last)
    assert found.until == until and found.source


def test_other_records_are_unknown() -> None:
    with pytest.raises(UnknownName, match="order trail"):
        retention("order trial", last=date(2026, 1, 1))
