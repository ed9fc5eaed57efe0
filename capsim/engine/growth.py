"""Tables that grow: copies of the state's tuples with longer arrays. Row numbers do not change, so neither do
results."""

from __future__ import annotations

from typing import Any

import numpy as np

from capsim.engine.build.tables import empty_pods, empty_trees
from capsim.engine.state import State
from capsim.state import tables as t


def longer(array: Any, rows: int, fill: float = 0) -> Any:
    """A copy with ``rows`` rows; the new ones hold ``fill``."""
    grown = np.full((rows, *array.shape[1:]), fill, array.dtype)
    grown[: array.shape[0]] = array
    return grown


def grow_pods(s: State, rows: int) -> State:
    """Pod table, lists, usage and what Prometheus knows of pods; the scratch lists are at least as long."""
    old = s.pods.state.shape[0]
    fresh = empty_pods(rows)
    for target, source in zip(fresh, (s.pods, s.links, s.usage), strict=True):
        for new, have in zip(target, source, strict=True):
            new[:old] = have
    pods, links, usage = fresh
    adapter = s.adapter._replace(pods=longer(s.adapter.pods, rows))
    return grow_scratch(s._replace(pods=pods, links=links, usage=usage, adapter=adapter), rows)


def grow_scratch(s: State, rows: int) -> State:
    """Lists of one decision."""
    if s.queue.scratch.shape[0] >= rows:
        return s
    return s._replace(queue=s.queue._replace(scratch=longer(s.queue.scratch, rows), ranks=longer(s.queue.ranks, rows)))


def grow_nodes(s: State, rows: int) -> State:
    """Node table and everything with a row per node; score trees are built anew."""
    fills = {"uid": -1, "first_pod": -1, "times": -1}
    nodes = t.Nodes(*(longer(a, rows, fills.get(f, 0)) for f, a in zip(t.Nodes._fields, s.nodes, strict=True)))
    per_node = {f: longer(a, rows) for f, a in zip(t.NodeScan._fields, s.scan, strict=True) if f != "threshold"}
    scan = s.scan._replace(**per_node)
    marks = s.marks._replace(node=longer(s.marks.node, rows), node_flag=longer(s.marks.node_flag, rows))
    signatures = int(s.classes.signature.max(initial=0)) + 1
    return grow_scratch(s._replace(nodes=nodes, scan=scan, marks=marks, trees=empty_trees(signatures, rows)), rows)


def grow_heap(s: State, rows: int) -> State:
    """Timed transitions."""
    return s._replace(heap=s.heap._replace(time_ms=longer(s.heap.time_ms, rows), code=longer(s.heap.code, rows)))


def grow_queue(s: State, rows: int) -> State:
    """Active queue."""
    q = s.queue
    return s._replace(
        queue=q._replace(
            key=longer(q.key, rows), time_ms=longer(q.time_ms, rows), uid=longer(q.uid, rows), pod=longer(q.pod, rows)
        )
    )


def grow_diagnoses(s: State, rows: int) -> State:
    """Distinct scheduling failures."""
    return s._replace(queue=s.queue._replace(diagnoses=longer(s.queue.diagnoses, rows)))


def grow_log(s: State, field: str, rows: int) -> State:
    """One of the buffers."""
    return s._replace(log=s.log._replace(**{field: longer(getattr(s.log, field), rows)}))


def doubled(rows: int) -> int:
    """The next size of a table."""
    return max(8, 2 * rows)


def make_room(s: State, *, pods: int = 0, nodes: int = 0, heap: int = 0) -> State:
    """At least so many free rows in each table."""
    free_pods = s.pods.state.shape[0] - int(s.clock.values[t.POD_TOP])
    if free_pods < pods:
        s = grow_pods(s, s.pods.state.shape[0] + max(pods, s.pods.state.shape[0]))
    free_nodes = int((s.nodes.state == t.NODE_FREE).sum())
    if free_nodes < nodes:
        s = grow_nodes(s, s.nodes.state.shape[0] + max(nodes, s.nodes.state.shape[0]))
    if s.heap.time_ms.shape[0] - int(s.heap.count[0]) < heap:
        s = grow_heap(s, s.heap.time_ms.shape[0] + max(heap, s.heap.time_ms.shape[0]))
    return s
