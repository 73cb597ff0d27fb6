"""The measured lines as the page docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.agreement import agreement
from benchmarks.targets import OWN, TARGETS, Line, Lines, verdict

TITLES = {
    "sma_cross": "`sma_cross`: one-minute bars, a Python strategy called on every bar, an order each 36 bars",
    "multi": "`multi`: 50 instruments × 20,000 bars in one portfolio",
    "indicators": "`indicators`: 100,000 bars",
    "matching": "`matching`: order messages (60 % add, 30 % cancel, 10 % market) through one book",
    "l2": "`l2`: price-level deltas into one book",
    "ticks": "`ticks`: ticks through a strategy, a limit order each 1,000",
    "orders": "`orders`: order commands through strategy, checks, matching and back",
    "start": "`start`: from a shell's point of view",
    "journal": "`journal`: durable records, a restart, and the tables made from them",
    "live": "`live`: from a tick to the order on its way, and a process that starts again",
    "options": "`options`: European options, their Greeks and implied volatilities",
    "gate": "`gate`: what an order costs more with every check on",
    "risk": "`risk`: the whole risk report of 200 positions over 500 days",
}

INTRODUCTION = """\
Written by `make bench`; not edited by hand. Every side ran on the same machine in the same session, in turns, on the
same data, each run in a process of its own. Figures are medians; a peer that takes over 30 s ran once. Making the data,
building objects and compiling stand apart under set-up. "Result" compares final equity and number of fills with the
same rules computed in whole cents; where both means are exactly equal (about one bar in 4,000) binary rounding decides
each side's order, so that sides differ by a few fills."""


def report(lines: Mapping[str, Lines], absent: Mapping[str, Mapping[str, str]], *, date: str, yardstick: float) -> str:
    """The whole page."""
    parts = [
        "# Benchmarks",
        INTRODUCTION,
        f"{date} · {machine()}",
        f"A bare Python loop over the same bars, the two means and no backtester, does {yardstick:,.0f} bars/s here; "
        "where the targets were set it did 2,300,000. Absolute figures compare by that ratio.",
        "## Targets\n\n" + targets(lines),
        *(section(name, lines[name], absent[name]) for name in lines),
    ]
    return "\n\n".join(parts) + "\n"


def machine() -> str:
    """Processor, cores, memory, kernel and Python of this machine."""
    model = next((line.partition(":")[2].strip() for line in _lines_of("/proc/cpuinfo") if "model name" in line), "")
    memory = next((line.split()[1] for line in _lines_of("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return (
        f"{model or platform.processor()}, {os.cpu_count()} cores, {int(memory) / 2**20:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _lines_of(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    titles = list(head)
    drawn = [titles, ["---"] * len(titles), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in drawn)


def targets(lines: Mapping[str, Lines]) -> str:
    """Each target of the workloads that ran, with what was measured."""
    rows = [(t.workload, t.text, *verdict(t, lines[t.workload])) for t in TARGETS if t.workload in lines]
    return table(("workload", "target", "measured", ""), rows)


def section(workload: str, lines: Lines, absent: Mapping[str, str]) -> str:
    """One workload's table, who is missing and why, and the command that repeats it."""
    parts = [f"## {TITLES.get(workload, workload)}"]
    speeds = [line for line in lines if "per_sec" in line]
    if speeds:
        parts.append(table(HEAD, (row(line, speeds) for line in sorted(speeds, key=lambda line: -line["per_sec"]))))
    parts += [f"{name} took no part: {reason}" for name, reason in absent.items()]
    if any(line.get("each_ms") for line in lines):
        parts.append("Milliseconds an indicator, best of three:\n\n" + each_indicator(lines))
    if any(line.get("latency_ns") for line in lines):
        parts.append("Nanoseconds a message, one by one, the clock's own cost taken off:\n\n" + latencies(lines))
    if any(line.get("ns_a_message") for line in lines):
        parts.append("Nanoseconds a message by number of live orders:\n\n" + growth(lines))
    parts += [f"Milliseconds a question:\n\n{questions(line)}" for line in lines if line.get("queries_ms")]
    parts += [line["note"] for line in lines if line.get("note")]
    parts.append(f"```bash\n.venv/bin/python -m benchmarks.run {workload}\n```")
    return "\n\n".join(parts)


HEAD = ("who", "n", "per second", "of fastest peer", "peak memory", "set-up", "runs", "result")


def row(line: Line, lines: Lines) -> tuple[str, ...]:
    """One side's row; peers that never call a strategy do not count as the fastest."""
    rivals = [each["per_sec"] for each in lines if each["peer"] != OWN and not each.get("vectorised")]
    return (
        who(line),
        f"{line['n']:,.0f}",
        f"{line['per_sec']:,.0f}",
        f"{line['per_sec'] / max(rivals):.2f} ×" if rivals else "–",
        f"{line['peak_rss_mb']:,.0f} MB",
        f"{line['setup_seconds']:.2f} s",
        str(line["runs"]),
        agreement(line),
    )


def who(line: Line) -> str:
    """Name, version and, for information, that no strategy is called."""
    mode = f" {line['mode']}" if line.get("mode") else ""
    name = f"{line['peer']} {line['version']}{mode}"
    name = f"**{name}**" if line["peer"] == OWN else name
    return f"{name} (vectorised, for information)" if line.get("vectorised") else name


def latencies(lines: Lines) -> str:
    """Percentiles of a single message, fastest median first."""
    timed = sorted((line for line in lines if line.get("latency_ns")), key=lambda line: line["latency_ns"]["p50"])
    names = list(timed[0]["latency_ns"])
    rows = ([who(line), *(f"{line['latency_ns'][name]:,.0f}" for name in names)] for line in timed)
    return table(("who", *names), rows)


def questions(line: Line) -> str:
    """Percentiles of each kind of question."""
    asked: Mapping[str, Mapping[str, float]] = line["queries_ms"]
    names = list(next(iter(asked.values())))
    return table(
        (who(line), *names), ([kind, *(f"{taken[name]:.2f}" for name in names)] for kind, taken in asked.items())
    )


def growth(lines: Lines) -> str:
    """Cost of a message against the number of live orders, drawn."""
    points = [(line["result"][0], line["ns_a_message"]) for line in lines if line.get("ns_a_message")]
    marks = ", ".join(f'"{live:,.0f}"' for live, _ in points)
    costs = ", ".join(f"{cost:g}" for _, cost in points)
    top = max(cost for _, cost in points) * 1.2
    axes = f'    x-axis "live orders" [{marks}]\n    y-axis "ns a message" 0 --> {top:.0f}'
    return f"```mermaid\nxychart-beta\n{axes}\n    line [{costs}]\n```"


def _shown(milliseconds: Mapping[str, float], name: str) -> str:
    return f"{milliseconds[name]:.3f}" if name in milliseconds else "–"


def each_indicator(lines: Lines) -> str:
    """Milliseconds of each common indicator by library."""
    timed: list[Mapping[str, Any]] = [line for line in lines if line.get("each_ms")]
    names = list(dict.fromkeys(name for line in timed for name in line["each_ms"]))
    rows = [[name, *(_shown(line["each_ms"], name) for line in timed)] for name in names]
    total = ["all of these", *(f"{line['common12_s'] * 1e3:.2f}" for line in timed)]
    return table(["", *(who(line) for line in timed)], [*rows, total])
