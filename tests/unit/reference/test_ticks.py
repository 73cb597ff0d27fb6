"""Ticks, lots, bands, margins: values typed in from the circulars, bounds refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.errors import ConfigError, UncoveredDate, UnknownName
from tradsys.core.events import Product
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SCALE, from_text
from tradsys.reference.calendar import calendar_for
from tradsys.reference.ticks import (
    band_limits,
    futures_of,
    lot_size,
    margin_rate,
    price_bands,
    tick_size,
    tick_steps,
)

NOW = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("on", "price", "tick"),
    [
        (date(2015, 3, 2), "100", "0.05"),
        (date(2024, 6, 7), "249.95", "0.05"),
        (date(2024, 6, 10), "249.95", "0.01"),
        (date(2024, 6, 10), "250", "0.05"),
        (date(2025, 4, 11), "20500", "0.05"),
        (date(2025, 4, 15), "249", "0.01"),
        (date(2025, 4, 15), "1000", "0.05"),
        (date(2025, 4, 15), "1001", "0.10"),
        (date(2025, 4, 15), "5000", "0.10"),
        (date(2025, 4, 15), "5001", "0.50"),
        (date(2025, 4, 15), "10001", "1"),
        (date(2025, 4, 15), "20001", "5"),
    ],
)
def test_tick_of_an_nse_share(on: date, price: str, tick: str) -> None:
    assert tick_size("NSE", Segment.EQUITY, price=from_text(price), on=on) == from_text(tick)


@pytest.mark.parametrize(
    ("on", "underlying", "price", "tick"),
    [
        (date(2024, 7, 5), "stock", "200", "0.05"),
        (date(2024, 7, 8), "stock", "200", "0.01"),
        (date(2025, 4, 11), "index", "22000", "0.05"),
        (date(2025, 4, 15), "index", "14000", "0.05"),
        (date(2025, 4, 15), "index", "22000", "0.10"),
        (date(2025, 4, 15), "index", "50000", "0.20"),
    ],
)
def test_tick_of_a_future(on: date, underlying: str, price: str, tick: str) -> None:
    kind = "index" if underlying == "index" else "stock"
    assert tick_size("NFO", Segment.FUTURE, price=from_text(price), on=on, underlying=kind) == from_text(tick)  # type: ignore[arg-type]


def test_tick_history_fits_an_instrument() -> None:
    steps = tick_steps(Segment.EQUITY, price=2000 * SCALE)
    share = Instrument(id="NSE:X", exchange="NSE", symbol="X", segment=Segment.EQUITY, ticks=steps)
    calendar = calendar_for("NSE", Segment.EQUITY)
    before, after = calendar.session(date(2025, 4, 11)), calendar.session(date(2025, 4, 15))
    assert before is not None
    assert after is not None
    assert share.tick_at(before.open) == SCALE // 20
    assert share.tick_at(after.open) == SCALE // 10
    assert [step.step for step in tick_steps(Segment.EQUITY)] == [SCALE // 20]
    assert [step.step for step in tick_steps(Segment.INDEX)] == [SCALE // 20]


def test_a_price_below_0_has_no_tick() -> None:
    with pytest.raises(ConfigError, match="no tick has a price below 0"):
        tick_size("NSE", Segment.EQUITY, price=-1, on=date(2026, 11, 16))
    with pytest.raises(ConfigError, match="no tick has a price below 0"):
        tick_steps(Segment.EQUITY, price=-1)


def test_ticks_without_a_rule_are_refused() -> None:
    with pytest.raises(UnknownName):
        tick_size("NYSE", Segment.EQUITY, price=SCALE, on=NOW)
    with pytest.raises(UnknownName):
        tick_steps(Segment.CRYPTO_SPOT)
    with pytest.raises(UncoveredDate, match="set the instrument's tick"):
        tick_size("BSE", Segment.EQUITY, price=SCALE, on=date(2015, 1, 1))


@pytest.mark.parametrize(
    ("underlying", "expiry", "lot"),
    [
        ("NIFTY", date(2025, 12, 30), 75),
        ("NIFTY", date(2026, 1, 27), 65),
        ("BANKNIFTY", date(2025, 6, 26), 30),
        ("BANKNIFTY", date(2025, 7, 31), 35),
        ("BANKNIFTY", date(2026, 1, 27), 30),
        ("FINNIFTY", date(2026, 1, 27), 60),
        ("MIDCPNIFTY", date(2025, 7, 31), 140),
        ("MIDCPNIFTY", date(2026, 1, 27), 120),
        ("NIFTYNXT50", date(2026, 1, 27), 25),
    ],
)
def test_index_lots_by_expiry(underlying: str, expiry: date, lot: int) -> None:
    assert lot_size(underlying, expiry=expiry) == lot * SCALE


def test_lots_without_a_row_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'NIFTY'"):
        lot_size("NIFTI", expiry=NOW)
    with pytest.raises(UncoveredDate):
        lot_size("NIFTY", expiry=date(2020, 1, 30))


def test_price_bands_by_date() -> None:
    assert price_bands("fixed", NOW) == (2, 5, 10, 20)
    assert price_bands("dynamic", NOW) == (10,)
    assert price_bands("auction", date(2026, 8, 3)) == (3,)
    with pytest.raises(UncoveredDate):
        price_bands("auction", date(2026, 7, 31))


def test_band_limits_lie_on_the_grid_inside_the_band() -> None:
    # 10 % around 123.45: 111.105 to 135.795
    low, high = band_limits(base=from_text("123.45"), percent=10, tick=SCALE // 20)
    assert (low, high) == (from_text("111.15"), from_text("135.75"))


@given(st.integers(1, 10**13), st.sampled_from([2, 3, 5, 10, 20]), st.sampled_from([SCALE // 100, SCALE // 20, SCALE]))
def test_band_limits_never_reach_beyond_the_band(base: int, percent: int, tick: int) -> None:
    low, high = band_limits(base=base, percent=percent, tick=tick)
    assert low % tick == high % tick == 0
    assert 100 * low >= base * (100 - percent)
    assert 100 * high <= base * (100 + percent)
    assert 100 * (low - tick) < base * (100 - percent)
    assert 100 * (high + tick) > base * (100 + percent)


@pytest.mark.parametrize(
    ("segment", "product", "underlying", "percent"),
    [
        (Segment.EQUITY, Product.CNC, "stock", 100),
        (Segment.EQUITY, Product.MIS, "stock", 20),
        (Segment.FUTURE, Product.NRML, "index", 12),
        (Segment.FUTURE, Product.NRML, "stock", 20),
        (Segment.OPTION, Product.MIS, "index", 12),
        (Segment.CRYPTO_SPOT, Product.SPOT, "stock", 100),
    ],
)
def test_margin_rates(segment: Segment, product: Product, underlying: str, percent: int) -> None:
    assert margin_rate(segment, product, NOW, underlying=underlying) * 100 == percent * SCALE  # type: ignore[arg-type]


def test_products_a_segment_lacks_are_refused() -> None:
    with pytest.raises(ConfigError, match="CNC, MIS"):
        margin_rate(Segment.EQUITY, Product.NRML, NOW)
    with pytest.raises(ConfigError, match="not tradable"):
        margin_rate(Segment.INDEX, Product.CNC, NOW)


def test_an_index_names_its_futures() -> None:
    assert futures_of("NSE:NIFTY 50") == "NIFTY futures on NFO"
    assert futures_of("NIFTY BANK") == "BANKNIFTY futures on NFO"
    assert futures_of("BSE:SENSEX") == "SENSEX futures on BFO"
    assert "no futures" in futures_of("NSE:INDIA VIX")
