"""The limits of a run file, wired: what they are held against, the checks and the desk that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tradsys.core.instruments import Instrument
from tradsys.engine.account_measures import AccountMeasures
from tradsys.engine.limited_desk import Limited
from tradsys.engine.markets import Market
from tradsys.engine.run_file import RunFile
from tradsys.engine.runner import Runner
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.clock import local_day
from tradsys.risk.limits import demand_known, figures


def limits_of(run: RunFile, markets: dict[str, Market], ledger: Ledger, *, zone: str) -> Limited | None:
    """The limits of a run file, None where it has no `[risk.limits]`. Their day begins at midnight of `zone`.

    Raises `ConfigError`, `UnknownName` for limits that are none.
    """
    section = run.risk.limits
    if section is None:
        return None
    measures = AccountMeasures(ledger, markets)
    return Limited(figures(section), measures, day=lambda at: local_day(at, zone), currency=run.run.currency)


def demand_limits_known(
    limited: Limited | None, runners: Sequence[Runner], instruments: Mapping[str, Instrument]
) -> None:
    """Raise `UnknownName` for a limit on a strategy or an instrument that the run has not."""
    if limited is not None:
        names = dict.fromkeys(runner.id for runner in runners)
        limited.known = {"strategy": tuple(names), "instrument": tuple(instruments)}
        demand_known(limited.limits.all, known=limited.known)
