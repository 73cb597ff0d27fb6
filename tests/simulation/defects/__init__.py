"""Planted defects: one patch of the product each, never a switch in it, and the hunt for each of them."""
