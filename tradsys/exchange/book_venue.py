"""The venue on order-level data: our orders and the recorded ones in one matching book, in one queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tradsys.core.instruments import Instrument
from tradsys.exchange.book import Book
from tradsys.exchange.book_desk import BookDesk
from tradsys.exchange.live_orders import LiveOrder
from tradsys.exchange.order_flow import OrderCommand
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_venue import Held, RecordedVenue


class BookVenue(RecordedVenue):
    """`RecordedVenue` with the compiled book behind it: the same door, the same ways of orders and reports, the same
    brackets and pairs; who trades with whom is for `docs/matching.md` to say.

    `at` is the time of the first record, whose tick and lot the book is in. `models.queue` is not looked at: the queue
    is the book's own. The rest of a market order is withdrawn, as there.

    Not modelled: see `OrderFlow` and `BookDesk`.
    """

    def __init__(self, instruments: Iterable[Instrument], models: RecordedModels, *, held: Held, at: int) -> None:
        # Numbers of recorded orders are an instrument's own, so each has its own book.
        self.books: dict[str, Book] = {}
        self._began = at
        super().__init__(instruments, models, held=held)

    def _desk(self, instrument: Instrument) -> Any:
        book = self.books[instrument.id] = Book()
        return BookDesk(instrument, book=book, at=self._began, reports=self)

    def _hearers(self, desk: Any) -> dict[type, Callable[[Any], None]]:
        return super()._hearers(desk) | {OrderCommand: desk.on_change}

    def describe(self) -> list[str]:
        """The sentences that every report prints."""
        models = self._models
        return [
            "Our orders stand in one book with the recorded ones, in one queue; the record goes on as it was.",
            "What our orders took from a recorded one is gone from it, whatever the record does with it later.",
            "Strategies are shown the market as it was recorded, without their own orders.",
            f"Orders reach the venue after a latency: {models.entry.describe()}.",
            f"Reports reach us after a latency: {models.response.describe()}.",
            models.band.describe(),
        ]

    def withdrawn(self, live: LiveOrder, *, reason: str) -> None:
        """The exchange took an order out; without any fill its exits are gone too."""
        self._end(live, reason)
        if not live.filled:
            self._orphans(live.order.order_id, reason="its entry was cancelled")
