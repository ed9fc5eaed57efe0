"""The revisions of a Deployment: ReplicaSets with rows of their own, which others see as one workload."""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables import POD_DOWN, Workloads


@inline_kernel
def first_revision(workloads: Workloads, w):
    """The first row that holds pods of workload ``w`` (which is no revision itself): its own, unless it is rolled out.

    The others follow by ``workloads.next_revision``, until -1.
    """
    first = workloads.next_revision[w]
    return w if first < 0 else first


@inline_kernel
def count_revisions(workloads: Workloads, w):
    """Bring the pod counts of Deployment ``w`` to the sums of its revisions."""
    for state in range(POD_DOWN + 1):
        total = 0
        r = workloads.next_revision[w]
        while r >= 0:
            total += workloads.count[r, state]
            r = workloads.next_revision[r]
        workloads.count[w, state] = total
