"""What every page of a report is made with: one HTML file that loads nothing, with all its drawings in it."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(*packages: str) -> Environment:
    """Templates of packages, and those that all pages share; whatever is put into them is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in (*packages, "tradsys.portfolio")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def plotly() -> str:
    """The drawing library, as its package ships it."""
    source = resources.files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    return source.replace("</script", "<\\/script")


def embedded(value: object) -> str:
    """JSON that cannot end the script element it stands in. Raises `ValueError` for NaN."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def money_format(currency: str) -> dict[str, object]:
    """Lakh and crore for rupees, thousands otherwise, as plotly's locale wants them."""
    if currency == "INR":
        return {"sign": "₹", "grouping": [3, 2, 2, 2, 2, 2]}
    return {"sign": f"{currency} ", "grouping": [3]}
