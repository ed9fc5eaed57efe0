"""Which controller looks after a workload."""

from __future__ import annotations

from capsim.controllers.workloads.daemon import sync_daemons
from capsim.controllers.workloads.deployment import sync_deployment
from capsim.controllers.workloads.job import sync_job
from capsim.controllers.workloads.replicas import reconcile
from capsim.controllers.workloads.stateful import sync_stateful
from capsim.jit import inline_kernel
from capsim.state.tables import (
    KIND_DAEMONSET,
    KIND_JOB,
    KIND_ROLLOUT,
    KIND_STATEFULSET,
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
    Queue,
    Wheels,
    Workloads,
)
from capsim.state.tables_admission import Admission
from capsim.state.tables_jobs import Jobs
from capsim.state.tables_rollout import Rollouts
from capsim.state.tables_startup import Startup
from capsim.state.tables_volumes import Volumes
from capsim.world.runs import end_pods


# fmt: off
@inline_kernel
def sync_workload(
    clock: Clock, heap: Heap, wheels: Wheels, pods: Pods, links: PodLinks, usage: PodUsage, classes: Classes, nodes:
    Nodes, scan: NodeScan, workloads: Workloads, physics: Physics, marks: Marks, presence: Presence, queue: Queue,
    rollouts: Rollouts, startup: Startup, jobs: Jobs, admission: Admission, volumes: Volumes, log: Log, w, now):
    """One sync of workload ``w``; a free pod row, heap and log room are there."""
    kind = workloads.kind[w]
    if kind == KIND_ROLLOUT:
        sync_deployment(clock, wheels, pods, links, workloads, marks, rollouts, log, w, now)
    elif kind == KIND_JOB:
        due = end_pods(
            clock, heap, pods, links, usage, workloads, nodes, scan, physics, marks, presence, startup, jobs,
            log, w, now)
        sync_job(
            clock, heap, wheels, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, jobs,
            admission, log, w, due, now)
    elif kind == KIND_STATEFULSET:
        sync_stateful(
            clock, heap, wheels, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, queue,
            rollouts, admission, volumes, log, w, now)
    elif kind == KIND_DAEMONSET:
        sync_daemons(
            clock, heap, wheels, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, queue,
            rollouts, admission, log, w, now)
    else:
        reconcile(
            clock, heap, wheels, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, queue,
            admission, log, w, now)
# fmt: on
