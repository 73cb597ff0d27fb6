"""Each closed lot in the words of Indian income tax: kind of income, dates, what counts, rate. A report, no advice.

Sources: Income-tax Act 1961, ss. 2(42A), 43(5), 45(2A), 48, 55(2)(aa), 111A, 112A, 115BBH; CBDT circulars 704 of 28
April 1995 (dates are those of the contract notes) and 768 of 24 June 1998 (first in, first out by account); the rates
with theirs in `reference/data/income_tax.csv`.

Not modelled: the fair market value of 31 January 2018 (s. 55(2)(ac)), set-off and carry-forward, surcharge and cess,
TDS, bonus stripping (s. 94(8)), delivery at the expiry of stock derivatives, a trader whose delivery trades are a
business, funds that are not equity funds, other currencies than rupees.
"""

from __future__ import annotations

from datetime import date

import msgspec

from tradsys.core.events import Word
from tradsys.core.instruments import Instrument, Segment
from tradsys.portfolio.account_lots import days_of
from tradsys.portfolio.lots import ClosedLot
from tradsys.reference.income_tax import financial_year, is_long_term, period_of, rate

STOCK_EXCHANGES = frozenset({"NSE", "BSE"})
DERIVATIVE_EXCHANGES = STOCK_EXCHANGES | {"NFO", "BFO", "CDS", "BCD", "MCX", "NCDEX"}
TRANSACTION_TAX = frozenset({"stt", "ctt"})
"""Charge items that s. 48 does not let a capital gain deduct, and s. 36(1)(xv) and (xvi) lets a business."""


class Income(Word):
    """Kinds of income that closing a lot can be, in the order of the report."""

    SHORT_TERM = "short_term"
    LONG_TERM = "long_term"
    SPECULATIVE = "speculative"
    DERIVATIVES = "derivatives"
    DIGITAL_ASSET = "virtual_digital_asset"
    OTHER = "other"


BUSINESS = (Income.SPECULATIVE, Income.DERIVATIVES, Income.OTHER)


class TaxLot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One closed lot. Money is 1e-8 of the account's currency, dates those of the exchange.

    `year` is the calendar year in which the financial year of `closed` begins, `period` the part of it that advance tax
    asks for. `cost` and `consideration` are without charges; `deducted` are the charges that the income may deduct,
    `transaction_tax` the STT or CTT among all `charges`. `turnover` is the absolute difference that counts towards a
    tax audit, 0 for what is no business. `rate_percent` is empty where the recipient's own rates apply, or none is
    known.
    """

    income: Income
    year: int
    period: tuple[date, date]
    instrument: str
    side: int
    quantity: int
    opened: date
    closed: date
    cost: int
    consideration: int
    charges: int
    transaction_tax: int
    deducted: int
    turnover: int
    rate_percent: str
    opening_order: int
    closing_order: int
    opening_reason: str
    closing_reason: str

    @property
    def gross(self) -> int:
        """Consideration less cost."""
        return self.consideration - self.cost

    @property
    def gain(self) -> int:
        """Gain or loss as this income counts it: after the charges that it may deduct."""
        return self.gross - self.deducted

    @property
    def net(self) -> int:
        """What was earned in fact: after all charges."""
        return self.gross - self.charges


def income_of(instrument: Instrument, *, side: int, opened: date, closed: date) -> Income:
    """What closing a lot is: `side` is that of the opening. Raises `UncoveredDate` for shares sold before 2005.

    Shares closed on the day they were opened, or sold before they were bought, are settled without delivery and
    speculative (s. 43(5)). Futures and options at a recognised exchange are business, not speculation (s. 43(5)(d) and
    (e)). `OTHER` is what these rules do not reach: foreign shares, perpetuals, derivatives elsewhere.
    """
    segment, exchange = instrument.segment, instrument.exchange
    if segment is Segment.CRYPTO_SPOT:
        return Income.DIGITAL_ASSET
    if segment in (Segment.FUTURE, Segment.OPTION) and exchange in DERIVATIVE_EXCHANGES:
        return Income.DERIVATIVES
    if segment is not Segment.EQUITY or exchange not in STOCK_EXCHANGES:
        return Income.OTHER
    if side < 0 or opened == closed:
        return Income.SPECULATIVE
    return Income.LONG_TERM if is_long_term(bought=opened, sold=closed) else Income.SHORT_TERM


def tax_lot(lot: ClosedLot, *, zone: str) -> TaxLot:
    """A closed lot of an account (`AccountLots`) as its kind of income. Raises as `income_of`."""
    opened, closed = days_of(lot, zone)
    income = income_of(lot.instrument, side=lot.side, opened=opened, closed=closed)
    charges = lot.charges
    tax = sum(amount for name, amount in charges.items() if name in TRANSACTION_TAX)
    total = sum(charges.values())
    row = rate(income, closed)
    return TaxLot(
        income=income,
        year=financial_year(closed),
        period=period_of(closed),
        instrument=lot.instrument.id,
        side=int(lot.side),
        quantity=lot.quantity,
        opened=opened,
        closed=closed,
        cost=lot.bought,
        consideration=lot.sold,
        charges=total,
        transaction_tax=tax,
        deducted=_deducted(income, total=total, transaction_tax=tax),
        turnover=abs(lot.gross) if income in BUSINESS else 0,
        rate_percent=row.value if row else "",
        opening_order=lot.opening.order_id,
        closing_order=lot.closing.order_id,
        opening_reason=lot.opening.reason,
        closing_reason=lot.closing.reason,
    )


def _deducted(income: Income, *, total: int, transaction_tax: int) -> int:
    """All charges of a business, all but the transaction tax of a capital gain, none of a digital asset (s. 115BBH)."""
    if income is Income.DIGITAL_ASSET:
        return 0
    return total if income in BUSINESS else total - transaction_tax
