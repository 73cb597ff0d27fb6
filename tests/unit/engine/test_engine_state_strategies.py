"""What strategies remember comes back as it was, type by type, or is refused by name; nothing else gets in."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradsys.core.errors import ConfigError, StrategyError
from tradsys.core.events import Bar, Depth, Order, OrderType, Phase, Product, Side, Tick, Validity
from tradsys.engine.trading.strategy_state import Packer, Wires, restore_strategy, strategy_state, unpacked
from tradsys.numerics.indicators import SMA
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Context
from tradsys.strategies.parameters import Param
from tradsys.strategies.views import FillView

BAR = Bar(2, 1, "NSE:A", 60, 1.0, 2.0, 0.5, math.nan, 1e300)
ORDER = Order(
    at=1,
    order_id=3,
    strategy="s",
    instrument="NSE:A",
    side=Side.SELL,
    quantity=5,
    type=OrderType.STOP,
    product=Product.MIS,
    validity=Validity.IOC,
)
NOTHING = Wires({})


class Keeper(Strategy):
    """Whatever a test puts into it."""

    size: int = Param(3, low=1, high=9)

    def on_start(self, ctx: Context) -> None:
        self.ctx = ctx
        self.mean = ctx.indicator(SMA(self.size))


class Slotted(Keeper):
    """Some of it not in its dictionary."""

    __slots__ = ("hidden", "never")


def packed(value: Any) -> bytes:
    return Packer().packed({"value": value}, owner="Keeper", wires=NOTHING)


def again(value: Any) -> Any:
    return unpacked(packed(value), wires=NOTHING)["value"]


def same(one: Any, other: Any) -> bool:
    """Equal to the type and the bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        alike = (
            one.dtype == other.dtype
            and one.shape == other.shape
            and one.flags.f_contiguous == (other.flags.f_contiguous)
        )
        return bool(alike and one.tobytes() == other.tobytes())
    if isinstance(one, dict):
        return list(map(repr, one)) == list(map(repr, other)) and all(
            same(*pair) for pair in zip(one.values(), other.values(), strict=True)
        )
    if isinstance(one, list | tuple | deque):
        maxlens = [getattr(each, "maxlen", None) for each in (one, other)]
        return len(one) == len(other) and maxlens[0] == maxlens[1] and all(map(same, one, other))
    if isinstance(one, set | frozenset):
        return sorted(map(repr, one)) == sorted(map(repr, other))
    return repr(one) == repr(other)


KEPT: list[Any] = [
    None,
    True,
    0,
    -(2**63),
    2**64,
    -(3**90),
    -0.0,
    math.nan,
    -math.inf,
    5e-324,
    "",
    "₹ list",
    b"\x00",
    [],
    ["list", [1, 2]],
    (1, (2.0, "x")),
    {"b": 1, "a": [True], (1, "x"): {2: None}, 3: 4, 3.5: {}},
    {1, 2, 3},
    {"a", 1, 2.5, (1, 2), None},
    frozenset({frozenset({1}), 2}),
    deque([1, [2]], maxlen=3),
    deque(["a"]),
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.array([True, False]),
    np.array(2.5),
    np.zeros((0, 3), dtype=np.int8),
    np.array([1 + 2j, math.nan]),
    np.array([1, 2], dtype=">i4"),
    np.float64(0.1),
    np.int32(-4),
    np.bool_(True),
    BAR,
    Tick(1, 1, "NSE:A", math.nan, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0),
    Depth(1, 1, "NSE:A", ((1.0, 2.0),), (), True, 7),
    ORDER,
    FillView(
        at=1,
        order_id=2,
        instrument="NSE:A",
        side=Side.BUY,
        quantity=1.0,
        price=2.0,
        charges=0.0,
        remaining=0.0,
        reason="",
    ),
    Phase.OPEN,
    Side.SELL,
    {"deep": [({"er": deque([BAR, np.float64(1.0)])},)]},
]


@pytest.mark.parametrize("value", KEPT, ids=range(len(KEPT)))
def test_plain_data_comes_back(value: Any) -> None:
    assert same(again(value), value)
    assert packed(again(value)) == packed(value)


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.sampled_from([BAR, ORDER])
)
KEYS = st.integers() | st.text() | st.booleans()
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.lists(inner, max_size=4).map(deque)
        | st.sets(KEYS, max_size=5)
    ),
    max_leaves=12,
)


@given(TREES)
@settings(max_examples=60)
def test_any_tree_of_plain_data_comes_back(value: Any) -> None:
    assert same(again(value), value)
    assert packed(again(value)) == packed(value)


def test_a_set_gives_the_same_bytes_however_it_was_filled() -> None:
    one, other = {0, 8, 16}, {16, 8}
    other.add(0)
    assert list(one) != list(other)
    assert packed(one) == packed(other)


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def around() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


REFUSED: dict[str, Any] = {
    "generator": (each for each in [1]),
    "function": print,
    "Keeper": Keeper(),
    "defaultdict": defaultdict(list),
    "object": [{"x": (object(),)}],
    "type": Keeper,
    "RandomState": np.random.RandomState(1),
    "array of object": np.array([None, 1]),
    "with gaps": np.arange(6)[::2],
    "are one list": around(),
    "cannot be written": nested(5000),
    "surrogates": "\ud800",
}


@pytest.mark.parametrize("what", REFUSED)
def test_anything_else_is_refused_by_name(what: str) -> None:
    with pytest.raises(StrategyError, match=what) as caught:
        packed(REFUSED[what])
    assert "Keeper.value" in str(caught.value)
    assert caught.value.fix == "define state() and restore()"


def test_what_two_attributes_share_is_refused() -> None:
    shared: list[int] = []
    with pytest.raises(StrategyError, match=r"first\.a and second\.b are one list"):
        packer = Packer()
        packer.packed({"a": shared}, owner="first", wires=NOTHING)
        packer.packed({"b": {"x": shared}}, owner="second", wires=NOTHING)
    numbers = np.arange(4)
    with pytest.raises(StrategyError, match=r"s\.a and s\.b share"):
        Packer().packed({"a": numbers, "b": numbers[1:]}, owner="s", wires=NOTHING)


def test_records_and_texts_may_be_shared() -> None:
    value = ("x", BAR)
    assert same(again([value, value, BAR, "x"]), [value, value, BAR, "x"])


# --- strategies


def started(strategy: Strategy) -> Context:
    context = Context(("NSE:A",))
    strategy.on_start(context)
    return context


def wires(context: Context) -> Wires:
    return Wires({f"reading {n}": reading for n, (_, _, reading) in enumerate(context.requests)})


def moved(before: Keeper, after: Keeper) -> None:
    """From one strategy to a fresh one, as a restart does."""
    state = strategy_state("s", before, packer=Packer(), wires=wires(before.ctx))
    restore_strategy("s", after, state, wires=wires(started(after)))


def test_by_default_every_attribute_is_kept_but_what_is_given_again() -> None:
    before, after = Keeper(size=4), Keeper(size=4)
    started(before)
    before.count, before.seen, before.current = 3, {1, 2}, before.mean  # type: ignore[attr-defined]
    assert list(before.state()) == ["count", "current", "mean", "seen"]
    moved(before, after)
    assert (after.count, after.seen) == (3, {1, 2})  # type: ignore[attr-defined]
    assert after.current is after.mean is not before.mean  # type: ignore[attr-defined]
    assert after.ctx is not before.ctx


def test_slots_are_kept() -> None:
    before, after = Slotted(), Slotted()
    started(before)
    before.hidden = 7  # type: ignore[attr-defined]
    moved(before, after)
    assert after.hidden == 7 and not hasattr(after, "never")  # type: ignore[attr-defined]


def test_the_account_is_found_again() -> None:
    mine, theirs = object(), object()
    content = Packer().packed({"account": [mine]}, owner="s", wires=Wires({"account": mine}))
    assert unpacked(content, wires=Wires({"account": theirs})) == {"account": [theirs]}
    with pytest.raises(ConfigError, match="account"):
        unpacked(content, wires=NOTHING)


class Own(Strategy):
    """Says itself what it remembers."""

    mode: Literal["plain", "raises", "list", "keys"] = "plain"

    def state(self) -> dict[str, Any]:
        if self.mode == "raises":
            raise KeyError("gone")
        return {"plain": {"n": 1}, "list": [1], "keys": {1: 2}}[self.mode]  # type: ignore[return-value]

    def restore(self, state: Mapping[str, Any]) -> None:
        if self.mode == "raises":
            raise LookupError("no")
        self.taken = dict(state)


def test_an_author_may_say_what_is_remembered() -> None:
    before, after = Own(), Own()
    state = strategy_state("own", before, packer=Packer(), wires=NOTHING)
    restore_strategy("own", after, state, wires=NOTHING)
    assert after.taken == {"n": 1}
    after.mode = "raises"
    with pytest.raises(StrategyError, match=r"own: restore\(\) raises LookupError: no"):
        restore_strategy("own", after, state, wires=NOTHING)


@pytest.mark.parametrize(("mode", "said"), [("raises", "KeyError"), ("list", "no dict"), ("keys", "no dict")])
def test_a_state_that_is_none_is_refused(mode: Any, said: str) -> None:
    strategy = Own()
    strategy.mode = mode
    with pytest.raises(StrategyError, match=f"own: state.*{said}"):
        strategy_state("own", strategy, packer=Packer(), wires=NOTHING)


@pytest.mark.parametrize(
    "value",
    [
        ["function", "print"],
        ["record", "Strategy", []],
        ["record", "Bar", [1]],
        ["word", "Phase", "dawn"],
        ["array", "O", [1], "C", b"12345678"],
        ["array", "<f8", [3], "C", b"12345678"],
        ["deque"],
        ["set", [["list", []]]],
        [],
    ],
    ids=repr,
)
def test_bytes_that_are_no_state_are_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        unpacked(msgspec.msgpack.encode([["x", value]]), wires=NOTHING)
    with pytest.raises(ConfigError, match="cannot be read"):
        unpacked(b"\xc1", wires=NOTHING)
