"""Layering: orders at several prices of one side, withdrawn together once the other side has traded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Cancelled, Changed, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import LiveOrder, Market
from tradsys.compliance.surveillance.own_fills import Opposite, OwnFills, opposite_of
from tradsys.compliance.surveillance.scores import fading, ramp
from tradsys.compliance.surveillance.spoofing import withdrawn
from tradsys.compliance.surveillance.windows import Active, Episodes, Window
from tradsys.core.units import SCALE, SECOND


class LayeringSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`longest_life_seconds`: as for spoofing. `together_seconds`: layers withdrawn so close together go as one; a
    quoting strategy's levels go together too, and are told apart by the other side. `levels_low`, `levels_high`:
    prices; two are quoted by many, four in full count. `filled_most`, `multiple`, `half_life_seconds`, `away`: as for
    spoofing. `threshold`: four one-sided layers withdrawn within three seconds of the trade, or three at once.
    `quiet_seconds`: one alert in it."""

    enabled: bool = True
    threshold: float = 0.5
    longest_life_seconds: float = 120.0
    together_seconds: float = 5.0
    levels_low: float = 2.0
    levels_high: float = 4.0
    filled_most: float = 0.1
    multiple: float = 4.0
    half_life_seconds: float = 5.0
    away: float = 0.001
    quiet_seconds: float = 1_800.0


class _Layer(NamedTuple):
    side: int
    order_id: int
    price: int
    quantity: int
    entered_at: int
    account: str


class Layering:
    """Unfilled orders at three or more prices of one side that stood together and went together.

    For the layers of one owner and side withdrawn within `together_seconds`, whose lives overlap: `levels` is the
    number of prices from `levels_low` to `levels_high`; `asymmetry` compares their sum with the owner's orders on the
    other side as for spoofing, from as large to `multiple` times; `promptness` is a half for every `half_life_seconds`
    since the last trade on the other side. `score = levels · asymmetry · promptness`; without a trade on the other side
    there is none.

    Source: PFUTP regulation 4(2)(g); FINRA rule 5210 supplementary material .03 describes the pattern (multiple limit
    orders on one side, an execution on the other, cancellation). Figures ours.
    Not modelled: layers of several owners who act together, layers that never move anybody to trade.
    """

    concerns: tuple[type[AnyEvent], ...] = (Traded, Cancelled, Changed)

    def __init__(self, settings: LayeringSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._life = int(settings.longest_life_seconds * SECOND)
        span = int(settings.together_seconds * SECOND)
        self._fills = OwnFills(groups, span=self._life)
        self._gone: Active[tuple[str, str], Window[_Layer]] = Active(lambda: Window(span, most=1_000), span=span)
        self._episodes: Episodes[tuple[str, str]] = Episodes(int(settings.quiet_seconds * SECOND))

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        if type(event) is Traded:
            self._fills.observe(event, market)
        elif (isinstance(event, Cancelled) and event.by_owner) or isinstance(event, Changed):
            order = market.order(event.order_id)
            if order is not None and order.account:
                quantity = withdrawn(event, order, away=self._settings.away)
                if quantity and self._unmeant(order, quantity, event.at):
                    yield from self._judge(order, quantity, event.at, market)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        return iter(())

    def _unmeant(self, order: LiveOrder, quantity: int, at: int) -> bool:
        whole = order.filled + quantity
        return at - order.entered_at <= self._life and order.filled <= self._settings.filled_most * whole

    def _judge(self, order: LiveOrder, quantity: int, at: int, market: Market) -> Iterator[Alert]:
        group = self._groups.of(order.account)
        key = (group, order.instrument)
        window = self._gone.touch(key, at)
        window.add(at, _Layer(order.side, order.order_id, order.price, quantity, order.entered_at, order.account))
        # a layer that came after another had gone did not stand beside it
        gone = [(went, each) for went, each in window.at(at) if each.side == order.side]
        newest = max(each.entered_at for _, each in gone)
        layers = [each for went, each in gone if went >= newest]
        prices = {each.price for each in layers}
        if len(prices) <= self._settings.levels_low:
            return
        since = min(each.entered_at for each in layers)
        other = opposite_of(
            order,
            self._fills.of(group, instrument=order.instrument, at=at),
            self._groups.members(group),
            market,
            since=since,
        )
        if other.fills:
            measures = self._measures(layers, len(prices), other, at)
            score = measures["levels"] * measures["asymmetry"] * measures["promptness"]
            if score >= self._settings.threshold and self._episodes.begins(key, at):
                yield _alert(layers, other, at=at, score=score, group=group, order=order, measures=measures)

    def _measures(self, layers: list[_Layer], prices: int, other: Opposite, at: int) -> dict[str, float]:
        settings, total = self._settings, sum(each.quantity for each in layers)
        return {
            "prices": prices,
            "levels": ramp(prices, low=settings.levels_low, high=settings.levels_high),
            "asymmetry": ramp(total / other.shown, low=1.0, high=settings.multiple),
            "promptness": fading(at - other.last_at, half_life=int(settings.half_life_seconds * SECOND)),
            "withdrawn": total / SCALE,
            "traded": other.quantity / SCALE,
        }


def _alert(
    layers: list[_Layer],
    other: Opposite,
    *,
    at: int,
    score: float,
    group: str,
    order: LiveOrder,
    measures: dict[str, float],
) -> Alert:
    return alert(
        Pattern.LAYERING,
        at=at,
        score=score,
        instrument=order.instrument,
        accounts=tuple(each.account for each in layers),
        begins=min(each.entered_at for each in layers),
        orders=(*(each.order_id for each in layers), *(number for number in other.orders if number)),
        trades=other.trades,
        quantity=sum(each.quantity for each in layers),
        measures=measures,
        group=group,
    )
