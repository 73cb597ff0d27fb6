"""The same worlds with market orders capped so closely that most of them come to rest: no law is broken either."""

from __future__ import annotations

import pytest

from tests.simulation.scenario import run
from tests.simulation.world import SECOND
from tradsys.core.instruments import Instrument
from tradsys.engine.protection import Protection
from tradsys.exchange.models import NoBand
from tradsys.execution.protected_orders import Chase, ProtectionPolicy

POLICY = ProtectionPolicy(
    wait=2 * SECOND,
    bars=0,
    entries=Chase(re_pegs=1, then="cancel"),
    exits=Chase(re_pegs=2, then="widen"),
    factor=200,
    widest=2_000,
)
CHUNK = 6


@pytest.mark.parametrize("chunk", [*range(5), 18])
def test_no_law_is_broken_where_market_orders_rest(chunk: int) -> None:
    """Among them seed 110, in which the kill switch once left an exit at a limit that the price had come back from."""
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        capped: list[int] = []

        def percent(instrument: Instrument, price: int, at: int, capped: list[int] = capped) -> int:
            capped.append(price)
            return 5

        report = run(seed, protection=Protection(percent=percent, policy=POLICY, band=NoBand()))
        assert not report.law, report.line
        assert capped, "no market order was capped"
