"""Thresholds of all detectors in one file: TOML, one table a pattern, and the groups of accounts.

[groups]
family = ["AB1234", "CD5678"]

[spoofing]
threshold = 0.7
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from tradsys.compliance.surveillance.circular import CircularSettings
from tradsys.compliance.surveillance.closing import ClosingSettings
from tradsys.compliance.surveillance.front_running import FrontRunningSettings
from tradsys.compliance.surveillance.ignition import IgnitionSettings
from tradsys.compliance.surveillance.layering import LayeringSettings
from tradsys.compliance.surveillance.order_to_trade import OrderToTradeSettings
from tradsys.compliance.surveillance.spoofing import SpoofingSettings
from tradsys.compliance.surveillance.stuffing import StuffingSettings
from tradsys.compliance.surveillance.wash import WashSettings
from tradsys.core.errors import ConfigError, UnknownName


class SurveillanceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Defaults and their reasons are those of each detector's settings."""

    groups: dict[str, tuple[str, ...]] = {}
    wash_trade: WashSettings = WashSettings()
    circular_trading: CircularSettings = CircularSettings()
    spoofing: SpoofingSettings = SpoofingSettings()
    layering: LayeringSettings = LayeringSettings()
    front_running: FrontRunningSettings = FrontRunningSettings()
    marking_the_close: ClosingSettings = ClosingSettings()
    momentum_ignition: IgnitionSettings = IgnitionSettings()
    quote_stuffing: StuffingSettings = StuffingSettings()
    order_to_trade: OrderToTradeSettings = OrderToTradeSettings()


_FREE = ("groups", "members")
"""Tables whose keys are names of the user's."""


def read_settings(path: Path) -> SurveillanceSettings:
    """The settings of a file. Raises `ConfigError` for one that is missing, no TOML, or has a value of the wrong type
    or out of range; `UnknownName`, with the nearest one, for a key that does not exist."""
    if not path.is_file():
        raise ConfigError(f"no file of settings at {path}", value=str(path), fix="give the path of a TOML file")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not valid TOML: {error}", value=str(path), fix="correct the line named"
        ) from error
    return settings_from(content, where=str(path))


def settings_from(content: Mapping[str, Any], *, where: str) -> SurveillanceSettings:
    """The settings of a tree of tables. Raises as `read_settings`."""
    _refuse_unknown(content, SurveillanceSettings, where=where)
    try:
        found = msgspec.convert(content, SurveillanceSettings)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        key = place.rstrip("`") or "the file"
        raise ConfigError(f"{where}: {key}: {message}", value=key, fix=f"correct {key}") from error
    _refuse_out_of_range(found, where=where)
    return found


def _refuse_unknown(content: Mapping[str, Any], kind: type[msgspec.Struct], *, where: str, above: str = "") -> None:
    known = {field.name for field in msgspec.structs.fields(kind)}
    hints = get_type_hints(kind)
    for key, value in content.items():
        if key not in known:
            raise UnknownName("key", above + key, [above + name for name in known], where=where)
        if key not in _FREE and isinstance(value, Mapping) and isinstance(hints[key], type):
            _refuse_unknown(value, hints[key], where=where, above=f"{key}.")


def _numbers(settings: SurveillanceSettings) -> Iterator[tuple[str, float]]:
    for table in msgspec.structs.fields(SurveillanceSettings):
        values = msgspec.structs.asdict(getattr(settings, table.name)) if table.name != "groups" else {}
        for name, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{table.name}.{name}", value


def _refuse_out_of_range(settings: SurveillanceSettings, *, where: str) -> None:
    """Every number is finite and above zero; a score or a fraction is at most one; a ramp goes up."""
    numbers = dict(_numbers(settings))
    for key, value in numbers.items():
        name = key.partition(".")[2]
        most = 1.0 if name.endswith(_FRACTIONS) else 1e12
        if not 0 < value <= most:
            raise ConfigError(f"{where}: {key} is out of range", value=value, limit=f"above 0, at most {most:g}")
        low = numbers.get(key.replace("_high", "_low"), 0.0)
        if key.endswith("_high") and low >= value:
            raise ConfigError(f"{where}: {key} is not above its lower end", value=value, limit=low)


_FRACTIONS = (
    "threshold", "tolerance", "weight", "score", "filled_most", "away", "least_instance", "one_sided", "closed_least",
    "_stake", "share_low", "share_high", "contribution_low", "contribution_high", "depth_low", "depth_high",
    "unwound_high",
)  # fmt: skip
