"""Scripts that run inside a peer's own environment and print what it did as one JSON object."""
