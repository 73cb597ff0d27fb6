"""What of the shares held when a run ends is settled, folded from its decision log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradsys.core.errors import UncoveredDate, UnknownName
from tradsys.core.events import CashMoved, CorporateAction, Entry
from tradsys.core.instruments import Instrument
from tradsys.engine.bookings import bookings
from tradsys.portfolio.holdings import Holding, Holdings, settles_later
from tradsys.portfolio.ledger import Ledger


def closing_holdings(
    entries: Iterable[Entry], instruments: Mapping[str, Instrument], ledger: Ledger, *, zone: str, at: int
) -> list[Holding]:
    """Open positions in delivery at an instant, as settled and not; none where a share's exchange or a date has no
    settlement cycle in the table. `ledger` is the account at the end of the log."""
    held = [key for key, each in ledger.open_positions.items() if settles_later(each.instrument, each.product)]
    if not held:
        return []
    holdings, wanted = Holdings(zone=zone), frozenset(held)
    try:
        for booked in bookings(entries):
            if isinstance(booked, CorporateAction):
                holdings.apply(booked, instruments[booked.instrument])
            elif not isinstance(booked, CashMoved):
                fill = booked[0]
                if (fill.strategy, fill.instrument, fill.product) in wanted:
                    holdings.fill(fill, instruments[fill.instrument])
        return [holdings.at(key, instruments[key[1]], at) for key in held]
    except (UnknownName, UncoveredDate):
        return []
