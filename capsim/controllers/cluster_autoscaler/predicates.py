"""Whether a pod fits on a row of the snapshot: the scheduler's filters as the Cluster Autoscaler calls them.

This is the only place of the autoscaler that knows them. Taints, node selector and node affinity are tabled per kind
and node shape; taints that come and go are flags; resources are compared; host ports, pod (anti-)affinity and topology
spread are counters per topology domain that placing a pod raises.

Source: cluster-autoscaler simulator/predicatechecker over kube-scheduler's default filter plugins, in their order.
The volumes that a node attaches are columns of resources. Not modelled: node ports bound to single host IPs, namespace
selectors, matchLabelKeys, minDomains.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.tables import (
    AFFINITY,
    ANTI_AFFINITY,
    EXISTING_ANTI_AFFINITY,
    PORT,
    SPREAD,
    Kinds,
    Snapshot,
)
from capsim.jit import entry, inline_kernel, kernel

PASS = -1
REJECT_FLAGS, REJECT_PORTS, REJECT_RESOURCES, REJECT_SPREAD, REJECT_AFFINITY = 0, 1, 2, 3, 4
REJECT_ANTI_AFFINITY, REJECT_EXISTING_ANTI_AFFINITY = 5, 6
REJECT_STATIC = 16
"""First reason that ``Kinds.shape_reason`` uses; below are those of ``fits``."""


@inline_kernel
def has_room(kinds: Kinds, snap: Snapshot, c, r):
    """NodeResourcesFit: what the kind requests, and a pod more, is free on row ``r``."""
    for k in range(snap.free.shape[1]):
        want = kinds.request[c, k]
        if want > 0 and want > snap.free[r, k]:
            return False
    return True


@inline_kernel
def fits(kinds: Kinds, snap: Snapshot, c, r):
    """PASS, or the reason of the first filter that rejects row ``r`` for kind ``c``."""
    if snap.flags[r] & ~kinds.tolerates[c]:
        return REJECT_FLAGS
    static = kinds.shape_reason[c, snap.shape[r]]
    if static >= 0:
        return static
    if kinds.rules_at[c] < kinds.rules_at[c + 1]:
        return fits_with_rules(kinds, snap, c, r)
    return PASS if has_room(kinds, snap, c, r) else REJECT_RESOURCES


@kernel
def fits_with_rules(kinds: Kinds, snap: Snapshot, c, r):
    """The filters from NodePorts on, for kinds that have rules between pods."""
    first, end = kinds.rules_at[c], kinds.rules_at[c + 1]
    for i in range(first, end):
        if kinds.rules[i, 0] == PORT and snap.count[kinds.rules[i, 1], snap.domain[0, r]] > 0:
            return REJECT_PORTS
    if not has_room(kinds, snap, c, r):
        return REJECT_RESOURCES
    for i in range(first, end):
        if kinds.rules[i, 0] == SPREAD and not spreads(kinds, snap, c, r, i):
            return REJECT_SPREAD
    if not has_friends(kinds, snap, c, r):
        return REJECT_AFFINITY
    rejected = PASS
    for i in range(first, end):
        d = snap.domain[kinds.rules[i, 2], r]
        if d >= 0 and snap.count[kinds.rules[i, 1], d] > 0:
            if kinds.rules[i, 0] == ANTI_AFFINITY:
                return REJECT_ANTI_AFFINITY
            if kinds.rules[i, 0] == EXISTING_ANTI_AFFINITY:
                rejected = REJECT_EXISTING_ANTI_AFFINITY
    return rejected


@kernel
def spreads(kinds: Kinds, snap: Snapshot, c, r, i):
    """PodTopologySpread: rule ``i`` keeps its skew when a pod more runs on row ``r``.

    Domains that count are those of nodes that pass the kind's node selector (nodeAffinityPolicy: Honor).
    """
    counter, key = kinds.rules[i, 1], kinds.rules[i, 2]
    here = snap.domain[key, r]
    if here < 0:
        return False
    least = -1
    for m in range(snap.scalars[0]):
        d = snap.domain[key, m]
        if d >= 0 and selects(kinds, snap, c, m) and (least < 0 or snap.count[counter, d] < least):
            least = snap.count[counter, d]
    return snap.count[counter, here] + kinds.rules[i, 4] - max(least, 0) <= kinds.rules[i, 3]


@inline_kernel
def selects(kinds: Kinds, snap: Snapshot, c, r):
    """Whether row ``r`` passes the kind's node selector and affinity; taints do not count."""
    return kinds.shape_reason[c, snap.shape[r]] != REJECT_STATIC


@kernel
def has_friends(kinds: Kinds, snap: Snapshot, c, r):
    """InterPodAffinity's required terms: matching pods in each domain, or no such pod anywhere and the pod is one."""
    met, any_term, own, anywhere = True, False, True, False
    for i in range(kinds.rules_at[c], kinds.rules_at[c + 1]):
        if kinds.rules[i, 0] == AFFINITY:
            any_term = True
            d = snap.domain[kinds.rules[i, 2], r]
            if d < 0:
                return False
            if snap.count[kinds.rules[i, 1], d] <= 0:
                met = False
            if kinds.rules[i, 4] == 0:
                own = False
            for m in range(snap.count.shape[1]):
                if snap.count[kinds.rules[i, 1], m] > 0:
                    anywhere = True
                    break
    return not any_term or met or (own and not anywhere)


@entry
def check(kinds: Kinds, snap: Snapshot, c: int, r: int) -> int:
    """``fits`` for Python: PASS or the reason."""
    return fits(kinds, snap, c, r)
