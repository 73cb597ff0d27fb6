"""Market makers: quotes on both sides, moved with the value and leant against their inventory."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from tradsys.core.matching import POST_ONLY, Action, BookPhase, BookSide, Command, SelfTrade
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import Notice, Request, View, chance_wake, whole_lots

_BUY, _SELL = int(BookSide.BUY), int(BookSide.SELL)
_NEW, _REPLACE, _CANCEL = int(Action.NEW), int(Action.REPLACE), int(Action.CANCEL)
_FLAGS = POST_ONLY | int(SelfTrade.CANCEL_OLDEST)


class MarketMakerParameters(msgspec.Struct, frozen=True, kw_only=True):
    """`looks_a_second`: how often it looks at activity 1. `trust`: weight of the value against the middle of the book.
    `least_half_spread` (ticks), `spread_ripples`: half the spread is the former plus so many ripples (`View.ripple`).
    `levels`, `level_gap` (ticks): quotes a side and their distance. `quantity` (lots) of each. Beyond `inventory_limit`
    (lots) one side alone is quoted; `skew_half_spreads`: how far the quotes have moved by then, in half spreads.
    `latency`: nanoseconds until a command reaches the book.

    Quotes around a reservation price that falls with inventory: Avellaneda and Stoikov, "High-frequency trading in a
    limit order book", Quantitative Finance 8 (2008), here with a linear lean; spread that grows with volatility: Ho and
    Stoll, Journal of Financial Economics 9 (1981). The figures are ours.

    Not modelled: profit, hedging, learning from who trades against it.
    """

    looks_a_second: float = 4.5
    trust: float = 0.9
    least_half_spread: float = 0.6
    spread_ripples: float = 0.35
    levels: int = 2
    level_gap: int = 2
    quantity: int = 150
    inventory_limit: int = 3_000
    skew_half_spreads: float = 2.0
    latency: int = 200_000

    def scaled(self, *, rate: float, size: float) -> MarketMakerParameters:
        """The same with looks times `rate` and sizes times `size`."""
        return replace(
            self,
            looks_a_second=self.looks_a_second * rate,
            quantity=whole_lots(self.quantity * size),
            inventory_limit=whole_lots(self.inventory_limit * size),
        )


class MarketMaker:
    """One market maker; see `MarketMakerParameters` for behaviour, sources and what is not modelled."""

    name = "market_maker"

    def __init__(self, account: int, parameters: MarketMakerParameters) -> None:
        self.account = account
        self.inventory = 0
        self._parameters = parameters
        self._centre = 0.0
        self._seen: tuple[float, int, int, int] | None = None
        self._quotes: dict[tuple[int, int], tuple[int, int]] = {}
        self._places: dict[int, tuple[int, int]] = {}

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`: at random, oftener when the market is busy."""
        return chance_wake(view, draws, a_second=self._parameters.looks_a_second)

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`: move every quote that is not where it should be; stay out of auctions."""
        if view.phase is not BookPhase.CONTINUOUS:
            return
        seen = (view.value, view.bid, view.ask, self.inventory)
        if seen == self._seen:
            return
        self._seen = seen
        parameters = self._parameters
        half = parameters.least_half_spread + parameters.spread_ripples * view.ripple
        leaning = parameters.skew_half_spreads * half * self.inventory / parameters.inventory_limit
        centre = parameters.trust * view.value + (1.0 - parameters.trust) * view.middle - leaning
        # the side that makes room goes first, or our own old quote would stand in the way
        sides = (_SELL, _BUY) if centre > self._centre else (_BUY, _SELL)
        self._centre = centre
        for side in sides:
            for level in range(parameters.levels):
                away = half + level * parameters.level_gap
                yield from self._quote(view, side=side, level=level, price=self._price(view, side, centre, away))

    def _price(self, view: View, side: int, centre: float, away: float) -> int:
        """The price `away` from the centre, rounded away from it, and not through what others offer."""
        if side == _BUY:
            price = int(centre - away)
            return min(price, view.ask - 1) if view.ask and not self._is_own(_SELL, view.ask) else price
        price = -int(-(centre + away) // 1)
        return max(price, view.bid + 1) if not self._is_own(_BUY, view.bid) else price

    def _is_own(self, side: int, price: int) -> bool:
        return any(quote[1] == price for place, quote in self._quotes.items() if place[0] == side)

    def told(self, notice: Notice) -> None:
        """See `Participant`: count the inventory, forget what is gone."""
        if notice.filled:
            self.inventory += notice.filled if notice.side == _BUY else -notice.filled
        place = self._places.get(notice.order_id)
        if place is None:
            return
        self._seen = None
        if notice.open:
            # not where, or not as large as, it was meant to be: looked at again next time
            self._quotes[place] = (notice.order_id, 0)
        else:
            del self._quotes[place], self._places[notice.order_id]

    def _quote(self, view: View, *, side: int, level: int, price: int) -> Iterator[Request]:
        full = self.inventory if side == _BUY else -self.inventory
        place = (side, level)
        quote = self._quotes.get(place)
        if full >= self._parameters.inventory_limit or price < 1:
            if quote:
                yield self._request(view, _CANCEL, quote[0], side=side)
        elif quote is None:
            order_id = view.new_id()
            self._quotes[place], self._places[order_id] = (order_id, price), place
            yield self._request(view, _NEW, order_id, side=side, price=price)
        elif quote[1] != price:
            self._quotes[place] = (quote[0], price)
            yield self._request(view, _REPLACE, quote[0], side=side, price=price)

    def _request(self, view: View, action: int, order_id: int, *, side: int, price: int = 0) -> Request:
        at = view.at + self._parameters.latency
        quantity = self._parameters.quantity if price else 0
        command = Command(action, order_id, side, price, quantity, flags=_FLAGS, account=self.account, at=at)
        return Request(at, command, while_live=action != _NEW)
