"""Trades in venues' feeds: one recorded message of each, read; others give nothing or are refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.errors import DataError
from tradsys.market.books.trades import TRADES, BinanceTrades, FeedTrade

TOLD = (
    b'{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02",'
    b'"T":1723161255342,"m":true}'
)
BINANCE = b'{"stream":"btcusdt@trade","data":' + TOLD + b"}"
AGGREGATE = b'{"e":"aggTrade","E":1,"a":1,"s":"BTCUSDT","p":"1.01100","q":"10","f":1,"l":1,"T":1626992741421,"m":false}'
BITGET = (
    b'{"action":"update","arg":{"instType":"mc","channel":"trade","instId":"UNIUSDT"},'
    b'"data":[["1649290079982","9.977","2","buy"],["1649290078916","9.976","1","sell"]]}'
)
BITGET_2 = (
    b'{"action":"update","arg":{"instType":"SPOT","channel":"trade","instId":"BTCUSDT"},'
    b'"data":[{"ts":"1695716760565","price":"27000.5","size":"0.001","side":"buy","tradeId":"1"}],"ts":1695716761589}'
)
OKX = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474",'
    b'"px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3"}]}'
)


def read(venue: str, message: bytes, *, at: int = 0) -> list[tuple[str, float, float, int, int, int]]:
    found = TRADES[venue]().parse(message, at=at)
    return [(e.instrument, e.price, e.quantity, e.aggressor, e.at, e.exchange_at) for e in found]


@pytest.mark.parametrize("message", [TOLD, BINANCE])
def test_binance_says_whether_the_buyer_waited(message: bytes) -> None:
    happened = 1723161255342_000_000
    assert read("binance", message) == [("BTCUSDT", 61837.63, 0.02, -1, happened, happened)]
    assert read("binance", message.replace(b"true", b"false"))[0][3] == 1


def test_a_trade_is_not_heard_before_it_happened() -> None:
    assert read("binance", TOLD, at=1723161255400_000_000)[0][4:] == (1723161255400_000_000, 1723161255342_000_000)
    assert read("binance", TOLD, at=5)[0][4:] == (5, 5)


def test_of_trades_told_twice_one_kind_is_read() -> None:
    parser = BinanceTrades()
    assert [len(parser.parse(each)) for each in (AGGREGATE, TOLD, AGGREGATE)] == [1, 0, 1]


def test_bitget_tells_the_newest_first_and_on_subscription_the_past() -> None:
    told = read("bitget", BITGET)
    assert [(price, quantity, aggressor) for _, price, quantity, aggressor, *_ in told] == [
        (9.976, 1.0, -1),
        (9.977, 2.0, 1),
    ]
    assert read("bitget", BITGET.replace(b"update", b"snapshot")) == []
    happened = 1695716760565_000_000
    assert read("bitget", BITGET_2) == [("BTCUSDT", 27000.5, 0.001, 1, happened, happened)]


def test_okx() -> None:
    happened = 1630048897897_000_000
    assert read("okx", OKX) == [("BTC-USDT", 42219.9, 0.12060306, 1, happened, happened)]


@pytest.mark.parametrize(
    ("venue", "message"),
    [
        ("binance", b'{"e":"depthUpdate","s":"X"}'),
        ("binance", b'{"lastUpdateId":1,"bids":[],"asks":[]}'),
        ("binance", TOLD.replace(b'"61837.63000000"', b'"0"')),
        ("bitget", b"pong"),
        ("okx", OKX.replace(b'"trades"', b'"books"')),
        ("okx", b'{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}'),
    ],
)
def test_what_tells_no_trade_gives_none(venue: str, message: bytes) -> None:
    assert read(venue, message) == []


@pytest.mark.parametrize(
    ("venue", "message"),
    [
        ("binance", b"{"),
        ("binance", TOLD.replace(b'"0.02"', b'"-0.02"')),
        ("bitget", BITGET.replace(b'"9.977"', b"null")),
        ("okx", OKX.replace(b'"42219.9"', b'"nan"')),
    ],
)
def test_what_is_no_trade_is_refused(venue: str, message: bytes) -> None:
    with pytest.raises(DataError):
        read(venue, message)


@given(venue=st.sampled_from(sorted(TRADES)), message=st.binary(max_size=60), start=st.sampled_from([b"", OKX, BITGET]))
def test_any_bytes_are_read_or_refused(venue: str, message: bytes, start: bytes) -> None:
    with suppress(DataError):
        found = TRADES[venue]().parse(start[:-20] + message)
        assert all(type(each) is FeedTrade and each.price > 0 for each in found)
