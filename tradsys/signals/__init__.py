"""From what strategies want to orders: sizing."""
