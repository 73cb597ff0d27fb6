"""What an exchange or broker lets one trade: tick, lot, price band, margin, as dated rows; the futures of an index.

Prices, steps and quantities are int 1e-8.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.events import Product
from tradsys.core.instruments import DatedStep, Segment
from tradsys.core.units import SCALE, Price, Quantity, Rounding, from_text, to_step
from tradsys.reference.dated import DatedRow, DatedTable, read_table
from tradsys.reference.sessions import days_since_epoch, instant

Underlying = Literal["index", "stock"]
BandKind = Literal["fixed", "dynamic", "auction"]

USUAL_PRICE = 500 * SCALE
PARENT_EXCHANGE = {"NFO": "NSE", "BFO": "BSE"}
_CONTRACTS = {Segment.INDEX: "equity"}

INDEX_FUTURES = {
    "NIFTY": ("NFO", "NIFTY"),
    "NIFTY 50": ("NFO", "NIFTY"),
    "BANKNIFTY": ("NFO", "BANKNIFTY"),
    "NIFTY BANK": ("NFO", "BANKNIFTY"),
    "FINNIFTY": ("NFO", "FINNIFTY"),
    "NIFTY FIN SERVICE": ("NFO", "FINNIFTY"),
    "MIDCPNIFTY": ("NFO", "MIDCPNIFTY"),
    "NIFTY MID SELECT": ("NFO", "MIDCPNIFTY"),
    "NIFTYNXT50": ("NFO", "NIFTYNXT50"),
    "NIFTY NEXT 50": ("NFO", "NIFTYNXT50"),
    "SENSEX": ("BFO", "SENSEX"),
    "BANKEX": ("BFO", "BANKEX"),
    "SENSEX50": ("BFO", "SENSEX50"),
}
"""Index, by its names in Kite and in data files, to exchange and underlying of its futures (Kite instruments dump)."""


def futures_of(index: str) -> str:
    """What to trade instead of an index, for a message: `NIFTY futures on NFO`. Takes `NSE:NIFTY 50` or `NIFTY 50`."""
    found = INDEX_FUTURES.get(index.rpartition(":")[2].upper())
    return f"{found[1]} futures on {found[0]}" if found else "a fund that follows it: it has no futures"


def tick_size(exchange: str, segment: Segment, *, price: int, on: date, underlying: Underlying = "stock") -> Price:
    """The tick in force on a date for a reference price (the exchange takes the last close of the month before).

    For futures of an index `price` is its level. Raises `UnknownName`, `UncoveredDate` where no row covers the date, or
    `ConfigError` for a price below 0.
    """
    table, key = _rule(exchange, segment, underlying)
    return Price(_step(table.on(on, *key, fix="set the instrument's tick yourself"), price))


def tick_steps(
    segment: Segment, *, exchange: str = "NSE", price: int = USUAL_PRICE, underlying: Underlying = "stock"
) -> tuple[DatedStep, ...]:
    """The whole history of the tick at one reference price, for `Instrument.ticks`; the first reaches back for ever.

    Without a price: that of a share between Rs 250 and Rs 1,000, whose tick has been 0.05 throughout. Not modelled: the
    exchange's monthly review as the price moves. Raises `UnknownName`, or `ConfigError` for a price below 0.
    """
    table, key = _rule(exchange, segment, underlying)
    steps: list[DatedStep] = []
    for row in table.history(*key):
        step = _step(row, price)
        if not steps or steps[-1].step != step:
            steps.append(DatedStep(instant(days_since_epoch(row.effective_from), "00:00"), step))
    return tuple(steps)


def _rule(exchange: str, segment: Segment, underlying: Underlying) -> tuple[DatedTable, tuple[str, str]]:
    table = read_table("ticks", "exchange", "contract")
    contract = f"{underlying} future" if segment is Segment.FUTURE else _CONTRACTS.get(segment, segment.value)
    key = (PARENT_EXCHANGE.get(exchange, exchange), contract)
    if not table.history(*key):
        names = [" ".join(known) for known in table.all_keys()]
        raise UnknownName("tick rule", " ".join(key), names)
    return table, key


def _step(row: DatedRow, price: int) -> int:
    if price < 0:
        raise ConfigError("no tick has a price below 0", value=price / SCALE, limit=">= 0", fix="give the last close")
    bands = (part.split(":") for part in row.value.split())
    return [from_text(step) for floor, step in bands if price >= from_text(floor)][-1]


def lot_size(underlying: str, *, expiry: date) -> Quantity:
    """Units (1e-8) of one lot of the NSE index contracts that expire on a date.

    Raises `UnknownName`, or `UncoveredDate` for an expiry without a row. Lots of stocks: the exchange's contract file.
    """
    table = read_table("lots", "underlying")
    if (underlying,) not in table.all_keys():
        raise UnknownName("underlying", underlying, [key[0] for key in table.all_keys()], where="the lot sizes")
    fix = "set the instrument's lot yourself"
    return Quantity(int(table.on(expiry, underlying, fix=fix).value) * SCALE)


def price_bands(kind: BandKind, on: date) -> tuple[int, ...]:
    """Percent of the base price that orders may lie from it: every `fixed` band there is, or the one of the kind.

    Raises `UncoveredDate`.
    """
    row = read_table("price_bands", "kind").on(on, kind, fix="set a band of your own, or none")
    return tuple(int(percent) for percent in row.value.split())


def band_limits(*, base: int, percent: int, tick: int) -> tuple[Price, Price]:
    """Lowest and highest price inside a band around `base`, on the tick grid; 1e-8."""
    width = base * percent
    low = to_step(-((width - 100 * base) // 100), tick, Rounding.UP)
    high = to_step((100 * base + width) // 100, tick, Rounding.DOWN)
    return Price(low), Price(high)


def margin_rate(segment: Segment, product: Product, on: date, *, underlying: Underlying = "stock") -> int:
    """Margin as a fraction of notional, int 1e-8 (`SCALE` is all of it): intraday leverage, simplified derivatives.

    Options: what a seller pays on the underlying's notional, the premium on top; a buyer pays the premium. Raises
    `ConfigError` for a product that the segment does not have, `UncoveredDate`.
    """
    table = read_table("margins", "segment", "product", "underlying")
    if not table.history(segment, product, underlying):
        known = ", ".join(sorted({key[1] for key in table.all_keys() if key[0] == segment}))
        raise ConfigError(
            f"no {product} on {underlying} {segment}",
            value=product.value,
            limit=known or "not tradable",
            fix=f"products of {segment}: {known or 'none, it is not tradable'}",
        )
    return int(table.on(on, segment, product, underlying, fix="choose later dates").value) * SCALE // 100
