"""A trading day as commands to the book: what opens, closes, is cancelled and matched, and at which price."""

from __future__ import annotations

from datetime import date

import pytest

from tests.books import MakeBook, each_book
from tests.unit.exchange.session_driver import Driver, clock
from tradsys.core.errors import ConfigError, UncoveredDate, UnknownName
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import BookPhase, BookSide, Kind, Reason, Status, TimeInForce
from tradsys.core.units import DAY, MINUTE
from tradsys.exchange.bands import Band, DynamicBand
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.sessions import InstrumentDay, market_of, open_day
from tradsys.exchange.timeline import Halt, Timeline, reopening, timeline, trading_end
from tradsys.reference.market_rules import flex_rule
from tradsys.reference.phases import Market, windows

BUY, SELL = BookSide.BUY, BookSide.SELL
AUCTION_DAY = date(2026, 9, 8)
BEFORE = date(2025, 1, 2)


def day_of(
    kind: str,
    on: date,
    *,
    exchange: str = "NSE",
    close: int = 1_000,
    band: int = 0,
    make_book: MakeBook = ReferenceBook,
) -> Driver:
    day = InstrumentDay(
        instrument=0,
        day=timeline(Market(exchange, kind), on, seed=7),
        windows=windows(Market(exchange, kind), on),
        previous_close=close,
        auction_band=300,
        band=Band(instrument=0, base=close, tick=1, down=band, up=band) if band else None,
    )
    return Driver(day, make_book)


def at(text: str, on: date = AUCTION_DAY) -> int:
    return clock(on, text)


def test_the_closing_auction_day_takes_its_phases_in_turn() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    driver.advance(at("23:59"))
    named = [(instant, phase.name) for instant, phase in driver.phases]
    assert [name for _, name in named] == [
        *("CLOSED", "AUCTION", "AUCTION_LIMIT", "CLOSED", "CONTINUOUS", "CLOSED"),
        *("AUCTION", "AUCTION_LIMIT", "CLOSED", "CONTINUOUS", "CLOSED"),
    ]
    instants = [instant for instant, _ in named]
    assert at("09:08") <= instants[3] < at("09:10")
    assert at("15:28") <= instants[8] < at("15:30")
    fixed = [*instants[1:3], *instants[4:8], *instants[9:]]
    assert fixed == [at(text) for text in ("09:00", "09:05", "09:15", "15:15", "15:20", "15:25", "15:50", "16:00")]


def test_the_pre_open_matches_at_the_equilibrium_and_hands_the_rest_over() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    buyer, _ = driver.order(at("09:01"), BUY, 1_010, 100)
    driver.order(at("09:02"), SELL, 990, 60)
    market, _ = driver.order(at("09:03"), BUY, 0, 50)
    _, refused = driver.order(at("09:06"), BUY, 0, 10)
    assert refused.reason == Reason.MARKET_FROZEN
    driver.advance(at("09:14"))
    traded = [(event.price, event.quantity) for event in driver.events]
    assert traded == [(1_000, 50), (1_000, 10)]
    driver.advance(at("09:16"))
    assert driver.day.close == 0
    (left,) = driver.book.orders(0)
    assert (left.order_id, left.price, left.shown) == (buyer, 1_010, 90)
    assert market not in driver.live


def test_market_orders_without_a_price_open_at_the_previous_close() -> None:
    driver = day_of("equity", BEFORE)
    market, _ = driver.order(at("09:01", BEFORE), BUY, 0, 50)
    driver.advance(at("09:16", BEFORE))
    (left,) = driver.book.orders(0)
    assert (left.order_id, left.kind, left.price) == (market, Kind.LIMIT, 1_000)


@each_book
def test_the_closing_auction_cancels_stops_and_icebergs_and_carries_limits_over(make_book: MakeBook) -> None:
    driver = day_of("closing_auction", AUCTION_DAY, make_book=make_book)
    driver.trade(at("10:00"), 900, 5)
    driver.trade(at("15:00"), 1_100, 1)
    driver.trade(at("15:10"), 1_200, 3)
    plain, _ = driver.order(at("15:11"), BUY, 1_150, 40)
    distant, _ = driver.order(at("15:11"), BUY, 900, 40)
    stop, _ = driver.order(at("15:12"), SELL, 0, 5, kind=Kind.STOP, trigger=1_000)
    iceberg, _ = driver.order(at("15:13"), SELL, 1_190, 40, display=10)
    assert driver.live == {plain, distant, stop, iceberg}
    driver.advance(at("15:16"))
    assert driver.live == {plain, distant}
    assert driver.day.reference == 1_175
    _, closed = driver.order(at("15:17"), BUY, 1_150, 1)
    _, outside = driver.order(at("15:21"), BUY, 1_211, 1)
    assert (closed.reason, outside.reason) == (Reason.CLOSED, Reason.OUTSIDE_BAND)
    _, inside = driver.order(at("15:21"), SELL, 1_140, 25)
    assert inside.status == Status.OPEN
    driver.advance(at("15:36"))
    assert driver.live == set()
    assert driver.day.close == 1_150
    driver.trade(at("15:55"), 1_150, 2)
    _, other_price = driver.order(at("15:56"), BUY, 1_151, 1)
    assert other_price.reason == Reason.OUTSIDE_BAND


def test_without_a_match_the_closing_price_is_the_reference_price() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    driver.trade(at("14:00"), 1_020, 5)
    driver.advance(at("15:36"))
    assert (driver.day.reference, driver.day.close) == (1_020, 1_020)
    untouched = day_of("closing_auction", AUCTION_DAY)
    untouched.advance(at("15:36"))
    assert untouched.day.close == 1_000


def test_a_new_day_lifts_the_band_of_the_last_one() -> None:
    driver = day_of("equity", BEFORE)
    _, refused = driver.order(at("15:45", BEFORE), BUY, 900, 1)
    assert refused.reason == Reason.OUTSIDE_BAND
    driver.advance(at("23:59", BEFORE))
    driver.day = day_of("equity", date(2025, 1, 3)).day
    _, taken = driver.order(at("10:00", date(2025, 1, 3)), BUY, 900, 1)
    assert taken.status == Status.OPEN


def test_other_shares_close_at_the_average_of_the_last_half_hour() -> None:
    driver = day_of("equity", AUCTION_DAY)
    driver.trade(at("14:59"), 900, 100)
    driver.trade(at("15:00"), 1_000, 1)
    driver.trade(at("15:29"), 1_010, 2)
    left, _ = driver.order(at("15:29"), BUY, 900, 1)
    driver.advance(at("15:31"))
    assert driver.day.close == 1_007
    assert left not in driver.live


def test_stock_futures_are_held_near_their_price_from_a_quarter_past_three() -> None:
    driver = day_of("stock future", AUCTION_DAY, band=1_000)
    driver.trade(at("15:12"), 1_000, 5)
    outside, _ = driver.order(at("15:13"), BUY, 950, 5)
    inside, _ = driver.order(at("15:13"), BUY, 970, 5)
    driver.advance(at("15:15"))
    assert driver.live == {inside}
    driver.trade(at("15:39"), 1_030, 5)
    driver.advance(at("15:40"))
    assert driver.day.close == 1_015
    assert outside not in driver.live


def test_adx_takes_no_market_order_in_its_auctions_and_trades_at_last() -> None:
    on = date(2024, 7, 8)
    driver = day_of("equity", on, exchange="ADX")
    instants = {text: clock(on, text, "Asia/Dubai") for text in ("09:40", "12:00", "14:50", "14:57", "15:01")}
    _, refused = driver.order(instants["09:40"], BUY, 0, 5)
    assert refused.reason == Reason.MARKET_FROZEN
    driver.trade(instants["12:00"], 1_010, 5)
    driver.order(instants["14:50"], BUY, 1_020, 5)
    driver.order(instants["14:50"], SELL, 1_020, 5)
    driver.trade(instants["14:57"], 1_020, 5)
    driver.advance(instants["15:01"])
    assert (driver.day.close, driver.phases[-1][1]) == (1_020, BookPhase.CLOSED)


def test_crypto_expires_day_orders_at_midnight_and_keeps_the_others() -> None:
    driver = day_of("crypto", BEFORE, exchange="CRYPTO")
    for_the_day, _ = driver.order(clock(BEFORE, "01:00", "UTC"), BUY, 900, 1)
    kept, _ = driver.order(clock(BEFORE, "01:00", "UTC"), BUY, 900, 1, time_in_force=TimeInForce.GTC)
    driver.advance(clock(BEFORE, "00:00", "UTC") + DAY)
    assert driver.live == {kept}
    assert driver.day.next_at is None
    assert for_the_day not in driver.live


def halt(start: int, minutes: int | None, auction: int = 0, phase: BookPhase = BookPhase.HALTED) -> Halt:
    end = None if minutes is None else start + minutes * MINUTE
    return Halt(rule="test", value=0, limit=0, start=start, end=end, auction=auction * MINUTE, phase=phase)


def test_a_halt_ends_with_a_pre_open_and_goes_on() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    driver.trade(at("10:00"), 1_000, 5)
    waiting, _ = driver.order(at("10:00"), BUY, 990, 5)

    def pre_open(start: int) -> Timeline:
        return reopening(Market("NSE", "closing_auction"), AUCTION_DAY, start=start, seed=7)

    assert driver.day.interrupt(halt(at("10:00"), 45, 15), pre_open)
    driver.advance(at("10:00"))
    _, halted = driver.order(at("10:44"), BUY, 1_000, 5)
    assert halted.reason == Reason.HALTED
    assert driver.live == {waiting}
    _, collected = driver.order(at("10:46"), SELL, 980, 5)
    assert (collected.status, collected.filled) == (Status.OPEN, 0)
    _, frozen = driver.order(at("10:51"), BUY, 0, 5)
    assert frozen.reason == Reason.MARKET_FROZEN
    driver.advance(at("10:59"))
    assert driver.events[-1].price in (980, 990)
    _, closed = driver.order(at("10:59"), BUY, 1_000, 5)
    assert closed.reason == Reason.CLOSED
    driver.trade(at("11:00"), 1_005, 1)
    driver.advance(at("15:21"))
    assert driver.day.phase is not None
    assert driver.day.phase.name == "closing_auction"


def test_the_auction_after_a_halt_counts_hidden_parts_and_no_stops() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    iceberg, _ = driver.order(at("10:00"), SELL, 990, 40, display=10)
    stop, _ = driver.order(at("10:00"), SELL, 0, 50, kind=Kind.STOP, trigger=900)
    assert driver.day.interrupt(halt(at("10:01"), 5, phase=BookPhase.AUCTION))
    driver.order(at("10:02"), BUY, 1_000, 100)
    driver.advance(at("10:06"))
    assert sum(event.quantity for event in driver.events) == 40
    assert iceberg not in driver.live
    assert stop in driver.live


def dynamic_day() -> tuple[Driver, DynamicBand]:
    market = Market("NSE", "closing_auction")
    day = timeline(market, AUCTION_DAY, seed=7)
    rule = flex_rule("share", AUCTION_DAY)
    band = DynamicBand(instrument=0, base=1_000, tick=1, percent=1_000, rule=rule, trading_end=trading_end(day))
    limits = windows(market, AUCTION_DAY)
    day_machine = InstrumentDay(
        instrument=0, day=day, windows=limits, previous_close=1_000, band=band, auction_band=300
    )
    return Driver(day_machine), band


def test_a_band_that_cools_moves_when_its_time_is_over() -> None:
    driver, band = dynamic_day()
    below, _ = driver.order(at("10:00"), BUY, 920, 5)
    band.cool(at("10:00"), upwards=True)
    assert driver.day.next_at == at("10:15")
    _, early = driver.order(at("10:14"), BUY, 1_120, 5)
    assert early.reason == Reason.OUTSIDE_BAND
    _, later = driver.order(at("10:15"), BUY, 1_120, 5)
    assert later.status == Status.OPEN
    assert below not in driver.live


def test_flexing_ends_with_continuous_trading() -> None:
    driver, band = dynamic_day()
    driver.advance(at("15:12"))
    band.cool(at("15:12"), upwards=True)
    driver.advance(at("15:40"))
    assert driver.day.close == 1_000
    assert band.limits == (900, 1_100)


def test_a_halt_for_the_day_leaves_no_closing_auction() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    driver.trade(at("10:00"), 1_040, 5)
    waiting, _ = driver.order(at("10:01"), BUY, 990, 5)
    assert driver.day.interrupt(halt(at("10:02"), None))
    driver.advance(at("23:59:59"))
    assert driver.phases[-1] == (at("10:02"), BookPhase.HALTED)
    assert driver.day.close == 1_040
    driver.advance(at("10:02") + DAY)
    assert waiting not in driver.live


def test_what_a_halt_covers_is_still_cancelled() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    stop, _ = driver.order(at("15:10"), BUY, 0, 5, kind=Kind.STOP, trigger=1_100)
    assert driver.day.interrupt(halt(at("15:12"), 9))
    driver.advance(at("15:20"))
    assert stop in driver.live
    driver.advance(at("15:21"))
    assert stop not in driver.live
    assert driver.phases[-1] == (at("15:21"), BookPhase.AUCTION)


def test_a_shorter_halt_inside_another_changes_nothing_and_a_longer_one_prolongs_it() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    driver.advance(at("10:00"))
    assert driver.day.interrupt(halt(at("10:00"), 30))
    driver.advance(at("10:05"))
    assert not driver.day.interrupt(halt(at("10:05"), 25))
    assert driver.day.interrupt(halt(at("10:05"), 40))
    driver.advance(at("10:44"))
    assert driver.phases[-1][1] == BookPhase.HALTED
    driver.advance(at("10:45"))
    assert driver.phases[-1] == (at("10:45"), BookPhase.CONTINUOUS)


def test_a_shorter_halt_with_an_auction_waits_for_the_longer_one_to_end() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    driver.advance(at("10:00"))
    assert driver.day.interrupt(halt(at("10:00"), 45))
    driver.advance(at("10:05"))
    assert driver.day.interrupt(halt(at("10:05"), 30, 15))
    driver.advance(at("12:00"))
    assert driver.phases[-2:] == [(at("10:45"), BookPhase.CLOSED), (at("11:00"), BookPhase.CONTINUOUS)]


def test_a_phase_that_a_halt_interrupts_does_not_begin_twice() -> None:
    driver = day_of("stock future", AUCTION_DAY)
    driver.trade(at("15:14"), 1_000, 5)
    driver.trade(at("15:20"), 1_020, 5)
    assert driver.day.interrupt(halt(at("15:20"), 5))
    driver.advance(at("15:26"))
    assert driver.day.reference == 1_000
    assert driver.phases[-1] == (at("15:25"), BookPhase.CONTINUOUS)


def test_a_halt_changes_nothing_where_nothing_trades() -> None:
    driver = day_of("closing_auction", AUCTION_DAY)
    assert not driver.day.interrupt(halt(at("08:00"), 30))
    driver.advance(at("09:01"))
    assert not driver.day.interrupt(halt(at("09:01"), 30))


def test_a_halt_goes_on_after_midnight() -> None:
    driver = day_of("crypto", BEFORE, exchange="CRYPTO")
    late = clock(BEFORE, "23:58", "UTC")
    driver.advance(late)
    assert driver.day.interrupt(halt(late, 5, phase=BookPhase.AUCTION))
    driver.advance(clock(BEFORE, "00:00", "UTC") + DAY)
    following = InstrumentDay(
        instrument=0,
        day=timeline(Market("CRYPTO", "crypto"), date(2025, 1, 3), seed=7),
        windows=windows(Market("CRYPTO", "crypto"), date(2025, 1, 3)),
        previous_close=1_000,
        halted=driver.day.carried,
    )
    next_day = Driver(following)
    next_day.advance(late + 4 * MINUTE)
    assert next_day.phases == [(late + 2 * MINUTE, BookPhase.AUCTION)]
    next_day.advance(late + 5 * MINUTE)
    assert next_day.phases[-1] == (late + 5 * MINUTE, BookPhase.CONTINUOUS)


def test_one_seed_closes_a_market_at_one_instant_and_another_elsewhere() -> None:
    days = [timeline(Market("NSE", "closing_auction"), AUCTION_DAY, seed=seed) for seed in (7, 7, 8)]
    assert days[0] == days[1] != days[2]


@pytest.mark.parametrize(
    ("instrument", "expected"),
    [
        (Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY), ("NSE", "equity")),
        (
            Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY, closing_auction=True),
            ("NSE", "closing_auction"),
        ),
        (
            Instrument(id="NFO:N", exchange="NFO", symbol="N", segment=Segment.FUTURE, underlying="NSE:NIFTY 50"),
            ("NSE", "index future"),
        ),
        (
            Instrument(id="BFO:A", exchange="BFO", symbol="A", segment=Segment.FUTURE, underlying="BSE:A"),
            ("BSE", "stock future"),
        ),
        (Instrument(id="NFO:O", exchange="NFO", symbol="O", segment=Segment.OPTION), ("NSE", "option")),
        (Instrument(id="MCX:G", exchange="MCX", symbol="G", segment=Segment.FUTURE), ("MCX", "commodity")),
        (Instrument(id="X:B", exchange="BINANCE", symbol="B", segment=Segment.CRYPTO_SPOT), ("CRYPTO", "crypto")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_tables_know_an_instrument_by_exchange_and_kind(instrument: Instrument, expected: tuple[str, str]) -> None:
    assert market_of(instrument) == expected
    assert timeline(Market(*expected), date(2026, 9, 8), seed=1)


def test_the_tables_open_a_day() -> None:
    """A band of 10 % around Rs 100 in ticks of 0.05, and one of 3 % at a quarter past three."""
    share = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY, closing_auction=True)
    driver = Driver(open_day(share, AUCTION_DAY, number=0, previous_close=2_000, seed=7, band="share"))
    outcomes = [driver.order(at("10:00"), SELL, price, 1)[1].reason for price in (2_200, 2_201)]
    outcomes += [driver.order(at("15:21"), SELL, price, 1)[1].reason for price in (2_060, 2_061)]
    assert outcomes == [Reason.NONE, Reason.OUTSIDE_BAND, Reason.NONE, Reason.OUTSIDE_BAND]
    bitcoin = Instrument(id="X:B", exchange="BINANCE", symbol="B", segment=Segment.CRYPTO_SPOT)
    assert open_day(bitcoin, AUCTION_DAY, number=0, previous_close=0, seed=7).timeline[0].name == "continuous"


def test_bad_input_is_refused_with_what_is_known() -> None:
    index = Instrument(id="NSE:NIFTY 50", exchange="NSE", symbol="NIFTY 50", segment=Segment.INDEX)
    with pytest.raises(ConfigError, match="index"):
        market_of(index)
    with pytest.raises(UnknownName, match="kind 'warrant'"):
        timeline(Market("NSE", "warrant"), AUCTION_DAY, seed=1)
    with pytest.raises(UnknownName, match="exchange 'LSE'"):
        timeline(Market("LSE", "equity"), AUCTION_DAY, seed=1)
    with pytest.raises(UncoveredDate, match="EGX"):
        timeline(Market("EGX", "equity"), date(2022, 1, 4), seed=1)
