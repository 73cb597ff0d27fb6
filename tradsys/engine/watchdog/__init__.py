"""The watchdog: a process of its own that brings the account to rest when the trading process is gone."""
