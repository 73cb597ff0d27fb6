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


def _own(name: str, *, mode: str | None = None, scale: float = 1.0) -> Callable[[Lines], float]:
    return lambda lines: float(_line(lines, OWN, mode)[name]) * scale


def _times(peer: str, *, mode: str | None = None) -> Callable[[Lines], float]:
    return lambda lines: float(_line(lines, OWN, mode)["per_sec"] / _line(lines, peer)["per_sec"])


def _times_fastest(*, mode: str | None = None) -> Callable[[Lines], float]:
    def times(lines: Lines) -> float:
        return float(_line(lines, OWN, mode)["per_sec"] / max(line["per_sec"] for line in lines if line["peer"] != OWN))

    return times


def _latency(name: str, *, mode: str) -> Callable[[Lines], float]:
    return lambda lines: float(_line(lines, OWN, mode)["latency_ns"][name])


def _slowest_question(percentile: str, *, mode: str) -> Callable[[Lines], float]:
    return lambda lines: max(float(each[percentile]) for each in _line(lines, OWN, mode)["queries_ms"].values())


def _growth(*, few: str, many: str) -> Callable[[Lines], float]:
    return lambda lines: float(_line(lines, OWN, many)["ns_a_message"] / _line(lines, OWN, few)["ns_a_message"])


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
    Target(
        workload="matching",
        text="≥ 20,000,000 messages/s in batch, fills reported",
        value=_own("per_sec", mode="batch"),
        met=_least(20_000_000),
        unit="messages/s",
    ),
    Target(
        workload="matching",
        text="≥ 17 × the fastest peer",
        value=_times_fastest(mode="batch"),
        met=_least(17),
        unit="×",
    ),
    Target(
        workload="matching",
        text="≥ 1,500,000 messages/s one by one",
        value=_own("per_sec", mode="one by one"),
        met=_least(1_500_000),
        unit="messages/s",
    ),
    Target(
        workload="matching",
        text="one by one p50 < 700 ns",
        value=_latency("p50", mode="one by one"),
        met=lambda value: value < 700,
        unit="ns",
    ),
    Target(
        workload="matching",
        text="one by one p99 < 3,000 ns",
        value=_latency("p99", mode="one by one"),
        met=lambda value: value < 3_000,
        unit="ns",
    ),
    Target(
        workload="matching",
        text="a message at 100,000 live orders ≤ 2 × one at 1,000",
        value=_growth(few="batch, 1,000 live", many="batch, 100,000 live"),
        met=_most(2),
        unit="×",
    ),
    Target(
        workload="matching",
        text="a message at 1,000,000 live orders ≤ 6 × one at 1,000",
        value=_growth(few="batch, 1,000 live", many="batch, 1,000,000 live"),
        met=_most(6),
        unit="×",
    ),
    Target(
        workload="l2", text="≥ 60,000,000 deltas/s in batch", value=_own("per_sec"), met=_least(60_000_000), unit="/s"
    ),
    Target(workload="l2", text="≥ 3 × hftbacktest", value=_times("hftbacktest"), met=_least(3), unit="×"),
    Target(
        workload="l2",
        text="≥ 2,000,000 deltas/s one by one",
        value=_own("one_by_one_per_sec"),
        met=_least(2_000_000),
        unit="/s",
    ),
    Target(
        workload="ticks",
        text="≥ 1,200,000 ticks/s through a Python strategy",
        value=_own("per_sec", mode="event-driven"),
        met=_least(1_200_000),
        unit="ticks/s",
    ),
    Target(
        workload="ticks",
        text="≥ 20,000,000 ticks/s compiled, with queue and latency",
        value=_own("per_sec", mode="compiled"),
        met=_least(20_000_000),
        unit="ticks/s",
    ),
    Target(
        workload="ticks",
        text="≥ 2.5 × hftbacktest",
        value=_times("hftbacktest", mode="compiled"),
        met=_least(2.5),
        unit="×",
    ),
    Target(workload="orders", text="≥ 50,000 orders/s", value=_own("per_sec"), met=_least(50_000), unit="orders/s"),
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
    Target(
        workload="journal",
        text="≥ 60,000 durable records/s in groups of 64",
        value=_own("per_sec", mode="files, groups of 64"),
        met=_least(60_000),
        unit="records/s",
    ),
    Target(
        workload="journal",
        text="one durable append p99 ≤ 0.5 ms",
        value=lambda lines: _latency("p99", mode="files, one by one")(lines) / 1e6,
        met=_most(0.5),
        unit="ms",
    ),
    Target(
        workload="journal",
        text="restart of a journal of 1,000,000 records with a snapshot < 5 s",
        value=_own("restart_s", mode="files, restart from a snapshot"),
        met=lambda value: value < 5,
        unit="s",
    ),
    Target(
        workload="live",
        text="tick to command p50 < 40 µs",
        value=lambda lines: _latency("p50", mode="tick to command")(lines) / 1e3,
        met=lambda value: value < 40,
        unit="µs",
    ),
    Target(
        workload="live",
        text="tick to command p99 < 100 µs",
        value=lambda lines: _latency("p99", mode="tick to command")(lines) / 1e3,
        met=lambda value: value < 100,
        unit="µs",
    ),
    Target(
        workload="live",
        text="tick to wire, its record durable, p50 < 300 µs",
        value=lambda lines: _latency("p50", mode="tick to wire, durable")(lines) / 1e3,
        met=lambda value: value < 300,
        unit="µs",
    ),
    Target(
        workload="live",
        text="tick to wire, its record durable, p99 < 1 ms",
        value=lambda lines: _latency("p99", mode="tick to wire, durable")(lines) / 1e6,
        met=lambda value: value < 1,
        unit="ms",
    ),
    Target(
        workload="live",
        text="start again with a journal of 1,000,000 records and a snapshot < 5 s",
        value=_own("restart_s", mode="restart"),
        met=lambda value: value < 5,
        unit="s",
    ),
    Target(
        workload="options",
        text="100,000 prices with first-order Greeks < 25 ms",
        value=_own("seconds", mode="prices and first-order Greeks", scale=1e3),
        met=lambda value: value < 25,
        unit="ms",
    ),
    Target(
        workload="options",
        text="faster than the formulas on whole columns",
        value=_times_fastest(mode="prices and first-order Greeks"),
        met=lambda value: value > 1,
        unit="×",
    ),
    Target(
        workload="gate",
        text="every check adds < 8 µs to an order (median)",
        value=lambda lines: float(_line(lines, OWN)["latency_ns"]["p50"]) / 1e3,
        met=lambda value: value < 8,
        unit="µs",
    ),
    Target(
        workload="gate",
        text="every check adds < 25 µs to an order (p99)",
        value=lambda lines: float(_line(lines, OWN)["latency_ns"]["p99"]) / 1e3,
        met=lambda value: value < 25,
        unit="µs",
    ),
    Target(
        workload="risk",
        text="200 positions measured anew < 1 ms (median)",
        value=lambda lines: float(_line(lines, OWN)["ms"]["median"]),
        met=lambda value: value < 1,
        unit="ms",
    ),
    Target(
        workload="journal",
        text="questions of 100,000 orders in PostgreSQL p95 < 50 ms",
        value=_slowest_question("p95", mode="PostgreSQL questions"),
        met=lambda value: value < 50,
        unit="ms",
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
