"""Arrays in, arrays out: all compiled code lives here (indicators, statistics).

Importing this package loads no compiler: kernels are imported, and compiled or read from the cache, when first used.
"""

import sys


def compile_seconds() -> float:
    """Seconds this process has spent compiling kernels; 0.0 when all came from the cache, or none was used."""
    compilation = sys.modules.get("tradsys.numerics.compilation")
    return float(compilation.compile_seconds()) if compilation else 0.0
