"""The verbs put together, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from tradsys.cli.audit import audit_app
from tradsys.cli.audit_tables import tables
from tradsys.cli.backtest import backtest
from tradsys.cli.charges import charges
from tradsys.cli.config import config_app
from tradsys.cli.data import data_app
from tradsys.cli.diff import diff
from tradsys.cli.exchange import exchange_app
from tradsys.cli.kill import kill, lower, reset
from tradsys.cli.limits import limits
from tradsys.cli.new import new_app
from tradsys.cli.replay import replay
from tradsys.cli.report import report
from tradsys.cli.rules import rules_app
from tradsys.cli.run import run
from tradsys.cli.strategies import strategies
from tradsys.cli.surveil import surveil
from tradsys.cli.tax import tax
from tradsys.cli.watchdog import watchdog
from tradsys.cli.why import why
from tradsys.core.errors import TradSysError


class _Verbs(TyperGroup):
    """Passes Ctrl-C on as an abort: typer makes of it an exit code like any other, and nothing would be said."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None


verbs = typer.Typer(
    cls=_Verbs,
    name="tradsys",
    help="Algorithmic trading for Indian and crypto markets: one strategy, from backtest to live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
verbs.command()(backtest)
verbs.command()(replay)
verbs.command()(diff)
verbs.command()(why)
verbs.command()(run)
verbs.command()(kill)
verbs.command()(lower)
verbs.command()(reset)
verbs.command()(limits)
verbs.command()(watchdog)
verbs.command()(charges)
verbs.command()(strategies)
verbs.add_typer(data_app, name="data")
verbs.add_typer(exchange_app, name="exchange")
verbs.add_typer(config_app, name="config")
verbs.add_typer(new_app, name="new")
verbs.add_typer(rules_app, name="rules")
audit_app.command()(tables)
audit_app.command()(surveil)
audit_app.command()(tax)
audit_app.command()(report)
verbs.add_typer(audit_app, name="audit")


def app() -> None:
    """Run the command line and exit: 0 done, 1 something found, 2 input refused, 3 resource, 70 defect, 130 stopped."""
    as_json = "--json" in sys.argv
    try:
        code = typer.main.get_command(verbs).main(standalone_mode=False)
    except TradSysError as error:
        code = _report(error.as_dict(), as_json, exit_code=error.exit_code)
    except typer.Exit as stop:
        code = stop.exit_code
    except TyperException as error:
        body = {"code": "usage", "message": error.format_message(), "value": None, "limit": None, "fix": "see --help"}
        code = _report(body, as_json, exit_code=2)
    except (KeyboardInterrupt, typer.Abort):
        body = {"code": "interrupted", "message": "interrupted", "value": None, "limit": None, "fix": ""}
        code = _report(body, as_json, exit_code=130)
    sys.exit(code if isinstance(code, int) else 0)


def _report(body: Mapping[str, object], as_json: bool, *, exit_code: int) -> int:
    """One JSON object on standard output, or a sentence on standard error."""
    if as_json:
        typer.echo(json.dumps({"error": body}, default=str))
    else:
        fix = f"\n  fix: {body['fix']}" if body.get("fix") else ""
        typer.echo(f"error: {body['message']}{fix}", err=True)
    return exit_code
