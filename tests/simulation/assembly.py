"""A trading process of a simulated run, wired of the classes of the product as `tradsys run` wires them."""

from __future__ import annotations

import msgspec

from tests.simulation.market import CURRENCY, STRATEGIES, instruments, product_of
from tests.simulation.venue import ACCOUNT, CASH, KEY
from tests.simulation.world import SECOND
from tradsys.core.ports import Sizer
from tradsys.engine.account_measures import AccountMeasures
from tradsys.engine.desks import Kind, composed
from tradsys.engine.engine import Engine
from tradsys.engine.limited_desk import Limited
from tradsys.engine.markets import Market
from tradsys.engine.protected_desk import ProtectedDesk
from tradsys.engine.protection import Protection
from tradsys.engine.protection_assembly import number_orders
from tradsys.engine.run_parts import dated_margins, started, usual_gate
from tradsys.engine.runner import AccountView, Runner
from tradsys.engine.schedule import Schedule
from tradsys.engine.standing import AccountStanding
from tradsys.engine.trading.assembly import EXTERNAL, External
from tradsys.engine.trading.feed import Feed
from tradsys.engine.trading.foreign import foreign
from tradsys.engine.trading.process import Process
from tradsys.engine.trading.reconciling import Reconciling
from tradsys.engine.trading.records import RunBegun
from tradsys.engine.trading.terms import LiveSettings
from tradsys.engine.trading.trading import Trading
from tradsys.execution.order_tracker import OrderTracker
from tradsys.execution.own.protocol import ClientSession
from tradsys.execution.reconciliation_policy import Policy
from tradsys.execution.venue_limits import Patience, VenueLimits
from tradsys.portfolio.ledger import Ledger
from tradsys.reference.charge_plans import charge_plan
from tradsys.reference.clock import local_day
from tradsys.risk.kill_switch import KillSwitch
from tradsys.risk.kill_triggers import KillSettings
from tradsys.risk.limits import LimitsSection, figures
from tradsys.risk.safety import SafetyCheck
from tradsys.signals.sizing import SizerChoice
from tradsys.signals.sizing import build as build_sizer
from tradsys.strategies.base import Strategy

RECONCILED = 12 * SECOND


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """What every process of a simulated run is made of."""

    run: str
    feed: Feed
    limits: VenueLimits = VenueLimits(open_orders=200)
    patience: Patience = Patience(quarantine=16 * SECOND, last_inquiry=8 * SECOND, longest_rest=20 * SECOND)
    kill: KillSettings = KillSettings(stale_after=None, link_after=10 * SECOND, evaluate_after=None)
    policy: Policy = Policy(unexplained_positions="halt", cash="halt")
    snapshot_every: int = 2**60
    protection: Protection | None = None
    own_limits: LimitsSection | None = None


def assembled(seat: Seat) -> Process:
    """A fresh process that knows nothing yet."""
    switch = KillSwitch(seat.kill)
    safety = SafetyCheck(switch)
    engine = _engine(safety, seat)
    tracker = OrderTracker(run=seat.run, limits=seat.limits, patience=seat.patience)
    trading = Trading(
        engine=engine,
        schedule=Schedule(()),
        cutoffs={},
        tracker=tracker,
        reconciling=Reconciling(tracker, engine.ledger, safety, policy=seat.policy, every=RECONCILED, zone="UTC"),
        switch=switch,
        safety=safety,
        zone="UTC",
    )
    if engine.limited is not None:
        engine.limited.commitments.foreign = lambda: foreign(trading)
    run = RunBegun(run=seat.run, configuration="", code="", strategies={}, feed=seat.feed.name)
    terms = LiveSettings(
        limits=seat.limits, patience=seat.patience, kill=seat.kill, policy=seat.policy, reconcile_every=RECONCILED
    )
    return Process(
        trading=trading, feed=seat.feed, session=lambda: ClientSession(account=ACCOUNT, key=KEY), run=run, terms=terms
    )


def _engine(safety: SafetyCheck, seat: Seat) -> Engine:
    markets = {each.id: Market(each) for each in instruments()}
    for market in markets.values():
        market.attach([])
    ledger = Ledger(CASH, CURRENCY)
    standing = AccountStanding(ledger, markets, dated_margins())
    sizer = build_sizer(SizerChoice())
    runners = [runner for kind in STRATEGIES for runner in _runners(kind(), markets, ledger, sizer)]
    names = tuple(markets)
    account = AccountView(ledger, markets, EXTERNAL, capital=0, copies=1)
    product = product_of(instruments()[0])
    runners.append(Runner(EXTERNAL, External(), instruments=names, account=account, sizer=sizer, product=product))
    limited = _limited(seat, markets, ledger)
    checks = limited.check if limited is not None else None
    gate = usual_gate(standing, cutoffs={}, currency=CURRENCY, before=(safety,), limits=checks)
    charges = charge_plan("flat", rate=0.001)
    kinds: list[Kind] = [] if seat.protection is None else [(ProtectedDesk, {"protection": seat.protection})]
    if limited is not None:
        kinds.append(limited.desk)
    engine = Engine(
        markets=markets,
        runners=runners,
        ledger=ledger,
        standing=standing,
        gate=gate,
        charges=charges,
        desk=composed(kinds),
        limited=limited,
    )
    number_orders(engine)
    engine.start()
    return engine


def _limited(seat: Seat, markets: dict[str, Market], ledger: Ledger) -> Limited | None:
    if seat.own_limits is None:
        return None
    measures = AccountMeasures(ledger, markets)
    return Limited(figures(seat.own_limits), measures, day=lambda at: local_day(at, "UTC"), currency=CURRENCY)


def _runners(strategy: Strategy, markets: dict[str, Market], ledger: Ledger, sizer: Sizer) -> list[Runner]:
    """A copy of a strategy for the coins and one for the perpetuals: a runner has one product."""
    found = []
    for product in dict.fromkeys(product_of(market.instrument) for market in markets.values()):
        names = tuple(name for name, market in markets.items() if product_of(market.instrument) == product)
        kind = type(strategy)
        name = f"{kind.__name__}-{product}"
        account = AccountView(ledger, markets, name, capital=ledger.start // 4, copies=1)
        runner = Runner(name, kind(), instruments=names, account=account, sizer=sizer, product=product)
        started(runner)
        for each in names:
            markets[each].runners.append(runner)
        found.append(runner)
    return found
