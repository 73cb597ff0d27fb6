"""The account of a run: its ledger, and the checks that only some accounts ask for."""

from __future__ import annotations

from collections.abc import Mapping

from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Check
from tradsys.engine.run_file import RunFile
from tradsys.portfolio.holdings import HoldingsLedger
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.calendar import calendar_for
from tradsys.risk.settled_delivery import SettledDelivery


def ledger_of(run: RunFile, instruments: Mapping[str, Instrument], *, cash: int, zone: str) -> Ledger:
    """The ledger of a run; `cash` in 1e-8. Raises `UnknownName` where it is to know what is settled and a share's
    exchange has no calendar."""
    if run.risk.sell_unsettled:
        return Ledger(cash, run.run.currency)
    for instrument in instruments.values():
        if instrument.segment is Segment.EQUITY:
            calendar_for(instrument.exchange, instrument.segment)
    return HoldingsLedger(cash, run.run.currency, zone=zone)


def account_checks(ledger: Ledger) -> tuple[Check, ...]:
    """What the gate asks beside the usual: whether a share is settled, where the ledger knows."""
    return (SettledDelivery(ledger.deliverable),) if isinstance(ledger, HoldingsLedger) else ()
