"""The part of an engine's snapshot that says which capped orders are attended to."""

from __future__ import annotations

import msgspec

from tradsys.engine.engine import Engine
from tradsys.engine.protected_desk import attending
from tradsys.engine.protection import Chain


class _Attended(msgspec.Struct, frozen=True):
    """A chain, and the number of the strategy copy whose it is."""

    copy: int
    chain: Chain


_decode = msgspec.msgpack.Decoder(list[_Attended]).decode


def protected_state(engine: Engine) -> bytes:
    """Every chain in the order in which it is looked at; nothing where market orders are not protected."""
    desk = attending(engine)
    if desk is None:
        return b""
    return msgspec.msgpack.encode(
        [_Attended(engine.runners.index(desire.runner), chain) for desire, chain in desk.chains()]
    )


def restore_protected(engine: Engine, state: bytes) -> None:
    """Go on with the chains of `state`, once the live orders are there."""
    desk = attending(engine)
    if desk is not None and state:
        for each in _decode(state):
            desk.resume(engine.runners[each.copy].desires[each.chain.order.instrument], each.chain)
