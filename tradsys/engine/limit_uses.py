"""How much of our own limits is used by what is held, so that a monitor can say before an order is refused."""

from __future__ import annotations

from collections.abc import Iterator

from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.engine.limited_desk import Limited
from tradsys.portfolio.ledger import Ledger, Position
from tradsys.risk.commitments import exposure
from tradsys.risk.limits import Limit, Scope
from tradsys.risk.monitoring.measures import Measure, Unit


class LimitUses:
    """Measures of the standing limits: positions, leverage, concentration and the day's loss. What counts orders is
    judged by the gate alone, and orders that work are not in a position yet."""

    def __init__(self, limited: Limited, ledger: Ledger) -> None:
        self._limited = limited
        self._ledger = ledger

    def begin(self, at: int) -> None:
        """An instant comes, before its prices: a new day's loss counts from here."""
        self._limited.commitments.begin(at)

    def __call__(self) -> tuple[Measure, ...]:
        """Every limit of which anything is used, in the order of the run file."""
        return tuple(each for (name, _), limit in self._limited.limits.all.items() for each in self._of(name, limit))

    def _of(self, name: str, limit: Limit) -> Iterator[Measure]:
        measures, (kind, subject), most = self._limited.measures, limit.scope, limit.most
        rule = f"limit-{name.replace('_', '-')}"
        if name == "daily_loss":
            lost = self._limited.commitments.base(limit.scope) - measures.profit(kind, name=subject)
            yield Measure(rule, subject, lost, most, Unit.MONEY)
        elif name == "leverage":
            gross = measures.exposure(kind, name=subject)
            if gross:
                yield _of_equity(rule, subject, gross, most, measures.equity())
        elif name in ("position", "position_value", "concentration"):
            for instrument in {held.instrument.id: held.instrument for held in self._held(limit.scope)}.values():
                yield from self._of_instrument(name, rule, limit, instrument)

    def _of_instrument(self, name: str, rule: str, limit: Limit, instrument: Instrument) -> Iterator[Measure]:
        measures, (kind, subject) = self._limited.measures, limit.scope
        own = subject if kind == "strategy" else ""
        units = measures.held(instrument.id, strategy=own)
        value = exposure(instrument, side=units, quantity=abs(units), price=self._ledger.marks[instrument.id])
        subject = f"{own} {instrument.id}".strip()
        if not units:
            return
        if name == "position":
            yield Measure(rule, subject, abs(units), limit.most, Unit.UNITS)
        elif name == "position_value":
            yield Measure(rule, subject, value, limit.most, Unit.MONEY)
        else:
            yield _of_equity(rule, subject, value, limit.most, measures.equity())

    def _held(self, scope: Scope) -> Iterator[Position]:
        """Open positions that a limit of a scope is about."""
        return (held for held in self._ledger.open_positions.values() if scope.name in ("", *_names(held, scope.kind)))


def _names(held: Position, kind: str) -> tuple[str, ...]:
    names = {"strategy": held.strategy, "instrument": held.instrument.id, "segment": held.instrument.segment.value}
    return (names[kind],) if kind in names else ()


def _of_equity(rule: str, subject: str, value: int, most: int, equity: int) -> Measure:
    return Measure(rule, subject, value * SCALE, most * equity, Unit.SHARE, equity)
