"""Fills to positions, cash and charges; round trips, performance and the tear sheet."""
