"""An account that holds shares and coins in other currencies than its own: each price is converted once, when booked.

The law stands as in `ledger`: a fill in another currency is booked as a fill at `converted(price, rate in force)`, so
that cash, cost, profit and equity are in the account's currency to the last unit, and what rates alone make of a
position is part of its unrealised profit.

Not modelled: cash kept in another currency, what a bank takes for converting, and contracts that are settled by
difference (futures, options, perpetuals), whose notional nobody paid for: they are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Entry, Fill, Product, Stray
from tradsys.core.instruments import Instrument
from tradsys.core.rates import RateSet, converted
from tradsys.core.units import Rounding, divide
from tradsys.portfolio.ledger import Items, Ledger, Position


class CurrencyLedger(Ledger):
    """A ledger that takes fills, marks and dividends of foreign instruments at the rate in force.

    `rates` are those in force by currency, `local_marks` the last prices of foreign instruments in their own.
    """

    def __init__(self, cash: int, currency: str) -> None:
        super().__init__(cash, currency)
        self.rates: dict[str, int] = {}
        self.local_marks: dict[str, int] = {}
        self._currencies: dict[str, str] = {}

    def set_rate(self, change: RateSet) -> None:
        """Value everything in a currency at a new rate from now on."""
        self.rates[change.currency] = change.rate
        for name, price in self.local_marks.items():
            if self._currencies[name] == change.currency:
                super().mark(name, converted(price, rate=change.rate))

    def accepts(self, currency: str) -> bool:
        """Whether an instrument in a currency can be booked now."""
        return currency in self.rates or super().accepts(currency)

    def rate_of(self, instrument: Instrument) -> int | None:
        """What prices of an instrument are converted at, 1e-8; None for one in the account's currency. Raises
        `KeyError` for a currency without a rate."""
        return None if instrument.currency == self.currency else self.rates[instrument.currency]

    def place(self, strategy: str, instrument: Instrument, product: Product) -> Position:
        """As `Ledger.place`."""
        if instrument.currency != self.currency:
            self._currencies[instrument.id] = instrument.currency
        return super().place(strategy, instrument, product)

    def book(self, fill: Fill, charges: int, items: Items, position: Position) -> None:
        """Take a fill at its price in its own currency and what it cost in the account's, as `Ledger.book`."""
        foreign = position.instrument.currency
        if foreign != self.currency and foreign in self.rates:
            self.local_marks.setdefault(fill.instrument, fill.price)
            fill = _fill_at(fill, self.rates[foreign])
        super().book(fill, charges, items, position)

    def apply(self, action: CorporateAction, *, price: int) -> list[CashMoved]:
        """Carry every holder over an ex-date; `price` and the dividend are in the instrument's currency."""
        name = action.instrument
        if name not in self._currencies or self._currencies[name] not in self.rates:
            return super().apply(action, price=price)
        rate = self.rates[self._currencies[name]]
        moves = super().apply(_action_at(action, rate), price=converted(price, rate=rate))
        if action.kind is not ActionKind.DIVIDEND and name in self.local_marks:
            self.local_marks[name] = divide(self.local_marks[name] * action.old, action.new, Rounding.NEAREST)
        return moves

    def mark(self, instrument: str, price: int) -> None:
        """Value the instrument at `price` (1e-8 of its own currency) from now on."""
        if instrument in self._currencies:
            self.local_marks[instrument] = price
            price = converted(price, rate=self.rates[self._currencies[instrument]])
        super().mark(instrument, price)


def in_account_currency(
    entries: Iterable[Entry], instruments: Mapping[str, Instrument], *, currency: str
) -> Iterator[Entry]:
    """A decision log with the prices of fills and actions as they were booked, in the account's currency. Charges and
    moves of cash are in it already; orders stay as they were sent."""
    rates: dict[str, int] = {}
    foreign = {name: each.currency for name, each in instruments.items() if each.currency != currency}
    for entry in entries:
        body = entry.body
        if isinstance(body, RateSet):
            rates[body.currency] = body.rate
        elif isinstance(body, Fill | CorporateAction) and body.instrument in foreign:
            rate = rates[foreign[body.instrument]]
            made = _fill_at(body, rate) if isinstance(body, Fill) else _action_at(body, rate)
            entry = msgspec.structs.replace(entry, body=made)
        elif isinstance(body, Stray) and body.fill.instrument in foreign:
            fill = _fill_at(body.fill, rates[foreign[body.fill.instrument]])
            entry = msgspec.structs.replace(entry, body=msgspec.structs.replace(body, fill=fill))
        yield entry


def in_one_currency(
    log: Sequence[Entry], instruments: Mapping[str, Instrument], *, currency: str
) -> tuple[Sequence[Entry], Mapping[str, Instrument]]:
    """A log and its instruments as an account's own, for whatever counts in one currency; as they are where they are
    in one."""
    if all(each.currency == currency for each in instruments.values()):
        return log, instruments
    own = {name: msgspec.structs.replace(each, currency=currency) for name, each in instruments.items()}
    return list(in_account_currency(log, instruments, currency=currency)), own


def _fill_at(fill: Fill, rate: int) -> Fill:
    return msgspec.structs.replace(fill, price=converted(fill.price, rate=rate))


def _action_at(action: CorporateAction, rate: int) -> CorporateAction:
    return msgspec.structs.replace(
        action, cash=converted(action.cash, rate=rate), price=converted(action.price, rate=rate)
    )
