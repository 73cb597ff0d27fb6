"""Kernels of portfolio risk against plain numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import scipy.special
import scipy.stats

from tradsys.core.errors import ConfigError
from tradsys.numerics import portfolio_risk, tail_risk
from tradsys.numerics.kernels.normals import mixed_bits, normal_of

Array = npt.NDArray[np.float64]


def case(days: int = 500, count: int = 40) -> tuple[Array, Array]:
    drawn = np.random.default_rng(days + count)
    common = drawn.standard_t(4, (days, 1)) * 0.01
    return common + drawn.normal(0.0003, 0.012, (days, count)), drawn.normal(0.0, 1e5, count)


@pytest.mark.parametrize("days", [1, 3, 4, 5, 500])
def test_profits_are_a_product(days: int) -> None:
    moves, exposures = case(days)
    assert portfolio_risk.scenario_profits(moves, exposures=exposures) == pytest.approx(moves @ exposures, rel=1e-11)


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_normal_marginals_are_derivatives(confidence: float) -> None:
    moves, exposures = case()
    slopes = portfolio_risk.deviation_marginals(moves, profits=moves @ exposures)
    marginals = portfolio_risk.normal_marginals(slopes, means=moves.mean(axis=0), confidence=confidence)
    whole = tail_risk.normal(moves @ exposures, confidence=confidence)
    assert (marginals.value_at_risk * exposures).sum() == pytest.approx(whole.value_at_risk, rel=1e-11)
    assert (marginals.expected_shortfall * exposures).sum() == pytest.approx(whole.expected_shortfall, rel=1e-11)
    for i in (0, 7, 39):
        step = np.zeros_like(exposures)
        step[i] = 1.0
        ends = [tail_risk.normal(moves @ (exposures + sign * step), confidence=confidence) for sign in (1, -1)]
        assert (ends[0].value_at_risk - ends[1].value_at_risk) / 2 == pytest.approx(
            marginals.value_at_risk[i], rel=1e-5
        )
        slope = (ends[0].expected_shortfall - ends[1].expected_shortfall) / 2
        assert slope == pytest.approx(marginals.expected_shortfall[i], rel=1e-5)


@pytest.mark.parametrize("confidence", [0.95, 0.975, 0.99])
def test_historical_marginals_are_derivatives(confidence: float) -> None:
    moves, exposures = case(333, 12)
    marginals = portfolio_risk.historical_marginals(moves, profits=moves @ exposures, confidence=confidence)
    whole = tail_risk.historical(moves @ exposures, confidence=confidence)
    assert (marginals.value_at_risk * exposures).sum() == pytest.approx(whole.value_at_risk, rel=1e-11)
    assert (marginals.expected_shortfall * exposures).sum() == pytest.approx(whole.expected_shortfall, rel=1e-11)
    step = np.zeros_like(exposures)
    step[3] = 1e-3
    beyond = tail_risk.historical(moves @ (exposures + step), confidence=confidence)
    assert beyond.value_at_risk - whole.value_at_risk == pytest.approx(marginals.value_at_risk[3] * 1e-3, rel=1e-4)
    moved = beyond.expected_shortfall - whole.expected_shortfall
    assert moved == pytest.approx(marginals.expected_shortfall[3] * 1e-3, rel=1e-4)


def test_profits_that_do_not_vary_have_no_marginals() -> None:
    moves = np.full((10, 2), 0.01)
    assert np.isnan(portfolio_risk.deviation_marginals(moves, profits=np.zeros(10))).all()
    assert np.isnan(portfolio_risk.deviation_marginals(moves[:1], profits=np.ones(1))).all()


def test_cholesky_agrees_with_numpy() -> None:
    moves, _ = case()
    matrix = portfolio_risk.covariance(moves)
    assert matrix == pytest.approx(np.cov(moves, rowvar=False), rel=1e-10)
    assert portfolio_risk.cholesky(matrix) == pytest.approx(np.linalg.cholesky(matrix), rel=1e-9, abs=1e-15)


def test_fewer_days_than_instruments_still_have_a_root() -> None:
    moves, _ = case(20, 60)
    matrix = portfolio_risk.covariance(moves)
    factor = portfolio_risk.cholesky(matrix)
    assert factor @ factor.T == pytest.approx(matrix, abs=1e-7 * matrix.max())
    assert (np.diag(factor) > 0.0).sum() < 60


@pytest.mark.parametrize(
    "matrix",
    [
        [[1.0, 2.0], [2.0, 1.0]],
        [[0.0, 1.0], [1.0, 1.0]],
        [[1.0, 0.5], [0.4, 1.0]],
        [[1.0, math.nan], [math.nan, 1.0]],
        [[1.0, 0.5]],
        [[-1.0]],
    ],
)
def test_what_is_no_covariance_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(ConfigError, match="covariance"):
        portfolio_risk.cholesky(np.array(matrix))


def test_correlations_move_to_one() -> None:
    moves, _ = case(100, 5)
    matrix = portfolio_risk.covariance(moves)
    together = portfolio_risk.toward_one(matrix, share=1.0)
    deviations = np.sqrt(np.diag(matrix))
    assert together / np.outer(deviations, deviations) == pytest.approx(np.ones((5, 5)))
    assert portfolio_risk.toward_one(matrix, share=0.0) == pytest.approx(matrix)
    assert np.diag(portfolio_risk.toward_one(matrix, share=0.3)) == pytest.approx(np.diag(matrix))
    with pytest.raises(ConfigError):
        portfolio_risk.toward_one(matrix, share=1.2)


def test_bits_are_those_of_splitmix64() -> None:
    """First outputs of the generator for seed 1234567, as Rosetta Code lists them."""
    expected = [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
    ]  # fmt: skip
    assert [int(mixed_bits(np.uint64(1234567), np.uint64(i))) for i in range(5)] == expected


def test_normal_quantile_agrees_with_scipy() -> None:
    tails = 10.0 ** -np.arange(1, 300, 3)
    probabilities = np.concatenate([np.random.default_rng(1).random(500), tails, 1.0 - tails[:5]])
    found = np.array([normal_of(each) for each in probabilities])
    assert found == pytest.approx(scipy.special.ndtri(probabilities), rel=1e-14)


def test_normals_are_normal_and_repeat() -> None:
    drawn = portfolio_risk.standard_normals(200_000, seed=7)
    assert drawn[:1000].tolist() == portfolio_risk.standard_normals(1000, seed=7).tolist()
    assert drawn[:10].tolist() != portfolio_risk.standard_normals(10, seed=8).tolist()
    assert abs(drawn.mean()) < 0.01 and drawn.std() == pytest.approx(1.0, abs=0.005)
    assert scipy.stats.kstest(drawn, "norm").pvalue > 0.01
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01


def test_scenarios_have_the_covariance_asked_for() -> None:
    matrix = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, -0.5], [0.0, -0.5, 2.0]])
    drawn = portfolio_risk.normal_scenarios(matrix, count=200_000, seed=3)
    assert np.cov(drawn, rowvar=False) == pytest.approx(matrix, abs=0.05)
