"""Empty tables that grow: pods, queue, heap, buffers."""

from __future__ import annotations

import numpy as np

from capsim.state import tables as t
from capsim.state.tables_warmth import H_COLUMNS


def empty_pods(rows: int) -> tuple[t.Pods, t.PodLinks, t.PodUsage]:
    """``rows`` free pod rows."""

    def none() -> t.I64:
        return np.full(rows, -1, np.int64)

    pods = t.Pods(*[*(none() for _ in t.Pods._fields[:-1]), np.arange(rows, dtype=np.int64)])
    pods.state[:] = t.POD_FREE
    pods.restarts[:] = pods.dark[:] = pods.given_up[:] = 0
    links = t.PodLinks(*(none() for _ in t.PodLinks._fields))
    links.queued[:] = 0
    rates = {name: np.zeros(rows) for name in t.PodUsage._fields[1:-3]}
    usage = t.PodUsage(
        own=np.zeros(rows, np.int64),
        **rates,
        missed_ms=np.full(rows, -t.NEVER, np.int64),
        warmth=np.zeros((0, H_COLUMNS)),
        due=due_tree(1),
    )
    return pods, links, usage


def due_tree(leaves: int) -> t.I64:
    """A tree of due times with at least so many leaves, all of them NEVER."""
    return np.full(2 * (1 << max(0, leaves - 1).bit_length()), t.NEVER, np.int64)


def empty_heap(rows: int) -> t.Heap:
    """Room for ``rows`` events."""
    return t.Heap(np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros(1, np.int64))


def empty_queue(rows: int, scratch: int, reasons: int, diagnoses: int) -> t.Queue:
    """Room for ``rows`` waiting pods, lists of ``scratch`` rows and ``diagnoses`` distinct failures."""
    key, time_ms, uid, pod = (np.zeros(rows, np.int64) for _ in range(4))
    return t.Queue(
        key=key,
        time_ms=time_ms,
        uid=uid,
        pod=pod,
        count=np.zeros(1, np.int64),
        scratch=np.zeros(scratch, np.int64),
        ranks=np.zeros(scratch, np.int64),
        diagnoses=np.zeros((diagnoses, reasons + 3), np.int64),
        diagnosis_count=np.zeros(1, np.int64),
    )


def empty_log(events: int, pods: int, nodes: int) -> t.Log:
    """Buffers of the given rows."""
    return t.Log(
        np.zeros((events, 6), np.int64),
        np.zeros((pods, 12), np.int64),
        np.zeros((nodes, 9), np.int64),
        np.zeros(3, np.int64),
    )
