"""The tables as plain SQL: numbered files for PostgreSQL, applied in order and never edited; one file for SQLite."""
