"""Each background agent does what its description says, in a market set up by hand."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from statistics import mean

import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.matching import Action, BookPhase, BookSide, Kind, Reason, TimeInForce
from tradsys.core.units import SECOND
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.information import DayShape, InformationFlow, InformationParameters
from tradsys.exchange.agents.market_maker import MarketMaker, MarketMakerParameters
from tradsys.exchange.agents.noise import NoiseParameters, NoiseTraders
from tradsys.exchange.agents.participant import NEVER, Notice, Request, View
from tradsys.exchange.agents.population import Population, participants
from tradsys.exchange.agents.trend import MeanReversion, MeanReversionParameters, Momentum, MomentumParameters

AT = 10**18


def view(*, bid: int = 998, ask: int = 1002, value: float = 1000.0, phase: BookPhase = BookPhase.CONTINUOUS) -> View:
    seen = View()
    seen.at, seen.phase, seen.bid, seen.ask = AT, phase, bid, ask
    seen.value, seen.ripple, seen.last_id = value, 2.0, 100
    return seen


def requests(agent: NoiseTraders | MarketMaker | Momentum | MeanReversion, seen: View, draws: Draws) -> list[Request]:
    return list(agent.act(seen, draws))


def test_noise_never_reaches_through_the_other_side() -> None:
    crowd, draws, seen = NoiseTraders(1, NoiseParameters(market_share=0.0)), Draws(1), view()
    for _ in range(500):
        order, withdrawal = requests(crowd, seen, draws)
        price = order.command.price
        assert price < 1002 if order.command.side == BookSide.BUY else price > 998
        assert withdrawal.command.action == Action.CANCEL
        assert withdrawal.command.order_id == order.command.order_id
        assert withdrawal.at > AT


def test_noise_sends_the_stated_share_at_market_in_runs_of_one_side() -> None:
    crowd, draws, seen = NoiseTraders(1, NoiseParameters(market_share=1.0, parents=1)), Draws(1), view()
    sides = [each.command.side for _ in range(2_000) for each in requests(crowd, seen, draws)]
    same = mean(a == b for a, b in pairwise(sides))
    assert len(sides) == 2_000
    assert same > 0.7


def test_noise_in_an_auction_sends_what_an_auction_takes() -> None:
    draws = Draws(1)
    crowd = NoiseTraders(1, NoiseParameters(market_share=0.5))
    kinds = {each.command.kind for _ in range(60) for each in requests(crowd, view(phase=BookPhase.AUCTION), draws)}
    limit_only = view(phase=BookPhase.AUCTION_LIMIT)
    later = [each.command for _ in range(60) for each in requests(crowd, limit_only, draws)]
    assert kinds == {Kind.LIMIT, Kind.MARKET}
    assert all(command.kind == Kind.LIMIT for command in later)


def test_maker_quotes_both_sides_around_the_value_and_waits_when_nothing_changes() -> None:
    maker, draws, seen = MarketMaker(2, MarketMakerParameters()), Draws(1), view()
    commands = [each.command for each in requests(maker, seen, draws)]
    bids = [command.price for command in commands if command.side == BookSide.BUY]
    asks = [command.price for command in commands if command.side == BookSide.SELL]
    assert (len(bids), len(asks)) == (2, 2)
    assert max(bids) < 1000 < min(asks)
    assert abs((max(bids) + min(asks)) / 2 - 1000) <= 1
    assert requests(maker, seen, draws) == []


def test_maker_moves_its_quotes_in_place_and_makes_room_first() -> None:
    maker, draws = MarketMaker(2, MarketMakerParameters()), Draws(1)
    ids = {each.command.order_id for each in requests(maker, view(), draws)}
    moved = [each.command for each in requests(maker, view(bid=1008, ask=1012, value=1010.0), draws)]
    assert {command.action for command in moved} == {Action.REPLACE}
    assert {command.order_id for command in moved} == ids
    assert [command.side for command in moved] == [BookSide.SELL, BookSide.SELL, BookSide.BUY, BookSide.BUY]


def test_maker_leans_against_its_inventory_and_stops_at_the_limit() -> None:
    parameters = MarketMakerParameters(inventory_limit=100)
    flat, long = MarketMaker(2, parameters), MarketMaker(2, parameters)
    long.told(Notice(7, BookSide.BUY, 999, 60, 0))
    assert long.inventory == 60
    prices = [[each.command.price for each in requests(maker, view(), Draws(1))] for maker in (flat, long)]
    assert max(prices[1]) < max(prices[0])
    long.told(Notice(8, BookSide.BUY, 999, 40, 0))
    actions = [each.command for each in requests(long, view(), Draws(1))]
    assert {command.action for command in actions if command.side == BookSide.BUY} == {Action.CANCEL}


def test_maker_tries_a_rejected_or_partly_filled_quote_again() -> None:
    maker, draws, seen = MarketMaker(2, MarketMakerParameters()), Draws(1), view()
    first = requests(maker, seen, draws)[0].command
    maker.told(Notice(first.order_id, first.side, 0, 0, 50, Reason.WOULD_TRADE))
    again = [each.command for each in requests(maker, seen, draws)]
    assert [(command.action, command.order_id) for command in again] == [(Action.REPLACE, first.order_id)]
    maker.told(Notice(first.order_id, first.side, 0, 0, 0, Reason.CANCEL_ALL))
    anew = [each.command for each in requests(maker, seen, draws)]
    assert [(command.action, command.side) for command in anew] == [(Action.NEW, first.side)]


@pytest.mark.parametrize(("later", "side"), [(1100, BookSide.BUY), (900, BookSide.SELL)])
def test_momentum_follows_a_move(later: int, side: BookSide) -> None:
    trader, draws = Momentum(3, MomentumParameters()), Draws(1)
    assert requests(trader, view(), draws) == []
    seen = view(bid=later - 1, ask=later + 1)
    seen.at = AT + 10 * SECOND
    (order,) = requests(trader, seen, draws)
    assert (order.command.side, order.command.time_in_force) == (side, TimeInForce.IOC)


def test_momentum_closes_what_has_faded() -> None:
    trader = Momentum(3, MomentumParameters())
    trader.told(Notice(9, BookSide.BUY, 1000, 500, 0))
    (order,) = requests(trader, view(), Draws(1))
    assert order.command.side == BookSide.SELL


@pytest.mark.parametrize(("value", "side"), [(1020.0, BookSide.BUY), (980.0, BookSide.SELL)])
def test_mean_reversion_pays_up_to_its_estimate(value: float, side: BookSide) -> None:
    trader = MeanReversion(4, MeanReversionParameters(doubt_ripples=0.0))
    (order,) = requests(trader, view(value=value), Draws(1))
    assert (order.command.side, order.command.price) == (side, value)
    assert order.command.time_in_force == TimeInForce.IOC


def test_mean_reversion_waits_for_a_little_and_leaves_the_rest_alone() -> None:
    trader = MeanReversion(4, MeanReversionParameters(doubt_ripples=0.0))
    order, withdrawal = requests(trader, view(value=1003.0), Draws(1))
    assert (order.command.price, withdrawal.command.action) == (998, Action.CANCEL)
    assert requests(trader, view(value=1000.5), Draws(1)) == []


def test_nobody_trades_beyond_its_limit() -> None:
    trader = MeanReversion(4, MeanReversionParameters(doubt_ripples=0.0, inventory_limit=30))
    trader.told(Notice(9, BookSide.BUY, 1000, 25, 0))
    (order, *_) = requests(trader, view(value=1100.0), Draws(1))
    assert order.command.quantity <= 5
    trader.told(Notice(9, BookSide.BUY, 1000, 5, 0))
    assert requests(trader, view(value=1100.0), Draws(1)) == []


def test_the_shape_of_the_day_has_mean_one_and_two_ends() -> None:
    shape = DayShape()
    fractions = [(n + 0.5) / 10_000 for n in range(10_000)]
    assert mean(map(shape.at, fractions)) == pytest.approx(1.0, abs=1e-4)
    assert shape.at(0.0) > 2 * shape.at(0.5) < 2 * shape.at(1.0)


def flow(volatility: float = 0.25, *, jumps: float = 10.0, seconds: int = 20_000) -> InformationFlow:
    parameters = InformationParameters(volatility=volatility, jumps_a_day=jumps)
    closes = AT + seconds * SECOND
    return InformationFlow(start=1000.0, opens=AT, closes=closes, ends=closes + SECOND, parameters=parameters)


@pytest.mark.parametrize("jumps", [0.0, 10.0])
def test_the_value_moves_as_much_as_was_asked(jumps: float) -> None:
    ends = []
    for seed in range(200):
        day = flow(jumps=jumps, seconds=200)
        day.advance(AT + 200 * SECOND, Draws(seed))
        ends.append(day.value / 1000.0 - 1.0)
    assert sqrt(mean(end**2 for end in ends)) == pytest.approx(0.25 / sqrt(252), rel=0.2)


def test_information_stands_still_outside_the_session_and_ends_with_it() -> None:
    day, draws = flow(seconds=10), Draws(1)
    assert not day.advance(AT, draws)
    assert day.value == 1000.0
    day.advance(AT + 10 * SECOND, draws)
    close = day.value
    assert close != 1000.0
    assert day.activity > 0
    day.advance(AT + 11 * SECOND, draws)
    assert (day.value, day.activity) == (close, 0.0)
    seen = view()
    seen.activity = 0.0
    assert NoiseTraders(1, NoiseParameters()).wake_at(seen, draws) == NEVER


@pytest.mark.parametrize("volatility", [0.0, -1.0, float("nan"), 11.0])
def test_volatility_out_of_range_is_refused(volatility: float) -> None:
    with pytest.raises(ConfigError, match="volatility"):
        InformationParameters(volatility=volatility)


def test_a_population_fits_the_session_and_the_size_asked_for() -> None:
    usual = participants(Population(), seconds=22_500)
    long = participants(Population(), seconds=45_000)
    assert [each.account for each in usual] == list(range(1, 9))
    assert [each.name for each in usual][:2] == ["noise", "market_maker"]
    seen, gaps = view(), []
    for everyone in (usual, long):
        gaps.append(mean(everyone[0].wake_at(seen, Draws(n)) - AT for n in range(500)))
    assert gaps[1] == pytest.approx(2 * gaps[0], rel=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"activity": 0.0}, {"quantity": 0.5}, {"market_makers": -1}, {"activity": float("nan")}]
)
def test_a_population_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="out of range"):
        Population(**wrong)  # type: ignore[arg-type]
