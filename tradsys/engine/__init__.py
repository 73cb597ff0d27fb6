"""The only package that knows the stages: it wires them, and feeds them events."""
