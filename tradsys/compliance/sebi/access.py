"""Who may send: the algorithm's id, the address, the broker's session."""

from __future__ import annotations

from functools import cache

from tradsys.compliance.sebi.book import InForce
from tradsys.compliance.sebi.facts import UNKNOWN, Registration
from tradsys.compliance.sebi.rule_check import RuleCheck, not_known, refuse
from tradsys.core.events import Order, Refused
from tradsys.core.instruments import Instrument
from tradsys.core.ports import Claim
from tradsys.core.units import DAY
from tradsys.reference.clock import iso
from tradsys.reference.sessions import instant


class AlgoId(RuleCheck):
    """The generic id, or a registered one whose code is the code that was registered: new logic is a new registration.

    Not modelled: that the generic id is for the owner and near family alone.
    """

    rule = "sebi-algo-id"
    items = ("generic",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["generic"]
        found = self.facts.registration(order.strategy, instrument, order.at)
        if found is UNKNOWN:
            what = f"registration of {order.strategy} at {instrument.exchange}"
            return not_known(order, row, limit=f"{row.value}, or registered code", what=what)
        if found.algo_id in ("", row.value) or _unchanged(found):
            return None
        return refuse(
            order,
            row,
            limit=f"code {found.registered_hash or 'registered'}",
            value=f"algo {found.algo_id}, code {found.code_hash or 'not hashed'}",
            fix="register the changed logic, or run what was registered",
        )


def _unchanged(found: Registration) -> bool:
    return bool(found.code_hash) and found.code_hash == found.registered_hash


class StaticAddress(RuleCheck):
    """Orders leave from a registered address, of which there are at most two.

    Not modelled: one change a calendar week, one client an address.
    """

    rule = "sebi-static-ip"
    items = ("most",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["most"]
        registered = self.facts.registered_addresses(order.at)
        if registered is UNKNOWN:
            return not_known(order, row, limit=f"{row.value} registered", what="the registered addresses")
        if len(registered) > row.number:
            value = f"{len(registered)} registered"
            return refuse(order, row, limit=row.value, value=value, fix="register a primary and a secondary only")
        address = self.facts.address(order.at)
        if address is not UNKNOWN and address in registered:
            return None
        limit = ", ".join(registered) or "none registered"
        if address is UNKNOWN:
            return not_known(order, row, limit=limit, what="the address that orders leave from")
        return refuse(order, row, limit=limit, value=address, fix="send from a registered address")


class DailySession(RuleCheck):
    """The broker's session began after the last daily log-out, and before the order."""

    rule = "sebi-daily-session"
    items = ("ends",)

    def judge(self, order: Order, instrument: Instrument, claim: Claim, rows: InForce) -> Refused | None:
        """See the class."""
        row = rows["ends"]
        since = _last_logout(order.at, row.value)
        begun = self.facts.logged_in_at(order.at)
        if begun is not UNKNOWN and since <= begun <= order.at:
            return None
        if begun is UNKNOWN:
            return not_known(order, row, limit=f"since {iso(since)}", what="when the session began")
        return refuse(order, row, limit=f"since {iso(since)}", value=iso(begun), fix="log in again")


def _last_logout(at: int, clock: str) -> int:
    """The last time it was that time of day in India."""
    since_first = _first_logout(clock)
    return since_first + (at - since_first) // DAY * DAY


@cache
def _first_logout(clock: str) -> int:
    return instant(0, clock)
