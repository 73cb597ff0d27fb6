"""The exchange's id of an algorithm: as registered on the day, else the generic one where it is stated, else none."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.unit.engine.reports.lines import BEGIN, NAME, record_of
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import DAY
from tradsys.engine.reports.algo_ids import AlgoIds, algo_ids
from tradsys.engine.run_file import FactsSection, RulesSection

RECORD = record_of([])
SHARE = RECORD.instruments[NAME]
ABROAD = Instrument(id="US:A", exchange="US", symbol="A", segment=Segment.EQUITY)


def stated(facts: FactsSection | None, *, as_of: str | None = None) -> AlgoIds:
    run = msgspec.structs.replace(RECORD.saved.settings.run, rules=RulesSection(facts=facts, as_of=as_of))
    return algo_ids(msgspec.structs.replace(RECORD.saved.settings, run=run))


def test_nothing_is_stated() -> None:
    assert stated(None).of("plan", SHARE, BEGIN) == ""
    assert stated(FactsSection()).of("plan", SHARE, BEGIN) == ""


def test_the_generic_id_is_that_of_the_rules_in_force() -> None:
    facts = FactsSection(generic_algo_id=True)
    assert stated(facts).of("plan", SHARE, BEGIN) == "", "the rule is of 2026, the order of 2024"
    assert stated(facts, as_of="2026-11-21").of("plan", SHARE, BEGIN) == "99999"
    assert stated(facts, as_of="2026-11-21").of("plan", ABROAD, BEGIN) == ""


def test_a_registered_one_holds_from_its_date_and_for_its_strategy(tmp_path: Path) -> None:
    path = tmp_path / "registrations.csv"
    path.write_text(
        "strategy,exchange,value,code,effective_from,effective_to,source\n"
        "plan,NSE,1234,aa,2024-06-03,2024-06-05,letter of the broker\n"
    )
    ids = stated(FactsSection(registrations=str(path)))
    assert [ids.of("plan", SHARE, BEGIN + days * DAY) for days in (-1, 0, 1, 2)] == ["", "1234", "1234", ""]
    assert ids.of("other", SHARE, BEGIN) == ""
    path.unlink()
    assert stated(FactsSection(registrations=str(path))).of("plan", SHARE, BEGIN) == ""
