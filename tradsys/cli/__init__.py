"""The `tradsys` command: one file a verb. Nothing heavy is imported until a verb runs."""

from __future__ import annotations

from tradsys.cli.application import app

__all__ = ["app"]
