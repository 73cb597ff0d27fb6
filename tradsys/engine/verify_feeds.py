"""Copies of recorded feeds that are no tables: messages of depth, a line each, and Databento's binary records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradsys.core.errors import DataError
from tradsys.engine.verify_files import Float64s, Int64s, PricedRows, Prices
from tradsys.market.books import databento
from tradsys.market.books.captures import Captured, captured
from tradsys.market.books.messages import BookUpdate
from tradsys.market.books.rebuild import venue
from tradsys.market.books.recording import trades_in
from tradsys.market.books.trades import TRADES, FeedTrade

BELOW, ABOVE = Decimal("0.4"), Decimal(3)
"""What bids and asks are multiplied by: apart, so that levels from before never cross them."""

_NUMBER = re.compile(rb"(?<![\w.-])[0-9]+(?:\.[0-9]+)?(?![\w.])")
_RECORD = np.dtype([("before", "V24"), ("price", "<i8"), ("after", "V24")])


class FeedRows:
    """Lines of a recorded feed of depth, as `market.books.captures` reads them."""

    def __init__(self, feed: Sequence[bytes], format: str, pack: Callable[[bytes], bytes]) -> None:
        self._feed = feed
        self._format = format
        self._pack = pack

    def __len__(self) -> int:
        return len(self._feed)

    def times(self) -> Int64s:
        """int64[n]: when each line was received, else when the venue sent it; one without a time has that before it."""
        times, at = np.zeros(len(self), np.int64), 0
        for row, (one, updates) in enumerate(self._messages()):
            at = (one.at if one else 0) or max((each.exchange_at for each in updates), default=0) or at
            times[row] = at
        return times

    def kept(self, rows: Int64s) -> FeedRows:
        """Only these lines, by number."""
        return FeedRows([self._feed[row] for row in rows.tolist()], self._format, self._pack)

    def poisoned(self, after: NDArray[np.bool_]) -> FeedRows:
        """The same lines with the levels of those marked moved far away; levels that go stay as they are."""
        feed = [
            _moved(line, updates) if change and updates else line
            for line, change, (_, updates) in zip(self._feed, after.tolist(), self._messages(), strict=True)
        ]
        return FeedRows(feed, self._format, self._pack)

    def encode(self) -> bytes:
        """The file's bytes."""
        return self._pack(b"\n".join(self._feed))

    def _messages(self) -> Iterator[tuple[Captured | None, list[BookUpdate | FeedTrade]]]:
        """Each line's message, and what it says of books and trades: nothing where the venue's parser refuses it."""
        parser = venue(self._format).parser()
        trades = TRADES[self._format]() if self._format in TRADES else None
        for line in self._feed:
            one = captured(line)
            if one is None:
                yield None, []
                continue
            try:
                events = parser.parse(one.message, at=one.at, origin=one.origin)
            except DataError:
                events = ()
            updates = [event for event in events if isinstance(event, BookUpdate)]
            yield one, [*updates, *trades_in(one, trades)]


def _moved(line: bytes, updates: Sequence[BookUpdate | FeedTrade]) -> bytes:
    """A line in which every number that is the price of a level or trade is another one, with as many digits after the
    point."""
    prices: dict[Decimal, Decimal] = {}
    for update in updates:
        if isinstance(update, FeedTrade):
            prices[Decimal(repr(update.price))] = ABOVE
            continue
        for levels, factor in ((update.bids, BELOW), (update.asks, ABOVE)):
            prices |= {Decimal(each.price): factor for each in levels if Decimal(each.quantity)}

    def changed(found: re.Match[bytes]) -> bytes:
        number = Decimal(found[0].decode())
        there = (number * prices.get(number, Decimal(1))).quantize(number)
        return str(there).encode() if there else found[0]

    return _NUMBER.sub(changed, line)


class BinaryOrders(PricedRows):
    """Records of single orders in a DBN file; those of other kinds, which the reader passes over, are not copied."""

    def __init__(self, head: bytes, records: NDArray[Any], prices: Prices, *, packed: bool) -> None:
        super().__init__(("price",), prices)
        self._head = head
        self._records = records
        self._packed = packed

    @classmethod
    def read(cls, content: bytes, prices: Prices) -> Self:
        """The records of a file's bytes, zstd or plain, once `market.books.databento` has read it without complaint."""
        packed = content.startswith(databento.ZSTD)
        plain = pa.CompressedInputStream(pa.BufferReader(content), "zstd").read() if packed else content
        start = databento.PREFIX.size + databento.PREFIX.unpack_from(plain)[2]
        found, place = [], start
        while place < len(plain):
            size = plain[place] * 4
            if plain[place + 1] == databento.MARKET_BY_ORDER:
                found.append(plain[place : place + size])
            place += size
        return cls(plain[:start], np.frombuffer(b"".join(found), dtype=_RECORD), prices, packed=packed)

    def __len__(self) -> int:
        return len(self._records)

    def price(self, role: str) -> Float64s:
        """Prices in 1e-9, float64[n]."""
        prices: Float64s = self._records[role].astype(np.float64)
        return prices

    def priced(self, prices: dict[str, Float64s]) -> Self:
        """The same records with other prices."""
        records = self._records.copy()
        for role, values in prices.items():
            changed = values != self.price(role)
            records[role][changed] = values[changed].astype(np.int64)
        return type(self)(self._head, records, self._prices, packed=self._packed)

    def kept(self, rows: Int64s) -> Self:
        """Only these records, by number."""
        return type(self)(self._head, self._records[rows], self._prices, packed=self._packed)

    def encode(self) -> bytes:
        """The file's bytes."""
        plain = self._head + self._records.tobytes()
        if not self._packed:
            return plain
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(plain)
        content: bytes = sink.getvalue().to_pybytes()
        return content
