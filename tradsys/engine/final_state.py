"""How an account stands at the end of a run, in one canonical form, and the hashes that say two runs ended alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tradsys.core.units import to_text
from tradsys.engine.runner import mark_open

if TYPE_CHECKING:
    from tradsys.core.events import Entry
    from tradsys.engine.assemble import Prepared, Wired

_CHUNK = 10_000


def final_state(prepared: Prepared | Wired) -> dict[str, Any]:
    """Cash, equity, positions, marks, cash moves, charges and working orders, as exact decimal texts in fixed order."""
    ledger = prepared.ledger
    mark_open(ledger, prepared.engine.markets)
    return {
        "currency": ledger.currency,
        "start": to_text(ledger.start),
        "cash": to_text(ledger.cash),
        "equity": to_text(ledger.equity()),
        "positions": [
            {
                "strategy": held.strategy,
                "instrument": held.instrument.id,
                "product": str(held.product),
                **{name: to_text(getattr(held, name)) for name in ("quantity", "cost", "realised", "charges")},
            }
            for _, held in sorted(ledger.positions.items())
        ],
        "marks": {name: to_text(price) for name, price in sorted(ledger.marks.items())},
        "cash_moves": [[*key, to_text(amount)] for key, amount in sorted(ledger.cash_moves.items())],
        "charges": {name: to_text(amount) for name, amount in sorted(ledger.charge_items.items())},
        "working": [[number, to_text(live.remaining)] for number, live in sorted(prepared.engine.working.items())],
    }


def lines_of(log: Sequence[Entry]) -> Iterable[bytes]:
    """Lines of the decision log as they are written, each with its line feed; several at a time."""
    encoder = msgspec.json.Encoder()
    return (encoder.encode_lines(log[start : start + _CHUNK]) for start in range(0, len(log), _CHUNK))


def decisions_hash(lines: Iterable[bytes]) -> str:
    """SHA-256 of the lines of a decision log, without its heading; hex."""
    digest = hashlib.sha256()
    for each in lines:
        digest.update(each)
    return digest.hexdigest()


def state_hash(state: dict[str, Any], *, decisions: str) -> str:
    """SHA-256 of a final state and of the hash of the decisions that led to it; hex."""
    text = json.dumps({"state": state, "decisions": decisions}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
