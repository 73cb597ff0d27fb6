"""Arrays in, arrays out: all compiled code lives here (indicators, statistics).

Importing this package loads no compiler: kernels are imported, and compiled or read from the cache, when first used.
"""
