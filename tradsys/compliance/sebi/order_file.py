"""An order with what is known about it, from a TOML file, for `tradsys rules check`.

Tables `[instrument]`, `[order]`, `[claim]` and `[facts]`; prices, quantities and money are plain decimals in the file
and int 1e-8 here, times have an offset. What `[facts]` does not say is unknown.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from typing import Literal, TypeVar

import msgspec

from tradsys.compliance.sebi.facts import AUTOMATIC, Band, Exposure, Messages, Registration, StatedFacts
from tradsys.core.errors import ConfigError
from tradsys.core.events import Order, OrderType, Product, Side, Validity
from tradsys.core.instruments import DatedStep, Instrument, Segment
from tradsys.core.order_terms import Terms
from tradsys.core.ports import Claim
from tradsys.core.units import from_text

T = TypeVar("T")
Number = str | int
SideWord = Literal["buy", "sell"]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: a key that it does not have is an error."""


class _Instrument(_Table, frozen=True, kw_only=True):
    id: str
    segment: Segment
    underlying: str = ""
    expiry: datetime | None = None
    strike: Number | None = None
    lot: Number = 1
    closing_auction: bool = False


class _Order(_Table, frozen=True, kw_only=True):
    at: datetime
    side: SideWord
    quantity: Number
    product: Product
    type: OrderType = OrderType.LIMIT
    validity: Validity = Validity.DAY
    limit: Number = 0
    trigger: Number = 0
    display: Number = 0
    strategy: str = "strategy"


class _Claim(_Table, frozen=True, kw_only=True):
    price: Number = 0
    held: Number = 0
    offered: Number = 0
    opening: Number | None = None
    needed: Number = 0


class _Own(_Table, frozen=True, kw_only=True):
    side: SideWord
    limit: Number
    id: int = 0


class _Exposure(_Table, frozen=True, kw_only=True):
    long: Number = 0
    short: Number = 0
    units: Number = 0


class _Facts(_Table, frozen=True, kw_only=True):
    registration: Registration | None = None
    protection_percent: Number | Literal["automatic"] | None = None
    address: str | None = None
    registered_addresses: tuple[str, ...] | None = None
    logged_in_at: datetime | None = None
    band: tuple[Number, Number] | None = None
    reference_price: Number | None = None
    freeze_quantity: Number | None = None
    banned: bool | None = None
    exposure: _Exposure | None = None
    market_wide_limit: Number | None = None
    surveillance: str | None = None
    messages: Messages | None = None
    own_orders: tuple[_Own, ...] | None = None


class _File(_Table, frozen=True, kw_only=True):
    instrument: _Instrument
    order: _Order
    claim: _Claim = _Claim()
    facts: _Facts = _Facts()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An order, what it means for the account, and what is known."""

    order: Order
    instrument: Instrument
    claim: Claim
    facts: StatedFacts


def read_question(text: str) -> Question:
    """The order in the text of a file. Raises `ConfigError` for a key, a word or a number that is none."""
    try:
        file = msgspec.convert(tomllib.loads(text, parse_float=str), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"the order cannot be read: {error}", value=str(error), fix="see docs/sebi_rules.md"
        ) from None
    instrument = _instrument(file.instrument)
    order = _order(file.order, instrument)
    return Question(
        order=order,
        instrument=instrument,
        claim=_claim(file.claim, order),
        facts=_facts(file.facts, order, instrument),
    )


def _exact(number: Number) -> int:
    return from_text(str(number))


def _maybe(number: Number | None) -> int | None:
    return None if number is None else _exact(number)


def _instant(when: datetime) -> int:
    if when.tzinfo is None:
        raise ConfigError("a time without offset", value=when.isoformat(), fix="write 2026-11-20T10:00:00+05:30")
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def _instrument(table: _Instrument) -> Instrument:
    exchange, colon, symbol = table.id.partition(":")
    if not colon:
        raise ConfigError("an instrument without exchange", value=table.id, fix="write it like NSE:INFY")
    return Instrument(
        id=table.id,
        exchange=exchange,
        symbol=symbol,
        segment=table.segment,
        underlying=table.underlying,
        expiry=_instant(table.expiry) if table.expiry else None,
        strike=_maybe(table.strike),
        lots=(DatedStep(0, _exact(table.lot)),),
        closing_auction=table.closing_auction,
    )


def _order(table: _Order, instrument: Instrument) -> Order:
    order = Order(
        at=_instant(table.at),
        order_id=1,
        strategy=table.strategy,
        instrument=instrument.id,
        side=_side(table.side),
        quantity=_exact(table.quantity),
        type=table.type,
        product=table.product,
        validity=table.validity,
        limit=_exact(table.limit),
        trigger=_exact(table.trigger),
        terms=Terms(display=_exact(table.display)) if table.display else msgspec.UNSET,
    )
    if order.quantity <= 0 or order.limit < 0 or order.trigger < 0:
        raise ConfigError("quantity must be positive, prices not negative", value=str(table.quantity), limit="> 0")
    if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and not order.limit:
        raise ConfigError("an order with a limit needs one", value=order.type.value, fix="give limit")
    return order


def _side(word: SideWord) -> Side:
    return Side.BUY if word == "buy" else Side.SELL


def _claim(table: _Claim, order: Order) -> Claim:
    opening = order.quantity if table.opening is None else _exact(table.opening)
    return Claim(
        _exact(table.price) or order.limit, _exact(table.held), _exact(table.offered), opening, _exact(table.needed)
    )


def _facts(table: _Facts, order: Order, instrument: Instrument) -> StatedFacts:
    name, underlying = instrument.id, instrument.underlying
    band = None if table.band is None else Band(low=_exact(table.band[0]), high=_exact(table.band[1]))
    return StatedFacts(
        registrations=_keyed(order.strategy, table.registration),
        protection=_protection(table.protection_percent),
        egress=table.address,
        addresses=table.registered_addresses,
        login=None if table.logged_in_at is None else _instant(table.logged_in_at),
        bands=_keyed(name, band),
        references=_keyed(name, _maybe(table.reference_price)),
        freezes=_keyed(name, _maybe(table.freeze_quantity)),
        bans=_keyed(underlying, table.banned),
        exposures=_keyed(underlying, _exposure(table.exposure)),
        market_wide=_keyed(underlying, _maybe(table.market_wide_limit)),
        measures=_keyed(name, table.surveillance),
        counts=table.messages,
        own=None if table.own_orders is None else tuple(_own(each, order) for each in table.own_orders),
    )


def _exposure(table: _Exposure | None) -> Exposure | None:
    if table is None:
        return None
    return Exposure(long=_exact(table.long), short=_exact(table.short), units=_exact(table.units))


def _protection(value: Number | None) -> int | None:
    if value is None:
        return None
    return AUTOMATIC if value == "automatic" else _exact(value) // 10**6


def _own(table: _Own, order: Order) -> Order:
    return msgspec.structs.replace(
        order, order_id=table.id, side=_side(table.side), type=OrderType.LIMIT, limit=_exact(table.limit)
    )


def _keyed(key: str, value: T | None) -> dict[str, T]:
    return {} if value is None else {key: value}
