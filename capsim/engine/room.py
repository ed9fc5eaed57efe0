"""Room: a phase asks for more rows before it changes anything, and hands over to Python when it has to act."""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.eventlog import events_left
from capsim.state.tables import (
    NEED,
    NEED_EVENTS,
    NEED_HEAP,
    NEED_NODE_LOG,
    NEED_POD_LOG,
    NEED_QUEUE,
    STATUS_TABLE,
    YIELD,
    YIELD_REASON,
    Clock,
    Heap,
    Log,
    Queue,
)

ROOM = 8
"""Rows that one step of a phase can add to a buffer, DaemonSets and evictions excepted."""


@inline_kernel
def need(clock: Clock, table):
    """Ask Python for more rows in ``table``."""
    clock.values[STATUS_TABLE] = table
    return NEED


@inline_kernel
def ask(clock: Clock, reason):
    """Ask Python to act."""
    clock.values[YIELD_REASON] = reason
    return YIELD


@inline_kernel
def room_for_step(heap: Heap, queue: Queue, log: Log, rows):
    """Which table is too small for a step that adds up to ``rows`` rows, 0 when none is."""
    if heap.time_ms.shape[0] - heap.count[0] < rows:
        return NEED_HEAP
    if queue.key.shape[0] - queue.count[0] < rows:
        return NEED_QUEUE
    if events_left(log) < rows:
        return NEED_EVENTS
    if log.pods.shape[0] - log.count[1] < rows:
        return NEED_POD_LOG
    if log.nodes.shape[0] - log.count[2] < ROOM:
        return NEED_NODE_LOG
    return 0
