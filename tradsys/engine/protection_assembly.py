"""From `[execution]` of a run file to a desk that protects market orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tradsys.core.errors import ConfigError
from tradsys.core.instruments import Instrument, Segment
from tradsys.core.units import SECOND
from tradsys.engine.data import Loaded
from tradsys.engine.desks import Kind
from tradsys.engine.engine import Engine
from tradsys.engine.protected_desk import ProtectedDesk, attending
from tradsys.engine.protection import Protection
from tradsys.engine.recorded_assembly import band_of
from tradsys.engine.run_file import ExecutionSection, ProtectionSection
from tradsys.execution.protected_orders import Chase, ProtectionPolicy, Then
from tradsys.reference.clock import local_date
from tradsys.reference.market_protection import automatic_protection

AUTOMATIC = "automatic"
_INDIA = "Asia/Kolkata"
_HUNDREDTHS = 100


def protecting(execution: ExecutionSection, instruments: Mapping[str, Instrument], data: Loaded) -> tuple[Kind, ...]:
    """The desk of a run whose market orders are protected, none where they leave as they are. Raises as
    `protection_of`."""
    first_at = min(int(each.at[min(data.first[name], len(each) - 1)]) for name, each in data.series.items())
    protection = protection_of(execution, instruments, first_at=first_at)
    return () if protection is None else ((ProtectedDesk, {"protection": protection}),)


def number_orders(engine: Engine) -> None:
    """Let a desk that makes orders of its own number them like all others."""
    desk, planner = attending(engine), engine.parts[1]
    if desk is not None:
        desk.order_ids = iter(planner.ids.take, 0)


def protection_of(
    execution: ExecutionSection, instruments: Mapping[str, Instrument], *, first_at: int
) -> Protection | None:
    """`execution.market_protection` and its policy; None where market orders leave as they are.

    `first_at` is when the run begins: from there on every slab must be known. Raises `ConfigError` for what is out of
    range, `UncoveredDate` where "automatic" has no row.
    """
    asked = execution.market_protection
    if asked is None:
        if execution.protection is not None:
            raise ConfigError(
                "execution.protection without execution.market_protection",
                value="nothing to attend to",
                limit='a percentage, or "automatic"',
                fix="give execution.market_protection too",
            )
        return None
    if isinstance(asked, str):
        percent = _slabs(asked)
        for instrument in instruments.values():
            if instrument.segment is not Segment.INDEX:
                percent(instrument, 1, first_at)
    else:
        percent = _fixed(_hundredths("execution.market_protection", asked))
    return Protection(
        percent=percent,
        policy=policy_of(execution.protection or ProtectionSection()),
        band=band_of(execution, instruments),
    )


def _slabs(asked: str) -> Callable[[Instrument, int, int], int]:
    if asked != AUTOMATIC:
        raise ConfigError(
            "execution.market_protection is a percentage or a word",
            value=asked,
            limit=AUTOMATIC,
            fix='give a number such as 2.0, or "automatic"',
        )
    return lambda instrument, price, at: automatic_protection(
        instrument.segment, price=price, on=local_date(at, _INDIA)
    )


def _fixed(percent: int) -> Callable[[Instrument, int, int], int]:
    return lambda instrument, price, at: percent


def _hundredths(key: str, percent: float) -> int:
    """Brokers take two decimals. Raises `ConfigError` for others, and outside of 0.01 to 100."""
    if not 0 < percent <= 100 or abs(percent * _HUNDREDTHS - round(percent * _HUNDREDTHS)) > 1e-6:
        raise ConfigError(f"{key} out of range", value=percent, limit="0.01 to 100, two decimals", fix="2.0 is usual")
    return round(percent * _HUNDREDTHS)


def policy_of(section: ProtectionSection) -> ProtectionPolicy:
    """`[execution.protection]`. Raises `ConfigError` for what is out of range."""
    if not 0 < section.wait_seconds <= 86_400:
        raise _out_of_range("wait_seconds", section.wait_seconds, "above 0, at most 86400")
    if not 0 <= section.wait_bars <= 1_000:
        raise _out_of_range("wait_bars", section.wait_bars, "0 to 1000")
    if not 1 < section.widen <= 100:
        raise _out_of_range("widen", section.widen, "above 1, at most 100")
    return ProtectionPolicy(
        wait=round(section.wait_seconds * SECOND),
        bars=section.wait_bars,
        entries=_chase("entry", section.entry_re_pegs, section.entry_then),
        exits=_chase("exit", section.exit_re_pegs, section.exit_then),
        factor=round(section.widen * _HUNDREDTHS),
        widest=_hundredths("execution.protection.widest", section.widest),
    )


def _chase(kind: str, re_pegs: int, then: Then) -> Chase:
    if not 0 <= re_pegs <= 1_000:
        raise _out_of_range(f"{kind}_re_pegs", re_pegs, "0 to 1000")
    return Chase(re_pegs=re_pegs, then=then)


def _out_of_range(key: str, value: float, limit: str) -> ConfigError:
    return ConfigError(f"execution.protection.{key} out of range", value=value, limit=limit, fix="see its default")


def describe_protection(execution: ExecutionSection) -> list[str]:
    """What the report says of it."""
    asked = execution.market_protection
    if asked is None:
        return []
    share = "as far as the broker's slab" if isinstance(asked, str) else f"{asked:g} %"
    return [
        f"Market orders are limit orders {share} beyond the last price; what the market leaves of them there is looked "
        f"at again, by execution.protection."
    ]
