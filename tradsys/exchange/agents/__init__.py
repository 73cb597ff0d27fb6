"""Participants of the simulated market: background agents, recorded flow."""
