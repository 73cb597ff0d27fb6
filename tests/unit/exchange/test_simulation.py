"""A simulated day: what it leaves explains itself, conserves what is traded, and repeats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from tradsys.core.errors import ConfigError, InvariantBroken
from tradsys.core.matching import Action, BookPhase, BookSide, Command, Kind, Reason, Status, TimeInForce
from tradsys.core.units import MINUTE, SECOND
from tradsys.exchange.agents.draws import Draws
from tradsys.exchange.agents.information import InformationFlow, InformationParameters, Still
from tradsys.exchange.agents.participant import NEVER, Notice, Participant, Request, View
from tradsys.exchange.agents.population import Population, participants
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.fixed_timeline import FixedTimeline
from tradsys.exchange.simulation import Information, Simulation
from tradsys.exchange.simulation_record import EVENTS, ORDER_COLUMNS, SimulationRecord

AT = 1_700_000_000 * SECOND
BUY, SELL = BookSide.BUY, BookSide.SELL
Plan = Sequence[tuple[int, Command]]


@dataclass
class Planned:
    """Sends commands of a plan at seconds after the start, and keeps what it is told."""

    account: int
    plan: Plan
    name: str = "planned"
    notices: list[Notice] = field(default_factory=list)

    def wake_at(self, view: View, draws: Draws) -> int:
        due = [AT + second * SECOND for second, _ in self.plan if AT + second * SECOND > view.at]
        return min(due, default=NEVER)

    def act(self, view: View, draws: Draws) -> Iterator[Request]:
        for second, command in self.plan:
            if AT + second * SECOND == view.at:
                yield Request(view.at, command._replace(account=self.account))

    def told(self, notice: Notice) -> None:
        self.notices.append(notice)


def phase(second: int, value: BookPhase) -> Command:
    return Command(Action.SET_PHASE, price=value, at=AT + second * SECOND)


def simulation(
    everyone: Sequence[Participant],
    *,
    seconds: int = 60,
    before: Iterable[Command] = (),
    information: Information | None = None,
    seed: int = 1,
) -> Simulation:
    end = AT + seconds * SECOND
    commands = [*(before or [phase(0, BookPhase.CONTINUOUS)]), phase(seconds, BookPhase.CLOSED)]
    venue = FixedTimeline([*commands, Command(Action.END_DAY, at=end)], reference=1000)
    return Simulation(ReferenceBook(1), everyone, seed=seed, venue=venue, information=information or Still(1000.0))


def busy(seed: int, *, minutes: int = 2, before: Iterable[Command] = ()) -> Simulation:
    end = AT + minutes * MINUTE
    information = InformationFlow(start=1000.0, opens=AT, closes=end, ends=end, parameters=InformationParameters())
    everyone = participants(Population(), seconds=11_250)
    return simulation(everyone, seconds=60 * minutes, before=before, information=information, seed=seed)


def new(order_id: int, side: BookSide, price: int, quantity: int, **fields: int) -> Command:
    return Command(Action.NEW, order_id, side, price, quantity, **fields)


AUCTION = [
    phase(0, BookPhase.AUCTION),
    Command(Action.UNCROSS, quantity=0, at=AT + 30 * SECOND),
    phase(30, BookPhase.CONTINUOUS),
]


@pytest.fixture(scope="module")
def day() -> SimulationRecord:
    return busy(5, before=AUCTION).run()


def commands_of(record: SimulationRecord) -> Iterator[tuple[int, Command]]:
    """The commands of a record, rebuilt from its columns."""
    columns = record.orders()
    for row in zip(*(columns[name].tolist() for name in ORDER_COLUMNS), strict=True):
        values = dict(zip(ORDER_COLUMNS, row, strict=True))
        if values["event"] < len(Action):
            yield values["status"], Command(
                values["event"], values["order_id"], values["side"], values["price"], values["quantity"],
                values["kind"], values["validity"], values["flags"], 0, values["account"], values["trigger"],
                values["trail"], values["display"], values["expires_at"], values["at"],
            )  # fmt: skip


def test_the_recorded_orders_give_the_recorded_trades_and_depth(day: SimulationRecord) -> None:
    book, trades, statuses = ReferenceBook(1), [], []
    depth = iter(zip(*day.depths().values(), strict=True))
    due = next(depth, None)
    for status, command in commands_of(day):
        while due is not None and due[0] <= command.at:
            bids, asks = (book.levels(0, side, count=5) for side in (BUY, SELL))
            shown = [value for level in bids for value in level[:2]]
            assert list(due[1 : 1 + len(shown)]) == shown
            assert list(due[11 : 11 + 2 * len(asks)]) == [value for level in asks for value in level[:2]]
            due = next(depth, None)
        outcome, events = book.submit(command)
        statuses.append((outcome.status, status))
        trades += [(e.order_id, e.other_id, e.price, e.quantity) for e in events if e.kind == 0]
    recorded = day.trades()
    names = ("taker_id", "maker_id", "price", "quantity")
    assert trades == list(zip(*(recorded[name].tolist() for name in names), strict=True))
    assert all(ours == theirs for ours, theirs in statuses)
    assert len(trades) > 200


def test_what_is_bought_is_sold_and_inventories_say_so() -> None:
    run = busy(6)
    record = run.run()
    trades = record.trades()
    changes = dict.fromkeys(record.names, 0)
    for side, taker, maker, quantity in zip(
        trades["side"], trades["taker"], trades["maker"], trades["quantity"], strict=True
    ):
        signed = int(quantity) if side == BUY else -int(quantity)
        changes[int(taker)] += signed
        changes[int(maker)] -= signed
    assert sum(changes.values()) == 0
    holding = {each.account: each.inventory for each in run._participants if hasattr(each, "inventory")}
    assert len(holding) == 7
    assert holding == {account: changes[account] for account in holding}


def test_a_day_repeats_with_its_seed_alone() -> None:
    first, again, other = (busy(seed, minutes=1).run().orders() for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in ORDER_COLUMNS)
    assert len(first["at"]) != len(other["at"]) or not np.array_equal(first["price"], other["price"])


def test_time_never_runs_back_and_commands_are_counted(day: SimulationRecord) -> None:
    orders, trades = day.orders(), day.trades()
    assert (np.diff(orders["at"]) >= 0).all()
    sent = orders["event"] < len(Action)
    assert np.array_equal(orders["command"][sent], np.arange(sent.sum()))
    assert np.isin(trades["command"], orders["command"]).all()


def test_the_auction_clears_at_one_price_and_trading_follows(day: SimulationRecord) -> None:
    trades = day.trades()
    at_match = trades["at"] == AT + 30 * SECOND
    assert at_match.sum() > 10
    assert len(set(trades["price"][at_match].tolist())) == 1
    assert (trades["at"] >= AT + 30 * SECOND).all()
    depths = day.depths()
    later = depths["at"] > AT + 32 * SECOND
    both = later & (depths["bid_price_1"] > 0) & (depths["ask_price_1"] > 0)
    assert both.sum() > 0.9 * later.sum()
    assert (depths["bid_price_1"] < depths["ask_price_1"])[both].all()


def test_everyone_hears_of_its_own_orders() -> None:
    seller = Planned(1, [(1, new(11, SELL, 1000, 5)), (2, new(12, SELL, 1001, 4)), (4, Command(Action.CANCEL, 12))])
    buyer = Planned(2, [(3, new(21, BUY, 1000, 7)), (5, new(22, BUY, 0, 3, kind=Kind.MARKET)), (6, new(21, BUY, 9, 1))])
    run = simulation([seller, buyer])
    run.run()
    assert seller.notices == [
        Notice(11, SELL, 1000, 5, 0, maker=True),
        Notice(12, BUY, 0, 0, 0),
    ]
    assert buyer.notices == [
        Notice(21, BUY, 1000, 5, 2),
        Notice(22, BUY, 0, 0, 0, Reason.DROPPED),
        Notice(21, BUY, 0, 0, 2, Reason.DUPLICATE_ORDER),
        Notice(21, BUY, 0, 0, 0, Reason.EXPIRED),
    ]


def test_a_request_travels_and_lapses_with_its_order() -> None:
    class Late(Planned):
        def act(self, view: View, draws: Draws) -> Iterator[Request]:
            if view.at == AT + SECOND:
                yield Request(view.at + 2 * SECOND, new(11, SELL, 1000, 5, account=1))
                yield Request(view.at + 4 * SECOND, Command(Action.CANCEL, 11, account=1), while_live=True)
                yield Request(view.at + 5 * SECOND, Command(Action.CANCEL, 11, account=1), while_live=True)
                yield Request(view.at + 6 * SECOND, Command(Action.CANCEL, 11, account=1))

    record = simulation([Late(1, [(1, new(0, SELL, 0, 0))])]).run()
    sent = [(command.action, (command.at - AT) // SECOND, status) for status, command in commands_of(record)]
    assert sent[1:4] == [
        (Action.NEW, 3, Status.OPEN),
        (Action.CANCEL, 5, Status.CANCELLED),
        (Action.CANCEL, 7, Status.REJECTED),
    ]


def test_stops_and_good_till_date_orders_are_followed_to_their_end() -> None:
    until = AT + 5 * SECOND
    plan = [
        (1, new(11, SELL, 1000, 5)),
        (1, new(12, BUY, 0, 2, kind=Kind.STOP, trigger=1000)),
        (1, new(13, BUY, 900, 2, time_in_force=TimeInForce.GTD, expires_at=until)),
        (2, new(14, BUY, 1000, 1)),
    ]
    trader = Planned(1, plan)
    before = [phase(0, BookPhase.CONTINUOUS), Command(Action.TIME, at=until)]
    record = simulation([trader], before=before).run()
    assert record.trades()["taker_id"].tolist() == [14, 12]
    assert Notice(12, BUY, 1000, 2, 0) in trader.notices
    assert Notice(13, BUY, 0, 0, 0, Reason.EXPIRED) in trader.notices
    events = [EVENTS[number] for number in record.orders()["event"].tolist()]
    assert ("triggered" in events, events.count("expired")) == (True, 2)


def test_sleepers_wake_with_the_market() -> None:
    trader = Planned(1, [(5, new(11, BUY, 1000, 1)), (15, new(12, BUY, 1000, 1))])
    halted = [phase(0, BookPhase.CONTINUOUS), phase(4, BookPhase.HALTED), phase(10, BookPhase.CONTINUOUS)]
    record = simulation([trader], before=halted).run()
    sent = [command.order_id for status, command in commands_of(record) if command.action == Action.NEW]
    assert sent == [12]
    assert not ((record.depths()["at"] > AT + 4 * SECOND) & (record.depths()["at"] < AT + 10 * SECOND)).any()


def test_a_stopped_day_says_so() -> None:
    asked: list[int] = []
    run = busy(1, minutes=2)
    record = run.run(stop=lambda: len(asked) >= 1, progress=asked.append)
    assert not record.complete
    assert 0 < record.messages < busy(1, minutes=2).run().messages
    assert AT < asked[0] < AT + 2 * MINUTE


def test_a_venue_whose_command_the_book_refuses_stops_the_day() -> None:
    wrong = [phase(0, BookPhase.CONTINUOUS), Command(Action.UNCROSS, at=AT + SECOND)]
    with pytest.raises(InvariantBroken, match="UNCROSS"):
        simulation([], before=wrong).run()


@pytest.mark.parametrize("commands", [[], [phase(1, BookPhase.CLOSED), phase(0, BookPhase.CLOSED)]])
def test_a_timeline_out_of_order_is_refused(commands: list[Command]) -> None:
    with pytest.raises(ConfigError, match="in order of time"):
        FixedTimeline(commands)
