"""`tradsys rules`: what is in force, one rule with its vectors, an order from a file; refusals are exit code 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tradsys.cli.application import verbs
from tradsys.compliance.sebi.book import TITLES
from tradsys.compliance.sebi.vector_rows import all_vectors
from tradsys.core.errors import ConfigError, MissingData, TradSysError, UnknownName

DOCUMENT = Path(__file__).parents[3] / "docs" / "sebi_rules.md"
PROMISED = {"id", "title", "source", "effective_from", "effective_to", "severity"}


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(verbs, ["rules", *(str(word) for word in words)], catch_exceptions=True)
    if isinstance(result.exception, TradSysError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def parsed(*words: object, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json", code=code))
    return found


@pytest.fixture
def order(tmp_path: Path) -> Path:
    """The order of the document."""
    text = DOCUMENT.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    path = tmp_path / "order.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_list_has_what_is_promised_of_every_rule() -> None:
    found = parsed("list", "--as-of", "2026-11-20")
    assert found["as_of"] == "2026-11-20"
    assert all(set(each) >= PROMISED for each in found["rules"])
    assert list(dict.fromkeys(each["id"] for each in found["rules"])) == list(TITLES)


def test_a_year_has_its_rules() -> None:
    names = {each["id"] for each in parsed("list", "--on", "2023-06-01")["rules"]}
    assert "sebi-short-sale" in names and "sebi-order-rate" not in names
    assert parsed("list", "--as-of", "2023-06-01") == parsed("list", "--on", "2023-06-01")


def test_without_a_date_todays_rules_are_listed() -> None:
    assert {each["id"] for each in parsed("list")["rules"]} == set(TITLES)


def test_tables_for_people_name_every_rule() -> None:
    shown = run("list", "--as-of", "2026-11-20")
    assert all(name in shown for name in TITLES)
    assert "Test vectors" in run("show", "sebi-order-rate")


@pytest.mark.parametrize("rule", TITLES)
def test_a_rule_is_shown_with_its_rows_and_vectors(rule: str) -> None:
    shown = parsed("show", rule)["rule"]
    assert shown["title"] == TITLES[rule]
    assert shown["rows"] and all(set(each) >= PROMISED for each in shown["rows"])
    assert len(shown["vectors"]) == sum(each.rule == rule for each in all_vectors())


def test_a_rule_is_shown_as_of_a_date() -> None:
    assert parsed("show", "sebi-market-order", "--as-of", "2025-06-01")["rule"]["rows"][0]["exchanges"] == [
        "BCD",
        "CDS",
    ]


def test_a_rule_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="sebi-order-rate"):
        run("show", "sebi-order-rates")


def test_the_vectors_agree() -> None:
    found = parsed("check")
    assert (found["rules"], found["vectors"], found["wrong"]) == (len(TITLES), len(all_vectors()), [])
    assert parsed("check", "--as-of", "2023-06-01")["rules"] < len(TITLES)
    assert "0 wrong" in run("check")


def test_the_order_of_the_document_is_refused_by_the_rules_it_names(order: Path) -> None:
    found = parsed("check", order, code=1)
    refused = {each["id"]: (each["value"], each["limit"]) for each in found["rules"] if each["verdict"] == "refused"}
    assert refused == {
        "sebi-limit-protection": ("140.05", "at most 140"),
        "sebi-freeze-quantity": ("1950", "1800"),
    }
    assert (found["refused"], found["as_of"]) == (2, "2026-11-20")
    assert all(set(each) >= PROMISED for each in found["rules"])
    assert "sebi-freeze-quantity" in run("check", order, code=1)


def test_an_order_that_every_rule_lets_pass(order: Path) -> None:
    text = order.read_text("utf-8").replace("1950", "1755").replace("140.05", "140")
    order.write_text(text, encoding="utf-8")
    found = parsed("check", order)
    assert found["refused"] == 0
    assert {each["verdict"] for each in found["rules"]} == {"passed", "not concerned"}


def test_an_order_under_the_rules_of_another_day(order: Path) -> None:
    found = parsed("check", order, "--as-of", "2022-06-01", code=1)
    said = {each["id"]: each["verdict"] for each in found["rules"]}
    assert said["sebi-limit-protection"] == said["sebi-order-rate"] == "not in force"


def test_what_is_not_known_is_refused(order: Path) -> None:
    order.write_text(order.read_text("utf-8").partition("[facts]")[0], encoding="utf-8")
    found = parsed("check", order, code=1)
    unknown = [each["id"] for each in found["rules"] if each["value"].startswith("unknown: ")]
    assert "sebi-algo-id" in unknown and "sebi-self-trade" in unknown


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("quantity = 1950", "quantity = -65", "quantity must be positive"),
        ("quantity = 1950", 'quantity = "many"', "not a number"),
        ("quantity = 1950", "quantity = nan", "not a number|finite"),
        ("quantity = 1950", "quantty = 1950", "cannot be read"),
        ("limit = 140.05", "", "needs one"),
        ('"buy"', '"hold"', "cannot be read"),
        ("NFO:NIFTY", "NIFTY", "without exchange"),
        ("at = 2026-11-20T10:00:00+05:30", "at = 2026-11-20T10:00:00", "without offset"),
        ("[order]", "[orders]", "cannot be read"),
        ("[order]", "[order", "cannot be read"),
    ],
)
def test_a_file_with_an_error_is_refused(order: Path, old: str, new: str, error: str) -> None:
    text = order.read_text("utf-8")
    assert old in text
    order.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=error):
        run("check", order)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="cannot read"):
        run("check", tmp_path / "nothing.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        run("check", tmp_path / "bytes.toml")


@pytest.mark.parametrize("words", [("list", "--as-of", "20 Nov"), ("check", "--as-of", "2026-13-01")])
def test_a_date_that_is_none(words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="not a date"):
        run(*words)
