"""From `[rules]` of a run file to a rule pack in its gate: the checks, the facts behind them, the desk that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from tradsys.compliance.sebi.book import Rule, RuleBook, sebi_rules
from tradsys.compliance.sebi.conduct import OrderRate
from tradsys.compliance.sebi.facts import StatedFacts
from tradsys.compliance.sebi.pack import checks
from tradsys.compliance.sebi.prices import FreezeQuantity
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.instruments import Segment
from tradsys.core.ports import Check
from tradsys.engine.data import Loaded
from tradsys.engine.desks import Kind
from tradsys.engine.engine import Engine
from tradsys.engine.markets import Market
from tradsys.engine.ruled.desk import RuledDesk
from tradsys.engine.ruled.exposure import Exposures
from tradsys.engine.ruled.facts import RunFacts, Stated
from tradsys.engine.ruled.stated import stated_facts
from tradsys.engine.ruled.traffic import Traffic
from tradsys.engine.run_file import RulesSection
from tradsys.engine.runner import Runner, source_hash
from tradsys.engine.settings import Settings
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.clock import local_date

PACKS = ("sebi",)
_UNPROTECTED = ("sebi-market-order", "sebi-market-protection")


class RulePack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack wired to one run: `checks` for the end of its gate, `desk` its part of the desk."""

    checks: tuple[Check, ...]
    desk: Kind

    def connect(self, engine: Engine) -> None:
        """Number the slices that the desk makes like all other orders."""
        _, planner, desk = engine.parts
        if isinstance(desk, RuledDesk):
            desk.order_ids = iter(planner.ids.take, 0)


def rule_pack(
    settings: Settings,
    *,
    markets: Mapping[str, Market],
    ledger: Ledger,
    runners: Sequence[Runner],
    data: Loaded,
    as_of: date | None,
) -> RulePack | None:
    """The pack of a run file, or None where it names none.

    Raises `UnknownName` for a pack that does not exist, `ConfigError` for facts without a pack, for facts that cannot
    be read, and where positions could not be closed under the rules (see `demand_closable`).
    """
    rules = settings.run.rules
    if rules.pack is None:
        _refuse_idle(rules)
        return None
    if rules.pack not in PACKS:
        raise UnknownName("rule pack", rules.pack, PACKS, where="rules.pack")
    book, stated = sebi_rules(), stated_facts(settings)
    demand_closable(book, markets, spans={name: _span(data, name) for name in markets}, as_of=as_of, stated=stated)
    rate = OrderRate(book, StatedFacts(), as_of=as_of, own_limit=rules.orders_per_second)
    traffic = Traffic(markets, runners, rate, as_of=as_of)
    facts = RunFacts(
        stated,
        markets=markets,
        traffic=traffic,
        exposures=Exposures(markets, ledger, traffic),
        codes={each.id: source_hash(type(each.strategy)) for each in runners},
        as_of=as_of,
    )
    freeze = FreezeQuantity(book, facts, as_of=as_of)
    return RulePack(
        checks=(*checks(book, facts, as_of=as_of)[:-1], rate),
        desk=(RuledDesk, {"traffic": traffic, "largest": freeze.largest, "band": facts.band}),
    )


def _refuse_idle(rules: RulesSection) -> None:
    for key in ("facts", "orders_per_second"):
        if getattr(rules, key) is not None:
            raise ConfigError(f"rules.{key} without rules.pack", fix='add pack = "sebi" under [rules]')


def _span(data: Loaded, name: str) -> tuple[date, date]:
    """First and last date of what is traded on."""
    series = data.series[name]
    first = min(data.first[name], len(series) - 1)
    return local_date(int(series.at[first]), data.zone), local_date(int(series.at[-1]), data.zone)


def demand_closable(
    book: RuleBook,
    markets: Mapping[str, Market],
    *,
    spans: Mapping[str, tuple[date, date]],
    as_of: date | None,
    stated: Stated,
) -> None:
    """Raise `ConfigError` where the rules of a run's dates bar the market orders with which the engine closes
    positions: at the square-off, at a roll, when the kill switch says so. A position would be stranded."""
    for name, market in markets.items():
        first, last = (as_of, as_of) if as_of is not None else spans[name]
        rows = [row for rule in _UNPROTECTED for row in book.history(rule) if _concerns(row, market, first, last)]
        if any(row.item == "even_protected" for row in rows):
            raise _stranded(name, rows[0], "leave rules.pack out, or trade another instrument")
        if rows and not stated.protection:
            raise _stranded(name, rows[0], 'set execution.market_protection, a percent up to 100 or "automatic"')


def _concerns(row: Rule, market: Market, first: date, last: date) -> bool:
    instrument = market.instrument
    scope = (instrument.exchange, instrument.segment)
    return instrument.segment is not Segment.INDEX and (
        (row.exchange, row.segment) == scope and row.effective_from <= last and first < row.until
    )


def _stranded(name: str, row: Rule, fix: str) -> ConfigError:
    return ConfigError(
        f"{name}: {row.id} bars market orders from {row.effective_from} on, with which positions are closed",
        value="no market protection",
        limit=row.source,
        fix=fix,
    )


def describe(rules: RulesSection) -> list[str]:
    """The sentences that a report prints of the pack; none without one."""
    if rules.pack is None:
        return []
    judged = f"those of {rules.as_of} (rules.as_of)" if rules.as_of else "those of its own day"
    told = [f"Rules: pack {rules.pack}, every order by {judged}; what is not known refuses."]
    if rules.facts is not None and rules.facts.paper_access:
        told.append("Rules: session and address are those of a simulated venue (rules.facts.paper_access).")
    return told
