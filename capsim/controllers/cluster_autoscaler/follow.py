"""What compiled loops of the autoscaler believe of its groups while nodes come, get Ready and go.

The same steps as ``cluster_state.py`` and ``node_template.py`` take, for the plain course of things: machines that were
asked for register, get Ready, are deleted. Whatever is out of the ordinary (a node that is not Ready, one that nobody
asked for, a group with too few nodes) is left to Python. Nothing that Python would read is written before ``commit``.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.placement import put
from capsim.controllers.cluster_autoscaler.tables import (
    DAEMON,
    INSTANCES_REFRESH_MS,
    MIRROR,
    O_FORCE_DS,
    O_NEWEST,
    O_STARTUP,
    Q_BACKOFF,
    Q_COMING,
    Q_EXPECTED,
    Q_FETCHED,
    Q_FIRST,
    Q_PROVISION,
    Q_READY,
    Q_REGISTERED,
    Q_STARTING,
    Q_UNREGISTERED,
    Q_WRONG_CURRENT,
    Q_WRONG_EXPECTED,
    Q_WRONG_SINCE,
    ROWS,
    S_COMING,
    S_FIXED,
    S_LAID,
    S_LATEST,
    S_NEW,
    S_UNTIL,
    STABLE_MS,
    TAINTS,
    UNSCHEDULABLE,
    Kinds,
    Snapshot,
    Steady,
)
from capsim.jit import inline_kernel, kernel
from capsim.state.tables import (
    CA_PASSED,
    CA_PASSED_MS,
    FLAGS_UNREADY,
    G_TARGET,
    NODE_DELETING,
    NODE_FREE,
    NODE_READY,
    NODE_REQUESTED,
    POD_TERMINATING,
    T_CHANGED,
    T_READY,
    T_REGISTERED,
    Clock,
    Groups,
    Nodes,
    PodLinks,
    Pods,
    Workloads,
)


@inline_kernel
def is_refreshed(clock: Clock, steady: Steady, now):
    """Whether the list of machines was refreshed in the background since the last loop."""
    last = steady.values[S_LATEST]
    if clock.values[CA_PASSED] > 0:  # loops that were passed over
        last = clock.values[CA_PASSED_MS]
    return now // INSTANCES_REFRESH_MS > last // INSTANCES_REFRESH_MS


@inline_kernel
def is_up(nodes: Nodes, n):
    """Whether the Node object is Ready."""
    up = nodes.state[n] == NODE_READY or nodes.state[n] == NODE_DELETING
    return up and nodes.times[n, T_READY] != -1 and nodes.flags[n] & FLAGS_UNREADY == 0


@inline_kernel
def note_machine(nodes: Nodes, steady: Steady, n, refreshed, now):
    """A machine without Node object; whether the autoscaler's list has it."""
    g = nodes.group[n]
    if g >= steady.target.shape[0]:
        return True
    if not refreshed and steady.group[g, Q_FETCHED] == 0 and steady.cached[n] != nodes.uid[n]:
        return False
    known = steady.unregistered_ms[n] >= 0 and steady.seen[n, 0] == nodes.uid[n]
    steady.unregistered_next[n] = steady.unregistered_ms[n] if known else now
    steady.group_next[g, Q_UNREGISTERED] += 1
    return True


@kernel
def count_nodes(nodes: Nodes, steady: Steady, top, refreshed, now):
    """Count nodes and machines by group; whether there is nothing that is left to Python."""
    total = 0
    for n in range(top):
        steady.listed[n] = 0
        steady.unregistered_next[n] = -1
        if nodes.state[n] == NODE_FREE:
            continue
        if nodes.state[n] == NODE_REQUESTED:
            if not note_machine(nodes, steady, n, refreshed, now):
                return False
            continue
        g = nodes.group[n]
        managed = g < steady.target.shape[0]
        if is_up(nodes, n):
            steady.listed[n] = 1
            total += 1
        elif managed and nodes.times[n, T_REGISTERED] + steady.options[O_STARTUP] > now:
            steady.listed[n] = 2
        else:
            return False
        if managed:
            steady.group_next[g, Q_REGISTERED] += 1
            steady.group_next[g, Q_READY if steady.listed[n] == 1 else Q_STARTING] += 1
    return total > 0


@inline_kernel
def note_wrong_size(steady: Steady, g, target, now):
    """A group with more nodes than it should have; one that has fewer is Python's: returns whether it is not."""
    of = steady.group_next
    registered = of[g, Q_REGISTERED]
    if registered > target:
        if of[g, Q_WRONG_CURRENT] != registered or of[g, Q_WRONG_EXPECTED] != target or of[g, Q_WRONG_SINCE] < 0:
            of[g, Q_WRONG_CURRENT], of[g, Q_WRONG_EXPECTED], of[g, Q_WRONG_SINCE] = registered, target, now
    else:
        of[g, Q_WRONG_SINCE] = -1
    return registered >= target - of[g, Q_UNREGISTERED]


@kernel
def look_at_groups(nodes: Nodes, groups: Groups, steady: Steady, top, refreshed, now):
    """What is true of each group now, into ``group_next``; False: something is left to Python."""
    of = steady.group_next
    for g in range(of.shape[0]):
        for i in range(of.shape[1]):
            of[g, i] = steady.group[g, i]
        of[g, Q_REGISTERED] = of[g, Q_READY] = of[g, Q_STARTING] = of[g, Q_UNREGISTERED] = 0
    if not count_nodes(nodes, steady, top, refreshed, now):
        return False
    for g in range(of.shape[0]):
        target = groups.size[g, G_TARGET]
        if target <= of[g, Q_REGISTERED] - of[g, Q_STARTING]:
            of[g, Q_EXPECTED] = -1
        of[g, Q_FETCHED] = 1 if of[g, Q_EXPECTED] >= 0 else 0
        of[g, Q_COMING] = max(0, target - of[g, Q_READY])
        if steady.options[O_NEWEST] == 1 and (of[g, Q_EXPECTED] < 0 or of[g, Q_BACKOFF] == 1):
            of[g, Q_COMING] = 0
        if of[g, Q_STARTING] > 0 and of[g, Q_COMING] == 0:
            return False
        if not note_wrong_size(steady, g, target, now):
            return False
    return True


@kernel
def find_templates(nodes: Nodes, steady: Steady, top, now):
    """The first node of each group that serves as its template (``Q_FIRST``), -1: none."""
    of = steady.group_next
    for g in range(of.shape[0]):
        of[g, Q_FIRST] = -1
    for n in range(top):
        g = nodes.group[n]
        if g >= of.shape[0] or steady.listed[n] != 1 or nodes.flags[n] & UNSCHEDULABLE:
            continue
        if max(nodes.times[n, T_READY], nodes.times[n, T_CHANGED]) + STABLE_MS >= now:
            continue
        if of[g, Q_FIRST] < 0 or nodes.uid[n] < nodes.uid[of[g, Q_FIRST]]:
            of[g, Q_FIRST] = n


@inline_kernel
def has_owner(kinds: Kinds, steady: Steady, g, count, owner):
    """Whether a pod of the controller is among the first ``count`` of the template's."""
    for i in range(1, count + 1):
        if kinds.owner[steady.template_daemons[g, i]] == owner:
            return True
    return False


@inline_kernel
def add_expected(groups: Groups, workloads: Workloads, kinds: Kinds, steady: Steady, g, missing):
    """Append the DaemonSet pods that a fresh node of the group gets; ``missing``: only of DaemonSets that have none
    there yet. Returns whether there was room."""
    count = steady.template_daemons[g, 0]
    running = count
    for w in range(groups.daemon_eligible.shape[1]):
        if groups.daemon_eligible[g, w] == 0:
            continue
        c = workloads.pod_class[w]
        if missing and has_owner(kinds, steady, g, running, kinds.owner[c]):
            continue
        count += 1
        if count == steady.template_daemons.shape[1]:
            return False
        steady.template_daemons[g, count] = c
    steady.template_daemons[g, 0] = count
    return True


@kernel
def take_template(
    nodes: Nodes, groups: Groups, pods: Pods, links: PodLinks, workloads: Workloads, kinds: Kinds, steady: Steady, g, n
):
    """What a new node of group ``g`` will be like, from node ``n``; whether its pods have room in the table."""
    steady.template_shape[g] = nodes.shape[n]
    for k in range(nodes.allocatable.shape[1]):
        steady.template_free[g, k] = nodes.allocatable[n, k]
    count = 0
    p = nodes.first_pod[n]
    while p >= 0:
        if pods.state[p] != POD_TERMINATING and kinds.flags[pods.pod_class[p]] & (DAEMON | MIRROR):
            count += 1
            if count == steady.template_daemons.shape[1]:
                return False
            steady.template_daemons[g, count] = pods.pod_class[p]
        p = links.node_next[p]
    steady.template_daemons[g, 0] = count
    return steady.options[O_FORCE_DS] == 0 or add_expected(groups, workloads, kinds, steady, g, True)


@inline_kernel
def own_template(groups: Groups, workloads: Workloads, kinds: Kinds, steady: Steady, g):
    """The group's own template, where none of its nodes has been seen for long enough."""
    for k in range(groups.template.shape[1]):
        steady.template_free[g, k] = groups.template[g, k]
    steady.template_daemons[g, 0] = 0
    return add_expected(groups, workloads, kinds, steady, g, False)


@kernel
def take_templates(
    nodes: Nodes, groups: Groups, pods: Pods, links: PodLinks, workloads: Workloads, kinds: Kinds, steady: Steady
):
    """Bring the templates of all groups up to date; whether their pods have room in the table."""
    of = steady.group_next
    for g in range(of.shape[0]):
        if of[g, Q_FIRST] >= 0:
            if not take_template(nodes, groups, pods, links, workloads, kinds, steady, g, of[g, Q_FIRST]):
                return False
        elif steady.template_shape[g] < 0 and of[g, Q_COMING] > 0:
            if not own_template(groups, workloads, kinds, steady, g):
                return False
    return True


@inline_kernel
def sort_rows(nodes: Nodes, snap: Snapshot, steady: Steady, top):
    """Slots of the loop's nodes into ``order``, by uid; returns their number. Those that had a row keep their order."""
    count, last = 0, -1
    for r in range(steady.values[S_LAID]):
        n = snap.slot[r]
        if n >= 0 and n < top and steady.listed[n] == 1 and nodes.uid[n] > last:
            steady.order[count] = n
            steady.listed[n] = 3
            last = nodes.uid[n]
            count += 1
    for n in range(top):
        if steady.listed[n] == 1:
            i = count
            while i > 0 and nodes.uid[steady.order[i - 1]] > nodes.uid[n]:
                steady.order[i] = steady.order[i - 1]
                i -= 1
            steady.order[i] = n
            count += 1
        elif steady.listed[n] == 3:
            steady.listed[n] = 1
    return count


@kernel
def lay_nodes(nodes: Nodes, snap: Snapshot, steady: Steady, top):
    """Rows of the nodes that are there; whether the snapshot has room for them."""
    count = sort_rows(nodes, snap, steady, top)
    if count > snap.slot.shape[0]:
        return False
    for n in range(steady.rows_of.shape[0]):
        steady.rows_of[n] = -1
    for r in range(count):
        n = steady.order[r]
        steady.rows_of[n] = r
        snap.slot[r], snap.uid[r], snap.shape[r] = n, nodes.uid[n], nodes.shape[n]
        snap.flags[r] = nodes.flags[n] & TAINTS
        snap.domain[0, r] = r
        for k in range(1, snap.domain.shape[0]):
            snap.domain[k, r] = steady.traits[nodes.shape[n], k]
    steady.values[S_LAID] = count
    snap.scalars[ROWS] = count
    return True


@inline_kernel
def add_coming(kinds: Kinds, snap: Snapshot, steady: Steady, g, shape):
    """Append a row for an upcoming node (see ``estimator.add_row``)."""
    r = snap.scalars[ROWS]
    snap.scalars[ROWS] = r + 1
    for k in range(snap.free.shape[1]):
        snap.free[r, k] = steady.template_free[g, k]
    snap.slot[r], snap.uid[r], snap.shape[r], snap.flags[r] = -1, -1, shape, 0
    snap.domain[0, r] = r
    for k in range(1, snap.domain.shape[0]):
        snap.domain[k, r] = steady.traits[shape, k]
    for i in range(steady.template_daemons[g, 0]):
        put(kinds, snap, steady.template_daemons[g, 1 + i], r, 1)
    for k in range(snap.free.shape[1]):
        steady.base_free[r, k] = snap.free[r, k]


@kernel
def lay_coming(groups: Groups, kinds: Kinds, snap: Snapshot, steady: Steady):
    """Rows of upcoming nodes, group by group in the order of their names; whether the snapshot has room for them."""
    of = steady.group_next
    for i in range(snap.count.shape[0]):
        for d in range(snap.count.shape[1]):
            snap.count[i, d] = 0
    for i in range(steady.by_name.shape[0]):
        g = steady.by_name[i]
        shape = steady.template_shape[g] if steady.template_shape[g] >= 0 else groups.shapes[g, 0]
        for _ in range(of[g, Q_COMING]):
            if snap.scalars[ROWS] == snap.slot.shape[0]:
                return False
            add_coming(kinds, snap, steady, g, shape)
    for i in range(snap.count.shape[0]):
        for d in range(snap.count.shape[1]):
            steady.base_count[i, d] = snap.count[i, d]
    return True


@kernel
def commit(nodes: Nodes, groups: Groups, steady: Steady, top, refreshed, now):
    """The loop is done here: what it saw is what the next one, or Python, starts from."""
    until = steady.values[S_FIXED]
    coming = 0
    for g in range(steady.group.shape[0]):
        coming += steady.group_next[g, Q_COMING]
        if steady.group_next[g, Q_EXPECTED] >= 0:
            until = min(until, steady.group_next[g, Q_EXPECTED] + 1)
        steady.target[g] = groups.size[g, G_TARGET]
    for n in range(top):
        g = nodes.group[n]
        managed = nodes.state[n] != NODE_FREE and g < steady.target.shape[0]
        if managed and (refreshed or steady.group[g, Q_FETCHED] == 1):
            steady.cached[n] = nodes.uid[n]
        if steady.seen[n, 0] != nodes.uid[n]:
            steady.since_ms[n] = -1
            steady.before[n] = 0
        steady.seen[n, 0], steady.seen[n, 1], steady.seen[n, 2] = nodes.uid[n], nodes.state[n], nodes.flags[n]
        steady.unregistered_ms[n] = steady.unregistered_next[n]
        if steady.unregistered_ms[n] >= 0:
            until = min(until, steady.unregistered_ms[n] + steady.group[g, Q_PROVISION] + 1)
        if steady.listed[n] == 2:
            until = min(until, nodes.times[n, T_REGISTERED] + steady.options[O_STARTUP])
    for g in range(steady.group.shape[0]):
        for i in range(steady.group.shape[1]):
            steady.group[g, i] = steady.group_next[g, i]
    steady.values[S_UNTIL], steady.values[S_COMING], steady.values[S_NEW] = until, coming, 0


@kernel
def next_stable_ms(nodes: Nodes, steady: Steady, top, now):
    """When the next node has been Ready for long enough to be a template."""
    at = steady.values[S_UNTIL]
    for n in range(top):
        if steady.listed[n] == 1 and nodes.group[n] < steady.target.shape[0]:
            stable = max(nodes.times[n, T_READY], nodes.times[n, T_CHANGED]) + STABLE_MS
            if stable >= now:
                at = min(at, stable + 1)
    return at
