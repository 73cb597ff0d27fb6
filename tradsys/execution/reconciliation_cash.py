"""Cash against the venue's: what else was on the account when the run began, and what moved that no trade explains.

Rules for this file:
1. Both sides are measured alike: as if every trade had been paid in full at once. So neither the order of trades nor
   who of several strategies closed what for whom matters, and what open derivatives cost cancels out to the last unit.
2. Cash is compared only where both sides have the same trades and nothing of a position is changed by the same plan:
   else cash differs because they do.
3. An amount is said once. It is said anew when it has changed by more than the tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tradsys.core.units import to_text
from tradsys.core.venue import CashRow, Subject
from tradsys.execution.reconciliation_lines import Action, Case, CashStanding, Line, OwnView, evidence
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.reconciliation_positions import Differences
from tradsys.execution.venue_snapshot import VenueSnapshot


class CashVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Lines about cash, and by currency how it stands once they are applied."""

    lines: tuple[Line, ...] = ()
    standing: Mapping[str, CashStanding]


def compared_cash(
    holdings: list[Differences],
    own: OwnView,
    venue: VenueSnapshot,
    policy: Policy,
    *,
    standing: Mapping[str, CashStanding],
    positions: list[Line],
) -> CashVerdict:
    """Compare cash, or leave it `standing` where it cannot be. `positions` are the lines about positions."""
    newer = any(each.at >= venue.asked_at for each in own.trades.values())
    same_trades = all(found.same_trades for found in holdings)
    if newer or venue.moved or not same_trades or any(line.changes for line in positions):
        return CashVerdict(standing=standing)
    rows = {row.currency: row for row in venue.cash}
    found = {
        currency: _Comparison(own, venue, policy, currency=currency, row=rows.get(currency))
        for currency in sorted(own.cash)
    }
    lines = tuple(line for currency, each in found.items() for line in each.lines(standing.get(currency)))
    after = {currency: each.after(standing.get(currency)) for currency, each in found.items()}
    return CashVerdict(lines=lines, standing={**standing, **after})


class _Comparison:
    """One currency: `extra` is what the venue has more than the run counts, before anything is known of it."""

    def __init__(
        self, own: OwnView, venue: VenueSnapshot, policy: Policy, *, currency: str, row: CashRow | None
    ) -> None:
        self._venue, self._policy, self._currency, self._row = venue, policy, currency, row
        self._cash, self._open_cost = (0, 0) if row is None else (row.cash, row.open_cost)
        taken = own.charges.get(currency, 0) if policy.charges == "in_cash" else 0
        self._mine = own.cash[currency] - taken
        self.extra = self._cash - self._open_cost - self._mine

    def after(self, known: CashStanding | None) -> CashStanding:
        """How cash stands once the lines are applied."""
        halts = self._policy.cash == "halt"
        if known is None:
            return CashStanding(opening=self.extra)
        left = self.extra - known.opening
        if abs(left) <= self._policy.tolerance():
            return CashStanding(opening=known.opening)
        if self._is_said(known, left):
            return known
        return CashStanding(opening=known.opening, said=left, halted=halts)

    def lines(self, known: CashStanding | None) -> Iterator[Line]:
        """None where cash is as it was said to be."""
        if known is None:
            if self.extra:
                yield self._opening()
            return
        left = self.extra - known.opening
        if abs(left) <= self._policy.tolerance():
            if known.said:
                yield self._line(Action.REPORT, Case.CASH_AGREES, known.opening, quantity=left, reason="agrees again")
        elif not self._is_said(known, left):
            action = Action.HALT if self._policy.cash == "halt" else Action.REPORT
            yield self._line(action, Case.CASH, known.opening, quantity=left, reason=self._differs(left, known.said))

    def _is_said(self, known: CashStanding, left: int) -> bool:
        """Whether nothing is to be said that was not; what was only reported halts once policy says so."""
        wanted = self._policy.cash == "halt"
        return abs(left - known.said) <= self._policy.tolerance() and known.halted >= wanted

    def _opening(self) -> Line:
        label = f"opening: {_more(self.extra)} on the account than this run trades with, left out from here on"
        halts = self.extra < 0 and self._policy.cash == "halt"
        reason = "the venue has less than the run counts on" if self.extra < 0 else ""
        action = Action.HALT if halts else Action.ADOPT
        return self._line(action, Case.CASH_OPENING, 0, quantity=self.extra, label=label, reason=reason)

    def _differs(self, left: int, said: int) -> str:
        known = f", said of it so far {to_text(said)}" if said else ""
        return f"{_more(left)} than trades explain{known}; tolerance {self._policy.cash_tolerance}"

    def _line(self, action: Action, case: Case, opening: int, *, quantity: int, reason: str, label: str = "") -> Line:
        """With both amounts in the venue's terms."""
        return Line(
            action=action,
            case=case,
            subject=f"cash {self._currency}",
            ours=to_text(self._mine + self._open_cost + opening),
            venue="not listed" if self._row is None else to_text(self._cash),
            answer=evidence(self._venue, Subject.CASH, Subject.TRADES),
            label=label,
            reason=reason,
            quantity=quantity,
        )


def _more(amount: int) -> str:
    return f"{to_text(abs(amount))} {'more' if amount > 0 else 'less'}"
