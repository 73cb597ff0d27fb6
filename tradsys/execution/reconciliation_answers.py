"""One question to a venue with all pages of its answer: asked until a whole answer is there, a half one never taken.

A question changes nothing at the venue, so it may be asked as often as it takes: after 1, 2, 4, … 30 s. Whatever is
wrong with an answer throws away all of it, and says what was wrong (`AnswerRefused`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tradsys.core.units import SECOND
from tradsys.core.venue import Ask, CashRow, OrderRow, Page, PositionRow, Subject, TradeRow

Row = OrderRow | TradeRow | PositionRow | CashRow


class AskingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How questions are asked; times in ns. `at_once` pages of one answer are asked for together; an answer of more
    than `most_pages` is refused; `passes` bounds how often a snapshot starts again because trades went on."""

    deadline: int = 2 * SECOND
    first_delay: int = SECOND
    longest_delay: int = 30 * SECOND
    at_once: int = 4
    most_pages: int = 10_000
    passes: int = 5


class AnswerRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="event"):
    """An answer that was not taken, or never came: which question, what was wrong with it. Nothing is concluded from
    it; the question is asked again at `again_at`."""

    at: int
    subject: Subject
    request: int
    why: str
    again_at: int


class Waiting(msgspec.Struct, frozen=True):
    """A page asked for: answered before `deadline`, and not from before `heard` by the venue's clock."""

    deadline: int
    heard: int


class Question(msgspec.Struct, kw_only=True):
    """Everything about one subject, all pages under one request. Changed in place by its one owner."""

    subject: Subject
    again_at: int
    failures: int = 0
    asked_at: int = 0
    request: int = 0
    waiting: dict[int, Waiting] = {}
    parts: dict[int, Page] = {}

    def complete(self) -> bool:
        """Whether every page is there."""
        return bool(self.parts) and len(self.parts) == next(iter(self.parts.values())).pages

    def rows(self) -> tuple[Row, ...]:
        """All rows in the order of the pages; meaningful once complete."""
        return tuple(row for page in sorted(self.parts) for row in _listed(self.parts[page]))

    def venue_at(self) -> int:
        """The venue's time of the oldest page."""
        return min(page.at for page in self.parts.values())

    def next_at(self) -> int:
        """When it is to be asked, or given up and asked again. UTC ns."""
        return min((each.deadline for each in self.waiting.values()), default=self.again_at)

    def asks(self, *, request: int, heard: int, at: int, limits: AskingLimits) -> list[Ask]:
        """The pages to ask for now; asked from the start, it is under number `request`."""
        if at < self.again_at:
            return []
        if not self.parts and not self.waiting:
            self.asked_at, self.request = at, request
        pages = self._missing(limits)
        self.waiting.update({page: Waiting(at + limits.deadline, heard) for page in pages})
        return [Ask(request=self.request, subject=self.subject, page=page) for page in pages]

    def _missing(self, limits: AskingLimits) -> list[int]:
        """Until the first page says how many there are, that one alone."""
        if not self.parts:
            return [] if self.waiting else [0]
        pages = range(next(iter(self.parts.values())).pages)
        missing = (page for page in pages if page not in self.parts and page not in self.waiting)
        return [page for page, _ in zip(missing, range(limits.at_once - len(self.waiting)), strict=False)]

    def take(self, page: Page, *, limits: AskingLimits) -> str:
        """Keep a page of this question's request, or say what is wrong with it."""
        if self.parts.get(page.page) == page:
            return ""
        asked = self.waiting.pop(page.page, None)
        why = _wrong(page, subject=self.subject, asked=asked, limits=limits) or self._torn(page)
        if not why:
            self.parts[page.page] = page
            why = self._incomplete() if self.complete() else ""
        return why

    def _torn(self, page: Page) -> str:
        known = next(iter(self.parts.values()), page)
        if (page.pages, page.rows) == (known.pages, known.rows):
            return ""
        return (
            f"page {page.page} is of {page.rows} rows on {page.pages} pages, "
            f"page {known.page} of {known.rows} on {known.pages}: it changed while it was read"
        )

    def _incomplete(self) -> str:
        rows, expected = self.rows(), next(iter(self.parts.values())).rows
        if len(rows) != expected:
            return f"{len(rows)} rows came of {expected}"
        return _twice(rows) or next(filter(None, map(_impossible, rows)), "")

    def fail(self, *, why: str, at: int, limits: AskingLimits) -> AnswerRefused:
        """Throw away what is there of the answer; ask again after a delay that doubles."""
        delay = min(limits.first_delay << min(self.failures, 30), limits.longest_delay)
        refused = AnswerRefused(at=at, subject=self.subject, request=self.request, why=why, again_at=at + delay)
        self.failures += 1
        self.waiting, self.parts, self.request, self.again_at = {}, {}, 0, at + delay
        return refused


def _listed(page: Page) -> Sequence[Row]:
    rows: Sequence[Row] = getattr(page, page.subject.value)
    return rows


def _wrong(page: Page, *, subject: Subject, asked: Waiting | None, limits: AskingLimits) -> str:
    """What is wrong with a page by itself."""
    if page.subject != subject:
        return f"asked about {subject}, got {page.subject}"
    if asked is None:
        return f"page {page.page} was not asked for, or came twice with different content"
    if not 1 <= page.pages <= limits.most_pages or not 0 <= page.page < page.pages or page.rows < 0:
        return f"page {page.page} of {page.pages} with {page.rows} rows in all; limit {limits.most_pages} pages"
    others = sum(len(getattr(page, each.value)) for each in Subject if each != subject)
    if others:
        return f"an answer about {subject} has {others} rows of other subjects"
    if page.at < asked.heard:
        return f"an answer as of {page.at}, older than what the venue had told when it was asked: {asked.heard}"
    return ""


def _key(row: Row) -> tuple[str, ...]:
    match row:
        case TradeRow():
            return ("trade", str(row.trade_id), "of order", str(row.venue_id))
        case OrderRow():
            return ("order", str(row.venue_id))
        case PositionRow():
            return ("position", row.instrument, row.product.value)
        case CashRow():
            return ("cash", row.currency)


def _twice(rows: Sequence[Row]) -> str:
    seen: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = _key(row)
        if key in seen:
            same = "twice" if seen[key] == row else "twice with different content"
            return f"{' '.join(key)} is there {same}"
        seen[key] = row
    return ""


def _impossible(row: Row) -> str:
    """Amounts that no order and no trade can have."""
    match row:
        case TradeRow():
            wrong = row.trade_id < 0 or row.venue_id < 0 or row.quantity <= 0
        case OrderRow():
            wrong = row.venue_id <= 0 or row.quantity <= 0 or row.filled < 0 or row.open < 0
        case _:
            wrong = False
    return f"an impossible row: {row}" if wrong else ""
