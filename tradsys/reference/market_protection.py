"""How far from the last price a broker lets a market order trade where the trader leaves that to it."""

from __future__ import annotations

from datetime import date

from tradsys.core.errors import UncoveredDate
from tradsys.core.instruments import Segment
from tradsys.core.units import from_text
from tradsys.reference.dated import DatedRow, read_table
from tradsys.reference.market_rules import basis_points


def automatic_protection(segment: Segment, *, price: int, on: date, broker: str = "zerodha") -> int:
    """Hundredths of a percent for a last price (1e-8) in force on a date: the slab of the lowest bound above it.

    Raises `UncoveredDate` for a date or a segment that no row covers.
    """
    table = read_table("market_protection", "broker", "segment", "below")
    fix = "give execution.market_protection as a percentage"
    slabs = [key for key in table.all_keys() if key[:2] == (broker, segment.value)]
    if not slabs:
        known = ", ".join(dict.fromkeys(key[1] for key in table.all_keys() if key[0] == broker))
        raise UncoveredDate(
            f"no automatic market protection of {broker} for {segment}", value=str(segment), limit=known, fix=fix
        )
    rows = [table.on(on, *key, fix=fix) for key in slabs]
    return basis_points(min((row for row in rows if price < _bound(row)), key=_bound).fields["percent"])


def _bound(row: DatedRow) -> int:
    below = row.fields["below"]
    return from_text(below) if below else 2**62
