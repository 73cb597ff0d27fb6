"""The venue's end of the own protocol, without sockets: bytes of connections in, bytes to connections out.

`docs/own_protocol.md` is the specification.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from tradsys.core.errors import ConfigError, ProtocolError
from tradsys.core.units import SECOND
from tradsys.core.venue import (
    AnyCommand,
    Ask,
    Beat,
    Heartbeat,
    Logon,
    OrderRow,
    Outgoing,
    Report,
    Unwelcome,
    Welcome,
)
from tradsys.core.wire import encode, outgoing_reader
from tradsys.exchange.clearing.records import Refusal
from tradsys.exchange.marketplace import Exchange
from tradsys.exchange.own.house import House, HouseTerms
from tradsys.exchange.own.pages import Answers
from tradsys.exchange.own.venue import Say, Venue

SILENCE = 30 * SECOND
"""How long a connection may say nothing."""

MOST_ROWS = 200
"""Of a page: with the longest names that come in, it fits into a frame."""


class _Link:
    """One connection; `account` 0 until it is logged on. `pushed` counts what was pushed to it."""

    __slots__ = ("account", "answers", "epoch", "heard_at", "number", "pushed", "reader")

    def __init__(self, number: int, at: int) -> None:
        self.number = number
        self.reader = outgoing_reader()
        self.heard_at = at
        self.account = 0
        self.epoch = 0
        self.pushed = 0
        self.answers: Answers | None = None


class VenueServer:
    """One exchange behind the own protocol, for the `accounts` (numbers above 0 to their keys).

    Bytes to send gather in `outgoing` (connection and bytes) and connections to close in `closing`, to be closed once
    their bytes are sent; the driver empties both (`drained`). Times are UTC nanoseconds that never go back.

    `house` makes prices, `silence` ends a connection that says nothing, `page_rows` is how many rows a page has,
    `orders_per_second` how many commands an account may send (0: any number), `record` hears every report to an
    account, whether anybody is connected or not.

    Raises `ConfigError` for an account that the exchange does not have, or without a key, and for pages too long.
    """

    def __init__(
        self,
        exchange: Exchange,
        accounts: Mapping[int, str],
        *,
        house: HouseTerms | None = None,
        silence: int = SILENCE,
        page_rows: int = 100,
        orders_per_second: int = 0,
        record: Say | None = None,
    ) -> None:
        for account, key in accounts.items():
            if account not in exchange.clearing.accounts or not key:
                raise ConfigError("an account needs a key and a place at the exchange", value=account, limit="opened")
        if not 1 <= page_rows <= MOST_ROWS:
            raise ConfigError("that many rows do not make a page", value=page_rows, limit=f"1 to {MOST_ROWS}")
        self.outgoing: list[tuple[int, bytes]] = []
        self.closing: list[int] = []
        self.venue = Venue(exchange, accounts, say=self._say, orders_per_second=orders_per_second)
        self.house = None if house is None else House(self.venue, house)
        self._keys = {account: key.encode() for account, key in accounts.items()}
        self._silence = silence
        self._page_rows = page_rows
        self._record = record
        self._links: dict[int, _Link] = {}
        self._of: dict[int, _Link] = {}
        self._epochs: dict[int, int] = {}

    # --- what drives it

    @property
    def next_at(self) -> int | None:
        """When `advance` has something to do."""
        dues = [link.heard_at + self._silence for link in self._links.values()]
        dues += [due for due in (self.venue.exchange.next_at, self._house_due) if due is not None]
        return min(dues, default=None)

    def opened(self, connection: int, *, at: int) -> None:
        """A connection came in; it has to log on."""
        self.advance(at)
        self._links[connection] = _Link(connection, at)

    def received(self, connection: int, data: bytes, *, at: int) -> None:
        """Bytes of a connection; those of one that was closed are not looked at."""
        link = self._links.get(connection)
        if link is not None:
            link.heard_at = at
        self.advance(at)
        if link is None:
            return
        try:
            for message in link.reader.feed(data):
                self._take(link, message, at)
                if connection not in self._links:
                    return
        except ProtocolError as error:
            self._send_off(link, at, rule="unreadable", value=error.message, limit="frames of the own protocol")

    def closed(self, connection: int, *, at: int) -> None:
        """A connection is gone. Its account's orders stay."""
        self.advance(at)
        self._forget(connection)

    def advance(self, at: int) -> None:
        """All that is due by an instant: the exchange's day, the house's quotes (from the first instant on), silent
        connections."""
        house = self.house
        if not self.venue.exchange.now:
            self.venue.advance(at)
        while house is not None and (due := self._house_due) is not None and due <= at:
            self.venue.advance(due)
            house.act(due)
        self.venue.advance(at)
        for link in [each for each in self._links.values() if each.heard_at + self._silence <= at]:
            self._send_off(link, at, rule="silent", value=at - link.heard_at, limit=self._silence)

    @property
    def _house_due(self) -> int | None:
        due = None if self.house is None else self.house.next_at
        return None if due is None else max(due, self.venue.exchange.now)

    def drained(self) -> tuple[list[tuple[int, bytes]], list[int]]:
        """What is to be sent and then closed, taken out."""
        taken = self.outgoing, self.closing
        self.outgoing, self.closing = [], []
        return taken

    # --- what an operator of the venue does

    def bust(self, trade_id: int, *, at: int) -> Refusal | None:
        """Undo a trade; a refusal where nothing was done."""
        self.advance(at)
        return self.venue.bust(trade_id, at=at)

    def by_hand(self, account: int, command: AnyCommand, *, at: int) -> None:
        """A command of an account that comes another way: its owner's, by hand."""
        self.advance(at)
        self.venue.command(account, command, at=at)

    # --- messages

    def _take(self, link: _Link, message: Outgoing, at: int) -> None:
        if isinstance(message, Logon):
            self._log_on(link, message, at)
        elif link.answers is None:
            self._send_off(link, at, rule="logon_first", value=type(message).__name__, limit=Logon.__name__)
        elif isinstance(message, Heartbeat):
            self._send(link, Beat(at=at))
        elif isinstance(message, Ask):
            self._send(link, link.answers.answer(message, at=at))
        else:
            self.venue.command(link.account, message, at=at)

    def _log_on(self, link: _Link, logon: Logon, at: int) -> None:
        account, epoch = logon.account, logon.epoch
        key = self._keys.get(account)
        highest = self._epochs.get(account, epoch)
        if link.answers is not None:
            self._send_off(link, at, rule="logged_on", value=account, limit="once a connection")
        elif key is None:
            self._send_off(link, at, rule="unknown_account", value=account, limit="an account of this venue")
        elif not hmac.compare_digest(key, logon.key.encode()):
            self._send_off(link, at, rule="wrong_key", value=account, limit="the key of the account")
        elif epoch < highest:
            self._send_off(link, at, rule="superseded", value=epoch, limit=highest)
        else:
            self._welcome(link, logon, at)

    def _welcome(self, link: _Link, logon: Logon, at: int) -> None:
        before = self._of.get(logon.account)
        if before is not None:
            rule = "superseded" if before.epoch < logon.epoch else "replaced"
            self._send_off(before, at, rule=rule, value=before.epoch, limit=logon.epoch)
        link.account, link.epoch = logon.account, logon.epoch
        link.answers = Answers(self.venue, logon.account, page_rows=self._page_rows)
        self._of[logon.account] = link
        self._epochs[logon.account] = logon.epoch
        self._send(link, Welcome(at=at, epoch=logon.epoch))

    def _send_off(self, link: _Link, at: int, *, rule: str, value: int | str, limit: int | str) -> None:
        self._send(link, Unwelcome(at=at, rule=rule, value=value, limit=limit))
        self.closing.append(link.number)
        self._forget(link.number)

    def _forget(self, connection: int) -> None:
        link = self._links.pop(connection, None)
        if link is not None and self._of.get(link.account) is link:
            del self._of[link.account]

    def _say(self, account: int, report: Report, order: OrderRow | None) -> None:
        """A report to whoever of the account is there."""
        if self._record is not None:
            self._record(account, report, order)
        link = self._of.get(account)
        if link is not None:
            link.pushed += 1
            self._send(link, msgspec.structs.replace(report, number=link.pushed))

    def _send(self, link: _Link, report: Report) -> None:
        self.outgoing.append((link.number, encode(report)))
