"""Traders with a view: momentum buys what rises, mean reversion sells what is dear against its value."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from typing import Self

import msgspec
from msgspec.structs import replace

from tradsys.core.matching import Action, BookPhase, BookSide, Command, SelfTrade, TimeInForce
from tradsys.core.units import SECOND
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.participant import Notice, Request, View, chance_wake, whole_lots

_BUY, _SELL = int(BookSide.BUY), int(BookSide.SELL)
_NEW, _CANCEL = int(Action.NEW), int(Action.CANCEL)
_IOC, _DAY = int(TimeInForce.IOC), int(TimeInForce.DAY)
_FLAGS = int(SelfTrade.CANCEL_OLDEST)


class _Watching(msgspec.Struct, frozen=True, kw_only=True):
    """What the parameters of both kinds share."""

    looks_a_second: float
    median_quantity: float
    inventory_limit: int

    def scaled(self, *, rate: float, size: float) -> Self:
        """The same with looks times `rate` and sizes times `size`."""
        return replace(
            self,
            looks_a_second=self.looks_a_second * rate,
            median_quantity=self.median_quantity * size,
            inventory_limit=whole_lots(self.inventory_limit * size),
        )


class MomentumParameters(_Watching, frozen=True, kw_only=True):
    """`looks_a_second`: at activity 1. `fast_seconds`, `slow_seconds`: memory of two exponential means of the middle
    price; a signal is their distance in ripples (`View.ripple`) above `threshold_ripples`. Below
    half of it the position is closed bit by bit. `median_quantity` (lots),
    `quantity_sigma`: log-normal size. `inventory_limit` (lots). `reach` (ticks): how far it pays
    through the best price.

    Chartists of Lux and Marchesi, "Scaling and criticality in a stochastic multi-agent model of a financial market",
    Nature 397 (1999); Chiarella and Iori, Quantitative Finance 2 (2002). The figures are ours.

    Not modelled: stops, profit, switching to another strategy.
    """

    looks_a_second: float = 0.5
    fast_seconds: float = 20.0
    slow_seconds: float = 180.0
    threshold_ripples: float = 12.0
    median_quantity: float = 30.0
    quantity_sigma: float = 1.0
    inventory_limit: int = 4_000
    reach: int = 2


class MeanReversionParameters(_Watching, frozen=True, kw_only=True):
    """`looks_a_second`: at activity 1. `doubt_ripples`: standard deviation of its error about the value, in ripples.
    `patient_ripples`: distance of the middle from its estimate at which it joins the best price; `urgent_ripples`: at
    which it takes the other side, with a size that grows as the square of the distance. `median_quantity` (lots),
    `quantity_sigma`: log-normal size. `mean_lifetime` (seconds) of a patient order. `inventory_limit` (lots).

    Fundamentalists of Lux and Marchesi (1999) and of Chiarella and Iori (2002). The figures are ours.

    Not modelled: a value that is its own opinion; it knows the day's value but for its error.
    """

    looks_a_second: float = 2.0
    doubt_ripples: float = 0.8
    patient_ripples: float = 1.0
    urgent_ripples: float = 1.8
    median_quantity: float = 40.0
    quantity_sigma: float = 1.0
    mean_lifetime: float = 4.0
    inventory_limit: int = 60_000


class _Inventory:
    """What both kinds share: an account, a position with a limit, the size of an order."""

    def __init__(self, account: int, *, limit: int, median: float, sigma: float) -> None:
        self.account = account
        self.inventory = 0
        self._limit = limit
        self._median = median
        self._sigma = sigma

    def told(self, notice: Notice) -> None:
        """See `Participant`: count the inventory."""
        if notice.filled:
            self.inventory += notice.filled if notice.side == _BUY else -notice.filled

    def _quantity(self, draws: Draws, side: int) -> int:
        """Lots of an order, no more than the limit leaves; 0 at the limit."""
        return min(int(draws.log_normal(median=self._median, sigma=self._sigma)) + 1, self._room(side))

    def _room(self, side: int) -> int:
        return max(self._limit - (self.inventory if side == _BUY else -self.inventory), 0)

    def _order(self, view: View, *, side: int, price: int, quantity: int, validity: int) -> Command:
        return Command(
            _NEW, view.new_id(), side, price, quantity, 0, validity, _FLAGS, account=self.account, at=view.at
        )


class Momentum(_Inventory):
    """Buys what rises and sells what falls; see `MomentumParameters`."""

    name = "momentum"

    def __init__(self, account: int, parameters: MomentumParameters) -> None:
        super().__init__(
            account,
            limit=parameters.inventory_limit,
            median=parameters.median_quantity,
            sigma=parameters.quantity_sigma,
        )
        self._parameters = parameters
        self._seen_at = 0
        self._fast = self._slow = 0.0

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`."""
        return chance_wake(view, draws, a_second=self._parameters.looks_a_second)

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`: take the other side while the fast mean is away from the slow one."""
        if view.phase is not BookPhase.CONTINUOUS:
            return
        self._look(view)
        signal = (self._fast - self._slow) / max(view.ripple, 1e-9)
        side = self._side(signal)
        if side is None:
            return
        price = view.ask + self._parameters.reach if side == _BUY else view.bid - self._parameters.reach
        quantity = self._quantity(draws, side)
        if quantity and price > self._parameters.reach:
            order = self._order(view, side=side, price=price, quantity=quantity, validity=_IOC)
            yield Request(view.at, order)

    def _side(self, signal: float) -> int | None:
        """With the signal where it is strong, against the position where it has faded."""
        strong = self._parameters.threshold_ripples
        if abs(signal) >= strong:
            return _BUY if signal > 0 else _SELL
        if abs(signal) < strong / 2 and self.inventory:
            return _SELL if self.inventory > 0 else _BUY
        return None

    def _look(self, view: View) -> None:
        middle, parameters = view.middle, self._parameters
        if not self._seen_at:
            self._fast = self._slow = middle
        seconds = (view.at - self._seen_at) / SECOND
        self._fast += (middle - self._fast) * (1.0 - exp(-seconds / parameters.fast_seconds))
        self._slow += (middle - self._slow) * (1.0 - exp(-seconds / parameters.slow_seconds))
        self._seen_at = view.at


class MeanReversion(_Inventory):
    """Trades towards the value; see `MeanReversionParameters`."""

    name = "mean_reversion"

    def __init__(self, account: int, parameters: MeanReversionParameters) -> None:
        super().__init__(
            account,
            limit=parameters.inventory_limit,
            median=parameters.median_quantity,
            sigma=parameters.quantity_sigma,
        )
        self._parameters = parameters

    def wake_at(self, view: View, draws: Draws) -> int:
        """See `Participant`."""
        return chance_wake(view, draws, a_second=self._parameters.looks_a_second)

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        """See `Participant`: wait at the best price where a little is to be had, take where much is."""
        if view.phase is not BookPhase.CONTINUOUS:
            return
        parameters = self._parameters
        estimate = view.value + parameters.doubt_ripples * view.ripple * draws.normal()
        distance = (estimate - view.middle) / max(view.ripple, 1e-9)
        side = _BUY if distance > 0 else _SELL
        quantity = self._quantity(draws, side)
        if not quantity or abs(distance) < parameters.patient_ripples:
            return
        yield from self._towards(view, draws, side=side, quantity=quantity, estimate=estimate, distance=distance)

    def _towards(
        self, view: View, draws: Draws, *, side: int, quantity: int, estimate: float, distance: float
    ) -> Iterator[Request]:
        urgent = self._parameters.urgent_ripples
        if abs(distance) >= urgent:
            quantity = min(int(quantity * (distance / urgent) ** 2), self._room(side))
            # pays up to its estimate, no further
            price = int(estimate) if side == _BUY else -int(-estimate // 1)
            order = self._order(view, side=side, price=max(price, 1), quantity=quantity, validity=_IOC)
            yield Request(view.at, order)
            return
        best = view.bid if side == _BUY else view.ask
        if not best:
            return
        order = self._order(view, side=side, price=best, quantity=quantity, validity=_DAY)
        yield Request(view.at, order)
        lifetime = int(draws.exponential(self._parameters.mean_lifetime * SECOND))
        withdrawal = Command(_CANCEL, order.order_id, side, account=self.account)
        yield Request(view.at + lifetime, withdrawal, while_live=True)
