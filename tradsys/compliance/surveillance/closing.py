"""Marking the close: one-sided trading at the end of the day that moves the price which others settle at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Exposed, Session, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.scores import all_of, ramp
from tradsys.core.events import Phase
from tradsys.core.units import SCALE, SECOND


class ClosingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`window_seconds`: the last half hour, whose mean is the closing price in India where there is no closing auction,
    and which holds the auction where there is one. `share_low`, `share_high`: net quantity as a fraction of all that
    traded in the window; a tenth of the volume is much for one owner, three tenths dominates. `contribution_low`,
    `contribution_high`: fraction of all steps of the price that way. `move_low_bps`, `move_high_bps`: how far the price
    went that way since the window began. `one_sided`: least net fraction of the owner's trading. `unknown_stake`:
    factor where nobody said what the owner gains from the price; `against_stake`: where it loses. `least_trades`:
    fewer, outside an auction, show nothing. `threshold`: the middle of all three with a stake."""

    enabled: bool = True
    threshold: float = 0.5
    window_seconds: float = 1_800.0
    share_low: float = 0.05
    share_high: float = 0.3
    contribution_low: float = 0.05
    contribution_high: float = 0.3
    move_low_bps: float = 10.0
    move_high_bps: float = 50.0
    one_sided: float = 0.7
    unknown_stake: float = 0.8
    against_stake: float = 0.3
    least_trades: int = 5


@dataclass(slots=True)
class _Owner:
    bought: int = 0
    sold: int = 0
    up: int = 0
    down: int = 0
    trades: list[int] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    accounts: dict[str, None] = field(default_factory=dict)
    begins: int = 0
    auctioned: int = 0


@dataclass(slots=True)
class _Close:
    """One instrument's window."""

    closes_at: int
    reference: int
    volume: int = 0
    up: int = 0
    down: int = 0
    auction_volume: int = 0
    auction_step: int = 0
    price: int = 0
    ends: int = 0
    unjudged: bool = False
    owners: dict[str, _Owner] = field(default_factory=dict)
    told: dict[str, None] = field(default_factory=dict)


class MarkingTheClose:
    """Owners that trade one way in the last half hour (closing auction included) and carry the price with them.

    For an owner in the window: `share`, its net quantity over all volume; `contribution`, the fraction of all steps of
    the price in its direction that its trades made (as taker; the one who takes moves; in an auction, by its part of
    the volume); `move`, how far the last price is that way from the one at the window's beginning; `one_sided`, net
    over gross. `score = one_sided · (share contribution move)^(1/3) · stake`, each on its ramp; `stake` is 1 where the
    owner gains by it (what it is exposed to, or held from earlier in the day), `unknown_stake` where nothing is known,
    `against_stake` where it loses.

    Source: PFUTP regulation 4(2)(e), manipulating a reference price; contribution to the last traded price as in SEBI's
    orders; the closing auction's case of SEBI WTM/KV/ISD/ISD-SEC-6/32673/2026-27 of 19 Aug 2026. Figures ours.
    Not modelled: orders that moved an auction's indicative price and were withdrawn before it traded (see spoofing);
    index options whose index is moved through its shares, unless the exposure is given by share."""

    concerns: tuple[type[AnyEvent], ...] = (Traded, Session, Exposed)

    def __init__(self, settings: ClosingSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._span = int(settings.window_seconds * SECOND)
        self._closes: dict[str, _Close] = {}
        self._held: dict[tuple[str, str], int] = {}
        self._exposed: dict[tuple[str, str], int] = {}

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        window = self._closes.get(event.instrument)
        if window is not None and window.unjudged and (event.at > window.ends or isinstance(event, Session)):
            yield from self._judge_auction(window, event.at, event.instrument)
        if isinstance(event, Session):
            self._begin_day(event, market)
        elif isinstance(event, Exposed):
            self._exposed[(event.account, event.instrument)] = event.quantity
        elif isinstance(event, Traded):
            state = market.state(event.instrument)
            if state.closes_at and state.closes_at - self._span <= event.at <= state.closes_at:
                yield from self._late(event, market)
            else:
                self._hold(event)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        for instrument, window in self._closes.items():
            if window.unjudged:
                yield from self._judge_auction(window, at, instrument)

    def _begin_day(self, event: Session, market: Market) -> None:
        """Another day forgets the last one's window and what was held in it."""
        before = market.state(event.instrument).closes_at
        if before and before != event.closes_at:
            self._closes.pop(event.instrument, None)
            self._held = {key: held for key, held in self._held.items() if key[1] != event.instrument}

    def _hold(self, event: Traded) -> None:
        for side, account in ((1, event.buyer), (-1, event.seller)):
            if account:
                key = (self._groups.of(account), event.instrument)
                self._held[key] = self._held.get(key, 0) + side * event.quantity
                if not self._held[key]:
                    del self._held[key]

    def _late(self, event: Traded, market: Market) -> Iterator[Alert]:
        state = market.state(event.instrument)
        window = self._closes.get(event.instrument)
        if window is None or window.closes_at != state.closes_at:
            window = _Close(closes_at=state.closes_at, reference=state.last or event.price)
            self._closes[event.instrument] = window
        step = event.price - state.last if state.last else 0
        auction = state.phase is Phase.CLOSING_AUCTION
        if auction:
            window.auction_step += step
            window.auction_volume += event.quantity
            window.unjudged = True
        window.price, window.ends = event.price, event.at
        window.volume += event.quantity
        window.up += max(step, 0)
        window.down += max(-step, 0)
        for side, account, order_id in ((1, event.buyer, event.buy_order), (-1, event.seller, event.sell_order)):
            if account:
                owner = self._add(
                    window, event, side=side, account=account, order_id=order_id, step=0 if auction else step
                )
                owner.auctioned += side * event.quantity if auction else 0
                if not auction and len(owner.trades) >= self._settings.least_trades:
                    yield from self._judge(window, self._groups.of(account), event.at, event.instrument, side=side)

    def _judge_auction(self, window: _Close, at: int, instrument: str) -> Iterator[Alert]:
        """Everybody who traded in an auction that is over: its trades are one moment, and no part of them says more."""
        window.unjudged = False
        for group, owner in window.owners.items():
            if owner.auctioned:
                yield from self._judge(window, group, at, instrument, side=1 if owner.auctioned > 0 else -1)

    def _add(self, window: _Close, event: Traded, *, side: int, account: str, order_id: int, step: int) -> _Owner:
        owner = window.owners.setdefault(self._groups.of(account), _Owner(begins=event.at))
        if side > 0:
            owner.bought += event.quantity
        else:
            owner.sold += event.quantity
        if side * step > 0 and event.side in (side, 0):
            owner.up += max(step, 0)
            owner.down += max(-step, 0)
        if len(owner.trades) < _MOST_KEPT:
            owner.trades.append(event.trade_id)
            owner.orders.append(order_id)
        owner.accounts[account] = None
        return owner

    def _judge(self, window: _Close, group: str, at: int, instrument: str, *, side: int) -> Iterator[Alert]:
        settings, owner = self._settings, window.owners[group]
        net = owner.bought - owner.sold
        if net * side <= 0 or group in window.told:
            return
        one_sided = abs(net) / (owner.bought + owner.sold)
        contribution = _contribution(window, owner, side)
        move = 10_000 * side * (window.price - window.reference) / window.reference
        measures = {
            "one_sided": one_sided,
            "share": abs(net) / window.volume,
            "contribution": contribution,
            "move_bps": move,
            "stake": self._stake(group, instrument, side),
        }
        score = self._score(measures)
        if one_sided < settings.one_sided or score < settings.threshold:
            return
        window.told[group] = None
        yield alert(
            Pattern.MARKING_THE_CLOSE,
            at=at,
            score=score,
            instrument=instrument,
            accounts=tuple(owner.accounts),
            begins=owner.begins,
            orders=tuple(number for number in owner.orders if number),
            trades=tuple(owner.trades),
            quantity=abs(net),
            measures=measures | {"net": net / SCALE},
            group=group,
        )

    def _score(self, measures: dict[str, float]) -> float:
        settings = self._settings
        strength = all_of(
            ramp(measures["share"], low=settings.share_low, high=settings.share_high),
            ramp(measures["contribution"], low=settings.contribution_low, high=settings.contribution_high),
            ramp(measures["move_bps"], low=settings.move_low_bps, high=settings.move_high_bps),
        )
        return measures["one_sided"] * strength * measures["stake"]

    def _stake(self, group: str, instrument: str, side: int) -> float:
        """Whether the owner gains from the price going that way."""
        exposed = sum(self._exposed.get((account, instrument), 0) for account in self._groups.members(group))
        gains = side * (exposed or self._held.get((group, instrument), 0))
        if gains == 0:
            return self._settings.unknown_stake
        return 1.0 if gains > 0 else self._settings.against_stake


def _contribution(window: _Close, owner: _Owner, side: int) -> float:
    """The owner's part of all steps of the price to a side."""
    steps, all_steps = (owner.up, window.up) if side > 0 else (owner.down, window.down)
    if window.auction_volume:
        part = max(side * owner.auctioned, 0) / window.auction_volume
        return (steps + part * max(side * window.auction_step, 0)) / all_steps if all_steps else 0.0
    return steps / all_steps if all_steps else 0.0


_MOST_KEPT = 1_000
"""Trades of one owner kept as evidence in a window; quantities are counted all the same."""
