"""What a self-assessment goes through: by date, by regime and article, each row with its source."""

from __future__ import annotations

from datetime import date

import pytest

from tradsys.reference.self_assessment import requirements, seconds_of


def test_articles_come_by_their_numbers_and_regimes_apart() -> None:
    found = requirements(date(2026, 11, 22))
    regimes = [each.regime for each in found]
    assert regimes == sorted(regimes) and set(regimes) == {"rts6", "sebi"}
    articles = [each.article for each in found if each.regime == "rts6"]
    assert articles[0] == "9" and articles[-1] == "18(5)"
    assert all(each.in_force and each.text and each.source for each in found)


def test_a_row_that_is_not_in_force_yet_says_from_when() -> None:
    (rate,) = (each for each in requirements(date(2026, 3, 31)) if each.control == "order_rate")
    assert (rate.in_force, rate.effective_from) == (False, date(2026, 4, 1))
    (rate,) = (each for each in requirements(date(2026, 4, 1)) if each.control == "order_rate")
    assert rate.in_force


def test_the_figure_of_article_16() -> None:
    assert seconds_of("alert_delay") == 5
    with pytest.raises(ValueError, match="empty"):
        seconds_of("kill")
