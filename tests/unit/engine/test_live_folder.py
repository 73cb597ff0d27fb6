"""A run folder that an earlier version began: keys that were not there yet are no difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.live_desk import coin_settings
from tradsys.core.errors import ConfigError
from tradsys.engine.live_folder import begun_run, run_of


def test_a_key_that_was_not_there_yet_has_its_default(tmp_path: Path) -> None:
    settings, folder = coin_settings(tmp_path), tmp_path / "run"
    run = run_of(folder, settings, stamp=7)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["configuration"]["journal"], manifest["configuration"]["risk"]["monitoring"]
    path.write_text(json.dumps(manifest))
    assert begun_run(folder, settings) == run
    manifest["configuration"]["risk"]["monitoring"] = {"drawdown": 0.1}
    path.write_text(json.dumps(manifest))
    with pytest.raises(ConfigError, match=r"another \[risk\]"):
        begun_run(folder, settings)


def test_a_key_that_is_no_more_is_named(tmp_path: Path) -> None:
    settings, folder = coin_settings(tmp_path), tmp_path / "run"
    run_of(folder, settings, stamp=7)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["configuration"]["risk"]["luck"] = 7
    path.write_text(json.dumps(manifest))
    with pytest.raises(ConfigError, match=r"does not read.*luck"):
        begun_run(folder, settings)
