"""The border with Python for single messages: integers, and nothing but integers, as cheaply as they can be had.

Numba by itself would cut the decimals off a float, and looks at every argument twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.extending import NativeValue, intrinsic, register_model, unbox

_ir = cast(Any, cgutils).ir


class _Exact(types.Type):
    """An integer of Python, in compiled code its 64 bits."""


class _ExactModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        cast(Any, super()).__init__(manager, kind, _ir.IntType(64))


def _take(kind: Any, value: Any, c: Any) -> Any:
    word = c.pyapi.long_as_longlong(value)
    failed = cast(Any, cgutils).alloca_once_value(c.builder, cgutils.false_bit)
    # -1 is also what the call says of something that is no integer or has no room.
    with c.builder.if_then(c.builder.icmp_signed("==", word, word.type(-1)), likely=False):
        c.builder.store(c.pyapi.c_api_error(), failed)
    return cast(Any, NativeValue)(word, is_error=c.builder.load(failed))


cast(Any, register_model)(_Exact)(_ExactModel)
cast(Any, unbox)(_Exact)(_take)


def _number(typing_context: Any, exact: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return arguments[0]

    return types.int64(exact), generate


number = cast(Callable[[int], int], intrinsic(_number))
"""An argument of an exact entry point as the int64 that it is."""


def exact_entry_point(function: Callable[..., Any], *, arguments: int) -> Callable[..., int]:
    """The machine code of a kernel that takes so many integers from Python, each by way of `number`.

    A call raises `TypeError` for what is no integer and `OverflowError` for one beyond 64 bits, and does nothing.
    """
    compiled: Callable[..., int] = cast(Any, function).compile((_Exact("ExactInteger"),) * arguments)
    return compiled
