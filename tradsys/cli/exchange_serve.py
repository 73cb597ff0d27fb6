"""`tradsys exchange serve`: the simulated exchange behind a port, for whoever trades on it by the own protocol."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime as Moment
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import datetime

    from tradsys.core.instruments import Instrument
    from tradsys.exchange.marketplace import Exchange, TradedInstrument
    from tradsys.exchange.own import HouseTerms
    from tradsys.exchange.own.server import VenueSockets
    from tradsys.reference.calendar import Calendar

PROTOCOLS = ("own",)
_BAND = "fixed 20"
_MARGIN_PART = 5


def serve(
    instruments: Annotated[list[str], typer.Option(help="EXCHANGE:SYMBOL=PRICE of the close before. Repeatable.")],
    account: Annotated[list[int], typer.Option(help="Number of an account, above 0. Repeatable.")],
    key_file: Annotated[
        list[Path] | None, typer.Option(help="File of mode 0600 with the account's key, one an --account.")
    ] = None,
    key_env: Annotated[
        list[str] | None, typer.Option(help="Environment variable with the key, where there is no file.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="What is spoken: own.")] = "own",
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: one that is free.")] = 0,
    exposed: Annotated[bool, typer.Option("--exposed", help="Allow a --host that others can reach.")] = False,
    date: Annotated[
        Moment | None, typer.Option(help="Begin at this day's open; default: now.", formats=["%Y-%m-%d"])
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the exchange's random closes and of the prices.")] = 1,
    cash: Annotated[str, typer.Option(help="What every account starts with, in currency.")] = "1000000",
    currency: Annotated[str, typer.Option(help="Default: INR in India, USDT for crypto.")] = "",
    tick: Annotated[str | None, typer.Option(help="Price step; default: the exchange's rule, else 0.01.")] = None,
    lot: Annotated[str, typer.Option(help="Quantity step in units.")] = "1",
    walk: Annotated[int, typer.Option(min=0, help="Most ticks that a price moves a second.")] = 2,
    no_house: Annotated[bool, typer.Option("--no-house", help="Nobody to trade with but other accounts.")] = False,
    record: Annotated[
        Path | None, typer.Option(help="Append what becomes of every order to this file, JSON lines.")
    ] = None,
    delay_ms: Annotated[float, typer.Option(min=0, help="Hold everything that is said back for so long.")] = 0,
    orders_per_second: Annotated[int, typer.Option(min=0, help="Commands an account may send; 0: any number.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, once it listens.")] = False,
) -> None:
    """Serve the simulated exchange until SIGTERM or Ctrl-C."""
    from tradsys.core.errors import UnknownName
    from tradsys.core.units import MILLISECOND
    from tradsys.exchange.own import VenueServer
    from tradsys.exchange.own.server import Recorder, SteadyClock, VenueSockets

    if protocol not in PROTOCOLS:
        raise UnknownName("protocol", protocol, PROTOCOLS)
    keys = _keys(account, files=key_file or [], variables=key_env or [])
    day = None if date is None else date.date()
    exchange, clock_start = _exchange(
        instruments, day, list(keys), seed=seed, cash=cash, currency=currency, tick=tick, lot=lot
    )
    house = None if no_house else _house(instruments, account=max(account) + 1, seed=seed, walk=walk)
    recorder = None if record is None else Recorder(record)
    server = VenueServer(exchange, keys, house=house, orders_per_second=orders_per_second, record=recorder)
    clock = SteadyClock(start=clock_start)
    delay = round(delay_ms * MILLISECOND)
    with _stopped() as stop:
        sockets = VenueSockets(server, clock, host=host, port=port, exposed=exposed, delay=delay)
        _say(sockets, exchange, account, at=clock(), as_json=json)
        sockets.serve(stop)
        sockets.close()
    if recorder is not None:
        recorder.close()


@contextmanager
def _stopped() -> Iterator[Callable[[], bool]]:
    """A question, answered yes once SIGTERM or SIGINT has come."""
    asked = False

    def remember(number: int, frame: object) -> None:
        nonlocal asked
        asked = True

    before = {number: signal.signal(number, remember) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(sockets: VenueSockets, exchange: Exchange, accounts: Sequence[int], *, at: int, as_json: bool) -> None:
    import msgspec

    names = [each.id for each in exchange.instruments]
    if as_json:
        body = {
            "protocol": "own",
            "host": sockets.host,
            "port": sockets.port,
            "at": at,
            "day": exchange.day,
            "accounts": list(accounts),
            "instruments": names,
        }
        typer.echo(msgspec.json.encode(body).decode())
    else:
        typer.echo(f"{', '.join(names)} of {exchange.day} on {sockets.host}:{sockets.port}; stop with Ctrl-C")
    sys.stdout.flush()


# --- keys


def _keys(accounts: Sequence[int], *, files: Sequence[Path], variables: Sequence[str]) -> dict[int, str]:
    from tradsys.core.errors import ConfigError
    from tradsys.engine.account_key import key_in_file, not_empty

    found = [key_in_file(path) for path in files]
    found += [not_empty(os.environ.get(name, "").strip(), where=name) for name in variables]
    if len(found) != len(accounts) or len(set(accounts)) != len(accounts) or min(accounts) < 1:
        raise ConfigError(
            "every account needs a number of its own above 0 and a key",
            value=f"{len(accounts)} accounts, {len(found)} keys",
            limit="one key an account",
            fix="give --key-file once for every --account, in their order",
        )
    return dict(zip(accounts, found, strict=True))


# --- the exchange


def _named(text: str) -> tuple[str, str]:
    """`NSE:INFY=1500` → name and price."""
    from tradsys.core.errors import ConfigError

    name, equals, price = text.partition("=")
    if not equals or not name.partition(":")[2]:
        raise ConfigError("not an instrument with a price", value=text, limit="EXCHANGE:SYMBOL=PRICE")
    return name, price


def _house(instruments: Sequence[str], *, account: int, seed: int, walk: int) -> HouseTerms:
    from tradsys.core.units import from_text
    from tradsys.exchange.own import HouseTerms

    prices = {name: from_text(price) for name, price in map(_named, instruments)}
    return HouseTerms(account=account, seed=seed, prices=prices, step=walk)


def _exchange(
    instruments: Sequence[str],
    day: datetime.date | None,
    accounts: Sequence[int],
    *,
    seed: int,
    cash: str,
    currency: str,
    tick: str | None,
    lot: str,
) -> tuple[Exchange, int | None]:
    """The exchange of one day, and where its clock begins (None: with the machine's)."""
    from tradsys.core.units import from_text
    from tradsys.exchange.book_reference import ReferenceBook
    from tradsys.exchange.clearing import NoFees
    from tradsys.exchange.clearing.records import AccountKind, AccountOpened, CashDeposited
    from tradsys.exchange.marketplace import Exchange
    from tradsys.exchange.own.server import SteadyClock

    calendar, home = _calendar(instruments)
    on, start = _session(calendar, day, now=SteadyClock()())
    money = currency or ("USDT" if home == "CRYPTO" else "INR")
    listed = [_listed(*_named(each), on, currency=money, tick=tick, lot=lot) for each in instruments]
    exchange = Exchange(
        listed,
        ReferenceBook(len(listed)),
        exchange=home,
        day=on,
        calendar=calendar,
        fees=NoFees(),
        seed=seed,
        currency=money,
    )
    for account in accounts:
        exchange.tell(AccountOpened(account=account, kind=AccountKind.MARGIN))
        exchange.tell(CashDeposited(account=account, amount=from_text(cash)))
    return exchange, start


def _calendar(instruments: Sequence[str]) -> tuple[Calendar, str]:
    """The calendar of all instruments and the exchange that settles them. Raises `ConfigError` for several."""
    from tradsys.cli.exchange_instrument import SEGMENTS
    from tradsys.core.errors import ConfigError
    from tradsys.core.instruments import Segment
    from tradsys.reference.calendar import calendar_for

    exchanges = sorted({_named(each)[0].partition(":")[0] for each in instruments})
    segment = Segment(SEGMENTS.get(exchanges[0], "crypto_spot"))
    if len(exchanges) > 1 or segment not in (Segment.EQUITY, Segment.CRYPTO_SPOT):
        raise ConfigError("it serves the shares or coins of one exchange", value=", ".join(exchanges), limit="one")
    home = exchanges[0] if segment is Segment.EQUITY else "CRYPTO"
    return calendar_for(home, segment), home


def _session(calendar: Calendar, day: datetime.date | None, *, now: int) -> tuple[datetime.date, int | None]:
    """The day, and the instant that the clock begins at; without a day, the session that is on."""
    from tradsys.core.errors import ConfigError

    session = calendar.session_at(now) if day is None else calendar.session(day)
    if session is None:
        when = "now" if day is None else day.isoformat()
        raise ConfigError(f"no session {when}", value=when, limit="a session of the exchange", fix="give --date of one")
    return session.date, None if day is None else session.open


def _listed(name: str, price: str, on: datetime.date, *, currency: str, tick: str | None, lot: str) -> TradedInstrument:
    """Shares may be traded for the day at a fifth of their price; every price stays within 20 % of the close before."""
    import msgspec

    from tradsys.cli.exchange_instrument import traded_instrument
    from tradsys.core.units import SCALE, from_text
    from tradsys.exchange.clearing.records import Margins
    from tradsys.exchange.marketplace import TradedInstrument

    made: Instrument = traded_instrument(name, on, tick=tick, lot=lot, price=price, closing_auction=False)
    fraction = Margins(initial=SCALE // _MARGIN_PART, maintenance=SCALE // _MARGIN_PART)
    return TradedInstrument(
        instrument=msgspec.structs.replace(made, currency=currency),
        previous_close=from_text(price),
        band=_BAND,
        margins=fraction if currency == "INR" else None,
    )
