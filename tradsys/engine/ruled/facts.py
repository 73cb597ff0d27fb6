"""What rules ask of a run, answered by its markets, its account, its counts, and what its user wrote down.

Nothing is assumed: without a previous close there is no band, without a row no ban list, without `[rules.facts]` no
session and no address. Those answers are `UNKNOWN`, and refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

import msgspec

from tradsys.compliance.sebi.facts import UNKNOWN, Band, Exposure, Messages, Registration, Unknown
from tradsys.compliance.sebi.rule_check import india_day
from tradsys.core.errors import UncoveredDate
from tradsys.core.events import Order
from tradsys.core.instruments import Instrument
from tradsys.core.units import DAY, from_text
from tradsys.engine.markets import Market
from tradsys.engine.ruled.dated_facts import DatedFacts
from tradsys.engine.ruled.exposure import Exposures
from tradsys.engine.ruled.traffic import Traffic
from tradsys.exchange.models import PriceBand, price_band
from tradsys.reference.dated import DatedRow
from tradsys.reference.sessions import INDIA_OFFSET, instant, to_date
from tradsys.reference.ticks import price_bands

PAPER = "paper"
"""The address of a run whose user says that its venue is a simulated one."""

DYNAMIC = "dynamic"
"""The band of a share with derivatives, in a file of price bands."""

K = TypeVar("K")
T = TypeVar("T")
_NONE = "none"


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """What the user of a run wrote down (`[rules.facts]`), read and checked.

    `protection` is in hundredths of a percent, 0 for none; `band` that of the run's venue where the run file gives one.
    """

    paper_access: bool = False
    generic_algo_id: bool = False
    address: str | None = None
    registered_addresses: tuple[str, ...] | None = None
    login: str | None = None
    protection: int = 0
    band: PriceBand | None = None
    registrations: DatedFacts = DatedFacts()
    surveillance: DatedFacts = DatedFacts()
    ban_list: DatedFacts = DatedFacts()
    market_wide_limits: DatedFacts = DatedFacts()
    freeze_quantities: DatedFacts = DatedFacts()
    price_bands: DatedFacts = DatedFacts()


class RunFacts:
    """`tradsys.compliance.sebi.facts.Facts` of a run. `codes` are the hashes of the strategies' code by their names;
    dynamic bands are those of the rules of `as_of`, or of the day."""

    def __init__(
        self,
        stated: Stated,
        *,
        markets: Mapping[str, Market],
        traffic: Traffic,
        exposures: Exposures,
        codes: Mapping[str, str],
        as_of: date | None = None,
    ) -> None:
        self._stated = stated
        self._as_of = as_of
        self._markets = markets
        self._traffic = traffic
        self._exposures = exposures
        self._codes = codes
        self._address = self._access(stated.address, PAPER)
        self._addresses = self._access(stated.registered_addresses, (PAPER,))
        self._login, self._paper = stated.login, stated.paper_access
        self._begins = self._ends = 0
        self._registered = _Today(self._registration)
        self._measures: _Today[str, str | Unknown] = _Today(
            lambda name, day: _known(stated.surveillance.on(day, name), _measure)
        )
        self._bans: _Today[str, bool | Unknown] = _Today(
            lambda name, day: _known(stated.ban_list.on(day, name), _is_banned)
        )
        self._wide: _Today[str, int | Unknown] = _Today(
            lambda name, day: _known(stated.market_wide_limits.on(day, name), _units)
        )
        self._freezes: _Today[str, int | Unknown] = _Today(
            lambda name, day: _known(stated.freeze_quantities.on(day, name), _units)
        )
        self._models = _Today(self._band_model)
        self._bands: dict[str, tuple[int, Band]] = {}

    def _turn(self, at: int) -> None:
        """Another day: what was looked up is looked up anew."""
        day = india_day(at)
        self._begins = day * DAY - INDIA_OFFSET
        self._ends = self._begins + DAY
        self._bands.clear()
        for each in (self._registered, self._measures, self._bans, self._wide, self._freezes, self._models):
            each.turn(to_date(day))

    def registration(self, strategy: str, instrument: Instrument, at: int) -> Registration | Unknown:
        """By the file of registrations, else the generic id where the user said so."""
        if not self._begins <= at < self._ends:
            self._turn(at)
        return self._registered[strategy, instrument.exchange]

    def _registration(self, key: tuple[str, str], day: date) -> Registration | Unknown:
        row = self._stated.registrations.on(day, *key)
        if row is None:
            return Registration() if self._stated.generic_algo_id else UNKNOWN
        code = self._codes.get(key[0], "")
        return Registration(algo_id=row.value, registered_hash=row.fields["code"], code_hash=code)

    def market_protection(self, order: Order) -> int | Unknown:
        """`execution.market_protection`, the same for every order."""
        return self._stated.protection

    def address(self, at: int) -> str | Unknown:
        """As given, or the simulated one."""
        return self._address

    def registered_addresses(self, at: int) -> tuple[str, ...] | Unknown:
        """As given, or the simulated one."""
        return self._addresses

    def logged_in_at(self, at: int) -> int | Unknown:
        """The last daily log-in; of a simulated venue this very moment."""
        clock = self._login
        if clock is None:
            return at if self._paper else UNKNOWN
        today = instant(india_day(at), clock)
        return today if today <= at else today - DAY

    def _access(self, given: T | None, paper: T) -> T | Unknown:
        if given is not None:
            return given
        return paper if self._stated.paper_access else UNKNOWN

    def band(self, instrument: str, at: int) -> Band | Unknown:
        """By its row in the file of bands, else by the venue's band, around the previous close. Not modelled: how a
        dynamic band moves within the day."""
        if not self._begins <= at < self._ends:
            self._turn(at)
        base = self._markets[instrument].previous_close
        kept = self._bands.get(instrument)
        if kept is not None and kept[0] == base:
            return kept[1]
        model = self._models[instrument]
        if model is UNKNOWN or base <= 0:
            return UNKNOWN
        low, high = model.limits(base, tick=self._markets[instrument].instrument.tick_at(at))
        self._bands[instrument] = (base, Band(low=low, high=high))
        return self._bands[instrument][1]

    def _band_model(self, name: str, day: date) -> PriceBand | Unknown:
        row = self._stated.price_bands.on(day, name)
        if row is not None:
            return _band(row, self._as_of or day)
        return UNKNOWN if self._stated.band is None else self._stated.band

    def reference_price(self, instrument: str, at: int) -> int | Unknown:
        """The last price of today. Not modelled: the average over the refresh interval."""
        if not self._begins <= at < self._ends:
            self._turn(at)
        market = self._markets[instrument]
        bar = market.bar
        if market.seen_at >= self._begins or (bar is not None and bar.at >= self._begins):
            return market.price
        return UNKNOWN

    def freeze_quantity(self, instrument: str, at: int) -> int | Unknown:
        """By its row in the file."""
        if not self._begins <= at < self._ends:
            self._turn(at)
        return self._freezes[instrument]

    def banned(self, underlying: str, at: int) -> bool | Unknown:
        """By its row in the file."""
        if not self._begins <= at < self._ends:
            self._turn(at)
        return self._bans[underlying]

    def exposure(self, order: Order, instrument: Instrument) -> Exposure | Unknown:
        """See `Exposures`."""
        return self._exposures.after(order, instrument)

    def market_wide_limit(self, underlying: str, at: int) -> int | Unknown:
        """By its row in the file."""
        if not self._begins <= at < self._ends:
            self._turn(at)
        return self._wide[underlying]

    def surveillance(self, instrument: str, at: int) -> str | Unknown:
        """By its row in the file; `none` there is no measure."""
        if not self._begins <= at < self._ends:
            self._turn(at)
        return self._measures[instrument]

    def messages(self, instrument: Instrument, at: int) -> Messages | Unknown:
        """Counted in this run: of another run of the same member nothing is known."""
        return self._traffic.messages(instrument.exchange, at)

    def own_orders(self, instrument: str, at: int) -> tuple[Order, ...] | Unknown:
        """Those of this run; see `Traffic.own`."""
        own = self._traffic.own(instrument)
        return tuple([live.order for live in own]) if own else ()


class _Today(dict[K, T]):
    """What holds today, looked up once."""

    def __init__(self, look_up: Callable[[K, date], T]) -> None:
        super().__init__()
        self._look_up = look_up
        self._day = date.min

    def turn(self, day: date) -> None:
        """Another day begins."""
        self.clear()
        self._day = day

    def __missing__(self, key: K) -> T:
        found = self[key] = self._look_up(key, self._day)
        return found


def _known(row: DatedRow | None, read: Callable[[DatedRow], T]) -> T | Unknown:
    return UNKNOWN if row is None else read(row)


def _measure(row: DatedRow) -> str:
    return "" if row.value == _NONE else row.value


def _is_banned(row: DatedRow) -> bool:
    return row.value == "yes"


def _units(row: DatedRow) -> int:
    return from_text(row.value)


def _band(row: DatedRow, day: date) -> PriceBand | Unknown:
    """The band of a row, a dynamic one by the rules of a date; unknown where they have none."""
    if row.value != DYNAMIC:
        return price_band(float(row.value) / 100)
    try:
        return price_band(price_bands("dynamic", day)[0] / 100)
    except UncoveredDate:
        return UNKNOWN
