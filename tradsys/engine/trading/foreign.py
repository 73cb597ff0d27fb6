"""What others may still trade on our account: orders made by hand in the broker's own app, or by another program."""

from __future__ import annotations

from collections.abc import Iterator

from tradsys.engine.trading.trading import Trading
from tradsys.risk.commitments import Foreign


def foreign(trading: Trading) -> Iterator[Foreign]:
    """Working orders that are not ours, as limits count them. One in an instrument that the run has not is of no
    concern to its limits."""
    markets = trading.engine.markets
    for each in trading.tracker.external.values():
        row = each.row
        if row is None:
            yield Foreign(None, 0, each.open, 0)
        elif row.instrument in markets:
            market = markets[row.instrument]
            yield Foreign(market.instrument, row.side, each.open, max(row.limit, market.price))
