"""What a strategy's compiled step may ask of the venue. Each function gives the request's number, or -1 where it was
not taken because the step sent too many on one tick. Prices are whole ticks, quantities whole steps."""

from __future__ import annotations

from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt

from tradsys.numerics.compilation import kernel
from tradsys.numerics.tick_replay_layout import (
    ACCOUNT,
    HEADROOM,
    LIMIT,
    LIMIT_IMMEDIATE,
    MARKET,
    MARKET_IMMEDIATE,
    REQUEST,
    TICK_ROW,
    WITHDRAW,
)

Records = npt.NDArray[np.void]

STEP = cast(Any, numba.types).FunctionType(
    numba.types.void(
        numba.from_dtype(TICK_ROW),
        numba.from_dtype(ACCOUNT),
        numba.from_dtype(REQUEST)[::1],
        numba.float64[::1],
    )
)
"""Type of a strategy's step. Called through its address, so the loop is compiled once for all strategies."""


@kernel
def _send(account: Any, requests: Records, action: int, side: int, price: int, quantity: int, target: int) -> Any:
    number = account.sent
    if number == account.sent_before + HEADROOM:
        account.refused += 1
        return -1
    request = requests[number]
    request.action, request.side, request.price = action, side, price
    request.quantity, request.target, request.at = quantity, target, account.at
    request.open = quantity
    account.sent = number + 1
    return number


@kernel
def send_limit(account: Any, requests: Records, side: int, price: int, quantity: int) -> Any:
    """Buy (`side` +1) or sell (-1) at a price or better; the rest stands in the queue."""
    return _send(account, requests, LIMIT, side, price, quantity, -1)


@kernel
def send_limit_immediate(account: Any, requests: Records, side: int, price: int, quantity: int) -> Any:
    """The same; the rest is withdrawn."""
    return _send(account, requests, LIMIT_IMMEDIATE, side, price, quantity, -1)


@kernel
def send_market(account: Any, requests: Records, side: int, quantity: int) -> Any:
    """Buy or sell at what is shown, now and until it is filled."""
    return _send(account, requests, MARKET, side, 0, quantity, -1)


@kernel
def send_market_immediate(account: Any, requests: Records, side: int, quantity: int) -> Any:
    """Buy or sell at what is shown now; the rest is withdrawn."""
    return _send(account, requests, MARKET_IMMEDIATE, side, 0, quantity, -1)


@kernel
def withdraw(account: Any, requests: Records, number: int) -> Any:
    """Withdraw an earlier request by its number."""
    return _send(account, requests, WITHDRAW, 0, 0, 0, number)
