"""The figures to reach, each a row: which workload, what it says, how it is read off the measured lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Line = Mapping[str, Any]
Lines = Sequence[Line]
OWN = "TradSys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`value` reads a workload's lines (KeyError or StopIteration where it was not measured); `met` judges it."""

    workload: str
    text: str
    value: Callable[[Lines], float]
    met: Callable[[float], bool]
    unit: str = ""


def _line(lines: Lines, peer: str, mode: str | None = None) -> Line:
    return next(line for line in lines if line["peer"] == peer and (mode is None or line.get("mode") == mode))


def _own(name: str, *, scale: float = 1.0) -> Callable[[Lines], float]:
    return lambda lines: float(_line(lines, OWN)[name]) * scale


def _times(peer: str) -> Callable[[Lines], float]:
    return lambda lines: float(_line(lines, OWN)["per_sec"] / _line(lines, peer)["per_sec"])


def _slowest_beside(peer: str) -> Callable[[Lines], float]:
    def slowest(lines: Lines) -> float:
        own, theirs = _line(lines, OWN)["each_ms"], _line(lines, peer)["each_ms"]
        return max(float(own[name] / theirs[name]) for name in theirs)

    return slowest


def _least(limit: float) -> Callable[[float], bool]:
    return lambda value: value >= limit


def _most(limit: float) -> Callable[[float], bool]:
    return lambda value: value <= limit


TARGETS = (
    Target(
        workload="sma_cross", text="≥ 1,000,000 bars/s", value=_own("per_sec"), met=_least(1_000_000), unit="bars/s"
    ),
    Target(workload="sma_cross", text="≥ 6 × backtesting.py", value=_times("backtesting.py"), met=_least(6), unit="×"),
    Target(workload="multi", text="≥ 900,000 bars/s", value=_own("per_sec"), met=_least(900_000), unit="bars/s"),
    Target(
        workload="indicators",
        text="12 common indicators ≤ 10 ms",
        value=_own("common12_s", scale=1e3),
        met=_most(10),
        unit="ms",
    ),
    Target(
        workload="indicators",
        text="none of the 12 slower than 1.2 × TA-Lib (the slowest)",
        value=_slowest_beside("TA-Lib"),
        met=_most(1.2),
        unit="×",
    ),
    Target(
        workload="indicators",
        text="all ≤ 60 ms on one core",
        value=_own("seconds", scale=1e3),
        met=_most(60),
        unit="ms",
    ),
    Target(
        workload="indicators",
        text="one streaming step of all < 25 µs",
        value=_own("streaming_us"),
        met=lambda value: value < 25,
        unit="µs",
    ),
    Target(workload="start", text="cold compilation ≤ 20 s", value=_own("cold_compile_s"), met=_most(20), unit="s"),
    Target(
        workload="start",
        text="warm start of a backtest < 1.5 s",
        value=_own("warm_start_s"),
        met=lambda value: value < 1.5,
        unit="s",
    ),
    Target(
        workload="start", text="tradsys --help < 0.3 s", value=_own("help_s"), met=lambda value: value < 0.3, unit="s"
    ),
)


def verdict(target: Target, lines: Lines) -> tuple[str, str]:
    """Measured value and "met", "not met" or "not measured"."""
    try:
        value = target.value(lines)
    except (KeyError, StopIteration):
        return "–", "not measured"
    return f"{value:,.3g} {target.unit}" if value < 1000 else f"{value:,.0f} {target.unit}", _judged(target, value)


def _judged(target: Target, value: float) -> str:
    return "met" if target.met(value) else "**not met**"
