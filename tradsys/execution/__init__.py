"""Approved orders on their way to a venue, and what the venue says of them."""
