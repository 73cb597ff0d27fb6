"""Participants of the simulated market: background agents, recorded flow, users' own quotes."""
