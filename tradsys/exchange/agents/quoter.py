"""A user's own market maker in the simulated market: the quotes it wants become orders, changed in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import nan

from tradsys.core.errors import StrategyError
from tradsys.core.events import Decision, QuoteIntent, Tick
from tradsys.core.instruments import Instrument
from tradsys.core.matching import POST_ONLY, Action, BookPhase, BookSide, Command, SelfTrade
from tradsys.core.units import MILLISECOND, SCALE, SECOND, Rounding
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import Notice, Request, View

_BUY, _SELL = int(BookSide.BUY), int(BookSide.SELL)
_NEW, _CANCEL, _REPLACE = int(Action.NEW), int(Action.CANCEL), int(Action.REPLACE)
_FLAGS = POST_ONLY | int(SelfTrade.CANCEL_OLDEST)

Quotes = Callable[[Tick, float], Iterable[Decision] | None]
"""What a user gives: from the market (floats, in currency and units) and its own signed position to quotes."""


class Quoter:
    """Asks `quotes` every `every` nanoseconds of continuous trading and makes the last `QuoteIntent` true: an order a
    side, replaced when price or quantity differ from what rests, withdrawn for None. Bids round down to the tick, asks
    up. Orders are post-only: a quote that would trade at once is rejected and tried again at the next look. A command
    reaches the book `latency` nanoseconds later.

    Not modelled: trades it would see between two looks; charges.
    """

    def __init__(
        self,
        account: int,
        quotes: Quotes,
        instrument: Instrument,
        *,
        name: str = "quoter",
        every: int = SECOND,
        latency: int = MILLISECOND,
    ) -> None:
        self.account = account
        self.name = name
        self.position = 0
        self._quotes = quotes
        self._instrument = instrument
        self._every = every
        self._latency = latency
        self._resting: dict[int, tuple[int, int, int]] = {}

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`."""
        return view.at + self._every

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`. Raises `StrategyError` for an intent that is no quote."""
        if view.phase is not BookPhase.CONTINUOUS:
            return
        lot = self._instrument.lot_at(view.at) / SCALE
        for intent in self._quotes(self._tick(view), self.position * lot) or ():
            if not isinstance(intent, QuoteIntent):
                kind = type(intent).__name__
                raise StrategyError(f"{self.name}: a market maker yields quotes", value=kind, limit="QuoteIntent")
            yield from self._quote(view, intent, _BUY, intent.bid)
            yield from self._quote(view, intent, _SELL, intent.ask)

    def told(self, notice: Notice) -> None:
        """See `Participant`: position and what rests."""
        if notice.filled:
            self.position += notice.filled if notice.side == _BUY else -notice.filled
        resting = self._resting.get(notice.side)
        if resting is None or resting[0] != notice.order_id:
            return
        if notice.open:
            # after a rejected change the price is the old one: 0 makes the next look try again
            price = 0 if notice.reason else resting[1]
            self._resting[notice.side] = (notice.order_id, price, notice.open)
        else:
            del self._resting[notice.side]

    def _tick(self, view: View) -> Tick:
        tick, lot = self._instrument.tick_at(view.at) / SCALE, self._instrument.lot_at(view.at) / SCALE
        return Tick(
            view.at, view.at, self._instrument.id, view.last * tick or nan, nan, view.bid * tick or nan,
            view.bid_quantity * lot, view.ask * tick or nan, view.ask_quantity * lot, nan,
        )  # fmt: skip

    def _quote(self, view: View, intent: QuoteIntent, side: int, price: float | None) -> Iterator[Request]:
        resting = self._resting.get(side)
        if price is None:
            if resting:
                yield self._request(view, Command(_CANCEL, resting[0], side))
            return
        rounding = Rounding.DOWN if side == _BUY else Rounding.UP
        ticks = self._instrument.price(price, at=view.at, rounding=rounding) // self._instrument.tick_at(view.at)
        lots = self._instrument.quantity(intent.quantity, at=view.at) // self._instrument.lot_at(view.at)
        if resting is None:
            order_id, action = view.new_id(), _NEW
        elif resting[1:] != (ticks, lots):
            order_id, action = resting[0], _REPLACE
        else:
            return
        self._resting[side] = (order_id, ticks, lots)
        yield self._request(view, Command(action, order_id, side, ticks, lots, flags=_FLAGS))

    def _request(self, view: View, command: Command) -> Request:
        at = view.at + self._latency
        return Request(at, command._replace(account=self.account, at=at), while_live=command.action != _NEW)
