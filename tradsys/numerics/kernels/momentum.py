"""Momentum: how fast price moves, and where it stands in its range."""

from __future__ import annotations

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array, ema_step


@kernel
def rsi(state: Array, window: Array, rows: Array, params: Array, out: Array) -> None:
    period, alpha = int(params[0]), 1.0 / params[0]
    count, gain, loss, previous = int(state[0]), state[1], state[2], window[0]
    for i in range(rows.shape[1]):
        change = rows[0, i] - previous
        previous = rows[0, i]
        if change != change:
            out[0, i] = change
            continue
        _, gain, up = ema_step(count, gain, period, alpha, change if change > 0.0 else 0.0)
        count, loss, down = ema_step(count, loss, period, alpha, -change if change < 0.0 else 0.0)
        moved = up + down
        out[0, i] = 100.0 * up / moved if moved != 0.0 else 50.0
    state[0], state[1], state[2], window[0] = count, gain, loss, previous
