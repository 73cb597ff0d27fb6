"""Each of our own limits as a check of the gate. What only reduces a position passes all of them but the collar.

A value at its limit keeps it. A refusal names the limit, whose it is, the value that the order would make, and where
the limit was said.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Claim, Holdings
from tradsys.core.units import SCALE, SECOND, format_money, to_text
from tradsys.risk.checks import refuse
from tradsys.risk.commitments import Commitments, exposure, same
from tradsys.risk.limits import Limit, Limits

_MINUTE = 60 * SECOND


class LimitCheck:
    """One limit by its name in the run file. `concerns` every order, since limits change while a run goes on."""

    rule: ClassVar[str]
    limit: ClassVar[str]
    fix: ClassVar[str] = "trade less, or let the limit be raised"

    def __init__(self, limits: Limits, counted: Commitments, holdings: Holdings, currency: str) -> None:
        self.name = self.rule
        self.limits = limits
        self.counted = counted
        self.holdings = holdings
        self._currency = currency
        self._version = limits.version
        self._known: dict[tuple[str, str], tuple[Limit, ...]] = {}

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Every order."""
        return True

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """A refusal by this limit, or None."""
        if claim.opening <= 0 or order.parent:
            return None
        rows = self.rows(order, instrument)
        return self.judge(order, instrument, claim, rows) if rows else None

    def rows(self, order: Order, instrument: Instrument) -> tuple[Limit, ...]:
        """What limits this order, looked up once for each strategy and instrument."""
        if self._version != self.limits.version:
            self._known.clear()
            self._version = self.limits.version
        key = (order.strategy, instrument.id)
        found = self._known.get(key)
        if found is None:
            found = self.limits.rows(self.limit, strategy=order.strategy, instrument=instrument)
            self._known[key] = found
        return found

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: tuple[Limit, ...]) -> Refused | None:
        """The verdict by the limits there are."""
        for row in rows:
            value = self.value(order, instrument, claim, row)
            if value > self.most(row):
                return self.refuse(order, row, self.text(value))
        return None

    @abstractmethod
    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """What the limit is held against, were the order sent."""

    def most(self, row: Limit) -> int:
        """The most that `value` may be."""
        return row.most

    def text(self, value: int) -> str:
        """A value or a limit for people: money unless said otherwise."""
        return format_money(value, self._currency)

    def refuse(self, order: Order, row: Limit, value: str) -> Refused:
        """A refusal that says whose limit it is and where it was said."""
        limit = f"{self.text(self.most(row))} ({row.scope})"
        return refuse(order, self.rule, limit=limit, value=value, fix=f"{self.fix} (source: {row.source})")

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """What the order makes of it, and the limits; nothing where there are none."""
        rows = self.rows(order, instrument)
        if not rows:
            return "", ""
        if claim.opening <= 0 or order.parent:
            return "closes only", "none"
        values = ", ".join(self.text(self.value(order, instrument, claim, row)) for row in rows)
        return values, ", ".join(f"{self.text(self.most(row))} ({row.scope})" for row in rows)


def highest(order: Order, claim: Claim) -> int:
    """The highest price that an order is valued at: the last one, its limit or its trigger."""
    return max(claim.price, order.limit, order.trigger)


class Quantity(LimitCheck):
    """A limit in units."""

    def text(self, value: int) -> str:
        """Units."""
        return to_text(value)


class MaxPosition(Quantity):
    """Units of one instrument, all open orders on this side filled: of the account, or of the strategy alone."""

    rule, limit = "max-position", "position"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """Signed by the order's side, so that a position on the other side never exceeds it."""
        own = row.scope.kind == "strategy"
        place = self.counted.place(order.strategy, instrument)
        held = self.holdings.held(instrument.id, strategy=order.strategy if own else "")
        working = place.own.of(order.side) if own else place.all.of(order.side)
        others = 0 if own else self.counted.foreign_units(instrument.id, order.side)
        return order.side * held + working + others + order.quantity


class MaxPositionValue(MaxPosition):
    """What such a position is worth at the highest of last price, limit and trigger."""

    rule, limit = "max-position-value", "position_value"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """Money; nothing where the position stays on the other side."""
        units = super().value(order, instrument, claim, row)
        return exposure(instrument, side=order.side, quantity=max(units, 0), price=highest(order, claim))

    def text(self, value: int) -> str:
        """Money."""
        return format_money(value, self._currency)


class Concentration(MaxPositionValue):
    """Such a position as a part of the account's equity."""

    rule, limit = "concentration", "concentration"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """A fraction, 1e-8, rounded up."""
        return _of_equity(super().value(order, instrument, claim, row), self.holdings.equity())

    def text(self, value: int) -> str:
        """A part of the equity."""
        return _times(value)


class MaxLeverage(LimitCheck):
    """Positions and what open orders would open, over the account's equity."""

    rule, limit = "max-leverage", "leverage"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """A multiple, 1e-8, rounded up."""
        more = exposure(instrument, side=order.side, quantity=claim.opening, price=highest(order, claim))
        gross = self.holdings.exposure(row.scope.kind, name=row.scope.name) + self.counted.tally(row.scope).open_value
        others = self.counted.foreign_value(row.scope)
        return _of_equity(gross + others + more, self.holdings.equity())

    def text(self, value: int) -> str:
        """A multiple of the equity."""
        return _times(value)


class DailyLoss(LimitCheck):
    """Loss since the day began, open positions at their last prices. At the limit nothing opens any more."""

    rule, limit = "daily-loss", "daily_loss"
    fix = "stop for today, or let the limit be raised"

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: tuple[Limit, ...]) -> Refused | None:
        """The loss that there is, not one that the order might make."""
        for row in rows:
            lost = self.value(order, instrument, claim, row)
            if lost >= row.most:
                return self.refuse(order, row, self.text(lost))
        return None

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """Money; a gain is negative."""
        return self.counted.base(row.scope) - self.holdings.profit(row.scope.kind, name=row.scope.name)


class PriceCollar(LimitCheck):
    """A limit or trigger too far from the last price, in whatever direction; of an order that only closes, a limit that
    gives away too much."""

    rule, limit = "price-collar", "price_collar"
    fix = "correct the price"

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """See the class."""
        rows = self.rows(order, instrument)
        return self.judge(order, instrument, claim, rows) if rows else None

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """A fraction of the last price, 1e-8, rounded up; an order at market has none."""
        last = claim.price
        if claim.opening <= 0 or order.parent:
            away = order.side * (order.limit - last) if order.limit else 0
        else:
            away = max((abs(price - last) for price in (order.limit, order.trigger) if price), default=0)
        return -(-max(away, 0) * SCALE // last) if last > 0 else row.most + 1

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """As of every limit, also where an order only closes."""
        rows = self.rows(order, instrument)
        values = ", ".join(self.text(self.value(order, instrument, claim, row)) for row in rows)
        return values, ", ".join(f"{self.text(row.most)} ({row.scope})" for row in rows)

    def text(self, value: int) -> str:
        """A fraction of the last price."""
        return f"{to_text(value * 100)} %"


class MaxOrderValue(LimitCheck):
    """What one order opens, at the highest of last price, limit and trigger."""

    rule, limit = "max-order-value", "order_value"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """Money."""
        return exposure(instrument, side=order.side, quantity=claim.opening, price=highest(order, claim))


class MaxOrderQuantity(Quantity):
    """Units of one order."""

    rule, limit = "max-order-quantity", "order_quantity"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """Units, also those that close."""
        return order.quantity


class MaxOpenValue(MaxOrderValue):
    """What all open orders of the scope and this one open."""

    rule, limit = "max-open-value", "open_value"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """Money."""
        ours = super().value(order, instrument, claim, row) + self.counted.tally(row.scope).open_value
        return ours + self.counted.foreign_value(row.scope)


class Count(LimitCheck):
    """A limit on how often."""

    def text(self, value: int) -> str:
        """A number."""
        return str(value)


class OrdersASecond(Count):
    """Orders and withdrawals in the second up to the order."""

    rule, limit = "order-rate", "orders_per_second"
    fix = "send fewer, or let the limit be raised"
    window: ClassVar[int] = SECOND

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: tuple[Limit, ...]) -> Refused | None:
        """Whether as many as may be are younger than the window already."""
        for row in rows:
            sent = self.counted.tally(row.scope).sent
            if len(sent) >= row.most and sent[-row.most] > order.at - self.window:
                return self.refuse(order, row, self.text(self.value(order, instrument, claim, row)))
        return None

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """How many there would be, with this one."""
        since = order.at - self.window
        return 1 + sum(1 for at in self.counted.tally(row.scope).sent if at > since)


class OrdersAMinute(OrdersASecond):
    """Orders and withdrawals in the minute up to the order."""

    limit = "orders_per_minute"
    window = _MINUTE


class Duplicate(LimitCheck):
    """The same order again within some seconds: an accident more often than an intention."""

    rule, limit = "duplicate-order", "duplicate_seconds"
    fix = "wait, or send another order"

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: tuple[Limit, ...]) -> Refused | None:
        """Whether it is younger than the window."""
        before = self.counted.same.get(same(order))
        if before is None:
            return None
        span = order.at - before
        for row in rows:
            if span * SCALE < row.most * SECOND:
                return self.refuse(order, row, f"sent {self.text(span * SCALE // SECOND)} ago")
        return None

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """Seconds since the same order was sent, 1e-8; -1 where it never was."""
        before = self.counted.same.get(same(order))
        return -SCALE if before is None else (order.at - before) * SCALE // SECOND

    def text(self, value: int) -> str:
        """Seconds."""
        return f"{to_text(value)} s" if value >= 0 else "never sent"


class TradesADay(Count):
    """Orders that opened something today; one that ends unfilled is taken out again."""

    rule, limit = "max-trades-day", "trades_per_day"

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """With this one."""
        return self.counted.tally(row.scope).trades + 1


class RepeatedExecution(Count):
    """The same opening order again and again: the strategy opens nothing there until a person has looked.

    Regulation (EU) 2017/589, article 15(3): repeated automated execution throttles.
    """

    rule, limit = "repeated-execution", "repeated_executions"
    fix = "look why it repeats itself, then reset the strategy"

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: tuple[Limit, ...]) -> Refused | None:
        """Latched once it was exceeded, whatever the next order is."""
        row = self.counted.place(order.strategy, instrument).row
        if not row.latched:
            refused = super().judge(order, instrument, claim, rows)
            row.latched = refused is not None
            return refused
        return self.refuse(order, rows[0], "latched")

    def value(self, order: Order, instrument: Instrument, claim: Claim, row: Limit) -> int:
        """In a row, with this one."""
        return self.counted.place(order.strategy, instrument).row.repeats(order.side, size=order.quantity) + 1


BEFORE_MARGIN: tuple[type[LimitCheck], ...] = (MaxPosition, MaxPositionValue, MaxLeverage, DailyLoss)
AFTER_MARGIN: tuple[type[LimitCheck], ...] = (
    PriceCollar,
    MaxOrderValue,
    MaxOrderQuantity,
    MaxOpenValue,
    OrdersASecond,
    OrdersAMinute,
    Duplicate,
    Concentration,
    TradesADay,
    RepeatedExecution,
)
"""In the order in which they are asked: the latch last, since it remembers what it refused."""


def _of_equity(value: int, equity: int) -> int:
    """A part or multiple of the equity, 1e-8, rounded up; where there is none, everything is too much."""
    if equity <= 0:
        return value * SCALE + SCALE if value else 0
    return -(-value * SCALE // equity)


def _times(value: int) -> str:
    return f"{to_text(value)} x equity"
