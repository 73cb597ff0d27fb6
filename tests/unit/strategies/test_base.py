"""Intents as authors write them, and handlers as the engine calls them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import MONDAY, Case, Scripted, conserve, flat, minutes, scripted, trades
from tradsys.core.events import Bar, OrderType, Phase, Product, SessionChange, Side, Timer, Validity
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Context

BAR = Bar(0, 0, "NSE:A", 60, 1.0, 1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("details", "kind"),
    [
        ({}, OrderType.MARKET),
        ({"limit": 5}, OrderType.LIMIT),
        ({"trigger": 5}, OrderType.STOP),
        ({"trigger": 5, "limit": 5}, OrderType.STOP_LIMIT),
        ({"trail": 1}, OrderType.TRAILING),
        ({"stop": 1, "target": 9}, OrderType.MARKET),
    ],
)
def test_the_type_follows_from_what_is_given(details: dict[str, Any], kind: OrderType) -> None:
    intent = Strategy().buy(BAR, 3, **details)
    assert (intent.type, intent.side, intent.instrument, intent.quantity) == (kind, Side.BUY, "NSE:A", 3.0)


def test_words_of_the_broker() -> None:
    intent = Strategy().sell("NSE:B", 1, validity="IOC", product="MIS", reason="why")
    assert (intent.validity, intent.product, intent.reason) == (Validity.IOC, Product.MIS, "why")
    with pytest.raises(ValueError, match="GTX"):
        Strategy().sell("NSE:B", 1, validity="GTX")


class Clocked(Scripted):
    """Takes down sessions and timers."""

    heard: list[tuple[str, int]] = []  # noqa: RUF012

    def on_start(self, ctx: Context) -> None:
        super().on_start(ctx)
        ctx.every_session_at("09:18", name="early")

    def on_session(self, change: SessionChange, account: Any) -> None:
        self.heard.append((change.phase, change.at))

    def on_timer(self, timer: Timer, account: Any) -> Iterator[Any]:
        self.heard.append((timer.name, timer.at))
        yield self.buy("NSE:A", 2)


def test_sessions_and_timers(tmp_path: Path) -> None:
    section = {**scripted("clocked", lambda s, b, a: None), "use": "tests.unit.strategies.test_base:Clocked"}
    run = Case(tmp_path, {"NSE:A": minutes(MONDAY, flat(1, 2, 3, 4, 5))}, [section]).run(watch=conserve)
    opened = 1_717_386_300 * 10**9
    heard = next(type(runner.strategy) for runner in run.engine.runners).heard  # type: ignore[attr-defined]
    assert heard == [(Phase.OPEN, opened), ("early", opened + 180 * 10**9)]
    # the timer at 09:18 comes after the bar that ends then, and its order meets the open of the next
    assert trades(run) == [("buy", 2, 4.0)]
