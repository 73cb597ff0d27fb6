"""A user's strategy in a simulated market: what it wants reaches the book, what happens there reaches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isnan
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import run, to_toml
from tests.unit.exchange.test_simulation import AT, Planned, commands_of, new, simulation
from tradsys.core.errors import ConfigError, StrategyError
from tradsys.core.events import Approved, Cancelled, Expired, Fill, Product, QuoteIntent, Rejected, Validity
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.matching import POST_ONLY, Action, BookSide, SelfTrade, Status, TimeInForce
from tradsys.core.units import MILLISECOND, MINUTE, SCALE, SECOND
from tradsys.engine import settings
from tradsys.engine.assemble import prepare
from tradsys.engine.strategy_participant import StrategyParticipant
from tradsys.exchange.agents.information import InformationFlow, InformationParameters
from tradsys.exchange.agents.population import Population, participants
from tradsys.exchange.simulation_record import SimulationRecord
from tradsys.strategies.base import Strategy
from tradsys.strategies.parameters import Param

SHARE = Instrument(id="NSE:X", exchange="NSE", symbol="X", segment=Segment.EQUITY)
BUY, SELL = BookSide.BUY, BookSide.SELL
NEW, CANCEL, REPLACE = Action.NEW, Action.CANCEL, Action.REPLACE
Answer = Callable[..., Any]


class Told(Strategy):
    """Answers each tick by a function of itself, the tick, the second and its position; keeps what it is told."""

    answer: ClassVar[Answer]
    reply: ClassVar[Answer] = staticmethod(lambda told, fill: None)

    def on_start(self, ctx: Any) -> None:
        self.heard: list[Any] = []
        self.ticks: list[Any] = []

    def on_tick(self, tick: Any, account: Any) -> Iterable[Any] | None:
        self.ticks.append(tick)
        second = (tick.at - AT) // SECOND
        wanted = type(self).answer(self, tick, second, account.position(tick.instrument))
        return None if wanted is None else [wanted]

    def on_fill(self, fill: Any, account: Any) -> Iterable[Any] | None:
        self.heard.append(("fill", fill.quantity, fill.price, fill.remaining, account.position(fill.instrument)))
        wanted = type(self).reply(self, fill)
        return None if wanted is None else [wanted]

    def on_order(self, order: Any, account: Any) -> None:
        self.heard.append((order.event, order.side, order.remaining, order.detail))


def traded(
    answer: Answer, *others: Planned, seconds: int = 8, reply: Answer | None = None, **options: Any
) -> tuple[Told, StrategyParticipant, SimulationRecord]:
    """A run beside others; a trade at 50.10 comes first, as a strategy needs a last price."""
    Told.answer, Told.reply = staticmethod(answer), staticmethod(reply or (lambda told, fill: None))
    strategy = Told()
    mine = StrategyParticipant(1, strategy, SHARE, **options)
    first = Planned(9, [(1, new(10**6, SELL, 1002, 1)), (1, new(10**6 + 1, BUY, 1002, 1))])
    record = simulation([first, mine, *others], seconds=seconds).run()
    return strategy, mine, record


def quote(bid: float | None, ask: float | None, quantity: float = 10.0) -> QuoteIntent:
    return QuoteIntent(instrument=SHARE.id, bid=bid, ask=ask, quantity=quantity)


def sent(record: SimulationRecord) -> list[tuple[int, int, int, int, int]]:
    """Second, action, side, price and quantity of the strategy's commands."""
    return [
        ((command.at - AT) // SECOND, command.action, command.side, command.price, command.quantity)
        for _, command in commands_of(record)
        if command.account == 1
    ]


def test_quotes_rest_rounded_away_and_unchanged_ones_are_not_sent_again() -> None:
    strategy, _, record = traded(lambda told, tick, second, held: quote(50.07, 50.11))
    assert sent(record) == [(1, NEW, BUY, 1001, 10), (1, NEW, SELL, 1003, 10)]
    arrived = [command.at for _, command in commands_of(record) if command.account == 1]
    assert arrived == [AT + SECOND + MILLISECOND] * 2
    assert strategy.heard[:2] == [("accepted", 1, 10.0, ""), ("accepted", -1, 10.0, "")]
    assert strategy.heard[2:4] == [("cancelled", 1, 10.0, "replaced by a new quote"), ("accepted", 1, 10.0, "")]


def test_quotes_move_in_place_and_are_withdrawn() -> None:
    def answer(told: Told, tick: Any, second: int, held: float) -> Any:
        return quote(50.0, 51.0) if second < 3 else quote(50.1, 51.1) if second < 5 else quote(None, None)

    _, _, record = traded(answer)
    assert [row[:4] for row in sent(record)[2:]] == [
        (3, REPLACE, SELL, 1022),
        (3, REPLACE, BUY, 1002),
        (5, CANCEL, BUY, 0),
        (5, CANCEL, SELL, 0),
    ]
    assert len({command.order_id for _, command in commands_of(record) if command.account == 1}) == 2


def test_it_learns_of_fills_and_restores_what_was_filled() -> None:
    other = Planned(2, [(3, new(10**6 + 5, SELL, 1000, 4))])
    strategy, mine, record = traded(lambda told, tick, second, held: quote(50.0, 51.0), other)
    assert ("fill", 4.0, 50.0, 6.0, 4.0) in strategy.heard
    assert sent(record)[2] == (3, REPLACE, BUY, 1000, 10)
    report = mine.finish()
    assert (report.trades, report.bought, report.sold, report.position) == (1, 4.0, 0.0, 4.0)


def test_an_answer_to_a_fill_travels_at_once() -> None:
    other = Planned(2, [(3, new(10**6 + 5, SELL, 1000, 4)), (1, new(10**6 + 6, BUY, 990, 9))])

    def reply(told: Told, fill: Any) -> Any:
        return told.sell(fill.instrument, fill.quantity, validity="IOC") if fill.side > 0 else None

    _, mine, record = traded(
        lambda told, tick, second, held: told.buy(tick, 4, limit=50.0) if second == 2 else None,
        other,
        reply=reply,
        latency=5 * MILLISECOND,
    )
    last = [command for _, command in commands_of(record) if command.account == 1][-1]
    assert (last.side, last.quantity, last.at) == (SELL, 4, AT + 3 * SECOND + 5 * MILLISECOND)
    report = mine.finish()
    assert (report.trades, report.position, report.last_price) == (2, 0.0, 49.5)
    assert report.profit == -2.0


def test_a_change_that_crosses_a_fill_is_rejected_and_quoted_anew() -> None:
    """The bid is on its way to another price when somebody takes all of it."""
    other = Planned(2, [(3, new(10**6 + 5, SELL, 1000, 10))])
    strategy, mine, record = traded(
        lambda told, tick, second, held: quote(50.0 if second < 2 else 49.0, None), other, latency=1500 * MILLISECOND
    )
    statuses = [status for status, command in commands_of(record) if command.account == 1]
    assert statuses == [Status.OPEN, Status.REJECTED, Status.OPEN]
    assert [row[1] for row in sent(record)] == [NEW, REPLACE, NEW]
    assert ("rejected", 1, 0.0, "unknown order") in [(*row[:2], 0.0, row[3]) for row in strategy.heard if len(row) == 4]
    assert mine.finish().position == 10.0


def test_changes_that_follow_each_other_on_the_way_arrive_in_turn() -> None:
    def answer(told: Told, tick: Any, second: int, held: float) -> Any:
        return quote(50.0 - 0.05 * min(second, 4), None)

    _, mine, record = traded(answer, latency=2500 * MILLISECOND, seconds=9)
    assert [row[1:4] for row in sent(record)] == [
        (NEW, BUY, 999),
        (REPLACE, BUY, 998),
        (REPLACE, BUY, 997),
        (REPLACE, BUY, 996),
    ]
    approved = [entry.body.order_id for entry in mine.log if isinstance(entry.body, Approved)]
    ended = [entry.body.order_id for entry in mine.log if isinstance(entry.body, (Cancelled, Expired))]
    assert sorted(ended) == approved


def test_an_order_is_withdrawn_and_a_market_order_takes_what_is_there() -> None:
    def answer(told: Told, tick: Any, second: int, held: float) -> Any:
        if second == 1:
            return told.buy(tick, 5, limit=49.0)
        if second == 3:
            return told.cancel(tick)
        return told.target(tick, 7) if second == 4 else None

    other = Planned(2, [(1, new(10**6 + 5, SELL, 1004, 4))])
    strategy, mine, _ = traded(answer, other)
    assert ("cancelled", 1, 5.0, "withdrawn") in strategy.heard
    assert strategy.heard[-3:] == [
        ("accepted", 1, 7.0, ""),
        ("fill", 4.0, 50.2, 3.0, 4.0),
        ("cancelled", 1, 3.0, "dropped"),
    ]
    assert mine.finish().position == 4.0


def test_a_stop_is_triggered_by_the_trades_of_others() -> None:
    other = Planned(
        2,
        [
            (1, new(10**6 + 5, SELL, 1006, 9)),
            (3, new(10**6 + 6, SELL, 1004, 1)),
            (3, new(10**6 + 7, BUY, 1004, 1)),
        ],
    )
    strategy, mine, _ = traded(
        lambda told, tick, second, held: told.buy(tick, 2, trigger=50.2) if second == 1 else None, other
    )
    assert [row[0] for row in strategy.heard] == ["accepted", "triggered", "fill"]
    assert mine.finish().bought == 2.0


def test_the_gate_refuses_as_in_a_backtest_and_the_day_goes_on() -> None:
    strategy, mine, record = traded(
        lambda told, tick, second, held: told.sell(tick, 5, limit=51.0), seconds=4, product=Product.CNC
    )
    assert strategy.heard[0][::3] == ("refused", "short-in-delivery")
    report = mine.finish()
    assert (sent(record), report.refused, report.refused_by) == ([], 3, {"short-in-delivery": 3})


def test_a_strategy_that_raises_is_out_of_the_day_and_its_orders_withdrawn() -> None:
    def answer(told: Told, tick: Any, second: int, held: float) -> Any:
        return quote(50.0, 51.0) if second < 3 else 1 / 0

    _, mine, record = traded(answer)
    assert [row[:3] for row in sent(record)[2:]] == [(3, CANCEL, BUY), (3, CANCEL, SELL)]
    assert mine.finish().halted == "ZeroDivisionError: division by zero"


def test_an_empty_market_has_no_prices() -> None:
    Told.answer = staticmethod(lambda *_: None)
    strategy = Told()
    simulation([StrategyParticipant(1, strategy, SHARE)], seconds=2).run()
    assert all(isnan(value) for value in (strategy.ticks[0].bid, strategy.ticks[0].ask, strategy.ticks[0].last))


@pytest.mark.parametrize(
    "answer",
    [
        lambda told, tick, second, held: told.signal(tick, 0.5),
        lambda told, tick, second, held: told.buy(tick, 5, stop=49.0),
        lambda told, tick, second, held: told.one_cancels_other(told.buy(tick, 1), told.buy(tick, 1, limit=49.0)),
    ],
    ids=["signal", "bracket", "pair"],
)
def test_intents_that_are_not_taken_are_refused(answer: Answer) -> None:
    with pytest.raises(StrategyError, match="does not take this intent"):
        traded(answer)


class OnBars(Strategy):
    def on_bar(self, bar: Any, account: Any) -> None:
        """Looks on."""


class OnTime(Strategy):
    def on_start(self, ctx: Any) -> None:
        ctx.every_session_at("15:00", name="late")

    def on_tick(self, tick: Any, account: Any) -> list[Any]:
        return []


@pytest.mark.parametrize("strategy", [OnBars, OnTime])
def test_a_strategy_that_needs_more_than_ticks_is_refused(strategy: type[Strategy]) -> None:
    with pytest.raises(StrategyError, match="which has ticks alone"):
        StrategyParticipant(1, strategy(), SHARE)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"latency": -1}, {"cash": 0}])
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="out of range"):
        StrategyParticipant(1, Told(), SHARE, **wrong)


class Maker(Strategy):
    """Quotes a tick inside the best prices of others, leaning against its position."""

    size: int = Param(10, low=1)

    def on_start(self, ctx: Any) -> None:
        self.fills = 0

    def on_tick(self, tick: Any, account: Any) -> Iterator[Any]:
        lean = 0.05 * account.position(tick.instrument) / self.size
        if not isnan(tick.last):
            yield self.quote(tick, bid=tick.last - 0.1 - lean, ask=tick.last + 0.1 - lean, quantity=self.size)

    def on_fill(self, fill: Any, account: Any) -> None:
        self.fills += 1


def test_one_class_runs_in_a_simulated_market_and_in_a_backtest(tmp_path: Path) -> None:
    strategy = Maker(size=4)
    mine = StrategyParticipant(1, strategy, SHARE, every=SECOND, latency=MILLISECOND)
    first = Planned(9, [(1, new(10**6, SELL, 1002, 1)), (1, new(10**6 + 1, BUY, 1002, 1))])
    takers = [
        (second, new(10**7 + second, *((BUY, 1020) if second % 2 else (SELL, 980)), 3, time_in_force=TimeInForce.IOC))
        for second in range(2, 30)
    ]
    simulation([first, Planned(2, takers), mine], seconds=30).run()
    assert strategy.fills == mine.finish().trades > 3

    rows = [(AT + second * SECOND, 50.0 + second % 3 / 5, 9.0, 49.9, 5.0, 50.5, 5.0) for second in range(60)]
    names = ("time", "last", "last_quantity", "bid", "bid_quantity", "ask", "ask_quantity")
    pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), tmp_path / "ticks.parquet")
    sections = {
        "run": {"name": "both", "cash": 1_000_000.0, "currency": "USD"},
        "data": {
            "path": "ticks.parquet",
            "format": "ticks",
            "interval": "1m",
            "timezone": "UTC",
            "instruments": [{"id": "SIM:X", "tick": 0.05, "lot": 1.0, "segment": "crypto_perpetual"}],
        },
        "execution": {"venue": "exchange"},
        "charges": {"plan": "none"},
        "strategies": [{"use": f"{__name__}:Maker", "params": {"size": 4}}],
    }
    (tmp_path / "run.toml").write_text(to_toml(sections), encoding="utf-8")
    done = run(prepare(settings.load(tmp_path / "run.toml", environment={})))
    fills = [entry.body for entry in done.backtest.log if type(entry.body) is Fill]
    assert len(fills) > 3
    assert all(fill.quantity <= 4 * SCALE for fill in fills)


def churn(told: Told, tick: Any, second: int, held: float) -> Any:
    """Quotes that move, orders of every type and withdrawals, by a count."""
    count = len(told.ticks)
    if isnan(tick.bid) or isnan(tick.ask):
        return None
    side = told.buy if count % 3 else told.sell
    kind = count * 7 % 11
    if kind < 6:
        shift = 0.05 * (count * 13 % 5 - 2)
        return told.quote(
            tick, bid=tick.bid + shift, ask=tick.ask + shift if count % 4 else None, quantity=20 + count % 2
        )
    if kind == 6:
        return side(tick, 30, limit=tick.last, validity=("DAY", "IOC", "GTC")[count % 3])
    if kind == 7:
        return side(tick, 10, trigger=tick.ask + 0.1 if side == told.buy else tick.bid - 0.1)
    if kind == 8:
        return side(tick, 10, trail=0.2)
    return told.cancel(tick) if kind == 9 else told.target(tick, count * 31 % 101 - 50)


@pytest.mark.parametrize("latency", [0, MILLISECOND, 3 * SECOND])
def test_every_order_ends_once_and_the_account_is_the_record_s(latency: int) -> None:
    Told.answer, Told.reply = staticmethod(churn), staticmethod(lambda told, fill: told.target(fill.instrument, 0))
    mine = StrategyParticipant(1_000, Told(), SHARE, every=SECOND // 5, latency=latency, cash=10**9 * SCALE)
    end = AT + MINUTE
    information = InformationFlow(start=1000.0, opens=AT, closes=end, ends=end, parameters=InformationParameters())
    everyone = [*participants(Population(activity=3.0), seconds=22_500), mine]
    record = simulation(everyone, seconds=60, information=information).run()
    report = mine.finish()
    trades = record.trades()
    buys = np.where(trades["side"] == BUY, trades["taker"], trades["maker"]) == mine.account
    sells = np.where(trades["side"] == SELL, trades["taker"], trades["maker"]) == mine.account
    assert report.trades == buys.sum() + sells.sum() > 50
    assert (report.bought, report.sold) == (trades["quantity"][buys].sum(), trades["quantity"][sells].sum())
    assert not report.halted
    left: dict[int, int] = {}
    lasting: set[int] = set()
    for entry in mine.log:
        body = entry.body
        if isinstance(body, Approved):
            left[body.order_id] = body.order.quantity
            if body.order.validity is Validity.GTC or body.at + latency >= end:
                lasting.add(body.order_id)
        elif isinstance(body, Fill):
            left[body.order_id] -= body.quantity
        elif isinstance(body, (Cancelled, Expired)):
            left[body.order_id] -= body.remaining
        elif isinstance(body, Rejected):
            left[body.order_id] = 0
    assert {order_id for order_id, each in left.items() if each} <= lasting
    assert min(left.values()) == 0


# --- terms of orders


def test_terms_reach_the_book() -> None:
    def answer(told: Told, tick: Any, second: int, held: float) -> Any:
        if second == 1:
            return told.buy(tick, 9, limit=49.0, display=3, post_only=True)
        return told.buy(tick, 9, limit=50.1, validity="FOK") if second == 2 else None

    other = Planned(2, [(1, new(10**6 + 5, SELL, 1002, 5))])
    strategy, _, record = traded(answer, other)
    mine = [command for _, command in commands_of(record) if command.account == 1]
    assert [(each.display, each.flags, each.time_in_force) for each in mine] == [
        (3, SelfTrade.CANCEL_NEWEST | POST_ONLY, TimeInForce.DAY),
        (0, SelfTrade.CANCEL_NEWEST, TimeInForce.FOK),
    ]
    assert ("cancelled", 1, 9.0, "not filled whole") in strategy.heard


def test_good_till_a_time_is_gone_at_its_instant() -> None:
    def answer(told: Told, tick: Any, second: int, held: float) -> Any:
        return told.buy(tick, 9, limit=49.0, validity="GTD", expires_at=AT + 4 * SECOND) if second == 1 else None

    _, mine, record = traded(answer)
    (expired,) = [entry.body for entry in mine.log if isinstance(entry.body, Expired)]
    assert (expired.at, expired.reason) == (AT + 4 * SECOND, "its time came")
    assert sent(record)[1][:3] == (4, CANCEL, BUY)
    late, _, _ = traded(answer, latency=4 * SECOND)
    assert ("rejected", 1, 9.0, "already expired") in late.heard


def test_a_post_only_quote_is_rejected_where_it_would_take_and_stands_alone() -> None:
    def answer(told: Told, tick: Any, second: int, held: float) -> Any:
        return told.quote(tick, bid=49.0 if second < 3 else 50.1, ask=None, quantity=5, post_only=second != 2)

    other = Planned(2, [(1, new(10**6 + 5, SELL, 1002, 5))])
    strategy, _, record = traded(answer, other, seconds=5)
    # Its terms cannot change in place: the plain quote leaves and the post-only one comes.
    assert [row[1] for row in sent(record)[:4]] == [NEW, CANCEL, NEW, CANCEL]
    assert "would trade" in [row[3] for row in strategy.heard if row[0] == "rejected"]
    assert not [row for row in strategy.heard if row[0] == "fill"]
