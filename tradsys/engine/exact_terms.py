"""From the terms that an author asks for to exact ones, and the rules of which go together."""

from __future__ import annotations

import msgspec

from tradsys.core.errors import ConfigError
from tradsys.core.events import OrderIntent, OrderType, Validity
from tradsys.core.instruments import Instrument
from tradsys.core.order_terms import Terms, WantedTerms

_PLAIN = WantedTerms()
_RESTS = (Validity.DAY, Validity.GTC, Validity.GTD)
_AT_ONCE = (OrderType.MARKET, OrderType.LIMIT)


def exact_terms(
    intent: OrderIntent, *, instrument: Instrument, quantity: int, at: int, paired: bool
) -> Terms | msgspec.UnsetType:
    """The terms of an order of `quantity` (1e-8) made at `at` (UTC nanoseconds); `paired`: it is one of two that cancel
    each other. Raises `ConfigError` for terms that do not go together, a quantity to show below one lot or above the
    order's, and an instant that has passed."""
    wanted = _PLAIN if intent.terms is msgspec.UNSET else intent.terms
    if intent.validity is Validity.FOK:
        _demand_at_once(intent, paired=paired)
    _demand_instant(intent.validity, wanted.expires_at, at)
    if wanted.post_only:
        _demand_resting(intent, "a post-only order", fix="give limit=, and DAY, GTC or GTD")
    display = 0
    if wanted.display is not None:
        _demand_resting(intent, "an order that shows a part of its quantity", fix="give limit=, and DAY, GTC or GTD")
        display = _shown(wanted.display, intent.quantity, instrument, at)
    if not (display or wanted.post_only or wanted.expires_at):
        return msgspec.UNSET
    return Terms(display=min(display, quantity), post_only=wanted.post_only, expires_at=wanted.expires_at)


def _demand_at_once(intent: OrderIntent, *, paired: bool) -> None:
    if intent.type not in _AT_ONCE:
        raise ConfigError(
            "a fill-or-kill order cannot wait for a trigger",
            value=intent.type,
            limit="MARKET, LIMIT",
            fix="give IOC, or leave the trigger out",
        )
    if paired:
        raise ConfigError(
            "an order of a pair shares its quantity, so it cannot be fill or kill",
            value=intent.validity,
            limit="DAY, IOC, GTC, GTD",
            fix="send it alone",
        )


def _demand_instant(validity: Validity, expires_at: int, at: int) -> None:
    if validity is not Validity.GTD:
        if expires_at:
            raise ConfigError(
                "only a GTD order ends at an instant", value=validity, limit="GTD", fix='give validity="GTD"'
            )
    elif expires_at <= at:
        what = "a GTD order needs expires_at" if not expires_at else "a GTD order's instant has passed"
        raise ConfigError(what, value=expires_at, limit=f"> {at}", fix="give expires_at= after now")


def _demand_resting(intent: OrderIntent, what: str, *, fix: str) -> None:
    if intent.type is not OrderType.LIMIT:
        raise ConfigError(f"{what} is a limit order", value=intent.type, limit="LIMIT", fix=fix)
    if intent.validity not in _RESTS:
        raise ConfigError(f"{what} has to rest", value=intent.validity, limit="DAY, GTC, GTD", fix=fix)


def _shown(display: float, quantity: float, instrument: Instrument, at: int) -> int:
    """The quantity to show, down to the lot."""
    shown = instrument.quantity(display, at=at)
    if shown <= 0:
        lot = instrument.lot_at(at) / 10**8
        raise ConfigError("display is less than one lot", value=display, limit=lot, fix=f"give at least {lot:g}")
    if display > quantity:
        raise ConfigError(
            "display is more than the order's quantity", value=display, limit=quantity, fix="show the quantity or less"
        )
    return shown
