"""Normal numbers from a counter: SplitMix64 (Steele, Lea and Flood 2014) through AS 241 (Wichura 1988)."""

from __future__ import annotations

import math

import numpy as np

from tradsys.numerics.compilation import kernel
from tradsys.numerics.kernels.steps import Array


@kernel
def mixed_bits(seed: np.uint64, counter: np.uint64) -> np.uint64:
    bits = seed + (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@kernel
def _central(q: float) -> float:
    r = 0.180625 - q * q
    above = 2509.0809287301226727 * r + 33430.575583588128105
    above = (above * r + 67265.770927008700853) * r + 45921.953931549871457
    above = (above * r + 13731.693765509461125) * r + 1971.5909503065514427
    above = (above * r + 133.14166789178437745) * r + 3.387132872796366608
    below = 5226.495278852545925 * r + 28729.085735721942674
    below = (below * r + 39307.89580009271061) * r + 21213.794301586595867
    below = (below * r + 5394.1960214247511077) * r + 687.1870074920579083
    below = (below * r + 42.313330701600911252) * r + 1.0
    return q * above / below


@kernel
def _outer(r: float) -> float:
    above = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
    above = (above * r + 0.24178072517745061177) * r + 1.27045825245236838258
    above = (above * r + 3.64784832476320460504) * r + 5.7694972214606914055
    above = (above * r + 4.6303378461565452959) * r + 1.42343711074968357734
    below = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
    below = (below * r + 0.0151986665636164571966) * r + 0.14810397642748007459
    below = (below * r + 0.68976733498510000455) * r + 1.6763848301838038494
    below = (below * r + 2.05319162663775882187) * r + 1.0
    return above / below


@kernel
def _far(r: float) -> float:
    above = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
    above = (above * r + 0.0012426609473880784386) * r + 0.026532189526576123093
    above = (above * r + 0.29656057182850489123) * r + 1.7848265399172913358
    above = (above * r + 5.4637849111641143699) * r + 6.6579046435011037772
    below = 2.04426310338993978564e-15 * r + 1.4215117583164458887e-7
    below = (below * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4
    below = (below * r + 0.0148753612908506148525) * r + 0.13692988092273580531
    below = (below * r + 0.59983220655588793769) * r + 1.0
    return above / below


@kernel
def normal_of(probability: float) -> float:
    q = probability - 0.5
    if abs(q) <= 0.425:
        return _central(q)
    r = math.sqrt(-math.log(min(probability, 1.0 - probability)))
    size = _outer(r - 1.6) if r <= 5.0 else _far(r - 5.0)
    return size if q > 0.0 else -size


@kernel
def fill_normals(seed: np.uint64, out: Array) -> None:
    for i in range(out.shape[0]):
        bits = mixed_bits(seed, np.uint64(i))
        out[i] = normal_of((np.float64(bits >> np.uint64(11)) + 0.5) * 2.0**-53)
