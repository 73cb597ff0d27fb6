"""Reports of a run put together: read once, cut to a day where one is asked for, each as tables and as a page."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from tradsys.compliance.surveillance.decisions import events_of_run
from tradsys.compliance.surveillance.settings import SurveillanceSettings
from tradsys.compliance.surveillance.surveillance import surveil
from tradsys.core.errors import ConfigError, ResourceError, UnknownName
from tradsys.core.units import SCALE, format_money
from tradsys.engine.instruments import calendar_of
from tradsys.engine.live_replay import open_any
from tradsys.engine.reports import drawings
from tradsys.engine.reports.account import Move, Trade, booked
from tradsys.engine.reports.algo_ids import algo_ids
from tradsys.engine.reports.assessment import Assessed, assess, assessment_sheet, counts
from tradsys.engine.reports.closes import Closes, closes_of
from tradsys.engine.reports.daily_risk import RiskDay, risk_days
from tradsys.engine.reports.evidence import Evidence, Repeated, read_drill, repeat, verified_journal
from tradsys.engine.reports.orders import OrderLife, lives, order_sheet
from tradsys.engine.reports.pages import Report, render
from tradsys.engine.reports.risk_sheets import exposure_sheet, risk_sheet
from tradsys.engine.reports.run_record import RunRecord, read_record
from tradsys.engine.reports.sheets import csv_text
from tradsys.engine.reports.trades import move_sheet, trade_sheet
from tradsys.engine.reports.violations import (
    CHANGE,
    REFUSAL,
    REJECTION,
    Violation,
    count_sheet,
    violation_sheet,
    violations,
)
from tradsys.portfolio.tear_sheet import Card
from tradsys.reference.clock import local_date

ALL, SELF_ASSESSMENT = "all", "self-assessment"
KINDS = ("orders", "trades", "violations", "risk", SELF_ASSESSMENT)
FORMATS = ("csv", "html", ALL)


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that reports are made of. `day` is the only day that they are about, None: all of the run."""

    evidence: Evidence
    closes: Closes
    assessed: Sequence[Assessed]
    as_of: date
    day: date | None = None

    @property
    def record(self) -> RunRecord:
        """The run."""
        return self.evidence.record

    @property
    def orders(self) -> list[OrderLife]:
        """Orders made on the day."""
        return [each for each in self.evidence.orders if self._is_on(each.order.at)]

    @property
    def trades(self) -> list[Trade]:
        """Trades heard of on the day."""
        return [each for each in self.evidence.booked if isinstance(each, Trade) and self._is_on(each.at)]

    @property
    def moves(self) -> list[Move]:
        """Moves without a trade on the day."""
        return [each for each in self.evidence.booked if isinstance(each, Move) and self._is_on(each.at)]

    @property
    def violations(self) -> list[Violation]:
        """Violations of the day."""
        return [each for each in self.evidence.violations if self._is_on(each.at)]

    @property
    def days(self) -> list[RiskDay]:
        """The day, or all."""
        return [each for each in self.evidence.days if self.day in (None, each.day)]

    @property
    def wrong(self) -> bool:
        """Whether anything but a refusal was found that somebody has to look at: a rejection is the venue's word, a
        refusal a control at work, a change of a limit a person's."""
        quiet = (REFUSAL, REJECTION, CHANGE)
        return any(each.kind not in quiet for each in self.violations) or any(
            each.answer.found for each in self.assessed
        )

    def _is_on(self, at: int) -> bool:
        return self.day is None or local_date(at, self.record.zone) == self.day


def gather(
    folder: Path,
    *,
    as_of: date,
    surveillance: SurveillanceSettings | None = None,
    drill: Path | None = None,
    replays: bool = True,
    assesses: bool = True,
) -> Found:
    """Read the run in a folder, backtest or live, and everything that reports say of it.

    `replays`: decide it once more; `assesses`: also answer the self-assessment, by the rows in force on `as_of`. Raises
    `MissingData` for what is no run, `DataError` and `JournalDamaged` for a damaged one, `ConfigError` for a `drill`
    that is none.
    """
    given = read_drill(drill) if drill is not None else None
    settings = surveillance or SurveillanceSettings()
    record = read_record(open_any(folder))
    closes = closes_of(record)
    orders = lives(record.entries)
    calendars = {name: calendar_of(each) for name, each in record.instruments.items()}
    finding = surveil(events_of_run(record.entries, calendars), settings, whole=False)
    evidence = Evidence(
        record=record,
        orders=list(orders.values()),
        booked=list(booked(record)),
        days=risk_days(record, closes),
        violations=violations(record, orders, finding, settings),
        finding=finding,
        surveillance=settings,
        ids=algo_ids(record.saved.settings),
        repeated=repeat(record, wanted=replays) if assesses else Repeated(verified=None, words="not asked"),
        journal=verified_journal(record) if assesses else None,
        drill=given,
    )
    return Found(
        evidence=evidence, closes=closes, assessed=assess(evidence, as_of=as_of) if assesses else (), as_of=as_of
    )


def cut(found: Found, day: date) -> Found:
    """The same about one day. Raises `ConfigError` for one that is not of the run."""
    known = [each.day for each in found.evidence.days]
    if day in known:
        return replace(found, day=day)
    limit = f"{known[0]} to {known[-1]}" if known else "a run with days"
    near = min(known, key=lambda each: abs(each - day), default=None)
    raise ConfigError(
        f"{day} is no day of the run", value=str(day), limit=limit, fix=f"the nearest is {near}" if near else ""
    )


def chosen_kinds(kind: str, *, day: bool) -> list[str]:
    """The kinds of report asked for. A self-assessment is of a whole run: `all` of a `day` leaves it out.

    Raises `UnknownName`, and `ConfigError` for the self-assessment of a day.
    """
    if kind == ALL:
        return [each for each in KINDS if not (day and each == SELF_ASSESSMENT)]
    if kind not in KINDS:
        raise UnknownName("kind of report", kind, (*KINDS, ALL), where="--kind")
    if kind == SELF_ASSESSMENT and day:
        raise ConfigError("a self-assessment is of a whole run", value="--day", fix="leave --day out")
    return [kind]


def report_of(kind: str, found: Found) -> Report:
    """One report."""
    return _MADE[kind](found)


def write(found: Found, kinds: Sequence[str], folder: Path, *, form: str) -> list[Path]:
    """Write reports into a folder, each file whole or not at all, over what is there. Raises `UnknownName` for a format
    that there is none of, `ResourceError`."""
    if form not in FORMATS:
        raise UnknownName("format", form, FORMATS, where="--format")
    saved = found.record.saved
    source = f"{saved.folder.name}: {'a live run' if saved.live else 'a backtest'} of {found.record.name}"
    texts: dict[str, str] = {}
    for kind in kinds:
        report = report_of(kind, found)
        if form != "html":
            texts |= {f"{each.name}.csv": csv_text(each) for each in report.sheets}
        if form != "csv":
            texts[f"{report.name}.html"] = render(report, source=source, period=_period(found))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in texts.items():
            draft = folder / f".{name}.unfinished"
            draft.write_text(content, encoding="utf-8", newline="")
            os.replace(draft, folder / name)
    except OSError as error:
        raise ResourceError(
            f"cannot write the reports to {folder}: {error.strerror or error}",
            value=str(folder),
            fix="choose another --out",
        ) from error
    return [folder / name for name in texts]


def summary(found: Found, kinds: Sequence[str]) -> dict[str, Any]:
    """What `tradsys audit report --json` prints, but for its files; money exact, in 1e-8."""
    days = found.days
    spoken = Counter(each.kind for each in found.violations)
    body: dict[str, Any] = {
        "run": str(found.record.saved.folder),
        "live": found.record.saved.live,
        "kinds": list(kinds),
        "from": str(days[0].day) if days else None,
        "to": str(days[-1].day) if days else None,
        "scale": SCALE,
        "currency": found.record.currency,
        "orders": len(found.orders),
        "trades": len(found.trades),
        "violations": dict(spoken),
        "refusals": dict(Counter(each.rule for each in found.violations if each.kind == REFUSAL)),
        "equity": days[-1].equity if days else None,
        "prices_missing": found.closes.missing or None,
    }
    if SELF_ASSESSMENT in kinds:
        body["self_assessment"] = {**counts(found.assessed), "as_of": str(found.as_of)}
        body["contradicted"] = [
            f"{each.requirement.regime} {each.requirement.article}: {each.answer.words}"
            for each in found.assessed
            if each.answer.found
        ]
    return body


def _period(found: Found) -> str:
    days = found.days
    if not days:
        return "no day"
    zone = f"in exchange time ({found.record.zone})"
    return f"{days[0].day} to {days[-1].day}, {zone}" if len(days) > 1 else f"{days[0].day}, {zone}"


def _orders(found: Found) -> Report:
    chosen = found.orders
    refused = sum(1 for each in chosen if each.refused is not None)
    cards = [
        Card("Orders", f"{len(chosen):,}", f"{refused:,} refused"),
        Card("Filled", f"{sum(1 for each in chosen if each.state == 'filled'):,}", "whole"),
        Card("Acknowledged", f"{sum(1 for each in chosen if each.acknowledged_at is not None):,}", "by the venue"),
        Card("Open", f"{sum(1 for each in chosen if each.ended_at is None):,}", "at the end of the record"),
    ]
    sheet = order_sheet(found.record, chosen, found.evidence.ids)
    return Report([sheet], cards, drawings.of_orders(chosen))


def _trades(found: Found) -> Report:
    chosen, moves = found.trades, found.moves
    currency = found.record.currency
    charges = sum(each.charges for each in chosen)
    cash = sum(each.cash for each in chosen) + sum(each.cash for each in moves)
    cards = [
        Card("Trades", f"{len(chosen):,}", f"{len({each.fill.order_id for each in chosen}):,} orders"),
        Card("Charges", format_money(charges, currency), "all items"),
        Card("Cash moved", format_money(cash, currency), "by trades and moves, charges taken off"),
        Card("Moves without a trade", f"{len(moves):,}", "dividends, funding, splits"),
    ]
    sheets = [trade_sheet(found.record, chosen, found.evidence.ids), move_sheet(found.record, moves)]
    return Report(sheets, cards, drawings.of_trades(chosen))


def _violations(found: Found) -> Report:
    chosen = found.violations
    spoken = Counter(each.kind for each in chosen)
    cards = [
        Card("Refusals", f"{spoken[REFUSAL]:,}", "orders that our own rules stopped"),
        Card("Kill switch", f"{spoken['kill_switch']:,}", "changes of the safety level"),
        Card("Strays and halts", f"{spoken['stray'] + spoken['halt']:,}", "fills of no order, strategies halted"),
        Card("Surveillance", f"{spoken['surveillance']:,}", "findings at or above their threshold"),
    ]
    sheets = [violation_sheet(found.record, chosen), count_sheet(found.record, chosen)]
    return Report(sheets, cards, drawings.of_violations(chosen))


def _risk(found: Found) -> Report:
    days, currency = found.days, found.record.currency
    notes = [f"Priced by own fills alone: {found.closes.missing}"] if found.closes.missing else []
    sheets = [risk_sheet(found.record, days), exposure_sheet(found.record, days)]
    cards = _risk_cards(days, currency) if days else []
    # One day is looked at beside those before it.
    until = found.day or date.max
    return Report(sheets, cards, drawings.of_risk([each for each in found.evidence.days if each.day <= until]), notes)


def _risk_cards(days: Sequence[RiskDay], currency: str) -> list[Card]:
    last = days[-1]
    profit = sum(each.profit for each in days)
    tail = last.tails[0.95]
    words = "–" if tail.undefined else format_money(round(tail.value_at_risk * SCALE), currency)
    tone = "gain" if profit > 0 else "loss" if profit < 0 else ""
    return [
        Card("Profit", format_money(profit, currency), f"over {len(days):,} days, charges taken off", tone),
        Card("Equity", format_money(last.equity, currency), f"at the close of {last.day}"),
        Card("Value at risk 95 %", words, tail.undefined or "of the next day"),
        Card("Deepest drawdown", f"{min(each.drawdown for each in days):.2%}", "between closes"),
        Card("Gross exposure", format_money(last.gross, currency), f"net {format_money(last.net, currency)}"),
        Card("Orders", f"{sum(each.orders for each in days):,}", f"{sum(each.trades for each in days):,} trades"),
        Card("Refusals", f"{sum(sum(each.refused.values()) for each in days):,}", "by our own rules"),
        Card("Safety level", max(each.level for each in days).name, "the highest"),
    ]


def _assessment(found: Found) -> Report:
    spoken = counts(found.assessed)
    wrong = [each for each in found.assessed if each.answer.found]
    cards = [Card(status.capitalize(), f"{count:,}", "requirements") for status, count in spoken.items()]
    cards.append(Card("Contradicted", f"{len(wrong):,}", "the record shows the opposite", "loss" if wrong else ""))
    notes = [f"{each.requirement.item}: {each.answer.words}" for each in wrong]
    return Report([assessment_sheet(found.record, found.assessed, as_of=found.as_of)], cards, (), notes)


_MADE = {
    "orders": _orders,
    "trades": _trades,
    "violations": _violations,
    "risk": _risk,
    SELF_ASSESSMENT: _assessment,
}
