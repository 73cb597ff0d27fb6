"""What a trade costs, item by item, from dated rates: the arithmetic of an Indian contract note, and crypto funding.

Money is int 1e-8 (`SCALE`); a turnover is the exact product price × quantity (1e-16); rates are int 1e-12
(`RATE_SCALE`). Each item is rounded once, to the nearest 1e-8 with halves up; the total is the sum of the items.
Rates and their sources: `data/charges.csv`, explained in `docs/charges.md`.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SCALE, Money, Rounding, divide, from_float, from_text
from tradsys.reference.dated import DatedRow, DatedTable, read_table

RATE_SCALE = 10**12
ITEMS = ("brokerage", "stt", "exchange", "ipft", "sebi", "gst", "stamp", "dp")
SEGMENTS = ("delivery", "intraday", "future", "option")
ChargeSegment = Literal["delivery", "intraday", "future", "option"]
Items = tuple[tuple[str, int], ...]

_WHOLE = SCALE * RATE_SCALE
_HALF = _WHOLE // 2
_PER_UNIT = {"percent": 10**10, "rupees_per_crore": 10**5}
_MONEY_UNITS = frozenset({"rupees_per_order", "rupees_per_scrip_day"})
_RATED_ITEMS = (*ITEMS, "square_off")
_PARENT_EXCHANGE = {"NFO": "NSE", "BFO": "BSE"}
_SEGMENT_OF_PRODUCT = {Product.CNC: "delivery", Product.MIS: "intraday"}
_SEGMENT_OF_DERIVATIVE = {Segment.FUTURE: "future", Segment.OPTION: "option"}


def portion(turnover: int, rate: int) -> int:
    """`rate` (1e-12) of a `turnover` (1e-16), to the nearest 1e-8."""
    return (turnover * rate + _HALF) // _WHOLE


class Rates(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Rates of one side of one segment, in force on ordinal days `since` … `until - 1`.

    Fractions are 1e-12 of turnover (`gst`: of its base); `brokerage_cap` (0: none), `brokerage_per_order`, `dp` and
    `square_off` are money.
    """

    since: int
    until: int
    brokerage: int
    brokerage_cap: int
    brokerage_per_order: int
    stt: int
    exchange: int
    ipft: int
    sebi: int
    gst: int
    stamp: int
    dp: int
    square_off: int

    def brokerage_due(self, turnover: int) -> int:
        """Brokerage of one executed order whose fills so far add up to `turnover`."""
        due = portion(turnover, self.brokerage)
        if self.brokerage_cap and due > self.brokerage_cap:
            return self.brokerage_cap
        return due + self.brokerage_per_order

    def items(self, turnover: int, *, brokerage: int, dp: int = 0) -> Items:
        """Every item of a fill, in the order of a contract note, given its share of brokerage and DP charge."""
        exchange = (turnover * self.exchange + _HALF) // _WHOLE
        sebi = (turnover * self.sebi + _HALF) // _WHOLE
        return (
            ("brokerage", brokerage),
            ("stt", (turnover * self.stt + _HALF) // _WHOLE),
            ("exchange", exchange),
            ("ipft", (turnover * self.ipft + _HALF) // _WHOLE),
            ("sebi", sebi),
            ("gst", goods_and_services_tax(brokerage + exchange + sebi, rate=self.gst)),
            ("stamp", (turnover * self.stamp + _HALF) // _WHOLE),
            ("dp", dp),
        )


def goods_and_services_tax(base: int, *, rate: int) -> int:
    """GST on services: `base` is brokerage + transaction charge without IPFT + SEBI fee, 1e-8; `rate` is 1e-12.

    Source of the base: the official sample `virtual_contract_note.json` of Kite Connect.
    """
    return (base * rate + RATE_SCALE // 2) // RATE_SCALE


def total(items: Items) -> int:
    """Sum of the items, 1e-8."""
    return sum(amount for _, amount in items)


def charge_rows() -> DatedTable:
    """All dated rates, keyed (plan, exchange, segment, item, side)."""
    return read_table("charges", "plan", "exchange", "segment", "item", "side")


def rate_of(row: DatedRow) -> int:
    """A row's fraction of turnover as int 1e-12; 0 where the row is an amount of money."""
    scaled = Decimal(row.value) * _PER_UNIT.get(row.fields["unit"], 0)
    if scaled != int(scaled):
        raise ConfigError("a rate finer than 1e-12", value=row.value, limit="1e-12", fix=f"check {row.key}")
    return int(scaled)


def money_of(row: DatedRow) -> int:
    """A row's amount as int 1e-8; 0 where the row is a fraction of turnover."""
    return from_text(row.value) if row.fields["unit"] in _MONEY_UNITS else 0


def rates_on(day: date, *, plan: str, exchange: str, segment: str, side: Side) -> Rates:
    """The rates in force on a trade date. Raises `UnknownName` for a name, `UncoveredDate` for a date without a row."""
    table = charge_rows()
    _check_names(table, plan=plan, exchange=exchange, segment=segment)
    fix = f'set charges.as_of (or --on) to a covered date, for example as_of = "{_latest(table, plan)}"'
    key = (plan, _PARENT_EXCHANGE.get(exchange, exchange), segment)
    rows = {item: table.on(day, *key, item, side.name.lower(), fix=fix) for item in _RATED_ITEMS}
    return _as_rates(rows)


def _as_rates(rows: dict[str, DatedRow]) -> Rates:
    cap = rows["brokerage"].fields["cap"]
    return Rates(
        since=max(row.effective_from for row in rows.values()).toordinal(),
        until=min(row.until for row in rows.values()).toordinal(),
        brokerage_cap=from_text(cap) if cap else 0,
        brokerage_per_order=money_of(rows["brokerage"]),
        dp=money_of(rows["dp"]),
        square_off=money_of(rows["square_off"]),
        **{item: rate_of(rows[item]) for item in ITEMS if item != "dp"},
    )


def _latest(table: DatedTable, plan: str) -> date:
    return max(row.effective_from for row in table if row.key[0] == plan)


def _check_names(table: DatedTable, *, plan: str, exchange: str, segment: str) -> None:
    keys = table.all_keys()
    plans = {key[0] for key in keys}
    if plan not in plans:
        raise UnknownName("charges plan", plan, plans)
    exchanges = {key[1] for key in keys if key[0] == plan}
    if exchange not in exchanges and exchange not in _PARENT_EXCHANGE:
        raise UnknownName("exchange", exchange, exchanges | set(_PARENT_EXCHANGE), where=f"charges plan {plan}")
    parent = _PARENT_EXCHANGE.get(exchange, exchange)
    segments = {key[2] for key in keys if key[:2] == (plan, parent) and key[3] == "brokerage"}
    if segment not in segments:
        raise UnknownName("segment", segment, segments, where=f"charges plan {plan} on {exchange}")


def segment_of(instrument: Instrument, product: Product) -> str:
    """The tariff's segment: delivery or intraday by product for shares, else the kind of derivative.

    Raises `ConfigError` for a product or instrument that an Indian tariff does not price.
    """
    if instrument.segment is Segment.EQUITY:
        segment = _SEGMENT_OF_PRODUCT.get(product)
    else:
        segment = _SEGMENT_OF_DERIVATIVE.get(instrument.segment)
    if segment is None:
        raise ConfigError(
            f"no Indian tariff for {instrument.id}, {instrument.segment} held as {product}",
            value=f"{instrument.segment} {product}",
            limit="equity as CNC or MIS, futures, options",
            fix='use product CNC or MIS for shares, or charges.plan "crypto", "flat" or "none"',
        )
    return segment


def exercise_tax(intrinsic: int, *, day: date, plan: str, exchange: str) -> Money:
    """STT on the intrinsic value (money, 1e-8) of options exercised at expiry, paid by the holder."""
    parent = _PARENT_EXCHANGE.get(exchange, exchange)
    row = charge_rows().on(day, plan, parent, "option", "exercise_stt", "buy", fix="set charges.as_of")
    return Money(portion(max(intrinsic, 0) * SCALE, rate_of(row)))


def trade_charges(
    plan: str, *, exchange: str, segment: str, side: Side, quantity: int, price: int, day: date
) -> dict[str, int]:
    """Items and `total` of one trade that is a whole order; a delivery sale includes the day's DP charge.

    Raises `ConfigError` unless price and quantity are positive, `UnknownName`, `UncoveredDate`.
    """
    for name, number in (("quantity", quantity), ("price", price)):
        if number <= 0:
            raise ConfigError(f"{name} must be positive", value=number / SCALE, limit="> 0", fix=f"give a {name}")
    rates = rates_on(day, plan=plan, exchange=exchange, segment=segment, side=side)
    turnover = price * quantity
    items = rates.items(turnover, brokerage=rates.brokerage_due(turnover), dp=rates.dp)
    return dict(items) | {"total": total(items)}


def contract_note(charges: dict[str, int]) -> dict[str, int]:
    """Items rounded as a contract note prints them: STT to the nearest rupee, all else to the paisa; total summed anew.

    A contract note covers a day, so this is for display of one trade alone, never for the ledger.
    """
    steps = {"stt": SCALE}
    rounded = {
        name: divide(amount, steps.get(name, SCALE // 100), Rounding.NEAREST) * steps.get(name, SCALE // 100)
        for name, amount in charges.items()
        if name != "total"
    }
    return rounded | {"total": sum(rounded.values())}


def rate_from_float(value: float, *, name: str, low: float = 0.0, high: float = 1.0) -> int:
    """A rate an author wrote as a fraction of notional, as int 1e-12. Raises `ConfigError` outside `low` … `high`."""
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(
            f"{name} out of range", value=value, limit=f"{low} to {high}", fix="give a fraction: 0.001 is 0.1 %"
        )
    return round(value * RATE_SCALE)


def funding_amount(*, rate: float, mark: float, quantity: int, multiplier: int = 1) -> Money:
    """Cash that a holder of signed `quantity` (1e-8) of a perpetual receives: -rate × mark × quantity, rounded down.

    A positive rate is paid by longs to shorts, on the notional at the mark price.
    """
    exact = -round(rate * RATE_SCALE) * from_float(mark) * quantity * multiplier
    return Money(exact // _WHOLE)
