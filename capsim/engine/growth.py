"""Tables that grow: copies of the state's tuples with longer arrays. Row numbers do not change, so neither do
results."""

from __future__ import annotations

from typing import Any

import numpy as np

from capsim.controllers.scheduler.build import log_length, page_rows
from capsim.engine.build.control import set_leaf
from capsim.engine.build.tables import due_tree, empty_pods
from capsim.engine.state import State
from capsim.state import tables as t
from capsim.state.tables_addresses import N_PODS
from capsim.state.tables_scheduler import PAGE, Scheduling


def longer(array: Any, rows: int, fill: float = 0) -> Any:
    """A copy with ``rows`` rows; the new ones hold ``fill``."""
    grown = np.full((rows, *array.shape[1:]), fill, array.dtype)
    grown[: array.shape[0]] = array
    return grown


def grow_pods(s: State, rows: int) -> State:
    """Pod table, lists, usage and what Prometheus knows of pods; the scratch lists are at least as long."""
    fresh = empty_pods(rows)
    for target, source in zip(fresh, (s.pods, s.links, s.usage._replace(warmth=fresh[2].warmth, due=fresh[2].due))):
        for new, have in zip(target, source, strict=True):
            new[: have.shape[0]] = have
    pods, links, usage = fresh
    usage = grow_warmth(usage, s.usage, rows)
    adapter = s.adapter._replace(pods=longer(s.adapter.pods, rows))
    waiting = s.scheduling.nominations
    nominations = waiting._replace(pod=longer(waiting.pod, rows), node=longer(waiting.node, rows))
    s = s._replace(scheduling=s.scheduling._replace(nominations=nominations))
    return grow_scratch(s._replace(pods=pods, links=links, usage=usage, adapter=adapter), rows)


def grow_warmth(usage: t.PodUsage, before: t.PodUsage, rows: int) -> t.PodUsage:
    """Pods that start or are cold, where any are, and when their next steps are due."""
    if before.warmth.shape[0] == 0:
        return usage
    old = before.warmth.shape[0]
    due = due_tree(rows)
    half = before.due.shape[0] >> 1
    for leaf in range(old):
        if before.due[half + leaf] < t.NEVER:
            set_leaf(due, leaf, int(before.due[half + leaf]))
    return usage._replace(warmth=longer(before.warmth, rows), due=due)


def grow_scratch(s: State, rows: int) -> State:
    """Lists of one decision."""
    if s.queue.scratch.shape[0] >= rows:
        return s
    return s._replace(queue=s.queue._replace(scratch=longer(s.queue.scratch, rows), ranks=longer(s.queue.ranks, rows)))


def wider(array: Any, columns: int, fill: float = 0) -> Any:
    """A copy whose last axis has ``columns`` places; the new ones hold ``fill``."""
    grown = np.full((*array.shape[:-1], columns), fill, array.dtype)
    grown[..., : array.shape[-1]] = array
    return grown


def grow_nodes(s: State, rows: int) -> State:
    """Node table and everything with a row or column per node; the scheduler's index is built anew."""
    rows = page_rows(rows)
    fills = {"uid": -1, "first_pod": -1, "times": -1}
    nodes = t.Nodes(*(longer(a, rows, fills.get(f, 0)) for f, a in zip(t.Nodes._fields, s.nodes, strict=True)))
    nodes.net[s.nodes.net.shape[0] :, : N_PODS + 1] = -1
    per_node = {f: longer(a, rows) for f, a in zip(t.NodeScan._fields, s.scan, strict=True) if f != "threshold"}
    scan = s.scan._replace(**per_node)
    marks = s.marks._replace(node=longer(s.marks.node, rows), node_flag=longer(s.marks.node_flag, rows))
    startup = s.startup._replace(
        have_ms=longer(s.startup.have_ms, rows, t.NEVER), free_ms=longer(s.startup.free_ms, rows)
    )
    s = s._replace(nodes=nodes, scan=scan, marks=marks, presence=grow_presence(s.presence, rows), startup=startup)
    return grow_scratch(s._replace(scheduling=grow_scheduling(s.scheduling, rows)), rows)


def grow_presence(presence: t.Presence, rows: int) -> t.Presence:
    """Counts and pages of more node slots; the log begins anew, because the index does."""
    return presence._replace(
        on_node=wider(presence.on_node, rows),
        ports=longer(presence.ports, rows),
        attached=longer(presence.attached, rows),
        page=longer(presence.page, rows // PAGE, -1),
        log=np.zeros(log_length(rows), np.int64),
        head=np.zeros(1, np.int64),
    )


def grow_scheduling(k: Scheduling, rows: int) -> Scheduling:
    """The scheduler's own tables of more node slots."""
    extras = k.extras._replace(
        volume=wider(k.extras.volume, rows, -1),
        attach_limit=longer(k.extras.attach_limit, rows, -1),
    )
    page = wider(k.views.page, rows // PAGE)
    page[:, 0, :, k.views.page.shape[-1] :] = -1
    views = k.views._replace(
        leaf=wider(k.views.leaf, rows, -1),
        seen=np.full_like(k.views.seen, -1),
        view_seen=np.full_like(k.views.view_seen, -1),
        page=page,
        mark=np.full(rows // PAGE, -1, np.int64),
    )
    cells = k.cycle.candidate.shape[0] - k.cycle.result.shape[0]
    lists = {name: longer(getattr(k.cycle, name), rows) for name in ("result", "met", "short")}
    cycle = k.cycle._replace(candidate=longer(k.cycle.candidate, rows + cells), **lists)
    shapes = k.shapes._replace(order=longer(k.shapes.order, rows))
    return k._replace(extras=extras, views=views, cycle=cycle, shapes=shapes)


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


def make_room(s: State, *, pods: int = 0, nodes: int = 0, heap: int = 0, queue: int = 0) -> State:
    """At least so many free rows in each table."""
    free_pods = s.pods.state.shape[0] - int(s.clock.values[t.POD_TOP])
    if free_pods < pods:
        s = grow_pods(s, s.pods.state.shape[0] + max(pods, s.pods.state.shape[0]))
    free_nodes = PAGE * int((s.presence.page < 0).sum())  # whatever the shape: only pages without one count
    if free_nodes < nodes:
        s = grow_nodes(s, s.nodes.state.shape[0] + max(nodes, s.nodes.state.shape[0]))
    if s.heap.time_ms.shape[0] - int(s.heap.count[0]) < heap:
        s = grow_heap(s, s.heap.time_ms.shape[0] + max(heap, s.heap.time_ms.shape[0]))
    if s.queue.key.shape[0] - int(s.queue.count[0]) < queue:
        s = grow_queue(s, s.queue.key.shape[0] + max(queue, s.queue.key.shape[0]))
    return s
