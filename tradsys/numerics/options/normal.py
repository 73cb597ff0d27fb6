"""The tail of the normal distribution without cancellation: what every option kernel is made of."""

from __future__ import annotations

from tradsys.numerics.compilation import kernel

ROOT_TWO_PI = 2.5066282746310002


@kernel
def mills(z: float) -> float:
    """Mills' ratio (1 - Φ(z)) / φ(z) for z of 0 or above, to 4e-16 relative; NaN for NaN.

    A polynomial in u = (z - 5) / (z + 5) for (1 + z) times the ratio, found as the Chebyshev series of that function at
    60 digits and cut at degree 24, where its coefficients pass 1e-17. The mapping is that of Shepherd and Laframboise,
    Mathematics of Computation 36 (1981).
    """
    u = (z - 5.0) / (z + 5.0)
    v = u * u
    even = -1.0846925288860795e-9 + v * 6.288377855498677e-11
    even = 1.0082895646260188e-8 + v * even
    even = -6.738323465177047e-8 + v * even
    even = 3.2197131609042185e-7 + v * even
    even = -1.7723438185601556e-7 + v * even
    even = -2.48054584472145e-5 + v * even
    even = 0.00045704381820007954 + v * even
    even = -0.004201290310663574 + v * even
    even = -0.038026592187762366 + v * even
    even = -0.0661776007789934 + v * even
    even = 0.07778159886873554 + v * even
    even = 1.1568486282918946 + v * even
    odd = 1.1032071151574336e-8 - v * 9.564832934712551e-10
    odd = -7.758520236786343e-8 + v * odd
    odd = 4.91996233147834e-7 + v * odd
    odd = -3.277287633208865e-6 + v * odd
    odd = 2.270961270923768e-5 + v * odd
    odd = -0.0001343742785571135 + v * odd
    odd = 1.9530638370790786e-5 + v * odd
    odd = 0.01634823128102938 + v * odd
    odd = 0.0615050458401865 + v * odd
    odd = 0.0250721793016388 + v * odd
    odd = -0.22948753825211315 + v * odd
    return (even + u * odd) / (1.0 + z)
