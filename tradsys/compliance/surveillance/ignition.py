"""Momentum ignition: a burst of taking that moves the price, and a position closed into those who follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.price_moves import Move, contribution, move_of
from tradsys.compliance.surveillance.scores import all_of, ramp
from tradsys.compliance.surveillance.windows import Active, Episodes, Window
from tradsys.core.units import SCALE, SECOND


class IgnitionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`burst_seconds`: as long as a burst lasts. `unwind_seconds`: by when the position is closed. `share_low`,
    `share_high`: the burst as a fraction of the volume then; who leads takes a third or more. `contribution_low`,
    `contribution_high`: as for marking the close. `move_low`, `move_high`: the burst's move in usual moves of as long a
    time; three is rare. `volume_low`, `volume_high`: the same of the volume. `one_sided`: least net fraction of the
    owner's taking in the burst. `unwound_high`: fraction closed that counts in full. `least_trades`: fewer are no
    burst. `threshold`: the middle of all with a position closed at a gain. `quiet_seconds`: one alert in it."""

    enabled: bool = True
    threshold: float = 0.5
    burst_seconds: float = 10.0
    unwind_seconds: float = 120.0
    share_low: float = 0.3
    share_high: float = 0.7
    contribution_low: float = 0.3
    contribution_high: float = 0.7
    move_low: float = 2.0
    move_high: float = 6.0
    volume_low: float = 3.0
    volume_high: float = 8.0
    one_sided: float = 0.8
    unwound_high: float = 0.5
    least_trades: int = 5
    quiet_seconds: float = 600.0


@dataclass(slots=True)
class _Usual:
    """Means, over one burst's time, of the price's absolute move and of the volume, fading over some fifty of them."""

    since: int = 0
    price: int = 0
    traded: int = 0
    move: float = 0.0
    volume: float = 0.0
    seen: int = 0

    def observe(self, event: Traded, span: int) -> None:
        """Another trade."""
        if not self.since:
            self.since, self.price = event.at, event.price
        elif event.at - self.since >= span:
            self.seen += 1
            weight = max(1.0 / self.seen, 0.02)
            self.move += weight * (abs(event.price - self.price) - self.move)
            self.volume += weight * (self.traded * span / (event.at - self.since) - self.volume)
            self.since, self.price, self.traded = event.at, event.price, 0
        self.traded += event.quantity


_FEWEST_SPANS = 5


@dataclass(slots=True)
class _Lit:
    """A burst that moved the price: what was taken in it, and what of it is closed."""

    side: int
    begins: int
    ends: int
    quantity: int
    cost: float
    strength: float
    measures: dict[str, float]
    orders: list[int]
    trades: list[int]
    account: str
    closed: int = 0
    proceeds: int = 0


class MomentumIgnition:
    """Owners that take one way in a burst, move the price well beyond what is usual, and close against those who
    follow.

    In a burst: `share`, the owner's taking over all volume; `contribution`, its fraction of the steps that way; `move`,
    the furthest that its trades took the price that way over the mean absolute move of as long a time (a tenth of a
    basis point at least); `volume`, its taking over the mean volume then. Within `unwind_seconds` after it, `unwound`
    is the fraction that it traded back, at a mean price better than it paid. `score = one_sided · (share contribution
    move volume)^(1/4) · min(1, unwound / unwound_high)`, each on its ramp, and none without a gain.

    Source: ESMA/2012/122, guideline 5, "momentum ignition"; PFUTP regulations 4(2)(a) and (e). Figures ours.
    Not modelled: ignition by orders that do not trade (see spoofing), a position held in another instrument, one built
    before the burst.
    """

    concerns: tuple[type[AnyEvent], ...] = (Traded,)

    def __init__(self, settings: IgnitionSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._burst = int(settings.burst_seconds * SECOND)
        self._unwind = int(settings.unwind_seconds * SECOND)
        quiet = int(settings.quiet_seconds * SECOND)
        self._moves: dict[str, Window[Move]] = {}
        self._usual: dict[str, _Usual] = {}
        self._lit: Active[tuple[str, str], list[_Lit]] = Active(list, span=self._unwind)
        self._taken: Active[tuple[str, str], Window[Move]] = Active(lambda: Window(self._burst), span=self._burst)
        self._episodes: Episodes[tuple[str, str]] = Episodes(quiet)

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        if not isinstance(event, Traded):
            return
        name = event.instrument
        move = move_of(event, market, self._groups)
        window = self._moves.get(name)
        if window is None:
            window, self._usual[name] = Window(self._burst), _Usual()
            self._moves[name] = window
        window.add(event.at, move)
        if move.taker:
            taken = self._taken.touch((move.taker, name), event.at)
            taken.add(event.at, move)
            if len(taken) >= self._settings.least_trades:
                self._light(event, move, taken, window)
        self._usual[name].observe(event, self._burst)
        for side, account in ((1, event.buyer), (-1, event.seller)):
            if account:
                yield from self._unwound(event, side=side, account=account)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        return iter(())

    def _light(self, event: Traded, move: Move, taken: Window[Move], window: Window[Move]) -> None:
        """Keep the burst, if it is one; a stronger one of the same owner takes its place."""
        usual, settings = self._usual[event.instrument], self._settings
        own = [each for _, each in taken.at(event.at)]
        net = sum(each.side * each.quantity for each in own)
        gross = sum(each.quantity for each in own)
        one_sided = move.side * net / gross
        if one_sided < settings.one_sided or usual.seen < _FEWEST_SPANS or len(own) < settings.least_trades:
            return
        all_moves = [each for _, each in window.at(event.at)]
        start = own[0].price - own[0].step
        measures = {
            "one_sided": one_sided,
            "share": gross / sum(each.quantity for each in all_moves),
            "contribution": contribution(all_moves, move.taker, move.side),
            "move": max(move.side * (each.price - start) for each in own) / max(usual.move, event.price / 100_000),
            "volume": gross / usual.volume if usual.volume else 0.0,
        }
        strength = one_sided * all_of(
            ramp(measures["share"], low=settings.share_low, high=settings.share_high),
            ramp(measures["contribution"], low=settings.contribution_low, high=settings.contribution_high),
            ramp(measures["move"], low=settings.move_low, high=settings.move_high),
            ramp(measures["volume"], low=settings.volume_low, high=settings.volume_high),
        )
        if strength >= settings.threshold:
            self._keep(event, move, own, begins=taken.at(event.at)[0][0], strength=strength, measures=measures)

    def _keep(
        self,
        event: Traded,
        move: Move,
        own: list[Move],
        *,
        begins: int,
        strength: float,
        measures: dict[str, float],
    ) -> None:
        lit = self._lit.touch((move.taker, event.instrument), event.at)
        quantity = sum(each.quantity for each in own)
        lit[:] = [
            _Lit(
                side=move.side,
                begins=begins,
                ends=event.at,
                quantity=quantity,
                cost=sum(each.quantity * each.price for each in own) / quantity,
                strength=strength,
                measures=measures,
                orders=[each.order_id for each in own],
                trades=[each.trade_id for each in own],
                account=move.account,
            )
        ]

    def _unwound(self, event: Traded, *, side: int, account: str) -> Iterator[Alert]:
        key = (self._groups.of(account), event.instrument)
        for lit in self._lit.get(key, event.at) or ():
            if side == lit.side or event.at > lit.ends + self._unwind:
                continue
            lit.closed += event.quantity
            lit.proceeds += event.quantity * event.price
            lit.trades.append(event.trade_id)
            lit.orders.append(event.buy_order if side > 0 else event.sell_order)
            gain = lit.side * (lit.proceeds / lit.closed - lit.cost)
            unwound = min(1.0, lit.closed / lit.quantity / self._settings.unwound_high)
            score = lit.strength * unwound
            if gain > 0 and score >= self._settings.threshold and self._episodes.begins(key, event.at):
                yield alert(
                    Pattern.MOMENTUM_IGNITION,
                    at=event.at,
                    score=score,
                    instrument=event.instrument,
                    accounts=(lit.account, account),
                    begins=lit.begins,
                    orders=tuple(number for number in lit.orders if number),
                    trades=tuple(lit.trades),
                    quantity=lit.quantity,
                    measures=lit.measures | {"unwound": lit.closed / lit.quantity, "gain_a_unit": gain / SCALE},
                    group=key[0],
                )
