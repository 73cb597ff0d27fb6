"""The simulated exchange as one object: sessions, checks, accounts and the book behind `submit` and `advance`."""

from tradsys.exchange.marketplace.exchange import Exchange
from tradsys.exchange.marketplace.records import TradedInstrument

__all__ = ["Exchange", "TradedInstrument"]
