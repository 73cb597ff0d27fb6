"""What strategies and indicators remember, as bytes: the same bytes for the same values, in every process.

No code is ever kept or run: values are numbers, texts and containers of them, and records that the project itself
defines. What is wired anew by a restart (readings, the account) is kept by name and found again.

Not modelled: two attributes that are one list (refused), what a class or a module remembers, the order of a set.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradsys.core import events
from tradsys.core.errors import ConfigError, StrategyError
from tradsys.strategies import views
from tradsys.strategies.base import Strategy

_AUTHORS = (
    AttributeError,
    NameError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    OSError,
    RuntimeError,
    AssertionError,
)
"""What an author's `state` or `restore` may raise."""

_PLAIN = frozenset({type(None), bool, float, str, bytes})
_LEAST, _MOST = -(2**63), 2**64 - 1
_NUMBERS = "biufc"
_DEFINED: dict[str, Any] = {
    each.__name__: each
    for each in (*vars(events).values(), *vars(views).values())
    if isinstance(each, type) and issubclass(each, msgspec.Struct | enum.Enum)
}
"""Records and words that a strategy is shown and may keep, by name."""

_KINDS = (list, tuple, dict, set, frozenset, deque)
_CHANGEABLE = (list, dict, set, deque)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Wires:
    """What a restart wires anew and a strategy may hold: things by name, and their names."""

    def __init__(self, things: Mapping[str, object]) -> None:
        self.things = things
        self._names = {id(each): name for name, each in things.items()}

    def name_of(self, thing: object) -> str | None:
        """The name of what is wired anew; None for everything else."""
        return self._names.get(id(thing))


class Packer:
    """Turns values into bytes. One for all strategies of an engine, so that nothing shared goes unnoticed."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[str, object]] = {}
        self._arrays: list[tuple[str, NDArray[Any]]] = []

    def packed(self, state: Mapping[str, Any], *, owner: str, wires: Wires) -> bytes:
        """A state's bytes. Raises `StrategyError` naming what is no plain data."""
        parts = []
        for name, value in state.items():
            where = f"{owner}.{name}"
            try:
                part = msgspec.Raw(_encode([name, self._pack(value, where, wires)]))
            except (RecursionError, ValueError) as error:
                raise _refused(f"{where} cannot be written: {error}") from None
            parts.append(part)
        return _encode(parts)

    def _pack(self, value: Any, where: str, wires: Wires) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if value is msgspec.UNSET:
            return ["unset"]
        if kind is int:
            return value if _LEAST <= value <= _MOST else ["int", str(value)]
        name = wires.name_of(value)
        if name is not None:
            return ["wired", name]
        if kind in _KINDS:
            self._only_once(value, where)
            return self._container(kind, value, where, wires)
        if kind is np.ndarray:
            return self._array(value, where)
        if isinstance(value, np.generic) and value.dtype.kind in _NUMBERS:
            return ["number", value.dtype.str, value.tobytes()]
        if _DEFINED.get(kind.__name__) is kind:
            if isinstance(value, enum.Enum):
                return ["word", kind.__name__, value.value]
            fields = (getattr(value, field) for field in kind.__struct_fields__)
            return ["record", kind.__name__, [self._pack(each, where, wires) for each in fields]]
        raise _refused(f"{where} holds a {kind.__name__}, which is no plain data")

    def _container(self, kind: type, value: Any, where: str, wires: Wires) -> list[Any]:
        if kind is dict:
            return ["dict", [[self._pack(part, where, wires) for part in item] for item in value.items()]]
        parts = [self._pack(each, where, wires) for each in value]
        if kind is deque:
            return ["deque", value.maxlen, parts]
        return [kind.__name__, sorted(parts, key=_encode) if kind in (set, frozenset) else parts]

    def _array(self, array: NDArray[Any], where: str) -> list[Any]:
        """Bytes in the order they lie in: sums depend on it."""
        flags = array.flags
        if array.dtype.kind not in _NUMBERS or not (flags.c_contiguous or flags.f_contiguous):
            raise _refused(f"{where} holds an array of {array.dtype}, or one with gaps, which is no plain data")
        for other, each in self._arrays:
            if np.may_share_memory(each, array):
                raise _refused(f"{other} and {where} share the numbers of one array")
        self._arrays.append((where, array))
        order: Literal["C", "F"] = "C" if flags.c_contiguous else "F"
        return ["array", array.dtype.str, list(array.shape), order, array.tobytes(order)]

    def _only_once(self, value: object, where: str) -> None:
        """Two names of one thing would come back as two. What was seen is kept, so that no identity is reused."""
        before = self._seen.get(id(value))
        if before is not None and type(value) in _CHANGEABLE:
            raise _refused(f"{before[0]} and {where} are one {type(value).__name__}")
        self._seen[id(value)] = (where, value)


def unpacked(content: bytes, *, wires: Wires) -> dict[str, Any]:
    """A state from its bytes. Raises `ConfigError` for bytes that are none, or that name what is not wired here."""
    try:
        return {name: _unpack(value, wires) for name, value in _decode(content)}
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"what a strategy or an indicator remembered cannot be read: {type(error).__name__}: {error}",
            value=len(content),
            limit="what this version writes",
            fix="replay the journal from its start",
        ) from error


def strategy_state(name: str, strategy: Strategy, *, packer: Packer, wires: Wires) -> bytes:
    """What a strategy remembers. Raises `StrategyError` for a `state` that raises or holds what is no plain data."""
    try:
        state = strategy.state()
    except _AUTHORS as error:
        raise _refused(f"{name}: state() raises {type(error).__name__}: {error}") from error
    if not isinstance(state, Mapping) or not all(isinstance(each, str) for each in state):
        raise _refused(f"{name}: state() gives no dict of attributes by name")
    return packer.packed(state, owner=name, wires=wires)


def restore_strategy(name: str, strategy: Strategy, content: bytes, *, wires: Wires) -> None:
    """Hand a strategy what it remembered. Raises `StrategyError` for a `restore` that raises, and as `unpacked`."""
    state = unpacked(content, wires=wires)
    try:
        strategy.restore(state)
    except _AUTHORS as error:
        raise _refused(f"{name}: restore() raises {type(error).__name__}: {error}") from error


def _unpack(value: Any, wires: Wires) -> Any:
    if type(value) is not list:
        return value
    kind, *parts = value
    build = _LEAVES.get(kind)
    if build is not None:
        return build(*parts)
    if kind == "wired":
        return wires.things[parts[0]]
    if kind == "dict":
        return {_unpack(key, wires): _unpack(each, wires) for key, each in parts[0]}
    inner = [_unpack(each, wires) for each in parts[-1]]
    if kind == "deque":
        return deque(inner, parts[0])
    if kind == "record":
        defined = _DEFINED[parts[0]]
        return defined(**dict(zip(defined.__struct_fields__, inner, strict=True)))
    return _CONTAINERS[kind](inner)


def _array(kind: str, shape: list[int], order: Literal["C", "F"], content: bytes) -> NDArray[Any]:
    return np.frombuffer(content, dtype=kind).reshape(shape, order=order).copy(order)


def _number(kind: str, content: bytes) -> Any:
    return np.frombuffer(content, dtype=kind)[0]


def _word(name: str, value: Any) -> Any:
    return _DEFINED[name](value)


_LEAVES: dict[str, Callable[..., Any]] = {
    "int": int,
    "array": _array,
    "number": _number,
    "word": _word,
    "unset": lambda: msgspec.UNSET,
}
_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {each.__name__: each for each in _KINDS}


def _refused(what: str) -> StrategyError:
    return StrategyError(
        what, value=what.partition(" ")[0], limit="plain data, each in one place", fix="define state() and restore()"
    )
