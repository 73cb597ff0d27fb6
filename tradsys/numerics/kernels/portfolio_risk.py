"""What a portfolio makes in each scenario, how each instrument moves with it, and the root of a covariance."""

from __future__ import annotations

import numpy as np

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array


@kernel
def portfolio_profits(moves: Array, exposures: Array, profits: Array) -> None:
    # Four scenarios side by side, each added up in its own order: a sum waits for the one before, four do not.
    whole = moves.shape[0] // 4 * 4
    for s in range(0, whole, 4):
        first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
        for i in range(moves.shape[1]):
            first += moves[s, i] * exposures[i]
            second += moves[s + 1, i] * exposures[i]
            third += moves[s + 2, i] * exposures[i]
            fourth += moves[s + 3, i] * exposures[i]
        profits[s], profits[s + 1], profits[s + 2], profits[s + 3] = first, second, third, fourth
    for s in range(whole, moves.shape[0]):
        total = 0.0
        for i in range(moves.shape[1]):
            total += moves[s, i] * exposures[i]
        profits[s] = total


@kernel
def covariances(moves: Array, means: Array, profits: Array, mean: float, found: Array) -> None:
    found[:] = 0.0
    for s in range(moves.shape[0]):
        away = (profits[s] - mean) / (moves.shape[0] - 1)
        for i in range(moves.shape[1]):
            found[i] += (moves[s, i] - means[i]) * away


@kernel
def cholesky(matrix: Array, factor: Array, tolerance: float) -> bool:
    factor[:] = 0.0
    for column in range(matrix.shape[0]):
        rest = matrix[column, column]
        for k in range(column):
            rest -= factor[column, k] * factor[column, k]
        least = tolerance * matrix[column, column]
        if not rest >= -least:
            return False
        pivot = np.sqrt(rest) if rest > least else 0.0
        factor[column, column] = pivot
        for row in range(column + 1, matrix.shape[0]):
            left = matrix[row, column]
            for k in range(column):
                left -= factor[row, k] * factor[column, k]
            if pivot > 0.0:
                factor[row, column] = left / pivot
            elif abs(left) > np.sqrt(tolerance * matrix[row, row] * matrix[column, column]):
                return False
    return True
