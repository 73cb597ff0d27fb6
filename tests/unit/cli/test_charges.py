"""`tradsys charges`: one JSON object with every decimal, a table for people, refusals that say what to do."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import typer
from typer.testing import CliRunner

from tradsys.cli.charges import charges
from tradsys.core.errors import ConfigError, TradSysError, UncoveredDate, UnknownName

SALE = ["--segment", "delivery", "--side", "sell", "--quantity", "100", "--price", "1520", "--on", "2026-11-20"]
KEYS = ["brokerage", "stt", "exchange", "ipft", "sebi", "gst", "stamp", "dp", "total"]

application = typer.Typer()
application.command()(charges)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(application, list(arguments), catch_exceptions=True)
    if isinstance(result.exception, TradSysError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_is_one_object_exact_to_the_last_decimal() -> None:
    items = json.loads(run(*SALE, "--json"), parse_float=Decimal, parse_int=Decimal)
    assert list(items) == KEYS
    # 0.1 % STT; 306.99 and 0.01 a crore; 10 a crore; 18 % of (4.666248 + 0.152); a delivery sale pays DP
    assert items["stt"] == 152
    assert items["exchange"] == Decimal("4.666248")
    assert items["ipft"] == Decimal("0.000152")
    assert items["gst"] == Decimal("0.86728464")
    assert items["dp"] == Decimal("15.34")
    assert items["total"] == sum(items[key] for key in KEYS[:-1])


def test_contract_note_rounds_tax_to_the_rupee_and_the_rest_to_the_paisa() -> None:
    arguments = [
        "--segment",
        "intraday",
        "--side",
        "sell",
        "--quantity",
        "7",
        "--price",
        "1523.45",
        "--on",
        "2026-11-20",
    ]
    exact = json.loads(run(*arguments, "--json"), parse_float=Decimal, parse_int=Decimal)
    rounded = json.loads(run(*arguments, "--json", "--contract-note"), parse_float=Decimal, parse_int=Decimal)
    # 0.025 % of 10,664.15 is 2.67
    assert exact["stt"] == Decimal("2.6660375")
    assert rounded["stt"] == 3
    assert all(value == round(value, 2) for value in rounded.values())
    assert rounded["total"] == sum(rounded[key] for key in KEYS[:-1])


def test_table_shows_rupees_with_lakh_grouping() -> None:
    text = run(
        "--segment", "delivery", "--side", "buy", "--quantity", "100000", "--price", "1500", "--on", "2026-11-20"
    )
    assert "₹1,50,000.00" in text
    assert "Total charges" in text


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (["--on", "2015-03-02"], UncoveredDate, "charges.as_of"),
        (["--on", "20 Nov"], ConfigError, "2026-11-20"),
        (["--plan", "zeroda"], UnknownName, "did you mean 'zerodha'"),
        (["--segment", "intra"], UnknownName, "did you mean 'intraday'"),
        (["--exchange", "NSEE"], UnknownName, "did you mean 'NSE'"),
        (["--side", "bye"], UnknownName, "did you mean 'buy'"),
        (["--quantity", "0"], ConfigError, "quantity must be positive"),
        (["--price", "-5"], ConfigError, "price must be positive"),
        (["--price", "abc"], ConfigError, "not a number"),
    ],
)
def test_bad_input_is_refused(change: list[str], error: type[TradSysError], said: str) -> None:
    with pytest.raises(error) as caught:
        run(*SALE, *change, "--json")
    assert said in str(caught.value)
    assert caught.value.exit_code == 2
