"""Kernels: resumable loops over bars, compiled.

Every public function of the sibling modules has one signature,

    kernel(state: float64[s], window: float64[w], rows: float64[k, n], params: float64[p], out: float64[m, n]) -> None

It goes on from `state` and `window`, reads the n columns of `rows`, writes the n columns of `out`, and leaves `state`
and `window` ready for the next column. All bars in one call or one bar a call run the same machine code, so a backtest
and a live run give the same bits. A fresh `state` is all zeros, a fresh `window` all NaN; outputs are NaN until warm.
"""
