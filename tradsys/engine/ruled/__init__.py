"""A run whose gate has a regulator's rules: what they ask is answered by the engine."""
