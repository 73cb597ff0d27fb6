"""The own protocol's client end: what is said to a venue (`protocol`), and over which socket (`client`)."""
