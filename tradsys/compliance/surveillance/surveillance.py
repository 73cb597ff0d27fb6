"""All detectors over one stream: the same object in stream and over the record of a day that is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern
from tradsys.compliance.surveillance.circular import CircularTrading
from tradsys.compliance.surveillance.closing import MarkingTheClose
from tradsys.compliance.surveillance.detector import Detector
from tradsys.compliance.surveillance.events import AnyEvent, Entered, OrderMessage, Traded
from tradsys.compliance.surveillance.front_running import FrontRunning
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.ignition import MomentumIgnition
from tradsys.compliance.surveillance.layering import Layering
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.order_to_trade import OrderToTrade, RatioOfDay
from tradsys.compliance.surveillance.scores import any_of
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.spoofing import Spoofing
from tradsys.compliance.surveillance.stuffing import QuoteStuffing
from tradsys.compliance.surveillance.wash import WashTrades
from tradsys.core.errors import DataError


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What surveillance of a stream came to. `watched`: patterns looked for. `orders`: entered by somebody who is
    named. `composite`: for each account, `1 - Π(1 - s)` over the highest score of each pattern (PFUTP regulation
    4(2)(a), a false appearance of trading, as a whole)."""

    alerts: tuple[Alert, ...]
    watched: tuple[Pattern, ...]
    events: int
    messages: int
    orders: int
    trades: int
    begins: int
    ends: int
    composite: dict[str, float]
    ratios: tuple[RatioOfDay, ...]

    @property
    def a_10000_orders(self) -> float:
        """Alerts for each 10,000 orders entered."""
        return 10_000 * len(self.alerts) / max(self.orders, 1)


class Surveillance:
    """Every enabled detector over one market. Feed events in the order of their time: `observe` each, then `finish`."""

    def __init__(self, settings: SurveillanceSettings, *, whole: bool) -> None:
        self.market = Market(whole=whole)
        groups = AccountGroups(settings.groups)
        self._ratios = OrderToTrade(settings.order_to_trade)
        self._detectors = _detectors(settings, groups, self._ratios)
        self._concerned: dict[type[AnyEvent], tuple[Detector, ...]] = {
            kind: tuple(each for each in self._detectors.values() if kind in each.concerns)
            for kind in get_args(AnyEvent)
        }
        self._alerts: list[Alert] = []
        self._at = self._begins = 0
        self._counts: Counter[str] = Counter()

    def observe(self, event: AnyEvent) -> list[Alert]:
        """One event: what it gives rise to. Raises `DataError` for one older than the one before."""
        if event.at < self._at:
            raise DataError("an event is older than the one before", value=event.at, limit=self._at, fix="sort them")
        self._at = event.at
        self._begins = self._begins or event.at
        self._count(event)
        found: list[Alert] = []
        for detector in self._concerned[type(event)]:
            found += detector.observe(event, self.market)
        self.market.apply(event)
        self._alerts += found
        return found

    def finish(self) -> Finding:
        """The end of the stream, and all of it."""
        for detector in self._detectors.values():
            self._alerts += detector.close(self._at, self.market)
        return Finding(
            alerts=tuple(self._alerts),
            watched=tuple(self._detectors),
            events=self._counts["events"],
            messages=self._counts["messages"],
            orders=self._counts["orders"],
            trades=self._counts["trades"],
            begins=self._begins,
            ends=self._at,
            composite=_composite(self._alerts),
            ratios=tuple(self._ratios.days()),
        )

    def _count(self, event: AnyEvent) -> None:
        counts = self._counts
        counts["events"] += 1
        if isinstance(event, OrderMessage):
            counts["messages"] += 1
            counts["orders"] += isinstance(event, Entered) and event.account != ""
        elif isinstance(event, Traded):
            counts["trades"] += 1


def surveil(events: Iterable[AnyEvent], settings: SurveillanceSettings, *, whole: bool) -> Finding:
    """All of a record."""
    surveillance = Surveillance(settings, whole=whole)
    for event in events:
        surveillance.observe(event)
    return surveillance.finish()


def _detectors(
    settings: SurveillanceSettings, groups: AccountGroups, ratios: OrderToTrade
) -> Mapping[Pattern, Detector]:
    made: dict[Pattern, tuple[bool, Detector]] = {
        Pattern.WASH_TRADE: (settings.wash_trade.enabled, WashTrades(settings.wash_trade, groups)),
        Pattern.CIRCULAR_TRADING: (
            settings.circular_trading.enabled,
            CircularTrading(settings.circular_trading, groups),
        ),
        Pattern.SPOOFING: (settings.spoofing.enabled, Spoofing(settings.spoofing, groups)),
        Pattern.LAYERING: (settings.layering.enabled, Layering(settings.layering, groups)),
        Pattern.FRONT_RUNNING: (
            settings.front_running.enabled and bool(settings.front_running.own_accounts),
            FrontRunning(settings.front_running, groups),
        ),
        Pattern.MARKING_THE_CLOSE: (
            settings.marking_the_close.enabled,
            MarkingTheClose(settings.marking_the_close, groups),
        ),
        Pattern.MOMENTUM_IGNITION: (
            settings.momentum_ignition.enabled,
            MomentumIgnition(settings.momentum_ignition, groups),
        ),
        Pattern.QUOTE_STUFFING: (settings.quote_stuffing.enabled, QuoteStuffing(settings.quote_stuffing, groups)),
        Pattern.ORDER_TO_TRADE: (settings.order_to_trade.enabled, ratios),
    }
    return {pattern: detector for pattern, (enabled, detector) in made.items() if enabled}


def _composite(alerts: Iterable[Alert]) -> dict[str, float]:
    highest: dict[str, dict[Pattern, float]] = {}
    for each in alerts:
        for account in each.accounts:
            scores = highest.setdefault(account, {})
            scores[each.pattern] = max(scores.get(each.pattern, 0.0), each.score)
    return dict(_ranked(highest))


def _ranked(highest: Mapping[str, Mapping[Pattern, float]]) -> Iterator[tuple[str, float]]:
    scores = {account: round(any_of(found.values()), 4) for account, found in highest.items()}
    yield from sorted(scores.items(), key=lambda item: (-item[1], item[0]))
