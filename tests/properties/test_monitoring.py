"""Latched halts and forced closings, whatever happens: nothing opens under a halt, no more is closed than must be."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradsys.core.events import Order, OrderType, Product, Side, Validity
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.ports import Claim
from tradsys.core.risk_events import BreakerReset, BreakerTripped, HaltScope
from tradsys.core.units import SCALE
from tradsys.risk.breaker_settings import Breaker, BreakersSection, ProfitBreaker, ResetBy, VolatilityBreaker, rules
from tradsys.risk.circuit_breakers import BreakerCheck, CircuitBreakers
from tradsys.risk.monitoring.account import AccountState
from tradsys.risk.monitoring.liquidation import Holding, plan
from tradsys.risk.monitoring.measures import Measure, Unit
from tradsys.risk.monitoring.monitor import Monitor
from tradsys.risk.monitoring.settings import MonitoringSettings, thresholds

names = st.sampled_from(["A", "B"])
owners = st.sampled_from(["s", "t"])
RULES = rules(
    BreakersSection(
        volatility=VolatilityBreaker(limit=0.1, window_seconds=5e-9, reset=ResetBy.AFTER, reset_seconds=3e-9),
        daily_loss=Breaker(limit=10, reset=ResetBy.NEXT_DAY),
        drawdown=Breaker(limit=0.5),
        loss_streak=Breaker(limit=2, reset=ResetBy.NEXT_DAY),
        instrument_streak=Breaker(limit=2, reset=ResetBy.AFTER, reset_seconds=2e-9),
        low_profit=ProfitBreaker(limit=1, trades=3),
    )
)
happenings = st.one_of(
    st.tuples(st.just("on_equity"), st.fixed_dictionaries({"equity": st.integers(1, 100 * SCALE)})),
    st.tuples(st.just("on_price"), st.fixed_dictionaries({"instrument": names, "price": st.integers(0, 30)})),
    st.tuples(
        st.just("on_trade"),
        st.fixed_dictionaries({"strategy": owners, "instrument": names, "net": st.integers(-SCALE, SCALE)}),
    ),
    st.tuples(st.just("on_liquidation"), st.just({"positions": 1})),
    st.tuples(st.just("release"), st.just({})),
    st.tuples(st.just("reset"), st.integers(0, 5)),
)
days = st.lists(st.tuples(happenings, st.integers(0, 3), st.booleans()), max_size=40)


def happen(breakers: CircuitBreakers, happening: Any, *, date: int, at: int) -> list[Any]:
    """What one thing leads to; a person resets the halt of that number, if there is one."""
    name, given_ = happening
    if name != "reset":
        return getattr(breakers, name)(**given_, date=date, at=at)  # type: ignore[no-any-return]
    halts = breakers.halts[given_ : given_ + 1]
    return [breakers.reset(each.breaker, subject=each.subject, by="a", reason="b", at=at) for each in halts]


def order(strategy: str, instrument: str) -> Order:
    return Order(
        at=0, order_id=1, strategy=strategy, instrument=instrument, side=Side.BUY, quantity=1,
        type=OrderType.MARKET, product=Product.MIS, validity=Validity.DAY,
    )  # fmt: skip


def refuses(breakers: CircuitBreakers, strategy: str, name: str, opening: int) -> bool:
    instrument = Instrument(id=name, exchange="X", symbol=name, segment=Segment.EQUITY)
    return BreakerCheck(breakers)(order(strategy, name), instrument, Claim(1, 0, 0, opening, 0)) is not None


@given(days)
def test_nothing_opens_between_a_trip_and_its_reset(steps: list[Any]) -> None:
    breakers = CircuitBreakers(RULES, "INR")
    latched: dict[tuple[str, str], HaltScope] = {}
    at, date = 0, 1
    for happening, later, night in steps:
        at, date = at + later, date + night
        for said in happen(breakers, happening, date=date, at=at):
            key = (said.breaker, said.subject)
            if isinstance(said, BreakerTripped):
                assert key not in latched, "a halt is told once"
                latched[key] = said.scope
            else:
                assert isinstance(said, BreakerReset) and latched.pop(key) is said.scope
        halted = {(scope, subject) for (_, subject), scope in latched.items()}
        for strategy in ("s", "t"):
            for name in ("A", "B"):
                scopes = {(HaltScope.ACCOUNT, ""), (HaltScope.STRATEGY, strategy), (HaltScope.INSTRUMENT, name)}
                assert refuses(breakers, strategy, name, 1) == bool(scopes & halted)
                assert not refuses(breakers, strategy, name, 0), "what only reduces passes"


@given(days, st.integers(0, 40))
def test_a_restart_at_any_moment_changes_nothing(steps: list[Any], when: int) -> None:
    whole = breakers = CircuitBreakers(RULES, "INR")
    at, date = 0, 1
    for number, (happening, later, night) in enumerate(steps):
        at, date = at + later, date + night
        if number == when:
            breakers = CircuitBreakers(RULES, "INR")
            breakers.restore(whole.state())
        found = happen(breakers, happening, date=date, at=at)
        if breakers is not whole:
            assert found == happen(whole, happening, date=date, at=at)
        assert breakers.state() == whole.state()


holdings = st.lists(
    st.builds(
        Holding,
        strategy=owners,
        instrument=st.text("ABCDEFGH", min_size=1, max_size=3),
        product=st.just(Product.NRML),
        quantity=st.integers(-50, 50),
        lot=st.integers(1, 20),
        frees=st.integers(-5, 1_000),
        cost=st.integers(0, 50),
    ),
    max_size=8,
    unique_by=lambda each: (each.strategy, each.instrument),
)


def freed(holding: Holding, quantity: int) -> int:
    return holding.frees * abs(quantity) // abs(holding.quantity)


@given(holdings, st.integers(-10, 3_000))
def test_a_closing_never_opens_and_never_goes_further_than_it_must(book: list[Holding], needed: int) -> None:
    closings = plan(book, needed=needed)
    assert len({id(each.holding) for each in closings}) == len(closings), "each position once"
    for each in closings:
        assert each.quantity * each.holding.quantity > 0 and abs(each.quantity) <= abs(each.holding.quantity)
        assert each.holding.frees > 0
    whole = [each for each in book if each.frees > 0 and each.quantity]
    got = sum(freed(each.holding, each.quantity) for each in closings)
    assert got >= min(needed, sum(each.frees for each in whole)), "enough, or all there is"
    if closings:
        *before, last = closings
        assert all(each.quantity == each.holding.quantity for each in before), "only the last in part"
        fewer = abs(last.quantity) - last.holding.lot
        if abs(last.quantity) == abs(last.holding.quantity) and last.quantity % last.holding.lot:
            fewer = abs(last.quantity) // last.holding.lot * last.holding.lot
        left = freed(last.holding, fewer) if fewer > 0 else 0
        assert sum(each.holding.frees for each in before) + left < needed, "one lot less is not enough"


@given(holdings, st.integers(1, 3_000), st.randoms())
def test_the_best_for_its_cost_goes_first_in_whatever_order_they_are_given(
    book: list[Holding], needed: int, chance: Any
) -> None:
    closings = plan(book, needed=needed)
    shuffled = list(book)
    chance.shuffle(shuffled)
    assert plan(shuffled, needed=needed) == closings
    for one, other in pairwise(each.holding for each in closings):
        if not one.cost:
            continue
        assert other.cost and Fraction(one.frees, one.cost) >= Fraction(other.frees, other.cost)
    left = [each for each in book if each not in [one.holding for one in closings] and each.frees > 0 and each.quantity]
    if closings and left:
        last = closings[-1].holding
        assert all(last.cost == 0 or (each.cost and last.frees * each.cost >= each.frees * last.cost) for each in left)


@given(st.lists(st.integers(0, 150), max_size=60))
def test_nobody_is_told_the_same_twice_in_a_row(values: list[int]) -> None:
    """Between two of the same words about one limit there is another word, and what is said is true."""
    monitor = Monitor(thresholds(MonitoringSettings()))
    said: list[str] = []
    for value in values:
        use = Measure("limit", "A", value, 100, Unit.COUNT)
        state = AccountState(at=0, currency="INR", equity=1, day_start=1, peak=1, uses=(use,))
        for alert in monitor.look(state):
            assert alert.severity == ("breached" if value >= 100 else "approaching" if value >= 80 else "cleared")
            said.append(alert.severity)
        assert (("limit", "A") in monitor.said) or value < 80
    assert all(one != other or one == "breached" for one, other in pairwise(said))
