"""What the kill campaign kills: a venue that records, and a trading process that trades on every tick; both real."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from tradsys.engine.control.client import ask
from tradsys.engine.control.protocol import AnyControl
from tradsys.engine.control.server import SOCKET

ACCOUNT, COIN = 1, "CRYPTO:COIN"
TICK_MS = 120
"""Ten orders in 1.2 s: below the rate that the kill switch takes for a defect."""
DELAY_MS = 70
"""What the venue says comes so late: most of the time between two ticks, an order has no answer."""
BEGIN = datetime(2026, 11, 16, tzinfo=UTC)
PATIENCE = 20.0
"""Seconds until something that should have happened has not."""

STRATEGY = '''"""Trades on every tick."""

from tradsys import Strategy


class Churn(Strategy):
    """In, out, and now and then a limit order that is withdrawn."""

    def on_start(self, ctx):
        self.seen = self.far = 0

    def on_order(self, order, account):
        if order.event == "accepted" and order.side > 0 and self.seen % 10 == 7:
            self.far = order.order_id

    def on_tick(self, tick, account):
        self.seen += 1
        turn = self.seen % 10
        if turn == 7:
            yield self.buy(tick, 1, limit=95.0, reason="far below")
        elif turn == 9 and self.far:
            yield self.cancel(tick, order_id=self.far, reason="enough")
            self.far = 0
        elif account.position(tick.instrument) > 0:
            yield self.sell(tick, account.position(tick.instrument), reason="out")
        else:
            yield self.buy(tick, 1 + self.seen % 3, reason="in")
'''
RUN = """[run]
name = "kill"
currency = "USDT"
cash = 1_000_000

[data]
path = "ticks.csv"
format = "ticks"
interval = "1s"
instruments = [{{ id = "{coin}", tick = 0.01, lot = 1.0 }}]

[[strategies]]
use = "churn.py:Churn"
sizer = {{ kind = "fixed_quantity", value = 1 }}

[execution]
venue = "exchange"

[charges]
plan = "none"

[venue]
port = {port}
key_file = "key"
reconcile_seconds = 5
quarantine_seconds = 5
orders_per_minute = 1_000
orders_per_day = 1_000_000
"""


class Stuck(Exception):
    """Something that should have happened did not."""


def write_scene(folder: Path, *, port: int, seconds: float) -> Path:
    """A run file with its strategy, key and so many seconds of ticks; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "churn.py").write_text(STRATEGY)
    rows = ["timestamp,last,last_quantity,bid,bid_quantity,ask,ask_quantity"]
    for number in range(int(seconds * 1000 / TICK_MS)):
        at = BEGIN + timedelta(milliseconds=number * TICK_MS)
        rows.append(f"{at.isoformat(timespec='milliseconds')},100.00,1,99.99,10,100.01,10")
    (folder / "ticks.csv").write_text("\n".join(rows) + "\n")
    path = folder / "run.toml"
    path.write_text(RUN.format(coin=COIN, port=port))
    return path


def write_key(folder: Path) -> Path:
    """A file with the account's key, which others cannot read."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "key"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write("a key of the campaign\n")
    return path


def _program(*words: str) -> list[str]:
    return [sys.executable, "-m", "tradsys", *words]


class ServedVenue:
    """`tradsys exchange serve --record` on a port that is free."""

    def __init__(self, folder: Path, *, delay_ms: float = DELAY_MS) -> None:
        self.record = folder / "record.jsonl"
        options = ["--key-file", str(write_key(folder)), "--record", str(self.record), "--delay-ms", str(delay_ms)]
        named = ["--instruments", f"{COIN}=100", "--account", str(ACCOUNT), "--cash", "10000000"]
        self.process = subprocess.Popen(
            _program("exchange", "serve", *named, *options, "--json"), stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["port"])

    def close(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(PATIENCE)


class Trader:
    """`tradsys run` on a run folder. `reconciled_after`: seconds from its start until it said so. `before`: what its
    command begins with, where another program is to start it."""

    def __init__(self, run_file: Path, folder: Path, *options: str, before: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.reconciled_after: float | None = None
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*before, *_program("run", str(run_file), "--data-dir", str(folder), *options)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._unread = b""

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    def listen(self, until: float, *, text: str = "") -> bool:
        """Take in what it says until an instant (monotonic seconds), until it ends, or until a line begins with `text`;
        whether one did."""
        said: IO[bytes] = self.process.stderr  # type: ignore[assignment]
        while not (found := bool(text) and any(line.startswith(text) for line in self.lines)):
            left = until - time.monotonic()
            if left <= 0 or not select.select([said], [], [], left)[0]:
                break
            data = os.read(said.fileno(), 65536)
            if not data:
                break
            *lines, self._unread = (self._unread + data).split(b"\n")
            for line in lines:
                self._heard(line.decode())
        return found

    def _heard(self, line: str) -> None:
        self.lines.append(line)
        if line == "reconciled" and self.reconciled_after is None:
            self.reconciled_after = time.monotonic() - self.began

    def wait_for(self, text: str, *, seconds: float = PATIENCE) -> None:
        """Until it says a line that begins so. Raises `Stuck`."""
        if not self.listen(time.monotonic() + seconds, text=text):
            raise Stuck(f"it never said {text!r}: {self.lines[-5:]}, exit code {self.process.poll()}")

    def kill(self) -> None:
        """SIGKILL, and what it had said."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.listen(time.monotonic() + 0.001)

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = self.process.wait(PATIENCE)
        self.listen(time.monotonic() + 0.001)
        return code

    def ask(self, command: AnyControl) -> dict[str, Any]:
        """An answer of its control socket."""
        return ask(self.folder / SOCKET, command)
