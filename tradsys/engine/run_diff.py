"""Two runs side by side: where their decisions part, what they were given, and why they ended with different equity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tradsys.core.errors import ConfigError, InputRefused
from tradsys.core.units import SCALE
from tradsys.engine.instruments import build_instrument, sections_of
from tradsys.engine.known_data import known_by
from tradsys.engine.live_replay import completed
from tradsys.engine.profit_gap import Account, profit_gap
from tradsys.engine.replay import load, refuse_changed
from tradsys.engine.saved_run import SavedRun
from tradsys.portfolio.currencies import in_account_currency

AHEAD = 1000
"""Lines looked ahead for the counterpart of the first line that differs."""

_NUMBERS = frozenset({"seq", "cause", "order_id", "group", "parent"})
"""Numbers that one line more or less shifts in all that follow."""


def difference(*, a: SavedRun, b: SavedRun) -> dict[str, Any]:
    """Compare two runs.

    `equal` (the same decisions, line by line, and the same final equity), `decisions` (lines of `a`, of `b`, and those
    that are in both whatever their numbers), `first_difference` (None, or the line's number, its `kind`, the `fields`
    that differ, both lines, and the `inputs` of each), `settings`, `data` and `code` that are not the same, and `gap`:
    final equity of b less a by cause, in 1e-8 (`scale`). Raises `ConfigError` for accounts in two currencies.
    """
    a, b = completed(a), completed(b)
    currencies = [each.settings.run.run.currency for each in (a, b)]
    if currencies[0] != currencies[1]:
        raise ConfigError(
            "the runs are in two currencies", value=currencies[1], limit=currencies[0], fix="compare like"
        )
    lines = (list(a.lines()), list(b.lines()))
    gap = profit_gap(a=_account(a), b=_account(b))
    place = _parting(*lines)
    return {
        "a": str(a.folder),
        "b": str(b.folder),
        "equal": place is None and gap["total"] == 0,
        "decisions": {"a": len(lines[0]), "b": len(lines[1]), "in_both": _in_both(*lines)},
        "first_difference": None if place is None else _first(place, (a, b), lines),
        "settings": _unlike(a.manifest["configuration"], b.manifest["configuration"]),
        "data": _unlike(*({name: each["sha256"] for name, each in run.manifest["data"].items()} for run in (a, b))),
        "code": _unlike(*(_code(run.manifest) for run in (a, b))),
        "final_equity": {"a": a.manifest["final"]["equity"], "b": b.manifest["final"]["equity"]},
        "gap": gap,
        "scale": SCALE,
    }


def _account(run: SavedRun) -> Account:
    currency = run.settings.run.run.currency
    sections = sections_of(run.settings.run)
    instruments = {each.id: build_instrument(each, currency=currency) for each in sections}
    multipliers = {name: each.multiplier for name, each in instruments.items()}
    entries = in_account_currency(run.entries(), instruments, currency=currency)
    return Account(multipliers=multipliers, final=run.manifest["final"]).read(entries)


def _parting(a: Sequence[bytes], b: Sequence[bytes]) -> int | None:
    """The number of the first line that is not the same, if any."""
    for number, (here, there) in enumerate(zip(a, b, strict=False)):
        if here != there:
            return number
    return None if len(a) == len(b) else min(len(a), len(b))


def _content(line: bytes) -> bytes:
    """A line without the numbers that shift."""
    return msgspec.json.encode(_unnumbered(msgspec.json.decode(line)))


def _unnumbered(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {key: _unnumbered(value) for key, value in node.items() if key not in _NUMBERS}


def _in_both(a: Sequence[bytes], b: Sequence[bytes]) -> int:
    return (Counter(map(_content, a)) & Counter(map(_content, b))).total()


def _first(place: int, runs: Sequence[SavedRun], lines: Sequence[Sequence[bytes]]) -> dict[str, Any]:
    here, there = (each[place] if place < len(each) else None for each in lines)
    kind = _kind(place, lines)
    decoded = [None if each is None else msgspec.json.decode(each) for each in (here, there)]
    fields = sorted(_unlike(*decoded)) if kind in ("changed", "numbers") else []
    inputs = {
        side: None if line is None else _inputs(run, log, line)
        for side, run, log, line in zip("ab", runs, lines, decoded, strict=True)
    }
    return {"line": place, "kind": kind, "fields": fields, "a": decoded[0], "b": decoded[1], "inputs": inputs}


def _kind(place: int, lines: Sequence[Sequence[bytes]]) -> str:
    """`only_a` or `only_b`: one log has lines more here; `numbers`: alike but for those; `changed`: anything else."""
    here, there = ([_content(line) for line in each[place : place + AHEAD]] for each in lines)
    if not there or not here:
        return "only_a" if here else "only_b"
    if here[0] == there[0]:
        return "numbers"
    later = {"only_a": _after(here, there[0]), "only_b": _after(there, here[0])}
    nearest = min(later, key=lambda kind: later[kind])
    return nearest if later[nearest] < AHEAD else "changed"


def _after(lines: Sequence[bytes], wanted: bytes) -> int:
    return lines.index(wanted) if wanted in lines else AHEAD


def _inputs(run: SavedRun, log: Sequence[bytes], line: Mapping[str, Any]) -> dict[str, Any]:
    """What led to a line: the line it names as its cause, and what the data said by then."""
    cause = line["cause"]
    name = _instrument(log, line)
    found: dict[str, Any] = {"cause": msgspec.json.decode(log[cause]) if 0 <= cause < len(log) else None, "data": []}
    try:
        refuse_changed(run)
        return found | {"data": known_by(load(run.settings), name, int(line["at"]))}
    except InputRefused as problem:
        return found | {"note": problem.message}


def _instrument(log: Sequence[bytes], line: Mapping[str, Any]) -> str:
    """What a line is about: named in it, in its order or fill, or in the line that caused it."""
    body = line["body"]
    for place in (body, body.get("order") or {}, body.get("fill") or {}, body.get("first") or {}):
        if place.get("instrument"):
            return str(place["instrument"])
    cause = line["cause"]
    return _instrument(log, msgspec.json.decode(log[cause])) if 0 <= cause < line["seq"] else ""


def _code(manifest: Mapping[str, Any]) -> dict[str, Any]:
    strategies = {name: each["sha256"] for name, each in manifest["strategies"].items()}
    packages = {"python": manifest["python"], **manifest["packages"]}
    return {"tradsys": manifest["code"]["sha256"], **packages, "strategies": strategies}


def _unlike(a: Any, b: Any) -> dict[str, dict[str, Any]]:
    """Dotted names of leaves that are not the same in two trees, with both values (None: not there)."""
    here, there = dict(_leaves(a)), dict(_leaves(b))
    names = dict.fromkeys([*here, *there])
    return {name: {"a": here.get(name), "b": there.get(name)} for name in names if here.get(name) != there.get(name)}


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, list | dict) and node:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, node
