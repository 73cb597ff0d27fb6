"""`tradsys exchange simulate` as a user runs it: the same bytes in any process, refusals that write nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tradsys.exchange.simulation_files import DESCRIPTION, FILES

USUAL = {"--instrument": "NSE:INFY", "--date": "2026-11-16", "--seed": "7", "--activity": "0.002"}


def command(out: Path, **changed: str) -> list[str]:
    options = USUAL | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    words = [word for pair in options.items() for word in pair]
    return [sys.executable, "-m", "tradsys", "exchange", "simulate", *words, "--out", str(out), "--json"]


def ran(words: Sequence[str], *, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("day") / "new" / "folder"
    done = ran(command(out))
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_it_writes_the_files_it_names(day: tuple[Path, dict[str, object]]) -> None:
    out, answer = day
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, DESCRIPTION])
    assert (answer["instrument"], answer["date"], answer["seed"], answer["complete"]) == (
        "NSE:INFY",
        "2026-11-16",
        7,
        True,
    )
    assert all(pq.read_metadata(out / name).num_rows > 100 for name in FILES)


def test_one_seed_gives_the_same_bytes_in_another_process_and_another_seed_a_day_over_it(
    day: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    out, answer = day
    again = ran(command(tmp_path), hash_seed="12345")
    assert json.loads(again.stdout)["sha256"] == answer["sha256"]
    assert all((out / name).read_bytes() == (tmp_path / name).read_bytes() for name in FILES)
    other = json.loads(ran(command(tmp_path, seed="8")).stdout)
    assert other["sha256"] != answer["sha256"]
    assert json.loads((tmp_path / DESCRIPTION).read_bytes())["seed"] == 8


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"date": "2026-11-15"}, "no session"),
        ({"date": "15.11.2026"}, "Error"),
        ({"date": "1999-01-04"}, "covered from 2005"),
        ({"seed": "x"}, "Error"),
        ({"tick": "0"}, "tick must be positive"),
        ({"lot": "-1"}, "lot must be positive"),
        ({"reference_price": "1500.03"}, "does not fit the tick"),
        ({"reference_price": "dear"}, "not a number"),
        ({"reference_price": "-5"}, "a price must be positive"),
        ({"instrument": ":"}, "is EXCHANGE:SYMBOL"),
        ({"instrument": "nse:INFY"}, "unknown exchange"),
        ({"volatility": "nan"}, "volatility out of range"),
        ({"activity": "0"}, "activity out of range"),
        ({"quantity": "0"}, "quantity out of range"),
        ({"strategy": "nowhere.py:Maker"}, "does not exist"),
        ({"strategy": "ema_trend"}, "which has ticks alone"),
        ({"strategy": "ema_trend", "strategy_latency": "fast"}, "is no time"),
        ({"strategy": "ema_trend", "strategy_every": "0s"}, "every out of range"),
        ({"strategy": "ema_trend", "strategy_param": "fast"}, "takes name=value"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_bad_input_is_refused_with_its_reason_and_writes_nothing(
    tmp_path: Path, changed: dict[str, str], message: str
) -> None:
    from typer.testing import CliRunner

    from tradsys.cli.application import verbs
    from tradsys.core.errors import InputRefused

    out = tmp_path / "out"
    answer = CliRunner().invoke(verbs, command(out, **changed)[3:])
    refused = answer.exception
    said = refused.message if isinstance(refused, InputRefused) else answer.output
    assert message in said
    assert isinstance(refused, InputRefused) or answer.exit_code == 2
    assert not out.exists()


def test_an_option_trades_in_its_own_hours_and_tick(tmp_path: Path) -> None:
    changed = {"instrument": "NFO:NIFTY26NOV25000CE", "reference_price": "150", "lot": "75"}
    done = ran(command(tmp_path, **changed))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["tick"], said["lot"], (said["close"] - said["open"]) // 60_000_000_000) == ("0.05", "75", 385)
    # It has no call auction, so nothing is collected before the market opens.
    orders = pq.read_table(tmp_path / "orders.parquet").to_pylist()
    assert min(each["at"] for each in orders if each["event"] == "new") >= said["open"]


STRATEGY = """from tradsys import Param, Strategy


class Maker(Strategy):
    size: int = Param(50, low=1)

    def on_tick(self, tick, account):
        if tick.bid == tick.bid and tick.ask == tick.ask:
            middle = (tick.bid + tick.ask) / 2
            yield self.quote(tick, bid=middle - 0.1, ask=middle + 0.1, quantity=self.size)
"""


def test_a_strategy_of_one_s_own_trades_beside_the_others_and_is_named_in_the_files(tmp_path: Path) -> None:
    (tmp_path / "maker.py").write_text(STRATEGY)
    own = {"strategy": f"{tmp_path}/maker.py:Maker", "strategy_latency": "2ms", "strategy_param": "size=20"}
    done = ran(command(tmp_path / "day", **own))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["strategy"]
    report = said["report"]
    assert (said["use"], said["parameters"], said["latency"]) == ("maker.py:Maker", {"size": 20}, 2_000_000)
    trades = pq.read_table(tmp_path / "day" / "trades.parquet").to_pylist()
    named = json.loads((tmp_path / "day" / DESCRIPTION).read_bytes())["accounts"]
    ours = [int(account) for account, name in named.items() if name == "Maker"]
    bought = [each for each in trades if (each["taker"] if each["side"] == "buy" else each["maker"]) in ours]
    sold = [each for each in trades if (each["maker"] if each["side"] == "buy" else each["taker"]) in ours]
    assert report["trades"] == len(bought) + len(sold) > 0
    held, paid = (
        sum(each["quantity"] * worth for each, worth in rows)
        for rows in (
            [*((each, 1) for each in bought), *((each, -1) for each in sold)],
            [*((each, each["price"]) for each in bought), *((each, -each["price"]) for each in sold)],
        )
    )
    assert report["position"] == held
    assert report["profit"] == pytest.approx(held * report["last_price"] - paid)
    assert report["last_price"] == trades[-1]["price"]


def test_a_refusal_ends_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept")
    done = ran(command(tmp_path / "out"))
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["message"] == "the output is a file, not a folder"
    assert (tmp_path / "out").read_text() == "kept"


def test_an_interrupted_day_is_kept_and_marked(tmp_path: Path) -> None:
    """Ctrl-C once the bar is drawn, that is, while the day runs; at this activity it would run for many minutes."""
    environment = os.environ | {"FORCE_COLOR": "1"}
    words = command(tmp_path, activity="20")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        drawn = running.stderr.read(1)
        running.send_signal(signal.SIGINT)
        said, complaint = running.communicate()
    assert drawn
    assert (running.returncode, "marked as incomplete" in complaint) == (130, True)
    assert json.loads(said)["complete"] is False
    assert json.loads(pq.read_metadata(tmp_path / FILES[0]).metadata[b"tradsys"])["complete"] is False
