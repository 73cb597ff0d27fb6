"""How a replay of ticks lies in memory: a row a tick, a row a request, a row a report, and the venue's own notes.

Prices are whole ticks, quantities whole steps, times UTC nanoseconds, all int64. Sides are +1 (buy) and -1 (sell).
"""

from __future__ import annotations

import numpy as np


def _row(*names: str) -> np.dtype[np.void]:
    return np.dtype([(name, np.int64) for name in names], align=True)


TICK_ROW = _row("at", "exchange_at", "price", "quantity", "aggressor", "bid", "bid_quantity", "ask", "ask_quantity")
"""One tick: the trade (`quantity` 0: none) with its aggressor's side (0: not known), then the best quotes after it
(price -1: not said; 0: the side is empty)."""

REQUEST = _row("action", "side", "price", "quantity", "target", "at", "open")
"""What a strategy asked for. `target` is the request that a withdrawal means; `open` what, as far as the strategy has
heard, is not filled and not withdrawn."""

ACCOUNT = _row("at", "position", "sent", "sent_before", "heard", "refused")
"""What a strategy knows of itself: the time, the position and the number of reports it has heard of, how many requests
it has sent, how many of them before this tick, and how many were not taken because it sent too many on one tick."""

RESTING = _row("key", "remaining", "ahead", "shown", "traded", "live_at", "next", "previous")
"""The venue's side of a request. `key` is side × price, so that on both sides the best order has the greatest; `shown`
is what others last showed at its price, `traded` what traded there since."""

REPORT = _row("kind", "request", "price", "quantity", "exchange_at", "at", "maker")
"""What became of a request: when it happened at the venue (`exchange_at`) and when the strategy heard of it (`at`)."""

LIMIT, MARKET, WITHDRAW, LIMIT_IMMEDIATE, MARKET_IMMEDIATE = 0, 1, 2, 3, 4
"""Actions of a request; the immediate ones never rest."""

FILLED, WITHDRAWN = 0, 1
"""Kinds of reports; `WITHDRAWN` is also the rest of an immediate order."""

UNKNOWN = 2**62
"""Quantity ahead of an order whose level nobody has shown yet; also the key of a market order."""

# Places of the venue's notes in `desk`; those with two belong to bids and asks.
ROW, CLOCK, KNOWN_AT, ARRIVED, LIVE, REPORTS, LAST_LIVE, LAST_REPORT = 0, 1, 2, 3, 4, 5, 6, 7
HEAD, QUOTE, SHOWN, TAKEN = 8, 10, 12, 14
RESPONSE, MODEL = 16, 17
DESK = 18
"""Here the delays of requests begin, and at `desk[RESPONSE]` those of reports."""

# What stopped the loop.
DONE, FULL = 0, 1
HEADROOM = 64
"""Requests that a step may send on one tick."""

RISK_AVERSE, POWER, LOGARITHM = 0, 1, 2
"""Queue models of the compiled path."""

LATEST, DRAWN = 0, 1
"""How a delay is found in a tape of delays: the latest one known, or drawn by the instant."""
MODE, SEED, COUNT, FIRST = 0, 1, 2, 3
"""Places in a tape: mode, seed, number of delays, then the delays, then (mode `LATEST`) the times they hold from."""
