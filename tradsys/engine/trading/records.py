"""What the journal of a live run holds: inputs, from which all else follows, and outputs, which a replay must repeat.

Payloads are JSON. Bulk market data is not among them: a `MarketRead` says which rows of which feed came, with the hash
of what they said.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tradsys.core.errors import JournalDamaged
from tradsys.core.events import Entry
from tradsys.core.safety import SafetyLevel, SafetyLowered, SafetyRaised
from tradsys.core.venue import AnyCommand, Incoming, Subject
from tradsys.engine.trading.terms import LiveSettings
from tradsys.risk.limit_changes import LimitWish

RUN, EPOCH, MARKET, REPORT, LINK, CLOCK, OPERATOR = "run", "epoch", "market", "report", "link", "clock", "operator"
PAGE, KEPT_BACK, RESET, LIMIT = "page", "kept_back", "reset", "limit"
ENTRY, INTENT, PLAN, SAFETY, ALERT, STOPPED = "entry", "intent", "plan", "safety", "alert", "stopped"
SNAPSHOT, SEAL = "snapshot", "seal"


class Input(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened to the process."""


class RunBegun(Input, frozen=True, kw_only=True, gc=False):
    """First of a journal: which run this is, and the hashes of what decides its decisions."""

    run: str
    configuration: str
    code: str
    strategies: dict[str, str]
    feed: str


class EpochBegun(Input, frozen=True, kw_only=True, gc=False):
    """A process became the writer. Whatever left before without an answer is unknown from here on."""

    epoch: int
    terms: LiveSettings


class MarketRead(Input, frozen=True, kw_only=True, gc=False):
    """Rows `first` to `last` (both included) of the feed were read; `sha256` of their events."""

    first: int
    last: int
    sha256: str


class LinkChanged(Input, frozen=True, kw_only=True, gc=False):
    """The venue can be reached (logged on), or not any more."""

    up: bool
    reason: str = ""


class ClockRead(Input, frozen=True, kw_only=True, gc=False):
    """Something was due by now."""


class OperatorSaid(Input, frozen=True, kw_only=True, gc=False):
    """A person, or storage, asked for another safety level."""

    level: SafetyLevel
    trigger: str
    by: str
    reason: str


class ResetSaid(Input, frozen=True, kw_only=True, gc=False):
    """A person ended the halt of a tripped breaker: whose (empty: the account's), and why."""

    breaker: str
    subject: str
    by: str
    reason: str


class PageAgain(Input, frozen=True, kw_only=True, gc=False):
    """The venue answered with a page that says what the last one of its subject and number said."""

    request: int
    subject: Subject
    page: int
    at: int


class KeptBack(Input, frozen=True, kw_only=True, gc=False):
    """An opening order whose record is durable never left and never will: no permission to send it was given, since the
    disk is full, and no other process gives one for a record that it did not write."""

    tag: str


class Stopped(Input, frozen=True, kw_only=True, gc=False):
    """The process ended as it should; strategies were told."""


class Replayed(msgspec.Struct, kw_only=True):
    """How far a journal and the decisions made anew from it agree: outputs compared, and the first that differs."""

    inputs: int = 0
    outputs: int = 0
    first_difference: dict[str, Any] | None = None


class PlanLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a reconciliation's plan, with its evidence."""

    action: str
    subject: str
    evidence: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something a person should see."""

    what: str


_TYPES: dict[str, Any] = {
    RUN: RunBegun,
    EPOCH: EpochBegun,
    MARKET: MarketRead,
    REPORT: Incoming,
    PAGE: PageAgain,
    LINK: LinkChanged,
    CLOCK: ClockRead,
    OPERATOR: OperatorSaid,
    STOPPED: Stopped,
    KEPT_BACK: KeptBack,
    RESET: ResetSaid,
    LIMIT: LimitWish,
    ENTRY: Entry,
    INTENT: AnyCommand,
    PLAN: PlanLine,
    SAFETY: SafetyRaised | SafetyLowered,
    ALERT: Alert,
}
INPUTS = frozenset({RUN, EPOCH, MARKET, REPORT, PAGE, LINK, CLOCK, OPERATOR, STOPPED, KEPT_BACK, RESET, LIMIT})
OUTPUTS = frozenset({ENTRY, INTENT, PLAN, SAFETY, ALERT})
_DECODERS = {kind: msgspec.json.Decoder(each) for kind, each in _TYPES.items()}
encode = msgspec.json.Encoder().encode


def decode(kind: str, payload: bytes, *, sequence: int) -> Any:
    """What a record holds. Raises `JournalDamaged` for a kind or a shape that this version does not know."""
    decoder = _DECODERS.get(kind)
    try:
        if decoder is not None:
            return decoder.decode(payload)
        why = f"records of kind {kind!r} are not known here"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = f"a record of kind {kind!r} cannot be read: {error}"
    raise JournalDamaged(
        why, segment="", offset=0, sequence=sequence, fix="read it with the version that wrote it; nothing was skipped"
    )


def output_kind(output: Any) -> str:
    """The kind that an output is journaled under."""
    return _KINDS[type(output)]


_KINDS: dict[type, str] = {
    Entry: ENTRY,
    PlanLine: PLAN,
    SafetyRaised: SAFETY,
    SafetyLowered: SAFETY,
    Alert: ALERT,
    **dict.fromkeys(AnyCommand.__args__, INTENT),
}
