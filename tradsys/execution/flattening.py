"""Bringing an account to rest: withdraw every order, close every position, and believe it only when the venue says so.

No I/O. It goes in rounds: ask for the orders, withdraw what is open, ask for the positions, close what is held, ask
again. Two rounds must agree before anything is closed. What a closing order could still trade, be it unanswered or
working, is never closed a second time: it is taken off until the venue shows its end or it can no longer appear.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from hashlib import blake2b

from tradsys.core.events import OrderType, Side, Validity
from tradsys.core.safety import SafetyLevel
from tradsys.core.venue import (
    Ask,
    CancelOrder,
    Declined,
    OrderRow,
    Page,
    PlaceOrder,
    PositionRow,
    Report,
    Subject,
    VenueState,
)
from tradsys.execution.flattening_parts import (
    SECOND,
    FlatReport,
    FlattenSettings,
    Holding,
    LimitOf,
    Pace,
    Question,
    Reading,
    Sent,
    at_market,
    filled_by,
    held_in,
)

MARK = "flat"
"""Tags of closing orders begin so."""


def closing_prefix(run: str, *, epoch: int) -> str:
    """Fourteen characters that begin the tags of one lease's closing orders."""
    digest = blake2b(f"{run}/{epoch}".encode(), digest_size=10).digest()
    return MARK + b32encode(digest).decode().lower()[:10]


class Flattener:
    """Drives one account to `level` (CANCEL or FLATTEN). `advance` says what leaves now; `report` is there at the end.

    `sent` are orders that left before and whose end nobody told, closing ones of an earlier attempt above all: they
    may still appear. `prefix` (see `closing_prefix`) must be one that no earlier attempt used.
    """

    def __init__(
        self,
        *,
        level: SafetyLevel,
        prefix: str,
        settings: FlattenSettings,
        at: int,
        limit_of: LimitOf = at_market,
        sent: Sequence[Sent] = (),
        first_request: int = 1,
    ) -> None:
        self._closes = level >= SafetyLevel.FLATTEN
        self._prefix, self._settings, self._limit_of = prefix, settings, limit_of
        self._began_at = at
        self._question = Question(first_request=first_request)
        self._pace = Pace(settings.commands_a_second)
        self._ask_at = at
        self._up = True
        self._pending = {each.order.tag: each for each in sent}
        self._closings: dict[str, int] = {}
        self._cancels: list[int] = []
        self._cancelled: dict[int, int] = {}
        self._open: list[OrderRow] = []
        self._ended_by_us: set[int] = set()
        self._orders: list[OrderRow] = []
        self._reading: Reading | None = None
        self._doubted_at: int | None = None
        self._ever_held: dict[Holding, None] = {}
        self._held: dict[Holding, int] = {}
        self._departing: list[Ask | PlaceOrder] = []
        self.report: FlatReport | None = None

    # --- what happens

    def on_report(self, report: Report, *, at: int) -> None:
        """Anything the venue says; only answers and refusals count, pushes are no proof."""
        if self.report is not None:
            return
        if isinstance(report, Declined):
            self._pending.pop(report.tag, None)
            return
        was_open = self._question.open
        answer = self._question.on_report(report, at=at)
        if isinstance(answer, Ask):
            self._departing.append(answer)
        elif answer is not None:
            self._on_answer(answer, at)
        elif was_open and not self._question.open:
            self._ask_at = at + self._settings.ask_every

    def on_link(self, *, up: bool, at: int) -> None:
        """The connection is there or lost; what was asked on a lost one is asked again."""
        self._up = up
        self._question.abandon()
        self._departing = [each for each in self._departing if isinstance(each, PlaceOrder)]
        self._ask_at = at

    def advance(self, *, at: int) -> list[Ask | CancelOrder | PlaceOrder]:
        """What leaves now, each once; commands by way of the journal. Call it after every report and at `next_at`."""
        if self.report is not None:
            return []
        if at >= self._ends_at:
            self._finish(at, flat=False)
            return []
        if not self._up:
            return []
        self._begin_round(at)
        departing: list[Ask | CancelOrder | PlaceOrder] = [*self._departing, *self._cancels_now(at)]
        self._departing = []
        return departing

    def expect(self, sent: Sequence[Sent]) -> None:
        """More orders that left before and whose end nobody told, as `sent` of the start."""
        self._pending.update({each.order.tag: each for each in sent})

    def not_sent(self, order: PlaceOrder) -> None:
        """A closing order that `advance` gave did not leave, for certain."""
        self._pending.pop(order.tag, None)

    @property
    def next_at(self) -> int | None:
        """When `advance` has something to do, at the latest; None at the end."""
        if self.report is not None:
            return None
        if not self._up:
            return self._ends_at
        if self._departing:
            return self._began_at
        if self._cancels:
            return min(self._pace.free_at, self._ends_at)
        due = self._question.asked_at + self._settings.answer_within if self._question.open else self._ask_at
        return min(due, self._ends_at)

    @property
    def pending(self) -> tuple[Sent, ...]:
        """Orders that left and whose end nobody told: a later attempt must know them."""
        return tuple(self._pending.values())

    @property
    def _ends_at(self) -> int:
        return self._began_at + self._settings.deadline

    # --- a round

    def _begin_round(self, at: int) -> None:
        if self._question.open and at >= self._question.asked_at + self._settings.answer_within:
            self._question.abandon()
            self._ask_at = at
        if not self._question.open and not self._cancels and at >= self._ask_at:
            self._departing.append(self._question.begin(Subject.ORDERS, at=at))

    def _on_answer(self, pages: tuple[Page, ...], at: int) -> None:
        if self._question.subject is Subject.ORDERS:
            self._on_orders([row for page in pages for row in page.orders], at)
        else:
            self._on_positions([row for page in pages for row in page.positions], at)

    def _on_orders(self, rows: list[OrderRow], at: int) -> None:
        self._ask_at = at + self._settings.ask_every
        self._orders = rows
        self._open = [row for row in rows if row.state is VenueState.OPEN]
        self._ended_by_us.update(
            row.venue_id for row in rows if row.state is VenueState.CANCELLED and row.venue_id in self._cancelled
        )
        self._settle_pending(rows)
        self._cancels = [row.venue_id for row in self._open if self._to_be_cancelled(row, at)]
        if self._closes and not self._waits_for_cancels(at):
            self._departing.append(self._question.begin(Subject.POSITIONS, at=at))
        elif not self._closes and not self._open and not self._pending:
            self._finish(at, flat=True)

    def _settle_pending(self, rows: list[OrderRow]) -> None:
        """Forget the orders whose end the venue shows, and those that can no longer appear."""
        states: dict[str, list[VenueState]] = {}
        for row in rows:
            states.setdefault(row.tag, []).append(row.state)
        asked_at = self._question.began_at
        for tag, sent in list(self._pending.items()):
            shown = states.get(tag)
            if shown is None:
                over = asked_at >= sent.at + self._settings.surfaces_within
            else:
                over = VenueState.OPEN not in shown
            if over:
                del self._pending[tag]

    def _to_be_cancelled(self, row: OrderRow, at: int) -> bool:
        """Everything open: a closing order once it had its time, any again where a cancel had no effect."""
        closing_at = self._closings.get(row.tag)
        if closing_at is not None and at < closing_at + self._settings.closing_works_for:
            return False
        asked = self._cancelled.get(row.venue_id)
        return asked is None or at >= asked + self._settings.answer_within

    def _waits_for_cancels(self, at: int) -> bool:
        """Orders go first, for a while: one that nothing withdraws must not keep a position open."""
        strangers = [row for row in self._open if row.tag not in self._closings]
        return bool(strangers) and at < self._began_at + self._settings.cancel_within

    def _cancels_now(self, at: int) -> list[CancelOrder]:
        departing = []
        while self._cancels and self._pace.take(at):
            venue_id = self._cancels.pop(0)
            self._cancelled[venue_id] = at
            departing.append(CancelOrder(venue_id=venue_id))
        return departing

    # --- positions

    def _on_positions(self, rows: list[PositionRow], at: int) -> None:
        self._ask_at = at + self._settings.ask_every
        reading = Reading(filled=filled_by(self._orders), held=held_in(rows))
        self._held = {holding: quantity for holding, quantity in reading.held.items() if quantity}
        self._ever_held.update(dict.fromkeys(self._held))
        if not self._believes(reading, at):
            return
        if not self._held and not self._open and not self._pending:
            self._finish(at, flat=True)
            return
        for holding, quantity in sorted(self._held.items()):
            self._close(holding, quantity, at)

    def _believes(self, reading: Reading, at: int) -> bool:
        """Whether positions moved as the orders traded since the reading before, or differ for long enough."""
        before, doubted_at = self._reading, self._doubted_at
        if before is None:
            self._reading = reading
            return False
        if not reading.agrees(before):
            self._doubted_at = doubted_at if doubted_at is not None else at
            if at < self._doubted_at + self._settings.disagree_for:
                return False
        self._reading, self._doubted_at = reading, None
        return True

    def _close(self, holding: Holding, quantity: int, at: int) -> None:
        side = Side.SELL if quantity > 0 else Side.BUY
        closable = abs(quantity) - self._could_trade(holding, side)
        closable = min(closable, self._settings.largest or closable)
        if closable <= 0 or not self._pace.take(at):
            return
        limit = self._limit_of(holding[0], side)
        order = PlaceOrder(
            tag=f"{self._prefix}{len(self._closings):06d}",
            instrument=holding[0],
            side=side,
            quantity=closable,
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            product=holding[1],
            validity=Validity.IOC,
            limit=limit,
            reduces=True,
        )
        self._closings[order.tag] = at
        self._pending[order.tag] = Sent(order=order, at=at)
        self._departing.append(order)

    def _could_trade(self, holding: Holding, side: Side) -> int:
        """Units that orders on this side, working or not yet seen, could still trade."""
        shown = {row.tag for row in self._orders if row.tag in self._pending}
        unseen = sum(
            sent.order.quantity
            for tag, sent in self._pending.items()
            if tag not in shown and (sent.order.instrument, sent.order.product, sent.order.side) == (*holding, side)
        )
        working = (row for row in self._open if (row.instrument, row.product, row.side) == (*holding, side))
        return unseen + sum(row.open for row in working)

    # --- the end

    def _finish(self, at: int, *, flat: bool) -> None:
        closed = [holding for holding in self._ever_held if holding not in self._held]
        self.report = FlatReport(
            flat=flat,
            seconds_to_flat=(at - self._began_at) / SECOND,
            orders_cancelled=len(self._ended_by_us),
            positions_closed=len(closed),
            left=() if flat else self._left(),
        )

    def _left(self) -> tuple[str, ...]:
        held = [f"{name} {product}: {quantity} held" for (name, product), quantity in sorted(self._held.items())]
        working = [f"order {row.venue_id} {row.instrument}: {row.open} open" for row in self._open]
        unanswered = [f"order {tag}: no answer" for tag in sorted(self._pending)]
        nothing = [] if self._reading is not None or not self._closes else ["the venue never said what is held"]
        return (*held, *working, *unanswered, *nothing)
