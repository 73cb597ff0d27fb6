"""The few machine instructions that a book in one block of memory needs; all addresses and values are int64.

Numba's arrays check for negative indices on every access and cost 40 ns each at the border with Python. A book
therefore is one address, and every record in it a fixed distance from that address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

INLINE = {
    "_nrt": False,
    "error_model": "numpy",
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Options of a function that is copied into its compiled callers."""

PART = {
    "_nrt": False,
    "error_model": "numpy",
    "forceinline": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Options of a function that only compiled code calls. Unless told not to, it would take after its caller."""


def jit(options: Mapping[str, Any]) -> Callable[[Function], Function]:
    """Compile a function once, whatever constants it is called with; numba would compile it for each of them."""

    def compiled(function: Function) -> Function:
        dispatcher = numba.njit(**options)(function)
        template = dispatcher.get_call_template
        plain_type = cast(Any, types).unliteral
        dispatcher.get_call_template = lambda args, kws: template([plain_type(each) for each in args], kws)
        return cast(Function, dispatcher)

    return compiled


def _pointer(context: Any, builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, context.get_value_type(kind).as_pointer())


def _reader(kind: Any) -> Any:
    def read(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = builder.load(_pointer(context, builder, arguments[0], kind))
            return context.cast(builder, value, kind, types.int64)

        return types.int64(types.int64), generate

    return intrinsic(read)


def _writer(kind: Any) -> Any:
    def write(typing_context: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            narrow = context.cast(builder, arguments[1], types.int64, kind)
            builder.store(narrow, _pointer(context, builder, arguments[0], kind))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    return intrinsic(write)


load: Callable[[int], int] = _reader(types.int64)
"""The int64 at an address."""
load4: Callable[[int], int] = _reader(types.uint32)
"""The unsigned 32-bit number at an address."""
load2: Callable[[int], int] = _reader(types.uint16)
"""The unsigned 16-bit number at an address."""
load1: Callable[[int], int] = _reader(types.uint8)
"""The byte at an address."""
store: Callable[[int, int], None] = _writer(types.int64)
"""Write an int64."""
store4: Callable[[int, int], None] = _writer(types.uint32)
"""Write the lower 32 bits."""
store1: Callable[[int, int], None] = _writer(types.uint8)
"""Write the lower byte."""


def _counter(instruction: str) -> Any:
    def count(typing_context: Any, word: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(arguments[0], cgutils.true_bit)

        return types.int64(types.int64), generate

    return intrinsic(count)


trailing_zeros: Callable[[int], int] = _counter("cttz")
"""Number of the lowest bit set; the word is not 0."""
leading_zeros: Callable[[int], int] = _counter("ctlz")
"""Zero bits above the highest bit set; the word is not 0."""


def _count_bits(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), generate


count_bits: Callable[[int], int] = cast(Any, intrinsic(_count_bits))
"""Number of bits set."""


def _equal_of_eight(typing_context: Any, address: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ir = cast(Any, cgutils).ir
        four_bytes = ir.IntType(32)
        eight = ir.VectorType(four_bytes, 8)
        words = builder.load(builder.inttoptr(arguments[0], eight.as_pointer()), align=4)
        first = builder.insert_element(
            ir.Constant(eight, ir.Undefined), builder.trunc(arguments[1], four_bytes), four_bytes(0)
        )
        wanted = builder.shuffle_vector(first, first, ir.Constant(eight, [four_bytes(0)] * 8))
        bits = builder.bitcast(builder.icmp_unsigned("==", words, wanted), ir.IntType(8))
        return builder.zext(bits, ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


equal_of_eight = cast(Callable[[int, int], int], intrinsic(_equal_of_eight))
"""A bit for each of the eight unsigned 32-bit numbers at an address that is the lower half of a number."""


def _prefetch(typing_context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, arguments[0], types.uint8)
        word = context.get_value_type(types.int32)
        ir = cast(Any, cgutils).ir
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
        builder.call(function, [pointer, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(types.int64), generate


prefetch = cast(Callable[[int], None], intrinsic(_prefetch))
"""Ask for the cache line at an address, to be written soon; any address is harmless."""
