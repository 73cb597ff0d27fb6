"""What must be there before a position may be: margins of shares, futures, options and perpetuals (docs/margins.md)."""
