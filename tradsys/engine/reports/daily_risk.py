"""Each day of a run as a risk manager wants it: profit, exposure, concentration, drawdown, value at risk, margin.

All money is exact; value at risk is of what is held at the close, over the moves of the last `WINDOW` days of the run's
own data up to that day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import TypeVar

import msgspec
import numpy as np

from tradsys.core.events import Approved, CancelRequested, CorporateAction, Entry, Fill, Refused, Stray
from tradsys.core.instruments import Segment
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import DAY, SCALE
from tradsys.engine.assemble import date_of
from tradsys.engine.bookings import booked_lines
from tradsys.engine.reports.account import AccountFold, Trade
from tradsys.engine.reports.closes import Closes
from tradsys.engine.reports.margin import MarginInUse, margin_in_use
from tradsys.engine.reports.run_record import RunRecord, SafetyChange
from tradsys.engine.run_parts import dated_margins
from tradsys.engine.standing import MarginRate
from tradsys.numerics.tail_risk import TailRisk, not_defined
from tradsys.portfolio.ledger import Items
from tradsys.reference.clock import local_days, to_utc
from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import Portfolio, Position
from tradsys.risk.measures.report import measure

WINDOW = 250
"""Daily moves that value at risk is taken from."""

T = TypeVar("T")

CLOSE, OWN_FILL = "close", "own fill"
CONFIDENCES = (0.95, 0.99)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one instrument at a close, over all strategies: money in 1e-8. `gross` adds up the positions of
    strategies and products without their signs. `priced_by` says where the price is from."""

    instrument: str
    quantity: int
    price: int
    priced_by: str
    net: int
    gross: int


class RiskDay(msgspec.Struct, frozen=True, kw_only=True):
    """One day at its close; money in 1e-8. `profit` is the change of equity since the close before. `drawdown` is the
    fraction below the highest close so far, 0 or negative. `tails` by confidence: of the day after, a loss positive."""

    number: int
    equity: int
    profit: int
    charges: int
    held: tuple[Held, ...]
    drawdown: float
    tails: dict[float, TailRisk]
    normal: dict[float, TailRisk]
    herfindahl: float
    margin: MarginInUse
    refused: dict[str, int]
    orders: int
    cancels: int
    trades: int
    raised: int
    level: SafetyLevel

    @property
    def day(self) -> date:
        """The date where the exchange is."""
        return date(1970, 1, 1) + timedelta(self.number)

    @property
    def gross(self) -> int:
        """Of all instruments, without signs."""
        return sum(each.gross for each in self.held)

    @property
    def net(self) -> int:
        """Long less short."""
        return sum(each.net for each in self.held)

    @property
    def largest(self) -> Held | None:
        """The instrument with the largest gross exposure; None where nothing is held."""
        return max(self.held, key=lambda each: each.gross, default=None)

    @property
    def order_to_trade(self) -> float:
        """(orders + cancels) / max(trades, 1): every message counts, none is exempt."""
        return (self.orders + self.cancels) / max(self.trades, 1)


def risk_days(record: RunRecord, closes: Closes) -> list[RiskDay]:
    """Every day of the run: those of its data and those on which its log says anything. Empty where neither has one.

    Raises what booking the log raises.
    """
    return _Days(record, closes).all()


class _Days:
    def __init__(self, record: RunRecord, closes: Closes) -> None:
        self._record, self._closes = record, closes
        self._entries, self._instruments = record.own
        self._fold = AccountFold(self._instruments, cash=record.start, currency=record.currency)
        self._rate = _rate_of(record)
        self._priced: dict[str, tuple[int, str]] = {}
        """Instant and source of each mark."""
        self._peak = self._equity = record.start
        self._charges = 0
        self._level = SafetyLevel.NORMAL

    def all(self) -> list[RiskDay]:
        """Day after day."""
        record = self._record
        numbers = _days_of([each.at for each in record.entries], record.zone)
        day_of = {entry.seq: day for entry, day in zip(record.entries, numbers, strict=True)}
        lines = _grouped(record.entries, numbers)
        changes = _grouped(record.safety, _days_of([each.at for each in record.safety], record.zone))
        booked = list(booked_lines(self._entries))
        bookings = _grouped(booked, [day_of[entry.seq] for entry, _ in booked])
        days = sorted({*lines, *changes, *self._closes.days})
        return [self._day(day, lines.get(day, ()), bookings.get(day, ()), changes.get(day, ())) for day in days]

    def _day(
        self,
        day: int,
        entries: Sequence[Entry],
        bookings: Sequence[tuple[Entry, Items]],
        changes: Sequence[SafetyChange],
    ) -> RiskDay:
        levels = [self._level, *(each.level for each in changes)]
        self._level = levels[-1]
        for entry, items in bookings:
            self._book(entry, items)
        self._mark(day)
        ledger, before = self._fold.ledger, self._equity
        equity = self._equity = ledger.equity()
        self._peak = max(self._peak, equity)
        charges, self._charges = ledger.charges - self._charges, ledger.charges
        held = self._held()
        tails, normal, herfindahl = self._risk(day, held)
        kinds = Counter(type(each.body) for each in entries)
        return RiskDay(
            number=day,
            equity=equity,
            profit=equity - before,
            charges=charges,
            held=held,
            drawdown=equity / self._peak - 1.0,
            tails=tails,
            normal=normal,
            herfindahl=herfindahl,
            margin=margin_in_use(
                ledger.open_positions.values(), ledger.marks, self._rate, at=_end_of(day, self._record.zone)
            ),
            refused=dict(Counter(each.body.rule for each in entries if isinstance(each.body, Refused))),
            orders=kinds[Approved],
            cancels=kinds[CancelRequested],
            trades=kinds[Fill] + kinds[Stray],
            raised=sum(after > low for low, after in pairwise(levels)),
            level=max(levels),
        )

    def _book(self, entry: Entry, items: Items) -> None:
        for done in self._fold.take(entry, items):
            if isinstance(done, Trade):
                self._priced[done.fill.instrument] = (done.at, OWN_FILL)
                self._fold.ledger.mark(done.fill.instrument, done.fill.price)
        if isinstance(entry.body, CorporateAction):
            # A close of before says nothing of the new shares; the ledger has turned its mark into theirs.
            _, source = self._priced.get(entry.body.instrument, (0, OWN_FILL))
            self._priced[entry.body.instrument] = (entry.at, source)

    def _mark(self, day: int) -> None:
        """Value what is open at the last close, unless our own mark is later."""
        for held in self._fold.ledger.open_positions.values():
            name = held.instrument.id
            close = self._closes.last(name, day)
            if close is not None and close.at >= self._priced.get(name, (0, ""))[0]:
                self._fold.ledger.mark(name, close.price)
                self._priced[name] = (close.at, CLOSE)

    def _held(self) -> tuple[Held, ...]:
        ledger = self._fold.ledger
        found: dict[str, Held] = {}
        for position in ledger.open_positions.values():
            name = position.instrument.id
            price = ledger.marks[name]
            value = position.value(price)
            known = found.get(name)
            found[name] = Held(
                instrument=name,
                quantity=position.quantity + (known.quantity if known else 0),
                price=price,
                priced_by=self._priced[name][1],
                net=value + (known.net if known else 0),
                gross=abs(value) + (known.gross if known else 0),
            )
        return tuple(found[name] for name in sorted(found))

    def _risk(self, day: int, held: Sequence[Held]) -> tuple[dict[float, TailRisk], dict[float, TailRisk], float]:
        """Value at risk of what is held, historical and normal, and how concentrated it is."""
        reason = self._reason_against(held)
        if reason:
            nothing = dict.fromkeys(CONFIDENCES, not_defined(reason))
            return nothing, nothing, _herfindahl(held)
        instruments = self._instruments
        portfolio = Portfolio(
            [
                Position(
                    instrument=each.instrument,
                    quantity=each.quantity / SCALE,
                    price=each.price / SCALE,
                    multiplier=instruments[each.instrument].multiplier,
                    currency=self._record.currency,
                )
                for each in held
            ]
        )
        days = self._closes.days_of([each.instrument for each in held], until=day)[-WINDOW - 1 :]
        history = History.from_prices({each.instrument: self._closes.history(each.instrument, days) for each in held})
        report = measure(portfolio, history=history, equity=self._equity / SCALE, confidences=CONFIDENCES)
        return (
            {each: report.at[each].by_method["historical"] for each in CONFIDENCES},
            {each: report.at[each].by_method["normal"] for each in CONFIDENCES},
            _herfindahl(held),
        )

    def _reason_against(self, held: Sequence[Held]) -> str:
        if not held:
            return "nothing held"
        if self._closes.missing:
            return self._closes.missing
        options = [each.instrument for each in held if self._instruments[each.instrument].segment in _OPTIONS]
        return f"{options[0]}: delta and implied volatility of an option are not in the record" if options else ""


_OPTIONS = frozenset({Segment.OPTION})


def _herfindahl(held: Iterable[Held]) -> float:
    """Sum of the squared shares of gross exposure; NaN where nothing is held."""
    shares = [each.gross for each in held]
    total = sum(shares)
    return sum((each / total) ** 2 for each in shares) if total else float("nan")


def _rate_of(record: RunRecord) -> MarginRate:
    run = record.saved.settings.run
    return dated_margins(fixed=date_of("rules.as_of", run.rules.as_of), leverage=run.risk.intraday_leverage)


def _days_of(times: Sequence[int], zone: str) -> list[int]:
    """Days since 1970 of instants in order; one that goes back counts with the latest before it."""
    found: list[int] = local_days(np.maximum.accumulate(np.array(times, np.int64)), zone).tolist()
    return found


def _grouped(items: Iterable[T], days: Iterable[int]) -> dict[int, list[T]]:
    found: dict[int, list[T]] = {}
    for item, day in zip(items, days, strict=True):
        found.setdefault(day, []).append(item)
    return found


def _end_of(day: int, zone: str) -> int:
    """The last nanosecond of a day where the exchange is."""
    return int(to_utc(np.array([(day + 1) * DAY - 1], np.int64), zone)[0])
