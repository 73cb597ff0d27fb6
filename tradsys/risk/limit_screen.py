"""All limits of one route looked at at once: an order that keeps them all by a margin need not be asked one by one.

The checks themselves remain the rule: whatever this does not pass is theirs to judge, in their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradsys.core.events import Order, Product, Refused, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Check, Claim, Holdings
from tradsys.core.units import MINUTE, SCALE, SECOND
from tradsys.risk.commitments import Commitments, Tally, same
from tradsys.risk.limit_checks import AFTER_MARGIN, BEFORE_MARGIN, LimitCheck
from tradsys.risk.limits import Limits

_NONE = math.inf
_OF_ACCOUNT = ("leverage", "daily_loss")
_OF_POSITIONS = ("position", "position_value", "concentration")


class Screen:
    """The limits on orders of one strategy in one instrument, found anew when one is changed."""

    def __init__(self, limits: Limits, counted: Commitments, holdings: Holdings) -> None:
        self._limits = limits
        self._counted = counted
        self._holdings = holdings
        self._version = -1
        self.passed: Order | None = None

    def look(self, order: Order, instrument: Instrument, claim: Claim) -> bool:
        """Whether an order keeps every limit; False where that is not plain to see."""
        if self._version != self._limits.version:
            self._find(order, instrument)
        if claim.opening <= 0 or order.parent:
            passes = self._collar is _NONE
        else:
            passes = self._alone(order, claim) and self._counts(order) and self._together(order, instrument, claim)
        self.passed = order if passes else None
        return passes

    # --- the limits there are

    def _find(self, order: Order, instrument: Instrument) -> None:
        self._version = self._limits.version
        self._place = self._counted.place(order.strategy, instrument)
        self._strike = instrument.strike or 0 if instrument.segment is Segment.OPTION else 0
        self._multiplier = instrument.multiplier
        rows = {
            name: self._limits.rows(name, strategy=order.strategy, instrument=instrument)
            for name in (kind.limit for kind in (*BEFORE_MARGIN, *AFTER_MARGIN))
        }
        least = {name: min((row.most for row in found), default=_NONE) for name, found in rows.items()}
        self._value, self._quantity, self._collar = (
            least[name] for name in ("order_value", "order_quantity", "price_collar")
        )
        self._repeats = least["repeated_executions"]
        self._longest = max((row.most for row in rows["duplicate_seconds"]), default=0)
        tallied = {name: [(self._counted.tally(row.scope), row.most) for row in rows[name]] for name in rows}
        self._open, self._trades = tallied["open_value"], tallied["trades_per_day"]
        self._rates: list[tuple[Tally, int, int]] = [
            (tally, most, window)
            for name, window in (("orders_per_second", SECOND), ("orders_per_minute", MINUTE))
            for tally, most in tallied[name]
        ]
        self._leverage, self._loss = ((rows[name][0].most if rows[name] else _NONE) for name in _OF_ACCOUNT)
        self._particular = any(row.scope.kind != "account" for name in _OF_ACCOUNT for row in rows[name])
        self._units, self._worth, self._part = (least[name] for name in _OF_POSITIONS)
        self._positions = min(self._units, self._worth, self._part) < _NONE
        of_positions = (row for name in _OF_POSITIONS for row in rows[name])
        self._own = any(row.scope.kind == "strategy" for row in of_positions)
        self._account = min(self._leverage, self._loss, self._part) < _NONE

    # --- what an order makes of them

    def _alone(self, order: Order, claim: Claim) -> bool:
        """Limits on one order."""
        last, limit, trigger = claim.price, order.limit, order.trigger
        price = last if last > limit else limit
        if trigger > price:
            price = trigger
        if self._collar is not _NONE:
            away = abs(limit - last) if limit else 0
            if trigger and abs(trigger - last) > away:
                away = abs(trigger - last)
            if last <= 0 or away * SCALE > self._collar * last:
                return False
        if order.side < 0:
            price += self._strike
        self._price = price
        self._opens = -(-price * claim.opening * self._multiplier // SCALE)
        return order.quantity <= self._quantity and self._opens <= self._value

    def _counts(self, order: Order) -> bool:
        """Limits on how much and how often."""
        opens, at = self._opens, order.at
        for tally, most in self._open:
            if tally.open_value + opens > most:
                return False
        for tally, most, window in self._rates:
            sent = tally.sent
            if len(sent) >= most and sent[-most] > at - window:
                return False
        for tally, most in self._trades:
            if tally.trades >= most:
                return False
        if self._longest:
            before = self._counted.same.get(same(order))
            if before is not None and (at - before) * SCALE < self._longest * SECOND:
                return False
        if self._repeats is not _NONE:
            row = self._place.row
            return not row.latched and row.repeats(order.side, size=order.quantity) < self._repeats
        return True

    def _together(self, order: Order, instrument: Instrument, claim: Claim) -> bool:
        """Limits on positions, and on the account as a whole. Others' orders, and limits on the leverage or loss of
        less than the account, are left to the checks."""
        if not (self._positions or self._account):
            return not self._particular and not self._others()
        if self._particular or self._others():
            return False
        units = 0
        if self._positions:
            side, place = order.side, self._place
            held = side * self._holdings.held(instrument.id)
            units = held + (place.all.buys if side > 0 else place.all.sells) + order.quantity
            if self._own:
                held = side * self._holdings.held(instrument.id, strategy=order.strategy)
                units = max(units, held + (place.own.buys if side > 0 else place.own.sells) + order.quantity)
            if units > self._units:
                return False
        worth = -(-self._price * units * self._multiplier // SCALE) if units > 0 else 0
        return worth <= self._worth and (not self._account or self._affordable(worth))

    def _others(self) -> bool:
        return any(True for _ in self._counted.foreign())

    def _affordable(self, worth: int) -> bool:
        equity, profit, gross = self._holdings.account()
        if equity <= 0 or self._counted.base(self._place.scopes[0].scope) - profit >= self._loss:
            return False
        whole = gross + self._place.scopes[0].open_value + self._opens
        return worth * SCALE <= self._part * equity and whole * SCALE <= self._leverage * equity


class Screened:
    """Some limits of a route as one check: all that the screen lets pass, else each in its turn."""

    name = "limits"

    def __init__(self, screen: Screen, checks: Sequence[LimitCheck], *, first: bool) -> None:
        self._screen = screen
        self._checks = tuple(checks)
        self._first = first

    def concerns(self, instrument: Instrument, product: Product, side: Side) -> bool:
        """Every order."""
        return True

    def __call__(self, order: Order, instrument: Instrument, claim: Claim) -> Refused | None:
        """The refusal of the first limit that is not kept, or None."""
        screen = self._screen
        if screen.look(order, instrument, claim) if self._first else screen.passed is order:
            return None
        for check in self._checks:
            refused = check(order, instrument, claim)
            if refused is not None:
                return refused
        return None


def screened(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks of a route, limits that stand together as one."""
    limits = [each for each in checks if isinstance(each, LimitCheck)]
    if not limits:
        return checks
    screen = Screen(limits[0].limits, limits[0].counted, limits[0].holdings)
    found: list[Check] = []
    run: list[LimitCheck] = []
    first = True
    for each in (*checks, None):
        if isinstance(each, LimitCheck):
            run.append(each)
            continue
        if run:
            found.append(Screened(screen, run, first=first))
            run, first = [], False
        if each is not None:
            found.append(each)
    return tuple(found)
