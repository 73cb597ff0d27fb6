"""Pages are whole, load nothing, and take whatever a user wrote for text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tests.unit.engine.reports.lines import EVIL, Lines, record_of
from tests.unit.engine.reports.test_violations import found_in
from tradsys.core.events import Halted
from tradsys.engine.reports import drawings
from tradsys.engine.reports.account import Trade, booked
from tradsys.engine.reports.algo_ids import algo_ids
from tradsys.engine.reports.closes import Closes
from tradsys.engine.reports.daily_risk import risk_days
from tradsys.engine.reports.orders import lives, order_sheet
from tradsys.engine.reports.pages import MOST_ROWS, Report, render
from tradsys.engine.reports.risk_sheets import exposure_sheet, risk_sheet
from tradsys.engine.reports.sheets import Heading, Sheet, csv_text
from tradsys.engine.reports.trades import trade_sheet
from tradsys.engine.reports.violations import count_sheet, violation_sheet

LOADING = {"src", "srcset", "href", "data", "action", "poster", "background", "formaction"}
KNOWN = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "div", "section", "table",
    "thead", "tbody", "tr", "th", "td", "footer", "script",
}  # fmt: skip


class Page(HTMLParser):
    """Elements, attributes and text of a page, scripts and styles apart."""

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


def evil_reports() -> list[Report]:
    """One of each kind, of a run whose strategy, reasons and errors are hostile."""
    lines = Lines(strategy=EVIL)
    order = lines.approved(reason=EVIL)
    lines.filled(order, 10, 100, ((EVIL, 5),))
    lines.refused(EVIL, fix=EVIL, limit=EVIL, value=EVIL)
    lines.add(Halted(at=lines.at, strategy=EVIL, error=EVIL, traceback=EVIL))
    record = record_of(lines.entries)
    ids, found = algo_ids(record.saved.settings), list(lives(lines.entries).values())
    trades = [each for each in booked(record) if isinstance(each, Trade)]
    bad, days = found_in(record), risk_days(record, Closes({}, missing=EVIL))
    return [
        Report([order_sheet(record, found, ids)], (), drawings.of_orders(found)),
        Report([trade_sheet(record, trades, ids)], (), drawings.of_trades(trades)),
        Report([violation_sheet(record, bad), count_sheet(record, bad)], (), drawings.of_violations(bad)),
        Report([risk_sheet(record, days), exposure_sheet(record, days)], (), drawings.of_risk(days), [EVIL]),
    ]


@pytest.mark.parametrize("number", range(4))
def test_what_users_write_is_text_and_nothing_is_loaded(number: int) -> None:
    report = evil_reports()[number]
    html = render(report, source=EVIL, period="a day")
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= KNOWN
    for tag, attributes in page.tags:
        assert not LOADING & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag
    policy = [attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"]
    assert EVIL in page.text, "it is shown as it was written"
    drawn = {attrs["id"] for _, attrs in page.tags if attrs.get("class") == "chart"}
    figures = json.loads(page.blocks["figures"])
    assert drawn == set(figures) and drawn
    assert "<script>alert" not in page.blocks["figures"]
    # What a drawing shows is HTML to the library that draws it.
    assert "<script" not in json.dumps(figures)


def test_hostile_text_runs_in_no_spreadsheet() -> None:
    for report in evil_reports():
        for sheet in report.sheets:
            for line in csv_text(sheet).splitlines():
                assert not re.search(r'(^|,)"?[=@+]', line), line


def test_nothing_to_report_is_none_and_draws_nothing() -> None:
    record = record_of([])
    page = render(Report([violation_sheet(record, []), count_sheet(record, [])]), source="x", period="no day")
    assert page.count('<div class="card">none</div>') == 2
    assert "Plotly" not in page
    assert drawings.of_risk([]) == drawings.of_orders([]) == drawings.of_trades([]) == drawings.of_violations([]) == []


def test_of_a_long_table_the_page_shows_both_ends_and_says_so() -> None:
    rows = [(number, "") for number in range(MOST_ROWS + 7)]
    sheet = Sheet(
        name="many", title="Many", lead="", headings=(Heading("number", "count"), Heading("nothing")), rows=rows,
        zone="Asia/Kolkata", currency="INR",
    )  # fmt: skip
    page = Page(render(Report([sheet]), source="x", period="y"))
    assert "7 rows in the middle are left out: many.csv has all of them." in page.text
    assert sum(tag == "tr" for tag, _ in page.tags) == MOST_ROWS + 1
    assert sum(tag == "th" for tag, _ in page.tags) == 1, "a column without a value is not shown"
    assert len(csv_text(sheet).splitlines()) == MOST_ROWS + 8


def test_many_bars_become_one_for_the_rest() -> None:
    figure = drawings.bars({f"rule {number}": number for number in range(1, 31)}, color="red")
    (trace,) = figure["data"]
    assert trace["y"][0] == "rule 30" and trace["y"][-1] == "10 others"
    assert sum(trace["x"]) == sum(range(1, 31))
