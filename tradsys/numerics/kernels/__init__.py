"""Kernels: resumable loops over bars, compiled.

Every public function of the sibling modules has one signature,

    kernel(memory: float64[s], rows: float64[k, n], out: float64[m, n]) -> None

It goes on from `memory`, reads the n columns of `rows`, writes the n columns of `out`, and leaves `memory` ready for
the next column. All bars in one call or one bar a call run the same machine code, so a backtest and a live run give
the same bits. Outputs are NaN until warm. Each array costs 50 ns a call at the border between Python and compiled code,
hence one memory in three parts (`steps.parts`): the parameters; a state, at first zeros; a window, at first NaN.
"""
