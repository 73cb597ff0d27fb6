"""A generated day at real venues: its hours and auctions are the exchange's, and it looks like a market."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tradsys.core.errors import ConfigError, UncoveredDate
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import Action, BookPhase, MatchingBook
from tradsys.core.units import HOUR, MINUTE, SCALE, SECOND
from tradsys.exchange.agents.information import InformationParameters
from tradsys.exchange.agents.population import Population
from tradsys.exchange.agents.trend import Momentum, MomentumParameters
from tradsys.exchange.book import Book
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.generated_day import DayParameters, Hours, generated_day
from tradsys.exchange.market_statistics import MarketStatistics, measure
from tradsys.exchange.simulation_record import SimulationRecord
from tradsys.reference.sessions import days_since_epoch, instant

MONDAY = date(2026, 11, 16)
SHARE = Instrument(id="NSE:X", exchange="NSE", symbol="X", segment=Segment.EQUITY)
BY_AUCTION = Instrument(id="NSE:X", exchange="NSE", symbol="X", segment=Segment.EQUITY, closing_auction=True)
COIN = Instrument(id="X:Y", exchange="X", symbol="Y", segment=Segment.CRYPTO_SPOT)


def clock(text: str) -> int:
    return instant(days_since_epoch(MONDAY), text)


def day(
    instrument: Instrument, *, activity: float, book: MatchingBook | None = None, seed: int = 3
) -> tuple[SimulationRecord, Hours]:
    parameters = DayParameters(reference=1_500 * SCALE, population=Population(activity=activity))
    run, hours = generated_day(book or Book(1), instrument, MONDAY, parameters, seed=seed)
    return run.run(), hours


@pytest.fixture(scope="module")
def usual() -> tuple[SimulationRecord, Hours]:
    """A tenth of the usual activity: some hundred thousand messages."""
    return day(SHARE, activity=0.1)


@pytest.fixture(scope="module")
def statistics(usual: tuple[SimulationRecord, Hours]) -> MarketStatistics:
    record, hours = usual
    return measure(
        orders=record.orders(),
        trades=record.trades(),
        depth=record.depths(),
        opens=hours.opens,
        closes=hours.closes,
        levels=5,
    )


def test_a_share_trades_in_its_hours(usual: tuple[SimulationRecord, Hours]) -> None:
    record, hours = usual
    assert record.complete
    assert hours == Hours(opens=clock("09:15"), closes=clock("15:30"), ends=clock("15:30"))
    at = record.trades()["at"]
    opening, rest = at[at < hours.opens], at[at >= hours.opens]
    assert len(set(opening.tolist())) == 1
    assert clock("09:08") <= opening[0] <= clock("09:12")
    assert hours.opens <= rest.min()
    assert rest.max() < hours.closes


def test_it_looks_like_a_market(statistics: MarketStatistics) -> None:
    one, ten, minute = statistics.returns
    assert statistics.messages > 50_000
    assert statistics.two_sided > 0.99
    assert statistics.rejected < 0.01
    assert 3 < statistics.order_to_trade < 30
    assert 1.0 <= statistics.spread_median <= 4.0
    assert statistics.spread_95 > statistics.spread_median
    # heavier tails than a normal at every horizon, lighter the longer it is
    assert one.kurtosis > ten.kurtosis > minute.kurtosis > 3.5
    # volatility clusters, returns hardly do
    assert min(ten.absolute_autocorrelation) > 0.05
    assert abs(minute.autocorrelation) < 0.15
    # busy at both ends
    assert min(statistics.volume[0], statistics.volume[-1]) > np.median(statistics.volume)
    assert statistics.sign_autocorrelation[0] > statistics.sign_autocorrelation[-1] > 0.05
    assert min(statistics.depth) > 20


def test_the_day_moves_as_much_as_was_asked(statistics: MarketStatistics) -> None:
    assert statistics.returns[-1].deviation == pytest.approx(0.25 / np.sqrt(252), rel=0.4)


def test_a_share_with_a_closing_auction_ends_in_it() -> None:
    record, hours = day(BY_AUCTION, activity=0.02)
    assert (hours.closes, hours.ends > hours.closes) == (clock("15:15"), True)
    trades = record.trades()
    closing = trades["at"] > hours.closes
    assert closing.any()
    assert len(set(trades["price"][closing].tolist())) == 1
    orders = record.orders()
    assert (orders["event"] == Action.UNCROSS).sum() == 2
    assert BookPhase.AUCTION_LIMIT in orders["phase"]


def test_crypto_trades_round_the_clock() -> None:
    record, hours = day(COIN, activity=0.005)
    assert hours.closes - hours.opens == 24 * HOUR
    at = record.trades()["at"]
    assert at.min() < hours.opens + 30 * MINUTE
    assert at.max() > hours.closes - 30 * MINUTE
    assert len(record.depths()["at"]) == pytest.approx(24 * HOUR / SECOND, rel=1e-3)


def test_both_books_give_one_day() -> None:
    ours, theirs = (day(SHARE, activity=0.005, book=book)[0] for book in (Book(1), ReferenceBook(1)))
    for mine, other in (
        (ours.orders(), theirs.orders()),
        (ours.trades(), theirs.trades()),
        (ours.depths(), theirs.depths()),
    ):
        assert all(np.array_equal(mine[name], other[name]) for name in mine)


def parameters(**fields: int) -> DayParameters:
    return DayParameters(reference=fields.get("reference", 1_500 * SCALE), information=InformationParameters())


def test_a_day_without_a_session_is_refused() -> None:
    with pytest.raises(ConfigError, match="no session"):
        generated_day(ReferenceBook(1), SHARE, date(2026, 11, 15), parameters(), seed=1)
    with pytest.raises(UncoveredDate):
        generated_day(ReferenceBook(1), SHARE, date(1999, 1, 4), parameters(), seed=1)


@pytest.mark.parametrize("reference", [0, -SCALE, 1_500 * SCALE + 1, SCALE // 20, 10**9 * SCALE])
def test_a_reference_price_that_does_not_fit_is_refused(reference: int) -> None:
    with pytest.raises(ConfigError, match="does not fit the tick"):
        generated_day(ReferenceBook(1), SHARE, MONDAY, parameters(reference=reference), seed=1)


def test_an_account_that_is_taken_is_refused() -> None:
    other = Momentum(1, MomentumParameters())
    with pytest.raises(ConfigError, match="one account"):
        generated_day(ReferenceBook(1), SHARE, MONDAY, parameters(), seed=1, others=[other])
