"""SEBI's and the exchanges' rules for one order: dated rows, a check a rule, test vectors; facts through a port."""
