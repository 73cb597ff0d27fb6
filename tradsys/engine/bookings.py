"""What a decision log booked, of a backtest or of a live run: fills with what they cost, and the actions between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tradsys.core.errors import InvariantBroken
from tradsys.core.events import CashMoved, Charged, CorporateAction, Entry, Fill, Stray
from tradsys.core.instruments import Instrument
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.saved_run import SavedRun
from tradsys.portfolio.account_lots import AccountLots
from tradsys.portfolio.attribution import Attribution, total
from tradsys.portfolio.currencies import in_account_currency
from tradsys.portfolio.ledger import Items, Ledger
from tradsys.portfolio.result import Prices, ProfitPart
from tradsys.portfolio.tax_report import ZONE, TaxReport, tax_report

Booking = tuple[Fill, Items] | CorporateAction | CashMoved


def bookings(entries: Iterable[Entry]) -> Iterator[Booking]:
    """Each fill with its charges by item, each corporate action and each move of cash, in order.

    A fill of no working order is booked like any other; the trade that a venue undid is its opposite, without charges.
    Cash that a corporate action moved follows it as moves of its own.
    """
    for entry, items in booked_lines(entries):
        body = entry.body
        if isinstance(body, Stray):
            yield body.fill, items
        elif isinstance(body, Fill):
            yield body, items
        elif isinstance(body, CorporateAction | CashMoved):
            yield body


def booked_lines(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Items]]:
    """The lines that change an account, in order: `Fill` and `Stray` with what they cost by item, `CorporateAction` and
    `CashMoved` with nothing."""
    pending: Entry | None = None
    for entry in entries:
        body = entry.body
        if isinstance(body, Charged) and pending is not None:
            yield pending, body.items
            pending = None
        elif isinstance(body, Fill | Stray):
            if pending is not None:
                yield pending, ()
            pending = entry
        elif isinstance(body, CorporateAction | CashMoved):
            yield entry, ()
    if pending is not None:
        yield pending, ()


def tax_report_of(saved: SavedRun) -> TaxReport:
    """Every lot that a saved run closed, by kind of income, and its dividends.

    Raises `DataError` for a damaged log, `UncoveredDate` for dates of which the table of income tax has no row.
    """
    currency = saved.settings.run.run.currency
    sections = sections_of(saved.settings.run)
    instruments = {each.id: build_instrument(each, currency=currency) for each in sections}
    lots, moves = AccountLots(zone=ZONE), list[CashMoved]()
    for booked in bookings(in_account_currency(saved.entries(), instruments, currency=currency)):
        if isinstance(booked, CorporateAction):
            lots.apply(booked)
        elif isinstance(booked, CashMoved):
            moves.append(booked)
        else:
            fill, items = booked
            lots.fill(fill, items, instruments[fill.instrument])
    return tax_report(lots.closed(), currency=currency, moves=moves)


def attributed(
    entries: Iterable[Entry], instruments: Mapping[str, Instrument], prices: Iterable[Prices], ledger: Ledger
) -> Sequence[ProfitPart]:
    """The profit of a ledger in the parts that its decision log explains.

    Raises `InvariantBroken` unless they add up to it.
    """
    attribution = Attribution(prices)
    for booked in bookings(entries):
        if isinstance(booked, CorporateAction):
            attribution.apply(booked)
        elif isinstance(booked, CashMoved):
            attribution.move_cash(booked)
        else:
            fill, items = booked
            attribution.fill(fill, items, instruments[fill.instrument])
    parts = attribution.finish(ledger.marks)
    profit = ledger.equity() - ledger.start
    if total(parts) != profit:
        raise InvariantBroken("the parts of the profit do not add up", value=total(parts), limit=profit)
    return parts
