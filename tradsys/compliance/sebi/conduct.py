"""How orders come: how many in a second, how many for each trade, and never against each other."""

from __future__ import annotations

from datetime import date

import msgspec

from tradsys.compliance.sebi.book import InForce, RuleBook
from tradsys.compliance.sebi.facts import UNKNOWN, Facts
from tradsys.compliance.sebi.rule_check import RuleCheck, not_known, refuse, unpriced
from tradsys.core.errors import ConfigError
from tradsys.core.events import Order, Refused, Side
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Claim
from tradsys.core.units import SECOND, to_text

_RATIO = "below {} messages a trade"
_Counts = dict[str, tuple[int, int]]
_NONE_YET = (0, 0)


class OrderRate(RuleCheck):
    """Orders of an exchange segment in one calendar second: our own limit, never above the exchange's.

    Counts what it lets pass, also where a later check refuses it, and the changes and withdrawals it is told of by
    `count`. Time that goes back counts in the latest second. A registered algorithm has the same limit here. While it
    `spares` orders, it counts them and refuses none.
    """

    rule = "sebi-order-rate"
    items = ("own", "threshold")
    always = True

    def __init__(
        self, book: RuleBook, facts: Facts, *, as_of: date | None = None, own_limit: int | None = None
    ) -> None:
        """`own_limit` replaces the dated default. Raises `ConfigError` for one below 1."""
        super().__init__(book, facts, as_of=as_of)
        if own_limit is not None and own_limit < 1:
            raise ConfigError("own limit of orders a second must be positive", value=own_limit, limit=">= 1")
        self.spares = False
        self._own_limit = own_limit
        self._counts: _Counts = {}
        self._rows_of_limit: InForce | None = None
        self._most = 0

    def ask(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """A refusal, or None and the order is counted."""
        exchange, second = instrument.exchange, order.at // SECOND
        latest, number = self._counts.get(exchange, _NONE_YET)
        if second > latest:
            latest, number = second, 0
        if rows and number >= self._limit(rows) and not self.spares:
            return self.judge(order, instrument, claim, rows)
        self._counts[exchange] = (latest, number + 1)
        return None

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """Whether one more would be too many."""
        most = self._limit(rows)
        sent = self.sent(instrument.exchange, order.at)
        if sent < most or self.spares:
            return None
        limit = f"{most} a second"
        row = rows["own"] if most < rows["threshold"].number else rows["threshold"]
        return refuse(order, row, limit=limit, value=str(sent + 1), fix="send it in the next second")

    def measure(self, order: Order, instrument: Instrument, claim: Claim) -> tuple[str, str]:
        """Orders counted in the order's second, and how many there may be."""
        rows = self.rows(order, instrument)
        return str(self.sent(instrument.exchange, order.at)), str(self._limit(rows)) if rows else "not in force"

    def count(self, exchange: str, at: int) -> None:
        """One more message to an exchange segment: an order, a change, a withdrawal."""
        second = max(at // SECOND, self._counts.get(exchange, _NONE_YET)[0])
        self._counts[exchange] = (second, self.sent(exchange, at) + 1)

    def sent(self, exchange: str, at: int) -> int:
        """Messages counted in the second of an instant, or in the latest one where that is later."""
        second, number = self._counts.get(exchange, _NONE_YET)
        return number if at // SECOND <= second else 0

    def state(self) -> bytes:
        """The counts, the same bytes for the same counts."""
        return msgspec.json.encode(dict(sorted(self._counts.items())))

    def restore(self, state: bytes) -> None:
        """Go on from what `state` gave. Raises `ConfigError` for bytes that are none."""
        try:
            counts = msgspec.json.decode(state, type=_Counts)
        except msgspec.DecodeError as error:
            raise ConfigError(f"not a state of {self.rule}", value=str(error)) from None
        if any(second < 0 or number < 0 for second, number in counts.values()):
            raise ConfigError(f"not a state of {self.rule}", value="a negative count", limit=">= 0")
        self._counts = counts

    def _limit(self, rows: InForce) -> int:
        if rows is not self._rows_of_limit:
            own = self._own_limit if self._own_limit is not None else rows["own"].number
            self._rows_of_limit, self._most = rows, min(own, rows["threshold"].number)
        return self._most


class OrderToTrade(RuleCheck):
    """Nothing new while messages are too many for the trades, or while the exchange has barred the member.

    What only reduces a position passes the ratio. How messages are counted: `tradsys.reference.order_to_trade`.
    """

    rule = "sebi-order-to-trade"
    items = ("throttle",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["throttle"]
        counts = self.facts.messages(instrument, order.at)
        if counts is UNKNOWN:
            what = f"messages of today at {instrument.exchange}"
            return not_known(order, row, limit=_RATIO.format(row.value), what=what)
        if counts.barred:
            return refuse(order, row, limit="not barred", value="barred by the exchange", fix="wait until it has ended")
        trades = max(counts.trades, 1)
        if claim.opening <= 0 or counts.counted + 1 < row.number * trades:
            return None
        value = f"{counts.counted + 1} messages, {counts.trades} trades"
        return refuse(order, row, limit=_RATIO.format(row.value), value=value, fix="change orders less often")


class SelfTrade(RuleCheck):
    """No order that could trade with one of our own; one whose stop has not been touched counts at its limit."""

    rule = "sebi-self-trade"
    items = ("own_orders",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["own_orders"]
        own = self.facts.own_orders(instrument.id, order.at)
        if own is UNKNOWN:
            return not_known(order, row, limit=row.value, what=f"own orders in {instrument.id}")
        for each in own:
            if crosses(order, own=each):
                price = "market" if unpriced(each) else to_text(each.limit)
                side = "sell" if order.side is Side.BUY else "buy"
                value = f"{'market' if unpriced(order) else to_text(order.limit)}"
                limit = f"own {side} {each.order_id} at {price}"
                return refuse(order, row, limit=limit, value=value, fix="cancel the other order first")
        return None


def crosses(order: Order, *, own: Order) -> bool:
    """Whether an order could trade with one of our own; the exits of a bracket sleep until its entry has filled."""
    if own.side is order.side or 0 < order.parent == own.order_id or 0 < own.parent == order.order_id:
        return False
    if unpriced(order) or unpriced(own):
        return True
    return order.side * (order.limit - own.limit) >= 0
