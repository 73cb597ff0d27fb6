"""What a member's orders add up to in a day: messages, trades, and which orders are on their way out. A fold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import msgspec

from tradsys.compliance.sebi.conduct import OrderRate
from tradsys.compliance.sebi.facts import Messages
from tradsys.compliance.sebi.rule_check import CODES, india_day
from tradsys.core.errors import ConfigError
from tradsys.core.events import Fill, Order
from tradsys.core.instruments import Instrument
from tradsys.core.orders import OrderState
from tradsys.core.units import DAY
from tradsys.engine.markets import Market
from tradsys.engine.order_desk import LiveOrder
from tradsys.engine.runner import Runner
from tradsys.reference.order_to_trade import Exemption, exemption
from tradsys.reference.sessions import INDIA_OFFSET, to_date

_UNTRADED = (OrderState.APPROVED, OrderState.OPEN)


class _Day(msgspec.Struct):
    """Counts of one exchange segment on one day in India, which `ends` then (UTC nanoseconds)."""

    day: int
    ends: int
    counted: int = 0
    trades: int = 0


class _State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    days: dict[str, _Day]
    leaving: list[int]
    rate: msgspec.Raw


class Traffic:
    """Counts by exchange segment, as the order-to-trade ratio does (`tradsys.reference.order_to_trade`), and tells the
    rate of withdrawals. The counts begin anew with every day in India.

    An order is not counted near the last price by the row of its day, or of `as_of`. Not modelled: that orders in the
    closing auction are not counted; a trade that was told late.
    """

    def __init__(
        self, markets: Mapping[str, Market], runners: Sequence[Runner], rate: OrderRate, *, as_of: date | None = None
    ) -> None:
        self.rate = rate
        self._markets = markets
        self._desires = {name: [each.desires for each in runners if name in each.instruments] for name in markets}
        self._as_of = as_of
        self._days: dict[str, _Day] = {}
        self._told: dict[str, Messages] = {}
        self._leaving: dict[int, None] = {}
        self._exemptions: dict[tuple[str, int], Exemption | None] = {}

    def on_order(self, order: Order) -> None:
        """An order leaves. The rate has counted it in the gate."""
        self._count(order, order.at)

    def on_withdrawal(self, order: Order, *, at: int, leaves: bool) -> None:
        """A withdrawal is asked for; the order `leaves` where the venue is known to have it."""
        self.rate.count(self._markets[order.instrument].instrument.exchange, at)
        self._count(order, at)
        if leaves:
            self._leaving[order.order_id] = None

    def on_fill(self, fill: Fill) -> None:
        """A trade of ours."""
        self._day(self._markets[fill.instrument].instrument.exchange, fill.at).trades += 1

    def own(self, instrument: str) -> list[LiveOrder]:
        """Own orders that work or may be working when the venue hears of one that is asked for now: not those of which
        it hears a withdrawal before, nor the exits of a bracket whose entry has not traded."""
        found = []
        for desires in self._desires[instrument]:
            orders = desires[instrument].orders
            if orders:
                leaving = self._leaving
                found += [each for each in orders.values() if each.order.order_id not in leaving and not _asleep(each)]
        return found

    def messages(self, exchange: str, at: int) -> Messages:
        """Counts of the day. That an exchange bars a member is not known here."""
        found = self._days.get(exchange)
        if found is None or at >= found.ends:
            found = self._day(exchange, at)
        told = self._told.get(exchange)
        if told is None or told.counted != found.counted or told.trades != found.trades:
            told = self._told[exchange] = Messages(counted=found.counted, trades=found.trades)
        return told

    def state(self, *, live: Collection[int]) -> bytes:
        """Everything counted, the same bytes for the same counts; of leaving orders those that are `live`."""
        self._leaving = {each: None for each in self._leaving if each in live}
        days = dict(sorted(self._days.items()))
        return msgspec.json.encode(
            _State(days=days, leaving=sorted(self._leaving), rate=msgspec.Raw(self.rate.state()))
        )

    def restore(self, state: bytes) -> None:
        """Go on from what `state` gave. Raises `ConfigError` for bytes that are none."""
        try:
            saved = msgspec.json.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise ConfigError(f"not a state of the rules' counts: {error}", value=len(state)) from None
        self.rate.restore(bytes(saved.rate))
        self._days = saved.days
        self._leaving = dict.fromkeys(saved.leaving)

    def _count(self, order: Order, at: int) -> None:
        market = self._markets[order.instrument]
        day = self._day(market.instrument.exchange, at)
        exempt = self._exemption(market.instrument, day.day)
        if exempt is None or not exempt.covers(price=order.limit, last=market.price):
            day.counted += 1

    def _day(self, exchange: str, at: int) -> _Day:
        """The counts of a day; time that goes back counts in the latest one."""
        found = self._days.get(exchange)
        if found is None or at >= found.ends:
            day = india_day(at)
            found = self._days[exchange] = _Day(day, (day + 1) * DAY - INDIA_OFFSET)
        return found

    def _exemption(self, instrument: Instrument, day: int) -> Exemption | None:
        key = (instrument.id, day)
        if key not in self._exemptions:
            on = self._as_of or to_date(day)
            exchange = CODES.get(instrument.exchange, instrument.exchange)
            self._exemptions[key] = exemption(exchange=exchange, segment=instrument.segment, on=on)
        return self._exemptions[key]


def _asleep(live: LiveOrder) -> bool:
    """Whether an exit waits for its entry, of which nothing is known to have traded."""
    entry = live.desire.orders.get(live.order.parent) if live.order.parent else None
    return entry is not None and entry.state in _UNTRADED
