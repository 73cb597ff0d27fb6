"""All of it at once, for a screen or a limit that looks after every fill."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import numpy.typing as npt

from tradsys.numerics.portfolio_risk import (
    Contributions,
    deviation_marginals,
    historical_marginals,
    normal_marginals,
    scenario_profits,
)
from tradsys.numerics.tail_risk import TailRisk, cornish_fisher, historical, normal, not_defined, tail
from tradsys.risk.measures.concentration import Concentration, concentration
from tradsys.risk.measures.exposure import Exposure, exposure
from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import Portfolio, PriceFunction
from tradsys.risk.measures.revaluation import by_column, historical_profits, reason_against

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
METHODS = ("historical", "normal", "cornish_fisher")


class RiskAt(msgspec.Struct, frozen=True, kw_only=True):
    """Figures at one confidence, in the account's currency over one period of the history.

    `by_method` has `historical`, `normal` (delta-normal) and `cornish_fisher`. Components are by position, float64[p]
    each, and add up to the figures of their method.
    """

    confidence: float
    by_method: dict[str, TailRisk]
    historical_components: Contributions
    normal_components: Contributions


class RiskReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `measure` found. `undefined` is the reason why value at risk is NaN, where it is."""

    value: float
    exposure: Exposure
    at: dict[float, RiskAt]
    concentration: dict[str, Concentration]
    undefined: str


def measure(
    portfolio: Portfolio,
    *,
    history: History,
    equity: float,
    confidences: tuple[float, ...] = (0.95, 0.99),
    price: PriceFunction | None = None,
) -> RiskReport:
    """Value at risk, expected shortfall, components, exposure and concentration of a portfolio.

    Historical figures price options anew on every day (`price`); normal ones take them by their delta; Cornish and
    Fisher's bend the normal ones by the moments of the historical profits. Anything missing of one position makes all
    figures that need it NaN.
    """
    reason = reason_against(portfolio, history=history, price=price)
    groups: dict[str, Concentration] = {
        "instrument": concentration(portfolio, by="instrument"),
        "underlying": concentration(portfolio, by="underlying"),
        "sector": concentration(portfolio, by="sector"),
        "currency": concentration(portfolio, by="currency"),
    }
    return RiskReport(
        value=math.nan if portfolio.undefined else float(portfolio.values.sum()),
        exposure=exposure(portfolio, equity=equity),
        at={each: _not_known(portfolio, each, reason) for each in confidences}
        if reason
        else _at(portfolio, history, confidences, price),
        concentration=groups,
        undefined=reason,
    )


def _at(
    portfolio: Portfolio, history: History, confidences: tuple[float, ...], price: PriceFunction | None
) -> dict[float, RiskAt]:
    profits, of_options = historical_profits(portfolio, history=history, price=price)
    columns, linear = history.columns_of(portfolio), profits
    if portfolio.options:
        exposures = by_column(portfolio.exposures, columns=columns, history=history)
        linear = scenario_profits(history.moves, exposures=exposures)
    slopes = deviation_marginals(history.moves, profits=linear)
    found = {}
    for confidence in confidences:
        of_history = historical(profits, confidence=confidence)
        found[confidence] = RiskAt(
            confidence=confidence,
            by_method={
                "historical": of_history,
                "normal": normal(linear, confidence=confidence),
                "cornish_fisher": cornish_fisher(profits, confidence=confidence),
            },
            historical_components=_nothing(portfolio)
            if of_history.undefined
            else _historical_components(portfolio, history, profits, of_options, columns, confidence),
            normal_components=_scaled(
                portfolio, normal_marginals(slopes, means=history.means, confidence=confidence), columns
            ),
        )
    return found


def _historical_components(
    portfolio: Portfolio,
    history: History,
    profits: Array,
    of_options: Array,
    columns: Integers,
    confidence: float,
) -> Contributions:
    """Of linear positions exposure × marginal; of options their own loss in the scenarios of the tail."""
    marginals = historical_marginals(history.moves, profits=profits, confidence=confidence)
    found = _scaled(portfolio, marginals, columns)
    if portfolio.options:
        chosen = np.array(portfolio.options, np.intp)
        scenarios, shares = tail(profits, confidence=confidence)
        found.value_at_risk[chosen] = -of_options[scenarios[-1]]
        found.expected_shortfall[chosen] = -(shares[:, None] * of_options[scenarios]).sum(axis=0)
    return found


def _scaled(portfolio: Portfolio, marginals: Contributions, columns: Integers) -> Contributions:
    return Contributions(*(portfolio.exposures * each[columns] for each in marginals))


def _nothing(portfolio: Portfolio) -> Contributions:
    return Contributions(np.full(len(portfolio), math.nan), np.full(len(portfolio), math.nan))


def _not_known(portfolio: Portfolio, confidence: float, reason: str) -> RiskAt:
    return RiskAt(
        confidence=confidence,
        by_method=dict.fromkeys(METHODS, not_defined(reason)),
        historical_components=_nothing(portfolio),
        normal_components=_nothing(portfolio),
    )
