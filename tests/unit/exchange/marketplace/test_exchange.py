"""The exchange as one object, by scenes of a few orders whose outcome can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

import pytest

from tests.unit.exchange.session_driver import clock
from tradsys.core.errors import ConfigError
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.matching import BookPhase, BookSide, Kind, TimeInForce
from tradsys.core.units import MINUTE, SCALE, SECOND
from tradsys.exchange.admission import Entry
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.clearing import MakerTaker, NoFees
from tradsys.exchange.clearing.records import (
    AccountKind,
    AccountOpened,
    CashDeposited,
    Confirmation,
    DayEnded,
    Margins,
    Obligation,
    Settled,
    Trade,
    TradeBusted,
    UnitsDeposited,
)
from tradsys.exchange.marketplace import Exchange, TradedInstrument
from tradsys.exchange.marketplace.records import (
    BandSet,
    ExchangeEvents,
    OrderReduced,
    OrderRefused,
    OrderRemoved,
    OrderTaken,
    OrderTriggered,
    PhaseEntered,
    ProtectionStrained,
    Traded,
    TradingHalted,
)
from tradsys.reference.calendar import RoundTheClock, calendar_for

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
BUY, SELL = BookSide.BUY, BookSide.SELL
BUYER, SELLER, LONG, WORLD = 1, 2, 3, 9
SHARE = Instrument(id="NSE:S", exchange="NSE", symbol="S", segment=Segment.EQUITY)
FIFTH = Margins(initial=SCALE // 5, maintenance=SCALE // 5)
Event = TypeVar("Event")


def listed(instrument: Instrument = SHARE, **fields: Any) -> TradedInstrument:
    return TradedInstrument(**{"instrument": instrument, "previous_close": 100 * SCALE, "band": "fixed 5", **fields})


class Scene:
    """An exchange, its accounts, and orders in whole rupees and units; every law is checked after each event."""

    def __init__(self, *traded: TradedInstrument, fees: Any = None, **fields: Any) -> None:
        self.listed = traded or (listed(),)
        self.exchange = Exchange(
            self.listed,
            ReferenceBook(len(self.listed)),
            **{
                "exchange": "NSE",
                "day": MONDAY,
                "calendar": calendar_for("NSE", Segment.EQUITY),
                "fees": fees or NoFees(),
                "seed": 7,
                **fields,
            },
        )
        kinds = {
            BUYER: AccountKind.CASH,
            SELLER: AccountKind.CASH,
            LONG: AccountKind.MARGIN,
            WORLD: AccountKind.UNLIMITED,
        }
        for account, kind in kinds.items():
            assert self.exchange.tell(AccountOpened(account=account, kind=kind)) == ()
            self.exchange.tell(CashDeposited(account=account, amount=10_000 * SCALE))
        if self.listed[0].instrument.segment is Segment.EQUITY:
            self.exchange.tell(
                UnitsDeposited(account=SELLER, instrument=self.listed[0].instrument.id, quantity=100 * SCALE)
            )
        self.orders = 0

    def at(self, text: str) -> int:
        return clock(self.exchange.day, text)

    def order(
        self, account: int, side: BookSide, quantity: float, price: float = 0, *, at: str | int = "10:00", **fields: Any
    ) -> ExchangeEvents:
        self.orders += 1
        intraday = fields.pop("intraday", False)
        entry = Entry(
            **{
                "order_id": self.orders,
                "instrument": self.listed[0].instrument.id,
                "side": side,
                "quantity": round(quantity * SCALE),
                "kind": Kind.LIMIT if price else Kind.MARKET,
                "price": round(price * SCALE),
                "account": account,
                **fields,
            }
        )
        instant = self.at(at) if isinstance(at, str) else at
        said = self.exchange.submit(entry, at=instant, intraday=intraday)
        self.exchange.check()
        return said

    def cash(self, account: int) -> float:
        balance = self.exchange.clearing.balance(account)
        return (balance.cash + balance.due) / SCALE

    def free(self, account: int) -> float:
        return self.exchange.clearing.balance(account).free / SCALE


def of(said: ExchangeEvents, kind: type[Event]) -> list[Event]:
    return [each for each in said if isinstance(each, kind)]


def trades(said: ExchangeEvents) -> list[Trade]:
    return [each.trade for each in of(said, Traded)]


def refusal(said: ExchangeEvents) -> tuple[str, int | str, int | str]:
    refused = said[-1]
    assert isinstance(refused, OrderRefused)
    return refused.rule, refused.value, refused.limit


def test_two_orders_trade_and_both_accounts_follow() -> None:
    scene = Scene(fees=MakerTaker(maker=0.001, taker=0.002))
    said = scene.order(SELLER, SELL, 10, 101)
    assert of(said, OrderTaken)[0].open == 10 * SCALE and scene.exchange.best(SHARE.id)[2:] == (101 * SCALE, 10 * SCALE)
    said = scene.order(BUYER, BUY, 4, 102)
    trade = trades(said)[0]
    assert (trade.price, trade.quantity, trade.buyer, trade.seller, trade.taker) == (101 * SCALE, 4 * SCALE, 1, 2, 1)
    assert [each.fee for each in of(said, Confirmation)] == [round(0.808 * SCALE), round(0.404 * SCALE)]
    assert scene.cash(BUYER) == pytest.approx(10_000 - 404 - 0.808) and scene.cash(SELLER) == pytest.approx(10_403.596)
    assert scene.exchange.levels(SHARE.id, SELL, count=3) == [(101 * SCALE, 6 * SCALE, 1)]


def test_an_order_is_held_for_and_released() -> None:
    scene = Scene()
    scene.order(BUYER, BUY, 50, 99)
    assert scene.free(BUYER) == 10_000 - 50 * 99
    assert of(scene.exchange.reduce(1, quantity=20 * SCALE, account=BUYER, at=scene.at("10:01")), OrderReduced)
    assert scene.free(BUYER) == 10_000 - 30 * 99
    removed = of(scene.exchange.cancel(1, account=BUYER, at=scene.at("10:02")), OrderRemoved)
    assert [(each.open, each.reason) for each in removed] == [(30 * SCALE, "withdrawn")]
    assert scene.free(BUYER) == 10_000 and scene.exchange.live_orders == 0


def test_what_is_reduced_to_nothing_is_gone() -> None:
    scene = Scene()
    scene.order(BUYER, BUY, 50, 99)
    removed = of(scene.exchange.reduce(1, quantity=50 * SCALE, account=BUYER, at=scene.at("10:01")), OrderRemoved)
    assert [each.reason for each in removed] == ["withdrawn"] and scene.free(BUYER) == 10_000


def test_a_market_order_holds_at_the_edge_of_the_band_and_gets_back_what_it_did_not_pay() -> None:
    scene = Scene()
    scene.order(SELLER, SELL, 90, 101)
    # 96 x 105 is more than there is; 95 x 105 is not, and trades at 101.
    assert refusal(scene.order(BUYER, BUY, 96)) == ("insufficient_cash", 96 * 105 * SCALE, 10_000 * SCALE)
    said = scene.order(BUYER, BUY, 95)
    assert of(said, OrderRemoved)[0].reason == "dropped" and scene.free(BUYER) == 10_000 - 90 * 101


def test_without_a_band_nothing_bounds_a_market_order() -> None:
    scene = Scene(listed(band=""))
    scene.order(WORLD, SELL, 5, 100)
    assert refusal(scene.order(BUYER, BUY, 1)) == ("unprotected", "market", "a limit, a protection or a price band")
    protected = scene.order(BUYER, BUY, 1, 2, kind=Kind.PROTECTED)
    assert trades(protected)[0].price == 100 * SCALE
    assert of(scene.order(WORLD, BUY, 1), Traded)


def test_a_protected_order_holds_at_its_protection_and_rests_as_a_limit_order() -> None:
    scene = Scene()
    scene.order(SELLER, SELL, 1, 100)
    scene.order(WORLD, BUY, 1, 100)
    scene.order(BUYER, BUY, 10, 2, kind=Kind.PROTECTED)
    assert scene.free(BUYER) == 10_000 - 10 * 102
    said = scene.order(BUYER, BUY, 10, 101, order_id=3, replaces=True)
    assert of(said, OrderTaken)[0].replaces and scene.free(BUYER) == 10_000 - 10 * 101


def test_a_replacement_is_held_for_first_and_undone_if_the_book_refuses() -> None:
    scene = Scene()
    scene.order(BUYER, BUY, 10, 99)
    assert refusal(scene.order(BUYER, BUY, 200, 99, order_id=1, replaces=True))[0] == "insufficient_cash"
    assert refusal(scene.order(BUYER, BUY, 20, 120, order_id=1, replaces=True))[0] == "outside_band"
    assert scene.free(BUYER) == 10_000 - 10 * 99
    assert refusal(scene.order(SELLER, BUY, 10, 98, order_id=1, replaces=True))[0] == "unknown_order"
    assert refusal(scene.order(BUYER, SELL, 10, 99, order_id=1, replaces=True))[0] == "other_terms"
    scene.order(BUYER, BUY, 20, 98, order_id=1, replaces=True)
    assert scene.free(BUYER) == 10_000 - 20 * 98


def test_nobody_touches_another_s_order() -> None:
    scene = Scene()
    scene.order(BUYER, BUY, 10, 99)
    rule = ("unknown_order", 1, "a live order of this account")
    assert refusal(scene.exchange.cancel(1, account=SELLER, at=scene.at("10:01"))) == rule
    assert refusal(scene.exchange.reduce(1, quantity=SCALE, account=SELLER, at=scene.at("10:01"))) == rule
    assert refusal(scene.exchange.cancel(5, account=BUYER, at=scene.at("10:01")))[0] == "unknown_order"


BAD: Mapping[str, tuple[dict[str, Any], str]] = {
    "unknown instrument": ({"instrument": "NSE:X"}, "unknown_instrument"),
    "zero": ({"quantity": 0}, "quantity_not_positive"),
    "negative": ({"quantity": -SCALE}, "quantity_not_positive"),
    "overflow": ({"quantity": 2**41 * SCALE}, "quantity_above_most"),
    "off lot": ({"quantity": SCALE // 2}, "quantity_off_lot"),
    "off tick": ({"price": 99 * SCALE + 1}, "price_off_tick"),
    "outside the band": ({"price": 200 * SCALE}, "outside_band"),
    "too little shown": ({"quantity": 40 * SCALE, "display": SCALE}, "display_below_least"),
    "duplicate": ({"order_id": 1}, "duplicate_order"),
    "no number": ({"order_id": 0}, "bad_order"),
    "unknown account": ({"account": 77}, "unknown_account"),
    "dear": ({"quantity": 500 * SCALE}, "insufficient_cash"),
    "unheld": ({"side": SELL}, "insufficient_units"),
    "strange flags": ({"flags": 64}, "bad_combination"),
    "past": ({"time_in_force": TimeInForce.GTD, "expires_at": 1}, "already_expired"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_refusal_with_its_rule_and_changes_nothing(name: str) -> None:
    fields, rule = BAD[name]
    scene = Scene()
    scene.order(BUYER, BUY, 10, 99)
    before = scene.exchange.levels(SHARE.id, BUY, count=9), scene.free(BUYER), scene.exchange.live_orders
    entry = {"order_id": 50, "instrument": SHARE.id, "side": BUY, "quantity": SCALE, "price": 99 * SCALE, "account": 1}
    said = scene.exchange.submit(Entry(**{**entry, **fields}), at=scene.at("10:01"))
    assert refusal(said)[0] == rule
    assert before == (scene.exchange.levels(SHARE.id, BUY, count=9), scene.free(BUYER), scene.exchange.live_orders)
    scene.exchange.check()


def test_the_day_passes_through_its_phases_and_the_auction_sets_a_price() -> None:
    scene = Scene()
    assert refusal(scene.order(BUYER, BUY, 10, 99, at="08:59"))[0] == "session_closed"
    scene.order(BUYER, BUY, 10, at="09:01")
    scene.order(SELLER, SELL, 10, 101, at="09:02")
    said = scene.exchange.advance(scene.at("09:15"))
    phases = [each.phase for each in of(said, PhaseEntered)]
    assert phases[-1] is BookPhase.CONTINUOUS and BookPhase.AUCTION_LIMIT in phases
    assert [(each.price, each.quantity) for each in trades(said)] == [(101 * SCALE, 10 * SCALE)]
    assert scene.free(BUYER) == 10_000 - 1_010 and scene.exchange.phase(SHARE.id) is BookPhase.CONTINUOUS


def test_a_stop_is_triggered_and_its_rest_released() -> None:
    scene = Scene()
    scene.order(SELLER, SELL, 10, kind=Kind.STOP, trigger=98 * SCALE)
    scene.order(WORLD, BUY, 4, 97)
    scene.order(WORLD, BUY, 1, 98)
    said = scene.order(WORLD, SELL, 1, 98)
    assert of(said, OrderTriggered)[0].account == SELLER
    assert [each.price for each in trades(said)] == [98 * SCALE, 97 * SCALE]
    assert [(each.open, each.reason) for each in of(said, OrderRemoved)] == [(6 * SCALE, "dropped")]
    assert scene.exchange.clearing.position(SELLER, SHARE.id).selling == 0


def test_orders_end_when_they_said() -> None:
    future = Instrument(id="NFO:F", exchange="NFO", symbol="F", segment=Segment.FUTURE, underlying=SHARE.id)
    scene = Scene(listed(future, band="share", margins=FIFTH))
    scene.order(LONG, BUY, 1, 97, time_in_force=TimeInForce.GTD, expires_at=scene.at("11:00"))
    scene.order(LONG, BUY, 1, 99)
    scene.order(LONG, BUY, 1, 98, time_in_force=TimeInForce.GTC)
    assert [each.order_id for each in of(scene.exchange.advance(scene.at("11:00")), OrderRemoved)] == [1]
    assert [each.order_id for each in of(scene.exchange.end_day(), OrderRemoved)] == [2]
    assert scene.exchange.live_orders == 1 and scene.free(LONG) == 10_000 - 20


def test_a_day_ends_with_settlement_the_next_day() -> None:
    scene = Scene()
    scene.order(SELLER, SELL, 10, 101)
    scene.order(BUYER, BUY, 10, 101)
    said = scene.exchange.end_day()
    assert [(each.account, each.cash) for each in of(said, Obligation)] == [(1, -1_010 * SCALE), (2, 1_010 * SCALE)]
    assert scene.exchange.day == TUESDAY and not of(said, Settled)
    # The band of Tuesday is around Monday's close of 101: 95.95 to 106.05.
    bands = of(scene.exchange.advance(scene.at("09:00")), BandSet)
    assert (bands[0].low, bands[0].high) == (95_95 * SCALE // 100, 106_05 * SCALE // 100)
    settled = of(scene.exchange.end_day(), Settled)
    assert [(each.account, each.units) for each in settled] == [
        (1, ((SHARE.id, 10 * SCALE),)),
        (2, ((SHARE.id, -10 * SCALE),)),
    ]
    scene.exchange.check()


def test_a_bust_gives_both_sides_back_what_they_paid() -> None:
    scene = Scene(fees=MakerTaker(maker=0.001, taker=0.001))
    scene.order(SELLER, SELL, 10, 101)
    scene.order(BUYER, BUY, 10, 101)
    assert len(scene.exchange.tell(TradeBusted(trade_id=1))) == 2
    assert scene.cash(BUYER) == scene.cash(SELLER) == 10_000
    scene.exchange.check()


def test_an_index_that_falls_halts_everything_until_its_auction() -> None:
    scene = Scene(indexes={"NIFTY 50": 2_500_000})
    scene.order(BUYER, BUY, 10, 99)
    said = scene.exchange.on_index(scene.at("11:00"), index="NIFTY 50", value=2_250_000)
    halt = of(said, TradingHalted)[0]
    assert (halt.rule, halt.end) == ("market_wide_circuit_breaker", scene.at("11:45"))
    assert refusal(scene.order(SELLER, SELL, 1, 99, at="11:30"))[0] == "instrument_halted"
    scene.order(SELLER, SELL, 10, 99, at="11:50")
    said = scene.exchange.advance(scene.at("12:00"))
    assert trades(said)[0].price == 99 * SCALE and scene.exchange.phase(SHARE.id) is BookPhase.CONTINUOUS
    with pytest.raises(ConfigError, match="no such index"):
        scene.exchange.on_index(scene.at("12:01"), index="DAX", value=1)


def test_a_guard_of_one_instrument_stops_it() -> None:
    share = Instrument(id="ADX:S", exchange="ADX", symbol="S", segment=Segment.EQUITY)
    day = date(2026, 11, 16)
    scene = Scene(
        listed(share, band="adx"), exchange="ADX", day=day, calendar=calendar_for("NSE", Segment.EQUITY), currency="INR"
    )
    zone = "Asia/Dubai"
    scene.order(SELLER, SELL, 1, 94, at=clock(day, "11:00", zone))
    said = scene.order(WORLD, BUY, 1, 94, at=clock(day, "11:00", zone))
    assert of(said, TradingHalted)[0].rule == "volatility_halt"
    assert scene.exchange.phase(share.id) is BookPhase.AUCTION_LIMIT
    scene.exchange.advance(clock(day, "11:05", zone))
    assert scene.exchange.phase(share.id) is BookPhase.CONTINUOUS


def test_a_band_that_trades_press_against_moves_later() -> None:
    scene = Scene(listed(band="share"), members={account: str(account % 4) for account in range(10, 40)})
    for account in range(10, 40):
        scene.exchange.tell(AccountOpened(account=account, kind=AccountKind.UNLIMITED))
    for number in range(50):
        scene.order(10 + number % 15, SELL, 1, 110, at="10:00")
        scene.order(25 + number % 15, BUY, 1, 110, at="10:00")
    said = scene.exchange.advance(scene.at("10:15"))
    assert [(each.low, each.high) for each in of(said, BandSet)] == [(95 * SCALE, 115 * SCALE)]


def test_a_stop_whose_band_widens_is_held_for_anew_or_withdrawn() -> None:
    scene = Scene(listed(band="share"), members={account: str(account % 4) for account in range(10, 40)})
    for account in range(10, 40):
        scene.exchange.tell(AccountOpened(account=account, kind=AccountKind.UNLIMITED))
    scene.order(BUYER, BUY, 50, kind=Kind.STOP, trigger=111 * SCALE, at="09:59", price=0)
    scene.order(SELLER, BUY, 90, kind=Kind.STOP, trigger=111 * SCALE, at="09:59", price=0)
    for number in range(50):
        scene.order(10 + number % 15, SELL, 1, 110, at="10:00")
        scene.order(25 + number % 15, BUY, 1, 110, at="10:00")
    said = scene.exchange.advance(scene.at("10:15"))
    assert scene.free(BUYER) == 10_000 - 50 * 115
    assert [(each.account, each.reason) for each in of(said, OrderRemoved)] == [(SELLER, "insufficient_cash")]


def test_futures_are_marked_every_day_and_paid_out_at_their_underlying_s_close() -> None:
    future = Instrument(
        id="NFO:F",
        exchange="NFO",
        symbol="F",
        segment=Segment.FUTURE,
        underlying=SHARE.id,
        expiry=clock(TUESDAY, "15:40"),
    )
    scene = Scene(listed(), listed(future, band="share", margins=FIFTH))
    scene.order(LONG, BUY, 10, 100, instrument=future.id)
    scene.order(WORLD, SELL, 10, 100, instrument=future.id)
    assert scene.free(LONG) == 10_000 - 200
    scene.order(WORLD, SELL, 1, 103, instrument=future.id, at="15:20")
    scene.order(WORLD, BUY, 1, 103, instrument=future.id, at="15:20")
    scene.exchange.end_day()
    assert scene.cash(LONG) == 10_030
    scene.order(WORLD, SELL, 1, 104, at="11:00")
    scene.order(WORLD, BUY, 1, 104, at="11:00")
    scene.order(WORLD, BUY, 1, 100, instrument=future.id, at="11:00", time_in_force=TimeInForce.GTC)
    said = scene.exchange.end_day()
    assert of(said, OrderRemoved)[-1].reason == "cancel_all"
    assert scene.cash(LONG) == 10_040 and scene.free(LONG) == 10_040
    assert refusal(scene.order(LONG, BUY, 1, 100, instrument=future.id))[0] == "unknown_instrument"
    scene.exchange.check()


def test_an_expiry_without_a_price_settles_nothing() -> None:
    index = Instrument(id="NSE:NIFTY 50", exchange="NSE", symbol="NIFTY 50", segment=Segment.INDEX)
    call = Instrument(
        id="NFO:C", exchange="NFO", symbol="C", segment=Segment.OPTION, underlying=index.id, strike=90 * SCALE,
        right=OptionRight.CALL, expiry=clock(MONDAY, "15:40"),
    )  # fmt: skip
    scene = Scene(listed(index, band=""), listed(call, previous_close=10 * SCALE, band="", margins=FIFTH))
    scene.order(WORLD, SELL, 5, 10, instrument=call.id)
    scene.order(BUYER, BUY, 5, 10, instrument=call.id)
    with pytest.raises(ConfigError, match="without the price"):
        scene.exchange.end_day()
    assert scene.exchange.day == MONDAY
    scene.exchange.end_day(settlement_prices={index.id: 97 * SCALE})
    assert scene.cash(BUYER) == 10_000 - 50 + 35 and scene.exchange.day == TUESDAY
    scene.exchange.check()


def test_price_protection_that_refuses_too_often_says_so() -> None:
    call = Instrument(
        id="BFO:C", exchange="BFO", symbol="C", segment=Segment.OPTION, underlying="BSE:SENSEX", strike=90 * SCALE,
        right=OptionRight.CALL, expiry=clock(TUESDAY, "15:40"),
    )  # fmt: skip
    index = Instrument(id="BSE:SENSEX", exchange="BSE", symbol="SENSEX", segment=Segment.INDEX)
    scene = Scene(
        listed(index, band=""), listed(call, band="", margins=FIFTH), exchange="BSE",
        calendar=calendar_for("BSE", Segment.EQUITY), members={account: str(account % 3) for account in range(20, 26)},
    )  # fmt: skip
    for number in range(10):
        said = scene.order(20 + number % 6, BUY, 1, 141, instrument=call.id, at="10:00")
        assert of(said, OrderRefused)[0].rule == "beyond_price_protection"
    assert of(said, ProtectionStrained)


def test_self_trade_that_shrinks_both_is_told_to_the_accounts() -> None:
    scene = Scene()
    scene.order(SELLER, SELL, 10, 100)
    said = scene.order(SELLER, BUY, 4, 100, flags=4)
    assert [(each.order_id, each.open) for each in of(said, OrderReduced)] == [(1, 6 * SCALE)]
    assert [each.reason for each in of(said, OrderRemoved)] == ["self_trade"] and not of(said, Traded)
    assert scene.free(SELLER) == 10_000 and scene.exchange.clearing.position(SELLER, SHARE.id).selling == 6 * SCALE


def test_crypto_trades_round_the_clock_and_delivers_at_once() -> None:
    coin = Instrument(id="SIM:BTC", exchange="SIM", symbol="BTC", segment=Segment.CRYPTO_SPOT, currency="USDT")
    calendar = RoundTheClock()
    scene = Scene(listed(coin, band=""), exchange="CRYPTO", day=date(2026, 11, 15), calendar=calendar, currency="USDT")
    scene.exchange.tell(UnitsDeposited(account=SELLER, instrument=coin.id, quantity=SCALE))
    night = clock(date(2026, 11, 15), "03:00", "UTC")
    scene.order(SELLER, SELL, 1, 100, at=night)
    scene.order(BUYER, BUY, 1, 100, at=night)
    assert scene.exchange.clearing.balance(BUYER).cash == 9_900 * SCALE
    scene.exchange.end_day()
    assert scene.exchange.day == date(2026, 11, 16)


def test_time_and_other_people_s_events_are_refused() -> None:
    scene = Scene()
    scene.exchange.advance(scene.at("10:00"))
    with pytest.raises(ConfigError, match="time goes back"):
        scene.exchange.advance(scene.at("09:00"))
    with pytest.raises(ConfigError, match="says this itself"):
        scene.exchange.tell(DayEnded(day=MONDAY))
    with pytest.raises(ConfigError, match="cannot be listed"):
        Scene(listed(SHARE, previous_close=100 * SCALE), currency="USD")


def test_next_at_leads_through_the_day() -> None:
    scene = Scene()
    scene.order(BUYER, BUY, 1, 97, time_in_force=TimeInForce.GTD, expires_at=scene.at("11:00") + SECOND)
    assert scene.exchange.next_at == scene.at("11:00") + SECOND
    seen = []
    while (due := scene.exchange.next_at) is not None:
        seen.append(due)
        scene.exchange.advance(due)
    assert seen == sorted(set(seen)) and seen[-1] == scene.at("23:59") + MINUTE
