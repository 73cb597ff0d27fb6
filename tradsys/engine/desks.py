"""The order desk of a run, put together of the kinds that the run asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tradsys.engine.order_desk import OrderDesk

Kind = tuple[type[OrderDesk], dict[str, Any]]
"""A kind of desk and what only it is given."""


def composed(kinds: Sequence[Kind]) -> Callable[..., OrderDesk]:
    """What makes a desk that is of all these kinds: an order goes through them as they stand, the first first."""
    if not kinds:
        return OrderDesk
    given = {name: value for _, own in kinds for name, value in own.items()}
    return partial(type("ComposedDesk", tuple(kind for kind, _ in kinds), {}), **given)
