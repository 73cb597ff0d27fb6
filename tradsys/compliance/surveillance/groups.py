"""Which accounts are one owner's: families, and companies with the same beneficial owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradsys.core.errors import ConfigError


class AccountGroups:
    """Accounts by group. An account of no group is a group of its own. Raises `ConfigError` for an account in two."""

    def __init__(self, groups: Mapping[str, Iterable[str]] | None = None) -> None:
        self._members = {name: tuple(accounts) for name, accounts in (groups or {}).items()}
        self._of: dict[str, str] = {}
        for name, accounts in self._members.items():
            for account in accounts:
                if account in self._of:
                    raise ConfigError(
                        f"account {account} is in two groups",
                        value=f"{self._of[account]}, {name}",
                        limit="one group an account",
                        fix="put them together",
                    )
                self._of[account] = name

    def of(self, account: str) -> str:
        """The group of an account; empty for an account nobody named."""
        return self._of.get(account, account)

    def members(self, group: str) -> tuple[str, ...]:
        """Accounts of a group."""
        return self._members.get(group, (group,))
