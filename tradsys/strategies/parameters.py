"""Typed, validated, documented parameters of a strategy, declared as class attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from tradsys.core.errors import ConfigError, UnknownName


class ParameterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter as declared: its default, its range (inclusive) or choices, and what it means."""

    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    doc: str = ""
    kind: type = object


def Param(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] = (),
    doc: str = "",
) -> Any:
    """Declare a parameter: `fast: int = Param(10, low=5, high=50)`. The range is what the optimiser searches."""
    return ParameterSpec(default=default, low=low, high=high, choices=choices, doc=doc)


_KINDS: dict[Any, type] = {key: kind for kind in (int, float, bool, str) for key in (kind, kind.__name__)}
"""By type and by name: where annotations are postponed they are texts, and other names need not exist at run time."""


def declared(owner: type) -> dict[str, ParameterSpec]:
    """Every parameter of a class and its bases, base classes first, with the annotated type filled in.

    Raises `ConfigError` for a declaration without a usable annotation or with a default outside its own range.
    """
    found: dict[str, ParameterSpec] = {}
    hints: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        hints |= vars(base).get("__annotations__", {})
        for name, value in vars(base).items():
            if isinstance(value, ParameterSpec):
                found[name] = value
    return {name: _typed(owner, name, spec, hints) for name, spec in found.items()}


def _typed(owner: type, name: str, spec: ParameterSpec, hints: Mapping[str, Any]) -> ParameterSpec:
    kind = _KINDS.get(hints.get(name))
    if kind is None:
        raise ConfigError(
            f"{owner.__name__}.{name}: annotate it as int, float, bool or str",
            value=hints.get(name),
            fix=f"{name}: int = Param(…)",
        )
    typed = msgspec.structs.replace(spec, kind=kind)
    validated(f"{owner.__name__}.{name}", typed, spec.default)
    return typed


def bind(owner: str, specs: Mapping[str, ParameterSpec], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values for every parameter: those given, checked, and the defaults of the rest.

    Raises `UnknownName` for a name that is not declared, `ConfigError` for a wrong type or a value out of range.
    """
    for name in given:
        if name not in specs:
            raise UnknownName("parameter", name, specs, where=owner)
    return {name: validated(f"{owner}.{name}", spec, given.get(name, spec.default)) for name, spec in specs.items()}


def validated(where: str, spec: ParameterSpec, value: Any) -> Any:
    """`value` as the parameter's type. Raises `ConfigError` saying which limit it breaks."""
    if spec.kind is float and type(value) is int:
        value = float(value)
    if type(value) is not spec.kind or not isinstance(value, (int, float, str)):
        raise ConfigError(f"{where} must be {spec.kind.__name__}", value=value, limit=spec.kind.__name__)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} must be finite", value=value)
    if spec.choices and value not in spec.choices:
        raise ConfigError(f"{where} must be one of {spec.choices}", value=value, limit=str(spec.choices))
    if isinstance(value, str):
        return value
    if spec.low is not None and value < spec.low:
        raise ConfigError(f"{where} = {value} is below its low of {spec.low}", value=value, limit=spec.low)
    if spec.high is not None and value > spec.high:
        raise ConfigError(f"{where} = {value} is above its high of {spec.high}", value=value, limit=spec.high)
    return value
