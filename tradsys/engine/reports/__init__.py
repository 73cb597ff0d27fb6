"""Reports of a run that was kept, backtest or live: orders, trades, violations, daily risk, self-assessment."""
