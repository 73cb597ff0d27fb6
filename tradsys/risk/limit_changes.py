"""Who may change a limit: one person lowers it, two of different roles raise it."""

from __future__ import annotations

from typing import Final

import msgspec

from tradsys.core.errors import ConfigError, UnknownName
from tradsys.core.risk_events import LimitChanged
from tradsys.risk.limits import Limits, exact, scope_of

ROLES: Final = ("admin", "trader", "compliance")
"""Those that may; a viewer may not."""
_STRICTER_WHEN_LONGER: Final = frozenset({"duplicate_seconds"})


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who says something, and as what."""

    name: str
    role: str

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"


def person(text: str) -> Person:
    """`asha:trader` as a person. Raises `ConfigError` without a name, `UnknownName` for no role there is."""
    name, _, role = text.rpartition(":")
    if not name.strip():
        raise ConfigError("who?", value=text, limit="NAME:ROLE", fix=f"roles are {', '.join(ROLES)}")
    if role not in ROLES:
        raise UnknownName("role", role, ROLES)
    return Person(name=name.strip(), role=role)


class LimitWish(msgspec.Struct, frozen=True, kw_only=True):
    """A limit by its name, on a scope by its kind and name, as people write it; None takes it away."""

    limit: str
    kind: str = "account"
    name: str = ""
    value: float | None = None
    by: tuple[Person, ...] = ()
    reason: str = ""


def changed(wish: LimitWish, limits: Limits, *, at: int) -> LimitChanged:
    """What a wish would change, nothing being changed yet.

    Raises `ConfigError` for a change without a reason or by too few, or that is none, and for a limit that is out of
    range; `UnknownName` for a limit, scope or role that there is none of.
    """
    scope = scope_of(wish.kind, name=wish.name)
    place = f"{wish.limit} of {scope}"
    after = None if wish.value is None else exact(wish.limit, wish.value, source=place)
    before = limits.get(wish.limit, scope)
    if after == before:
        raise ConfigError(f"{place} is that already", value=wish.value, fix="name another figure")
    if not wish.reason.strip():
        raise ConfigError("a limit is changed for a reason", value=wish.reason, fix="give the reason")
    raises = _raises(wish.limit, before, after)
    _demand_enough(wish.by, raises=raises, what=place)
    return LimitChanged(
        at=at,
        limit=wish.limit,
        kind=scope.kind,
        name=scope.name,
        before=before,
        after=after,
        by=tuple(str(each) for each in wish.by),
        reason=wish.reason,
    )


def apply(change: LimitChanged, limits: Limits) -> None:
    """Hold against it from now on."""
    scope = scope_of(change.kind, name=change.name)
    limits.change(change.limit, scope, most=change.after, source=f"changed by {' and '.join(change.by)}")


def _raises(limit: str, before: int | None, after: int | None) -> bool:
    """Whether more is allowed than before."""
    if before is None or after is None:
        return after is None
    return (after > before) is not (limit in _STRICTER_WHEN_LONGER)


def _demand_enough(by: tuple[Person, ...], *, raises: bool, what: str) -> None:
    names, roles = {each.name for each in by}, {each.role for each in by}
    if not by:
        raise ConfigError(f"nobody changes {what}", value="no name", limit="one to lower, two to raise")
    if raises and (len(names) < 2 or len(roles) < 2):
        raise ConfigError(
            f"raising {what} needs two people of two roles",
            value=", ".join(str(each) for each in by),
            limit="two",
            fix="let somebody of another role agree",
        )
