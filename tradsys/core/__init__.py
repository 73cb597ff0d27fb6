"""The vocabulary every stage shares: units, events, orders, instruments, ports and errors. Imports nothing of ours."""
