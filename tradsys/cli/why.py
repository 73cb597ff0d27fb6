"""`tradsys why`: the whole chain of one order, from the data to its last fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.tree import Tree


def why(
    run: Annotated[Path, typer.Option("--run", help="The run folder.")],
    order: Annotated[int | None, typer.Argument(help="The order's number, refused ones too.")] = None,
    line: Annotated[int | None, typer.Option("--line", help="Or a line of the decision log.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Explain an order: data, strategy values, intent, each check, and what became of it, with times."""
    from tradsys.cli.progress import watch
    from tradsys.core.errors import ConfigError
    from tradsys.engine.explanation import explain_line, explain_order
    from tradsys.engine.live_replay import open_any

    if (order is None) == (line is None):
        raise ConfigError("name one order, or one line", value=order, limit="ORDER or --line", fix="tradsys why 17 …")
    saved = open_any(run)
    with watch("bars") as progress:
        if order is not None:
            found = explain_order(saved, order, progress=progress)
        else:
            found = explain_line(saved, line or 0, progress=progress)
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(found).decode())
        return
    from rich.console import Console

    from tradsys.cli.diff import zone_of_run

    Console().print(_Teller(zone_of_run(saved), saved.settings.run.run.currency).tree(found), highlight=False)


class _Teller:
    """Tells an explanation as a tree: times in the exchange's zone, money grouped as there."""

    def __init__(self, zone: str, currency: str) -> None:
        self._zone = zone
        self._currency = currency

    def tree(self, found: Mapping[str, Any]) -> Tree:
        """The whole tree."""
        from rich.text import Text
        from rich.tree import Tree

        root = Tree(Text(self._title(found)))
        for name, lines in self._branches(found):
            branch = root.add(name)
            for each in lines:
                branch.add(Text(each))
        return root

    def _title(self, found: Mapping[str, Any]) -> str:
        what = f"line {found['line']}" if found["order"] is None else f"order {found['order']}"
        end = "" if found["state"] is None else f": {found['state'].replace('_', ' ')}"
        return f"{what} of {found['strategy']} in {found['instrument']}{end}"

    def _branches(self, found: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        yield "data", list(self._data(found["data"]))
        yield "strategy", [] if found["values"] is None else list(self._values(found["values"]))
        if found["intent"] is None:
            yield "intent", ["none: no strategy asked for it"]
        yield "checks", [self._check(each) for each in found["checks"]]
        if found["request"] is not None:
            yield "request", [self._order(found["request"])]
        yield "steps", [self._step(each) for each in found["steps"]]
        if found.get("venue"):
            yield "venue", [self._way(each) for each in found["venue"]]
        if found["related"]:
            yield "related", [f"order {each['order']}, {each['as']}" for each in found["related"]]
        if found["notes"]:
            yield "notes", list(found["notes"])

    def _values(self, values: Mapping[str, Any]) -> Iterator[str]:
        if values["parameters"]:
            yield f"parameters: {_pairs(values['parameters'])}"
        for name, reading in values["readings"].items():
            yield f"reading {name}: {_pairs(reading)}"
        if values["state"]:
            own = {
                name: self._figure(str(each)) if type(each) is int else each for name, each in values["state"].items()
            }
            yield f"own values: {_pairs(own)}"

    def _time(self, at: int) -> str:
        from tradsys.reference.clock import text

        return text(at, self._zone, seconds=True)

    def _money(self, units: int) -> str:
        from tradsys.core.units import format_money

        return format_money(units, self._currency)

    def _data(self, data: Mapping[str, Any]) -> Iterator[str]:
        """What the strategy had in hand, and the last bar and tick beside it."""
        shown: list[object] = []
        for each in data.values():
            if each not in shown:
                shown.append(each)
                said = {key: value for key, value in each.items() if key not in ("kind", "at", "exchange_at", "span")}
                yield f"{each['kind']} of {self._time(each['at'])}: {_pairs(said)}"

    def _check(self, said: Mapping[str, Any]) -> str:
        mark, numbers = ("✓", "✗")[not said["passed"]], ""
        if said["value"] or said["limit"]:
            numbers = f": {self._measured(said)}"
        refused = f" ({said['rule']}; {said['fix']})" if not said["passed"] else ""
        return f"{mark} {said['check']}{numbers}{refused}"

    def _measured(self, said: Mapping[str, Any]) -> str:
        from tradsys.core.orders import measured

        return measured(self._figure(said["value"]), limit=self._figure(said["limit"]))

    def _figure(self, text: str) -> str:
        """Instants stand as nanoseconds in what a check says."""
        return self._time(int(text)) if len(text) == 19 and text.isdigit() else text

    def _order(self, order: Mapping[str, Any]) -> str:
        from tradsys.core.units import to_text

        words = ["buy" if order["side"] > 0 else "sell", to_text(order["quantity"]), order["instrument"], order["type"]]
        words += [f"{name} {self._money(order[name])}" for name in ("limit", "trigger", "trail") if order[name]]
        words += [order["product"], order["validity"]]
        capped = order.get("capped")
        if capped is not None:
            words.append(f"(a market order capped {capped['percent'] / 100:g} % beyond {self._money(capped['last'])})")
        return " ".join(words)

    def _step(self, step: Mapping[str, Any]) -> str:
        tell: dict[str, Callable[[Mapping[str, Any]], str]] = {
            "Approved": lambda body: "every check passed",
            "Refused": lambda body: f"{body['rule']}: {self._measured(body)}",
            "Fill": self._fill,
            "Charged": self._charged,
            "Cancelled": lambda body: f"{body['reason']}, {self._rest(body)} unfilled",
            "Expired": lambda body: f"{body['reason']}, {self._rest(body)} unfilled",
            "ProtectionStep": lambda body: f"{body['move']}: {body['reason']}, {self._rest(body)} unfilled",
        }
        body = step["body"]
        said = tell.get(step["event"], _plain)(body)
        asked = step.get("asked_by")
        because = "" if asked is None else f" (line {asked['seq']}: {_plain(asked['body'])})"
        late = step.get("since_exchange_ns", 0)
        heard = f", heard {_span(late)} after it" if late > 0 else ""
        if "venue_at" in step:
            heard = f", at {self._time(step['venue_at'])} by the venue's own clock"
        what = f"{step['event']}: {said}" if said else step["event"]
        when = f"{self._time(step['at'])} {'+' + _span(step['since_ns']):>9}"
        return f"{when}  {what}{heard}{because}  [line {step['line']}]"

    def _way(self, step: Mapping[str, Any]) -> str:
        late = f", {_span(step['latency_ns'])} after its command was recorded" if "latency_ns" in step else ""
        what = {"PlaceOrder": "durable and sent: PlaceOrder", "CancelOrder": "durable and sent: CancelOrder"}
        said = what.get(step["what"], step["what"])
        return f"{self._time(step['at'])} {'+' + _span(step['since_ns']):>9}  {said}{late}  [record {step['record']}]"

    def _fill(self, body: Mapping[str, Any]) -> str:
        from tradsys.core.units import to_text

        maker = ", as maker" if body["maker"] else ""
        return f"{to_text(body['quantity'])} at {self._money(body['price'])}{maker}"

    def _charged(self, body: Mapping[str, Any]) -> str:
        items = ", ".join(f"{name} {self._money(amount)}" for name, amount in body["items"] if amount)
        return self._money(body["total"]) + (f" ({items})" if len(body["items"]) > 1 else "")

    def _rest(self, body: Mapping[str, Any]) -> str:
        from tradsys.core.units import to_text

        return to_text(body["remaining"])


def _pairs(said: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {_figure(value)}" for name, value in said.items())


def _figure(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


_HIDDEN = frozenset({"event", "at", "order_id", "instrument", "strategy"})


def _plain(body: Mapping[str, Any]) -> str:
    """What a line says besides when and of what; what it leaves out is left out."""
    return _pairs({name: value for name, value in body.items() if name not in _HIDDEN and value not in (None, "", 0)})


def _span(nanoseconds: int) -> str:
    """A time between steps, in the unit that suits it."""
    for unit, size in (("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.4g} {unit}"
    return f"{nanoseconds} ns"
