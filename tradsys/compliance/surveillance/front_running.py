"""Front running: an account that can know of a client's large order trades ahead of it and closes into its effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Entered, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.market import Market
from tradsys.compliance.surveillance.own_fills import OwnFill, OwnFills
from tradsys.compliance.surveillance.scores import any_of, ramp
from tradsys.compliance.surveillance.windows import Active, Episodes, Total, Window
from tradsys.core.units import SCALE, SECOND


class FrontRunningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`own_accounts`: those who can know what clients are about to do (the firm's, its dealers', strategies', and
    whoever is close to them); without any, nothing is looked for, since ahead of a stranger's order is chance.
    `substantial`: an order so many times the mean size of orders in the instrument moves the price. `before_seconds`:
    how long ahead; a client's order is not known for longer within a day. `after_seconds`: by when it is closed.
    `one_sided`: least net fraction of what was traded ahead. `closed_least`: fraction of it closed for the case to
    count. `weight`: how much one case may say alone. `habit_low`, `habit_high`: fraction of all the account's trading
    that is in cases; who trades all day is ahead of somebody now and then. `window_seconds`: cases add up within it.
    `threshold`: two clear cases, or three of middle strength."""

    enabled: bool = True
    threshold: float = 0.7
    own_accounts: tuple[str, ...] = ()
    substantial: float = 8.0
    before_seconds: float = 120.0
    after_seconds: float = 600.0
    one_sided: float = 0.7
    closed_least: float = 0.5
    weight: float = 0.5
    habit_low: float = 0.1
    habit_high: float = 0.4
    window_seconds: float = 28_800.0


class _Case(NamedTuple):
    strength: float
    begins: int
    client_order: int
    client: str
    quantity: int
    gain: int
    orders: tuple[int, ...]
    trades: tuple[int, ...]


@dataclass(slots=True)
class _Ahead:
    """A position built ahead of a client's order, being closed."""

    client_order: int
    client: str
    side: int
    quantity: int
    price: float
    one_sided: float
    begins: int
    until: int
    orders: list[int]
    trades: list[int]
    closed: int = 0
    proceeds: int = 0
    reopened: int = 0


@dataclass(slots=True)
class _Sizes:
    """Mean size of orders so far."""

    count: int = 0
    total: int = 0


_FEWEST_ORDERS = 30
"""Before so many orders nobody knows what a large one is."""


@dataclass(slots=True)
class _Owner:
    ahead: list[_Ahead] = field(default_factory=list)


class FrontRunning:
    """Own accounts that trade one way ahead of a client's substantial order of that way, and close at a gain after it.

    When a client enters an order of at least `substantial` times the mean order: for each own account, `one_sided` is
    net over gross of what it traded in that direction within `before_seconds`. Within `after_seconds`, `closed` is the
    fraction of that net which it traded back, less what it added. A case counts once `closed_least` is closed at a
    gain. Its strength is `weight · one_sided · min(1, closed)`; `score = habit · (1 - Π(1 - strength))` over the cases
    of the window, `habit` the fraction of its trading there that the cases are (opened and closed), on its ramp.

    Source: PFUTP regulation 4(2)(q), dealing ahead of a substantial impending transaction. Figures ours.
    Not modelled: who knew what (the accounts are given); a case through another instrument; orders of a client that are
    split, each part below `substantial`.
    """

    concerns: tuple[type[AnyEvent], ...] = (Traded, Entered)

    def __init__(self, settings: FrontRunningSettings, groups: AccountGroups) -> None:
        self._settings = settings
        self._groups = groups
        self._own = tuple(dict.fromkeys(groups.of(account) for account in settings.own_accounts))
        self._before = int(settings.before_seconds * SECOND)
        self._after = int(settings.after_seconds * SECOND)
        span = int(settings.window_seconds * SECOND)
        self._fills = OwnFills(groups, span=self._before)
        self._sizes: dict[str, _Sizes] = {}
        self._owners: dict[tuple[str, str], _Owner] = {}
        self._cases: Active[tuple[str, str], Window[_Case]] = Active(lambda: Window(span, most=1_000), span=span)
        self._traded: Active[tuple[str, str], Total] = Active(lambda: Total(span), span=span)
        self._episodes: Episodes[tuple[str, str]] = Episodes(span)

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        if not self._own:
            return
        if isinstance(event, Entered):
            if self._is_substantial(event) and self._groups.of(event.account) not in self._own:
                self._look_back(event)
        elif isinstance(event, Traded):
            for side, account in ((1, event.buyer), (-1, event.seller)):
                group = self._groups.of(account)
                if group in self._own:
                    self._traded.touch((group, event.instrument), event.at).add(event.quantity, at=event.at)
                    yield from self._follow(event, group, account, side)
            if self._groups.of(event.buyer) in self._own or self._groups.of(event.seller) in self._own:
                self._fills.observe(event, market)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        return iter(())

    def _is_substantial(self, event: Entered) -> bool:
        sizes = self._sizes.setdefault(event.instrument, _Sizes())
        known = sizes.count >= _FEWEST_ORDERS
        large = known and event.quantity * sizes.count >= self._settings.substantial * sizes.total
        sizes.count += 1
        sizes.total += event.quantity
        return large

    def _look_back(self, event: Entered) -> None:
        for group in self._own:
            fills = self._fills.of(group, instrument=event.instrument, at=event.at)
            found = [fill for _, fill in fills.at(event.at)] if fills is not None else []
            net = event.side * sum(fill.side * fill.quantity for fill in found)
            gross = sum(fill.quantity for fill in found)
            if net <= 0 or net < self._settings.one_sided * gross:
                continue
            begins = fills.at(event.at)[0][0] if fills is not None else event.at
            owner = self._owners.setdefault((group, event.instrument), _Owner())
            owner.ahead = [each for each in owner.ahead if each.until >= event.at]
            # one position is ahead of the first order alone
            if not owner.ahead:
                owner.ahead.append(
                    _ahead(event, found, net=net, gross=gross, begins=begins, until=event.at + self._after)
                )

    def _follow(self, event: Traded, group: str, account: str, side: int) -> Iterator[Alert]:
        owner = self._owners.get((group, event.instrument))
        for ahead in list(owner.ahead) if owner is not None else ():
            if owner is None or event.at > ahead.until:
                continue
            if side == ahead.side:
                ahead.reopened += event.quantity
                continue
            ahead.closed += event.quantity
            ahead.proceeds += event.quantity * event.price
            ahead.trades.append(event.trade_id)
            ahead.orders.append(event.sell_order if side < 0 else event.buy_order)
            closed = (ahead.closed - ahead.reopened) / ahead.quantity
            gain = ahead.side * (ahead.proceeds / ahead.closed - ahead.price)
            if closed >= self._settings.closed_least and gain > 0:
                owner.ahead.remove(ahead)
                yield from self._judge(event, group, account, ahead, closed, gain)

    def _judge(
        self, event: Traded, group: str, account: str, ahead: _Ahead, closed: float, gain: float
    ) -> Iterator[Alert]:
        key, settings = (group, event.instrument), self._settings
        strength = settings.weight * ahead.one_sided * min(1.0, closed)
        cases = self._cases.touch(key, event.at)
        case = _Case(
            strength, ahead.begins, ahead.client_order, ahead.client, ahead.quantity, round(gain),
            tuple(ahead.orders), tuple(ahead.trades),
        )  # fmt: skip
        cases.add(event.at, case)
        found = [each for _, each in cases.at(event.at)]
        ahead_of_all = 2 * sum(each.quantity for each in found) / self._traded.touch(key, event.at).at(event.at)
        habit = ramp(ahead_of_all, low=settings.habit_low, high=settings.habit_high)
        score = habit * any_of(each.strength for each in found)
        if score < settings.threshold or not self._episodes.begins(key, event.at):
            return
        quantity = sum(each.quantity for each in found)
        yield alert(
            Pattern.FRONT_RUNNING,
            at=event.at,
            score=score,
            instrument=event.instrument,
            accounts=(account,),
            begins=min(each.begins for each in found),
            orders=tuple(number for each in found for number in (each.client_order, *each.orders) if number),
            trades=tuple(number for each in found for number in each.trades),
            quantity=quantity,
            measures={
                "cases": len(found),
                "ahead": quantity / SCALE,
                "one_sided": ahead.one_sided,
                "closed": min(1.0, closed),
                "habit": ahead_of_all,
                "gain_a_unit": gain / SCALE,
            },
            group=group,
        )


def _ahead(event: Entered, found: list[OwnFill], *, net: int, gross: int, begins: int, until: int) -> _Ahead:
    with_it = [fill for fill in found if fill.side == event.side]
    bought = sum(fill.quantity for fill in with_it)
    return _Ahead(
        client_order=event.order_id,
        client=event.account,
        side=event.side,
        quantity=net,
        price=sum(fill.quantity * fill.price for fill in with_it) / bought,
        one_sided=net / gross,
        begins=begins,
        until=until,
        orders=[fill.order_id for fill in found],
        trades=[fill.trade_id for fill in found],
    )
