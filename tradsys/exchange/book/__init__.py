"""The compiled order book. Importing it loads numba, so only what matches imports it."""

from tradsys.exchange.book.book import Book
from tradsys.exchange.book.rows import COMMAND, EVENT, OUTCOME, PLAIN_COMMAND

__all__ = ["COMMAND", "EVENT", "OUTCOME", "PLAIN_COMMAND", "Book"]
