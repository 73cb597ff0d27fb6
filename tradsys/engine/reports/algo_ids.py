"""The id by which an exchange knows the algorithm of an order, as far as the run file says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tradsys.compliance.sebi.book import sebi_rules
from tradsys.compliance.sebi.rule_check import india_day
from tradsys.core.errors import InputRefused
from tradsys.core.instruments import Instrument
from tradsys.engine.assemble import date_of
from tradsys.engine.paths import find_path
from tradsys.engine.ruled.dated_facts import DatedFacts, read_facts
from tradsys.engine.settings import Settings
from tradsys.reference.sessions import to_date

_RULE, _ITEM = "sebi-algo-id", "generic"


class AlgoIds:
    """By strategy, instrument and date: as registered, else the generic id where the run file states it, else empty."""

    def __init__(self, registered: DatedFacts, *, generic: bool, as_of: date | None = None) -> None:
        self._registered = registered
        self._book = sebi_rules() if generic else None
        self._as_of = as_of
        self._known: dict[tuple[str, str, date], str] = {}

    def of(self, strategy: str, instrument: Instrument, at: int) -> str:
        """The id of an order made at an instant (UTC nanoseconds)."""
        key = (strategy, instrument.exchange, to_date(india_day(at)))
        if key not in self._known:
            row = self._registered.on(key[2], strategy, instrument.exchange)
            self._known[key] = row.value if row else self._generic_id(instrument, key[2])
        return self._known[key]

    def _generic_id(self, instrument: Instrument, day: date) -> str:
        if self._book is None:
            return ""
        found = self._book.in_force(_RULE, self._as_of or day, exchange=instrument.exchange, segment=instrument.segment)
        return found[_ITEM].value if _ITEM in found else ""


def algo_ids(settings: Settings) -> AlgoIds:
    """Those that a run file states; a file of registrations that cannot be read any more states none."""
    facts = settings.run.rules.facts
    if facts is None:
        return AlgoIds(DatedFacts(), generic=False)
    registered = DatedFacts()
    if facts.registrations is not None:
        path = Path(find_path(facts.registrations, folder=settings.folder))
        try:
            registered = read_facts(path, keys=("strategy", "exchange"), extra=("code",))
        except InputRefused:
            registered = DatedFacts()
    as_of = date_of("rules.as_of", settings.run.rules.as_of)
    return AlgoIds(registered, generic=facts.generic_algo_id, as_of=as_of)
