"""Surveillance of what is on disk: runs, days of the simulated exchange, recorded orders; and its report."""
