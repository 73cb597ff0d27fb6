"""Moving averages."""

from __future__ import annotations

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, ema_step, sum_step


@kernel
def sma(state: Array, window: Array, rows: Array, params: Array, out: Array) -> None:
    period = int(params[0])
    head, forward = int(state[0]), state[1]
    for i in range(rows.shape[1]):
        head, forward, total = sum_step(window, 0, period, head, forward, rows[0, i])
        out[0, i] = total / period
    state[0], state[1] = head, forward


@kernel
def ema(state: Array, window: Array, rows: Array, params: Array, out: Array) -> None:
    period, alpha = int(params[0]), 2.0 / (params[0] + 1.0)
    count, mean = int(state[0]), state[1]
    for i in range(rows.shape[1]):
        count, mean, out[0, i] = ema_step(count, mean, period, alpha, rows[0, i])
    state[0], state[1] = count, mean
