"""The price of a call auction: most volume, then least imbalance, then nearest to the reference price.

Prices are ticks, quantities steps. Rules: SEBI CIR/MRD/DP/21/2010 of 15 Jul 2010 (paragraph on the equilibrium price),
CIR/MRD/DP/32/2010 of 17 Sep 2010 (market orders alone), BSE "Price Determination" (candidates are the limit prices).

Not modelled: NSE's order of allocation before 7 Sep 2026, limit orders before market orders; the book takes market
orders first on every date. The price does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

import msgspec

from tradsys.core.matching import Action, BookSide, Command, Kind, Resting
from tradsys.reference.phases import Duty

REMAINDERS = {Duty.UNCROSS_RELEASE: 0, Duty.UNCROSS_CANCEL_MARKET: 1, Duty.UNCROSS_CANCEL_ALL: 2}
"""What `UNCROSS` does with what is left, by its number in `docs/matching.md`."""

_WAITING = frozenset({Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING})

Levels = dict[int, int]


class Interest(msgspec.Struct, kw_only=True):
    """What wants to trade: quantity at any price, and by limit price (ticks to steps)."""

    market_buy: int = 0
    market_sell: int = 0
    buys: Levels = msgspec.field(default_factory=dict)
    sells: Levels = msgspec.field(default_factory=dict)


class Equilibrium(msgspec.Struct, frozen=True, kw_only=True):
    """Where an auction clears. `imbalance` is demand − supply at the price: positive, buyers are left."""

    price: int
    volume: int
    imbalance: int


def interest(orders: Iterable[Resting]) -> Interest:
    """The interest of a book's live orders, hidden parts included; what waits for a trigger does not count."""
    total = Interest()
    for order in orders:
        if order.kind in _WAITING:
            continue
        quantity = order.shown + order.hidden
        if order.kind != Kind.MARKET:
            levels = total.buys if order.side == BookSide.BUY else total.sells
            levels[order.price] = levels.get(order.price, 0) + quantity
        elif order.side == BookSide.BUY:
            total.market_buy += quantity
        else:
            total.market_sell += quantity
    return total


def equilibrium(wanted: Interest, *, reference: int, low: int = 0, high: int = 0) -> Equilibrium | None:
    """The clearing price among the limit prices, or None where nothing can trade.

    Prices lie from `low` to `high` (0: unbounded); a limit beyond the better end counts as one at that end. Where the
    reference price is in the middle of the two nearest candidates it is the price itself; with market orders alone it
    is the price too. `reference` 0 (none) prefers the lowest candidate, and lets market orders alone not trade.
    """
    buys, sells = _within(wanted, low=low, high=high)
    candidates = list(_cleared(wanted, buys=buys, sells=sells, reference=reference))
    volume = max((candidate.volume for candidate in candidates), default=0)
    if not volume:
        return None
    most = [candidate for candidate in candidates if candidate.volume == volume]
    least = min(abs(candidate.imbalance) for candidate in most)
    nearest = sorted(
        (candidate for candidate in most if abs(candidate.imbalance) == least),
        key=lambda candidate: (abs(candidate.price - reference), candidate.price),
    )
    if len(nearest) > 1 and nearest[0].price + nearest[1].price == 2 * reference:
        return _at(wanted, buys=buys, sells=sells, price=reference)
    return nearest[0]


def _within(wanted: Interest, *, low: int, high: int) -> tuple[Levels, Levels]:
    """Limit prices moved to the band's end where they are beyond it on the better side, left out on the worse."""
    buys: Levels = {}
    sells: Levels = {}
    for price, quantity in wanted.buys.items():
        if price >= low:
            best = min(price, high) if high else price
            buys[best] = buys.get(best, 0) + quantity
    for price, quantity in wanted.sells.items():
        if not high or price <= high:
            best = max(price, low)
            sells[best] = sells.get(best, 0) + quantity
    return buys, sells


def _cleared(wanted: Interest, *, buys: Levels, sells: Levels, reference: int) -> Iterator[Equilibrium]:
    """What would trade at each candidate: one walk over the sorted limit prices."""
    prices = sorted(buys.keys() | sells.keys()) or ([reference] if reference else [])
    supply = accumulate((sells.get(price, 0) for price in prices), initial=wanted.market_sell)
    next(supply)
    demand = wanted.market_buy + sum(buys.values())
    for price, offered in zip(prices, supply, strict=True):
        yield Equilibrium(price=price, volume=min(demand, offered), imbalance=demand - offered)
        demand -= buys.get(price, 0)


def _at(wanted: Interest, *, buys: Levels, sells: Levels, price: int) -> Equilibrium:
    demand = wanted.market_buy + sum(quantity for limit, quantity in buys.items() if limit >= price)
    supply = wanted.market_sell + sum(quantity for limit, quantity in sells.items() if limit <= price)
    return Equilibrium(price=price, volume=min(demand, supply), imbalance=demand - supply)


def uncross_command(duty: Duty, found: Equilibrium | None, *, instrument: int, reference: int) -> Command:
    """The `UNCROSS` of an auction that ends; market orders that are released without a price go to `reference`."""
    return Command(
        Action.UNCROSS,
        instrument=instrument,
        price=found.price if found else 0,
        trigger=reference,
        quantity=REMAINDERS[duty],
    )
