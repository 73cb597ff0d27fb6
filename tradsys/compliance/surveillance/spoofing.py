"""Spoofing: a large order that is not meant to trade, withdrawn once a smaller one on the other side has traded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Cancelled, Changed, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import LiveOrder, Market
from tradsys.compliance.surveillance.own_fills import OwnFills, opposite_of
from tradsys.compliance.surveillance.scores import any_of, fading, ramp
from tradsys.compliance.surveillance.windows import Active, Episodes, Window
from tradsys.core.units import SCALE, SECOND


class SpoofingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`window_seconds`: instances add up within it. `longest_life_seconds`: an order that rested longer was exposed to
    trading. `filled_most`: fraction filled of an order that was not meant to trade. `half_life_seconds`: how fast the
    link fades between the other side's trade and the withdrawal. `multiple`: an order so many times as large as the
    owner's on the other side counts in full, one as large not at all: whoever makes a market shows like sizes on both
    sides. `depth_low`, `depth_high`: fraction of what the book shows at its price and better; below the first it
    misleads nobody. `away`: fraction of the price by which an order that is moved away counts as withdrawn.
    `least_instance`: weaker instances do not add up to anything. `weight`: how much one instance may say alone: once is
    a change of mind. `threshold`: two strong instances, or three of middle strength."""

    enabled: bool = True
    threshold: float = 0.65
    window_seconds: float = 1_800.0
    longest_life_seconds: float = 60.0
    filled_most: float = 0.1
    half_life_seconds: float = 5.0
    multiple: float = 4.0
    depth_low: float = 0.1
    depth_high: float = 0.5
    away: float = 0.001
    least_instance: float = 0.35
    weight: float = 0.6


class _Instance(NamedTuple):
    strength: float
    order_id: int
    quantity: int
    entered_at: int
    orders: tuple[int, ...]
    trades: tuple[int, ...]
    account: str
    measures: dict[str, float]


class Spoofing:
    """Orders withdrawn unfilled, much larger than what their owner traded on the other side while they stood.

    An instance is an order withdrawn (or moved away, or cut by nine tenths) after at most `longest_life_seconds`, with
    at most `filled_most` filled, while whose life its owner traded on the other side. Its strength is the product of
    `unfilled`, the fraction not filled; `asymmetry`, from 0 where it is as large as the owner's orders on the other
    side (those that traded and those still open) to 1 at `multiple` times; `weight`, its fraction of the depth shown at
    its price and better, from `depth_low` to `depth_high` (1 where the depth is not known); `promptness`, a half for
    every `half_life_seconds` since the last trade on the other side. `score = 1 - Π(1 - weight · strength)` over the
    window.

    Source: PFUTP regulation 4(2)(g); SEBI's spoofing order of 28 Apr 2025 (621 instances in 173 scrips) for the pattern
    of one large order against a small trade. Figures ours.
    Not modelled: spoofing across instruments (a future moved to trade its option), icebergs' hidden quantity.
    """

    concerns: tuple[type[AnyEvent], ...] = (Traded, Cancelled, Changed)

    def __init__(self, settings: SpoofingSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._life = int(settings.longest_life_seconds * SECOND)
        span = int(settings.window_seconds * SECOND)
        self._fills = OwnFills(groups, span=self._life)
        self._instances: Active[tuple[str, str], Window[_Instance]] = Active(lambda: Window(span), span=span)
        self._episodes: Episodes[tuple[str, str]] = Episodes(span)

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        kind = type(event)
        if kind is Traded:
            self._fills.observe(event, market)
        elif (isinstance(event, Cancelled) and event.by_owner) or isinstance(event, Changed):
            order = market.order(event.order_id)
            if order is not None and (quantity := withdrawn(event, order, away=self._settings.away)):
                instance = self._instance(order, quantity, event.at, market)
                if instance is not None:
                    yield from self._judge(instance, order, event.at)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        return iter(())

    def _instance(self, order: LiveOrder, quantity: int, at: int, market: Market) -> _Instance | None:
        settings, life = self._settings, at - order.entered_at
        if not order.account or life > self._life or order.filled > settings.filled_most * (order.filled + quantity):
            return None
        group = self._groups.of(order.account)
        other = opposite_of(
            order, self._fills.of(group, instrument=order.instrument, at=at), self._groups.members(group), market
        )
        if not other.fills:
            return None
        depth = market.depth_to(order)
        measures = {
            "unfilled": quantity / (order.filled + quantity),
            "asymmetry": ramp(quantity / other.shown, low=1.0, high=settings.multiple),
            "weight": ramp(quantity / depth, low=settings.depth_low, high=settings.depth_high) if depth else 1.0,
            "promptness": fading(at - other.last_at, half_life=int(settings.half_life_seconds * SECOND)),
        }
        strength = 1.0
        for each in measures.values():
            strength *= each
        if strength < settings.least_instance:
            return None
        measures |= {"life": life / SECOND, "traded": other.quantity / SCALE}
        trades, orders = other.trades, (order.order_id, *other.orders)
        return _Instance(strength, order.order_id, quantity, order.entered_at, orders, trades, order.account, measures)

    def _judge(self, instance: _Instance, order: LiveOrder, at: int) -> Iterator[Alert]:
        key = (self._groups.of(order.account), order.instrument)
        window = self._instances.touch(key, at)
        window.add(at, instance)
        found = [each for _, each in window.at(at)]
        score = any_of(self._settings.weight * each.strength for each in found)
        if score < self._settings.threshold or not self._episodes.begins(key, at):
            return
        quantity = sum(each.quantity for each in found)
        yield alert(
            Pattern.SPOOFING,
            at=at,
            score=score,
            instrument=order.instrument,
            accounts=tuple(each.account for each in found),
            begins=min(each.entered_at for each in found),
            orders=tuple(number for each in found for number in each.orders if number),
            trades=tuple(number for each in found for number in each.trades),
            quantity=quantity,
            measures=found[-1].measures | {"instances": len(found), "withdrawn": quantity / SCALE},
            group=key[0],
        )


def withdrawn(event: Cancelled | Changed, order: LiveOrder, *, away: float) -> int:
    """How much of an order an event takes out of reach: all of it by a cancel or a move away from the market by a
    fraction of the price, what is cut off where nine tenths are."""
    if isinstance(event, Cancelled):
        return order.open
    moved = order.side * (order.price - event.price)
    if order.price and event.price and moved >= away * order.price:
        return order.open
    cut = order.open - event.quantity
    return cut if 10 * cut >= 9 * order.open else 0
