"""The house rules, each run as a test over the repository's own text."""
