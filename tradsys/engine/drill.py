"""A drill of the kill switch: open positions and orders on a simulated exchange, then bring it all to rest and measure.

Sockets, clock and disk are handed in; the flattener, its journal and the line to the venue are those of a real kill.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence

from tradsys.core.errors import ResourceError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import SCALE, SECOND
from tradsys.core.venue import Ask, CancelOrder, Dealt, Declined, Incoming, PlaceOrder, Taken
from tradsys.engine.watchdog.keeping import Keeper
from tradsys.engine.watchdog.line import VenueLine
from tradsys.execution.flattening import Flattener, closing_prefix
from tradsys.execution.flattening_parts import FlatReport, FlattenSettings
from tradsys.execution.own.client import LinkDown, LinkUp, VenueClient

ACCOUNT = 1
EPOCH = 1
_PATIENCE = 20 * SECOND


class Drill:
    """One account at one venue. `clock` gives steady nanoseconds. Raises `ResourceError` where the venue does not do
    what a drill needs."""

    def __init__(
        self,
        *,
        client: Callable[[selectors.BaseSelector], VenueClient],
        key: str,
        keeper: Keeper,
        clock: Callable[[], int],
    ) -> None:
        self._selector = selectors.DefaultSelector()
        self._line = VenueLine(client(self._selector), account=ACCOUNT, key=key, epoch=lambda: EPOCH)
        self._keeper, self._clock = keeper, clock
        self._flattener: Flattener | None = None
        self._numbers = 0
        self._open: dict[str, int] = {}
        """Units not yet traded by tag, of the orders that open positions."""
        self._unanswered: dict[str, None] = {}

    def prepare(self, prices: dict[str, int], *, quantity: int, orders: int) -> None:
        """Hold `quantity` of every instrument, long and short in turn, and have `orders` working in each, 5 % away."""
        self._until(lambda: self._line.up, "the venue let the drill in")
        for number, (name, price) in enumerate(sorted(prices.items())):
            side = Side.SELL if number % 2 else Side.BUY
            opening = self._order(name, side, quantity)
            self._open[opening.tag] = quantity
            away = (price - side * price // 20) // SCALE * SCALE
            working = [self._order(name, side, quantity, limit=away) for _ in range(orders)]
            self._unanswered.update(dict.fromkeys(each.tag for each in working))
            self._send([opening, *working])
        self._until(lambda: not any(self._open.values()), "positions were opened")
        self._until(lambda: not self._unanswered, "the orders work")

    def kill(self, settings: FlattenSettings) -> FlatReport:
        """Bring the account to rest."""
        at = self._clock()
        prefix = closing_prefix("drill", epoch=EPOCH)
        flattener = Flattener(level=SafetyLevel.FLATTEN, prefix=prefix, settings=settings, at=at)
        self._flattener = flattener
        while flattener.report is None:
            self._leave(flattener.advance(at=self._clock()))
            due = flattener.next_at
            self._turn(SECOND if due is None else due - self._clock())
        self._line.close()
        return flattener.report

    def _order(self, name: str, side: Side, quantity: int, limit: int = 0) -> PlaceOrder:
        self._numbers += 1
        return PlaceOrder(
            tag=f"drill{self._numbers:06d}",
            instrument=name,
            side=side,
            quantity=quantity,
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            product=Product.MIS,
            validity=Validity.DAY,
            limit=limit,
        )

    def _until(self, done: Callable[[], bool], what: str) -> None:
        deadline = self._clock() + _PATIENCE
        while not done():
            self._turn(SECOND // 10)
            if self._clock() > deadline:
                why = f": {self._line.unwelcome.rule}" if self._line.unwelcome is not None else ""
                raise ResourceError(
                    f"the drill could not begin: not in time that {what}{why}",
                    value=what,
                    limit=f"{_PATIENCE // SECOND} s",
                    fix="try again on a quieter machine",
                )

    def _turn(self, patience: int) -> None:
        """Wait for the venue, at most so many nanoseconds, and hear it."""
        due = self._line.next_at
        if due is not None:
            patience = min(patience, due - self._clock())
        for _, mask in self._selector.select(max(patience, 0) / SECOND):
            self._hear(self._line.on_ready(mask, at=self._clock()))
        self._hear(self._line.on_time(at=self._clock()))

    def _hear(self, heard: Sequence[Incoming | LinkUp | LinkDown]) -> None:
        for each in heard:
            if isinstance(each, LinkUp | LinkDown):
                if self._flattener is not None:
                    self._flattener.on_link(up=isinstance(each, LinkUp), at=self._clock())
            else:
                self._note(each)
                if self._flattener is not None:
                    self._flattener.on_report(each, at=self._clock())

    def _note(self, report: Incoming) -> None:
        if isinstance(report, Declined) and report.tag.startswith("drill"):
            raise ResourceError(
                f"the venue refused an order of the drill: {report.rule}", value=report.value, limit=report.limit
            )
        if isinstance(report, Taken):
            self._unanswered.pop(report.tag, None)
        elif isinstance(report, Dealt) and report.tag in self._open:
            self._open[report.tag] -= report.quantity

    def _leave(self, departing: Sequence[Ask | CancelOrder | PlaceOrder]) -> None:
        for question in departing:
            if isinstance(question, Ask):
                self._hear(self._line.ask(question, at=self._clock()))
        self._send([each for each in departing if not isinstance(each, Ask)])

    def _send(self, commands: Sequence[CancelOrder | PlaceOrder]) -> None:
        at = self._clock()
        for intent in self._keeper.permit(commands, epoch=self._line.epoch, at=at):
            self._hear(self._line.command(intent, at=at))
