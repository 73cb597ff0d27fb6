"""Order-to-trade ratio: messages that are not exempt for each trade of a member in a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tradsys.compliance.surveillance.alerts import Alert, Pattern, alert
from tradsys.compliance.surveillance.events import AnyEvent, Cancelled, Changed, Entered, OrderMessage, Traded
from tradsys.compliance.surveillance.groups import AccountGroups
from tradsys.compliance.surveillance.listings import Listing, date_of, day_number, listing_of
from tradsys.compliance.surveillance.market import Market
from tradsys.core.events import Phase
from tradsys.reference.order_to_trade import auction_exempt, charge_an_order, exemption, market_maker_exempt


class OrderToTradeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`warn`, `throttle`: ratios; charges begin at 50, and a hundred leaves no room. `least_counted`: in stream, fewer
    counted messages say nothing yet about the day; at its end every ratio is judged. `members`: accounts of each
    trading member, whose orders are counted together; an account of none is counted alone. `market_makers`: designated
    ones, whose orders are exempt from the date of the rule."""

    enabled: bool = True
    warn: float = 50.0
    throttle: float = 100.0
    least_counted: int = 500
    members: dict[str, tuple[str, ...]] = {}
    market_makers: tuple[str, ...] = ()


class RatioOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """One member's day in one segment: `charge` is 1e-8 rupees for the whole day."""

    date: str
    member: str
    segment: str
    counted: int
    exempt: int
    trades: int
    ratio: float
    charge: int


@dataclass(slots=True)
class _Day:
    number: int
    listing: Listing | None
    venue: str
    counted: int = 0
    exempt: int = 0
    trades: int = 0
    begins: int = 0
    told: float = 0.0
    instrument: str = ""

    @property
    def ratio(self) -> float:
        return self.counted / max(self.trades, 1)


class OrderToTrade:
    """The daily ratio of each member and segment, in stream and at the end of the day.

    `ratio = (entries + modifications + cancellations, not exempt) / max(trades, 1)`. Exempt, by dated rows: orders
    priced within the band around the last traded price (0.75 % for shares and futures; 40 % or Rs 20 for options from 6
    April 2026), orders in the closing auction, orders of designated market makers. Without a last traded price the
    middle of the best prices stands for it; without these an order is counted. A cancellation is measured by the price
    of its order when it is withdrawn. Rejected messages are not counted. `score = min(1, ratio / throttle)`; one alert
    at `warn` and one at `throttle`.

    Source: SEBI CIR/MRD/DP/09/2012, CIR/MRD/DP/16/2013, SEBI/HO/MRD/DP/CIR/P/2018/62, NSE/SURV/73597; BSE 31 Jul 2026.
    Not modelled: markets outside India (their ratios are told, and raise no alert); orders that no algorithm sent (the
    rule is for algorithmic orders: give this one those alone); slabs of charges since 2020, which were not found."""

    concerns: tuple[type[AnyEvent], ...] = (Traded, Entered, Changed, Cancelled)

    def __init__(self, settings: OrderToTradeSettings) -> None:
        self._settings = settings
        self._members = AccountGroups(settings.members)
        self._makers = frozenset(settings.market_makers)
        self._days: dict[tuple[str, str], _Day] = {}
        self._finished: list[RatioOfDay] = []

    def observe(self, event: AnyEvent, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        if isinstance(event, Traded):
            for account in dict.fromkeys((event.buyer, event.seller)):
                if account:
                    yield from self._turn(account, event)
                    self._day(account, event).trades += 1
        elif isinstance(event, OrderMessage) and event.account and _counts(event):
            yield from self._turn(event.account, event)
            day = self._day(event.account, event)
            if self._is_exempt(event, day, market):
                day.exempt += 1
                return
            day.counted += 1
            if day.counted >= self._settings.least_counted:
                yield from self._judge(self._members.of(event.account), day, event.at)

    def close(self, at: int, market: Market) -> Iterator[Alert]:
        """See `Detector`."""
        for (member, _), day in self._days.items():
            yield from self._judge(member, day, at)
            self._finished.append(_row(member, day))
        self._days.clear()

    def days(self) -> list[RatioOfDay]:
        """Every day so far that is over, in order of date, member and segment."""
        return sorted(self._finished, key=lambda row: (row.date, row.member, row.segment))

    def _turn(self, account: str, event: AnyEvent) -> Iterator[Alert]:
        """A member's day that is over is judged when its next one begins."""
        member = self._members.of(account)
        key = (member, event.instrument.partition(":")[0])
        day = self._days.get(key)
        if day is not None and day.number != day_number(event.at):
            yield from self._judge(member, day, event.at)
            self._finished.append(_row(member, day))
            del self._days[key]

    def _day(self, account: str, event: AnyEvent) -> _Day:
        venue = event.instrument.partition(":")[0]
        key = (self._members.of(account), venue)
        day = self._days.get(key)
        if day is None:
            number = day_number(event.at)
            day = self._days[key] = _Day(number, listing_of(event.instrument), venue, begins=event.at)
        day.instrument = event.instrument
        return day

    def _is_exempt(self, event: OrderMessage, day: _Day, market: Market) -> bool:
        listing = listing_of(event.instrument)
        if listing is None:
            return False
        exchange, segment, on = listing.exchange, listing.segment, date_of(day.number)
        state = market.state(event.instrument)
        if event.account in self._makers and market_maker_exempt(exchange=exchange, segment=segment, on=on):
            return True
        if state.phase is Phase.CLOSING_AUCTION and auction_exempt(exchange=exchange, segment=segment, on=on):
            return True
        band = exemption(exchange=exchange, segment=segment, on=on)
        if band is None:
            return False
        return band.covers(price=_price(event, market), last=state.last or _middle(event.instrument, market))

    def _judge(self, member: str, day: _Day, at: int) -> Iterator[Alert]:
        if day.listing is None:
            return
        settings, ratio = self._settings, day.ratio
        level = next((each for each in (settings.throttle, settings.warn) if ratio >= each), 0.0)
        if level <= day.told:
            return
        day.told = level
        yield alert(
            Pattern.ORDER_TO_TRADE,
            at=at,
            score=min(1.0, ratio / settings.throttle),
            instrument=day.venue,
            accounts=self._members.members(member),
            begins=day.begins,
            measures={"ratio": ratio, "counted": day.counted, "exempt": day.exempt, "trades": day.trades},
            group=member,
        )


def _counts(event: OrderMessage) -> bool:
    """Entries, modifications and cancellations by the owner."""
    return isinstance(event, Entered | Changed) or (isinstance(event, Cancelled) and event.by_owner)


def _middle(instrument: str, market: Market) -> int:
    """The middle of the best prices; 0 where a side is empty."""
    bid, ask = market.best(instrument)
    return (bid + ask) // 2 if bid and ask else 0


def _price(event: OrderMessage, market: Market) -> int:
    if isinstance(event, Entered | Changed):
        return event.price
    order = market.order(event.order_id)
    return order.price if order is not None else 0


def _row(member: str, day: _Day) -> RatioOfDay:
    on = date_of(day.number)
    each = charge_an_order(day.ratio, exchange=day.listing.exchange, on=on) if day.listing else 0
    return RatioOfDay(
        date=on.isoformat(),
        member=member,
        segment=day.venue,
        counted=day.counted,
        exempt=day.exempt,
        trades=day.trades,
        ratio=day.ratio,
        charge=each * day.counted,
    )
