"""Coinbase Exchange's `level2` channel: a snapshot and changes without numbers, so that a loss does not show.

Source: docs.cdp.coinbase.com/exchange, "Level2 channel".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tradsys.market.books.messages import BookUpdate, Digits, Event, Level, decoded


class _Kind(msgspec.Struct):
    type: str


class _Snapshot(msgspec.Struct):
    product_id: str
    asks: list[Level]
    bids: list[Level]


class _Change(msgspec.Struct, array_like=True):
    side: Literal["buy", "sell"]
    price: Digits
    quantity: Digits


class _Update(msgspec.Struct):
    product_id: str
    changes: list[_Change]


_kind = msgspec.json.Decoder(_Kind)
_snapshot = msgspec.json.Decoder(_Snapshot)
_update = msgspec.json.Decoder(_Update)


class CoinbaseParser:
    """Snapshots and `l2update` messages; the product is the instrument."""

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message; other channels give none."""
        kind = decoded(_kind, message).type
        if kind == "snapshot":
            whole = decoded(_snapshot, message)
            return [BookUpdate(instrument=whole.product_id, snapshot=True, bids=whole.bids, asks=whole.asks, at=at)]
        if kind != "l2update":
            return []
        update = decoded(_update, message)
        bids, asks = (_levels(update.changes, side) for side in ("buy", "sell"))
        return [BookUpdate(instrument=update.product_id, snapshot=False, bids=bids, asks=asks, at=at)]


def _levels(changes: list[_Change], side: str) -> list[Level]:
    return [Level(change.price, change.quantity) for change in changes if change.side == side]
