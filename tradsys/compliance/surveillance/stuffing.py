"""Quote stuffing: floods of messages that are not meant to trade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Cancelled, Changed, Entered, OrderMessage, Rejected, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.listings import date_of, day_number, listing_of
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.scores import ramp
from tradsys.compliance.surveillance.windows import Active, Episodes, Window
from tradsys.core.units import MILLISECOND, SECOND
from tradsys.reference.order_to_trade import Flood, daily_flood


class StuffingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`window_seconds`: one second, as message limits are counted. `rate_low`, `rate_high`: messages of one owner and
    instrument in it; a quoting strategy sends some tens, ten times the retail limit of ten a second is already much.
    `fleeting_milliseconds`: an order that lives no longer could not be meant for anybody. `quiet_seconds`: one alert in
    it. `threshold`: the middle of the rate with nine tenths of it fleeting."""

    enabled: bool = True
    threshold: float = 0.45
    window_seconds: float = 1.0
    rate_low: float = 50.0
    rate_high: float = 150.0
    fleeting_milliseconds: float = 100.0
    quiet_seconds: float = 600.0


class _Message(NamedTuple):
    order_id: int
    empty: bool


@dataclass(slots=True)
class _Day:
    day: int = 0
    messages: int = 0
    trades: int = 0
    told: bool = False
    flood: Flood | None = None


class QuoteStuffing:
    """Messages of one owner in one instrument, far more than a quoting strategy needs, and most of them empty.

    Over one second: `rate`, messages a second; `empty`, twice the fraction that withdraw or reject an order at most
    `fleeting_milliseconds` old, or change one without changing price or quantity, at most 1 (an order entered and
    withdrawn is two messages, one of them such). `score = ramp(rate) · empty · (1 - trades / messages)`.
    Beside it the exchange's daily rule: messages and trades of one owner and segment (`reference/data`); reaching it
    scores 1.

    Source: PFUTP regulation 4(2)(a); NSE's penalty for messages without trades (dated row). Bursts as in Egginton, Van
    Ness and Van Ness, "Quote stuffing", Financial Management 45 (2016). Figures ours.
    Not modelled: the venue's own latency, which the flood is meant to raise.
    """

    concerns: tuple[type[AnyEvent], ...] = (Traded, Entered, Changed, Cancelled, Rejected)

    def __init__(self, settings: StuffingSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._span = int(settings.window_seconds * SECOND)
        self._fleeting = int(settings.fleeting_milliseconds * MILLISECOND)
        self._messages: Active[tuple[str, str], Window[_Message]] = Active(lambda: Window(self._span), span=self._span)
        self._trades: Active[tuple[str, str], Window[int]] = Active(lambda: Window(self._span), span=self._span)
        self._days: dict[tuple[str, str], _Day] = {}
        self._episodes: Episodes[tuple[str, str]] = Episodes(int(settings.quiet_seconds * SECOND))

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        if isinstance(event, Traded):
            for account in dict.fromkeys((event.buyer, event.seller)):
                if account:
                    key = (self._groups.of(account), event.instrument)
                    self._trades.touch(key, event.at).add(event.at, event.trade_id)
                    self._day(key, event.at).trades += 1
        elif isinstance(event, OrderMessage) and event.account and not _by_venue(event):
            yield from self._message(event, market)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        return iter(())

    def _message(self, event: OrderMessage, market: Market) -> Iterator[Alert]:
        key = (self._groups.of(event.account), event.instrument)
        window = self._messages.touch(key, event.at)
        window.add(event.at, _Message(event.order_id, self._is_empty(event, market)))
        if len(window) > self._settings.rate_low:
            yield from self._judge(key, event, window)
        yield from self._daily(key, event)

    def _is_empty(self, event: OrderMessage, market: Market) -> bool:
        if isinstance(event, Rejected):
            return True
        order = market.order(event.order_id)
        if order is None or isinstance(event, Entered):
            return False
        if isinstance(event, Changed):
            return event.price == order.price and event.quantity == order.open
        return not order.filled and event.at - order.entered_at <= self._fleeting

    def _judge(self, key: tuple[str, str], event: OrderMessage, window: Window[_Message]) -> Iterator[Alert]:
        found = [each for _, each in window.at(event.at)]
        trades = self._trades.get(key, event.at)
        traded = [number for _, number in trades.at(event.at)] if trades is not None else []
        settings = self._settings
        measures = {
            "rate": len(found) / settings.window_seconds,
            "empty": min(1.0, 2 * sum(each.empty for each in found) / len(found)),
            "trades": len(traded),
        }
        rate = ramp(measures["rate"], low=settings.rate_low, high=settings.rate_high)
        score = rate * measures["empty"] * max(0.0, 1.0 - len(traded) / len(found))
        if score >= settings.threshold and self._episodes.begins(key, event.at):
            yield alert(
                Pattern.QUOTE_STUFFING,
                at=event.at,
                score=score,
                instrument=event.instrument,
                accounts=(event.account,),
                begins=window.at(event.at)[0][0],
                orders=tuple(each.order_id for each in found),
                trades=tuple(traded),
                measures=measures,
                group=key[0],
            )

    def _day(self, key: tuple[str, str], at: int) -> _Day:
        """Counters of the day of one owner and segment, which is where the instrument is listed."""
        name = (key[0], key[1].partition(":")[0])
        day = self._days.setdefault(name, _Day())
        number = day_number(at)
        if day.day != number:
            listing = listing_of(key[1])
            flood = daily_flood(exchange=listing.exchange, on=date_of(number)) if listing else None
            day.day, day.messages, day.trades, day.told, day.flood = number, 0, 0, False, flood
        return day

    def _daily(self, key: tuple[str, str], event: OrderMessage) -> Iterator[Alert]:
        day = self._day(key, event.at)
        day.messages += 1
        flood = day.flood
        if day.told or flood is None or day.messages < flood.messages or day.trades > flood.trades:
            return
        day.told = True
        yield alert(
            Pattern.QUOTE_STUFFING,
            at=event.at,
            score=1.0,
            instrument=event.instrument,
            accounts=(event.account,),
            begins=event.at,
            measures={"messages": day.messages, "trades": day.trades},
            group=key[0],
        )


def _by_venue(event: OrderMessage) -> bool:
    return isinstance(event, Cancelled) and not event.by_owner
