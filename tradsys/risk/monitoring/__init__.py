"""Watching the account: what approaches a limit or is beyond it, and which positions to close first where some must."""
