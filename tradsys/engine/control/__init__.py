"""Orders to a running process over a Unix socket in its run folder: kill, lower, status, stop."""
