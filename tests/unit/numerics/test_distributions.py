"""Distributions against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from tradsys.numerics import distributions


@pytest.mark.parametrize("probability", [1e-10, 0.01, 0.3, 0.5, 0.95, 0.99, 0.9999])
def test_normal_agrees_with_scipy(probability: float) -> None:
    z = distributions.normal_quantile(probability)
    assert z == pytest.approx(scipy.stats.norm.ppf(probability), rel=1e-13)
    assert distributions.normal_density(z) == pytest.approx(scipy.stats.norm.pdf(z), rel=1e-13)


@pytest.mark.parametrize("degrees", [1, 2])
def test_chi_square_agrees_with_scipy(degrees: int) -> None:
    for statistic in np.linspace(0.0, 60.0, 40):
        expected = scipy.stats.chi2.sf(statistic, degrees)
        assert distributions.chi_square_survival(statistic, degrees=degrees) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("trials", "probability"), [(250, 0.01), (1000, 0.05), (10, 0.5)])
def test_binomial_agrees_with_scipy(trials: int, probability: float) -> None:
    for successes in (0, 1, 3, 7, trials // 2, trials, trials + 5):
        found = distributions.binomial_cumulative(successes, trials=trials, probability=probability)
        assert found == pytest.approx(scipy.stats.binom.cdf(successes, trials, probability), rel=1e-10)


def test_what_is_not_defined_is_nan() -> None:
    assert all(math.isnan(distributions.normal_quantile(each)) for each in (0.0, 1.0, -0.1, math.nan))
    assert math.isnan(distributions.chi_square_survival(-1.0, degrees=1))
    assert math.isnan(distributions.chi_square_survival(1.0, degrees=3))
    assert math.isnan(distributions.binomial_cumulative(1, trials=10, probability=1.5))
