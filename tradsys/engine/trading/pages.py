"""Answers of the venue in the journal: a page that says what it said before is not written again.

Most pages of a day's orders and trades never change, and all of them are asked for every half minute.
"""

from __future__ import annotations

import msgspec

from tradsys.core.errors import JournalDamaged
from tradsys.core.venue import Page, Subject
from tradsys.engine.trading.records import PageAgain

Place = tuple[Subject, int]


class PageMemory:
    """The last page of each subject and number, as the journal has it. Empty again after every snapshot and at every
    start, so that no record needs another one from before either."""

    def __init__(self) -> None:
        self._last: dict[Place, Page] = {}

    def shortened(self, page: Page) -> Page | PageAgain:
        """What to journal of a page."""
        before = self._last.get((page.subject, page.page))
        self._last[page.subject, page.page] = page
        if before is None or not _same(before, page):
            return page
        return PageAgain(request=page.request, subject=page.subject, page=page.page, at=page.at)

    def noted(self, page: Page) -> None:
        """A page that the journal has in full."""
        self._last[page.subject, page.page] = page

    def restored(self, again: PageAgain, *, sequence: int) -> Page:
        """The page that a record stands for. Raises `JournalDamaged` where there was none."""
        before = self._last.get((again.subject, again.page))
        if before is None:
            raise JournalDamaged(
                f"a page of {again.subject} as before, and none before",
                segment="",
                offset=0,
                sequence=sequence,
                fix="read it with the version that wrote it; nothing was skipped",
            )
        page = msgspec.structs.replace(before, request=again.request, at=again.at)
        self._last[again.subject, again.page] = page
        return page

    def clear(self) -> None:
        """Forget all: what follows is written in full."""
        self._last.clear()


def _same(before: Page, page: Page) -> bool:
    return (before.pages, before.rows) == (page.pages, page.rows) and _rows(before) == _rows(page)


def _rows(page: Page) -> tuple[object, ...]:
    return page.orders, page.trades, page.positions, page.cash
