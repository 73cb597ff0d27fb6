"""What a market of recorded orders printed and quoted, as it was without us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import nan

from tradsys.core.events import Tick
from tradsys.core.instruments import Instrument
from tradsys.core.matching import BookEvent, BookEventKind, BookPhase
from tradsys.core.units import SCALE
from tradsys.exchange.book import Book
from tradsys.exchange.order_flow import OrderCommand, OrderFlow
from tradsys.exchange.recorded_events import OrderChange, Trade

Flow = OrderCommand | OrderChange | Trade


def with_ticks(records: Iterable[Flow], instrument: Instrument, *, at: int) -> Iterator[Flow | Tick]:
    """Every record, and after it a tick for each price that traded in it, or one where the best quotes changed.

    Outside continuous trading a tick does not say what is quoted. A print without an order behind it (`Trade`) is a
    tick alone. `at` is the time whose tick and lot count.
    """
    book = Book(1)
    flow = OrderFlow(instrument, book=book, at=at)
    quoted, volume = (0, 0, 0, 0), 0.0
    tick, lot = flow.tick, flow.lot
    for record in records:
        yield record
        if type(record) is Trade:
            prints = [(record.price, record.quantity)]
        else:
            _, events = flow.follow(record)  # type: ignore[arg-type]  # the only kinds left
            prints = [(price * tick / SCALE, quantity * lot / SCALE) for price, quantity in _prints(events)]
        best = book.best() if flow.phase == BookPhase.CONTINUOUS else (0, 0, 0, 0)
        if best == quoted and not prints:
            continue
        quoted = best
        bid, bid_shown, ask, ask_shown = best
        quotes = (bid * tick / SCALE, bid_shown * lot / SCALE, ask * tick / SCALE, ask_shown * lot / SCALE)
        if flow.phase != BookPhase.CONTINUOUS:
            quotes = (nan, nan, nan, nan)
        for last, quantity in prints or [(nan, nan)]:
            volume += quantity if quantity == quantity else 0.0
            yield Tick(record.at, record.exchange_at, record.instrument, last, quantity, *quotes, volume)


def _prints(events: list[BookEvent]) -> list[tuple[int, int]]:
    """Price and quantity of the trades, those in a row at one price together."""
    found: list[tuple[int, int]] = []
    for event in events:
        if event.kind == BookEventKind.TRADE:
            if found and found[-1][0] == event.price:
                found[-1] = (event.price, found[-1][1] + event.quantity)
            else:
                found.append((event.price, event.quantity))
    return found
