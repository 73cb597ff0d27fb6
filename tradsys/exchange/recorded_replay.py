"""The compiled path of the venue on recorded ticks: the same models, the same fills, at the speed of machine code."""

from __future__ import annotations

from typing import Any

from tradsys.core.errors import ConfigError
from tradsys.exchange.models import NoBand
from tradsys.exchange.queue_models import FirstInFirstOut, Logarithm, Power, Proportional, QueueModel, RiskAverse
from tradsys.exchange.recorded_models import RecordedModels
from tradsys.numerics.tick_replay import Floats, Records, Replayed, replay
from tradsys.numerics.tick_replay_layout import LOGARITHM, POWER, RISK_AVERSE


def replay_ticks(step: Any, rows: Records, *, models: RecordedModels, state: Floats) -> Replayed:
    """Run a compiled step (see `tradsys.numerics.tick_replay`) over rows of ticks under the venue's models.

    Raises `ConfigError` for a model that the compiled path does not know: a price band, a queue weight of one's own.
    """
    if not isinstance(models.band, NoBand):
        raise ConfigError("compiled replays have no price band", value=models.band.describe(), fix="use NoBand()")
    queue, exponent = _compiled(models.queue)
    entry, response = models.entry.tape(), models.response.tape()
    return replay(step, rows, state=state, entry=entry, response=response, queue=queue, exponent=exponent)


def _compiled(model: QueueModel) -> tuple[int, float]:
    """Number and exponent of a queue model; ticks name no orders, so first in, first out is risk-averse on them."""
    if isinstance(model, RiskAverse | FirstInFirstOut):
        return RISK_AVERSE, 1.0
    if isinstance(model, Proportional):
        if isinstance(model.weight, Power):
            return POWER, model.weight.exponent
        if isinstance(model.weight, Logarithm):
            return LOGARITHM, 1.0
    raise ConfigError("queue model that is not compiled", value=model.describe(), fix="use one that queue_model knows")
