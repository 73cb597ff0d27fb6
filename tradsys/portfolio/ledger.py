"""Positions, cash and charges as a fold over fills: exact ints, average cost, one currency.

The law, to the last unit after every event: start + realised + unrealised - charges + cash moves == equity.
"""

from __future__ import annotations

from collections.abc import Callable

from tradsys.core.errors import ConfigError, InvariantBroken
from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.rates import RateSet
from tradsys.core.units import SCALE, Rounding, divide, to_step, to_text

Key = tuple[str, str, Product]
"""Strategy, instrument, product."""

Items = tuple[tuple[str, int], ...]
"""Charge items of one fill: name and amount in 1e-8."""

DIVIDEND = "dividend"
"""Reason of the cash that a dividend moves: its own line of every account of cash."""


class Position:
    """What one strategy holds of one instrument under one product, all 1e-8.

    `quantity` is signed; `cost` is the signed sum of the notionals still open (positive: paid), so that the average
    price is derived and never drifts.
    """

    __slots__ = (
        "charges",
        "cost",
        "instrument",
        "key",
        "paid_in_full",
        "product",
        "quantity",
        "realised",
        "strategy",
    )

    def __init__(self, strategy: str, instrument: Instrument, product: Product) -> None:
        self.strategy = strategy
        self.instrument = instrument
        self.product = product
        self.key: Key = (strategy, instrument.id, product)
        self.paid_in_full = not instrument.is_derivative
        self.quantity = 0
        self.cost = 0
        self.realised = 0
        self.charges = 0

    @property
    def average_price(self) -> int:
        """Cost a unit held, to the nearest 1e-8; 0 when flat."""
        units = self.quantity * self.instrument.multiplier
        return divide(self.cost * SCALE, units, Rounding.NEAREST) if units else 0

    def value(self, price: int) -> int:
        """Money that closing at `price` would bring (negative: cost), rounded against the holder."""
        return price * self.quantity * self.instrument.multiplier // SCALE

    def take(self, fill: Fill) -> int:
        """Take a fill, which closes before it opens; returns the money it brings before charges (negative: costs).

        What is closed takes its share of the cost, rounded down; a remainder of less than one unit stays with the rest.
        """
        opening, held = fill.side * fill.quantity, self.quantity
        price = fill.price * self.instrument.multiplier
        money = 0
        self.quantity = held + opening
        if held * opening < 0:
            closed = opening if fill.quantity <= abs(held) else -held
            money = -price * closed // SCALE
            released = self.cost if closed == -held else self.cost * -closed // held
            self.cost -= released
            self.realised += money - released
            if not self.paid_in_full:
                money -= released
            opening -= closed
        if opening:
            paid = -(-price * opening // SCALE)
            self.cost += paid
            if self.paid_in_full:
                money -= paid
        return money


class Ledger:
    """One account: every position of every strategy, and the cash they share.

    Equities, options and spot pay their notional; futures and perpetuals move cash by realised profit only. Margin,
    interest and borrowing are not modelled here. `cash` is the opening balance, 1e-8 of `currency`. `strategies` are
    the positions of each, `places` all that fills can go to, `cash_moves` are keyed by strategy and instrument.
    """

    def __init__(self, cash: int, currency: str = "INR") -> None:
        self.start = cash
        self.cash = cash
        self.currency = currency
        self.charge_items: dict[str, int] = {}
        self.positions: dict[Key, Position] = {}
        self.places: dict[Key, Position] = {}
        self.open_positions: dict[Key, Position] = {}
        self.strategies: dict[str, list[Position]] = {}
        self.cash_moves: dict[tuple[str, str], int] = {}
        self.marks: dict[str, int] = {}

    # --- events

    def place(self, strategy: str, instrument: Instrument, product: Product) -> Position:
        """Where fills of a strategy in an instrument under a product go: one object for the whole run. It is one of the
        `positions` from its first fill on."""
        key = (strategy, instrument.id, product)
        found = self.places.get(key)
        if found is None:
            found = self.places[key] = Position(strategy, instrument, product)
        return found

    def book(self, fill: Fill, charges: int, items: Items, position: Position) -> None:
        """Take a fill and what it cost (`items` add up to `charges`); a fill through zero closes, then opens.

        Raises `InvariantBroken` for a quantity that is not positive or an instrument that is not the position's,
        `ConfigError` for an instrument in another currency.
        """
        if fill.quantity <= 0 or position.instrument.id != fill.instrument:
            raise _unbookable(fill, position.instrument)
        held = position.quantity
        if not held and position.key not in self.positions:
            self._admit(position)
        self.cash += position.take(fill) - charges
        position.charges += charges
        sums = self.charge_items
        for name, amount in items:
            sums[name] = sums.get(name, 0) + amount
        if not position.quantity:
            self.open_positions.pop(position.key, None)
        elif not held:
            self.open_positions[position.key] = position
            # A position without a mark is valued at its own last trade.
            self.marks.setdefault(fill.instrument, fill.price)

    def move_cash(self, moved: CashMoved) -> None:
        """Take cash that moved without an order (deposit, funding, interest). Negative is paid."""
        key = (moved.strategy, moved.instrument)
        self.cash_moves[key] = self.cash_moves.get(key, 0) + moved.amount
        self.strategies.setdefault(moved.strategy, [])
        self.cash += moved.amount

    def apply(self, action: CorporateAction, *, price: int) -> list[CashMoved]:
        """Carry every holder over an ex-date; returns the cash moves, already booked.

        Split and bonus multiply the quantity; cost stays; the fraction of a lot that results is paid at `price` (1e-8
        a share after the action). A dividend is received by who is long and paid by who is short. Raises `ConfigError`
        for a derivative, whose contract the exchange adjusts instead, or a ratio that is not positive.
        """
        if action.old <= 0 or action.new <= 0:
            raise ConfigError("ratio must be positive", value=f"{action.new}:{action.old}", limit="> 0")
        moves = [self._carry(position, action, price) for position in self.holders(action.instrument)]
        if action.kind is not ActionKind.DIVIDEND and action.instrument in self.marks:
            mark = self.marks[action.instrument] * action.old
            self.marks[action.instrument] = divide(mark, action.new, Rounding.NEAREST)
        return [move for move in moves if move.amount]

    def settle_expiry(
        self, instrument: Instrument, *, price: int, at: int, charge: Callable[[Fill, Instrument], Items]
    ) -> list[tuple[Fill, Items]]:
        """Settle every holder of an expired contract in cash; returns the closing fills, already booked.

        `price` is the final settlement price of the underlying (1e-8): a future closes there, an option at its
        intrinsic value. `charge` prices each fill (exercise tax); its `order_id` is 0, its reason "expiry".
        """
        final = settlement_value(instrument, price)
        settled = []
        for position in self.holders(instrument.id):
            fill = _expiry_fill(position, price=final, at=at)
            items = charge(fill, instrument)
            self.book(fill, sum(amount for _, amount in items), items, position)
            settled.append((fill, items))
        return settled

    def set_rate(self, change: RateSet) -> None:
        """Take the rate of a currency: this account has but its own. Raises `InvariantBroken`."""
        raise InvariantBroken("a rate in an account of one currency", value=change.currency, limit=self.currency)

    def mark(self, instrument: str, price: int) -> None:
        """Value the instrument at `price` (1e-8) from now on."""
        self.marks[instrument] = price

    # --- standing

    def accepts(self, currency: str) -> bool:
        """Whether an instrument in a currency can be booked: `currencies` has an account that converts."""
        return currency == self.currency

    def position(self, *key: *Key) -> int:
        """Signed quantity held, 1e-8, by strategy, instrument and product."""
        held = self.positions.get(key)
        return held.quantity if held else 0

    def holders(self, instrument: str) -> list[Position]:
        """Open positions in the instrument, oldest first."""
        return [held for held in self.open_positions.values() if held.instrument.id == instrument]

    def unrealised(self, strategy: str | None = None) -> int:
        """Gain or loss of open positions at their marks, of one strategy or of all."""
        marks = self.marks
        return sum(
            held.value(marks[held.instrument.id]) - held.cost
            for held in self.open_positions.values()
            if strategy is None or held.strategy == strategy
        )

    def equity(self) -> int:
        """Cash, what paid positions would bring, and the open gain or loss of the others, at their marks."""
        worth = self.cash
        for held in self.open_positions.values():
            worth += held.value(self.marks[held.instrument.id])
            if not held.paid_in_full:
                worth -= held.cost
        return worth

    @property
    def realised(self) -> int:
        """Gain or loss of what was closed since the start, before charges, 1e-8."""
        return sum(held.realised for held in self.positions.values())

    @property
    def cash_before_charges(self) -> int:
        """Cash had every open position been paid in full and nothing cost a charge, 1e-8: what prices and cash moves
        alone make of it, whoever of several strategies closed what."""
        open_cost = sum(held.cost for held in self.open_positions.values() if not held.paid_in_full)
        return self.cash - open_cost + self.charges

    @property
    def charges(self) -> int:
        """Charges paid since the start, 1e-8."""
        return sum(held.charges for held in self.positions.values())

    def profit(self, strategy: str) -> int:
        """Net of charges, with open positions at their marks and cash moves, 1e-8."""
        moved = sum(amount for (owner, _), amount in self.cash_moves.items() if owner == strategy)
        owned = self.strategies.get(strategy, ())
        return sum(held.realised - held.charges for held in owned) + self.unrealised(strategy) + moved

    def profit_by_instrument(self) -> dict[str, int]:
        """Net of charges, with open positions at their marks and cash moves, 1e-8; in order of first use."""
        profits: dict[str, int] = {}
        for (_, name, _), held in self.positions.items():
            gain = held.realised - held.charges
            if held.quantity:
                gain += held.value(self.marks[name]) - held.cost
            profits[name] = profits.get(name, 0) + gain
        for (_, name), amount in self.cash_moves.items():
            if name:
                profits[name] = profits.get(name, 0) + amount
        return profits

    def check(self) -> None:
        """Raise `InvariantBroken` unless every law of the ledger holds."""
        positions = self.positions.values()
        moved = sum(self.cash_moves.values())
        earned = self.realised + self.unrealised() - self.charges
        owned = sum(len(each) for each in self.strategies.values())
        still_open = sum(1 for held in positions if held.quantity)
        cost = sum(abs(held.cost) for held in positions if not held.quantity)
        demand("equity", found=self.equity(), expected=self.start + earned + moved)
        demand("charges by item", found=sum(self.charge_items.values()), expected=self.charges)
        demand("positions by strategy", found=owned, expected=len(positions))
        demand("open positions", found=len(self.open_positions), expected=still_open)
        demand("cost of flat positions", found=cost, expected=0)

    # --- how

    def _admit(self, position: Position) -> None:
        """The first fill of a position: whether this account can hold it at all."""
        instrument, name = position.instrument, position.instrument.id
        if not self.accepts(instrument.currency):
            raise ConfigError(
                f"{name} is in another currency than the account",
                value=instrument.currency,
                limit=self.currency,
                fix="run it in an account of its own currency, or give data.rates",
            )
        if instrument.segment is Segment.INDEX:
            raise ConfigError(f"{name} is an index and cannot be held", value=name, fix="trade its futures")
        self.positions[position.key] = position
        self.strategies.setdefault(position.strategy, []).append(position)

    def _carry(self, position: Position, action: CorporateAction, price: int) -> CashMoved:
        if position.instrument.segment in (Segment.FUTURE, Segment.OPTION, Segment.CRYPTO_PERPETUAL):
            raise ConfigError(
                "a corporate action applies to shares", value=action.instrument, fix="name the underlying share"
            )
        if action.kind is ActionKind.DIVIDEND:
            amount = position.value(action.cash)
        else:
            amount = self._multiply(position, action, price)
        moved = CashMoved(
            at=action.at,
            strategy=position.strategy,
            instrument=action.instrument,
            amount=amount,
            reason=DIVIDEND if action.kind is ActionKind.DIVIDEND else f"fraction of a share ({action.kind})",
        )
        self.move_cash(moved)
        return moved

    def _multiply(self, position: Position, action: CorporateAction, price: int) -> int:
        """New quantity on the lot grid; returns the money for the fraction that is left, rounded against the holder."""
        exact = position.quantity * action.new
        lot = position.instrument.lot_at(action.at)
        position.quantity = to_step(divide(exact, action.old, Rounding.TOWARD_ZERO), lot, Rounding.TOWARD_ZERO)
        fraction = exact - position.quantity * action.old
        if position.quantity == 0:
            self._write_off(position)
        return fraction * price * position.instrument.multiplier // (action.old * SCALE)

    def _write_off(self, position: Position) -> None:
        """Nothing is left to carry the cost: it is a realised loss against the cash paid for the fraction."""
        loss, position.cost = position.cost, 0
        position.realised -= loss
        del self.open_positions[position.key]


def settlement_value(instrument: Instrument, price: int) -> int:
    """What one unit settles at when its underlying settles at `price`, 1e-8: intrinsic value, or the price itself."""
    if instrument.segment is not Segment.OPTION or instrument.strike is None:
        return price
    intrinsic = price - instrument.strike if instrument.right is OptionRight.CALL else instrument.strike - price
    return max(intrinsic, 0)


def _expiry_fill(position: Position, *, price: int, at: int) -> Fill:
    return Fill(
        at=at,
        exchange_at=at,
        order_id=0,
        strategy=position.strategy,
        instrument=position.instrument.id,
        side=Side.SELL if position.quantity > 0 else Side.BUY,
        quantity=abs(position.quantity),
        price=price,
        product=position.product,
        reason="expiry",
    )


def _unbookable(fill: Fill, instrument: Instrument) -> InvariantBroken:
    if fill.quantity <= 0:
        return InvariantBroken(f"fill of order {fill.order_id} has no quantity", value=fill.quantity, limit="> 0")
    return InvariantBroken(
        f"fill of order {fill.order_id} is booked to another instrument", value=instrument.id, limit=fill.instrument
    )


def demand(law: str, *, found: int, expected: int) -> None:
    """Raise `InvariantBroken` unless two amounts (1e-8) of one law are the same int."""
    if found != expected or type(found) is not int:
        raise InvariantBroken(
            f"ledger: {law} is off by {to_text(found - expected)}", value=found, limit=expected, fix="report this run"
        )
