"""`python -m tradsys`."""

from tradsys.cli import app

app()
