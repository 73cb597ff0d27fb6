"""From a checked run file to a trading process: the one place where a live run is wired."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.safety import SafetyLevel
from tradsys.core.units import from_float
from tradsys.engine.account_assembly import refuse_on_history_alone
from tradsys.engine.account_key import key_in_file
from tradsys.engine.assemble import DEFAULT_PRODUCT, Parts, Wired, wire
from tradsys.engine.paths import find_path
from tradsys.engine.run import code_hash, strategy_hashes
from tradsys.engine.run_file import RunFile, SafetySection
from tradsys.engine.runner import AccountView, Runner
from tradsys.engine.settings import Settings
from tradsys.engine.trading.feed import EventFeed, Feed, recorded_feed
from tradsys.engine.trading.foreign import foreign
from tradsys.engine.trading.pacing import pace
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.reconciling import Reconciling
from tradsys.engine.trading.records import RunBegun
from tradsys.engine.trading.terms import LiveSettings
from tradsys.engine.trading.trading import Trading
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.own.protocol import ClientSession
from tradsys.execution.reconciliation_policy import PolicyFile, load_policy
from tradsys.execution.venue_limits import Patience, VenueLimits
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.kill_triggers import KillSettings, Rung
from tradsys.risk.safety import SafetyCheck
from tradsys.signals.sizing import SizerChoice
from tradsys.signals.sizing import build as build_sizer
from tradsys.strategies.base import Strategy

EXTERNAL = "external"
"""Whose the orders and positions are that are found at the venue and are not of this run."""
_SECOND = 1_000_000_000
_LEAST_STALE = 30 * _SECOND
_LEAST_EVALUATED = 3 * _SECOND


class External(Strategy):
    """Holds what others did in our account, so that it is counted, valued and closed like everything else."""

    scope = "portfolio"


def live_settings(settings: Settings, *, longest_bar: int) -> LiveSettings:
    """`[venue]` and `[safety]` of a run file. Raises `ConfigError` for what is out of range."""
    venue, safety = settings.run.venue, settings.run.safety
    policy = PolicyFile()
    if venue.policy:
        policy = load_policy(Path(find_path(venue.policy, folder=settings.folder)))
    return LiveSettings(
        limits=VenueLimits(
            per_second=venue.orders_per_second,
            per_minute=venue.orders_per_minute,
            per_day=venue.orders_per_day,
            open_orders=venue.open_orders,
            max_decision_age=_span("venue.decision_age_seconds", venue.decision_age_seconds),
        ),
        patience=Patience(
            answer=_span("venue.answer_seconds", venue.answer_seconds),
            quarantine=_span("venue.quarantine_seconds", venue.quarantine_seconds),
        ),
        kill=KillSettings(
            loss=_rungs(safety),
            stale_after=round(safety.stale_seconds * _SECOND) or max(_LEAST_STALE, 2 * longest_bar),
            link_after=_span("safety.link_seconds", safety.link_seconds),
            evaluate_after=max(_LEAST_EVALUATED, 2 * longest_bar),
        ),
        policy=policy.policy(attended=False),
        reconcile_every=_span("venue.reconcile_seconds", venue.reconcile_seconds),
    )


def _span(key: str, seconds: float) -> int:
    if not 0 < seconds <= 86_400:
        raise ConfigError(f"{key} out of range", value=seconds, limit="above 0, at most 86400", fix="give seconds")
    return round(seconds * _SECOND)


def _rungs(safety: SafetySection) -> tuple[Rung, ...]:
    given = (
        (safety.loss_no_new_risk, SafetyLevel.NO_NEW_RISK),
        (safety.loss_cancel, SafetyLevel.CANCEL),
        (safety.loss_flatten, SafetyLevel.FLATTEN),
    )
    return tuple(Rung(limit=from_float(limit), level=level) for limit, level in given if limit)


def trading_of(wired: Wired, switch: KillSwitch, safety: SafetyCheck, live: LiveSettings, *, run: str) -> Trading:
    """The deciding part of a wired run."""
    tracker = OrderTracker(run=run, limits=live.limits, patience=live.patience)
    reconciling = Reconciling(
        tracker, wired.ledger, safety, policy=live.policy, every=live.reconcile_every, zone=wired.data.zone
    )
    trading = Trading(
        engine=wired.engine,
        schedule=wired.schedule,
        cutoffs=wired.cutoffs,
        tracker=tracker,
        reconciling=reconciling,
        switch=switch,
        safety=safety,
        zone=wired.data.zone,
        watch=wired.watch,
    )
    if wired.engine.limited is not None:
        wired.engine.limited.commitments.foreign = lambda: foreign(trading)
    return trading


def wired_for_live(settings: Settings, *, switch: KillSwitch) -> tuple[Wired, SafetyCheck]:
    """The engine of a run file, its indicators stepped, with the safety check before all others."""
    refuse_on_history_alone(settings.run)
    safety = SafetyCheck(switch)
    wired = wire(settings, stepped=True, checks=(safety,), extra=lambda parts: external_runner(parts, settings.run))
    return wired, safety


def external_runner(parts: Parts, run: RunFile) -> Runner:
    """The owner of what is not ours."""
    markets, ledger = parts
    segment = next(iter(markets.values())).instrument.segment
    return Runner(
        EXTERNAL,
        External(),
        instruments=tuple(markets),
        account=AccountView(ledger, markets, EXTERNAL, capital=0, copies=1),
        sizer=build_sizer(SizerChoice()),
        product=run.execution.product or DEFAULT_PRODUCT[segment],
    )


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """A process ready to be told its journal and started, and what it was made of."""

    process: Process
    feed: EventFeed
    wired: Wired


def assemble(
    settings: Settings,
    *,
    run: str,
    session: Callable[[], ClientSession],
    speed: float = 1.0,
) -> Assembled:
    """Wire a run file for trading live. `speed`: how many seconds of the run's clock pass in one of the venue's.

    Raises the `InputRefused` family for anything the user can correct.
    """
    switch = KillSwitch(KillSettings())
    wired, safety = wired_for_live(settings, switch=switch)
    longest = max(series.span for series in wired.data.series.values())
    live = pace(speed)(live_settings(settings, longest_bar=longest))
    switch.configure(live.kill)
    feed = recorded_feed(wired)
    trading = trading_of(wired, switch, safety, live, run=run)
    begun = run_begun(settings, wired, feed, run=run)
    process = Process(trading=trading, feed=feed, session=session, run=begun, terms=live, speed=speed)
    return Assembled(process=process, feed=feed, wired=wired)


def run_begun(settings: Settings, wired: Wired, feed: Feed, *, run: str) -> RunBegun:
    """What a journal says of its run: hashes of the configuration that decides, of the code, of the strategies."""
    strategies = {
        name: str(each["sha256"]) for name, each in strategy_hashes(wired.engine.runners).items() if name != EXTERNAL
    }
    return RunBegun(
        run=run,
        configuration=configuration_hash(settings.run),
        code=code_hash(),
        strategies=strategies,
        feed=feed.name,
    )


def configuration_hash(run: RunFile) -> str:
    """SHA-256 of what of a run file decides, hex: where the venue is may change, and where the journal is decides
    nothing. What has its default counts for nothing, so that a key which a later version adds changes no hash."""
    decisive = _chosen(run)
    for section in ("venue", "journal"):
        decisive.pop(section, None)
    return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()


def _chosen(value: Any) -> Any:
    """Built-in types of a section and of what is in it, without what is the default."""
    if isinstance(value, list | tuple):
        return [_chosen(each) for each in value]
    if not isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    found = {}
    for field in msgspec.structs.fields(value):
        given = getattr(value, field.name)
        factory = field.default_factory
        if given != (field.default if factory is msgspec.NODEFAULT else factory()):
            found[field.encode_name] = _chosen(given)
    return found


def key_of(settings: Settings) -> str:
    """The account's key, from the file that a run file names. Raises `ConfigError` where it names none, and as
    `key_in_file`."""
    if not settings.run.venue.key_file:
        raise ConfigError("venue.key_file is not given", fix="write the account's key into a file of mode 0600")
    return key_in_file(Path(find_path(settings.run.venue.key_file, folder=settings.folder)))
