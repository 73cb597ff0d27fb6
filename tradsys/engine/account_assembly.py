"""The account of a run: its ledger, and the checks that only some accounts ask for."""

from __future__ import annotations

from collections.abc import Mapping

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import ChargePlan, Check
from tradsys.engine.currency_account import ConvertedCharges, ConvertedStanding
from tradsys.engine.currency_data import foreigners
from tradsys.engine.instruments import sections_of
from tradsys.engine.markets import Market
from tradsys.engine.run_file import RunFile
from tradsys.engine.standing import AccountStanding, MarginRate
from tradsys.portfolio.currencies import CurrencyLedger
from tradsys.portfolio.holdings import HoldingsLedger
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.calendar import calendar_for
from tradsys.risk.position_legs import PositionLegs
from tradsys.risk.settled_delivery import SettledDelivery

POSITION_MODES = ("netting", "hedging")


def ledger_of(run: RunFile, instruments: Mapping[str, Instrument], *, cash: int, zone: str) -> Ledger:
    """The ledger of a run; `cash` in 1e-8. Raises `UnknownName` where it is to know what is settled and a share's
    exchange has no calendar."""
    currency = run.run.currency
    if run.risk.sell_unsettled:
        return CurrencyLedger(cash, currency) if foreigners(instruments, currency=currency) else Ledger(cash, currency)
    for instrument in instruments.values():
        if instrument.segment is Segment.EQUITY:
            calendar_for(instrument.exchange, instrument.segment)
    return HoldingsLedger(cash, currency, zone=zone)


def standing_of(
    ledger: Ledger, instruments: Mapping[str, Instrument], markets: dict[str, Market], margins: MarginRate
) -> AccountStanding:
    """What answers the gate for a ledger, in the account's currency."""
    if isinstance(ledger, CurrencyLedger) and foreigners(instruments, currency=ledger.currency):
        return ConvertedStanding(ledger, markets, margins)
    return AccountStanding(ledger, markets, margins)


def charges_of(plan: ChargePlan, ledger: Ledger, instruments: Mapping[str, Instrument]) -> ChargePlan:
    """What fills cost, in the account's currency."""
    if isinstance(ledger, CurrencyLedger) and foreigners(instruments, currency=ledger.currency):
        return ConvertedCharges(plan, ledger)
    return plan


def refuse_unconverted(run: RunFile, instruments: Mapping[str, Instrument]) -> None:
    """Raise `ConfigError` for foreign instruments beside what measures each in its own currency."""
    foreign = foreigners(instruments, currency=run.run.currency)
    measuring = {"limits": run.risk.limits, "monitoring": run.risk.monitoring, "breakers": run.risk.breakers}
    for name, section in measuring.items():
        if foreign and section is not None:
            raise ConfigError(
                f"risk.{name} would measure instruments in their own currencies",
                value=", ".join(foreign),
                limit=run.run.currency,
                fix=f"leave risk.{name} out, or run in an account of their own currency",
            )


def refuse_on_history_alone(run: RunFile) -> None:
    """Raise `ConfigError` for what no venue of a live run does: instruments in another currency than the account's, of
    which a venue keeps cash, and legs of one position."""
    if run.execution.positions == "hedging":
        raise ConfigError(
            "a live run holds one net position",
            value="hedging",
            limit="netting",
            fix='leave execution.positions out, or give it "netting"',
        )
    for section in sections_of(run):
        if section.currency not in (None, run.run.currency):
            raise ConfigError(
                f"{section.id}: a live run trades in the account's currency alone",
                value=section.currency,
                limit=run.run.currency,
                fix="run it in an account of its own currency",
            )


def account_checks(ledger: Ledger, *, positions: str) -> tuple[Check, ...]:
    """What the gate asks beside the usual: whether a share is settled, where the ledger knows, and which legs of a
    perpetual there are. Raises `UnknownName` for positions of no known mode."""
    if positions not in POSITION_MODES:
        raise UnknownName("mode", positions, POSITION_MODES, where="execution.positions")
    settled = (SettledDelivery(ledger.deliverable),) if isinstance(ledger, HoldingsLedger) else ()
    return (*settled, PositionLegs(hedging=positions == "hedging"))
