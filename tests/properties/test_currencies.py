"""Laws of an account with foreign instruments over random fills, rates, marks and corporate actions."""

from __future__ import annotations

import random
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import conserve
from tests.properties.test_engine import DAYS, random_case
from tests.properties.test_ledger import COIN, OTHER, SHARE, START, STRATEGIES
from tradsys.core.events import ActionKind, CorporateAction, Entry, Fill, Product, Side, Stray, StrayKind
from tradsys.core.instruments import Instrument
from tradsys.core.rates import RateSet, converted
from tradsys.core.units import SCALE
from tradsys.engine.results import collect
from tradsys.portfolio.currencies import CurrencyLedger, in_one_currency
from tradsys.portfolio.ledger import Ledger

DOLLARS = msgspec.structs.replace(OTHER, currency="USD")
EUROS = msgspec.structs.replace(COIN, currency="EUR")
INSTRUMENTS: dict[str, Instrument] = {each.id: each for each in (SHARE, DOLLARS, EUROS)}
CURRENCIES = ("USD", "EUR")

rates = st.tuples(st.just("rate"), st.sampled_from(CURRENCIES), st.integers(1, 200 * SCALE))
prices = st.integers(1, 5000 * SCALE)
names = st.sampled_from(sorted(INSTRUMENTS))
fills = st.tuples(
    st.just("fill"), names, st.sampled_from(STRATEGIES), st.sampled_from(Side), st.integers(1, 500), prices,
    st.integers(0, 9 * SCALE), st.booleans(),
)  # fmt: skip
marks = st.tuples(st.just("mark"), names, prices)
actions = st.tuples(
    st.just("action"), st.sampled_from([SHARE.id, DOLLARS.id]), st.sampled_from(list(ActionKind)),
    st.integers(1, 5), st.integers(1, 5), st.integers(0, 50 * SCALE), prices,
)  # fmt: skip
first_rates = st.tuples(*(st.integers(1, 200 * SCALE) for _ in CURRENCIES))
histories = st.tuples(first_rates, st.lists(st.one_of(fills, fills, rates, marks, actions), max_size=40))
History = tuple[tuple[int, ...], list[tuple[object, ...]]]


class Twin:
    """The account beside the obvious one: a ledger of one currency, told every price as it is worth at the time."""

    def __init__(self, first: tuple[int, ...]) -> None:
        self.ledger, self.plain = CurrencyLedger(START, "INR"), Ledger(START)
        self.rates: dict[str, int] = {"INR": SCALE}
        self.last: dict[str, int] = {}
        self.own = {name: msgspec.structs.replace(each, currency="INR") for name, each in INSTRUMENTS.items()}
        self.log: list[Entry] = []
        for currency, rate in zip(CURRENCIES, first, strict=True):
            self.rate(currency, rate)

    def here(self, name: str, price: int) -> int:
        return converted(price, rate=self.rates[INSTRUMENTS[name].currency])

    def write(self, body: object) -> None:
        self.log.append(Entry(len(self.log), -1, len(self.log), "", body))  # type: ignore[arg-type]

    def rate(self, currency: str, rate: int) -> None:
        self.rates[currency] = rate
        change = RateSet(at=len(self.log), currency=currency, rate=rate)
        self.write(change)
        self.ledger.set_rate(change)
        for name, price in self.last.items():
            if INSTRUMENTS[name].currency == currency:
                self.plain.mark(name, self.here(name, price))

    def fill(self, name: str, strategy: str, side: Side, units: int, price: int, charge: int, stray: bool) -> None:
        quantity = units * (1000 if name == COIN.id else SCALE)
        fill = Fill(
            at=len(self.log), exchange_at=0, order_id=1, strategy=strategy, instrument=name, side=side,
            quantity=quantity, price=price, product=Product.CNC,
        )  # fmt: skip
        self.write(Stray(at=fill.at, order_id=1, kind=StrayKind.EXTERNAL, fill=fill) if stray else fill)
        items = (("fee", charge),)
        self.ledger.book(fill, charge, items, self.ledger.place(strategy, INSTRUMENTS[name], Product.CNC))
        there = msgspec.structs.replace(fill, price=self.here(name, price))
        self.plain.book(there, charge, items, self.plain.place(strategy, self.own[name], Product.CNC))
        self.last.setdefault(name, price)

    def mark(self, name: str, price: int) -> None:
        self.last[name] = price
        self.ledger.place("one", INSTRUMENTS[name], Product.CNC)
        self.ledger.mark(name, price)
        self.plain.mark(name, self.here(name, price))

    def action(self, name: str, kind: ActionKind, old: int, new: int, cash: int, price: int) -> None:
        action = CorporateAction(at=len(self.log), instrument=name, kind=kind, old=old, new=new, cash=cash, price=price)
        self.write(action)
        moves = self.ledger.apply(action, price=price)
        there = msgspec.structs.replace(action, cash=self.here(name, cash), price=self.here(name, price))
        assert moves == self.plain.apply(there, price=there.price)
        # After an action prices are those of its shares, at both.
        self.mark(name, price)


def played(history: History) -> Twin:
    first, events = history
    twin = Twin(first)
    for kind, *rest in events:
        getattr(twin, str(kind))(*rest)
        twin.ledger.check()
        assert standing(twin.ledger) == standing(twin.plain)
    return twin


def standing(ledger: Ledger) -> object:
    held = {key: (each.quantity, each.cost, each.realised, each.charges) for key, each in ledger.positions.items()}
    marks = {name: ledger.marks[name] for name in sorted({key[1] for key in ledger.open_positions})}
    return ledger.cash, ledger.equity(), ledger.unrealised(), ledger.charges, held, marks, ledger.profit_by_instrument()


@given(histories)
def test_the_account_is_one_of_a_single_currency_told_converted_prices(history: History) -> None:
    played(history)


@given(histories)
def test_its_log_is_that_of_a_single_currency(history: History) -> None:
    """What counts the results reads converted lines, and comes to the same cash."""
    twin = played(history)
    log, instruments = in_one_currency(twin.log, INSTRUMENTS, currency="INR")
    assert {each.currency for each in instruments.values()} == {"INR"}
    folded = Ledger(START)
    charges = [event[6] for event in history[1] if event[0] == "fill"]
    for entry in log:
        body = entry.body
        if isinstance(body, CorporateAction):
            folded.apply(body, price=body.price)
        elif isinstance(body, Fill | Stray):
            fill = body.fill if isinstance(body, Stray) else body
            place = folded.place(fill.strategy, instruments[fill.instrument], fill.product)
            folded.book(fill, charges[0], (("fee", charges.pop(0)),), place)  # type: ignore[arg-type]
    assert (folded.cash, folded.realised, folded.charges) == (
        twin.ledger.cash,
        twin.ledger.realised,
        twin.ledger.charges,
    )


@given(histories)
def test_nothing_is_created_by_converting(history: History) -> None:
    """Against exact fractions: each price is off by at most half of 1e-8 a unit, each booking rounds below 1e-8."""
    first, events = history
    events = [each for each in events if each[0] != "action"]
    twin = played((first, events))
    now: dict[str, int] = {"INR": SCALE, **dict(zip(CURRENCIES, first, strict=True))}
    money, allowed = Fraction(START), Fraction(1)
    held: dict[str, int] = defaultdict(int)
    for kind, *rest in events:
        if kind == "rate":
            now[str(rest[0])] = int(str(rest[1]))
        elif kind == "fill":
            name, _, side, units, price, charge, _ = rest
            quantity = int(units) * (1000 if name == COIN.id else SCALE)  # type: ignore[call-overload]
            worth = Fraction(price * now[INSTRUMENTS[str(name)].currency], SCALE)  # type: ignore[operator]
            money -= worth * side * quantity / SCALE + charge  # type: ignore[operator]
            allowed += Fraction(quantity, 2 * SCALE) + 2
            held[str(name)] += side * quantity
    for name, quantity in held.items():
        money += Fraction(twin.last[name] * now[INSTRUMENTS[name].currency], SCALE) * quantity / SCALE
        allowed += Fraction(abs(quantity), 2 * SCALE)
    positions = len(twin.ledger.open_positions)
    gross = sum(Fraction(abs(each.quantity), 2 * SCALE) for each in twin.ledger.open_positions.values())
    assert abs(money - twin.ledger.equity()) <= allowed + positions + gross


@given(st.integers(0, 10**9))
@settings(max_examples=8)
def test_the_log_of_a_run_explains_its_account(seed: int) -> None:
    """Whole runs with a share in dollars: the laws after every event, and a fold of converted lines at the end."""
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        case = random_case(Path(folder), seed)
        lines = [f"{day},USD,{chance.randint(50, 120)}.{chance.randint(0, 9999):04}" for day in DAYS]
        (Path(folder) / "rates.csv").write_text("\n".join(["date,currency,rate", *lines]) + "\n")
        case.instruments = {"NSE:B": {"currency": "USD"}}
        case.sections = {**case.sections, "data": {**case.sections["data"], "rates": "rates.csv"}}
        run = case.run(watch=conserve)
        result, history = collect(run, {})
    assert sum(each.amount for each in result.attribution) == run.ledger.equity() - run.ledger.start
    assert history.ledger.cash == run.ledger.cash
    assert int(result.equity[-1]) == run.ledger.equity()
