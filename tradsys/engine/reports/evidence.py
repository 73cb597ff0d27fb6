"""What a run's record shows of the controls that it ran under: gathered once, then asked by `controls`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from tradsys.compliance.sebi.book import sebi_rules
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import Finding
from tradsys.core.errors import ConfigError, InputRefused, InvariantBroken, MissingData, ResourceError
from tradsys.engine import live_replay
from tradsys.engine.assemble import date_of
from tradsys.engine.instruments import INDIAN
from tradsys.engine.live_journal import store_in
from tradsys.engine.replay import replay
from tradsys.engine.reports.account import Move, Trade
from tradsys.engine.reports.algo_ids import AlgoIds
from tradsys.engine.reports.daily_risk import RiskDay
from tradsys.engine.reports.orders import OrderLife
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.reports.violations import REFUSAL, Violation
from tradsys.execution.flattening_parts import FlatReport
from tradsys.journal.audit import Verdict, verify

ABROAD = "no instrument of the run is Indian"


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the attempt to decide all of a run once more: `verified` is None where it could not be made."""

    verified: bool | None
    words: str
    code_changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run and everything found in it. `journal` is None for a backtest, `drill` unless one was given."""

    record: RunRecord
    orders: Sequence[OrderLife]
    booked: Sequence[Trade | Move]
    days: Sequence[RiskDay]
    violations: Sequence[Violation]
    finding: Finding
    surveillance: SurveillanceSettings
    ids: AlgoIds
    repeated: Repeated
    journal: Verdict | None
    drill: FlatReport | None

    @property
    def live(self) -> bool:
        """Whether the run was a live one."""
        return self.record.saved.live

    @property
    def indian(self) -> bool:
        """Whether any instrument of the run trades in India."""
        return any(each.exchange in INDIAN for each in self.record.instruments.values())

    @property
    def approved(self) -> list[OrderLife]:
        """Orders that passed every check."""
        return [each for each in self.orders if each.refused is None]

    def settings(self, *patterns: str) -> list[str]:
        """`key = value` of what the run file sets and a pattern of dotted keys fits. What watches only a live run
        (`venue.`, `safety.`) says nothing of a backtest."""
        return [
            f"{key} = {value}"
            for key, value in _leaves("", self.record.saved.manifest["configuration"])
            if value not in (None, 0, 0.0, "", False)
            and any(fnmatchcase(key, pattern) for pattern in patterns)
            and (self.live or not key.startswith(("venue.", "safety.")))
        ]

    def pack(self, *rules: str) -> list[str]:
        """Those of the rules that the run's pack has in force for an instrument of the run, by the rules of the run's
        date or of its last day."""
        if not self.settings("rules.pack"):
            return []
        as_of = date_of("rules.as_of", self.record.saved.settings.run.rules.as_of)
        day = as_of or (self.days[-1].day if self.days else date.max)
        book, listed = sebi_rules(), self.record.instruments.values()
        return [
            f"{rule} of rules.pack"
            for rule in rules
            if any(book.in_force(rule, day, exchange=each.exchange, segment=each.segment) for each in listed)
        ]

    def refusals(self, *patterns: str) -> list[str]:
        """`n refusals by RULE` of the rules that a pattern fits."""
        counts = Counter(each.rule for each in self.violations if each.kind == REFUSAL)
        return [
            f"{count} refusals by {rule}"
            for rule, count in sorted(counts.items())
            if any(fnmatchcase(rule, pattern) for pattern in patterns)
        ]


def repeat(record: RunRecord, *, wanted: bool) -> Repeated:
    """Decide the whole run once more and compare. Data or strategies that are gone, and a journal that the program as
    it is would not write, are an answer."""
    if not wanted:
        return Repeated(verified=None, words="the replay was left out (--skip-replay)")
    saved = record.saved
    try:
        found = live_replay.replayed(saved, verify=True) if saved.live else replay(saved).verdict()
    except (InputRefused, ResourceError, InvariantBroken) as problem:
        return Repeated(verified=None, words=f"the run could not be replayed: {problem.message}")
    same, lines = found["identical"], found["decisions"]
    return Repeated(
        verified=bool(found["verified"]),
        words=f"replayed: {same:,} of {lines:,} decisions identical",
        code_changed=tuple(found["code_changed"]),
    )


def verified_journal(record: RunRecord) -> Verdict | None:
    """Every record, the chain and the seals of a live run's journal, checked; None of a backtest."""
    if not record.saved.live:
        return None
    store = store_in(record.saved.folder)
    return verify(store.disk, source=store.read)


def read_drill(path: Path) -> FlatReport:
    """What `tradsys kill --drill --json` printed. Raises `MissingData`, `ConfigError` for a file that holds none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=FlatReport)
    except OSError as error:
        raise MissingData(
            f"no report of a drill at {path}: {error.strerror}",
            value=str(path),
            fix="tradsys kill --drill --json > drill.json",
        ) from None
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"{path} is no report of a drill: {error}", value=str(path), fix="tradsys kill --drill --json > drill.json"
        ) from None


def final_of(saved_final: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    """Quantities that the manifest of a backtest ends with, by strategy, instrument and product."""
    return {
        (each["strategy"], each["instrument"], each["product"]): each["quantity"] for each in saved_final["positions"]
    }


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Dotted keys and their values, through tables and lists."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(f"{key}.{name}" if key else str(name), part)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _leaves(f"{key}.{number}", part)
    else:
        yield key, value
