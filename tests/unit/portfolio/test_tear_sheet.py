"""The tear sheet is one file that loads nothing, escapes everything, and says what happened."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tests.unit.portfolio.runs import daily_run, minute_run
from tradsys.core.events import Halted
from tradsys.portfolio.result import Finding, RefusedRule
from tradsys.portfolio.tables import duration
from tradsys.portfolio.tear_sheet import render

LOADING = {"src", "srcset", "href", "data", "action", "poster", "background", "formaction"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, scripts apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.blocks: dict[str, str] = {}
        self.inside = ""
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") or tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.blocks[self.inside] = self.blocks.get(self.inside, "") + data
        else:
            self.words.append(data)


def test_loads_nothing_and_forbids_loading() -> None:
    page = Page(render(daily_run(60)))
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base", "form")
        assert not LOADING & set(attributes), tag
    policy = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"]
    assert "url(" not in page.blocks["style"] and "@import" not in page.blocks["style"]


def test_head_policy_comes_before_anything_that_runs() -> None:
    html = render(daily_run(20))
    assert html.index("Content-Security-Policy") < html.index("<style") < html.index("<script")


def test_hundred_thousand_bars_fit_in_eight_megabytes() -> None:
    result = minute_run(100_000)
    assert len(result.trades) == 1_000
    assert len(render(result).encode()) < 8_000_000


def test_every_chart_of_the_page_has_its_figure() -> None:
    page = Page(render(daily_run(60)))
    drawn = {attrs["id"] for tag, attrs in page.tags if attrs.get("class") == "chart"}
    assert drawn == set(json.loads(page.blocks["figures"]))
    assert {"equity", "drawdown", "monthly-returns", "cost-waterfall", "price-0", "trade-results"} <= drawn


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", '"><b>x</b>', "{{ 7 * 7 }}"]
)
def test_what_users_write_is_text(evil: str) -> None:
    plain = Page(render(daily_run(60)))
    result = daily_run(
        60,
        name=evil,
        benchmark_name=evil,
        assumptions=[evil],
        interrupted=evil,
        manifest={evil: evil},
        cash_moves={evil: 1},
        profit_by_strategy={evil: 1},
        profit_by_instrument={evil: 1},
        refusals=[RefusedRule(rule=evil, count=1, limit=evil, value=evil, fix=evil)],
        findings=[Finding(kind=evil, instrument=evil, count=1, detail=evil)],
        halted=[Halted(at=1, strategy=evil, error=evil, traceback=evil)],
    )
    page = Page(render(result))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags} | {"details", "summary", "pre", "strong"}
    assert [tag for tag, _ in page.tags].count("script") == [tag for tag, _ in plain.tags].count("script")
    assert page.text.count(re.sub(r"\s+", " ", evil)) >= 10
    json.loads(page.blocks["figures"])


def test_money_is_grouped_in_lakhs_and_times_are_the_exchange_s() -> None:
    text = Page(render(daily_run(60))).text
    assert "₹1,00,000.00" in text
    assert "2024-01-01 15:30 IST to 2024-02-29 15:30 IST" in text


def test_other_currencies_are_grouped_in_thousands() -> None:
    page = Page(render(daily_run(60, currency="USDT", zone="UTC")))
    assert "USDT 100,000.00" in page.text and "₹" not in page.text
    assert json.loads(page.blocks["money"]) == {"sign": "USDT ", "grouping": [3]}


def test_a_run_without_trades_says_why() -> None:
    text = Page(render(daily_run(30, trade=False, why_no_trades=["0 signals in 30 bars", "warm-up of 60 bars"]))).text
    assert "No trade was made" in text and "0 signals in 30 bars" in text and "warm-up of 60 bars" in text
    assert "From trading profit" not in text
    assert "No trade was made" not in Page(render(daily_run(30))).text


def test_a_partial_run_says_so() -> None:
    assert "Partial result" in Page(render(daily_run(30, interrupted="Ctrl-C"))).text
    assert "Partial result" not in Page(render(daily_run(30))).text


def test_halted_refused_and_found_are_shown() -> None:
    result = daily_run(
        30,
        halted=[
            Halted(at=1_704_080_000_000_000_000, strategy="breakout", error="ZeroDivisionError", traceback="line 3")
        ],
        refusals=[RefusedRule(rule="free_cash", count=1_200, limit="10", value="12", fix="lower it")],
        findings=[Finding(kind="cut_day", instrument="NSE:A", count=3, first=1_704_080_000_000_000_000)],
    )
    text = Page(render(result)).text
    for words in ("Strategy breakout was halted", "2024-01-01 09:03:20 IST", "line 3", "free_cash", "1,200", "cut day"):
        assert words in text


def test_trades_left_out_of_the_table_are_counted() -> None:
    result = daily_run(400, every=3)
    text = Page(render(result)).text
    assert f"… {len(result.trades) - 50} more" in text and "all are in trades.csv" in text


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [(500_000_000, "0.5 s"), (90_000_000_000, "1 min 30 s"), (3_600_000_000_000, "1 h"), (100_000 * 10**9, "1 d 3 h")],
)
def test_duration(nanoseconds: int, words: str) -> None:
    assert duration(nanoseconds) == words


def test_embedded_data_cannot_end_its_script() -> None:
    page = Page(render(daily_run(20, currency="</script><b>")))
    assert json.loads(page.blocks["money"])["sign"] == "</script><b> "
    assert "b" not in {tag for tag, _ in page.tags}


def test_manifest_shows_every_leaf() -> None:
    manifest = {
        "code": {"version": "0.1.0", "sha256": "ab12"},
        "compile_seconds": 3.14159,
        "data": {f"NSE:{n}": {"sha256": f"hash{n}", "bars": n} for n in range(9)},
        "configuration": {"strategies": [{"use": "a.py:A"}], "instruments": ["X", "Y"], "note": None},
    }
    page = Page(render(daily_run(20, manifest=manifest)))
    for words in ("code · sha256", "ab12", "3.14", "data · NSE:8 · sha256", "hash8", "a.py:A", "X, Y"):
        assert words in page.text
