"""Which pods of a ReplicaSet go first on scale-down.

Source: kubernetes v1.36 pkg/controller (ActivePodsWithRanks): unassigned first; then Pending before Running; not Ready
before Ready; the lower controller.kubernetes.io/pod-deletion-cost; pods on nodes with more active siblings (counted
once, before deleting); then the younger power-of-two bucket of the time since Ready; then more restarts; at last
upstream compares UIDs, which is as good as random: a seeded draw here.

Not modelled: the bucket of the time since creation, which upstream compares before UIDs.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.rng import STREAM_VICTIM, draw
from capsim.state.tables import (
    P_SEED,
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    Clock,
    NodeScan,
    PodLinks,
    Pods,
    Queue,
    Workloads,
)

_RANKS = 1023
_RESTARTS = 255


@inline_kernel
def is_active(pods: Pods, p):
    """Whether pod ``p`` counts as a replica: it is not leaving."""
    state = pods.state[p]
    return state in (POD_PENDING, POD_STARTING, POD_READY, POD_DOWN)


@inline_kernel
def age_bucket(age_ms):
    """floor(log2(age in ns)), 0 for pods without age."""
    left = age_ms * 1_000_000
    bucket = 0
    while left > 1:
        left >>= 1
        bucket += 1
    return bucket


@inline_kernel
def cost_rank(workloads: Workloads, w, ordinal):
    """Rank of the pod-deletion-cost of the pod with that ordinal (from 1), at most 511."""
    if workloads.cost_start.shape[0] == 1:
        return 0
    first, last = workloads.cost_start[w], workloads.cost_start[w + 1] - 1
    if last < first:
        return 0
    return workloads.cost[min(first + ordinal - 1, last)]


@inline_kernel
def sort_key(clock: Clock, pods: Pods, workloads: Workloads, scan: NodeScan, p, now):
    """Order of deletion as one int64: the smallest goes first."""
    w = pods.workload[p]
    chance = draw(clock.params[P_SEED], STREAM_VICTIM, workloads.hash[w] + pods.ordinal[p], 0)
    n = pods.node[p]
    if n < 0:
        return chance
    ready = 1 if pods.state[p] == POD_READY else 0
    rank = min(scan.mark[n], _RANKS)
    calm = _RESTARTS - min(pods.restarts[p], _RESTARTS)
    cost = cost_rank(workloads, w, pods.ordinal[p])
    since = pods.ready_ms[p] if ready == 1 else pods.created_ms[p]
    return (
        (1 << 60)
        | (ready << 59)
        | (cost << 50)
        | ((_RANKS - rank) << 40)
        | (age_bucket(now - since) << 32)
        | (calm << 24)
        | (chance >> 8)
    )


@inline_kernel
def count_siblings(pods: Pods, links: PodLinks, workloads: Workloads, scan: NodeScan, w, step):
    """Add ``step`` to the mark of each node for each active pod of ``w`` on it (0: clear the marks)."""
    p = workloads.first_pod[w]
    while p >= 0:
        n = pods.node[p]
        if n >= 0 and is_active(pods, p):
            scan.mark[n] = scan.mark[n] + 1 if step == 1 else 0
        p = links.workload_next[p]


@kernel
def kth_smallest(keys, count, k):
    """The k-th smallest (from 0) of ``keys[:count]``, which is reordered (quickselect, Hoare 1961)."""
    low = 0
    high = count - 1
    while low < high:
        pivot = keys[(low + high) >> 1]
        i = low
        j = high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while keys[j] > pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return keys[k]


@kernel
def choose_victims(
    clock: Clock, pods: Pods, links: PodLinks, workloads: Workloads, scan: NodeScan, queue: Queue, w, surplus, now
):
    """Write the rows of the ``surplus`` pods that go first into ``queue.scratch``; returns how many."""
    count_siblings(pods, links, workloads, scan, w, 1)
    count = 0
    p = workloads.first_pod[w]
    while p >= 0:
        if is_active(pods, p):
            queue.ranks[count] = sort_key(clock, pods, workloads, scan, p, now)
            count += 1
        p = links.workload_next[p]
    surplus = min(surplus, count)
    found = 0
    if surplus > 0:
        limit = kth_smallest(queue.ranks, count, surplus - 1)
        p = workloads.first_pod[w]
        while p >= 0 and found < surplus:
            if is_active(pods, p) and sort_key(clock, pods, workloads, scan, p, now) <= limit:
                queue.scratch[found] = p
                found += 1
            p = links.workload_next[p]
    count_siblings(pods, links, workloads, scan, w, 0)
    return found
