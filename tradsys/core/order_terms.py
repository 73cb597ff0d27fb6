"""What an order may ask beyond its price and its validity: as authors write it, and exact.

An order that asks nothing of it has no terms at all (`msgspec.UNSET`), and its record none of these fields.
"""

from __future__ import annotations

import msgspec


class WantedTerms(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """As an author asks: `display` units shown at a time (None: all), `post_only`, and the instant at which a GTD order
    ends (UTC nanoseconds, 0: none)."""

    display: float | None = None
    post_only: bool = False
    expires_at: int = 0


class Terms(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Exact: `display` is the quantity shown at a time (1e-8, 0: all), a `post_only` order never takes, a GTD order
    ends at `expires_at` (UTC nanoseconds, 0: another validity)."""

    display: int = 0
    post_only: bool = False
    expires_at: int = 0


NO_TERMS = Terms()


def stated(terms: Terms | msgspec.UnsetType) -> Terms:
    """The terms of an order, also of one that has none."""
    return NO_TERMS if terms is msgspec.UNSET else terms


def within(terms: Terms | msgspec.UnsetType, quantity: int) -> Terms | msgspec.UnsetType:
    """The same terms for less: never shows more than there is."""
    if terms is msgspec.UNSET or terms.display <= quantity:
        return terms
    return msgspec.structs.replace(terms, display=quantity)
