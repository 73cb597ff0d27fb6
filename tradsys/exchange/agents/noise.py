"""Traders without a view: a crowd that needs to buy or sell, some patiently, some at once."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from tradsys.core.matching import Action, BookPhase, BookSide, Command, Kind
from tradsys.core.units import SECOND
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import Notice, Request, View, chance_wake, whole_lots

_BUY, _SELL = int(BookSide.BUY), int(BookSide.SELL)
_NEW, _CANCEL = int(Action.NEW), int(Action.CANCEL)
_LIMIT, _MARKET = int(Kind.LIMIT), int(Kind.MARKET)
_CONTINUOUS = BookPhase.CONTINUOUS

TIMES_SHOWN = 2
"""Market orders are no larger than so many times what the best opposite price shows: large price changes come from gaps
in the book, not from large orders (Farmer, Gillemot, Lillo, Mike, Sen, Quantitative Finance 4, 2004)."""


class NoiseParameters(msgspec.Struct, frozen=True, kw_only=True):
    """`orders_a_second`: at activity 1. `market_share`: of orders that trade at once. `median_quantity` (lots) and
    `quantity_sigma`: log-normal size. `inside_share`: of patient orders that improve the best price. `offset_exponent`,
    `most_offset` (ticks): distance of the others from the best price of their side. `median_lifetime` (seconds),
    `lifetime_sigma`: log-normal time until an unfilled order is withdrawn. `parents`, `parent_exponent`,
    `most_children`: large orders worked at once, and how many parts each is cut
    into. `auction_ripples`: standard deviation of limits in a call auction around the value, in ripples
    (`View.ripple`).

    Rates of arrival, constant for limit, market and cancel, are the zero-intelligence model: Smith, Farmer, Gillemot,
    Krishnamurthy, Quantitative Finance 3 (2003); Farmer, Patelli, Zovko, PNAS 102 (2005). Power law of distances with
    exponent near 0.6: Bouchaud, Mézard, Potters, Quantitative Finance 2 (2002). Parts of large orders, exponent 1.5,
    which make the long memory of signs: Lillo, Mike, Farmer, Physical Review E 71 (2005). Log-normal times until
    cancellation: Lo, MacKinlay, Zhang, Journal of Financial Economics 65 (2002), in kind. The figures are ours.

    Not modelled: sizes that cluster at round numbers, withdrawal because the price moved away.
    """

    orders_a_second: float = 9.5
    market_share: float = 0.11
    median_quantity: float = 20.0
    quantity_sigma: float = 1.1
    most_quantity: int = 5_000
    inside_share: float = 0.12
    offset_exponent: float = 0.6
    most_offset: float = 300.0
    median_lifetime: float = 8.0
    lifetime_sigma: float = 1.6
    parents: int = 24
    parent_exponent: float = 1.5
    most_children: float = 300.0
    auction_ripples: float = 60.0

    def scaled(self, *, rate: float, size: float) -> NoiseParameters:
        """The same with orders times `rate` and sizes times `size`."""
        return replace(
            self,
            orders_a_second=self.orders_a_second * rate,
            median_quantity=self.median_quantity * size,
            most_quantity=whole_lots(self.most_quantity * size),
        )


class NoiseTraders:
    """One crowd; see `NoiseParameters` for behaviour, sources and what is not modelled."""

    name = "noise"

    def __init__(self, account: int, parameters: NoiseParameters) -> None:
        self.account = account
        self._parameters = parameters
        self._children = [0] * parameters.parents
        self._sides = [_BUY] * parameters.parents

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`: a Poisson process whose rate follows the activity."""
        return chance_wake(view, draws, a_second=self._parameters.orders_a_second)

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`."""
        if view.phase is not _CONTINUOUS:
            yield from self._auction_order(view, draws)
        elif draws.uniform() < self._parameters.market_share:
            yield Request(view.at, self._taking(view, draws, side=self._parent_side(draws)))
        else:
            yield from self._patient_order(view, draws)

    def told(self, notice: Notice) -> None:
        """See `Participant`: a crowd without a view learns nothing."""

    def _quantity(self, draws: Draws) -> int:
        parameters = self._parameters
        drawn = draws.log_normal(median=parameters.median_quantity, sigma=parameters.quantity_sigma)
        return min(int(drawn) + 1, parameters.most_quantity)

    def _order(self, view: View, draws: Draws, *, side: int, kind: int, price: int = 0) -> Command:
        quantity = self._quantity(draws)
        return Command(_NEW, view.new_id(), side, price, quantity, kind, account=self.account, at=view.at)

    def _taking(self, view: View, draws: Draws, *, side: int) -> Command:
        """A market order, its size held back by what it sees."""
        order = self._order(view, draws, side=side, kind=_MARKET)
        shown = view.ask_quantity if side == _BUY else view.bid_quantity
        return order._replace(quantity=min(order.quantity, max(TIMES_SHOWN * shown, 1)))

    def _parent_side(self, draws: Draws) -> int:
        """The side of one of the large orders being worked, a new one where its last part is out."""
        parent = draws.below(len(self._sides))
        if not self._children[parent]:
            parameters = self._parameters
            length = draws.pareto(exponent=parameters.parent_exponent, most=parameters.most_children)
            self._children[parent] = int(length)
            self._sides[parent] = draws.below(2)
        self._children[parent] -= 1
        return self._sides[parent]

    def _patient_order(self, view: View, draws: Draws) -> Iterator[Request]:
        side = draws.below(2)
        return self._limit(view, draws, side=side, price=self._price(view, draws, side))

    def _limit(self, view: View, draws: Draws, *, side: int, price: int) -> Iterator[Request]:
        """A limit order, and its withdrawal after a lifetime."""
        parameters = self._parameters
        order = self._order(view, draws, side=side, kind=_LIMIT, price=price)
        yield Request(view.at, order)
        lifetime = draws.log_normal(median=parameters.median_lifetime * SECOND, sigma=parameters.lifetime_sigma)
        withdrawal = Command(_CANCEL, order.order_id, side, account=self.account)
        yield Request(view.at + int(lifetime), withdrawal, while_live=True)

    def _price(self, view: View, draws: Draws, side: int) -> int:
        """Inside the spread, or behind the best price of its own side by a power law; never through the other side."""
        parameters = self._parameters
        sign = 1 if side == _BUY else -1
        best, opposite = (view.bid, view.ask) if side == _BUY else (view.ask, view.bid)
        if not best:
            best = round(view.middle) - sign
        room = sign * (opposite - best) - 1 if opposite else 0
        if room > 0 and draws.uniform() < parameters.inside_share:
            return best + sign * (1 + draws.below(room))
        offset = int(draws.pareto(exponent=parameters.offset_exponent, most=parameters.most_offset)) - 1
        return max(best - sign * offset, 1)

    def _auction_order(self, view: View, draws: Draws) -> Iterator[Request]:
        """A limit around the value on either side, or a market order while the auction takes them."""
        side = draws.below(2)
        at_market = draws.uniform() < self._parameters.market_share
        if at_market and view.phase is BookPhase.AUCTION:
            yield Request(view.at, self._order(view, draws, side=side, kind=_MARKET))
            return
        price = round(view.value + self._parameters.auction_ripples * view.ripple * draws.normal())
        yield from self._limit(view, draws, side=side, price=max(price, 1))
