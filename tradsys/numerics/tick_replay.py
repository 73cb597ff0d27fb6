"""Drive a compiled strategy over recorded ticks, with queue position and latency.

A strategy is a plain function at the top of a module,

    step(tick, account, requests, state) -> None

compiled with `numba.njit` or `tradsys.numerics.compilation.kernel`. It is called once a tick, when the tick is heard;
`tick` is a record of `TICK_ROW`, `account` one of `ACCOUNT`, `requests` what it has sent (`REQUEST`), `state` its own
float64 memory. It asks with the functions of `tradsys.numerics.kernels.tick_requests`.
The loop is compiled once for all strategies and calls a step through its address, so a new strategy costs its own
compilation only, and both are kept on disk.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tradsys.core.errors import DataError, StrategyError
from tradsys.core.units import SCALE
from tradsys.numerics.tick_replay_layout import (
    ACCOUNT,
    DESK,
    DONE,
    HEAD,
    HEADROOM,
    MODEL,
    REPORT,
    REPORTS,
    REQUEST,
    RESPONSE,
    RESTING,
    RISK_AVERSE,
    TICK_ROW,
)

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]

AT_ONCE: Times = np.array([0, 0, 1, 0], np.int64)
"""A tape of delays that says none."""


class Replayed(NamedTuple):
    """What came of a replay: reports in order (`REPORT`), requests as sent (`REQUEST`), and the strategy's own view."""

    reports: Records
    requests: Records
    position: int
    state: Floats


def tick_rows(
    *,
    at: Times,
    exchange_at: Times,
    last: Floats,
    last_quantity: Floats,
    bid: Floats,
    bid_quantity: Floats,
    ask: Floats,
    ask_quantity: Floats,
    tick: int,
    lot: int,
    volume: Floats | None = None,
    aggressor: npt.NDArray[np.int8] | None = None,
) -> Records:
    """Columns of ticks (each length n) as rows of whole ticks and steps; `tick` and `lot` in 1e-8.

    NaN is not said; a quote of price or quantity 0 is an empty side; a tick that repeats `volume` repeats its trade.
    Without `aggressor` (+1, -1, 0 not known) a trade at or above the ask before it was a buyer's, at or below the bid a
    seller's. Raises `DataError` for lengths that differ, times heard that descend, and what is off the grid.
    """
    rows = np.zeros(len(at), TICK_ROW)
    if np.any(np.diff(at) < 0):
        raise DataError("ticks are not in the order they were heard", value=int(np.argmax(np.diff(at) < 0)) + 1)
    traded = ~np.isnan(last) & (last_quantity > 0)
    if volume is not None:
        traded[1:] &= volume[1:] != volume[:-1]
    try:
        rows["at"], rows["exchange_at"] = at, exchange_at
        rows["price"] = _whole(np.where(traded, last, 0.0), step=tick, name="last")
        rows["quantity"] = _whole(np.where(traded, last_quantity, 0.0), step=lot, name="last_quantity")
        for name, price, quantity in (("bid", bid, bid_quantity), ("ask", ask, ask_quantity)):
            said = ~np.isnan(price) & ~np.isnan(quantity)
            there = said & (price > 0) & (quantity > 0)
            rows[name] = np.where(said, _whole(np.where(there, price, 0.0), step=tick, name=name), -1)
            rows[f"{name}_quantity"] = _whole(np.where(there, quantity, 0.0), step=lot, name=f"{name}_quantity")
    except ValueError as error:
        raise DataError("columns of ticks differ in length", value=str(error)) from error
    known = _aggressors(rows) if aggressor is None else aggressor
    rows["aggressor"] = np.where(traded, known, 0)
    return rows


def replay(
    step: Any,
    rows: Records,
    *,
    state: Floats,
    entry: Times = AT_ONCE,
    response: Times = AT_ONCE,
    queue: int = RISK_AVERSE,
    exponent: float = 1.0,
) -> Replayed:
    """Run a compiled step over rows of `TICK_ROW`; `state` is the strategy's memory, float64[k], and is written to.

    `entry` and `response` are tapes of delays, `queue` is `RISK_AVERSE`, `POWER` (with its exponent) or `LOGARITHM`.
    Raises `StrategyError` for a step of another signature, or one that sends more than 64 requests on a tick.
    """
    loop = _loop()
    _compile(step)
    desk = np.concatenate((np.zeros(DESK, np.int64), entry, response))
    desk[HEAD : HEAD + 2], desk[RESPONSE], desk[MODEL] = -1, DESK + len(entry), queue
    account = np.zeros(1, ACCOUNT)
    requests, resting, reports = (np.zeros(1024, kind) for kind in (REQUEST, RESTING, REPORT))
    while True:
        done = loop(step, rows, desk, resting, reports, requests, account, state, exponent)
        if account["refused"][0]:
            raise StrategyError("a step sent too many requests on one tick", limit=HEADROOM, fix="send fewer at once")
        if done == DONE:
            break
        requests, resting, reports = (_grown(each) for each in (requests, resting, reports))
    sent, told = int(account["sent"][0]), int(desk[REPORTS])
    return Replayed(reports[:told], requests[:sent], int(account["position"][0]), state)


@cache
def _loop() -> Any:
    """The loop, compiled for every step at once."""
    import numba

    from tradsys.numerics.kernels.tick_replay import replay
    from tradsys.numerics.kernels.tick_requests import STEP

    records = [np.zeros(1, each) for each in (RESTING, REPORT, REQUEST, ACCOUNT)]
    loop: Any = replay
    loop.compile((STEP, *map(numba.typeof, (np.zeros(1, TICK_ROW), AT_ONCE, *records, np.zeros(1), 1.0))))
    return loop


def _compile(step: Any) -> None:
    from tradsys.numerics.kernels.tick_requests import STEP

    if not hasattr(step, "py_func"):
        raise StrategyError("a step must be compiled", value=repr(step), fix="put @numba.njit above it")
    step.compile(STEP.signature.args)
    returned = step.overloads[STEP.signature.args].signature.return_type
    if str(returned) != "none":
        raise StrategyError("a step returns nothing", value=str(returned), limit="none", fix="drop the return value")


def _grown(records: Records) -> Records:
    """Twice the room, and at least what one tick may need."""
    more = np.zeros(2 * len(records) + 4 * HEADROOM, records.dtype)
    more[: len(records)] = records
    return more


def _whole(values: Floats, *, step: int, name: str) -> Times:
    """Floats as multiples of a step (1e-8)."""
    units = np.rint(values * SCALE).astype(np.int64)
    whole, rest = np.divmod(units, step)
    if rest.any():
        row = int(np.argmax(rest != 0))
        raise DataError(f"{name} of row {row} is off the grid", value=float(values[row]), limit=step / SCALE)
    return whole


def _aggressors(rows: Records) -> Times:
    """By the quotes said last before each trade."""
    bid, ask = (_before(rows[name]) for name in ("bid", "ask"))
    bought = (ask > 0) & (rows["price"] >= ask)
    sold = (bid > 0) & (rows["price"] <= bid)
    return bought.astype(np.int64) - sold


def _before(prices: Times) -> Times:
    """What was said last before each row; -1 where nothing was."""
    latest = np.maximum.accumulate(np.where(prices >= 0, np.arange(len(prices)), -1))
    return np.concatenate(([-1], np.where(latest >= 0, prices[latest], -1)))[: len(prices)]
