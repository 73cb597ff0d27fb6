"""What a portfolio may lose: value at risk, stress, exposure and concentration (docs/risk_measures.md)."""
