"""Dated rows with their sources, and the plain arithmetic over them: charges, sessions, ticks, margins, ex-dates."""
