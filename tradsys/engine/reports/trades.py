"""The trade log: every fill with its charges item by item; and beside it whatever moved the account without a trade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tradsys.core.units import SCALE, to_text
from tradsys.engine.reports.account import Move, Trade
from tradsys.engine.reports.algo_ids import AlgoIds
from tradsys.engine.reports.run_record import RunRecord
from tradsys.engine.reports.sheets import Heading, Sheet

ITEMS = ("brokerage", "stt", "exchange", "ipft", "sebi", "gst", "stamp", "dp", "square_off")
"""Charge items that have a column of their own, in the order of a contract note; others share one."""

HEADINGS = (
    Heading("line", "count"),
    Heading("at_utc", "utc", "Known (UTC)"),
    Heading("at_exchange", "local", "Known (exchange)"),
    Heading("traded_utc", "utc", "Traded (UTC)"),
    Heading("order_id", "count", "Order"),
    Heading("strategy"),
    Heading("algo_id", label="Algo id"),
    Heading("instrument"),
    Heading("product"),
    Heading("side"),
    Heading("quantity", "exact"),
    Heading("price", "exact"),
    Heading("currency"),
    Heading("booked_price", "exact", "Booked at"),
    Heading("value", "money"),
    *(Heading(f"charge_{name}", "money", name.replace("_", " ").capitalize()) for name in ITEMS),
    Heading("charge_other", "money", "Other charges"),
    Heading("charges", "money", "All charges"),
    Heading("cash", "money", "Cash moved"),
    Heading("position", "exact", "Position after"),
    Heading("maker"),
    Heading("stray"),
    Heading("other_items", label="Other charges, named"),
    Heading("reason"),
)

MOVE_HEADINGS = (
    Heading("line", "count"),
    Heading("at_utc", "utc", "At (UTC)"),
    Heading("at_exchange", "local", "At (exchange)"),
    Heading("strategy"),
    Heading("instrument"),
    Heading("product"),
    Heading("quantity", "exact", "Units added"),
    Heading("cash", "money", "Cash moved"),
    Heading("reason"),
)


def trade_sheet(record: RunRecord, chosen: Sequence[Trade], ids: AlgoIds) -> Sheet:
    """One row a fill. `cash` and signed quantities add up, with those of `move_sheet`, to the account at the end."""
    return Sheet(
        name="trades",
        title="Trade log",
        lead="Every fill with what it cost, item by item. With the moves below, cash and quantities add up exactly to "
        "the account at the end.",
        headings=HEADINGS,
        rows=[_row(each, record, ids) for each in chosen],
        zone=record.zone,
        currency=record.currency,
    )


def move_sheet(record: RunRecord, chosen: Sequence[Move]) -> Sheet:
    """One row a move of cash, or of units, that no trade of ours made."""
    return Sheet(
        name="account_moves",
        title="Moves without a trade",
        lead="Dividends, funding, fractions of shares, and units that splits and bonus issues added.",
        headings=MOVE_HEADINGS,
        rows=[
            (each.line, each.at, each.at, each.strategy, each.instrument, each.product, each.quantity, each.cash,
             each.reason)
            for each in chosen
        ],
        zone=record.zone,
        currency=record.currency,
    )  # fmt: skip


def _row(trade: Trade, record: RunRecord, ids: AlgoIds) -> tuple[Any, ...]:
    fill = trade.fill
    items: dict[str, int] = {}
    for name, amount in trade.items:
        items[name] = items.get(name, 0) + amount
    others = {name: amount for name, amount in items.items() if name not in ITEMS}
    instrument = record.instruments[fill.instrument]
    algo_id = ids.of(fill.strategy, instrument, trade.at)
    return (
        trade.line, trade.at, trade.at, fill.exchange_at, fill.order_id or None, fill.strategy, algo_id,
        fill.instrument, fill.product, fill.side.name.lower(), fill.quantity, trade.traded, instrument.currency,
        fill.price, abs(fill.price) * fill.quantity * instrument.multiplier // SCALE,
        *(items.get(name, 0) for name in ITEMS),
        sum(others.values()), trade.charges, trade.cash, trade.held, "yes" if fill.maker else "", trade.stray or "",
        ", ".join(f"{name} {to_text(amount)}" for name, amount in others.items()), fill.reason,
    )  # fmt: skip
