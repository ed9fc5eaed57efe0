"""When things happen: a heap for transitions of pods and nodes, tournament presence for periodic loops.

Both are exact and independent of insertion order: the heap orders by (time, code), a tree returns its lowest index
first.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import NEVER, Heap

WAYS = 4
"""Children of a place in the heap: half the steps of a binary one."""
GENERATION_BITS = 24
ENTITY_BITS = 32
_GENERATION = (1 << GENERATION_BITS) - 1
_ENTITY = (1 << ENTITY_BITS) - 1


@inline_kernel
def encode(kind, entity, generation):
    """Pack an event into one int64: kind, entity (32 bits), generation (24 bits)."""
    return (kind << (GENERATION_BITS + ENTITY_BITS)) | (entity << GENERATION_BITS) | (generation & _GENERATION)


@inline_kernel
def kind_of(code):
    """Kind of an event."""
    return code >> (GENERATION_BITS + ENTITY_BITS)


@inline_kernel
def entity_of(code):
    """Row that an event is about."""
    return (code >> GENERATION_BITS) & _ENTITY


@inline_kernel
def generation_of(code):
    """Low bits of the uid that the row had."""
    return code & _GENERATION


@kernel
def push(heap: Heap, time_ms, code):
    """Insert an event; the caller has tested that there is room."""
    i = heap.count[0]
    heap.count[0] = i + 1
    while i > 0:
        parent = (i - 1) // WAYS
        t = heap.time_ms[parent]
        if t < time_ms or (t == time_ms and heap.code[parent] <= code):
            break
        heap.time_ms[i] = t
        heap.code[i] = heap.code[parent]
        i = parent
    heap.time_ms[i] = time_ms
    heap.code[i] = code


@kernel
def pop(heap: Heap):
    """Remove the first event and return its code; the heap must not be empty.

    The least child is chosen without branches: which it is cannot be predicted."""
    first = heap.code[0]
    last = heap.count[0] - 1
    heap.count[0] = last
    time_ms = heap.time_ms[last]
    code = heap.code[last]
    i = 0
    while True:
        child = WAYS * i + 1
        if child >= last:
            break
        least_ms = heap.time_ms[child]
        least = heap.code[child]
        for other in range(child + 1, min(child + WAYS, last)):
            t = heap.time_ms[other]
            other_code = heap.code[other]
            less = (t < least_ms) | ((t == least_ms) & (other_code < least))
            child = other if less else child
            least_ms = t if less else least_ms
            least = other_code if less else least
        if (least_ms > time_ms) | ((least_ms == time_ms) & (least >= code)):
            break
        heap.time_ms[i] = least_ms
        heap.code[i] = least
        i = child
    heap.time_ms[i] = time_ms
    heap.code[i] = code
    return first


@inline_kernel
def heap_time(heap: Heap):
    """Time of the first event, NEVER when there is none."""
    if heap.count[0] == 0:
        return NEVER
    return heap.time_ms[0]


@inline_kernel
def tree_set(tree, leaf, time_ms):
    """Set the due time of one leaf of a tournament tree."""
    i = (tree.shape[0] >> 1) + leaf
    tree[i] = time_ms
    i >>= 1
    while i >= 1:
        left = tree[2 * i]
        right = tree[2 * i + 1]
        least = left if left <= right else right
        if tree[i] == least:
            break
        tree[i] = least
        i >>= 1


@inline_kernel
def tree_first(tree):
    """Index of the first leaf with the least due time."""
    half = tree.shape[0] >> 1
    i = 1
    while i < half:
        i = 2 * i if tree[2 * i] <= tree[2 * i + 1] else 2 * i + 1
    return i - half


@inline_kernel
def tree_leaf(tree, leaf):
    """Due time of one leaf."""
    return tree[(tree.shape[0] >> 1) + leaf]
