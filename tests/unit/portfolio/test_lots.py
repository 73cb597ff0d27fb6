"""Lots against sums worked by hand."""

from __future__ import annotations

import msgspec

from tests.unit.portfolio.test_trades import SHARE, fill
from tradsys.core.events import ActionKind, CorporateAction, Product, Side
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.portfolio.ledger import Ledger
from tradsys.portfolio.lots import LotQueue, Lots, legs

R = SCALE


def test_a_piece_says_what_it_cost_when_and_its_charges_of_both_sides() -> None:
    lots = Lots()
    assert lots.fill(fill(1, Side.BUY, 10, 100), (("stt", 10 * R),), SHARE) == []
    lots.fill(fill(2, Side.BUY, 10, 110), (("stt", 20 * R),), SHARE)
    first, second = lots.fill(fill(3, Side.SELL, 15, 120), (("stt", 30 * R), ("dp", 3 * R)), SHARE)
    assert (first.quantity, first.bought, first.sold, first.gross) == (10 * R, 1000 * R, 1200 * R, 200 * R)
    assert (first.opening.at, first.closing.at, first.opening.reason) == (1, 3, "r1")
    assert (first.opening_charges, first.closing_charges) == ((("stt", 10 * R),), (("stt", 20 * R), ("dp", 2 * R)))
    assert (second.gross, second.charges, second.net) == (50 * R, {"stt": 20 * R, "dp": R}, 29 * R)
    ((_, rest),) = lots.open_lots()
    assert (rest.quantity, rest.money, rest.charges) == (5 * R, 550 * R, (("stt", 10 * R),))


def test_the_last_part_takes_the_remainder() -> None:
    lots = Lots()
    lots.fill(fill(1, Side.BUY, 3, 100), (("stt", 100),), SHARE)
    shares = [lots.fill(fill(at, Side.SELL, 1, 100), (), SHARE)[0].charges["stt"] for at in (2, 3, 4)]
    assert shares == [33, 33, 34]


def test_through_zero_closes_then_opens() -> None:
    lots = Lots()
    lots.fill(fill(1, Side.SELL, 10, 100), (), SHARE)
    (closed,) = lots.fill(fill(2, Side.BUY, 30, 90), (("stt", 30 * R),), SHARE)
    assert (closed.side, closed.bought, closed.sold, closed.gross) == (Side.SELL, 900 * R, 1000 * R, 100 * R)
    ((_, rest),) = lots.open_lots()
    assert (rest.side, rest.quantity, rest.charges) == (Side.BUY, 20 * R, (("stt", 20 * R),))


def test_strategies_and_products_do_not_share_lots() -> None:
    lots = Lots()
    lots.fill(fill(1, Side.BUY, 1, 100), (), SHARE)
    other = msgspec.structs.replace(fill(2, Side.SELL, 1, 100), product=Product.MIS)
    assert lots.fill(other, (), SHARE) == []
    assert sorted((str(key[2]), queue.held) for key, queue in lots.queues.items()) == [("CNC", R), ("MIS", -R)]


def test_expiry_settles_a_contract_at_what_it_is_worth() -> None:
    option = Instrument(
        id="NFO:O", exchange="NFO", symbol="O", segment=Segment.OPTION, underlying="NSE:I", expiry=9,
        strike=100 * R, right=OptionRight.CALL,
    )  # fmt: skip
    ledger, lots = Ledger(10_000 * R), Lots()
    bought = msgspec.structs.replace(fill(1, Side.BUY, 50, 7), instrument=option.id)
    ledger.book(bought, 0, (), ledger.place("s", option, Product.CNC))
    lots.fill(bought, (), option)
    ((settled, items),) = ledger.settle_expiry(option, price=112 * R, at=9, charge=lambda f, i: (("stt", R),))
    (closed,) = lots.fill(settled, items, option)
    assert (closed.gross, closed.closing.reason, closed.charges) == (250 * R, "expiry", {"stt": R})


def test_a_split_keeps_money_and_a_lot_without_a_share_leaves_it_to_the_next() -> None:
    lots = Lots()
    lots.fill(fill(1, Side.BUY, 1, 100), (("stt", 5),), SHARE)
    lots.fill(fill(2, Side.BUY, 1, 110), (("stt", 7),), SHARE)
    assert lots.apply(CorporateAction(at=3, instrument=SHARE.id, kind=ActionKind.SPLIT, old=2, new=1)) == []
    (closed,) = lots.fill(fill(4, Side.SELL, 1, 200), (), SHARE)
    assert (closed.gross, closed.charges, closed.opening.at) == (-10 * R, {"stt": 12}, 2)


def test_what_a_consolidation_leaves_nothing_of_is_a_loss() -> None:
    lots = Lots()
    lots.fill(fill(1, Side.BUY, 1, 100), (("stt", 5),), SHARE)
    (closed,) = lots.apply(CorporateAction(at=3, instrument=SHARE.id, kind=ActionKind.SPLIT, old=10, new=1))
    assert (closed.gross, closed.closing.reason, closed.closing.at, closed.charges) == (
        -100 * R,
        "split",
        3,
        {"stt": 5},
    )
    assert lots.apply(CorporateAction(at=4, instrument=SHARE.id, kind=ActionKind.DIVIDEND, cash=R)) == []


def test_bonus_shares_can_be_a_lot_that_cost_nothing() -> None:
    queue = LotQueue()
    for lot in legs(fill(1, Side.BUY, 10, 100), (), SHARE, held=0):
        queue.take(lot)
    bonus = CorporateAction(at=5, instrument=SHARE.id, kind=ActionKind.BONUS, old=1, new=2)
    assert queue.grant(bonus, total=20 * R) == []
    assert [(lot.fill.at, lot.quantity, lot.money) for lot in queue.lots] == [(1, 10 * R, 1000 * R), (5, 10 * R, 0)]
    assert queue.held == 20 * R
    assert LotQueue().grant(bonus, total=R) == []


def test_a_total_of_the_other_side_is_a_new_lot() -> None:
    """Roundings of several strategies can turn what an account holds together."""
    queue = LotQueue()
    for lot in legs(fill(1, Side.BUY, 1, 100), (), SHARE, held=0):
        queue.take(lot)
    (lost,) = queue.split(CorporateAction(at=5, instrument=SHARE.id, kind=ActionKind.SPLIT, old=4, new=1), total=-R)
    assert lost.gross == -100 * R
    assert [(lot.side, lot.quantity, lot.money) for lot in queue.lots] == [(Side.SELL, R, 0)]
