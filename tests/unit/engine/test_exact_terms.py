"""Which terms of an order go together, what they become, and what is refused; and how bars take them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import MONDAY, Case, bodies, conserve, flat, minutes, scripted, trades
from tests.unit.exchange.test_bar_fills import QUIET, buy, pair, play, sell
from tradsys.core.errors import ConfigError
from tradsys.core.events import Approved, Cancelled, Expired, Order, OrderIntent, Refused, Rejected, Validity
from tradsys.core.order_terms import NO_TERMS, Terms, WantedTerms, stated, within
from tradsys.core.units import MINUTE, SCALE
from tradsys.engine.assemble import Prepared
from tradsys.strategies.base import Strategy

FIRST = int(datetime(2024, 6, 3, 3, 46, tzinfo=UTC).timestamp()) * 10**9
"""The end of the first bar of `minutes(MONDAY, …)`, 09:16 in India."""

HOURS = timezone(timedelta(hours=5, minutes=30))


def asked(**details: Any) -> OrderIntent:
    return Strategy().buy("NSE:A", 10, **details)


# --- as authors write them


def test_an_order_that_asks_for_none_has_no_terms_and_its_record_no_field() -> None:
    assert asked(limit=5).terms is msgspec.UNSET
    assert b"terms" not in msgspec.json.encode(asked(limit=5))
    assert b"terms" not in msgspec.json.encode(Strategy().quote("NSE:A", bid=1, ask=2, quantity=1))


@pytest.mark.parametrize("kind", [OrderIntent, Order])
def test_a_record_of_before_is_read(kind: Any) -> None:
    fields = {"strategy": "s", "at": 1, "order_id": 1, "product": "CNC", "validity": "DAY", "instrument": "NSE:A"}
    known = {field.name for field in msgspec.structs.fields(kind)}
    record = {"event": kind.__name__, "side": 1, "quantity": 1, "type": "LIMIT"} | fields
    line = msgspec.json.encode({name: value for name, value in record.items() if name in known | {"event"}})
    assert msgspec.json.decode(line, type=kind).terms is msgspec.UNSET


def test_terms_come_back_from_their_record() -> None:
    intent = asked(limit=5, display=2, post_only=True, validity="GTD", expires_at=7)
    assert intent.terms == WantedTerms(display=2.0, post_only=True, expires_at=7)
    assert msgspec.json.decode(msgspec.json.encode(intent), type=OrderIntent) == intent


def test_an_instant_is_nanoseconds_or_a_datetime_of_any_time_zone() -> None:
    moment = datetime(2024, 6, 3, 9, 16, 0, 250_001, tzinfo=HOURS)
    assert stated(msgspec.UNSET) is NO_TERMS
    terms = asked(validity="GTD", expires_at=moment).terms
    assert isinstance(terms, WantedTerms)
    assert terms.expires_at == FIRST + 250_001_000
    with pytest.raises(ConfigError, match="time zone"):
        asked(validity="GTD", expires_at=moment.replace(tzinfo=None))


def test_less_of_an_order_never_shows_more_than_it_is() -> None:
    assert within(msgspec.UNSET, 5) is msgspec.UNSET
    assert within(Terms(display=5, post_only=True), 5) == Terms(display=5, post_only=True)
    assert within(Terms(display=5, post_only=True), 4) == Terms(display=4, post_only=True)


# --- what is refused before it is an order


LIMIT = {"limit": 90.0}


@pytest.mark.parametrize(
    ("details", "why"),
    [
        ({"validity": "FOK", "trigger": 110.0}, "a fill-or-kill order cannot wait for a trigger"),
        ({"validity": "FOK", "trail": 5.0}, "a fill-or-kill order cannot wait for a trigger"),
        ({"validity": "GTD"}, "a GTD order needs expires_at"),
        ({"validity": "GTD", "expires_at": FIRST}, "a GTD order's instant has passed"),
        ({"validity": "DAY", "expires_at": FIRST * 2}, "only a GTD order ends at an instant"),
        ({"post_only": True}, "a post-only order is a limit order"),
        ({"post_only": True, "trigger": 110.0, "limit": 110.0}, "a post-only order is a limit order"),
        ({**LIMIT, "post_only": True, "validity": "FOK"}, "a post-only order has to rest"),
        ({**LIMIT, "post_only": True, "validity": "IOC"}, "a post-only order has to rest"),
        ({"display": 5}, "shows a part of its quantity is a limit order"),
        ({**LIMIT, "display": 5, "validity": "FOK"}, "shows a part of its quantity has to rest"),
        ({**LIMIT, "display": 11}, "display is more than the order's quantity"),
        ({**LIMIT, "display": 0}, "display is less than one lot"),
        ({**LIMIT, "display": -1}, "display is less than one lot"),
        ({**LIMIT, "display": float("nan")}, ""),
    ],
)
def test_terms_that_do_not_go_together_are_refused(tmp_path: Path, details: dict[str, Any], why: str) -> None:
    run = play(tmp_path, [QUIET] * 3, {0: buy(**details)})
    (refused,) = bodies(run, Refused)
    assert refused.rule == "invalid-order"
    assert why in refused.fix
    assert not bodies(run, Approved)


def test_an_order_of_a_pair_is_not_fill_or_kill(tmp_path: Path) -> None:
    one = {"quantity": 10, "limit": 90.0}
    run = play(tmp_path, [QUIET] * 3, {0: pair({**one, "validity": "FOK"}, {**one, "limit": 110.0})})
    assert "an order of a pair" in bodies(run, Refused)[0].fix


# --- on bars


def test_on_bars_fill_or_kill_fills_whole_in_its_bar_or_not_at_all(tmp_path: Path) -> None:
    bar = (100.0, 100.0, 100.0, 100.0, 1000)
    plan = {0: buy(101, validity="FOK"), 1: buy(100, validity="FOK"), 2: buy(5, limit=99.0, validity="FOK")}
    run = play(tmp_path, [bar] * 5, plan, participation=0.1)
    assert trades(run) == [("buy", 100, 100.0)]
    ended = [(each.order_id, each.remaining / SCALE, each.reason) for each in bodies(run, Cancelled)]
    why = "fill or kill: not filled whole at once"
    assert ended == [(1, 101.0, why), (3, 5.0, why)]


def test_on_bars_fill_or_kill_shares_the_bar_with_who_came_before(tmp_path: Path) -> None:
    bar = (100.0, 100.0, 100.0, 100.0, 1000)
    both = {0: lambda strategy, bar: [strategy.buy(bar, 60), strategy.buy(bar, 60, validity="FOK")]}
    run = play(tmp_path, [bar] * 3, both, participation=0.1)
    assert trades(run) == [("buy", 60, 100.0)]


def test_the_exits_of_an_entry_that_is_killed_go_too(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET] * 3, {0: buy(limit=90.0, stop=80.0, target=120.0, validity="FOK")})
    assert [each.order_id for each in bodies(run, Cancelled)] == [1, 2, 3]


def timed(folder: Path, expires_at: int | Callable[[Any], Any], closes: tuple[float, ...], **details: Any) -> Prepared:
    def order(strategy: Any, bar: Any) -> Any:
        return strategy.buy(bar, 10, validity="GTD", expires_at=expires_at, **details)

    return play(folder, flat(*closes), {0: order})


def test_on_bars_good_till_a_time_meets_the_bars_that_end_by_then(tmp_path: Path) -> None:
    run = timed(tmp_path / "at", FIRST + 2 * MINUTE, (100.0, 100.0, 98.0, 98.0), limit=99.0)
    assert trades(run) == [("buy", 10, 98.0)]
    run = timed(tmp_path / "before", FIRST + 2 * MINUTE - 1, (100.0, 100.0, 98.0, 98.0), limit=99.0)
    assert trades(run) == []
    (expired,) = bodies(run, Expired)
    assert (expired.at, expired.remaining, expired.reason) == (FIRST + 2 * MINUTE, 10 * SCALE, "its time came")


def test_good_till_a_time_outlives_the_session_and_takes_its_exits_along(tmp_path: Path) -> None:
    rows = [*minutes(MONDAY, [QUIET] * 2, first="15:29"), *minutes(MONDAY + timedelta(days=1), [QUIET] * 4)]

    def script(strategy: Any, bar: Any, account: Any) -> Any:
        if strategy.n == 0:
            moment = datetime(2024, 6, 4, 9, 17, 30, tzinfo=HOURS)
            yield strategy.buy(bar, 10, limit=90.0, stop=80.0, validity="GTD", expires_at=moment)

    run = Case(tmp_path, {"NSE:A": rows}, [scripted("outlives", script, product="CNC")]).run(watch=conserve)
    (expired,) = bodies(run, Expired)
    assert expired.at == int(datetime(2024, 6, 4, 9, 18, tzinfo=HOURS).timestamp()) * 10**9
    assert [each.reason for each in bodies(run, Cancelled)] == ["its entry expired"]


@pytest.mark.parametrize(
    ("details", "why"),
    [
        ({"post_only": True}, "post-only: bars do not tell what it would meet"),
        ({"display": 2}, "display: bars do not tell who stands in the queue"),
    ],
)
def test_on_bars_post_only_and_icebergs_are_rejected(tmp_path: Path, details: dict[str, Any], why: str) -> None:
    run = play(tmp_path, [QUIET] * 3, {0: buy(limit=99.0, stop=80.0, **details)})
    assert [each.reason for each in bodies(run, Rejected)] == [why, "its entry is not working"]


def test_a_lot_is_the_least_that_shows_and_quantities_round_down_to_it(tmp_path: Path) -> None:
    run = play(tmp_path, [QUIET] * 3, {0: sell(10.9, limit=110.0, display=3.7)})
    (approved,) = bodies(run, Approved)
    assert (approved.order.quantity, approved.order.terms) == (10 * SCALE, Terms(display=3 * SCALE))
    assert approved.order.validity is Validity.DAY
