"""Price bands: where the limits lie, when they move, and what moves with them."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.core.errors import ConfigError, UncoveredDate, UnknownName
from tradsys.core.matching import Action, Command
from tradsys.core.units import MINUTE, SCALE, from_text
from tradsys.exchange.bands import Band, DynamicBand, Party, band_limits_in_ticks, band_of
from tradsys.reference.market_rules import FlexRule, flex_rule, market_band
from tradsys.reference.ticks import price_bands

TICK = SCALE // 20
END = 1_000 * MINUTE
TODAY = date(2026, 9, 8)
SLIDING = flex_rule("share", TODAY)


def dynamic(rule: FlexRule = SLIDING, *, percent: int = 1_000) -> DynamicBand:
    return DynamicBand(instrument=3, base=100 * SCALE, tick=TICK, percent=percent, rule=rule, trading_end=END)


def press(band: DynamicBand, price: str, *, at: int = 0, trades: int = 50, clients: int = 10, members: int = 3) -> None:
    """Trades at a price between so many clients of so many members on each side."""
    for number in range(trades):
        buyer = Party(client=f"B{number % clients}", member=f"M{number % members}")
        seller = Party(client=f"S{number % clients}", member=f"N{number % members}")
        band.on_trade(at, price=from_text(price) // TICK, buyer=buyer, seller=seller)


def limits(band: Band) -> tuple[float, float]:
    low, high = band.limits
    return low / 20, high / 20


@pytest.mark.parametrize(("percent", "expected"), [(200, (9.8, 10.2)), (500, (9.5, 10.5)), (2_000, (8.0, 12.0))])
def test_fixed_bands_lie_around_the_previous_close(percent: int, expected: tuple[float, float]) -> None:
    assert percent // 100 in price_bands("fixed", TODAY)
    assert limits(Band(instrument=0, base=10 * SCALE, tick=TICK, down=percent, up=percent)) == expected


def test_limits_are_rounded_into_the_band() -> None:
    low, high = band_limits_in_ticks(from_text("33.35"), down=200, up=200, tick=TICK)
    assert (low * 5, high * 5) == (3_270, 3_400)


def test_adx_goes_further_up_than_down_and_egx_as_far() -> None:
    adx, egx = market_band("adx", TODAY), market_band("egx", TODAY)
    assert ((adx.down, adx.up), (egx.down, egx.up)) == ((1_000, 1_500), (2_000, 2_000))


def test_funds_have_bands_of_their_own_by_date() -> None:
    bands = [
        market_band(kind, on) for kind, on in [("etf", date(2026, 8, 31)), ("etf", TODAY), ("etf overnight", TODAY)]
    ]
    assert [(band.down, band.up) for band in bands] == [(2_000, 2_000), (1_000, 1_000), (500, 500)]


def test_the_band_slides_after_the_cooling_time_and_cancels_what_is_outside() -> None:
    """The worked figures of Fyers, 16 Nov 2024: 90-110 becomes 95-115."""
    band = dynamic()
    press(band, "109.90", at=7)
    assert (band.due, limits(band)) == (7 + 15 * MINUTE, (90.0, 110.0))
    command = band.flex()
    assert command == Command(Action.SET_BAND, instrument=3, price=95 * 20, trigger=115 * 20, quantity=1)
    assert band.due is None


def test_before_sliding_the_other_side_stayed() -> None:
    band = dynamic(flex_rule("share", date(2024, 11, 17)))
    press(band, "90.10")
    band.flex()
    assert limits(band) == (85.0, 110.0)


@pytest.mark.parametrize("lacking", [{"trades": 49}, {"clients": 9}, {"members": 2}])
def test_too_little_pressure_moves_nothing(lacking: dict[str, int]) -> None:
    band = dynamic()
    press(band, "109.90", **lacking)
    assert band.due is None


def test_trades_away_from_the_limit_do_not_count() -> None:
    band = dynamic()
    press(band, "109.85")
    assert band.due is None


def test_the_old_conditions_were_easier() -> None:
    band = dynamic(flex_rule("share", date(2024, 6, 2)))
    press(band, "109.90", trades=25, clients=5, members=1)
    assert band.due == 15 * MINUTE
    assert flex_rule("share", date(2024, 6, 3)).trades == 50


def test_steps_shrink_and_cooling_grows() -> None:
    band = dynamic()
    moved = []
    for number in range(6):
        start = number * 100 * MINUTE
        press(band, f"{limits(band)[1] - 0.1:.2f}", at=start)
        assert band.due is not None
        moved.append(((band.due - start) // MINUTE, limits(band)[1]))
        band.flex()
    assert moved == [(15, 110.0), (15, 115.0), (30, 120.0), (30, 123.0), (60, 126.0), (60, 128.0)]
    assert limits(band) == (110.0, 130.0)


def test_the_last_half_hour_cools_faster() -> None:
    late, early = dynamic(), dynamic()
    press(late, "110", at=END - 30 * MINUTE)
    press(early, "110", at=END - 30 * MINUTE - 1)
    assert (late.due, early.due) == (END - 25 * MINUTE, END - 15 * MINUTE - 1)


def test_trades_while_it_cools_do_not_count_for_the_next_move() -> None:
    band = dynamic()
    press(band, "110")
    press(band, "110")
    band.flex()
    press(band, "115", trades=49)
    assert band.due is None


def test_a_suspended_band_stays_where_it_is() -> None:
    band = dynamic()
    press(band, "110")
    band.suspend()
    press(band, "110")
    band.cool(0, upwards=True)
    assert (band.due, limits(band)) == (None, (90.0, 110.0))


def test_funds_widen_to_twenty_percent_and_no_further() -> None:
    band = dynamic(flex_rule("etf", TODAY))
    for price in ("110", "115"):
        press(band, price)
        band.flex()
    assert limits(band) == (90.0, 120.0)
    press(band, "120")
    assert band.due is None
    press(band, "90")
    band.flex()
    assert limits(band) == (85.0, 120.0)


@pytest.mark.parametrize(
    ("kind", "on", "expected"),
    [
        ("fixed 5", TODAY, (Band, (95.0, 105.0))),
        ("share", TODAY, (DynamicBand, (90.0, 110.0))),
        ("share", date(2023, 1, 2), (Band, (90.0, 110.0))),
        ("etf", date(2026, 8, 31), (Band, (80.0, 120.0))),
        ("etf", TODAY, (DynamicBand, (90.0, 110.0))),
        ("adx", TODAY, (Band, (90.0, 115.0))),
    ],
)
def test_the_band_of_a_day_by_kind(kind: str, on: date, expected: tuple[type[Band], tuple[float, float]]) -> None:
    band = band_of(kind, on, instrument=0, base=100 * SCALE, tick=TICK, trading_end=END)
    assert (type(band), limits(band)) == expected


def test_bad_input_is_refused() -> None:
    with pytest.raises(ConfigError, match="base price"):
        band_limits_in_ticks(0, down=100, up=100, tick=TICK)
    with pytest.raises(ConfigError, match="no band 'fixed 3'"):
        band_of("fixed 3", TODAY, instrument=0, base=SCALE, tick=TICK, trading_end=END)
    with pytest.raises(UnknownName, match="kind 'bond'"):
        flex_rule("bond", TODAY)
    with pytest.raises(UncoveredDate, match="band flexing"):
        flex_rule("share", date(2024, 1, 1))
