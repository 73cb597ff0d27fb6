"""The product does not know that it is simulated: what the simulator proves is what runs."""

from __future__ import annotations

import ast
import re

from tests.house.sources import Source, python_files

# What decides and what keeps: the very classes that the simulator runs. (`tradsys exchange simulate` is a feature.)
DECIDES = ("tradsys/execution/", "tradsys/journal/", "tradsys/risk/", "tradsys/core/", "tradsys/portfolio/")
RUN_BY_THE_SIMULATOR = ("tradsys/engine/", *DECIDES)
TELLTALE = re.compile(r"simulat|buggif|(^|_)(under|in|is|for)_tests?(_|$)|pytest|testing_mode|test_mode", re.I)
SWITCHES = re.compile(r"os\.environ(\..*)?|os\.getenv|sys\.modules(\..*)?|sys\._getframe|__debug__")


def imports_tests(source: Source) -> list[str]:
    """Imports of the tests, or of what runs them."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        found += [source.at(node, name) for name in names if name.split(".")[0] in {"tests", "pytest", "hypothesis"}]
    return found


def telltale_names(source: Source) -> list[str]:
    """Names, attributes, arguments and keys that tell a simulation or a test from the real thing."""
    found = []
    for node in ast.walk(source.tree):
        name = ""
        if isinstance(node, ast.Name):
            name = node.id
        elif isinstance(node, ast.Attribute):
            name = node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            name = node.arg or ""
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        if TELLTALE.search(name):
            found.append(source.at(node, name))
    return found


def hidden_switches(source: Source) -> list[str]:
    """Reads of what a test could set behind the product's back."""
    return [
        source.at(node, name)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute | ast.Name) and SWITCHES.fullmatch(name := source.qualified(node))
    ]


def under(*folders: str) -> list[Source]:
    return [each for each in python_files("tradsys") if each.path.startswith(folders)]


def test_the_product_imports_no_test() -> None:
    assert [where for source in python_files("tradsys") for where in imports_tests(source)] == []


def test_nothing_that_the_simulator_runs_asks_whether_it_does() -> None:
    covered = under(*RUN_BY_THE_SIMULATOR)
    assert len(covered) > 100
    assert [where for source in covered for where in telltale_names(source)] == []


def test_nothing_that_decides_has_a_hidden_switch() -> None:
    covered = under("tradsys/engine/trading/", *DECIDES)
    assert len(covered) > 60
    assert [where for source in covered for where in hidden_switches(source)] == []


def test_each_of_these_is_caught() -> None:
    assert imports_tests(Source("x.py", "from tests.simulation.world import World"))
    assert telltale_names(Source("x.py", "if self.simulated: pass"))
    assert telltale_names(Source("x.py", "def f(*, in_test): pass"))
    assert hidden_switches(Source("x.py", "import os\nif os.environ.get('X'): pass"))
    assert hidden_switches(Source("x.py", "import sys\n'pytest' in sys.modules"))
