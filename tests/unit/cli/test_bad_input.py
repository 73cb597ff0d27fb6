"""Bad input on the command line: a clear message, its exit code, one JSON object, and nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Row, minutes, to_toml, write_bars
from tradsys.cli.application import app

STRATEGY = """
from tradsys import Param, Strategy


class Buyer(Strategy):
    size: int = Param(10, low=1, high=100)

    def on_bar(self, bar, account):
        yield self.target(bar, self.size)
"""

ROWS = minutes(MONDAY, [(100.0, 101.0, 99.0, 100.5)] * 5)

Report = tuple[int, dict[str, Any]]
Asked = Callable[..., Report]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good run in it, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "buyer.py").write_text(STRATEGY)
    write_bars(tmp_path / "bars.csv", ROWS)
    write_run(tmp_path)
    return tmp_path


def write_run(folder: Path, *, use: str = "buyer.py:Buyer", **changed: Mapping[str, Any]) -> None:
    tables: dict[str, dict[str, Any]] = {
        "run": {"name": "small", "cash": 100_000.0},
        "data": {
            "path": "bars.csv",
            "format": "csv",
            "interval": "1m",
            "label": "end",
            "instruments": [{"id": "NSE:A", "name": "bars"}],
        },
        "execution": {"participation": 0.0},
        "charges": {"plan": "zerodha", "as_of": "2025-12-01"},
    }
    params = changed.pop("params", {})
    for name, values in changed.items():
        tables.setdefault(name, {}).update(values)
    (folder / "run.toml").write_text(to_toml({**tables, "strategies": [{"use": use, "params": params}]}))


@pytest.fixture
def asked(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asked:
    """Exit code and the one JSON object of a `tradsys` command."""

    def ask(*words: str) -> Report:
        monkeypatch.setattr(sys, "argv", ["tradsys", *words])
        with pytest.raises(SystemExit) as stopped:
            app()
        code = stopped.value.code
        assert isinstance(code, int)
        out = capsys.readouterr().out
        assert out.count("\n") == 1, out
        body: dict[str, Any] = json.loads(out)
        return code, body

    return ask


def refused(report: Report, *, code: str, exit_code: int = 2) -> dict[str, Any]:
    """The error body, and that nothing was written."""
    assert report[0] == exit_code, report
    assert set(report[1]) == {"error"}
    error: dict[str, Any] = report[1]["error"]
    assert set(error) == {"code", "message", "value", "limit", "fix"}
    assert error["code"] == code, error
    assert error["message"]
    assert not list(Path.cwd().glob("backtests/*")), "something was written"
    return error


def test_a_good_run(asked: Asked, place: Path) -> None:
    code, body = asked("backtest", "run.toml", "--json")
    assert code == 0
    promised = ["run_dir", "final_equity", "net_pnl", "charges", "fills", "orders", "refused", "metrics", "assumptions"]
    assert set(promised) <= set(body)
    assert body["fills"] == 1 and Path(body["run_dir"]).is_dir()


def test_missing_run_file(asked: Asked) -> None:
    error = refused(asked("backtest", "absent.toml", "--json"), code="config")
    assert "absent.toml" in error["message"]


def test_run_file_that_is_no_toml(asked: Asked, place: Path) -> None:
    (place / "run.toml").write_text("[run\nname=1")
    assert "line 1" in refused(asked("backtest", "run.toml", "--json"), code="config")["message"]


def test_missing_data_file(asked: Asked, place: Path) -> None:
    (place / "bars.csv").unlink()
    assert "bars.csv" in refused(asked("backtest", "run.toml", "--json"), code="missing_data")["message"]


@pytest.mark.parametrize("content", ["", "date,open,high,low,close,volume\n"])
def test_empty_data(asked: Asked, place: Path, content: str) -> None:
    (place / "bars.csv").write_text(content)
    code, body = asked("backtest", "run.toml", "--json")
    assert refused((code, body), code=body["error"]["code"])["code"] in ("missing_data", "data")


@pytest.mark.parametrize(
    ("first", "last"), [("2024-05-01", "2024-06-03"), ("2024-06-03", "2024-07-01"), ("2025-01-01", "2025-02-01")]
)
def test_window_that_the_data_does_not_cover(asked: Asked, first: str, last: str) -> None:
    report = asked("backtest", "run.toml", "--json", "--set", f"run.from={first}", "--set", f"run.to={last}")
    error = refused(report, code="missing_data")
    assert "2024-06-03" in error["message"] + str(error["limit"])


def test_window_upside_down(asked: Asked) -> None:
    report = asked("backtest", "run.toml", "--json", "--set", "run.from=2024-06-04", "--set", "run.to=2024-06-01")
    assert "before" in refused(report, code="config")["message"]


def spoilt(change: Callable[[list[Row]], list[Row]]) -> list[Row]:
    return change(list(ROWS))


NAN = float("nan")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (spoilt(lambda rows: [rows[1], rows[0], *rows[2:]]), "out of order"),
        (spoilt(lambda rows: [rows[0], rows[0], *rows[1:]]), "twice"),
        (spoilt(lambda rows: [*rows[:2], (rows[2][0], NAN, 101.0, 99.0, 100.0, 1.0), *rows[3:]]), "not a number"),
        (spoilt(lambda rows: [*rows[:2], (rows[2][0], -5.0, 101.0, -6.0, 100.0, 1.0), *rows[3:]]), "not above zero"),
        (
            spoilt(lambda rows: [*rows[:2], (rows[2][0], 100.0, 99.0, 101.0, 100.0, 1.0), *rows[3:]]),
            "high is below low",
        ),
        (spoilt(lambda rows: [*rows[:2], (rows[2][0], 100.0, 101.0, 99.0, 100.0, -1.0), *rows[3:]]), "negative"),
    ],
)
def test_bars_not_fit_to_trade_on(asked: Asked, place: Path, rows: list[Row], says: str) -> None:
    write_bars(place / "bars.csv", rows)
    error = refused(asked("backtest", "run.toml", "--json"), code="data")
    assert says in error["message"] and "row" in error["message"]
    assert "tradsys data import" in error["fix"]


def test_label_left_open(asked: Asked, place: Path) -> None:
    text = (place / "run.toml").read_text().replace('label = "end"\n', "")
    (place / "run.toml").write_text(text)
    assert "label" in refused(asked("backtest", "run.toml", "--json"), code="config")["fix"]


def test_unknown_instrument(asked: Asked, place: Path) -> None:
    write_run(place, data={"instruments": [{"id": "NSE:A", "name": "barz"}]})
    assert "'bars'" in refused(asked("backtest", "run.toml", "--json"), code="unknown_name")["fix"]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("execution.slipage_bps", "execution.slippage_bps"),
        ("chrges.square_off_fee", "charges"),
        ("data.instruments.0.tcik", "data.instruments.0.tick"),
        ("strategies.0.parms.size", "strategies.0.params"),
        ("run.form", "run.from"),
    ],
)
def test_misspelt_key(asked: Asked, key: str, nearest: str) -> None:
    error = refused(asked("backtest", "run.toml", "--json", "--set", f"{key}=1"), code="unknown_name")
    assert error["fix"] == f"did you mean {nearest!r}?"


def test_misspelt_key_in_the_file(asked: Asked, place: Path) -> None:
    write_run(place, risk={"intraday_leverge": 5.0})
    error = refused(asked("backtest", "run.toml", "--json"), code="unknown_name")
    assert "run.toml" in error["message"] and "intraday_leverage" in error["fix"]


@pytest.mark.parametrize(
    ("params", "says"),
    [({"size": 500}, "above its high of 100"), ({"size": "ten"}, "must be int"), ({"sise": 5}, "unknown parameter")],
)
def test_parameters(asked: Asked, place: Path, params: dict[str, Any], says: str) -> None:
    write_run(place, params=params)
    code, body = asked("backtest", "run.toml", "--json")
    assert says in refused((code, body), code=body["error"]["code"])["message"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("class Buyer(:\n", "line 1"),
        ("import nothing_of_that_name\n", "nothing_of_that_name"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("raise RuntimeError('no')\n", "RuntimeError"),
    ],
)
def test_strategy_file_that_does_not_load(asked: Asked, place: Path, text: str, says: str) -> None:
    (place / "buyer.py").write_text(text)
    assert says in refused(asked("backtest", "run.toml", "--json"), code="strategy")["message"]


def test_strategy_that_is_not_there(asked: Asked, place: Path) -> None:
    write_run(place, use="buyer.py:Byer")
    assert "'Buyer'" in refused(asked("backtest", "run.toml", "--json"), code="unknown_name")["fix"]
    write_run(place, use="absent.py:Buyer")
    assert "absent.py" in refused(asked("backtest", "run.toml", "--json"), code="strategy")["message"]


def test_strategy_that_fails_to_start(asked: Asked, place: Path) -> None:
    (place / "buyer.py").write_text(
        STRATEGY + "\n    def on_start(self, ctx):\n        self.mean = ctx.indicator(nothing)\n"
    )
    assert "on_start" in refused(asked("backtest", "run.toml", "--json"), code="strategy")["message"]


@pytest.mark.parametrize("flag", ["run.cash", "=5", "run.cash=none", "run.cash=-5", "execution.participation=2"])
def test_bad_set(asked: Asked, flag: str) -> None:
    refused(asked("backtest", "run.toml", "--json", "--set", flag), code="config")


def test_bad_environment(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADSYS__RUN__CSAH", "5")
    error = refused(asked("backtest", "run.toml", "--json"), code="unknown_name")
    assert "TRADSYS__RUN__CSAH" in error["message"] and "run.cash" in error["fix"]


def test_date_without_charges_names_the_key_to_set(asked: Asked, place: Path) -> None:
    rows = minutes(MONDAY.replace(year=2012, month=6, day=4), [(100.0, 101.0, 99.0, 100.5)] * 5)
    write_bars(place / "bars.csv", rows)
    text = (place / "run.toml").read_text().replace('as_of = "2025-12-01"\n', "")
    (place / "run.toml").write_text(text)
    error = refused(asked("backtest", "run.toml", "--json"), code="uncovered_date")
    assert "charges.as_of" in error["fix"]


def test_usage(asked: Asked) -> None:
    refused(asked("backtest", "run.toml", "--json", "--no-such-flag"), code="usage")
    refused(asked("backtest", "--json"), code="usage")


def test_without_json_people_read_a_sentence(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tradsys", "backtest", "absent.toml"])
    with pytest.raises(SystemExit) as stopped:
        app()
    said = capsys.readouterr()
    assert stopped.value.code == 2 and not said.out
    assert "error: run file absent.toml does not exist" in said.err and "fix:" in said.err


# --- the machine's limits

TINY = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
sys.argv = ["tradsys", "backtest", "run.toml", "--json"]
from tradsys.cli.application import app
app()
"""


def child(place: Path, repository: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, *words], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_disk_full_while_writing(place: Path, repository: Path) -> None:
    done = child(place, repository, "-c", TINY)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 3, err
    body = json.loads(out)
    assert body["error"]["code"] == "resource" and "--out" in body["error"]["fix"]
    assert not list(place.glob("backtests/*")) and not list(place.glob("backtests/.*"))


def test_results_that_cannot_be_placed(asked: Asked, place: Path) -> None:
    (place / "taken").write_text("a file")
    report = asked("backtest", "run.toml", "--json", "--out", "taken")
    refused(report, code="resource", exit_code=3)


SLOW = """
import time
from tradsys import Strategy


class Slow(Strategy):
    n = 0

    def on_bar(self, bar, account):
        self.n += 1
        if self.n == 3:
            print("started", flush=True)
        if self.n in (3, 4):
            time.sleep(1.5)
        yield self.target(bar, 5)
"""


def test_interrupted(place: Path, repository: Path) -> None:
    """Ctrl-C leaves a result that says it is partial, and covers only what was processed."""
    (place / "slow.py").write_text(SLOW.replace('print("started"', 'import sys; print("started", file=sys.stderr'))
    rows = [row for day in (3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 18, 19, 20) for row in _full_day(day)]
    write_bars(place / "bars.csv", rows)
    write_run(place, use="slow.py:Slow")
    running = child(place, repository, "-m", "tradsys", "backtest", "run.toml", "--json")
    assert running.stderr is not None
    while "started" not in running.stderr.readline():
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    body = json.loads(out)
    assert body["interrupted"] is True
    folder = Path(place / body["run_dir"])
    assert json.loads((folder / "manifest.json").read_text())["partial"] is True
    import pyarrow.parquet as pq

    assert 0 < pq.read_table(folder / "equity.parquet").num_rows < len(rows)
    assert (folder / "report.html").stat().st_size > 1000


TWICE = """
import time
from tradsys import Strategy


class Twice(Strategy):
    def on_start(self, ctx):
        with open(STARTS, "a+") as starts:
            starts.write("start\\n")
            starts.seek(0)
            again = len(starts.readlines()) > 1
        if again:
            time.sleep(60)

    def on_bar(self, bar, account):
        yield self.target(bar, 5)
"""


@pytest.mark.parametrize("words", [["--json"], []], ids=["json", "people"])
def test_interrupted_while_it_proves(place: Path, repository: Path, words: list[str]) -> None:
    """Ctrl-C where no partial result is made still says what happened."""
    starts = place / "starts"
    (place / "twice.py").write_text(TWICE.replace("STARTS", repr(str(starts))))
    write_run(place, use="twice.py:Twice")
    running = child(place, repository, "-m", "tradsys", "backtest", "run.toml", "--verify", *words)
    while running.poll() is None and not (starts.exists() and starts.read_text().count("start") > 1):
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    if words:
        assert json.loads(out)["error"]["code"] == "interrupted" and not err
    else:
        assert err == "error: interrupted\n"


def _full_day(day: int) -> list[Row]:
    return minutes(MONDAY.replace(day=day), [(100.0, 101.0, 99.0, 100.5)] * 375)
