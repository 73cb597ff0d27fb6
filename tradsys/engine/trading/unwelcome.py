"""Why a venue does not let us in, and what to do about it."""

from __future__ import annotations

from tradsys.core.venue import Unwelcome

_REMEDIES = {
    "wrong_key": "; see to [venue] key_file",
    "unknown_account": "; see to [venue] account",
    "superseded": "; another process of the account has a higher lease: go on in its folder, or take another account",
}


def why_unwelcome(report: Unwelcome) -> str:
    """In words: rule, value, limit, and the key of the run file to see to."""
    return f"{report.rule}: {report.value} against {report.limit}{_REMEDIES.get(report.rule, '')}"
