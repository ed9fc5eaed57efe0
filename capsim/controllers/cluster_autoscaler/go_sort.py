"""The order in which Go's ``sort.Slice`` and ``sort.Sort`` leave equal elements.

Upstream sorts pods, candidates and groups with Go's standard library, which is not stable: equal elements come out in
an order that follows from the algorithm (pattern-defeating quicksort, Go 1.19 and later), and that order decides which
node goes first. Everything that the Cluster Autoscaler sorts by can be written as one number per element, so the
kernel orders positions by a float64 key, ascending.

Source: Orson Peters, "Pattern-defeating Quicksort" (2021); Go's package sort for the constants (insertion sort up to
12, ninther from 50, at most 5 steps of partial insertion sort, xorshift for breaking patterns).
"""

from __future__ import annotations

import numpy as np

from capsim.jit import entry, inline_kernel, kernel
from capsim.state.tables import F64, I64

SHORT = 12
NINTHER_FROM = 50
SHIFT_FROM = 50
STEPS = 5
MOST_SWAPS = 12
HALF = (1 << 32) - 1
UNKNOWN, INCREASING, DECREASING = 0, 1, 2


@inline_kernel
def less(keys: F64, order: I64, i, j):
    """Whether the element at place ``i`` goes before the one at place ``j``."""
    return keys[order[i]] < keys[order[j]]


@inline_kernel
def swap(order: I64, i, j):
    """Exchange two places."""
    held = order[i]
    order[i] = order[j]
    order[j] = held


@kernel
def insertion_sort(keys: F64, order: I64, a, b):
    """Sort places a to b - 1, for short ranges."""
    for i in range(a + 1, b):
        j = i
        while j > a and less(keys, order, j, j - 1):
            swap(order, j, j - 1)
            j -= 1


@kernel
def heap_sort(keys: F64, order: I64, a, b):
    """Sort places a to b - 1 where too many pivots were bad."""
    size = b - a
    for i in range((size - 1) // 2, -1, -1):
        sift_down(keys, order, i, size, a)
    for i in range(size - 1, -1, -1):
        swap(order, a, a + i)
        sift_down(keys, order, 0, i, a)


@kernel
def sift_down(keys: F64, order: I64, root, size, first):
    """Restore the heap below ``root``."""
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and less(keys, order, first + child, first + child + 1):
            child += 1
        if not less(keys, order, first + root, first + child):
            return
        swap(order, first + root, first + child)
        root = child


@kernel
def break_patterns(order: I64, a, b):
    """Scatter three elements around the middle, by a generator seeded with the length."""
    length = b - a
    if length < 8:
        return
    power = 1
    while power <= length:
        power <<= 1
    high, low = 0, length
    place = a + (length // 4) * 2 - 1
    for i in range(3):
        # xorshift (13, 7, 17) over 64 bits, held as two halves: the same in compiled code and in plain Python.
        high, low = high ^ ((high << 13 | low >> 19) & HALF), low ^ (low << 13 & HALF)
        high, low = high ^ high >> 7, low ^ (low >> 7 | high << 25 & HALF)
        high, low = high ^ ((high << 17 | low >> 15) & HALF), low ^ (low << 17 & HALF)
        other = low & (power - 1)
        if other >= length:
            other -= length
        swap(order, place + i, a + other)


@inline_kernel
def median(keys: F64, order: I64, a, b, c, swaps):
    """(place of the median of three, comparisons that were out of order so far)."""
    if less(keys, order, b, a):
        swaps += 1
        a, b = b, a
    if less(keys, order, c, b):
        swaps += 1
        b, c = c, b
    if less(keys, order, b, a):
        swaps += 1
        a, b = b, a
    return b, swaps


@kernel
def choose_pivot(keys: F64, order: I64, a, b):
    """(place of the pivot, hint on the order of the range)."""
    length = b - a
    swaps = 0
    i, j, k = a + length // 4, a + length // 4 * 2, a + length // 4 * 3
    if length >= 8:
        if length >= NINTHER_FROM:
            i, swaps = median(keys, order, i - 1, i, i + 1, swaps)
            j, swaps = median(keys, order, j - 1, j, j + 1, swaps)
            k, swaps = median(keys, order, k - 1, k, k + 1, swaps)
        j, swaps = median(keys, order, i, j, k, swaps)
    hint = UNKNOWN
    if swaps == 0:
        hint = INCREASING
    elif swaps == MOST_SWAPS:
        hint = DECREASING
    return j, hint


@kernel
def finish_nearly_sorted(keys: F64, order: I64, a, b):
    """Whether the range is sorted, after moving at most a few elements that stand alone."""
    i = a + 1
    for _ in range(STEPS):
        while i < b and not less(keys, order, i, i - 1):
            i += 1
        if i == b:
            return True
        if b - a < SHIFT_FROM:
            return False
        swap(order, i, i - 1)
        if i - a >= 2:
            j = i - 1
            while j >= 1 and less(keys, order, j, j - 1):
                swap(order, j, j - 1)
                j -= 1
        if b - i >= 2:
            j = i + 1
            while j < b and less(keys, order, j, j - 1):
                swap(order, j, j - 1)
                j += 1
    return False


@kernel
def split_equal(keys: F64, order: I64, a, b, pivot):
    """Gather what equals the pivot in front; returns the first place after it."""
    swap(order, a, pivot)
    i, j = a + 1, b - 1
    while True:
        while i <= j and not less(keys, order, a, i):
            i += 1
        while i <= j and less(keys, order, a, j):
            j -= 1
        if i > j:
            return i
        swap(order, i, j)
        i += 1
        j -= 1


@kernel
def split(keys: F64, order: I64, a, b, pivot):
    """(final place of the pivot, whether nothing had to move)."""
    swap(order, a, pivot)
    i, j = a + 1, b - 1
    moved = False
    while True:
        while i <= j and less(keys, order, i, a):
            i += 1
        while i <= j and not less(keys, order, j, a):
            j -= 1
        if i > j:
            break
        moved = True
        swap(order, i, j)
        i += 1
        j -= 1
    swap(order, j, a)
    return j, not moved


@kernel
def order_first(keys: F64, order: I64, stack: I64, size):
    """Reorder the first ``size`` of ``order`` (positions into ``keys``) as Go does; ``stack`` [64 or more, 3] is
    scratch."""
    limit = 0
    while size >> limit:
        limit += 1
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, size, limit
    depth = 1
    while depth > 0:
        depth -= 1
        a, b, limit = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        balanced, partitioned = True, True
        while True:
            length = b - a
            if length <= SHORT:
                insertion_sort(keys, order, a, b)
                break
            if limit == 0:
                heap_sort(keys, order, a, b)
                break
            if not balanced:
                break_patterns(order, a, b)
                limit -= 1
            pivot, hint = choose_pivot(keys, order, a, b)
            if hint == DECREASING:
                for i in range(length // 2):
                    swap(order, a + i, b - 1 - i)
                pivot = (b - 1) - (pivot - a)
                hint = INCREASING
            if balanced and partitioned and hint == INCREASING and finish_nearly_sorted(keys, order, a, b):
                break
            if a > 0 and not less(keys, order, a - 1, pivot):
                a = split_equal(keys, order, a, b, pivot)
                continue
            middle, partitioned = split(keys, order, a, b, pivot)
            left, right = middle - a, b - middle
            balanced = min(left, right) >= length // 8
            # Go recurses into the shorter side; the two sides do not touch each other, so their order is free.
            if left < right:
                stack[depth, 0], stack[depth, 1], stack[depth, 2] = a, middle, limit
                a = middle + 1
            else:
                stack[depth, 0], stack[depth, 1], stack[depth, 2] = middle + 1, b, limit
                b = middle
            depth += 1


@entry
def order_by(keys: F64, order: I64, stack: I64) -> int:
    """``order_first`` of all, for Python. Returns 0."""
    order_first(keys, order, stack, order.shape[0])
    return 0


def go_order(keys: F64) -> I64:
    """Positions of ``keys`` (float64 [n]) in the order in which Go leaves them, ascending."""
    order = np.arange(len(keys), dtype=np.int64)
    if len(keys) > 1:
        order_by(np.ascontiguousarray(keys, np.float64), order, np.empty((64, 3), np.int64))
    return order
