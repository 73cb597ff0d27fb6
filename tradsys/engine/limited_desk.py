"""The order desk of a run that has limits: it tells the commitments what becomes of every order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Entry, Fill, Order
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Check
from tradsys.core.risk_events import LimitChanged
from tradsys.core.units import to_float
from tradsys.engine.account_measures import AccountMeasures
from tradsys.engine.desks import Kind
from tradsys.engine.order_desk import LiveOrder, OrderDesk
from tradsys.engine.runner import Desire
from tradsys.risk.commitments import Commitments, Day
from tradsys.risk.limit_checks import LimitCheck
from tradsys.risk.limits import WHOLE, Figures, Limits


class Limited:
    """The limits of a run and what is counted for them."""

    def __init__(self, limits: Figures, measures: AccountMeasures, *, day: Day, currency: str) -> None:
        self.limits = Limits(limits)
        self.commitments = Commitments(day=day, profits=measures.profits)
        self.measures = measures
        self._currency = currency
        self.known: dict[str, tuple[str, ...]] = {}

    def check(self, kind: type[LimitCheck]) -> Check:
        """One limit as a check of the gate."""
        return kind(self.limits, self.commitments, self.measures, self._currency)

    @property
    def desk(self) -> Kind:
        """Its part of the order desk of a run that has these limits."""
        return LimitedDesk, {"commitments": self.commitments}

    def standing(self) -> dict[str, object]:
        """Limits in force and who repeated himself, for people: `limits`, each `limit kind name most source`, and
        `latched`, each `strategy instrument`. Figures as they are written in a run file."""
        rows = [
            {
                "limit": name,
                "kind": limit.scope.kind,
                "name": limit.scope.name,
                "most": limit.most if name in WHOLE else to_float(limit.most),
                "source": limit.source,
            }
            for (name, _), limit in self.limits.all.items()
        ]
        latched = [{"strategy": strategy, "instrument": each} for strategy, each in self.commitments.latched]
        return {"limits": rows, "latched": latched}

    def demand_known(self, change: LimitChanged) -> None:
        """Raise `UnknownName` for a change of what the run has not."""
        known = self.known.get(change.kind, (change.name,))
        if change.name not in known:
            raise UnknownName(change.kind, change.name, known)

    def state(self) -> bytes:
        """For a snapshot: the limits in force, where a person changed them, and what is counted."""
        return msgspec.msgpack.encode([self.limits.state(), self.commitments.state()])

    def restore(self, state: bytes, instruments: dict[str, Instrument]) -> None:
        """Go on from what `state` gave. Raises `ConfigError` for bytes that are none."""
        try:
            limits, counted = msgspec.msgpack.decode(state, type=tuple[bytes, bytes])
        except msgspec.DecodeError as error:
            raise ConfigError("not a state of the limits", value=str(error)) from None
        self.limits.restore(limits)
        self.commitments.restore(counted, instruments)

    def beginning(self, handler: Callable[[Any], Sequence[Entry]]) -> Callable[[Any], Sequence[Entry]]:
        """A handler of the calendar, before which a new day is counted anew."""

        def begun(event: Any) -> Sequence[Entry]:
            self.commitments.begin(event.at)
            return handler(event)

        return begun


class LimitedDesk(OrderDesk):
    """See `OrderDesk`. What a working order may still do counts until the order has ended, also while its withdrawal is
    on its way."""

    def __init__(self, *, commitments: Commitments, **parts: Any) -> None:
        super().__init__(**parts)
        self._commitments = commitments

    def submit(self, desire: Desire, order: Order, pursues: bool, cause: int, entries: list[Entry]) -> bool:
        """See `OrderDesk.submit`."""
        self._commitments.begin(order.at)
        if not super().submit(desire, order, pursues, cause, entries):
            return False
        live = self.live[order.order_id]
        opening = 0 if order.parent else live.opening
        price = max(live.route.market.price, order.limit, order.trigger)
        self._commitments.approved(order, live.route.instrument, opening=opening, price=price)
        return True

    def _on_fill(self, live: LiveOrder, fill: Fill, entries: list[Entry]) -> None:
        self._commitments.begin(fill.at)
        self._commitments.traded(fill.order_id)
        super()._on_fill(live, fill, entries)

    def _release(self, live: LiveOrder, quantity: int, remaining: int) -> None:
        super()._release(live, quantity, remaining)
        self._commitments.released(live.order.order_id, remaining=remaining)

    def request_cancel(self, live: LiveOrder, *, at: int, reason: str, cause: int, entries: list[Entry]) -> None:
        """See `OrderDesk.request_cancel`."""
        self._commitments.withdrawn(live.order.order_id, at=at)
        super().request_cancel(live, at=at, reason=reason, cause=cause, entries=entries)
