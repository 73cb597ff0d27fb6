"""The drill of `tradsys kill --drill`: an exchange in a process of its own, an account with positions, and a clock."""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradsys.core.errors import ResourceError

if TYPE_CHECKING:
    from tradsys.execution.flattening_parts import FlatReport

_PRICES = {"NSE:DRILLA": "100", "NSE:DRILLB": "250", "NSE:DRILLC": "1500"}
_DAY = "2024-06-03"
_QUANTITY, _ORDERS = 200, 5


def drilled() -> FlatReport:
    """Serve an exchange, hold three positions and fifteen orders on it, and bring them to rest at the usual pace."""
    from tradsys.core.units import SCALE, from_text
    from tradsys.engine.drill import Drill
    from tradsys.engine.watchdog.keeping import Keeper
    from tradsys.execution.flattening_parts import SECOND, FlattenSettings
    from tradsys.execution.own.client import VenueClient
    from tradsys.journal import FolderDisk

    with tempfile.TemporaryDirectory(prefix="tradsys-drill-") as name:
        key_file = Path(name) / "key"
        key_file.touch(mode=0o600)
        key_file.write_text(secrets.token_hex(16))
        with _served(key_file) as said:
            drill = Drill(
                client=lambda selector: VenueClient(
                    said["host"], port=said["port"], selector=selector, chance=random.random
                ),
                key=key_file.read_text(),
                keeper=Keeper(FolderDisk(Path(name) / "journal")),
                clock=time.monotonic_ns,
            )
            prices = {each: from_text(price) for each, price in _PRICES.items()}
            drill.prepare(prices, quantity=_QUANTITY * SCALE, orders=_ORDERS)
            return drill.kill(FlattenSettings(ask_every=SECOND // 20, deadline=60 * SECOND))


@contextmanager
def _served(key_file: Path) -> Iterator[dict[str, Any]]:
    """What `exchange serve` says once it listens; it ends with the drill."""
    listed = [word for name, price in _PRICES.items() for word in ("--instruments", f"{name}={price}")]
    command = [sys.executable, "-m", "tradsys", "exchange", "serve", *listed, "--account", "1"]
    command += ["--key-file", str(key_file), "--date", _DAY, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise ResourceError(
                f"the exchange of the drill did not start: {process.communicate()[1].strip()[-300:]}",
                value=" ".join(command[1:]),
                fix="run that command by hand",
            )
        yield json.loads(line)
    finally:
        process.terminate()
        process.communicate()
