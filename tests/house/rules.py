"""House rules as functions from one source file to its findings."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.house.sources import FunctionNode, Source, body_lines

LONGEST_FILE = 399
LONGEST_FUNCTION = 70
CLOCKS = re.compile(
    r"time\.(time|time_ns|perf_counter|perf_counter_ns|monotonic|monotonic_ns|process_time|process_time_ns|sleep|localtime)"
    r"|datetime\.(datetime|date)\.(now|utcnow|today)|pandas\.Timestamp\.(now|utcnow|today)"
)
CHANCE = re.compile(r"(random|secrets|numpy\.random)(\..+)?|uuid\.uuid[14]|os\.urandom")
CONCURRENCY = re.compile(r"(threading|multiprocessing|concurrent|asyncio|_thread)(\..+)?")
UNSAFE = re.compile(r"(pickle|cPickle|dill|cloudpickle|marshal|shelve|joblib)(\..+)?|eval|exec|os\.system|os\.popen")
VAGUE = {"common", "helper", "helpers", "manager", "managers", "misc", "shared", "util", "utils"}
# Names that come in an order which everybody knows.
ORDERED = {"self", "cls", "first", "last", "year", "month", "day", "open", "high", "low", "close", "volume"}
COMPILED = re.compile(r"numba\.|.*\bn?jit\b|.*\bkernel\b|.*\bstep\b")


def _names(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Each use and each import of a dotted name."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node, source.qualified(node)
        elif isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def _uses(source: Source, pattern: re.Pattern[str]) -> list[str]:
    return sorted({source.at(node, name) for node, name in _names(source) if name and pattern.fullmatch(name)})


def file_length(source: Source) -> list[str]:
    """Files stay under 400 lines."""
    lines = len(source.text.splitlines())
    return [f"{source.path}: {lines} lines"] if lines > LONGEST_FILE else []


def function_length(source: Source) -> list[str]:
    """No function body is longer than 70 lines."""
    return [
        source.at(function, f"{function.name} has {body_lines(function)} lines")
        for function in source.functions()
        if body_lines(function) > LONGEST_FUNCTION
    ]


def no_clock(source: Source) -> list[str]:
    """Time comes from events, never from the machine."""
    return _uses(source, CLOCKS)


def no_chance(source: Source) -> list[str]:
    """Nothing is drawn at random."""
    return _uses(source, CHANCE)


def no_concurrency(source: Source) -> list[str]:
    """No threads, processes or event loops: order of execution is order of events."""
    return _uses(source, CONCURRENCY)


def no_set_order(source: Source) -> list[str]:
    """No loop over a set: its order differs between processes."""
    loops = (n for n in ast.walk(source.tree) if isinstance(n, ast.For | ast.comprehension))
    return [source.at(loop.iter, "loop over a set") for loop in loops if _is_set(loop.iter)]


def _is_set(node: ast.expr) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"set", "frozenset"}
    return called or isinstance(node, ast.Set | ast.SetComp)


def no_print(source: Source) -> list[str]:
    """Only the command line prints."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return [source.at(call, "print") for call in calls if source.qualified(call.func) == "print"]


def no_blanket_except(source: Source) -> list[str]:
    """No handler that catches everything."""
    handlers = (node for node in ast.walk(source.tree) if isinstance(node, ast.ExceptHandler))
    return [source.at(handler, "catches everything") for handler in handlers if _blanket(handler.type)]


def _blanket(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_blanket(each) for each in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})


def no_vague_name(source: Source) -> list[str]:
    """No module named after nothing in particular."""
    parts = source.path.removesuffix(".py").lower().split("/")
    return [f"{source.path}: {part}" for part in parts if VAGUE & set(part.split("_"))]


def nothing_unsafe(source: Source) -> list[str]:
    """No pickle, no evaluation of text, no shell."""
    shells = (node for node in ast.walk(source.tree) if isinstance(node, ast.keyword) and node.arg == "shell")
    return _uses(source, UNSAFE) + [source.at(shell.value, "shell=") for shell in shells]


def no_stub(source: Source) -> list[str]:
    """What is there works: no reminder and no function that does nothing."""
    lines = enumerate(source.text.splitlines(), 1)
    reminders = [f"{source.path}:{n}: reminder" for n, line in lines if re.search(r"#.*\b(TODO|FIXME|XXX)\b", line)]
    functions = [node for node in source.tree.body if isinstance(node, FunctionNode)]
    return reminders + [source.at(node, f"{node.name} is a stub") for node in functions if _is_stub(node)]


def _is_stub(function: FunctionNode) -> bool:
    if _is_overload(function):
        return False
    text = [ast.unparse(line) for line in function.body[ast.get_docstring(function) is not None :]]
    return not text or text in (["pass"], ["..."]) or text[0].startswith("raise NotImplementedError")


def no_patching(source: Source) -> list[str]:
    """Tests replace things at a seam, not by patching names."""
    return _uses(source, re.compile(r"(unittest\.)?mock\.patch.*|unittest\.mock\.patch.*|pytest_mock.*"))


def documented(source: Source) -> list[str]:
    """Every public module, class and function says what it is."""
    missing = [] if ast.get_docstring(source.tree) else [f"{source.path}:1: module"]
    for node in _public(source.tree):
        if ast.get_docstring(node) is None and not _is_overload(node):
            missing.append(source.at(node, node.name))
    return missing


def _public(parent: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | FunctionNode]:
    """Public classes and functions, and the methods of classes that inherit no documented ones."""
    for node in parent.body:
        if isinstance(node, ast.ClassDef | FunctionNode) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef) and _stands_alone(node):
                yield from _public(node)


def _stands_alone(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases}
    return bases <= {"ABC", "Enum", "Generic", "IntEnum", "Protocol", "StrEnum", "Struct", "object"}


def _is_overload(node: ast.ClassDef | FunctionNode) -> bool:
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
    return bool(marks & {"overload", "setter"})


def distinct_positions(source: Source) -> list[str]:
    """Two arguments of one type are keyword-only, or a caller will swap them one day."""
    found = []
    for function in _signatures(source.tree):
        types = Counter(
            ast.unparse(argument.annotation)
            for argument in [*function.args.posonlyargs, *function.args.args]
            if argument.annotation is not None and argument.arg not in ORDERED
        )
        found += [source.at(function, f"{function.name}: {n} of {t}") for t, n in types.items() if n > 1]
    return found


def _signatures(parent: ast.Module | ast.ClassDef) -> Iterator[FunctionNode]:
    """Public functions and methods that a person calls; numba knows no keyword-only arguments."""
    for node in parent.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _signatures(node)
        elif isinstance(node, FunctionNode) and _called_by_people(node):
            yield node


def _called_by_people(node: FunctionNode) -> bool:
    public = not node.name.startswith("_") or node.name == "__init__"
    return public and not any(COMPILED.match(ast.unparse(mark)) for mark in node.decorator_list)
