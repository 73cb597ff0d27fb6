"""A key comes from a file of its owner's alone, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradsys.core.errors import ConfigError, MissingData
from tradsys.engine.account_key import key_in_file


def test_a_key_is_the_text_of_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "account.key"
    with pytest.raises(MissingData, match="no such key file"):
        key_in_file(path)
    path.write_text("secret\n", encoding="utf-8")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read") as refused:
        key_in_file(path)
    assert "secret" not in str(refused.value.as_dict())
    path.chmod(0o600)
    assert key_in_file(path) == "secret"
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="no key"):
        key_in_file(path)
