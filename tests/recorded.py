"""Recorded markets for tests: an instrument, a venue that keeps positions, random ticks, and one strategy twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numba
import numpy as np

from tradsys.core.events import (
    Approved,
    Fill,
    Order,
    OrderEvent,
    OrderType,
    Product,
    Side,
    Tick,
    Validity,
)
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.units import SCALE, from_float
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.exchange.recorded_venue import NEVER, Recorded, RecordedVenue
from tradsys.numerics.kernels.tick_requests import send_limit, send_limit_immediate, send_market, withdraw
from tradsys.numerics.tick_replay import tick_rows

NAME = "TEST:X"
TICK = SCALE // 100

INSTRUMENT = Instrument(
    id=NAME,
    exchange="TEST",
    symbol="X",
    segment=Segment.CRYPTO_PERPETUAL,
    currency="USD",
    ticks=(DatedStep(0, TICK),),
    lots=(DatedStep(0, SCALE),),
)


class Trader:
    """Sends orders to a recorded venue and keeps what it hears."""

    def __init__(self, models: RecordedModels | None = None, *, instrument: Instrument = INSTRUMENT) -> None:
        self.instrument = instrument
        self.positions: dict[tuple[str, str, Product], int] = {}
        self.heard: list[OrderEvent] = []
        self.sent = 0
        self.venue = RecordedVenue([instrument], models or RecordedModels(), held=self._held)

    def _held(self, strategy: str, instrument: str, product: Product) -> int:
        return self.positions.get((strategy, instrument, product), 0)

    def send(self, side: int, quantity: float, *, at: int, **fields: Any) -> int:
        """An order; `limit`, `trigger` and `trail` as floats, `type` and the rest as in `Order`."""
        self.sent += 1
        for name in ("limit", "trigger", "trail"):
            fields[name] = from_float(fields.get(name, 0.0))
        fields.setdefault("type", OrderType.LIMIT if fields["limit"] else OrderType.MARKET)
        fields.setdefault("validity", Validity.GTC)
        fields.setdefault("product", Product.NRML)
        order = Order(
            at=at,
            order_id=self.sent,
            strategy="s",
            instrument=self.instrument.id,
            side=Side(side),
            quantity=from_float(quantity),
            **fields,
        )
        self.hear(self.venue.submit(Approved(at=at, order_id=self.sent, order=order)))
        return self.sent

    def cancel(self, order_id: int, *, at: int) -> None:
        """Withdraw an order."""
        self.hear(self.venue.cancel(order_id, at=at, reason="asked"))

    def see(self, *events: Recorded) -> list[OrderEvent]:
        """Records, one after the other; what was heard meanwhile."""
        before = len(self.heard)
        for event in events:
            self.hear(self.venue.match(event))
        return self.heard[before:]

    def hear(self, events: Iterable[OrderEvent]) -> None:
        """Keep events, and book fills."""
        for event in events:
            self.heard.append(event)
            if type(event) is Fill:
                key = (event.strategy, event.instrument, event.product)
                self.positions[key] = self.positions.get(key, 0) + event.side * event.quantity

    def finish(self) -> None:
        """Hear everything that is still on its way."""
        while events := self.venue.advance(NEVER):
            self.hear(events)

    def fills(self) -> list[tuple[int, float, float]]:
        """Order, quantity and price of every fill heard."""
        return [(f.order_id, f.quantity / SCALE, f.price / SCALE) for f in self.heard if type(f) is Fill]

    def kinds(self) -> list[tuple[str, int]]:
        """Name of every event and its order."""
        return [(type(each).__name__, each.order_id) for each in self.heard]


NAN = float("nan")
COLUMNS = ("last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity", "volume")


def tick(at: int, *, exchange_at: int | None = None, **said: float) -> Tick:
    """A tick that says only what is named."""
    values = {**dict.fromkeys(COLUMNS, NAN), **said}
    return Tick(at, at if exchange_at is None else exchange_at, NAME, *(values[name] for name in COLUMNS))


def random_ticks(seed: int, count: int) -> dict[str, Any]:
    """Columns of quotes that walk a few ticks and of trades at, inside and through them; some say one side only, some
    an empty one, some both a trade and quotes."""
    draw = np.random.default_rng(seed)
    middle = 1000 + np.rint(4 * np.sin(np.arange(count) / 40) + draw.normal(0, 0.4, count)).astype(int)
    bid = (middle - draw.integers(0, 3, count)) / 100
    ask = (middle + draw.integers(1, 3, count)) / 100
    last = (middle + draw.integers(-2, 4, count)) / 100
    sent = np.cumsum(draw.integers(0, 1000, count)) + 10**15
    columns = {
        "exchange_at": sent,
        "at": np.maximum.accumulate(sent + draw.integers(0, 500, count)),
        "last": np.where(draw.random(count) < 0.5, last, np.nan),
        "last_quantity": draw.integers(0, 12, count).astype(float),
        "bid": np.where(draw.random(count) < 0.7, bid, np.nan),
        "bid_quantity": draw.integers(0, 15, count).astype(float),
        "ask": np.where(draw.random(count) < 0.7, ask, np.nan),
        "ask_quantity": draw.integers(0, 15, count).astype(float),
        "volume": np.cumsum(draw.integers(0, 3, count)).astype(float),
    }
    return columns


def rows_of(columns: dict[str, Any]) -> Any:
    """The compiled path's rows."""
    return tick_rows(**columns, tick=TICK, lot=SCALE)


def ticks_of(columns: dict[str, Any]) -> list[Tick]:
    """The same as events."""
    listed = [columns[name].tolist() for name in ("at", "exchange_at", *COLUMNS)]
    return [Tick(at, sent, NAME, *values) for at, sent, *values in zip(*listed, strict=True)]


# --- one strategy, compiled and in Python: each `every` ticks one of five requests, drawn by a counter


@numba.njit
def churn(tick, account, requests, state):  # type: ignore[no-untyped-def]  # numba infers the types
    """state: ticks seen, every, offset of the limit in ticks."""
    state[0] += 1
    seen = int(state[0])
    every = int(state[1])
    if seen % every:
        return
    turn = seen // every
    side = 1 if turn % 2 else -1
    price = 1000 + (turn * 7) % 11 - 5
    kind = (turn * 5) % 8
    if kind < 4:
        send_limit(account, requests, side, price, 1 + turn % 6)
    elif kind == 4:
        send_market(account, requests, side, 1 + turn % 20)
    elif kind == 5:
        send_limit_immediate(account, requests, side, price, 1 + turn % 6)
    else:
        withdraw(account, requests, account.sent - 1 - turn % 9)


def churn_in_python(trader: Trader, ticks: Sequence[Tick], *, every: int) -> None:
    """The same requests, through the venue's door; a withdrawal counts as a request but not as an order."""
    numbers: list[int] = []
    for seen, each in enumerate(ticks, 1):
        trader.see(each)
        if seen % every:
            continue
        turn = seen // every
        side, price, kind = 1 if turn % 2 else -1, (1000 + (turn * 7) % 11 - 5) / 100, (turn * 5) % 8
        if kind < 4:
            numbers.append(trader.send(side, 1 + turn % 6, at=each.at, limit=price))
        elif kind == 4:
            numbers.append(trader.send(side, 1 + turn % 20, at=each.at))
        elif kind == 5:
            numbers.append(trader.send(side, 1 + turn % 6, at=each.at, limit=price, validity=Validity.IOC))
        else:
            target = len(numbers) - 1 - turn % 9
            trader.cancel(numbers[target] if target >= 0 else 0, at=each.at)
            numbers.append(0)
    trader.finish()
