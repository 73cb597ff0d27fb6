"""`[rules.facts]` of a run file, read and checked: what the user of a run says and the run cannot know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tradsys.compliance.sebi.facts import AUTOMATIC
from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.units import DAY, SCALE, from_text
from tradsys.engine.paths import find_path
from tradsys.engine.ruled.dated_facts import OTHERS, DatedFacts, read_facts
from tradsys.engine.ruled.facts import DYNAMIC, Stated
from tradsys.engine.run_file import FACT_FILES, ExecutionSection, FactsSection
from tradsys.engine.settings import Settings
from tradsys.exchange.models import price_band
from tradsys.reference.dated import DatedRow
from tradsys.reference.phases import clock_time

_STRATEGIES = ("strategy", "exchange")
_AUTOMATIC = "automatic"
_HUNDREDTHS = 100


def stated_facts(settings: Settings) -> Stated:
    """What the run file says, its files read.

    Raises `ConfigError` for what is no percent, time of day, quantity, band or list, `MissingData` for a file that is
    not there.
    """
    run, given = settings.run, settings.run.rules.facts or FactsSection()
    if given.login is not None:
        _demand_clock(given.login)
    return Stated(
        paper_access=given.paper_access,
        generic_algo_id=given.generic_algo_id,
        address=given.address,
        registered_addresses=None if given.registered_addresses is None else tuple(given.registered_addresses),
        login=given.login,
        protection=protection_of(run.execution),
        band=price_band(run.execution.price_band) if run.execution.price_band else None,
        registrations=_file(settings, given.registrations, _demand_code, keys=_STRATEGIES, extra=("code",)),
        surveillance=_file(settings, given.surveillance, None),
        ban_list=_file(settings, given.ban_list, _demand_answer),
        market_wide_limits=_file(settings, given.market_wide_limits, _demand_quantity),
        freeze_quantities=_file(settings, given.freeze_quantities, _demand_quantity),
        price_bands=_file(settings, given.price_bands, _demand_band),
    )


def fact_files(settings: Settings) -> Iterator[Path]:
    """The files that `[rules.facts]` names."""
    given = settings.run.rules.facts or FactsSection()
    for key in FACT_FILES:
        text = getattr(given, key)
        if text is not None:
            yield Path(find_path(text, folder=settings.folder))


def protection_of(execution: ExecutionSection) -> int:
    """`execution.market_protection` in hundredths of a percent, 0 for none. Raises `ConfigError`, `UnknownName`."""
    given = execution.market_protection
    if given is None:
        return 0
    if isinstance(given, str):
        if given != _AUTOMATIC:
            raise UnknownName("market protection", given, (_AUTOMATIC,), where="execution.market_protection")
        return AUTOMATIC
    if not 0 < round(given * _HUNDREDTHS) <= 100 * _HUNDREDTHS:
        raise ConfigError("execution.market_protection out of range", value=given, limit="above 0 to 100 percent")
    return round(given * _HUNDREDTHS)


def _file(
    settings: Settings,
    text: str | None,
    demand: Callable[[DatedRow], None] | None,
    *,
    keys: tuple[str, ...] = ("instrument",),
    extra: tuple[str, ...] = (),
) -> DatedFacts:
    if text is None:
        return DatedFacts()
    found = read_facts(Path(find_path(text, folder=settings.folder)), keys=keys, extra=extra)
    if demand is not None:
        for row in found.rows():
            demand(row)
    return found


def _demand_code(row: DatedRow) -> None:
    if row.key[0] == OTHERS:
        raise _wrong(row, "the name of a strategy")


def _demand_answer(row: DatedRow) -> None:
    if row.value not in ("yes", "no"):
        raise _wrong(row, "yes or no")


def _demand_quantity(row: DatedRow) -> None:
    if row.key[0] == OTHERS:
        raise _wrong(row, "one instrument's own: no two are alike")
    if _number(row) <= 0:
        raise _wrong(row, "units above 0")


def _demand_band(row: DatedRow) -> None:
    if row.value != DYNAMIC and not 0 < _number(row) < 100 * SCALE:
        raise _wrong(row, f"a percent above 0 and below 100, or {DYNAMIC}")


def _number(row: DatedRow) -> int:
    try:
        return from_text(row.value)
    except ConfigError as error:
        raise _wrong(row, "a number") from error


def _wrong(row: DatedRow, limit: str) -> ConfigError:
    where = f"{' '.join(row.key)} from {row.effective_from}"
    return ConfigError(f"rules.facts: {where}: not {limit}", value=row.value, limit=limit, fix="correct the row")


def _demand_clock(text: str) -> None:
    try:
        known = 0 <= clock_time(text) < DAY
    except ValueError:
        known = False
    if not known:
        raise ConfigError("rules.facts.login is no time of day", value=text, limit="HH:MM", fix='login = "08:30"')
