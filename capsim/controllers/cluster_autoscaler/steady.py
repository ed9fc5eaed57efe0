"""A loop of the autoscaler without Python, where it only looks and nodes do what was to be expected (``follow.py``).

It takes the same steps as ``autoscaler.py`` on the run's own tables: pending pods are put on nodes that are there or
coming, candidates for scale-down are ordered, those used little enough are simulated, soft taints follow. A loop that
would do more (a scale-up, a deletion) is left to Python before anything has changed.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.disruptions import count_budgets
from capsim.controllers.cluster_autoscaler.follow import (
    commit,
    find_templates,
    is_refreshed,
    lay_coming,
    lay_nodes,
    look_at_groups,
    next_stable_ms,
    take_templates,
)
from capsim.controllers.cluster_autoscaler.go_sort import order_first
from capsim.controllers.cluster_autoscaler.layout import lay_out, list_pods, list_row
from capsim.controllers.cluster_autoscaler.placement import find, hinted, link, put, remember, unlink
from capsim.controllers.cluster_autoscaler.removal import R_STATUS, REMOVABLE, long_terminating, simulate_first
from capsim.controllers.cluster_autoscaler.tables import (
    BEING_DELETED,
    CURSOR,
    DAEMON,
    FOUND,
    MIRROR,
    O_DELAY_DOWN,
    O_DELAY_FAIL,
    O_DELAY_UP,
    O_NEWEST,
    O_PARALLEL,
    O_RECHECK,
    O_SCALE_DOWN,
    O_SOFT,
    O_UNNEEDED,
    ROWS,
    S_COMING,
    S_EXECUTED,
    S_INTERVAL,
    S_LAST_DOWN,
    S_LAST_FAIL,
    S_LAST_UP,
    S_LATEST,
    S_NEW,
    S_UNNEEDED,
    S_UNTIL,
    WAITING_MOST,
    Hints,
    Kinds,
    PodTable,
    Snapshot,
    Steady,
)
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.tables import (
    CA_NEXT_TIMER,
    CA_PASSED,
    CA_PASSED_MS,
    CPU,
    G_MIN,
    G_TARGET,
    MEMORY,
    NODE_TOP,
    P_CA_PERIOD,
    POD_PENDING,
    POD_TERMINATING,
    Clock,
    Groups,
    Nodes,
    NodeScan,
    PodLinks,
    Pods,
    Workloads,
)


@kernel
def is_unchanged(clock: Clock, nodes: Nodes, groups: Groups, steady: Steady):
    """Whether nodes and sizes are as the last loop saw them."""
    if steady.values[S_NEW] == 1:
        return False
    for g in range(steady.target.shape[0]):
        if steady.target[g] != groups.size[g, G_TARGET]:
            return False
    for n in range(clock.values[NODE_TOP]):
        if steady.seen[n, 0] != nodes.uid[n] or steady.seen[n, 1] != nodes.state[n]:
            return False
        if steady.seen[n, 2] != nodes.flags[n]:
            return False
    return True


@inline_kernel
def is_cooling(steady: Steady, now):
    """Whether a scale-down is too early after a scale-up, a deletion or a failure."""
    v, o = steady.values, steady.options
    return (
        v[S_LAST_UP] + o[O_DELAY_UP] > now
        or v[S_LAST_FAIL] + o[O_DELAY_FAIL] > now
        or v[S_LAST_DOWN] + o[O_DELAY_DOWN] > now
    )


@kernel
def has_overdue(nodes: Nodes, steady: Steady, top, now):
    """Whether a node has been unneeded for long enough to go."""
    if steady.values[S_UNNEEDED] == 0 or is_cooling(steady, now):
        return False
    for n in range(top):
        if steady.since_ms[n] >= 0 and steady.since_ms[n] + steady.wait_ms[nodes.group[n]] < now:
            if nodes.flags[n] & BEING_DELETED == 0 and steady.seen[n, 0] == nodes.uid[n]:
                return True
    return False


@inline_kernel
def insert(pods: Pods, steady: Steady, first, count, p):
    """Take pod ``p`` into ``waiting``, whose rows ``first`` to ``count`` are sorted by creation."""
    i = count
    while i > first and pods.uid[steady.waiting[i - 1]] > pods.uid[p]:
        steady.waiting[i] = steady.waiting[i - 1]
        i -= 1
    steady.waiting[i] = p


@kernel
def gather_leaving(nodes: Nodes, pods: Pods, links: PodLinks, kinds: Kinds, steady: Steady, top, count):
    """Append the pods that the drained nodes still have to evict, node by node; -1: too many."""
    drained, rank = 0, 1
    for n in range(top):
        drained += 1 if steady.seen[n, 3] > 0 else 0
    while rank <= drained:
        first = count
        for n in range(top):
            p = nodes.first_pod[n] if steady.seen[n, 3] == rank and steady.rows_of[n] >= 0 else -1
            while p >= 0:
                if pods.state[p] != POD_TERMINATING and kinds.flags[pods.pod_class[p]] & (DAEMON | MIRROR) == 0:
                    if count == WAITING_MOST:
                        return -1
                    insert(pods, steady, first, count, p)
                    count += 1
                p = links.node_next[p]
        rank += 1
    return count


@kernel
def gather_waiting(
    nodes: Nodes, pods: Pods, links: PodLinks, workloads: Workloads, kinds: Kinds, steady: Steady, top
):  # fmt: skip
    """Pods that the scheduler called unschedulable, then those that drained nodes still have to evict, in the order in
    which they are tried; -1: too many."""
    count = 0
    for w in range(workloads.kind.shape[0]):
        if workloads.count[w, POD_PENDING] == 0:
            continue
        p = workloads.first_pod[w]
        while p >= 0:
            if pods.state[p] == POD_PENDING and (links.queued[p] == 2 or pods.diagnosis[p] >= 0):
                if count == WAITING_MOST:
                    return -1
                insert(pods, steady, 0, count, p)
                count += 1
            p = links.workload_next[p]
    count = gather_leaving(nodes, pods, links, kinds, steady, top, count)
    for i in range(count):
        steady.keys[i] = -float(kinds.priority[pods.pod_class[steady.waiting[i]]])
        steady.order[i] = i
    if count > 1:
        order_first(steady.keys, steady.order, steady.stack, count)
    return count


@kernel
def forget_attempt(snap: Snapshot, pending: Hints, steady: Steady, tried, cursor):
    """Undo what an attempt that is left to Python noted."""
    for i in range(tried):
        p = steady.waiting[steady.order[i]]
        pending.pod[p], pending.slot[p] = steady.hinted[i, 0], steady.hinted[i, 1]
        pending.uid[p], pending.generation[p] = steady.hinted[i, 2], steady.hinted[i, 3]
    snap.scalars[CURSOR] = cursor


@kernel
def place_waiting(kinds: Kinds, snap: Snapshot, pending: Hints, pods: Pods, steady: Steady, count):
    """Whether all waiting pods but a DaemonSet's find a row; if not, nothing is noted."""
    cursor = snap.scalars[CURSOR]
    for i in range(count):
        p = steady.waiting[steady.order[i]]
        steady.hinted[i, 0], steady.hinted[i, 1] = pending.pod[p], pending.slot[p]
        steady.hinted[i, 2], steady.hinted[i, 3] = pending.uid[p], pending.generation[p]
        c, uid = pods.pod_class[p], pods.uid[p]
        r = hinted(kinds, snap, pending, steady.rows_of, p, uid, c)
        if r < 0:
            r = find(kinds, snap, c, steady.everywhere, -1)
            if r >= 0:
                remember(snap, pending, p, uid, r)
            elif kinds.flags[c] & DAEMON == 0:
                forget_attempt(snap, pending, steady, i + 1, cursor)
                return False
        if r >= 0:
            if pods.node[p] >= 0:  # it leaves the list of its node, which keeps its request
                unlink(snap, p)
            put(kinds, snap, c, r, 1)
            link(snap, p, r)
    return True


@inline_kernel
def is_busy(nodes: Nodes, scan: NodeScan, snap: Snapshot, r, n):
    """Whether the larger of CPU and memory requests over allocatable of node ``n`` reaches its group's threshold."""
    limit = scan.threshold[nodes.group[n]]
    cpu, memory = nodes.allocatable[n, CPU], nodes.allocatable[n, MEMORY]
    if cpu == 0 or memory == 0:
        return limit <= 0.0
    used = float(cpu - snap.free[r, CPU]) / float(cpu)
    return max(used, float((memory - snap.free[r, MEMORY]) * 1000) / float(memory * 1000)) >= limit


@kernel
def find_candidates(nodes: Nodes, scan: NodeScan, groups: Groups, snap: Snapshot, steady: Steady, now):
    """(candidates, how many of them may be simulated)."""
    count, eligible = 0, 0
    for r in range(snap.scalars[ROWS]):
        n = snap.slot[r]
        if n < 0:
            continue
        g = nodes.group[n]
        if g >= steady.target.shape[0] or groups.size[g, G_TARGET] <= groups.size[g, G_MIN]:
            continue
        steady.candidate[count] = r
        may = (
            scan.unremovable_ms[n] <= now
            and nodes.flags[n] & BEING_DELETED == 0
            and not is_busy(nodes, scan, snap, r, n)
        )
        steady.eligible[count] = 1 if may else 0
        eligible += steady.eligible[count]
        count += 1
    return count, eligible


@kernel
def is_empty(kinds: Kinds, snap: Snapshot, table: PodTable, nodes: Nodes, links: PodLinks, r, now):
    """Whether nothing on row ``r`` would have to move."""
    p = nodes.first_pod[snap.slot[r]]
    while p >= 0:
        if kinds.flags[table.kind[p]] & (DAEMON | MIRROR) == 0 and not long_terminating(kinds, table, p, now):
            return False
        p = links.node_next[p]
    p = snap.first[r]
    while p >= 0:
        if kinds.flags[table.kind[p]] & (DAEMON | MIRROR) == 0 and not long_terminating(kinds, table, p, now):
            return False
        p = snap.next[p]
    return True


@kernel
def order_candidates(
    kinds: Kinds, snap: Snapshot, table: PodTable, nodes: Nodes, links: PodLinks, steady: Steady, count, now
):
    """Rows to simulate, in Go's order: empty nodes first, then those unneeded before; returns their number."""
    for i in range(count):
        r = steady.candidate[i]
        empty = 1.0 if is_empty(kinds, snap, table, nodes, links, r, now) else 0.0
        steady.keys[i] = 2.0 * (1.0 - empty) + (1.0 - steady.before[snap.slot[r]])
        steady.order[i] = i
    if count > 1:
        order_first(steady.keys, steady.order, steady.stack, count)
    chosen = 0
    for i in range(count):
        if steady.eligible[steady.order[i]] == 1:
            steady.chosen[chosen] = steady.candidate[steady.order[i]]
            chosen += 1
    return chosen


@inline_kernel
def most_unneeded(steady: Steady):
    """How many unneeded nodes are enough for now (upstream: unneededNodesLimit)."""
    parallel, interval = steady.options[O_PARALLEL], max(1, steady.values[S_INTERVAL])
    upper = parallel * (max(steady.options[O_UNNEEDED], interval) // interval) + parallel
    return min(steady.values[S_UNNEEDED] + 2 * parallel, upper)


@kernel
def take_over(snap: Snapshot, scan: NodeScan, steady: Steady, tried, top, now):
    """Which nodes are unneeded now, and which are not asked again for a while; whether anything is new."""
    for n in range(top):
        steady.since_next[n] = -1
    changed = False
    for i in range(tried):
        n = snap.slot[steady.chosen[i]]
        if steady.result[i, R_STATUS] == REMOVABLE:
            steady.since_next[n] = steady.since_ms[n] if steady.since_ms[n] >= 0 else now
        else:
            scan.unremovable_ms[n] = now + steady.options[O_RECHECK]
            changed = True
    steady.values[S_UNNEEDED] = 0
    for n in range(top):
        changed = changed or steady.since_ms[n] != steady.since_next[n]
        steady.since_ms[n] = steady.since_next[n]
        steady.before[n] = 1 if steady.since_next[n] >= 0 else 0
        steady.values[S_UNNEEDED] += steady.before[n]
    return changed


@kernel
def taint_softly(nodes: Nodes, snap: Snapshot, steady: Steady):
    """Unmark nodes that are needed again, then mark unneeded ones, a few a loop; whether anything was done."""
    budget = steady.options[O_SOFT]
    changed = False
    for unneeded in range(2):
        for r in range(snap.scalars[ROWS]):
            n = snap.slot[r]
            if n < 0 or nodes.group[n] >= steady.target.shape[0] or nodes.flags[n] & BEING_DELETED:
                continue
            marked = 1 if steady.soft[n] == nodes.uid[n] else 0
            if steady.before[n] == unneeded and marked != unneeded:
                if budget <= 0:
                    return changed
                steady.soft[n] = nodes.uid[n] if unneeded == 1 else -1
                budget -= 1
                changed = True
    return changed


@kernel
def scale_down(
    clock: Clock,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    links: PodLinks,
    workloads: Workloads,
    kinds: Kinds,
    snap: Snapshot,
    hints: Hints,
    steady: Steady,
    table: PodTable,
    listed,
    now,
):
    """The pass over candidates for scale-down; whether it left anything else than it found. ``listed``: the rows'
    pods are listed already."""
    top = clock.values[NODE_TOP]
    count, eligible = find_candidates(nodes, scan, groups, snap, steady, now)
    tried = 0
    if eligible > 0:
        if not listed:
            list_pods(kinds, snap, nodes, links, table, steady, count)
        chosen = order_candidates(kinds, snap, table, nodes, links, steady, count, now)
        count_budgets(workloads.desired, workloads.count, steady.covered, steady.limit, steady.allowed)
        for r in range(snap.scalars[ROWS]):
            steady.goals_left[r] = 1 if snap.slot[r] >= 0 and steady.seen[snap.slot[r], 4] == 0 else 0
        # fmt: off
        tried = simulate_first(
            kinds, snap, hints, table, steady.rows_of, steady.chosen, chosen, steady.counted, steady.goals_left,
            steady.budgets, steady.allowed, now, most_unneeded(steady), steady.moving, steady.result)
        # fmt: on
    changed = take_over(snap, scan, steady, tried, top, now)
    hints.now[0] += 1
    if is_cooling(steady, now) or (count == 0 and steady.options[O_NEWEST] == 0):
        return changed
    return taint_softly(nodes, snap, steady) or changed


@kernel
def next_timer(nodes: Nodes, scan: NodeScan, steady: Steady, top, now):
    """When a loop could differ from this one although the cluster stays as it is."""
    v, o = steady.values, steady.options
    at = next_stable_ms(nodes, steady, top, now)
    for n in range(top):
        if scan.unremovable_ms[n] > now:
            at = min(at, scan.unremovable_ms[n])
        if steady.since_ms[n] >= 0:
            over = steady.since_ms[n] + steady.wait_ms[nodes.group[n]] + 1
            at = min(at, over) if over > now else at
    for last, delay in ((S_LAST_UP, O_DELAY_UP), (S_LAST_DOWN, O_DELAY_DOWN), (S_LAST_FAIL, O_DELAY_FAIL)):
        over = v[last] + o[delay]
        at = min(at, over) if over > now else at
    return at


@kernel
def follow(
    clock: Clock,
    nodes: Nodes,
    groups: Groups,
    pods: Pods,
    links: PodLinks,
    workloads: Workloads,
    kinds: Kinds,
    snap: Snapshot,
    steady: Steady,
    changed,
    refreshed,
    now,
):
    """Groups, templates and rows of the snapshot as they are now; False: something is left to Python."""
    top = clock.values[NODE_TOP]
    if changed and not look_at_groups(nodes, groups, steady, top, refreshed, now):
        return False
    find_templates(nodes, steady, top, now)
    if not take_templates(nodes, groups, pods, links, workloads, kinds, steady):
        return False
    if not changed and steady.values[S_COMING] == 0:
        return True
    return lay_nodes(nodes, snap, steady, top) and lay_coming(groups, kinds, snap, steady)


@separate_kernel
def steady_loop(
    clock: Clock,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    pods: Pods,
    links: PodLinks,
    workloads: Workloads,
    kinds: Kinds,
    snap: Snapshot,
    hints: Hints,
    pending: Hints,
    steady: Steady,
    now,
):
    """Whether the loop that is due now was done here; if it is Python's, nothing has changed. ``CA_NEXT_TIMER`` says
    until when the next ones would do the same, 0: they would not."""
    v, s, top = clock.values, steady.values, clock.values[NODE_TOP]
    if now >= s[S_UNTIL]:
        return False
    if steady.since_ms.shape[0] != nodes.uid.shape[0] or steady.terminal.shape[0] != pods.uid.shape[0]:
        return False
    refreshed = is_refreshed(clock, steady, now)
    different = not is_unchanged(clock, nodes, groups, steady)
    if not follow(clock, nodes, groups, pods, links, workloads, kinds, snap, steady, different, refreshed, now):
        return False
    if has_overdue(nodes, steady, top, now):
        return False
    waiting = gather_waiting(nodes, pods, links, workloads, kinds, steady, top)
    if waiting < 0:
        return False
    lay_out(kinds, snap, nodes, links, pods, steady)
    # fmt: off
    table = PodTable(
        pods.uid, pods.pod_class, pods.node, pods.created_ms, pods.deleted_ms, steady.terminal, steady.terminal)
    # fmt: on
    if waiting > 0:
        for r in range(snap.scalars[ROWS]):
            if snap.slot[r] >= 0:
                list_row(kinds, snap, nodes, links, table, steady, r)
        if not place_waiting(kinds, snap, pending, pods, steady, waiting):
            return False
    if different:
        commit(nodes, groups, steady, top, refreshed, now)
    pending.now[0] += 1
    if v[CA_PASSED] > 0:  # loops that were passed over since the last one
        s[S_INTERVAL] = min(s[S_INTERVAL], clock.params[P_CA_PERIOD])
        s[S_LATEST] = v[CA_PASSED_MS]
    v[CA_PASSED] = 0
    s[S_INTERVAL] = min(s[S_INTERVAL], now - s[S_LATEST])
    s[S_LATEST] = now
    s[S_EXECUTED] += 1
    changed = False
    if steady.options[O_SCALE_DOWN] == 1:
        # fmt: off
        changed = scale_down(
            clock, nodes, scan, groups, links, workloads, kinds, snap, hints, steady, table, waiting > 0, now)
        # fmt: on
    still = not changed and not different and snap.scalars[FOUND] == 0
    v[CA_NEXT_TIMER] = next_timer(nodes, scan, steady, top, now) if still else 0
    return True
