"""The clearing as others see it: events in, events out, and read-only answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec

from tradsys.exchange.clearing import busts, day_end, laws, orders, settlement, trades, transfers
from tradsys.exchange.clearing.books import Books
from tradsys.exchange.clearing.fees import Fees
from tradsys.exchange.clearing.records import (
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    ClearingEvent,
    ContractExpired,
    DayEnded,
    Events,
    Listed,
    MarginsChanged,
    Marked,
    OrderChanged,
    OrderEntered,
    OrderFinished,
    SettlementDue,
    Trade,
    TradeBusted,
    UnitsDeposited,
    UnitsWithdrawn,
)
from tradsys.reference.settlement import SessionDays

_HANDLERS: dict[type[ClearingEvent], Callable[[Books, Any], Events]] = {
    Listed: transfers.list_instrument,
    MarginsChanged: transfers.change_margins,
    Marked: transfers.mark,
    AccountOpened: transfers.open_account,
    CashDeposited: transfers.deposit_cash,
    CashWithdrawn: transfers.withdraw_cash,
    UnitsDeposited: transfers.deposit_units,
    UnitsWithdrawn: transfers.withdraw_units,
    OrderEntered: orders.enter_order,
    OrderChanged: orders.change_order,
    OrderFinished: orders.finish_order,
    Trade: trades.book_trade,
    TradeBusted: busts.bust,
    ContractExpired: day_end.expire,
    DayEnded: day_end.end_day,
    SettlementDue: settlement.settle,
}


class Balance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Money of one account, 1e-8: `free = cash + due - reserved - margin`; `spendable` may be withdrawn now."""

    cash: int
    due: int
    reserved: int
    margin: int
    free: int
    spendable: int


class Position(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Units of one account in one instrument, 1e-8: by trades, of which `intraday` on margin; delivered; offered."""

    quantity: int
    intraday: int
    settled: int
    buying: int
    selling: int


class Clearing:
    """One exchange's clearing in one currency, a fold over `records` (`docs/clearing.md`).

    `day` is the first session. Not modelled: default funds and what a defaulter's position is sold for, auctions of
    undelivered shares (they are closed out), physical settlement, settlement holidays, interest, peak-margin penalties.
    """

    def __init__(self, *, exchange: str, calendar: SessionDays, day: date, fees: Fees, currency: str = "INR") -> None:
        """Raises `UnknownName` for an exchange without a settlement cycle, `UncoveredDate` for a day."""
        self._books = Books(exchange=exchange, currency=currency, calendar=calendar, day=day, fees=fees)

    def apply(self, event: ClearingEvent) -> Events:
        """What follows from an event; a lone `Refusal` where nothing was done.

        Raises `UncoveredDate`, and does nothing, where a calendar or tariff does not cover a date.
        """
        return _HANDLERS[type(event)](self._books, event)

    @property
    def day(self) -> date:
        """The session that is on."""
        return self._books.day

    @property
    def settlement_day(self) -> date:
        """When trades of this session are paid and delivered."""
        return self._books.settlement_day

    @property
    def fee_account(self) -> int:
        """Fees that are paid, 1e-8."""
        return self._books.fee_account

    @property
    def accounts(self) -> tuple[int, ...]:
        """Numbers of all accounts, in order of opening."""
        return tuple(self._books.accounts)

    def is_unlimited(self, account: int) -> bool:
        """Whether nothing is asked of an account; not of one that nobody opened."""
        found = self._books.accounts.get(account)
        return found is not None and found.unlimited

    def balance(self, account: int) -> Balance:
        """Money of an account. Raises `KeyError` for one that nobody opened."""
        found = self._books.accounts[account]
        return Balance(
            cash=found.cash,
            due=found.due,
            reserved=found.reserved,
            margin=found.margin,
            free=found.free,
            spendable=max(self._books.spendable(found), 0),
        )

    def position(self, account: int, instrument: str) -> Position:
        """Units of an account; all zero where it never traded. Raises `KeyError` for an account nobody opened."""
        found = self._books.accounts[account]
        day_line = found.lines.get((instrument, True))
        lines = [line for line in (found.lines.get((instrument, False)), day_line) if line is not None]
        return Position(
            quantity=sum(line.quantity for line in lines),
            intraday=0 if day_line is None else day_line.quantity,
            settled=sum(line.settled for line in lines),
            buying=sum(line.buying for line in lines),
            selling=sum(line.selling for line in lines),
        )

    def open_cost(self, account: int) -> int:
        """Net money that positions on margin cost since they were last marked, 1e-8: not in `due` yet.

        Raises `KeyError` for an account nobody opened.
        """
        return sum(line.cost for line in self._books.accounts[account].lines.values() if line.margined)

    def held_for(self, order_id: int) -> int:
        """Cash held for an open order; 0 for one that is not open."""
        order = self._books.orders.get(order_id)
        return 0 if order is None else order.reserved

    def check(self) -> None:
        """Every law of `laws`, from scratch. Raises `InvariantBroken`."""
        laws.check(self._books)
