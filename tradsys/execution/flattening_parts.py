"""What flattening is made of: its limits, its result, one question at a time, and a pace that no second exceeds."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import Product, Side
from tradsys.core.venue import Ask, AskFailed, OrderRow, Page, PlaceOrder, PositionRow, Report, Subject

SECOND = 10**9
Holding = tuple[str, Product]
"""What a position is counted by: instrument and product."""

LimitOf = Callable[[str, Side], int]
"""Instrument and side of a closing order → its limit (1e-8), 0 for a market order."""


def at_market(instrument: str, side: Side) -> int:
    """The `LimitOf` of an account that closes at market."""
    return 0


class FlattenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Paces and patience; spans in nanoseconds. Raises `ConfigError` where one is not positive.

    `surfaces_within`: an order that left and is not in the venue's book may still appear for so long (one broker took
    83 seconds). `disagree_for`: how long positions may differ from what the fills say before they are believed.
    `largest`: most units (1e-8) of one closing order, 0 for any.
    """

    commands_a_second: int = 10
    ask_every: int = SECOND // 5
    answer_within: int = 3 * SECOND
    cancel_within: int = 5 * SECOND
    closing_works_for: int = 2 * SECOND
    surfaces_within: int = 120 * SECOND
    disagree_for: int = 5 * SECOND
    deadline: int = 600 * SECOND
    largest: int = 0

    def __post_init__(self) -> None:
        """See the class."""
        for name in self.__struct_fields__:
            value, least = getattr(self, name), 0 if name == "largest" else 1
            if value < least:
                raise ConfigError(f"flattening: {name} is too small", value=value, limit=f">= {least}", fix="raise it")


class FlatReport(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. `flat`: the venue said that no order is open and, at level FLATTEN, that nothing is held, and no
    order is left that could still appear. `left` names what is not."""

    flat: bool
    seconds_to_flat: float
    orders_cancelled: int
    positions_closed: int
    left: tuple[str, ...] = ()


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An order that left and whose end nobody has told yet."""

    order: PlaceOrder
    at: int


class Question:
    """One question to the venue, all its pages; half an answer is none.

    `rows` of an earlier page are thrown away as soon as a page does not fit them: the question is asked anew.
    """

    __slots__ = ("_awaited", "_next_request", "_pages", "asked_at", "began_at", "subject")

    def __init__(self, *, first_request: int) -> None:
        self._next_request = first_request
        self._awaited = 0
        self._pages: list[Page] = []
        self.subject: Subject | None = None
        self.began_at = self.asked_at = 0

    @property
    def open(self) -> bool:
        """Whether an answer is awaited."""
        return self._awaited > 0

    def begin(self, subject: Subject, *, at: int) -> Ask:
        """Ask from the first page on; an earlier question is forgotten."""
        self.subject, self._pages, self.began_at = subject, [], at
        return self._ask(at)

    def abandon(self) -> None:
        """Expect no answer any more."""
        self._awaited = 0

    def on_report(self, report: Report, *, at: int) -> Ask | tuple[Page, ...] | None:
        """The next page to ask for, the whole answer, or nothing. A failed or misfitting page abandons the question."""
        if not isinstance(report, Page | AskFailed) or not self.open or report.request != self._awaited:
            return None
        self._awaited = 0
        if isinstance(report, AskFailed) or not self._fits(report):
            return None
        self._pages.append(report)
        if len(self._pages) < report.pages:
            return self._ask(at)
        whole = tuple(self._pages)
        return whole if sum(_rows(page) for page in whole) == report.rows else None

    def _ask(self, at: int) -> Ask:
        assert self.subject is not None
        self._awaited, self.asked_at = self._next_request, at
        self._next_request += 1
        return Ask(request=self._awaited, subject=self.subject, page=len(self._pages))

    def _fits(self, page: Page) -> bool:
        first = self._pages[0] if self._pages else page
        return (page.subject, page.page, page.pages, page.rows) == (
            self.subject,
            len(self._pages),
            first.pages,
            first.rows,
        )


def _rows(page: Page) -> int:
    return len(page.orders) + len(page.trades) + len(page.positions) + len(page.cash)


class Pace:
    """No more than `most` in any second."""

    __slots__ = ("_most", "_taken")

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: list[int] = []

    def take(self, at: int) -> bool:
        """Whether one more may leave now; it then counts."""
        self._taken = [taken for taken in self._taken if taken > at - SECOND]
        if len(self._taken) >= self._most:
            return False
        self._taken.append(at)
        return True

    @property
    def free_at(self) -> int:
        """From when on one more may leave."""
        return self._taken[-self._most] + SECOND if len(self._taken) >= self._most else 0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue said in one round: orders first, then positions."""

    filled: dict[Holding, int]
    """Signed units traded by all orders of the day."""
    held: dict[Holding, int]

    def agrees(self, earlier: Reading) -> bool:
        """Whether positions moved by exactly what the orders traded in between."""
        holdings = sorted({*self.filled, *self.held, *earlier.filled, *earlier.held})
        return all(
            self.held.get(each, 0) - earlier.held.get(each, 0) == self.filled.get(each, 0) - earlier.filled.get(each, 0)
            for each in holdings
        )


def filled_by(orders: list[OrderRow]) -> dict[Holding, int]:
    """Signed units that orders traded, by holding."""
    found: dict[Holding, int] = {}
    for row in orders:
        holding = (row.instrument, row.product)
        found[holding] = found.get(holding, 0) + row.side * row.filled
    return found


def held_in(positions: list[PositionRow]) -> dict[Holding, int]:
    """Signed units held, by holding."""
    found: dict[Holding, int] = {}
    for row in positions:
        holding = (row.instrument, row.product)
        found[holding] = found.get(holding, 0) + row.quantity
    return found
