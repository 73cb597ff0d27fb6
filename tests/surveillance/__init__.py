"""How well surveillance sees: abuse planted in generated days, and honest market making on recorded ones."""
