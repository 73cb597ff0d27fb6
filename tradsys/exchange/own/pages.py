"""Answers to questions, cut into pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tradsys.core.venue import Ask, AskFailed, Page, Subject
from tradsys.exchange.own.venue import Venue

_READERS: dict[Subject, Callable[[Venue, int], Sequence[Any]]] = {
    Subject.ORDERS: Venue.orders,
    Subject.TRADES: Venue.trades,
    Subject.POSITIONS: Venue.positions,
    Subject.CASH: Venue.cash,
}


class Answers:
    """What one connection of an account asks. All pages of one `request` are of the instant of its page 0."""

    def __init__(self, venue: Venue, account: int, *, page_rows: int) -> None:
        self._venue = venue
        self._account = account
        self._page_rows = page_rows
        self._kept: tuple[int, Subject, Sequence[Any]] | None = None

    def answer(self, ask: Ask, *, at: int) -> Page | AskFailed:
        """One page; `AskFailed` for one that the answer does not have."""
        rows = self._rows(ask)
        pages = max(-(-len(rows) // self._page_rows), 1)
        if not 0 <= ask.page < pages:
            return AskFailed(at=at, request=ask.request, why=f"no page {ask.page} of {pages}")
        start = ask.page * self._page_rows
        part: dict[str, Any] = {ask.subject.value: tuple(rows[start : start + self._page_rows])}
        subject, page = ask.subject, ask.page
        return Page(at=at, request=ask.request, subject=subject, page=page, pages=pages, rows=len(rows), **part)

    def _rows(self, ask: Ask) -> Sequence[Any]:
        kept = self._kept
        if ask.page and kept is not None and kept[:2] == (ask.request, ask.subject):
            return kept[2]
        rows = _READERS[ask.subject](self._venue, self._account)
        self._kept = (ask.request, ask.subject, rows) if len(rows) > self._page_rows else None
        return rows
