"""One trader's orders against recorded ticks, compiled: the rules of `docs/recorded_data.md`, best quotes only.

All of this is the venue, which a strategy's step never sees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tradsys.numerics.compilation import kernel
from tradsys.numerics.tick_replay_layout import (
    ARRIVED,
    CLOCK,
    COUNT,
    DESK,
    DONE,
    FILLED,
    FIRST,
    FULL,
    HEAD,
    HEADROOM,
    KNOWN_AT,
    LAST_LIVE,
    LAST_REPORT,
    LATEST,
    LIMIT_IMMEDIATE,
    LIVE,
    LOGARITHM,
    MARKET,
    MARKET_IMMEDIATE,
    MODE,
    MODEL,
    POWER,
    QUOTE,
    REPORTS,
    RESPONSE,
    ROW,
    SEED,
    SHOWN,
    TAKEN,
    UNKNOWN,
    WITHDRAW,
    WITHDRAWN,
)

Numbers = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]


# --- models


@kernel
def mix(seed: int, instant: int) -> Any:
    """64 well-mixed bits of a seed and an instant: SplitMix64 (Steele, Lea and Flood 2014)."""
    word = np.uint64(instant) + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@kernel
def delay(desk: Numbers, tape: int, instant: int) -> Any:
    """Nanoseconds that a message sent at an instant takes, by a tape of delays."""
    count = desk[tape + COUNT]
    if count == 1:
        return desk[tape + FIRST]
    if desk[tape + MODE] != LATEST:
        return desk[tape + FIRST + np.int64(mix(desk[tape + SEED], instant) % np.uint64(count))]
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        if desk[tape + FIRST + count + middle] <= instant:
            low = middle + 1
        else:
            high = middle
    return desk[tape + FIRST + max(low - 1, 0)]


@kernel
def _weight(model: int, exponent: float, quantity: float) -> Any:
    if model == LOGARITHM:
        return math.log1p(quantity)
    return quantity**exponent


@kernel
def advance(model: int, exponent: float, ahead: int, level: int, gone: int) -> Any:
    """The quantity ahead after `gone` of `level` left it without a trade."""
    left = level - gone
    if model in (POWER, LOGARITHM):
        front = _weight(model, exponent, float(ahead))
        back = _weight(model, exponent, float(max(level - ahead, 0)))
        if front > 0.0:
            ahead = max(ahead - math.floor(gone * (front / (front + back))), 0)
    return min(ahead, left)


# --- the venue: its lists, best order first


@kernel
def _link(desk: Numbers, resting: Records, side: int, number: int) -> None:
    key, before, after = resting[number].key, -1, desk[HEAD + side]
    while after >= 0 and resting[after].key >= key:
        before, after = after, resting[after].next
    resting[number].previous, resting[number].next = before, after
    if before >= 0:
        resting[before].next = number
    else:
        desk[HEAD + side] = number
    if after >= 0:
        resting[after].previous = number
    desk[LIVE] += 1


@kernel
def _unlink(desk: Numbers, resting: Records, side: int, number: int) -> None:
    before, after = resting[number].previous, resting[number].next
    if before >= 0:
        resting[before].next = after
    else:
        desk[HEAD + side] = after
    if after >= 0:
        resting[after].previous = before
    resting[number].remaining = 0
    desk[LIVE] -= 1


@kernel
def _tell(desk: Numbers) -> Any:
    moment = desk[CLOCK]
    desk[LAST_REPORT] = max(moment + delay(desk, desk[RESPONSE], moment), desk[KNOWN_AT], desk[LAST_REPORT])
    return desk[LAST_REPORT]


@kernel
def _report(desk: Numbers, reports: Records, kind: int, number: int, price: int, quantity: int, maker: int) -> None:
    report = reports[desk[REPORTS]]
    report.kind, report.request, report.price, report.quantity = kind, number, price, quantity
    report.exchange_at, report.at, report.maker = desk[CLOCK], _tell(desk), maker
    desk[REPORTS] += 1


@kernel
def _fill(
    desk: Numbers, resting: Records, reports: Records, side: int, number: int, price: int, quantity: int, maker: int
) -> None:
    _report(desk, reports, FILLED, number, price, quantity, maker)
    resting[number].remaining -= quantity


# --- the venue: what the record does to resting orders


@kernel
def _trade(
    desk: Numbers, resting: Records, reports: Records, side: int, key: int, price: int, quantity: int, left: int
) -> int:
    number = desk[HEAD + side]
    while number >= 0 and resting[number].key >= key:
        order = resting[number]
        following = order.next
        reached = left
        if order.key == key:
            reached = max(left - order.ahead, 0)
            order.ahead = max(order.ahead - left, 0)
            order.traded += quantity
        else:
            order.ahead = 0
        filled = min(reached, order.remaining)
        if filled > 0:
            left -= filled
            at_price = price if order.key == UNKNOWN else abs(order.key)
            _fill(desk, resting, reports, side, number, at_price, filled, 1 if order.key != UNKNOWN else 0)
            if order.remaining == 0:
                _unlink(desk, resting, side, number)
        number = following
    return left


@kernel
def _quote(desk: Numbers, resting: Records, exponent: float, side: int, price: int, quantity: int) -> None:
    if price != desk[QUOTE + side]:
        desk[QUOTE + side], desk[TAKEN + side] = price, 0
    desk[TAKEN + side] = min(desk[TAKEN + side], quantity)
    desk[SHOWN + side] = quantity
    if price == 0:
        return
    key = price if side == 0 else -price
    number = desk[HEAD + side]
    while number >= 0 and resting[number].key >= key:
        order = resting[number]
        if order.key > key:
            order.ahead = 0
        elif order.ahead == UNKNOWN or order.shown == UNKNOWN:
            order.ahead = min(order.ahead, quantity)
        else:
            level = order.shown - order.traded
            if level > quantity:
                order.ahead = advance(desk[MODEL], exponent, order.ahead, level, level - quantity)
            order.ahead = min(order.ahead, quantity)
        if order.key == key:
            order.shown, order.traded = quantity, 0
        number = order.next


@kernel
def _meet(desk: Numbers, resting: Records, reports: Records, side: int) -> None:
    other = 1 - side
    price = desk[QUOTE + other]
    if price == 0:
        return
    key = price if side == 0 else -price
    number = desk[HEAD + side]
    while number >= 0 and resting[number].key >= key:
        order = resting[number]
        following = order.next
        available = desk[SHOWN + other] - desk[TAKEN + other]
        if order.key == key:
            available -= order.ahead
        filled = min(available, order.remaining)
        if filled > 0:
            market = order.key == UNKNOWN
            desk[TAKEN + other] += filled
            _fill(desk, resting, reports, side, number, price if market else abs(order.key), filled, 0 if market else 1)
            if order.remaining == 0:
                _unlink(desk, resting, side, number)
        number = following


# --- the venue: what a strategy sends


@kernel
def _arrive_order(desk: Numbers, resting: Records, reports: Records, request: Any, number: int) -> None:
    side = 0 if request.side > 0 else 1
    other = 1 - side
    order = resting[number]
    _tell(desk)  # That it was accepted: no row, but reports never overtake each other.
    market = request.action == MARKET or request.action == MARKET_IMMEDIATE
    order.key = UNKNOWN if market else request.side * request.price
    order.remaining, order.traded, order.shown = request.quantity, 0, UNKNOWN
    price = desk[QUOTE + other]
    if price > 0 and order.key >= (price if side == 0 else -price):
        filled = min(desk[SHOWN + other] - desk[TAKEN + other], order.remaining)
        if filled > 0:
            desk[TAKEN + other] += filled
            _fill(desk, resting, reports, side, number, price, filled, 0)
    if order.remaining == 0:
        return
    if request.action == LIMIT_IMMEDIATE or request.action == MARKET_IMMEDIATE:
        _report(desk, reports, WITHDRAWN, number, 0, order.remaining, 0)
        order.remaining = 0
        return
    best = desk[QUOTE + side]
    key = best if side == 0 else -best
    if best == 0 or order.key < key:
        order.ahead = UNKNOWN
    elif order.key == key:
        order.ahead = order.shown = desk[SHOWN + side]
    else:
        order.ahead = 0
    _link(desk, resting, side, number)


@kernel
def _arrive(desk: Numbers, resting: Records, reports: Records, requests: Records, sent: int, until: int) -> None:
    while desk[ARRIVED] < sent and resting[desk[ARRIVED]].live_at <= until:
        number = desk[ARRIVED]
        desk[ARRIVED] += 1
        desk[CLOCK] = max(desk[CLOCK], resting[number].live_at)
        request = requests[number]
        if request.action != WITHDRAW:
            _arrive_order(desk, resting, reports, request, number)
        elif 0 <= request.target < number and resting[request.target].remaining > 0:
            target = request.target
            _report(desk, reports, WITHDRAWN, target, 0, resting[target].remaining, 0)
            _unlink(desk, resting, 0 if requests[target].side > 0 else 1, target)


@kernel
def _hear(desk: Numbers, reports: Records, account: Any, requests: Records) -> None:
    while account.heard < desk[REPORTS] and reports[account.heard].at <= account.at:
        report = reports[account.heard]
        request = requests[report.request]
        request.open -= report.quantity
        if report.kind == FILLED:
            account.position += request.side * report.quantity
        account.heard += 1


@kernel
def _dispatch(desk: Numbers, resting: Records, account: Any) -> None:
    for number in range(account.sent_before, account.sent):
        live_at = max(account.at + delay(desk, DESK, account.at), desk[LAST_LIVE])
        resting[number].live_at = desk[LAST_LIVE] = live_at
        resting[number].remaining = 0


@kernel
def _tick(desk: Numbers, resting: Records, reports: Records, exponent: float, tick: Any) -> None:
    if tick.quantity > 0:
        left = tick.quantity
        if tick.aggressor <= 0:
            left = _trade(desk, resting, reports, 0, tick.price, tick.price, tick.quantity, left)
        if tick.aggressor >= 0:
            _trade(desk, resting, reports, 1, -tick.price, tick.price, tick.quantity, left)
    if tick.bid >= 0:
        _quote(desk, resting, exponent, 0, tick.bid, tick.bid_quantity)
    if tick.ask >= 0:
        _quote(desk, resting, exponent, 1, tick.ask, tick.ask_quantity)
    if desk[HEAD] >= 0:
        _meet(desk, resting, reports, 0)
    if desk[HEAD + 1] >= 0:
        _meet(desk, resting, reports, 1)


@kernel
def replay(
    step: Any,
    rows: Records,
    desk: Numbers,
    resting: Records,
    reports: Records,
    requests: Records,
    accounts: Records,
    state: Any,
    exponent: float,
) -> int:
    """Run a step over the rows from where the desk says; DONE, or FULL when requests or reports need more room."""
    account = accounts[0]
    for row in range(desk[ROW], rows.size):
        # In one row an order is reported of at most four times: on arrival, by a trade, by a quote, when withdrawn.
        needed = 4 * (desk[LIVE] + account.sent - desk[ARRIVED] + HEADROOM)
        if reports.size < desk[REPORTS] + needed or requests.size < account.sent + HEADROOM:
            desk[ROW] = row
            return FULL
        tick = rows[row]
        if account.sent > desk[ARRIVED]:
            desk[KNOWN_AT] = 0
            _arrive(desk, resting, reports, requests, account.sent, tick.exchange_at - 1)
        desk[CLOCK] = max(desk[CLOCK], tick.exchange_at)
        desk[KNOWN_AT] = account.at = tick.at
        _tick(desk, resting, reports, exponent, tick)
        if account.sent > desk[ARRIVED]:
            desk[KNOWN_AT] = 0
            _arrive(desk, resting, reports, requests, account.sent, desk[CLOCK])
        if account.heard < desk[REPORTS]:
            _hear(desk, reports, account, requests)
        account.sent_before = account.sent
        step(tick, account, requests, state)
        if account.sent > account.sent_before:
            _dispatch(desk, resting, account)
            desk[KNOWN_AT] = 0
            _arrive(desk, resting, reports, requests, account.sent, desk[CLOCK])
    desk[ROW] = rows.size
    return DONE
