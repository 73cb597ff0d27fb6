"""Bars and ticks in, intents out: the Strategy base, those that ship, and how they are found."""
