"""What to do about each kind of difference: a TOML file, with defaults that take no risk.

`[attended]` holds where a person watches, `[unattended]` where nobody does. Every key may be left out.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.units import from_text


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, case by case. What venue and we agree happened (fills, ends, busts of ours) is always booked."""

    external_orders: Literal["adopt", "cancel", "halt"] = "adopt"
    """An order works at the venue that we did not send: count it, withdraw it, or stop its instrument."""
    ended_orders: Literal["cancel", "halt"] = "cancel"
    """The venue works an order of ours that we hold for ended."""
    external_positions: Literal["adopt", "flatten", "halt"] = "adopt"
    """A position in what we never traded: count it, close it, or stop its instrument."""
    unexplained_positions: Literal["halt", "adopt"] = "halt"
    """A position that differs from our trades'. Adopting invents a trade at the venue's average, labelled so."""
    cash: Literal["ignore", "halt"] = "ignore"
    """Cash that differs by more than `cash_tolerance`: say so once, or stop the account."""
    cash_tolerance: str = "0"
    """In units of the currency, as a decimal: `"12.50"`."""

    charges: Literal["apart", "in_cash"] = "apart"
    """Whether the venue takes from its cash, at the trade, the charges that the run books."""

    def tolerance(self) -> int:
        """`cash_tolerance`, 1e-8."""
        return from_text(self.cash_tolerance)


class PolicyFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. With nobody there nothing that can wait is decided; with a person there, that person decides."""

    unattended: Policy = Policy()
    attended: Policy = Policy(
        external_orders="halt", ended_orders="cancel", external_positions="halt", unexplained_positions="halt"
    )

    def policy(self, *, attended: bool) -> Policy:
        """What holds now."""
        return self.attended if attended else self.unattended


def load_policy(path: Path) -> PolicyFile:
    """Read a policy file. Raises `ConfigError` for a file that is missing or no TOML, or a wrong value,
    and `UnknownName`, with the nearest valid one, for a table, a key or an action that does not exist."""
    if not path.is_file():
        raise ConfigError(f"policy file {path} does not exist", value=str(path), fix="give the path of a TOML file")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}", value=str(path), fix="save it as UTF-8") from error
    return parse_policy(text, where=str(path))


def parse_policy(text: str, *, where: str = "policy") -> PolicyFile:
    """The same from its text; `where` is named in errors, which are those of `load_policy`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}", value=where, fix="correct the line named") from error
    _refuse_unknown("table", tables, known=PolicyFile, where=where)
    return PolicyFile(**{name: _table(name, tables[name], where) for name in tables})


def _table(name: str, given: Any, where: str) -> Any:
    """One table over its own defaults."""
    default = getattr(PolicyFile(), name)
    if not isinstance(given, dict):
        raise ConfigError(f"{where}: {name} is a table", value=str(given), fix=f"write [{name}]")
    _refuse_unknown("key", given, known=type(default), where=f"{where} [{name}]")
    for key, value in given.items():
        _check(type(default), key, value, where=f"{where} [{name}]")
    return msgspec.structs.replace(default, **given)


def _refuse_unknown(kind: str, given: dict[str, Any], *, known: type[msgspec.Struct], where: str) -> None:
    for name in given:
        if name not in known.__struct_fields__:
            raise UnknownName(kind, name, known.__struct_fields__, where=where)


def _check(table: type[msgspec.Struct], key: str, value: Any, *, where: str) -> None:
    kind = get_type_hints(table)[key]
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UnknownName("action", str(value), get_args(kind), where=f"{where} {key}")
    elif type(value) is not str or from_text(value) < 0:
        expected = "a decimal in quotes, not negative"
        raise ConfigError(f"{where}: {key} is {expected}", value=str(value), limit=expected, fix=f"correct {key}")
