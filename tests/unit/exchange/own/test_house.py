"""Somebody to trade with: quotes on both sides, again after they were taken, the same for the same seed."""

from __future__ import annotations

import pytest

from tests.unit.exchange.own.scene import BUY, COIN, MONDAY, OTHER, SELL, SHARE, Client, Scene, of, share_exchange
from tests.unit.exchange.session_driver import clock
from tradsys.core.errors import ConfigError
from tradsys.core.matching import BookPhase, BookSide
from tradsys.core.units import MILLISECOND, MINUTE, SCALE, SECOND
from tradsys.core.venue import Dealt, Subject, Taken
from tradsys.exchange.own import HouseTerms

CENT = SCALE // 100


def terms(**fields: int) -> HouseTerms:
    return HouseTerms(account=9, prices={COIN: 100 * SCALE}, **{"seed": 1, **fields})


def quotes(scene: Scene, side: BookSide) -> list[tuple[int, int]]:
    """Prices in ticks from 100 and lots."""
    exchange = scene.server.venue.exchange
    rows = exchange.levels(scene.instrument, side, count=9)
    return [((price - 100 * SCALE) // CENT, shown * 1000 // SCALE) for price, shown, _ in rows]


def test_it_quotes_both_sides_of_its_price_and_follows_a_mark() -> None:
    scene = Scene(house=terms(step=0, spread=2, levels=2, lots=5))
    assert scene.server.house is not None
    scene.pass_to(scene.now)
    assert quotes(scene, BookSide.BUY) == [(-2, 5), (-3, 5)] and quotes(scene, BookSide.SELL) == [(2, 5), (3, 5)]
    scene.server.house.mark(COIN, 100 * SCALE + 3 * CENT)
    scene.pass_to(scene.now + 1)
    assert quotes(scene, BookSide.BUY) == [(1, 5), (0, 5)] and quotes(scene, BookSide.SELL) == [(5, 5), (6, 5)]
    assert scene.server.venue.exchange.best(OTHER) == (0, 0, 0, 0)
    with pytest.raises(KeyError):
        scene.server.house.mark(OTHER, SCALE)


def test_what_was_taken_is_quoted_again() -> None:
    scene = Scene(house=terms(step=0, levels=2, lots=1000))
    client = scene.client()
    assert [each.quantity for each in of(client.place(BUY, 1.5), Dealt)] == [SCALE, SCALE // 2]
    assert quotes(scene, BookSide.SELL) == [(2, 500)]
    scene.pass_to(scene.now + 99 * MILLISECOND)
    assert quotes(scene, BookSide.SELL) == [(2, 500)]
    scene.pass_to(scene.now + MILLISECOND)
    assert quotes(scene, BookSide.SELL) == [(1, 1000), (2, 1000)]


def test_it_trades_with_an_order_that_its_price_reaches() -> None:
    scene = Scene(house=terms(step=0))
    client = scene.client()
    assert not of(client.place(SELL, 0.01, 105), Dealt)
    assert scene.server.house is not None
    scene.server.house.mark(COIN, 110 * SCALE)
    scene.pass_to(scene.now + SECOND)
    (dealt,) = of(client.heard, Dealt)
    assert (dealt.price, dealt.maker) == (105 * SCALE, True)


def path(seed: int) -> list[list[tuple[int, int]]]:
    scene = Scene(house=terms(seed=seed, step=3))
    seen = []
    for _ in range(50):
        scene.pass_to(scene.now + SECOND)
        seen.append(quotes(scene, BookSide.BUY))
    return seen


def test_its_walk_is_the_seed_s() -> None:
    first = path(1)
    assert first == path(1) != path(2)
    assert len({rows[0] for rows in first}) > 5 and all(len(rows) == 3 for rows in first)


def test_it_stays_in_its_range() -> None:
    scene = Scene(house=terms(step=400, range=500, levels=1))
    for _ in range(100):
        scene.pass_to(scene.now + SECOND)
        ((bid, _),) = quotes(scene, BookSide.BUY)
        assert -501 <= bid <= 499


def test_it_waits_for_the_session_and_is_back_the_day_after() -> None:
    house = HouseTerms(account=9, seed=1, prices={SHARE: 100 * SCALE}, interval=MINUTE)
    scene = Scene(share_exchange, at=clock(MONDAY, "09:05"), instrument=SHARE, house=house)
    scene.pass_to(scene.now)
    exchange = scene.server.venue.exchange
    assert exchange.phase(SHARE) != BookPhase.CONTINUOUS and exchange.live_orders == 0
    for day in (16, 17):
        scene.pass_to(clock(MONDAY.replace(day=day), "10:00"))
        assert exchange.best(SHARE)[0] and exchange.live_orders == 6
        client = scene.client()
        assert [type(each) for each in client.place(BUY, 1)] == [Taken, Dealt]
    assert len(client.rows(Subject.TRADES)) == 1


def test_it_is_nobody_s_account() -> None:
    with pytest.raises(ConfigError, match="an account of its own"):
        Scene(house=HouseTerms(account=1, seed=1, prices={}))
    with pytest.raises(ConfigError, match="levels must be positive"):
        terms(levels=0)


def test_without_prices_it_does_nothing() -> None:
    scene = Scene(house=HouseTerms(account=9, seed=1, prices={}))
    client: Client = scene.client()
    assert not of(client.place(BUY, 1), Dealt)
