"""A timeline given as instants and commands: for recorded flow, whose market had phases of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradsys.core.errors import ConfigError
from tradsys.core.matching import Action, Command, MatchingBook
from tradsys.exchange.auction import equilibrium, interest


class FixedTimeline:
    """Commands for instrument 0, each at its `at` (UTC nanoseconds). An `UNCROSS` takes the price of the call auction
    at that moment, nearest to `reference` (ticks), which is also what is left of market orders becomes limits at.

    Raises `ConfigError` for a timeline that is empty or out of order.
    """

    def __init__(self, commands: Iterable[Command], *, reference: int = 0) -> None:
        self._ahead = list(commands)
        self._reference = reference
        if not self._ahead or any(a.at > b.at for a, b in zip(self._ahead, self._ahead[1:], strict=False)):
            raise ConfigError("a timeline is one or more commands in order of time", value=len(self._ahead))

    @property
    def next_at(self) -> int | None:
        """When the next command is due; None after the last."""
        return self._ahead[0].at if self._ahead else None

    def advance(self, at: int, book: MatchingBook) -> Iterator[Command]:
        """Commands due at an instant and before it."""
        while self._ahead and self._ahead[0].at <= at:
            command = self._ahead.pop(0)
            yield self._priced(command, book) if command.action == Action.UNCROSS else command

    def on_trade(self, at: int, *, price: int, quantity: int) -> None:
        """The next auction is nearest to the last trade."""
        self._reference = price

    def _priced(self, command: Command, book: MatchingBook) -> Command:
        found = equilibrium(interest(book.orders(0)), reference=self._reference)
        return command._replace(price=found.price if found else 0, trigger=self._reference)
