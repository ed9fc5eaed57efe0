"""Recorded lifetimes: pods of a ReplicaSet that are created and deleted at the instants that a record names.

Who asked for them is not part of the record, so that no client's limits and no delays apply; ``spec.replicas`` moves
with the record. A pod that was lost meanwhile has been replaced by its ReplicaSet, which then chooses what to delete;
one that admission refuses is left to the ReplicaSet, too, which tries again.
"""

from __future__ import annotations

from capsim.controllers.workloads.admission import is_asked, is_refused
from capsim.controllers.workloads.replicas import delete_pod, try_after_creation, wake_replicas
from capsim.jit import separate_kernel
from capsim.state.calendar import encode, push
from capsim.state.marks import PODS_CHANGED, touch
from capsim.state.tables import (
    CAPACITY_VERSION,
    EV_RECORDED,
    POD_TERMINATING,
    Classes,
    Clock,
    Heap,
    Log,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Presence,
    Wheels,
    Workloads,
)
from capsim.state.tables_admission import Admission
from capsim.state.tables_lifetimes import Lifetimes
from capsim.state.transitions import create_pod


# fmt: off
@separate_kernel
def follow_record(
    clock: Clock, heap: Heap, wheels: Wheels, pods: Pods, links: PodLinks, usage: PodUsage, classes: Classes, nodes:
    Nodes, scan: NodeScan, workloads: Workloads, physics: Physics, marks: Marks, presence: Presence, admission:
    Admission, lifetimes: Lifetimes, log: Log, i, now):
    """Entry ``i`` of the record is due; a free pod row, heap and log room are there."""
    one = lifetimes.step[i] >> 1
    w = lifetimes.workload[one]
    if lifetimes.step[i] & 1 == 0:
        workloads.desired[w] += 1
        name = workloads.next_ordinal[w]
        if is_asked(admission, w) and is_refused(clock, workloads, admission, log, w, w, name, now):
            wake_replicas(wheels, workloads, w, now + 1)
        else:
            p = create_pod(clock, pods, links, usage, workloads, marks, w, -1, now)
            lifetimes.pod[one, 0] = p
            lifetimes.pod[one, 1] = pods.uid[p]
            try_after_creation(clock, heap, pods, p, now)
    else:
        workloads.desired[w] -= 1
        p = lifetimes.pod[one, 0]
        if p >= 0 and pods.uid[p] == lifetimes.pod[one, 1] and pods.state[p] != POD_TERMINATING:
            delete_pod(
                clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now)
        else:
            wake_replicas(wheels, workloads, w, now + 1)
    workloads.announced[w] = workloads.desired[w]
    clock.values[CAPACITY_VERSION] += 1
    touch(marks, w, PODS_CHANGED)
    if i + 1 < lifetimes.due_ms.shape[0]:
        push(heap, max(now, lifetimes.due_ms[i + 1]), encode(EV_RECORDED, i + 1, 0))
# fmt: on
