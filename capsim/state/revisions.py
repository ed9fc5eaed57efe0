"""The revisions of a Deployment: ReplicaSets with rows of their own, which others see as one workload."""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables import (
    KIND_CRON,
    KIND_DAEMONSET,
    KIND_REVISION,
    KIND_ROLLOUT,
    KIND_STATEFULSET,
    POD_DOWN,
    Workloads,
)


@inline_kernel
def first_revision(workloads: Workloads, w):
    """The first row that holds pods of workload ``w`` (which is no revision itself): its own, unless it is rolled out.

    The others follow by ``workloads.next_revision``, until -1.
    """
    first = workloads.next_revision[w]
    return w if first < 0 else first


@inline_kernel
def revisions_of(workloads: Workloads, w):
    """How many revisions follow row ``w``."""
    count = 0
    r = workloads.next_revision[w]
    while r >= 0:
        count += 1
        r = workloads.next_revision[r]
    return count


@inline_kernel
def is_daemon(workloads: Workloads, w):
    """Whether row ``w`` holds pods of a DaemonSet, or of a revision of one."""
    if workloads.kind[w] == KIND_REVISION:
        return workloads.kind[workloads.deployment[w]] == KIND_DAEMONSET
    return workloads.kind[w] == KIND_DAEMONSET


@inline_kernel
def is_split(workloads: Workloads, w):
    """Whether ``w`` is a workload with revisions, which have its pods."""
    return workloads.next_revision[w] >= 0 and workloads.kind[w] in (
        KIND_ROLLOUT,
        KIND_STATEFULSET,
        KIND_DAEMONSET,
        KIND_CRON,
    )


@inline_kernel
def count_revisions(workloads: Workloads, w):
    """Bring the pod counts of ``w`` to the sums of its revisions, if it has any, and what a CronJob wants."""
    if workloads.next_revision[w] < 0:
        return
    for state in range(POD_DOWN + 1):
        total = 0
        r = workloads.next_revision[w]
        while r >= 0:
            total += workloads.count[r, state]
            r = workloads.next_revision[r]
        workloads.count[w, state] = total
    if workloads.kind[w] == KIND_CRON:
        workloads.desired[w] = 0
        r = workloads.next_revision[w]
        while r >= 0:
            workloads.desired[w] += workloads.desired[r]
            r = workloads.next_revision[r]
