"""Wash and self trades: both sides of a trade are one owner's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import LiveOrder, Market
from tradsys.compliance.surveillance.scores import any_of, recurrence
from tradsys.compliance.surveillance.windows import Active, Episodes, Total, Window
from tradsys.core.units import SCALE, SECOND


class WashSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`window_seconds`: crossings so close together are one matter (ten minutes: longer than any order of a quoting
    strategy rests). `together_seconds`, `tolerance`: two orders so close in time and in size (fraction) are taken as
    arranged; a second is more than two people need and less than two strangers do. `self_trade_score`: an account that
    meets itself breaks the exchange's rule also by accident. `synchronised_weight`, `share_weight`: how much each piece
    of evidence may say alone. `threshold`: both halves of the evidence at their middle."""

    enabled: bool = True
    threshold: float = 0.5
    window_seconds: float = 600.0
    together_seconds: float = 1.0
    tolerance: float = 0.1
    self_trade_score: float = 0.5
    synchronised_weight: float = 0.7
    share_weight: float = 0.7


class _Crossing(NamedTuple):
    quantity: int
    arranged: bool
    trade_id: int
    orders: tuple[int, int]
    accounts: tuple[str, str]


class _State:
    def __init__(self, span: int) -> None:
        self.crossings: Window[_Crossing] = Window(span)
        self.traded = Total(span)


class WashTrades:
    """Trades between accounts of one group (wash) or within one account (self).

    Over the window, of all that the group traded: `share` is the fraction it traded with itself, `synchronised` the
    fraction of that whose two orders were alike in size and entered together, `n` the number of crossings.
    `score = 1 - (1 - 0.7 synchronised) (1 - 0.7 share) ` with `share` times `1 - 2^-n`; a self trade is at least 0.5.

    Source: PFUTP regulation 4(2)(b), dealing not meant to transfer beneficial ownership; NSE/INVG/69255 10.1, no
    crossing of own orders. Figures ours.
    Not modelled: wash trades through an accomplice in between (see circular trading); busts by the exchange (RTCM,
    SGTCM) that undo the trade; owners that the groups do not name."""

    concerns: tuple[type[AnyEvent], ...] = (Traded,)

    def __init__(self, settings: WashSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._span = int(settings.window_seconds * SECOND)
        self._states: Active[tuple[str, str], _State] = Active(lambda: _State(self._span), span=self._span)
        self._episodes: Episodes[tuple[str, str, Pattern]] = Episodes(self._span)

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        if type(event) is not Traded:
            return
        buyer, seller = self._groups.of(event.buyer), self._groups.of(event.seller)
        if buyer == seller and buyer:
            yield from self._crossed(event, buyer, market)
            return
        for group in (buyer, seller):
            if group:
                state = self._states.get((group, event.instrument), event.at)
                if state is not None:
                    state.traded.add(event.quantity, at=event.at)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        return iter(())

    def _crossed(self, event: Traded, group: str, market: Market) -> Iterator[Alert]:
        key = (group, event.instrument)
        state = self._states.touch(key, event.at)
        arranged = self._arranged(market.order(event.buy_order), market.order(event.sell_order))
        state.crossings.add(
            event.at,
            _Crossing(
                event.quantity,
                arranged,
                event.trade_id,
                (event.buy_order, event.sell_order),
                (event.buyer, event.seller),
            ),
        )
        state.traded.add(event.quantity, at=event.at)
        same = event.buyer == event.seller
        pattern = Pattern.SELF_TRADE if same else Pattern.WASH_TRADE
        score, measures = self._score(state, event.at)
        if same:
            score = max(score, self._settings.self_trade_score)
        if score >= self._settings.threshold and self._episodes.begins((*key, pattern), event.at):
            yield self._alert(pattern, state, event, group, score, measures)

    def _arranged(self, buy: LiveOrder | None, sell: LiveOrder | None) -> bool:
        """Whether two orders look agreed upon."""
        if buy is None or sell is None:
            return False
        apart = abs(buy.entered_at - sell.entered_at)
        larger, smaller = max(buy.quantity, sell.quantity), min(buy.quantity, sell.quantity)
        alike = larger - smaller <= self._settings.tolerance * larger
        return alike and apart <= self._settings.together_seconds * SECOND

    def _score(self, state: _State, at: int) -> tuple[float, dict[str, float]]:
        settings, found = self._settings, [each for _, each in state.crossings.at(at)]
        crossed = sum(each.quantity for each in found)
        share = crossed / max(state.traded.at(at), crossed)
        synchronised = sum(each.quantity for each in found if each.arranged) / crossed
        score = any_of(
            (settings.synchronised_weight * synchronised, settings.share_weight * share * recurrence(len(found)))
        )
        return score, {"share": share, "synchronised": synchronised, "crossings": len(found)}

    def _alert(
        self, pattern: Pattern, state: _State, event: Traded, group: str, score: float, measures: dict[str, float]
    ) -> Alert:
        found = state.crossings.at(event.at)
        crossed = sum(each.quantity for _, each in found)
        return alert(
            pattern,
            at=event.at,
            score=score,
            instrument=event.instrument,
            accounts=tuple(account for _, each in found for account in each.accounts),
            begins=found[0][0],
            orders=tuple(order for _, each in found for order in each.orders if order),
            trades=tuple(each.trade_id for _, each in found),
            quantity=crossed,
            measures=measures | {"quantity": crossed / SCALE},
            group=group,
        )
