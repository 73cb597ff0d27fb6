"""The vectors of rules about access, kinds of order, rate and conduct; `all_vectors` has those of every rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from tradsys.compliance.sebi.facts import AUTOMATIC, Messages, Registration, StatedFacts
from tradsys.compliance.sebi.vector_rows_positions import position_vectors
from tradsys.compliance.sebi.vector_rows_prices import price_vectors
from tradsys.compliance.sebi.vectors import (
    TODAY,
    Vector,
    commodity_future,
    index_option,
    moment,
    order,
    share,
    stock_future,
    vector,
)
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.instruments import Instrument
from tradsys.core.order_terms import Terms
from tradsys.core.units import SCALE

_MARKET, _STOP, _SL = OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT
_Rows = Iterator[Vector]


def all_vectors() -> tuple[Vector, ...]:
    """Every vector, by rule."""
    return (
        *_algo_id(),
        *_address(),
        *_session(),
        *_market_order(),
        *_protection(),
        *_kinds(),
        *_auction(),
        *_product(),
        *price_vectors(),
        *position_vectors(),
        *_ratio(),
        *_self_trade(),
        *_rate(),
    )


def _vector(rule: str, says: str, instrument: Instrument, facts: StatedFacts, **changes: Any) -> Vector:
    return vector(instrument, facts, rule=rule, says=says, **changes)


def _algo_id() -> _Rows:
    rule, same = "sebi-algo-id", {"registered_hash": "aa", "code_hash": "aa"}
    cases = {
        "generic id": (Registration(), "", ""),
        "99999 is the generic id": (Registration(algo_id="99999"), "", ""),
        "registered code": (Registration(algo_id="123", **same), "", ""),
        "changed code": (
            Registration(algo_id="123", registered_hash="aa", code_hash="ab"),
            "algo 123, code ab",
            "code aa",
        ),
        "code not hashed": (Registration(algo_id="123"), "algo 123, code not hashed", "code registered"),
    }
    for says, (known, value, limit) in cases.items():
        facts = StatedFacts(registrations={"s": known})
        yield _vector(rule, says, share(), facts, value=value, limit_text=limit)
    nobody = {"value": "unknown: registration of s at NSE", "limit_text": "99999, or registered code"}
    yield _vector(rule, "nothing known", share(), StatedFacts(), **nobody)
    yield _vector(rule, "before the rule", share(), StatedFacts(), at=moment(date(2026, 3, 31)))


def _address() -> _Rows:
    rule, two = "sebi-static-ip", ("192.0.2.1", "192.0.2.2")
    cases: dict[str, tuple[StatedFacts, str, str]] = {
        "primary": (StatedFacts(egress=two[0], addresses=two[:1]), "", ""),
        "secondary": (StatedFacts(egress=two[1], addresses=two), "", ""),
        "three registered": (StatedFacts(egress=two[0], addresses=(*two, "192.0.2.3")), "3 registered", "2"),
        "another address": (StatedFacts(egress="192.0.2.9", addresses=two), "192.0.2.9", ", ".join(two)),
        "IPv6 where only IPv4 is registered": (
            StatedFacts(egress="2001:db8::1", addresses=two),
            "2001:db8::1",
            ", ".join(two),
        ),
        "none registered": (StatedFacts(egress=two[0], addresses=()), two[0], "none registered"),
        "address unknown": (
            StatedFacts(addresses=two),
            "unknown: the address that orders leave from",
            ", ".join(two),
        ),
        "registration unknown": (StatedFacts(egress=two[0]), "unknown: the registered addresses", "2 registered"),
    }
    for says, (facts, value, limit) in cases.items():
        yield _vector(rule, says, share(), facts, value=value, limit_text=limit)


def _session() -> _Rows:
    rule, since = "sebi-daily-session", "since 2026-11-20T06:00:00+05:30"
    begun = moment(TODAY, "06:00")
    yield _vector(rule, "at the log-out", share(), StatedFacts(login=begun))
    yield _vector(rule, "a nanosecond later", share(), StatedFacts(login=begun + 1))
    early = {"value": "2026-11-20T05:59:59.999999+05:30", "limit_text": since}
    yield _vector(rule, "a nanosecond before", share(), StatedFacts(login=begun - 1), **early)
    late = {"value": "2026-11-20T10:00:00+05:30", "limit_text": since}
    yield _vector(rule, "with the order", share(), StatedFacts(login=moment(TODAY)))
    yield _vector(rule, "after the order", share(), StatedFacts(login=moment(TODAY) + 1), **late)
    unknown = {"value": "unknown: when the session began", "limit_text": since}
    yield _vector(rule, "unknown", share(), StatedFacts(), **unknown)


def _market_order() -> _Rows:
    rule = "sebi-market-order"
    none, automatic = StatedFacts(), StatedFacts(protection=AUTOMATIC)
    refused = {"value": "MARKET", "limit_text": "LIMIT or SL"}
    cases: list[tuple[str, Instrument, StatedFacts, date, dict[str, Any]]] = [
        ("the day before, shares", share(), none, date(2025, 7, 6), {}),
        ("the first day, shares", share(), none, date(2025, 7, 7), refused),
        ("the day after, shares", share(), none, date(2025, 7, 8), refused),
        ("the day before, derivatives", index_option(), none, date(2026, 4, 29), {}),
        ("the first day, derivatives", index_option(), none, date(2026, 4, 30), refused),
        ("becomes a limit", share(), automatic, TODAY, {}),
        ("no protection", share(), StatedFacts(protection=0), TODAY, refused),
        ("least protection", share(), StatedFacts(protection=1), TODAY, {}),
        ("commodities even so", commodity_future(), automatic, TODAY, refused),
    ]
    for says, instrument, facts, day, expected in cases:
        yield _vector(rule, says, instrument, facts, type=_MARKET, at=moment(day), **expected)
    stop = {"value": "SL-M", "limit_text": "LIMIT or SL"}
    yield _vector(rule, "stop-market", share(), none, type=_STOP, trigger="101", **stop)
    yield _vector(rule, "limit", share(), none)


def _protection() -> _Rows:
    rule, limit = "sebi-market-protection", "automatic, or above 0 to 100 %"
    for protection, value in ((AUTOMATIC, ""), (0, "0 %"), (1, ""), (9_999, ""), (10_000, ""), (10_001, "100.01 %")):
        expected = {"value": value, "limit_text": limit if value else ""}
        facts = StatedFacts(protection=protection)
        yield _vector(rule, f"{protection} hundredths of a percent", share(), facts, type=_MARKET, **expected)
    unknown = {"value": "unknown: market protection", "limit_text": limit}
    yield _vector(rule, "unknown", share(), StatedFacts(), type=_STOP, trigger="101", **unknown)
    yield _vector(rule, "a limit order needs none", share(), StatedFacts())
    before = moment(date(2026, 3, 31))
    yield _vector(rule, "the day before", share(), StatedFacts(), type=_MARKET, at=before)


def _kinds() -> _Rows:
    none, gold = StatedFacts(), commodity_future()
    for validity in (Validity.DAY, Validity.IOC, Validity.FOK):
        barred = {} if validity is Validity.DAY else {"value": validity.value, "limit_text": "DAY"}
        yield _vector("sebi-immediate-order", f"{validity} on MCX", gold, none, validity=validity, **barred)
    yield _vector("sebi-immediate-order", "IOC on the NSE", share(), none, validity=Validity.IOC)
    early = moment(date(2026, 4, 29))
    yield _vector("sebi-immediate-order", "the day before", gold, none, validity=Validity.IOC, at=early)
    rule, stop = "sebi-stop-market-option", {"type": _STOP, "trigger": "101"}
    refused = {"value": "SL-M", "limit_text": "SL"}
    yield _vector(rule, "the day before", index_option(), none, **stop, at=moment(date(2021, 9, 26)))
    yield _vector(rule, "the first day", index_option(), none, **stop, at=moment(date(2021, 9, 27)), **refused)
    yield _vector(rule, "stop with a limit", index_option(), none, type=_SL, trigger="99")
    yield _vector(rule, "on a future", stock_future(), none, **stop)


def _auction() -> _Rows:
    rule, limit = "sebi-closing-auction", "LIMIT or MARKET for the day"
    listed, none = share(closing_auction=True), StatedFacts()
    clocks = {"15:14": False, "15:15": True, "15:16": True, "15:34": True, "15:35": False, "15:36": False}
    for clock, inside in clocks.items():
        value = f"SL at 2026-11-20T{clock}:00+05:30" if inside else ""
        expected = {"value": value, "limit_text": limit if value else ""}
        at = moment(TODAY, clock)
        yield _vector(rule, f"a stop at {clock}", listed, none, type=_SL, trigger="99", at=at, **expected)
    at, text = moment(TODAY, "15:20"), "2026-11-20T15:20:00+05:30"
    yield _vector(rule, "a limit order", listed, none, at=at)
    immediate = {"value": f"IOC at {text}", "limit_text": limit}
    yield _vector(rule, "immediate", listed, none, at=at, validity=Validity.IOC, **immediate)
    shown = {"value": f"disclosed quantity at {text}", "limit_text": limit}
    yield _vector(rule, "disclosed quantity", listed, none, at=at, terms=Terms(display=SCALE), **shown)
    yield _vector(rule, "a share without closing auction", share(), none, at=at, validity=Validity.IOC)
    friday = moment(date(2026, 7, 31), "15:20")
    yield _vector(rule, "before there was one", listed, none, at=friday, validity=Validity.IOC)


def _product() -> _Rows:
    for instrument, allowed in ((share(), "CNC, MIS"), (stock_future(), "NRML, MIS")):
        for product in Product:
            refused = product.value not in allowed
            expected = {"value": product.value, "limit_text": allowed} if refused else {}
            says = f"{product} on a {instrument.segment}"
            yield _vector("sebi-product", says, instrument, StatedFacts(), product=product, **expected)


def _ratio() -> _Rows:
    rule, limit = "sebi-order-to-trade", "below 100 messages a trade"
    for counted, trades, value in (
        (98, 0, ""),
        (99, 0, "100 messages, 0 trades"),
        (100, 0, "101 messages, 0 trades"),
        (198, 2, ""),
        (199, 2, "200 messages, 2 trades"),
    ):
        facts = StatedFacts(counts=Messages(counted=counted, trades=trades))
        expected = {"value": value, "limit_text": limit if value else ""}
        yield _vector(rule, f"{counted} messages and {trades} trades before", share(), facts, **expected)
    many = StatedFacts(counts=Messages(counted=500, trades=0))
    yield _vector(rule, "reduces a position", share(), many, opening=0)
    barred = StatedFacts(counts=Messages(counted=0, trades=0, barred=True))
    shut = {"value": "barred by the exchange", "limit_text": "not barred"}
    yield _vector(rule, "barred", share(), barred, opening=0, **shut)
    unknown = {"value": "unknown: messages of today at NSE", "limit_text": limit}
    yield _vector(rule, "unknown", share(), StatedFacts(), **unknown)


def _self_trade() -> _Rows:
    rule, sell = "sebi-self-trade", order(share(), order_id=7, side=Side.SELL, limit="100")
    buy = order(share(), order_id=8, limit="100")
    for side, own, price, crosses in (
        (Side.BUY, sell, "99.95", False),
        (Side.BUY, sell, "100", True),
        (Side.BUY, sell, "100.05", True),
        (Side.SELL, buy, "100.05", False),
        (Side.SELL, buy, "100", True),
        (Side.SELL, buy, "99.95", True),
        (Side.BUY, buy, "100", False),
    ):
        kind = "sell 7" if own is sell else "buy 8"
        expected = {"value": price, "limit_text": f"own {kind} at 100"} if crosses else {}
        says = f"{side.name.lower()} at {price} against own {kind}"
        yield _vector(rule, says, share(), StatedFacts(own=(own,)), side=side, limit=price, **expected)
    market = {"value": "market", "limit_text": "own sell 7 at 100"}
    yield _vector(rule, "market against own sell", share(), StatedFacts(own=(sell,)), type=_MARKET, **market)
    other = order(share(id="NSE:TCS"), order_id=9, side=Side.SELL)
    yield _vector(rule, "own order in another share", share(), StatedFacts(own=(other,)))
    stop = {"type": _STOP, "trigger": "95", "side": Side.SELL}
    yield _vector(rule, "the stop of an own purchase", share(), StatedFacts(own=(buy,)), **stop, parent=8)
    foreign = {"value": "market", "limit_text": "own buy 8 at 100"}
    yield _vector(rule, "the stop of another purchase", share(), StatedFacts(own=(buy,)), **stop, parent=5, **foreign)
    nameless = StatedFacts(own=(order(share(), order_id=0, side=Side.SELL),))
    crossed = {"value": "100", "limit_text": "own sell 0 at 100"}
    yield _vector(rule, "an own order without a number", share(), nameless, **crossed)
    unknown = {"value": "unknown: own orders in NSE:INFY", "limit_text": "not crossed"}
    yield _vector(rule, "unknown", share(), StatedFacts(), **unknown)


def _rate() -> _Rows:
    rule = "sebi-order-rate"
    for sent in (6, 7, 8, 9):
        refused = {"value": str(sent + 1), "limit_text": "8 a second"} if sent >= 8 else {}
        yield _vector(rule, f"order {sent + 1} of the second", share(), StatedFacts(), sent=sent, **refused)
    before = moment(date(2026, 3, 31))
    yield _vector(rule, "the day before the rule", share(), StatedFacts(), sent=50, at=before)
