"""Number conversions that upstream's decisions rest on: 32-bit replica counts and integer division as Go does them."""

from __future__ import annotations

import math

from capsim.jit import inline_kernel

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
INT64_MAX_AS_FLOAT = 9223372036854775808.0
"""``float64(math.MaxInt64)``."""


@inline_kernel
def ceil_int32(x):
    """``int32(math.Ceil(x))``; what does not fit, and NaN, is the smallest int32, as on amd64."""
    if x > -2147483649.0 and x <= 2147483647.0:
        return math.ceil(x)
    return INT32_MIN


@inline_kernel
def trunc_int32(x):
    """``int32(x)``: cut towards zero; what does not fit, and NaN, is the smallest int32."""
    if x > -2147483649.0 and x < 2147483648.0:
        return int(x)
    return INT32_MIN


@inline_kernel
def ceil_int64(x):
    """``int64(math.Ceil(x))``; what does not fit, and NaN, is the smallest int64."""
    if x > -INT64_MAX_AS_FLOAT and x < INT64_MAX_AS_FLOAT:
        return math.ceil(x)
    return INT64_MIN


@inline_kernel
def quotient(a, b):
    """``a / b`` of integers, cut towards zero; ``b`` > 0."""
    if a >= 0:
        return a // b
    return -(-a // b)


@inline_kernel
def wrap_int32(x):
    """``int32(x)`` of an integer: its low 32 bits."""
    return ((x + 2147483648) & 4294967295) - 2147483648
