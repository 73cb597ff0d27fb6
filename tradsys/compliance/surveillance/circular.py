"""Circular trading: shares go round among accounts and come back to the first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.scores import recurrence
from tradsys.compliance.surveillance.windows import Active, Episodes, Total, Window
from tradsys.core.units import SCALE, SECOND


class CircularSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`window_seconds`: a round must be closed within it (an hour: longer rounds bear price risk that colluders avoid).
    `longest`: accounts in a round. `tolerance`: fraction by which the legs' quantities may differ; strangers seldom
    pass the same quantity on twice. `most_steps`: search effort a trade, so that a trade has a bounded cost.
    `threshold`: two rounds that are two thirds of what their members trade, or three that are half; one never does."""

    enabled: bool = True
    threshold: float = 0.6
    window_seconds: float = 3_600.0
    longest: int = 5
    tolerance: float = 0.05
    most_steps: int = 500


class _Leg(NamedTuple):
    at: int
    quantity: int
    trade_id: int
    orders: tuple[int, int]


class _Round(NamedTuple):
    quantity: int
    legs: tuple[_Leg, ...]


_KEPT_A_PAIR = 50
_MOST_LEGS = 50_000


class _Flows:
    """Who sold to whom lately in one instrument."""

    def __init__(self, span: int) -> None:
        self._span = span
        self.sold: dict[str, dict[str, deque[_Leg]]] = {}
        self._pairs: deque[tuple[int, str, str]] = deque()

    def add(self, leg: _Leg, *, seller: str, buyer: str) -> None:
        """One trade; those too old go."""
        self.sold.setdefault(seller, {}).setdefault(buyer, deque(maxlen=_KEPT_A_PAIR)).append(leg)
        self._pairs.append((leg.at, seller, buyer))
        while self._pairs and (self._pairs[0][0] < leg.at - self._span or len(self._pairs) > _MOST_LEGS):
            self._forget(*self._pairs.popleft())

    def _forget(self, at: int, seller: str, buyer: str) -> None:
        buyers = self.sold.get(seller, {})
        legs = buyers.get(buyer)
        while legs and legs[0].at <= at:
            legs.popleft()
        if legs is not None and not legs:
            del buyers[buyer]
            if not buyers:
                del self.sold[seller]


class CircularTrading:
    """Cycles of three to `longest` owners through which alike quantities pass within the window.

    A leg is a trade whose two orders each asked for what was traded, within the tolerance: strangers' orders seldom
    match in size, and a quoting strategy's are filled in parts by orders of all sizes. Each trade that closes a cycle
    is a round. Over the window, for the owners of a cycle: `share` is the least fraction that the rounds are of an
    owner's trading in the instrument (a round counts twice, bought and sold), `n` the rounds. `score = sqrt(share) (1 -
    2^-n)`. The search goes from the buyer of a trade along who sold to whom, depth first, only over quantities within
    the tolerance, and gives up after `most_steps`.

    Source: PFUTP regulation 4(2)(n), circular transactions. Figures ours.
    Not modelled: rounds through several instruments, rounds whose legs are split into unlike orders, cycles of two (a
    reversal; see wash trades for those of one owner).
    """

    concerns: tuple[type[AnyEvent], ...] = (Traded,)

    def __init__(self, settings: CircularSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._span = span = int(settings.window_seconds * SECOND)
        self._flows: dict[str, _Flows] = {}
        self._volumes: Active[tuple[str, str], Total] = Active(lambda: Total(span), span=span)
        self._rounds: Active[tuple[str, tuple[str, ...]], Window[_Round]] = Active(
            lambda: Window(span, most=1_000), span=span
        )
        self._episodes: Episodes[tuple[str, tuple[str, ...]]] = Episodes(span)

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        if type(event) is not Traded:
            return
        buyer, seller = self._groups.of(event.buyer), self._groups.of(event.seller)
        if not buyer or not seller or buyer == seller:
            return
        for owner in (buyer, seller):
            self._volumes.touch((owner, event.instrument), event.at).add(event.quantity, at=event.at)
        flows = self._flows.get(event.instrument)
        if flows is None:
            flows = self._flows[event.instrument] = _Flows(self._span)
        if not self._is_arranged(event, market):
            return
        leg = _Leg(event.at, event.quantity, event.trade_id, (event.buy_order, event.sell_order))
        flows.add(leg, seller=seller, buyer=buyer)
        if buyer in flows.sold:
            found = _Search(flows, leg, self._settings).cycle(start=buyer, end=seller)
            if found is not None:
                yield from self._closed(event, *found)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        return iter(())

    def _is_arranged(self, event: Traded, market: Market) -> bool:
        """Whether both orders asked for what was traded, the whole of it."""
        orders = (market.order(event.buy_order), market.order(event.sell_order))
        slack = self._settings.tolerance * event.quantity
        return all(order is not None and order.quantity - event.quantity <= slack for order in orders)

    def _closed(self, event: Traded, owners: tuple[str, ...], legs: tuple[_Leg, ...]) -> Iterator[Alert]:
        members = tuple(sorted(owners))
        key = (event.instrument, members)
        rounds = self._rounds.touch(key, event.at)
        rounds.add(event.at, _Round(min(leg.quantity for leg in legs), legs))
        found = [each for _, each in rounds.at(event.at)]
        flow = sum(each.quantity for each in found)
        share = min(1.0, *(2 * flow / self._volume(owner, event) for owner in members))
        score = share**0.5 * recurrence(len(found))
        if score < self._settings.threshold or not self._episodes.begins(key, event.at):
            return
        passed = [leg for each in found for leg in each.legs]
        yield alert(
            Pattern.CIRCULAR_TRADING,
            at=event.at,
            score=score,
            instrument=event.instrument,
            accounts=members,
            begins=min(leg.at for leg in passed),
            orders=tuple(order for leg in passed for order in leg.orders if order),
            trades=tuple(leg.trade_id for leg in passed),
            quantity=flow,
            measures={"share": share, "rounds": len(found), "quantity": flow / SCALE},
        )

    def _volume(self, owner: str, event: Traded) -> int:
        return max(self._volumes.touch((owner, event.instrument), event.at).at(event.at), event.quantity)


class _Search:
    """One search for a way from the buyer of a trade back to its seller."""

    def __init__(self, flows: _Flows, closing: _Leg, settings: CircularSettings) -> None:
        self._sold = flows.sold
        self._closing = closing
        self._slack = int(settings.tolerance * closing.quantity)
        self._longest = settings.longest
        self._steps = settings.most_steps

    def cycle(self, *, start: str, end: str) -> tuple[tuple[str, ...], tuple[_Leg, ...]] | None:
        """The owners and legs of a cycle that the trade closes, or None."""
        found = self._from(start, end, (end, start))
        return None if found is None else (found[0], (*found[1], self._closing))

    def _from(self, owner: str, end: str, path: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[_Leg, ...]] | None:
        buyers = self._sold.get(owner, {})
        if len(path) >= 3 and (leg := self._leg(buyers.get(end))) is not None:
            return path, (leg,)
        if len(path) == self._longest:
            return None
        # who never sold leads nowhere: the shorter of the two lists is gone through
        for buyer in buyers if len(buyers) <= len(self._sold) else self._sold:
            if buyer in path or buyer not in buyers or buyer not in self._sold:
                continue
            self._steps -= 1
            if self._steps < 0:
                return None
            leg = self._leg(buyers[buyer])
            found = None if leg is None else self._from(buyer, end, (*path, buyer))
            if leg is not None and found is not None:
                return found[0], (leg, *found[1])
        return None

    def _leg(self, legs: deque[_Leg] | None) -> _Leg | None:
        """The latest trade of a like quantity."""
        wanted, slack = self._closing.quantity, self._slack
        for leg in reversed(legs or ()):
            if abs(leg.quantity - wanted) <= slack and leg is not self._closing:
                return leg
        return None
