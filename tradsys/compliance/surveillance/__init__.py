"""Surveillance: patterns of market abuse in a stream of orders and trades, or in the record of a day that is over."""
