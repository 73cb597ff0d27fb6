"""The daily risk report as tables: one row a day, one row a day and instrument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tradsys.engine.reports.daily_risk import CONFIDENCES, WINDOW, RiskDay
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.reports.sheets import Heading, Sheet

HEADINGS = (
    Heading("date", "date"),
    Heading("equity", "money", "Equity at close"),
    Heading("profit", "money", "Profit of the day"),
    Heading("charges", "money"),
    Heading("gross_exposure", "money"),
    Heading("net_exposure", "money"),
    Heading("largest_instrument"),
    Heading("largest_share", "share", "Its share of gross"),
    Heading("herfindahl", "figure", "Herfindahl index"),
    Heading("drawdown", "share"),
    Heading("value_at_risk_95", "estimate", "Value at risk 95 %"),
    Heading("expected_shortfall_95", "estimate", "Expected shortfall 95 %"),
    Heading("value_at_risk_99", "estimate", "Value at risk 99 %"),
    Heading("expected_shortfall_99", "estimate", "Expected shortfall 99 %"),
    Heading("normal_value_at_risk_99", "estimate", "Normal value at risk 99 %"),
    Heading("normal_expected_shortfall_99", "estimate", "Normal expected shortfall 99 %"),
    Heading("margin_in_use", "money"),
    Heading("orders", "count"),
    Heading("refusals", "count"),
    Heading("cancels", "count", "Cancels asked for"),
    Heading("trades", "count"),
    Heading("order_to_trade", "figure", "Order-to-trade ratio"),
    Heading("level_raised", "count", "Safety level raised"),
    Heading("highest_level", label="Highest safety level"),
    Heading("refusals_by_rule"),
    Heading("not_defined", label="Why a figure is missing"),
)

EXPOSURE_HEADINGS = (
    Heading("date", "date"),
    Heading("instrument"),
    Heading("quantity", "exact"),
    Heading("price", "exact", "Price at close"),
    Heading("priced_by"),
    Heading("net_exposure", "money"),
    Heading("gross_exposure", "money"),
    Heading("share_of_gross", "share"),
)


def risk_sheet(record: RunRecord, chosen: Sequence[RiskDay]) -> Sheet:
    """One row a day."""
    return Sheet(
        name="daily_risk",
        title="Daily risk",
        lead=f"Each day at its close. Value at risk is what is held may lose the day after, by up to {WINDOW} daily "
        "moves of the run's own data; a loss is positive.",
        headings=HEADINGS,
        rows=[_row(each) for each in chosen],
        zone=record.zone,
        currency=record.currency,
    )


def exposure_sheet(record: RunRecord, chosen: Sequence[RiskDay]) -> Sheet:
    """One row a day and instrument held at its close."""
    return Sheet(
        name="exposures",
        title="Exposure by instrument",
        lead="What was held at each close. Gross adds up strategies and products without their signs.",
        headings=EXPOSURE_HEADINGS,
        rows=[
            (day.day, each.instrument, each.quantity, each.price, each.priced_by, each.net, each.gross,
             each.gross / day.gross if day.gross else None)
            for day in chosen
            for each in day.held
        ],
        zone=record.zone,
        currency=record.currency,
    )  # fmt: skip


def _row(each: RiskDay) -> tuple[Any, ...]:
    largest = each.largest
    historical = [figure for level in CONFIDENCES for figure in each.tails[level][:2]]
    refused = sorted(each.refused.items(), key=lambda item: (-item[1], item[0]))
    return (
        each.day, each.equity, each.profit, each.charges, each.gross, each.net, largest.instrument if largest else "",
        largest.gross / each.gross if largest and each.gross else None, each.herfindahl, each.drawdown, *historical,
        *each.normal[0.99][:2], each.margin.amount, each.orders, sum(each.refused.values()), each.cancels, each.trades,
        each.order_to_trade, each.raised, each.level.name, ", ".join(f"{rule} {count}" for rule, count in refused),
        _reasons(each),
    )  # fmt: skip


def _reasons(each: RiskDay) -> str:
    """Why figures of a day are missing, each reason once; that nothing was held needs no words."""
    risks = [*each.tails.values(), each.normal[0.99]]
    reasons = dict.fromkeys([*(risk.undefined for risk in risks), each.margin.undefined])
    return "; ".join(reason for reason in reasons if reason and reason != "nothing held")
