"""One recorded message of each venue, read; and every message of another shape refused."""

from __future__ import annotations

import pytest

from tradsys.core.errors import DataError
from tradsys.market.books.binance import BinanceParser
from tradsys.market.books.bitfinex import BitfinexParser
from tradsys.market.books.coinbase import CoinbaseParser
from tradsys.market.books.deribit import DeribitParser
from tradsys.market.books.kraken import KrakenParser
from tradsys.market.books.messages import BookUpdate, ConnectionGap, Level
from tradsys.market.books.okx_bitget import BITGET_CHANNELS, OKX_CHANNELS, ChannelParser
from tradsys.market.books.rebuild import VENUES

SPOT = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":50093239203,'
    b'"u":50093239207,"b":[["55653.87000000","0.00000000"]],"a":[["61838.04000000","0.32332000"]]}}'
)
FUTURE = (
    b'{"e":"depthUpdate","E":1723161257476,"T":1723161257467,"s":"BTCUSD_PERP","ps":"BTCUSD","U":1007198631847,'
    b'"u":1007198631985,"pu":1007198631835,"b":[["61786.5","89"]],"a":[]}'
)
SNAPSHOT = b'{"lastUpdateId":9,"bids":[["61837.63","3.78"]],"asks":[["61837.64","1.60"]]}'
KRAKEN = (
    b'[992,{"a":[["354.60","5.0","1618678133.365913","r"]]},'
    b'{"b":[["354.15","5.0","1618678133.365913"]],"c":"2583817756"},"book-1000","XMR/USD"]'
)
BITGET = (
    b'{"action":"update","arg":{"instType":"mc","channel":"books","instId":"DASHUSDT"},"data":[{"asks":'
    b'[["113.42","0"]],"bids":[["113.36","6.40"]],"checksum":-487257069,"ts":"1649290077676"}]}'
)
OKX = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["8476.98","415","0","13"]],'
    b'"bids":[],"ts":"1597026383085","checksum":0,"prevSeqId":123456,"seqId":123457}]}'
)
DERIBIT = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-24SEP21-8000-P.raw","data":{"type":'
    b'"change","timestamp":1626993724337,"prev_change_id":355,"instrument_name":"BTC-24SEP21-8000-P","change_id":358,'
    b'"bids":[["new",0.00005,2.6]],"asks":[["delete",0.001,0.0]]}}}'
)
COINBASE = (
    b'{"type":"l2update","product_id":"SKL-BTC","changes":[["sell","0.00001306","660.5"],["buy","0.00001300","0"]],'
    b'"time":"2021-04-17T16:43:37.075687Z"}'
)


def one(events: object) -> BookUpdate:
    assert isinstance(events, list)
    (update,) = events
    assert isinstance(update, BookUpdate)
    return update


def test_binance_spot_follows_from_the_number_before_its_first() -> None:
    update = one(BinanceParser().parse(SPOT, at=7))
    assert (update.instrument, update.snapshot, update.previous, update.last) == (
        "BTCUSDT",
        False,
        50093239202,
        50093239207,
    )
    assert update.bids == [Level("55653.87000000", "0.00000000")]
    assert (update.at, update.exchange_at) == (7, 1723161255308_000_000)


def test_binance_future_follows_from_its_previous_update() -> None:
    update = one(BinanceParser().parse(FUTURE))
    assert (update.previous, update.last, update.bids) == (1007198631835, 1007198631985, [Level("61786.5", "89")])


def test_binance_snapshot_finds_its_instrument() -> None:
    address = "https://fapi.binance.com/fapi/v1/depth?symbol=sushiusdt&limit=1000"
    assert one(BinanceParser().parse(SNAPSHOT, origin=address)).instrument == "SUSHIUSDT"
    named = SNAPSHOT.replace(b"{", b'{"symbol":"BTCUSD_PERP",', 1)
    assert one(BinanceParser().parse(named)).instrument == "BTCUSD_PERP"
    parser = BinanceParser()
    parser.parse(SPOT)
    snapshot = one(parser.parse(SNAPSHOT))
    assert (snapshot.instrument, snapshot.requested, snapshot.last) == ("BTCUSDT", True, 9)
    parser.parse(FUTURE)
    with pytest.raises(DataError, match="of which instrument"):
        parser.parse(SNAPSHOT)


def test_kraken_keeps_digits_and_depth() -> None:
    update = one(KrakenParser().parse(KRAKEN))
    assert (update.instrument, update.checksum, update.depth) == ("XMR/USD", 2583817756, 1000)
    assert (update.asks, update.bids) == ([Level("354.60", "5.0")], [Level("354.15", "5.0")])


def kraken_book(kind: str, *, bids: str = "", checksum: int = 3310070434) -> bytes:
    levels = f'"bids":[{bids}],"asks":[{{"price":45285.2,"qty":0.00100000}}],"checksum":{checksum}'
    return f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD",{levels}}}]}}'.encode()


def test_kraken_second_version_keeps_the_digits_of_numbers() -> None:
    parser = KrakenParser()
    snapshot = one(parser.parse(kraken_book("snapshot", bids='{"price":45283.5,"qty":1.0e-7}')))
    assert (snapshot.instrument, snapshot.snapshot, snapshot.checksum, snapshot.depth) == (
        "BTC/USD",
        True,
        3310070434,
        10,
    )
    assert (snapshot.asks, snapshot.bids) == ([Level("45285.2", "0.00100000")], [Level("45283.5", "0.00000010")])
    told = b'{"method":"subscribe","result":{"channel":"book","depth":25,"symbol":"BTC/USD"},"success":true}'
    assert not parser.parse(told)
    assert one(parser.parse(kraken_book("update"))).depth == 25
    assert not parser.parse(b'{"channel":"heartbeat"}')


@pytest.mark.parametrize("bad", ["-1", '"1"', "1e400", "null", "[]"])
def test_kraken_second_version_refuses_what_is_no_number(bad: str) -> None:
    with pytest.raises(DataError, match="malformed"):
        KrakenParser().parse(kraken_book("update", bids=f'{{"price":{bad},"qty":1}}'))


def test_okx_and_bitget_share_a_shape() -> None:
    bitget = one(ChannelParser(BITGET_CHANNELS).parse(BITGET))
    assert (bitget.instrument, bitget.checksum, bitget.previous, bitget.last) == ("DASHUSDT", -487257069, None, None)
    okx = one(ChannelParser(OKX_CHANNELS).parse(OKX))
    assert (okx.previous, okx.last, okx.checksum) == (123456, 123457, None)
    assert okx.asks == [Level("8476.98", "415")]
    assert not ChannelParser(OKX_CHANNELS).parse(b"pong")


def test_deribit_numbers_become_plain_digits() -> None:
    update = one(DeribitParser().parse(DERIBIT))
    assert (update.previous, update.last) == (355, 358)
    assert (update.bids, update.asks) == ([Level("0.00005", "2.6")], [Level("0.001", "0")])


def test_coinbase_changes_go_to_their_sides() -> None:
    update = one(CoinbaseParser().parse(COINBASE))
    assert (update.asks, update.bids) == ([Level("0.00001306", "660.5")], [Level("0.00001300", "0")])


def test_bitfinex_counts_sides_and_numbers() -> None:
    parser = BitfinexParser()
    parser.parse(b'{"event":"subscribed","channel":"book","chanId":5,"symbol":"tBTCUSD","prec":"P0"}')
    whole = one(parser.parse(b"[5,[[100.5,2,3.0],[101,1,-4.5]],1]"))
    assert (whole.snapshot, whole.bids, whole.asks) == (True, [Level("100.5", "3")], [Level("101", "4.5")])
    assert parser.parse(b'[5,"hb",2]') == []
    gone = one(parser.parse(b"[5,[101,0,-1],3]"))
    assert (gone.snapshot, gone.asks) == (False, [Level("101", "0")])
    lost = ConnectionGap(expected=4, got=6)
    assert parser.parse(b'[9,"te",[1,2,3,4],6]') == [lost]
    assert parser.parse(b'{"event":"info","version":2}') == parser.parse(b"[5,[101,1,-1],1]") == []


@pytest.mark.parametrize("venue", sorted(VENUES))
@pytest.mark.parametrize(
    "message",
    [b"", b"{", b"[", b"\xff\xfe", b"null", b"7", b'"text"', b"[1]", b'{"data":{"e":"depthUpdate"}', b"[" * 100_000],
)
def test_what_is_no_message_is_refused(venue: str, message: bytes) -> None:
    with pytest.raises(DataError, match="malformed"):
        VENUES[venue].parser().parse(message)


@pytest.mark.parametrize("bad", ["-1", "1e5", "nan", "", "1_0", "1.", " 1", "1\\n", "٣", "9" * 40])
@pytest.mark.parametrize("place", [b"61838.04000000", b"0.32332000"])
def test_what_is_no_plain_number_is_refused(bad: str, place: bytes) -> None:
    with pytest.raises(DataError, match="malformed"):
        BinanceParser().parse(SPOT.replace(place, bad.encode()))


@pytest.mark.parametrize("bad", [b"-2.6", b"1e300", b"true"])
def test_a_json_number_that_is_no_quantity_is_refused(bad: bytes) -> None:
    with pytest.raises(DataError, match="malformed"):
        DeribitParser().parse(DERIBIT.replace(b"2.6", bad))


def test_other_streams_give_nothing() -> None:
    assert not BinanceParser().parse(b'{"stream":"btcusdt@trade","data":{"e":"trade","p":"1"}}')
    assert not BinanceParser().parse(b'{"stream":"btcusdt@depth5","data":{"lastUpdateId":1,"bids":[],"asks":[]}}')
    assert not KrakenParser().parse(b'{"event":"heartbeat"}')
    assert not KrakenParser().parse(b'[1,["5","6"],"trade","XBT/USD"]')
    assert not DeribitParser().parse(b'{"jsonrpc":"2.0","id":0,"result":["book.X.raw"]}')
    assert not CoinbaseParser().parse(b'{"type":"ticker","sequence":1}')


def test_an_update_is_a_market_event() -> None:
    depth = one(BinanceParser().parse(SPOT, at=7)).as_depth()
    assert (depth.instrument, depth.bids, depth.asks) == ("BTCUSDT", ((55653.87, 0.0),), ((61838.04, 0.32332),))
    assert (depth.snapshot, depth.sequence, depth.at) == (False, 50093239207, 7)
