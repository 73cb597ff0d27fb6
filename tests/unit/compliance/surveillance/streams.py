"""Streams written by hand: a second a step unless said otherwise, prices in rupees, quantities in shares."""

from __future__ import annotations

from collections.abc import Iterable

from tradsys.compliance.surveillance.alerts import Alert, Pattern
from tradsys.compliance.surveillance.events import AnyEvent, Cancelled, Changed, Entered, Session, Traded
from tradsys.compliance.surveillance.settings import settings_from
from tradsys.compliance.surveillance.surveillance import Finding, surveil
from tradsys.core.events import Phase
from tradsys.core.units import SCALE, SECOND

START = 1_792_000_000 * SECOND
"""14 October 2026, 23:16 in India."""

NAME = "NSE:X"


class Stream:
    """Events one after the other."""

    def __init__(self, instrument: str = NAME) -> None:
        self.events: list[AnyEvent] = []
        self.at = START
        self.instrument = instrument
        self._orders = self._trades = 0
        self._owners: dict[int, tuple[str, int]] = {}

    def wait(self, seconds: float) -> Stream:
        """Time goes by."""
        self.at += round(seconds * SECOND)
        return self

    def enter(self, account: str, side: int, quantity: float, price: float) -> int:
        """An order; its number."""
        self._orders += 1
        self._owners[self._orders] = (account, side)
        self.events.append(
            Entered(
                at=self.at, instrument=self.instrument, account=account, order_id=self._orders, side=side,
                price=round(price * SCALE), quantity=round(quantity * SCALE),
            )
        )  # fmt: skip
        return self._orders

    def change(self, order: int, quantity: float, price: float) -> None:
        """Another price and open quantity."""
        self.events.append(
            Changed(
                at=self.at, instrument=self.instrument, account=self._owners[order][0], order_id=order,
                price=round(price * SCALE), quantity=round(quantity * SCALE),
            )
        )  # fmt: skip

    def cancel(self, order: int, *, by_owner: bool = True) -> None:
        """Withdraw an order."""
        account = self._owners[order][0]
        self.events.append(
            Cancelled(at=self.at, instrument=self.instrument, account=account, order_id=order, by_owner=by_owner)
        )

    def trade(self, *, taker: int, maker: int, quantity: float, price: float) -> int:
        """Two orders trade; the number of the trade."""
        self._trades += 1
        account, side = self._owners[taker]
        other = self._owners[maker][0]
        buys = side > 0
        self.events.append(
            Traded(
                at=self.at, instrument=self.instrument, trade_id=self._trades, side=side, price=round(price * SCALE),
                quantity=round(quantity * SCALE), buyer=account if buys else other, seller=other if buys else account,
                buy_order=taker if buys else maker, sell_order=maker if buys else taker,
            )
        )  # fmt: skip
        return self._trades

    def meet(self, *, buyer: str, seller: str, quantity: float, price: float, buyer_takes: bool = True) -> int:
        """Two orders of one size, entered now, that trade; the number of the trade."""
        first, second = (seller, buyer) if buyer_takes else (buyer, seller)
        maker = self.enter(first, -1 if buyer_takes else 1, quantity, price)
        taker = self.enter(second, 1 if buyer_takes else -1, quantity, price)
        return self.trade(taker=taker, maker=maker, quantity=quantity, price=price)

    def session(self, phase: Phase, *, closes_in: float) -> None:
        """A phase, and when the day ends."""
        closes = self.at + round(closes_in * SECOND)
        self.events.append(Session(at=self.at, instrument=self.instrument, phase=phase, closes_at=closes))

    def find(self, *, whole: bool = True, **tables: object) -> Finding:
        """What surveillance says, with settings as tables."""
        return surveil(self.events, settings_from(tables, where="the test"), whole=whole)


def of(finding: Finding | Iterable[Alert], pattern: Pattern) -> list[Alert]:
    """Alerts of one pattern."""
    alerts = finding.alerts if isinstance(finding, Finding) else finding
    return [each for each in alerts if each.pattern is pattern]
