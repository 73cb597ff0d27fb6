"""Thresholds: read from a file, refused where they mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradsys.compliance.surveillance.settings import SurveillanceSettings, read_settings, settings_from
from tradsys.core.errors import ConfigError, UnknownName


def test_defaults_pass_their_own_checks() -> None:
    assert settings_from({}, where="nothing") == SurveillanceSettings()


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "surveillance.toml"
    path.write_text('[groups]\nfamily = ["a", "b"]\n[spoofing]\nthreshold = 0.9\n[order_to_trade]\nwarn = 40\n')
    found = read_settings(path)
    assert found.groups == {"family": ("a", "b")}
    assert (found.spoofing.threshold, found.order_to_trade.warn) == (0.9, 40.0)
    assert found.layering == SurveillanceSettings().layering


@pytest.mark.parametrize(
    ("tables", "message", "fix"),
    [
        ({"spoofin": {}}, "unknown key 'spoofin'", "did you mean 'spoofing'?"),
        ({"spoofing": {"treshold": 1}}, "unknown key 'spoofing.treshold'", "did you mean 'spoofing.threshold'?"),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest(tables: dict[str, Any], message: str, fix: str) -> None:
    with pytest.raises(UnknownName, match=message) as caught:
        settings_from(tables, where="the file")
    assert caught.value.fix == fix


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"spoofing": {"threshold": "high"}}, "spoofing.threshold: Expected `float`"),
        ({"spoofing": {"threshold": 1.5}}, "spoofing.threshold is out of range"),
        ({"spoofing": {"threshold": 0}}, "spoofing.threshold is out of range"),
        ({"layering": {"half_life_seconds": -1.0}}, "layering.half_life_seconds is out of range"),
        ({"layering": {"half_life_seconds": float("nan")}}, "layering.half_life_seconds is out of range"),
        ({"layering": {"half_life_seconds": float("inf")}}, "layering.half_life_seconds is out of range"),
        ({"layering": {"levels_low": 9.0}}, "layering.levels_high is not above"),
        ({"layering": 3}, "layering: Expected `object`"),
    ],
)
def test_values_out_of_range_are_refused(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings_from(tables, where="the file")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file of settings"):
        read_settings(tmp_path / "none.toml")
    path = tmp_path / "broken.toml"
    path.write_text("[spoofing\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_settings(path)
