"""Trading days: no gap, no overlap, no random close outside its window, no halt left early; bands move one way."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.exchange.session_driver import Driver
from tradsys.core.errors import UncoveredDate
from tradsys.core.matching import BookPhase, BookSide
from tradsys.core.units import DAY, MINUTE
from tradsys.exchange.bands import Band, DynamicBand, band_limits_in_ticks
from tradsys.exchange.sessions import InstrumentDay
from tradsys.exchange.timeline import Halt, Timeline, reopening, timeline
from tradsys.reference.dated import read_table
from tradsys.reference.market_rules import flex_rule
from tradsys.reference.phases import Market, day_bounds, day_phases, windows

MARKETS = sorted({Market(*key[:2]) for key in read_table("phases", "exchange", "kind", "step").all_keys()})
DAYS = st.dates(date(2005, 1, 1), date(2026, 12, 31))
SEEDS = st.integers(0, 2**64 - 1)
CLOSING = Market("NSE", "closing_auction"), date(2026, 9, 8)


def covers(day: Timeline, start: int, end: int) -> bool:
    """Whether phases follow one another from `start` to `end`, each with time of its own."""
    bounds = [start, *(phase.end for phase in day)]
    return [phase.start for phase in day] == bounds[:-1] and bounds == sorted(set(bounds)) and bounds[-1] == end


@settings(max_examples=300)
@given(st.sampled_from(MARKETS), DAYS, SEEDS)
def test_every_day_is_covered_from_midnight_to_midnight(market: Market, on: date, seed: int) -> None:
    try:
        day = timeline(market, on, seed=seed)
    except UncoveredDate:
        return
    start, end = day_bounds(market.exchange, on)
    assert covers(day, start, end)
    assert day_bounds(market.exchange, on + timedelta(days=1))[0] == end
    for phase in day_phases(market, on):
        (drawn,) = (each for each in day if (each.name, each.start) == (phase.name, phase.start))
        first = phase.end if phase.random_from is None else phase.random_from
        assert first <= drawn.end <= phase.end


def random_close(start: int) -> Timeline:
    return reopening(*CLOSING, start=start, seed=3)


MINUTES = st.integers(9 * 60, 16 * 60)
HALTS = st.lists(
    st.tuples(MINUTES, st.one_of(st.none(), st.integers(1, 120)), st.sampled_from(["halted", "halted 15", "auction"])),
    max_size=5,
)
ORDERS = st.lists(
    st.tuples(MINUTES, st.sampled_from(BookSide), st.one_of(st.just(0), st.integers(880, 1_120)), st.integers(1, 9)),
    max_size=25,
)


def cut_in(driver: Driver, at: int, minutes: int | None, manner: str) -> Halt | None:
    """Halt the day if it can be."""
    phase = BookPhase[manner.split()[0].upper()]
    until = None if minutes is None else at + minutes * MINUTE
    auction = 15 * MINUTE if manner.endswith("15") else 0
    halt = Halt(rule="test", value=0, limit=0, start=at, end=until, auction=auction, phase=phase)
    if not driver.day.interrupt(halt, random_close):
        return None
    assert covers(driver.day.timeline[1:], at, day_bounds("NSE", CLOSING[1])[1])
    return halt


@settings(max_examples=150)
@given(HALTS, ORDERS)
def test_a_halt_is_never_left_before_its_time(
    halts: list[tuple[int, int | None, str]], orders: list[tuple[int, BookSide, int, int]]
) -> None:
    start, end = day_bounds("NSE", CLOSING[1])
    day = InstrumentDay(
        instrument=0,
        day=timeline(*CLOSING, seed=3),
        windows=windows(*CLOSING),
        previous_close=1_000,
        band=Band(instrument=0, base=1_000, tick=1, down=1_000, up=1_000),
        auction_band=300,
    )
    driver = Driver(day)
    held: list[Halt] = []
    for minute in range(9 * 60, 16 * 60 + 1):
        at = start + minute * MINUTE
        driver.advance(at)
        for _, side, price, quantity in (order for order in orders if order[0] == minute):
            driver.order(at, side, price, quantity)
        for _, minutes, manner in (halt for halt in halts if halt[0] == minute):
            halt = cut_in(driver, at, minutes, manner)
            held += [halt] if halt else []
    driver.advance(end)
    assert driver.day.next_at is None
    assert driver.live == set()
    assert [at for at, _ in driver.phases] == sorted(at for at, _ in driver.phases)
    for halt in held:
        until = end if halt.end is None else halt.end
        inside = {phase for at, phase in driver.phases if halt.start < at < until}
        assert inside <= {halt.phase}, halt


@given(st.integers(1, 10**13), st.integers(1, 10**9), st.integers(0, 9_999), st.integers(0, 9_999))
def test_a_wider_band_holds_the_narrower_one(base: int, tick: int, one: int, two: int) -> None:
    narrow, wide = sorted((one, two))
    low, high = band_limits_in_ticks(base, down=narrow, up=narrow, tick=tick)
    lowest, highest = band_limits_in_ticks(base, down=wide, up=wide, tick=tick)
    assert lowest <= low
    assert high <= highest
    assert lowest == 1 or lowest * tick * 10_000 >= base * (10_000 - wide)
    assert highest == 1 or highest * tick * 10_000 <= base * (10_000 + wide)


@given(st.sampled_from([date(2024, 8, 20), date(2026, 9, 8)]), st.lists(st.booleans(), max_size=12))
def test_a_flex_never_moves_a_limit_against_the_market(on: date, moves: list[bool]) -> None:
    band = DynamicBand(
        instrument=0, base=10**10, tick=10**6, percent=1_000, rule=flex_rule("share", on), trading_end=DAY
    )
    for number, upwards in enumerate(moves):
        low, high = band.limits
        band.cool(number * 100 * MINUTE, upwards=upwards)
        band.flex()
        new_low, new_high = band.limits
        assert (new_high > high) if upwards else (new_low < low)
        slides = on.year == 2026
        assert (new_low > low) == (upwards and slides)
        assert (new_high < high) == (not upwards and slides)
