"""`tradsys kill`: raise the safety level of a running process, or drill it on a simulated exchange; `tradsys lower` and
`tradsys reset`: let it trade again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tradsys.execution.flattening_parts import FlatReport


def kill(
    run: Annotated[Path | None, typer.Argument(help="Folder of the running process.")] = None,
    level: Annotated[str, typer.Option(help="no_new_risk, cancel or flatten.")] = "flatten",
    reason: Annotated[str, typer.Option(help="Why; kept in the journal.")] = "",
    by: Annotated[str, typer.Option(help="Who; default: the account of this machine.")] = "",
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until the account is at rest.")] = 60.0,
    drill: Annotated[bool, typer.Option("--drill", help="Practise on a simulated exchange, and measure.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Stop trading: no new risk, withdraw all orders, or close everything. Exit 1 where it did not come to rest."""
    from tradsys.core.errors import ConfigError

    if drill:
        _drill(as_json=json)
        return
    if run is None or not reason.strip():
        raise ConfigError(
            "what is to be killed, and why?",
            value=f"run={run} reason={reason!r}",
            limit="both given",
            fix='tradsys kill RUN --reason "…", or tradsys kill --drill',
        )
    _kill(run, level, reason=reason, by=by, wait=wait, as_json=json)


def lower(
    run: Annotated[Path, typer.Argument(help="Folder of the running process.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the journal.")],
    to: Annotated[str, typer.Option(help="normal, no_new_risk or cancel.")] = "normal",
    by: Annotated[str, typer.Option(help="Who; default: the account of this machine.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Let a process trade again after a kill. A cause that still holds raises the level anew."""
    from tradsys.engine.control.client import ask
    from tradsys.engine.control.protocol import Lower, level_of
    from tradsys.engine.control.server import SOCKET

    command = Lower(level=level_of(to).name.lower(), reason=reason, by=by or _owner())
    body = _checked(ask(run / SOCKET, command))
    _tell(body, as_json=json)


def reset(
    run: Annotated[Path, typer.Argument(help="Folder of the running process.")],
    breaker: Annotated[str, typer.Argument(help="The tripped breaker: daily-loss, drawdown, volatility, …")],
    reason: Annotated[str, typer.Option(help="Why; kept in the journal.")],
    of: Annotated[str, typer.Option("--of", help="The strategy or instrument it halts; none for the account.")] = "",
    by: Annotated[str, typer.Option(help="Who; default: the account of this machine.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """End the halt of a tripped circuit breaker; from here on it counts afresh."""
    from tradsys.engine.control.client import ask
    from tradsys.engine.control.protocol import Reset
    from tradsys.engine.control.server import SOCKET

    command = Reset(breaker=breaker, subject=of, reason=reason, by=by or _owner())
    body = _checked(ask(run / SOCKET, command))
    if json:
        _tell(body, as_json=True)
        return
    left = ", ".join(f"{each['breaker']} {each['subject']}".strip() for each in body.get("halts", ()))
    typer.echo(f"{breaker} is reset; still tripped: {left or 'none'}")


def _kill(run: Path, level: str, *, reason: str, by: str, wait: float, as_json: bool) -> None:
    from tradsys.core.safety import SafetyLevel
    from tradsys.engine.control.client import ask
    from tradsys.engine.control.protocol import Kill, level_of
    from tradsys.engine.control.server import SOCKET

    wanted = level_of(level)
    command = Kill(level=wanted.name.lower(), reason=reason, by=by or _owner())
    body = _checked(ask(run / SOCKET, command))
    if wanted >= SafetyLevel.CANCEL:
        body = _rested(run / SOCKET, body, wait)
    _tell(body, as_json=as_json)
    if wanted >= SafetyLevel.CANCEL and not _flat(body):
        raise typer.Exit(1)


def _rested(path: Path, body: dict[str, Any], wait: float) -> dict[str, Any]:
    """The process's status once it says that the account is at rest, or when patience ends."""
    from tradsys.core.errors import ResourceError
    from tradsys.engine.control.client import ask
    from tradsys.engine.control.protocol import Status

    deadline = time.monotonic() + wait
    while not _flat(body) and time.monotonic() < deadline:
        time.sleep(0.05)
        try:
            body = _checked(ask(path, Status()))
        except ResourceError:
            break
    return body


def _flat(body: dict[str, Any]) -> bool:
    flat = body.get("flat")
    return bool(flat.get("flat") if isinstance(flat, dict) else flat)


def asked(run: Path, command: Any) -> dict[str, Any]:
    """What the process of a run answers. Raises `InputRefused` with what it said, `ResourceError` where none runs."""
    from tradsys.engine.control.client import ask
    from tradsys.engine.control.server import SOCKET

    return _checked(ask(run / SOCKET, command))


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """An answer that is no refusal. Raises `InputRefused` with what the process said."""
    from tradsys.core.errors import InputRefused

    error = body.get("error")
    if isinstance(error, dict):
        raise InputRefused(
            str(error.get("message")), value=error.get("value"), limit=error.get("limit"), fix=str(error.get("fix", ""))
        )
    return body


def _tell(body: dict[str, Any], *, as_json: bool) -> None:
    import msgspec

    from tradsys.core.safety import SafetyLevel
    from tradsys.engine.control.protocol import level_of

    if as_json:
        typer.echo(msgspec.json.encode(body).decode())
    else:
        level = level_of(str(body["level"]))
        left = ", ".join((body.get("flat") or {}).get("left", ())) or "the venue has not said so"
        rest = "at rest" if _flat(body) else f"not yet at rest ({left}): look at the broker's screen"
        typer.echo(f"the process is at {level.name}" + (f", {rest}" if level >= SafetyLevel.CANCEL else ""))


def _owner() -> str:
    import getpass

    return getpass.getuser()


# --- the drill


def _drill(*, as_json: bool) -> None:
    from tradsys.cli.kill_drill import drilled

    report = drilled()
    _tell_drill(report, as_json=as_json)
    if not report.flat:
        raise typer.Exit(1)


def _tell_drill(report: FlatReport, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
        return
    counts = f"{report.orders_cancelled} orders withdrawn, {report.positions_closed} positions closed"
    if report.flat:
        typer.echo(f"flat after {report.seconds_to_flat:.3f} s: {counts}")
    else:
        typer.echo(f"not flat after {report.seconds_to_flat:.3f} s: {counts}; left: {'; '.join(report.left)}")
