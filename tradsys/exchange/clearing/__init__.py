"""The simulated exchange's own books of money and units: accounts, reservations, trades, settlement, busts.

`Clearing.apply(event)` folds the events of `records` into the books and answers with events (`docs/clearing.md`).
"""

from tradsys.exchange.clearing.clearing import Clearing
from tradsys.exchange.clearing.fees import Fees, MakerTaker, NoFees, TariffFees

__all__ = ["Clearing", "Fees", "MakerTaker", "NoFees", "TariffFees"]
