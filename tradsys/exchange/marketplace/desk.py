"""Orders on their way into the book: checked, held for, sent, and followed."""

from __future__ import annotations

from tradsys.core.errors import InvariantBroken
from tradsys.core.matching import Action, BookPhase, Command, Kind, MatchingBook, Outcome, Reason, Status
from tradsys.exchange.admission import AdmissionRule, Entry, Rejection
from tradsys.exchange.clearing import Clearing
from tradsys.exchange.clearing.records import Refusal
from tradsys.exchange.marketplace.day import Day
from tradsys.exchange.marketplace.floor import Floor
from tradsys.exchange.marketplace.following import Follower
from tradsys.exchange.marketplace.orders import LiveOrder, OrderRegister
from tradsys.exchange.marketplace.records import (
    ExchangeEvents,
    ExchangeRule,
    OrderRefused,
    OrderTaken,
    ProtectionStrained,
)

_GIVEN = "docs/matching.md"


class Desk:
    """Takes what participants send. Where it refuses, nothing has changed."""

    def __init__(self, book: MatchingBook, register: OrderRegister, follower: Follower, clearing: Clearing) -> None:
        self._book = book
        self._register = register
        self._follower = follower
        self._clearing = clearing

    def submit(self, entry: Entry, day: Day, said: ExchangeEvents, *, at: int, intraday: bool) -> Floor | None:
        """A new order or a replacement; the floor it reached, if it did."""
        floor = day.floors.get(entry.instrument)
        if floor is not None and floor.protection is not None:
            floor.protection.advance(at)
        phase = BookPhase.CLOSED if floor is None else floor.phase
        command = day.admission.admit(entry, at=at, phase=phase)
        if isinstance(command, Rejection):
            said.append(_refused(entry, at, command.rule, value=command.value, limit=command.limit))
            if floor is not None and command.rule is AdmissionRule.BEYOND_PRICE_PROTECTION:
                self._strain(entry, floor, at, said)
            return None
        if floor is None:
            raise InvariantBroken("admitted without a floor", value=entry.instrument)
        send = self._replace if entry.replaces else self._enter
        return floor if send(entry, floor, command, said, intraday) else None

    def cancel(self, order_id: int, said: ExchangeEvents, *, account: int, at: int) -> None:
        """Withdraw an order."""
        order = self._register.get(order_id, account=account)
        if order is None:
            said.append(_unknown(order_id, account, at))
            return
        outcome, _ = self._book.submit(Command(Action.CANCEL, order_id, at=at))
        if outcome.status == Status.REJECTED:
            said.append(_by_book(order_id, account, at, outcome))
        else:
            self._follower.remove(order, said, at=at, reason="withdrawn")

    def reduce(self, order_id: int, said: ExchangeEvents, *, quantity: int, account: int, at: int) -> None:
        """Take a quantity (1e-8) off an order."""
        order = self._register.get(order_id, account=account)
        if order is None:
            said.append(_unknown(order_id, account, at))
            return
        lots, rest = divmod(quantity, order.floor.lot)
        if rest:
            rule, lot = AdmissionRule.QUANTITY_OFF_LOT, order.floor.lot
            said.append(OrderRefused(at=at, order_id=order_id, account=account, rule=rule, value=quantity, limit=lot))
            return
        outcome, _ = self._book.submit(Command(Action.REDUCE, order_id, quantity=lots, at=at))
        if outcome.status == Status.REJECTED:
            said.append(_by_book(order_id, account, at, outcome))
        else:
            self._follower.reduce(order, said, left=outcome.open, at=at, reason="withdrawn")

    def _enter(self, entry: Entry, floor: Floor, command: Command, said: ExchangeEvents, intraday: bool) -> bool:
        at = command.at
        worst = self._worst(entry, floor)
        if not worst and not self._clearing.is_unlimited(entry.account):
            said.append(_unprotected(entry, at))
            return False
        order = self._register.enter(entry, floor, worst=worst, intraday=intraday)
        if isinstance(order, Refusal):
            said.append(_refused(entry, at, order.rule, value=order.value, limit=order.limit))
            return False
        outcome, events = self._book.submit(command)
        if outcome.status == Status.REJECTED:
            self._register.finish(order)
            said.append(_by_book(entry.order_id, entry.account, at, outcome))
            return False
        said.append(_taken(order, outcome, at, replaces=False))
        self._follower.follow(events, at, said)
        self._settle(order, outcome, at, said)
        return True

    def _replace(self, entry: Entry, floor: Floor, command: Command, said: ExchangeEvents, intraday: bool) -> bool:
        """Hold for the new terms, replace, and hold for the old ones again if the book will not."""
        at = command.at
        order = self._register.get(entry.order_id, account=entry.account)
        if order is None:
            said.append(_unknown(entry.order_id, entry.account, at))
            return False
        if not order.fits(entry):
            said.append(_other_terms(entry, order, at))
            return False
        before, left, worst = order.worst, order.left, self._worst(entry, floor)
        refusal = self._register.change(order, worst=worst or before, left=command.quantity)
        if refusal is not None:
            said.append(_refused(entry, at, refusal.rule, value=refusal.value, limit=refusal.limit))
            return False
        outcome, events = self._book.submit(command)
        if outcome.status == Status.REJECTED:
            self._register.restore(order, worst=before, left=left)
            said.append(_by_book(entry.order_id, entry.account, at, outcome))
            return False
        said.append(_taken(order, outcome, at, replaces=True))
        self._follower.follow(events, at, said)
        self._settle(order, outcome, at, said)
        return True

    def _settle(self, order: LiveOrder, outcome: Outcome, at: int, said: ExchangeEvents) -> None:
        """What was dropped of an order is held for no longer; a protected one that rests is a limit order."""
        if self._register.get(order.order_id) is not order:
            return
        if outcome.status == Status.CANCELLED:
            self._follower.remove(order, said, at=at, reason=Reason(outcome.reason).name.lower())
        elif order.kind == Kind.PROTECTED:
            order.kind = Kind.LIMIT

    def _worst(self, entry: Entry, floor: Floor) -> int:
        price, reference = entry.price // floor.tick, floor.last
        if entry.kind == Kind.PROTECTED and not reference:
            bid, _, ask, _ = self._book.best(floor.number)
            reference = bid if entry.side else ask
        return floor.worst(entry.kind, side=entry.side, price=price, reference=reference)

    def _strain(self, entry: Entry, floor: Floor, at: int, said: ExchangeEvents) -> None:
        protection, party = floor.protection, self._follower.party(entry.account)
        if protection is not None and protection.on_rejection(at, party=party):
            said.append(ProtectionStrained(at=at, instrument=entry.instrument))


def _taken(order: LiveOrder, outcome: Outcome, at: int, *, replaces: bool) -> OrderTaken:
    floor = order.floor
    return OrderTaken(
        at=at,
        order_id=order.order_id,
        account=order.account,
        instrument=floor.instrument.id,
        open=outcome.open * floor.lot,
        replaces=replaces,
    )


def _refused(entry: Entry, at: int, rule: str, *, value: int | str, limit: int | str) -> OrderRefused:
    return OrderRefused(at=at, order_id=entry.order_id, account=entry.account, rule=rule, value=value, limit=limit)


def _unknown(order_id: int, account: int, at: int) -> OrderRefused:
    rule = ExchangeRule.UNKNOWN_ORDER
    return OrderRefused(
        at=at, order_id=order_id, account=account, rule=rule, value=order_id, limit="a live order of this account"
    )


def _other_terms(entry: Entry, order: LiveOrder, at: int) -> OrderRefused:
    kept = f"{order.floor.instrument.id} {'sell' if order.side else 'buy'} {Kind(order.kind).name.lower()}"
    found = f"{entry.instrument} {'sell' if entry.side else 'buy'} {Kind(entry.kind).name.lower()}"
    return _refused(entry, at, ExchangeRule.OTHER_TERMS, value=found, limit=kept)


def _unprotected(entry: Entry, at: int) -> OrderRefused:
    kind = Kind(entry.kind).name.lower()
    return _refused(entry, at, ExchangeRule.UNPROTECTED, value=kind, limit="a limit, a protection or a price band")


def _by_book(order_id: int, account: int, at: int, outcome: Outcome) -> OrderRefused:
    """What the book refused, by its rule."""
    rule = Reason(outcome.reason).name.lower()
    return OrderRefused(at=at, order_id=order_id, account=account, rule=rule, value=order_id, limit=_GIVEN)
