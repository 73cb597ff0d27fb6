"""Margins of shares: value at risk and extreme loss by liquidity group, delivery in full, the intraday floor.

    VaR        max(6σ, floor of the group) × value          rows `equity/GROUP`
    ELM        3.5 % (broad index funds 2 %) × value
    CNC        VaR + ELM + what is left to 100 % of the value: delivery is paid in full
    MIS        VaR + ELM + what is left to 20 % of the value: the cap of the peak-margin rules

σ is the standard deviation of daily returns. Where it is not known, or no row covers the date, the whole is what the
simplified model asks (`margins.csv`), and the answer says so. Rounded up to the next 1e-8, item by item.

Not modelled: mark-to-market losses (they are in the account's equity), surveillance margins (ASM, GSM, ESM: give their
rate as `surveillance`), security-specific margins, MTF.
"""

from __future__ import annotations

import math
from datetime import date

from tradsys.core.errors import ConfigError, UncoveredDate
from tradsys.core.events import Product
from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE
from tradsys.reference.margin_parameters import CashParameters, Sourced, cash_parameters
from tradsys.reference.ticks import margin_rate
from tradsys.risk.margin.items import SIMPLIFIED, Charge, Item, Margin, margin_of_charges
from tradsys.risk.margin.positions import Market, Position, checked, money, share_of


def cash_margin(position: Position, market: Market, *, on: date, surveillance: int = 0) -> Margin:
    """Margin of a position in a share.

    Args:
        surveillance: the least share of the value (1e-8) that a surveillance list asks for, 0 where it is on none.

    Raises:
        ConfigError: a product that shares do not have, or a short position that is to be delivered.
        MissingData: no price.
        UncoveredDate: a date before the first rows of the simplified model too.
    """
    value = money(price=checked(position).mark, quantity=position.quantity, multiplier=1)
    if position.product is Product.CNC and position.quantity < 0:
        raise ConfigError(
            f"{position.instrument.id}: CNC cannot be short", value=position.quantity, limit=">= 0", fix="sell in MIS"
        )
    floor = max(margin_rate(Segment.EQUITY, position.product, on), surveillance)
    source = f"margins.csv, equity {position.product}; at least {floor / 10**6:g} % of the value"
    try:
        parameters = cash_parameters(market.group, on)
        var = var_rate(parameters, daily_volatility=market.daily_volatility)
    except UncoveredDate as gap:
        return _simplified(value, Sourced(floor, source), why=gap.message)
    if var is None:
        return _simplified(value, Sourced(floor, source), why=f"no daily volatility of {position.instrument.id}")
    charged = share_of(value, rate=var.value), share_of(value, rate=parameters.elm.value)
    rest = max(share_of(value, rate=floor) - sum(charged), 0)
    return margin_of_charges(
        (
            Charge(item=Item.VAR, amount=charged[0], reason=f"VaR of {market.group}", source=var.source),
            Charge(item=Item.ELM, amount=charged[1], reason="extreme loss margin", source=parameters.elm.source),
            Charge(item=Item.ADDITIONAL, amount=rest, reason=f"up to the floor of {position.product}", source=source),
        )
    )


def var_rate(parameters: CashParameters, *, daily_volatility: float) -> Sourced | None:
    """max(sigmas × σ, floor) as a fraction of the value, 1e-8; None where the volatility is needed and not known."""
    if not parameters.sigmas:
        return parameters.var_floor
    if not 0.0 <= daily_volatility < math.inf:
        return None
    scanned = round(min(parameters.sigmas * daily_volatility, 1.0) * SCALE)
    return Sourced(max(scanned, parameters.var_floor.value), parameters.var_floor.source)


def _simplified(value: int, rate: Sourced, *, why: str) -> Margin:
    amount = share_of(value, rate=rate.value)
    charge = Charge(item=Item.VAR, amount=amount, reason="share of the value", source=rate.source)
    return margin_of_charges((charge,), notes=(f"{SIMPLIFIED}: {why}",))
