"""Names on the command line: which segment, underlying and tick they stand for, and which stand for nothing."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.cli.exchange_instrument import traded_instrument
from tradsys.core.errors import ConfigError
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import from_text
from tradsys.exchange.sessions import market_of

DAY = date(2026, 11, 16)


def instrument(name: str, *, price: str = "1500", tick: str | None = None, lot: str = "1") -> Instrument:
    return traded_instrument(name, DAY, tick=tick, lot=lot, price=price, closing_auction=False)


@pytest.mark.parametrize(
    ("name", "price", "segment", "market", "tick"),
    [
        ("INFY", "1500", Segment.EQUITY, ("NSE", "equity"), "0.1"),
        ("NSE:MRF", "130000", Segment.EQUITY, ("NSE", "equity"), "5"),
        ("NFO:NIFTY26NOVFUT", "25000", Segment.FUTURE, ("NSE", "index future"), "0.1"),
        ("NFO:NIFTYNXT5026NOVFUT", "65000", Segment.FUTURE, ("NSE", "index future"), "0.2"),
        ("NFO:M&M26NOVFUT", "3000", Segment.FUTURE, ("NSE", "stock future"), "0.1"),
        ("NFO:360ONE26NOVFUT", "900", Segment.FUTURE, ("NSE", "stock future"), "0.05"),
        ("NFO:NIFTY26NOV25000CE", "150", Segment.OPTION, ("NSE", "option"), "0.05"),
        ("NFO:NIFTY26N1725000PE", "150", Segment.OPTION, ("NSE", "option"), "0.05"),
        ("BFO:SENSEX26NOVFUT", "85000", Segment.FUTURE, ("BSE", "index future"), "0.05"),
        ("EGX:COMI", "90", Segment.EQUITY, ("EGX", "equity"), "0.01"),
        ("BINANCE:BTCUSDT", "61000", Segment.CRYPTO_SPOT, ("CRYPTO", "crypto"), "0.01"),
    ],
)
def test_a_name_says_what_is_traded(
    name: str, price: str, segment: Segment, market: tuple[str, str], tick: str
) -> None:
    found = instrument(name, price=price)
    assert (found.segment, tuple(market_of(found)), found.tick_at(0)) == (segment, market, from_text(tick))


def test_a_tick_that_is_given_goes_before_the_exchange_s() -> None:
    assert instrument("NSE:INFY", tick="0.25").tick_at(0) == from_text("0.25")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is EXCHANGE:SYMBOL"),
        (":", "is EXCHANGE:SYMBOL"),
        ("NSE:", "is EXCHANGE:SYMBOL"),
        (":INFY", "is EXCHANGE:SYMBOL"),
        ("nse:INFY", "unknown exchange 'nse'"),
        ("NSE:NIFTY 50", "is an index"),
        ("NSE:BANKNIFTY", "is an index"),
    ],
)
def test_a_name_of_nothing_that_trades_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        instrument(name)


@pytest.mark.parametrize("price", ["0", "-5"])
def test_a_price_that_none_can_be_is_refused(price: str) -> None:
    with pytest.raises(ConfigError, match="a price must be positive"):
        instrument("NSE:INFY", price=price)
