"""The venue over real sockets: as `tradsys exchange serve` in a process of its own, and in this one."""

from __future__ import annotations

import json
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.exchange.own.scene import KEYS, MONDAY, crypto_exchange
from tests.unit.exchange.session_driver import clock
from tradsys.cli.application import verbs
from tradsys.core.durable import DurableIntent
from tradsys.core.errors import ConfigError, MissingData, ResourceError
from tradsys.core.events import OrderType, Product, Side, Validity
from tradsys.core.units import MILLISECOND, SCALE, SECOND
from tradsys.core.venue import (
    AnyCommand,
    Ask,
    Beat,
    CancelOrder,
    Dealt,
    Ended,
    Heartbeat,
    Incoming,
    Logon,
    Page,
    PlaceOrder,
    Subject,
    Taken,
    Unwelcome,
    Welcome,
)
from tradsys.core.wire import encode, incoming_reader
from tradsys.exchange.own import HouseTerms, VenueServer
from tradsys.exchange.own.server import Recorder, SteadyClock, VenueSockets
from tradsys.execution.own.client import LinkDown, LinkUp, VenueClient
from tradsys.execution.own.protocol import ClientSession

KEY = "a key that is in a file"
INFY = "NSE:INFY"


def order(**fields: Any) -> PlaceOrder:
    usual: dict[str, Any] = {
        "tag": "t", "instrument": INFY, "side": Side.BUY, "quantity": SCALE, "type": OrderType.MARKET,
        "product": Product.CNC, "validity": Validity.DAY,
    }  # fmt: skip
    return PlaceOrder(**{**usual, **fields})


class Served:
    """A process that serves INFY to account 1 from the open of a day on."""

    def __init__(self, folder: Path, *options: str) -> None:
        key = folder / "key"
        key.write_text(KEY + "\n")
        key.chmod(0o600)
        self.record = folder / "record.jsonl"
        self.command = [
            sys.executable, "-m", "tradsys", "exchange", "serve", "--instruments", f"{INFY}=1500",
            "--account", "1", "--key-file", str(key), "--date", "2026-11-16", "--record", str(self.record), "--json",
            *options,
        ]  # fmt: skip
        self.process = self.start()
        self.port = self.said["port"]

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([*self.command, *options], stdout=subprocess.PIPE)
        assert process.stdout is not None
        self.said = json.loads(process.stdout.readline())
        return process

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(5)

    def recorded(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.record.read_text().splitlines()]


class Trader:
    """A client session over the real client, driven by the machine's clock."""

    def __init__(self, port: int, *, epoch: int = 1, key: str = KEY) -> None:
        self.selector = selectors.DefaultSelector()
        self.client = VenueClient("127.0.0.1", port=port, selector=self.selector, chance=lambda: 0.02)
        self.epoch = epoch
        self.key = key
        self.session = ClientSession(account=1, key=key)
        self.heard: list[Incoming] = []
        self.downs: list[str] = []
        self.sent = 0

    def until(self, met: Callable[[], bool], within: float = 5.0) -> None:
        """Go on until something is so."""
        end = time.monotonic() + within
        while not met():
            assert time.monotonic() < end, (self.heard[-3:], self.downs)
            happened = self.client.on_time(at=time.monotonic_ns())
            for _, mask in self.selector.select(0.005):
                happened += self.client.on_ready(mask, at=time.monotonic_ns())
            for each in happened:
                self.take(each)

    def take(self, happening: object) -> None:
        if isinstance(happening, LinkUp):
            self.session = ClientSession(account=1, key=self.key)
            self.client.send(self.session.logon(epoch=self.epoch), at=0)
        elif isinstance(happening, LinkDown):
            self.downs.append(happening.why)
        elif isinstance(happening, bytes):
            self.heard += self.session.receive(happening)

    def log_on(self) -> Trader:
        self.until(lambda: self.session.ready)
        self.client.settled()
        return self

    def say(self, command: AnyCommand, kind: type[Any]) -> Any:
        """Send a command, wait for a report of a kind about it."""
        before = len(self.heard)
        self.sent += 1
        self.client.send(self.session.send(DurableIntent(sequence=self.sent, epoch=self.epoch, command=command)), at=0)
        self.until(lambda: any(isinstance(each, kind) for each in self.heard[before:]))
        return next(each for each in self.heard[before:] if isinstance(each, kind))

    def ask(self, subject: Subject, page: int = 0) -> Page:
        before = len(self.heard)
        self.client.send(self.session.ask(Ask(request=1, subject=subject, page=page)), at=0)
        self.until(lambda: any(isinstance(each, Page) for each in self.heard[before:]))
        return next(each for each in self.heard[before:] if isinstance(each, Page))

    def close(self) -> None:
        self.client.close()
        self.selector.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("served"))
    yield made
    if made.process.poll() is None:
        assert made.end() == 0


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Served]:
    """One of the test's own, for what would change it for others."""
    made = Served(tmp_path)
    yield made
    if made.process.poll() is None:
        assert made.end() == 0


@pytest.fixture
def trader(served: Served) -> Iterator[Trader]:
    made = Trader(served.port).log_on()
    yield made
    made.close()


def raw(port: int, data: bytes) -> list[Incoming]:
    """What the venue says to bytes until it closes the connection, or falls silent for a moment."""
    heard: list[Incoming] = []
    reader = incoming_reader()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(0.5)
        connection.sendall(data)
        while True:
            try:
                got = connection.recv(1 << 16)
            except TimeoutError:
                return heard
            if not got:
                return heard
            heard += reader.feed(got)


def test_an_order_is_placed_filled_and_found(served: Served, trader: Trader) -> None:
    assert served.said["day"] == "2026-11-16" and served.said["at"] >= clock(MONDAY, "09:15")
    dealt = trader.say(order(tag="market"), Dealt)
    assert (dealt.tag, dealt.quantity, dealt.side) == ("market", SCALE, Side.BUY)
    assert [row.quantity for row in trader.ask(Subject.POSITIONS).positions] == [SCALE]
    cash = trader.ask(Subject.CASH).cash[0]
    assert (cash.currency, cash.cash) == ("INR", 1_000_000 * SCALE - dealt.price)
    resting = trader.say(order(tag="rests", type=OrderType.LIMIT, limit=1300 * SCALE), Taken)
    ended = trader.say(CancelOrder(venue_id=resting.venue_id), Ended)
    assert (ended.tag, ended.open) == ("rests", SCALE) and not trader.session.gap
    lines = served.recorded()
    assert [line["report"]["message"] for line in lines[-4:]] == ["Taken", "Dealt", "Taken", "Ended"]
    assert lines[-3]["account"] == 1 and lines[-3]["order"]["tag"] == "market" and lines[-3]["order"]["filled"] == SCALE


def test_answers_come_in_pages(trader: Trader) -> None:
    for _ in range(110):
        trader.say(order(type=OrderType.LIMIT, limit=1300 * SCALE), Taken)
    pages = [trader.ask(Subject.ORDERS, page) for page in range(trader.ask(Subject.ORDERS).pages)]
    numbers = [row.venue_id for page in pages for row in page.orders]
    assert len(pages) == 2 and len(set(numbers)) == len(numbers) == pages[0].rows > 100


def test_a_newer_epoch_ends_the_older_connection(alone: Served) -> None:
    old, new = Trader(alone.port, epoch=1).log_on(), Trader(alone.port, epoch=1)
    new.epoch = 2
    new.log_on()
    old.until(lambda: bool(old.downs))
    assert [each.rule for each in old.heard if isinstance(each, Unwelcome)] == ["superseded"]
    new.say(order(tag="fenced", type=OrderType.LIMIT, limit=1300 * SCALE), Taken)
    (unwelcome,) = raw(alone.port, encode(Logon(account=1, key=KEY, epoch=1)))
    assert isinstance(unwelcome, Unwelcome) and (unwelcome.rule, unwelcome.limit) == ("superseded", 2)
    old.close()
    new.close()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "unreadable"),
        (b"<html><body>no</body></html>", "unreadable"),
        (bytes(range(255, 0, -1)), "unreadable"),
        (encode(Logon(account=1, key="guess", epoch=9)), "wrong_key"),
        (encode(Logon(account=2, key=KEY, epoch=9)), "unknown_account"),
        (encode(Heartbeat()), "logon_first"),
    ],
)
def test_strangers_are_told_why_and_sent_off(served: Served, data: bytes, rule: str) -> None:
    (unwelcome,) = raw(served.port, data)
    assert isinstance(unwelcome, Unwelcome) and unwelcome.rule == rule and KEY not in str(unwelcome)


def test_half_a_frame_is_waited_for(served: Served) -> None:
    data = encode(Logon(account=1, key=KEY, epoch=5)) + encode(Heartbeat())
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(5)
        for start in range(0, len(data), 7):
            connection.sendall(data[start : start + 7])
            time.sleep(0.001)
        reader = incoming_reader()
        heard: list[Incoming] = []
        while len(heard) < 2:
            heard += reader.feed(connection.recv(1 << 16))
    assert [type(each) for each in heard] == [Welcome, Beat]


def test_a_killed_venue_is_come_back_to(alone: Served) -> None:
    trader = Trader(alone.port, epoch=9).log_on()
    trader.say(order(), Taken)
    assert alone.end(signal.SIGKILL) == -signal.SIGKILL
    trader.until(lambda: len(trader.downs) > 1)
    alone.process = alone.start("--port", str(alone.port))
    heard = len(trader.heard)
    trader.until(lambda: any(isinstance(each, Welcome) for each in trader.heard[heard:]))
    assert trader.ask(Subject.ORDERS).orders == ()
    assert alone.recorded()[0]["report"]["message"] == "Taken"
    trader.close()


class Here:
    """The sockets in this process, turned by hand on a clock that stands still until it is moved."""

    def __init__(self, **fields: Any) -> None:
        self.now = clock(MONDAY, "10:00", "UTC")
        prices = {"SIM:BTC": 100 * SCALE}
        self.server = VenueServer(crypto_exchange(), KEYS, house=HouseTerms(account=9, seed=1, prices=prices))
        self.sockets = VenueSockets(self.server, lambda: self.now, **fields)
        self.connection = socket.create_connection(("127.0.0.1", self.sockets.port))
        self.connection.setblocking(False)

    def turn(self, times: int = 3) -> bytes:
        """What the connection gets."""
        got = b""
        for _ in range(times):
            self.sockets.turn()
            try:
                got += self.connection.recv(1 << 20)
            except BlockingIOError:
                continue
        return got

    def close(self) -> None:
        self.connection.close()
        self.sockets.close()


def test_what_is_said_is_held_back() -> None:
    here = Here(delay=50 * MILLISECOND)
    here.connection.sendall(encode(Logon(account=1, key=KEYS[1], epoch=1)))
    assert here.turn() == b""
    here.now += 49 * MILLISECOND
    assert here.turn() == b""
    here.now += MILLISECOND
    (welcome,) = incoming_reader().feed(here.turn())
    assert isinstance(welcome, Welcome)
    here.close()


def test_who_does_not_read_is_closed() -> None:
    here = Here()
    here.connection.sendall(encode(Logon(account=1, key=KEYS[1], epoch=1)))
    here.turn()
    for _ in range(100):
        rests = order(instrument="SIM:BTC", product=Product.SPOT, type=OrderType.LIMIT, limit=90 * SCALE)
        here.server.by_hand(1, rests, at=here.now)
    question = encode(Ask(request=1, subject=Subject.ORDERS))
    for _ in range(5_000):
        here.connection.sendall(question)
        here.sockets.turn()
        if not here.sockets.connections:
            break
    assert here.sockets.connections == 0
    here.close()


def test_only_this_machine_is_listened_to() -> None:
    server = VenueServer(crypto_exchange(), KEYS)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(ConfigError, match="others can reach"):
            VenueSockets(server, SteadyClock(), host=host)
    open_to_all = VenueSockets(server, SteadyClock(start=clock(MONDAY, "10:00", "UTC")), host="0.0.0.0", exposed=True)
    with pytest.raises(ResourceError, match="cannot listen"):
        VenueSockets(server, lambda: SECOND, port=open_to_all.port)
    open_to_all.close()


def test_the_clock_never_goes_back() -> None:
    steady = SteadyClock(start=5 * SECOND)
    times = [steady() for _ in range(100)]
    assert times == sorted(times) and 5 * SECOND <= times[0] < 10 * SECOND
    assert abs(SteadyClock()() - time.time_ns()) < SECOND


def test_a_record_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="cannot write"):
        Recorder(tmp_path / "none" / "record")


def run(*options: str) -> None:
    """The verb in this process, with its errors as they are."""
    outcome = CliRunner().invoke(verbs, ["exchange", "serve", "--account", "1", *options], env={"VENUE_KEY": "a key"})
    assert outcome.exception is not None
    raise outcome.exception


def test_keys_come_from_files_that_nobody_else_reads(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read") as error:
        run("--instruments", "SIM:BTC=100", "--key-file", str(key))
    assert (error.value.limit, error.value.value) == ("0600", "0o644")
    key.chmod(0o600)
    key.write_text(" \n")
    with pytest.raises(ConfigError, match="there is no key"):
        run("--instruments", "SIM:BTC=100", "--key-file", str(key))
    with pytest.raises(MissingData, match="no such key file"):
        run("--instruments", "SIM:BTC=100", "--key-file", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="a number of its own above 0 and a key"):
        run("--instruments", "SIM:BTC=100")
    with pytest.raises(ConfigError, match="there is no key"):
        run("--instruments", "SIM:BTC=100", "--key-env", "NO_SUCH_VARIABLE")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--instruments", "NFO:X=100"], "shares or coins of one exchange"),
        (["--instruments", "NSE:X=100", "--instruments", "BSE:X=100"], "shares or coins of one exchange"),
        (["--instruments", "BTC"], "not an instrument with a price"),
        (["--instruments", "NSE:X=100", "--date", "2026-11-15"], "no session 2026-11-15"),
        (["--instruments", "SIM:X=100", "--protocol", "fix"], "unknown protocol"),
        (["--instruments", "SIM:X=100", "--host", "0.0.0.0"], "others can reach"),
    ],
)
def test_what_cannot_be_served_is_refused(options: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(*options, "--key-env", "VENUE_KEY")
