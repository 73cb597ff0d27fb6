"""Holdings against a calendar worked by hand: NSE, T+2 until 26 January 2023 and T+1 since."""

from __future__ import annotations

from datetime import date

import pytest

from tests.properties.test_holdings import KEY, trade
from tests.properties.test_ledger import COIN, SHARE
from tradsys.core.errors import UncoveredDate, UnknownName
from tradsys.core.events import ActionKind, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import DAY, SCALE
from tradsys.portfolio.holdings import Holding, Holdings, paid_out

R = SCALE
FRIDAY, MONDAY, TUESDAY, WEDNESDAY = date(2024, 6, 7), date(2024, 6, 10), date(2024, 6, 11), date(2024, 6, 12)


def after(day: date) -> int:
    """An instant of the day, after its trades of these tests."""
    return (day - date(1970, 1, 1)).days * DAY + 10**9


def shown(holdings: Holdings, day: date) -> tuple[int, int, int, int]:
    found = holdings.at(KEY, SHARE, after(day))
    return tuple(each // R for each in (found.settled, found.awaiting, found.bought_today, found.sold_today))  # type: ignore[return-value]


def bought(quantity: int = 10, day: date = FRIDAY) -> Holdings:
    holdings = Holdings(zone="Asia/Kolkata")
    holdings.fill(trade(Side.BUY, quantity, day=day), SHARE)
    return holdings


def test_a_purchase_is_settled_on_the_day_after_its_pay_out() -> None:
    holdings = bought()
    assert shown(holdings, FRIDAY) == (0, 0, 10, 0)
    assert shown(holdings, date(2024, 6, 8)) == (0, 10, 0, 0)
    assert shown(holdings, MONDAY) == (0, 10, 0, 0)
    assert shown(holdings, TUESDAY) == (10, 0, 0, 0)


def test_a_holiday_delays_the_pay_out() -> None:
    """Monday, 17 June 2024 was Bakri Id."""
    holdings = bought(day=date(2024, 6, 14))
    assert shown(holdings, date(2024, 6, 18)) == (0, 10, 0, 0)
    assert shown(holdings, date(2024, 6, 19)) == (10, 0, 0, 0)


def test_the_cycle_is_that_of_the_trade_date() -> None:
    assert paid_out(SHARE, date(2023, 1, 25)) == date(2023, 1, 30)
    assert paid_out(SHARE, date(2023, 1, 27)) == date(2023, 1, 30)


def test_a_day_is_netted_before_anything_settles() -> None:
    holdings = bought(10)
    holdings.fill(trade(Side.SELL, 4, day=FRIDAY, number=1), SHARE)
    assert shown(holdings, FRIDAY) == (0, 0, 10, 4)
    assert shown(holdings, MONDAY) == (0, 6, 0, 0)


def test_a_sale_takes_what_is_settled_first_then_what_awaits() -> None:
    holdings = bought(10)
    holdings.fill(trade(Side.BUY, 5, day=TUESDAY), SHARE)
    holdings.fill(trade(Side.SELL, 12, day=WEDNESDAY), SHARE)
    assert shown(holdings, WEDNESDAY) == (10, 5, 0, 12)
    assert holdings.at(KEY, SHARE, after(WEDNESDAY)).deliverable == 0
    assert shown(holdings, date(2024, 6, 13)) == (3, 0, 0, 0)


def test_what_was_delivered_and_not_there_is_owed() -> None:
    holdings = bought(10, day=TUESDAY)
    holdings.fill(trade(Side.SELL, 15, day=WEDNESDAY), SHARE)
    assert shown(holdings, date(2024, 6, 13)) == (-5, 0, 0, 0)


def test_bonus_shares_await_settlement_and_split_shares_do_not() -> None:
    for kind, expected in ((ActionKind.BONUS, (10, 0, 10, 0)), (ActionKind.SPLIT, (20, 0, 0, 0))):
        holdings = bought(10)
        action = CorporateAction(at=after(TUESDAY) - 10**9, instrument=SHARE.id, kind=kind, old=1, new=2)
        holdings.apply(action, SHARE)
        assert shown(holdings, TUESDAY) == expected
        assert shown(holdings, date(2024, 6, 13)) == (20, 0, 0, 0)


def test_a_dividend_moves_no_share() -> None:
    holdings = bought(10)
    holdings.apply(CorporateAction(at=after(MONDAY), instrument=SHARE.id, kind=ActionKind.DIVIDEND, cash=R), SHARE)
    assert shown(holdings, MONDAY) == (0, 10, 0, 0)


@pytest.mark.parametrize(("instrument", "product"), [(SHARE, Product.MIS), (COIN, Product.CNC)])
def test_what_no_cycle_settles_is_not_a_holding(instrument: Instrument, product: Product) -> None:
    holdings, fill = Holdings(zone="UTC"), trade(Side.BUY, 1, day=MONDAY, name=instrument.id)
    values = {name: getattr(fill, name) for name in fill.__struct_fields__}
    holdings.fill(Fill(**{**values, "product": product}), instrument)
    assert not holdings.shares


def test_an_exchange_without_a_calendar_says_so() -> None:
    foreign = Instrument(id="NYSE:A", exchange="NYSE", symbol="A", segment=Segment.EQUITY)
    with pytest.raises(UnknownName, match="NYSE"):
        paid_out(foreign, MONDAY)


def test_dates_before_the_table_are_said_to_be_uncovered() -> None:
    with pytest.raises(UncoveredDate):
        paid_out(SHARE, date(2004, 1, 5))


def test_what_is_held_is_the_sum() -> None:
    held = Holding(strategy="a", instrument="b", settled=5, awaiting=3, bought_today=2, sold_today=4)
    assert (held.quantity, held.deliverable) == (6, 1)
