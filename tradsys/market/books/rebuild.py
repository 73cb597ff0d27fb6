"""A recorded feed of one venue into the books of its instruments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tradsys.core.errors import DataError, UnknownName
from tradsys.market.books.binance import BinanceParser
from tradsys.market.books.bitfinex import BitfinexParser
from tradsys.market.books.captures import captured
from tradsys.market.books.checksums import Checksum, interleaved_checksum, kraken_checksum
from tradsys.market.books.coinbase import CoinbaseParser
from tradsys.market.books.deribit import DeribitParser
from tradsys.market.books.kraken import KrakenParser
from tradsys.market.books.level_book import BookSide
from tradsys.market.books.messages import BookUpdate, ConnectionGap, Parser
from tradsys.market.books.okx_bitget import BITGET_CHANNELS, OKX_CHANNELS, ChannelParser
from tradsys.market.books.sequencing import Gap, Outcome, SequencedBook
from tradsys.numerics.depth_measures import imbalance, microprice, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """How a venue's messages are read, and how its checksum is made where it has one."""

    parser: Callable[[], Parser]
    checksum: Checksum | None = None


VENUES = {
    "binance": Venue(parser=BinanceParser),
    "bitfinex": Venue(parser=BitfinexParser),
    "bitget": Venue(parser=lambda: ChannelParser(BITGET_CHANNELS), checksum=interleaved_checksum),
    "coinbase": Venue(parser=CoinbaseParser),
    "deribit": Venue(parser=DeribitParser),
    "kraken": Venue(parser=KrakenParser, checksum=kraken_checksum),
    "okx": Venue(parser=lambda: ChannelParser(OKX_CHANNELS), checksum=interleaved_checksum),
}


def venue(name: str) -> Venue:
    """Raises `UnknownName` for a venue that no parser is for."""
    try:
        return VENUES[name]
    except KeyError:
        raise UnknownName("feed format", name, VENUES) from None


class Rebuild:
    """All books of one venue's feed, by instrument; `malformed` counts the messages that could not be read."""

    def __init__(self, venue: Venue) -> None:
        self.books: dict[str, SequencedBook] = {}
        self.malformed = 0
        self._parser = venue.parser()
        self._checksum = venue.checksum

    def receive(self, message: bytes, *, at: int = 0, origin: str = "") -> list[tuple[BookUpdate, Outcome]]:
        """The updates of one message with what became of them; of a malformed one none."""
        try:
            events = self._parser.parse(message, at=at, origin=origin)
        except DataError:
            self.malformed += 1
            return []
        outcomes = []
        for event in events:
            if isinstance(event, ConnectionGap):
                self._lose(event)
            else:
                outcomes.append((event, self._book(event.instrument).receive(event)))
        return outcomes

    def receive_lines(self, lines: Iterable[bytes]) -> None:
        """Take in the lines of a recording."""
        for line in lines:
            if (one := captured(line)) is not None:
                self.receive(one.message, at=one.at, origin=one.origin)

    def _book(self, instrument: str) -> SequencedBook:
        if instrument not in self.books:
            self.books[instrument] = SequencedBook(self._checksum)
        return self.books[instrument]

    def _lose(self, lost: ConnectionGap) -> None:
        for book in self.books.values():
            book.lose(Gap(at=lost.at, expected=lost.expected, got=lost.got))


def summary(book: SequencedBook) -> dict[str, Any]:
    """What a book counted and where it stands; `messages` are all of its depth messages, `applied` its updates."""
    counts = book.counts
    return {
        "state": str(book.state),
        "messages": counts.messages,
        "snapshots": counts.snapshots,
        "applied": counts.applied,
        "stale": counts.stale,
        "unused": counts.messages - counts.snapshots - counts.applied - counts.stale,
        "gaps": counts.gaps,
        "checksums": {"checked": counts.checked, "failed": counts.failed},
        **measured(_best("bid", book.book.bids) | _best("ask", book.book.asks)),
    }


def measured(best: dict[str, Any]) -> dict[str, Any]:
    """The best of both sides, and what they say together; None where a side is empty."""
    names = "best_bid", "best_bid_quantity", "best_ask", "best_ask_quantity"
    bid, bid_quantity, ask, ask_quantity = (best[name] for name in names)
    if bid is None or ask is None:
        return best | dict.fromkeys(("spread", "imbalance", "microprice"))
    return best | {
        "spread": spread(bid=bid, ask=ask),
        "imbalance": imbalance(bid_quantity=bid_quantity, ask_quantity=ask_quantity),
        "microprice": microprice(bid=bid, bid_quantity=bid_quantity, ask=ask, ask_quantity=ask_quantity),
    }


def _best(name: str, side: BookSide) -> dict[str, Any]:
    best = side.best()
    return {
        f"best_{name}": float(best.price) if best else None,
        f"best_{name}_quantity": float(best.quantity) if best else None,
        f"{name}_levels": len(side),
    }
