"""What must hold at every moment of a run, recounted in plain Python from the pod table and the scenario's objects."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from capsim.controllers.cluster_autoscaler.tables import S_UNTIL
from capsim.controllers.scheduler.reasons import PASS
from capsim.engine.addresses import pods_with_address
from capsim.engine.volumes import labels_of, place_of
from capsim.scenario.pod_quota import charged, counts, is_best_effort
from capsim.state import tables as t
from capsim.state.calendar import WAYS
from capsim.state.tables_addresses import (
    N_BLOCKS,
    N_COOLING,
    N_MACHINE,
    N_PODS,
    N_USED,
    NET_BLOCK,
    NET_FIXED,
    SN_FREE,
    SN_WANTED,
)
from capsim.state.tables_admission import B_COUNT, B_HELD, B_LEFT
from capsim.state.tables_jobs import (
    I_STATE,
    INDEX_BITS,
    INDEX_DONE,
    INDEX_FAILED,
    J_FAILED_INDEXES,
    J_STATE,
    J_SUCCEEDED,
    JOB_RUNNING,
)
from capsim.state.tables_rollout import D_NUMBER, R_EXISTS, R_NUMBER
from capsim.state.tables_warmth import (
    BURNING,
    BURNS_MS,
    BURNT,
    COOLING,
    H_AREA,
    H_CPU,
    H_SINCE,
    H_STAGE,
    V_COUNT,
    V_CPU,
    V_WORK,
    WARM,
)
from capsim.world.contention import BY_CONNECTION
from tests.properties.claims import check_volumes, has_recorded
from tests.properties.disks import check_disks

BOUND = (t.POD_STARTING, t.POD_READY, t.POD_DOWN)
KNOWN = (t.NODE_REGISTERED, t.NODE_READY, t.NODE_DELETING)


def check(sim) -> None:
    """Everything."""
    check_pods(sim)
    check_lists(sim)
    check_nodes(sim)
    check_groups(sim)
    check_sizes(sim)
    check_daemons(sim)
    check_calendars(sim)
    check_usage(sim)
    check_pending(sim)
    check_rollouts(sim)
    check_stateful(sim)
    check_jobs(sim)
    check_admission(sim)
    check_volumes(sim)
    check_addresses(sim)
    check_subnets(sim)
    check_pressure(sim)
    check_autoscaler(sim)
    check_warmth(sim)
    check_disks(sim)


def alive(sim) -> list[int]:
    """Rows of the pods that exist."""
    return np.flatnonzero(sim.state.pods.state != t.POD_FREE).tolist()


def check_pods(sim) -> None:
    """Created = pending + bound + gone, and per workload the counts are those of the table."""
    s = sim.state
    rows = alive(sim)
    assert s.clock.counters[t.C_PODS_CREATED] == len(rows) + s.clock.counters[t.C_PODS_GONE]
    assert s.clock.values[t.POD_TOP] == len(rows)
    assert sorted(s.pods.free[len(rows) :].tolist()) == np.flatnonzero(s.pods.state == t.POD_FREE).tolist()
    assert len({int(s.pods.uid[p]) for p in rows}) == len(rows)
    found = Counter((int(s.pods.workload[p]), int(s.pods.state[p])) for p in rows)
    leaving = Counter(
        int(s.pods.workload[p]) for p in rows if s.pods.state[p] == t.POD_TERMINATING and s.pods.node[p] >= 0
    )
    spread = Counter(
        (int(s.pods.workload[p]), int(s.nodes.group[s.pods.node[p]])) for p in rows if s.pods.state[p] == t.POD_READY
    )
    for w, members in sim.names.members.items():  # a Deployment has no pods of its own: it counts its revisions'
        for state in range(1, 6):
            assert s.workloads.count[w, state] == sum(found[r, state] for r in members)
    for w in holders(sim):
        for state in range(1, 6):
            assert s.workloads.count[w, state] == found[w, state], (sim.names.workloads[w], state)
        assert s.workloads.bound_leaving[w] == leaving[w]
        for g in range(s.groups.hash.shape[0]):
            assert s.workloads.spread[w, g] == spread[w, g]
    for p in rows:
        state, node = s.pods.state[p], s.pods.node[p]
        assert (node >= 0) == (s.pods.bound_ms[p] != -1)
        assert state != t.POD_PENDING or node < 0
        assert state not in BOUND or node >= 0
        assert state != t.POD_READY or s.pods.ready_ms[p] >= s.pods.bound_ms[p] >= s.pods.created_ms[p]


def holders(sim) -> list[int]:
    """Rows of workloads that hold pods themselves."""
    return [w for w in range(len(sim.names.workloads)) if w not in sim.names.members]


def walk(head, tail, after, before) -> list[int]:
    """Rows of a doubly linked list, whose two directions must agree; ``tail`` of None is not kept."""
    rows, p, last = [], int(head), -1
    while p >= 0:
        assert before[p] == last
        assert len(rows) <= after.shape[0], "a ring"
        rows.append(p)
        p, last = int(after[p]), p
    assert tail is None or tail == last
    return rows


def check_lists(sim) -> None:
    """Lists of a workload, of a node, of a class's unschedulable pods hold exactly whom they should."""
    s = sim.state
    links = s.links
    by_workload, by_node, by_class = defaultdict(set), defaultdict(set), defaultdict(set)
    for p in alive(sim):
        by_workload[int(s.pods.workload[p])].add(p)
        if s.pods.node[p] >= 0:
            by_node[int(s.pods.node[p])].add(p)
        assert links.queued[p] != 1, "said to wait in the active queue, which is empty"
        if links.queued[p] == 2:
            by_class[int(s.pods.pod_class[p])].add(p)
            assert s.pods.state[p] == t.POD_PENDING
    for w in range(len(sim.names.workloads)):
        rows = walk(s.workloads.first_pod[w], s.workloads.last_pod[w], links.workload_next, links.workload_prev)
        assert set(rows) == by_workload[w]
        ordinals = [int(s.pods.ordinal[p]) for p in rows]
        if sim.scenario.objects.workloads[w].kind not in ("StatefulSet", "Job"):
            assert ordinals == sorted(ordinals), "order of creation"
        waiting = walk(s.classes.queue_head[w], s.classes.queue_tail[w], links.queue_next, links.queue_prev)
        assert set(waiting) == by_class[w]
        assert len(waiting) == s.classes.queue_count[w]
    for n in range(s.nodes.state.shape[0]):
        if s.nodes.state[n] != t.NODE_FREE:
            assert set(walk(s.nodes.first_pod[n], None, links.node_next, links.node_prev)) == by_node[n]
        else:
            assert not by_node[n]
    assert s.clock.values[t.UNSCHEDULABLE] == sum(len(rows) for rows in by_class.values())
    assert s.queue.count[0] == 0, "the active queue is empty at the end of an instant"


def check_nodes(sim) -> None:
    """Requested = sum over bound pods, within allocatable where the scheduler placed them all."""
    s = sim.state
    pods = [p for p in alive(sim) if s.pods.node[p] >= 0]
    requested = np.zeros_like(s.nodes.requested)
    nonzero = np.zeros_like(s.nodes.nonzero)
    excess = np.zeros(s.nodes.state.shape[0])
    names = {sim.names.node(int(s.nodes.group[n]), int(s.nodes.ordinal[n])): n for n in range(s.nodes.state.shape[0])}
    recorded = sim.scenario.placement.values() if sim.scenario.initial_state == "recorded" else []
    forced = {names.get(name) for there in recorded for name in there}  # pods ran there, whatever fits
    for p in pods:
        n, c = s.pods.node[p], s.pods.pod_class[p]
        requested[n] += s.classes.request[c]
        nonzero[n] += s.classes.nonzero[c]
        if s.pods.state[p] == t.POD_READY:
            excess[n] += s.physics.usage[s.pods.workload[p], t.U_EXCESS]
        if sim.scenario.objects.workloads[s.pods.workload[p]].template.node_name:
            forced.add(int(n))
    for n in np.flatnonzero(s.nodes.state != t.NODE_FREE).tolist():
        assert s.nodes.requested[n].tolist() == requested[n].tolist()
        assert s.nodes.nonzero[n].tolist() == nonzero[n].tolist()
        assert abs(s.nodes.excess_milli[n] - excess[n]) < 1e-6
        assert n in forced or (requested[n] <= s.nodes.allocatable[n]).all()


def check_groups(sim) -> None:
    """Sums of each node group are those of its nodes."""
    s = sim.state
    for g in range(s.groups.hash.shape[0]):
        mine = [n for n in np.flatnonzero(s.nodes.state != t.NODE_FREE).tolist() if s.nodes.group[n] == g]
        ready = [n for n in mine if s.nodes.state[n] == t.NODE_READY]
        deleting = [n for n in mine if s.nodes.state[n] == t.NODE_DELETING]
        found = [len(mine) - len(ready) - len(deleting), len(ready), len(deleting), len(mine)]
        assert s.groups.count[g].tolist() == found, sim.names.groups[g]
        assert s.groups.allocatable[g].tolist() == s.nodes.allocatable[ready].sum(axis=0).tolist()
        assert s.groups.requested[g].tolist() == s.nodes.requested[ready].sum(axis=0).tolist()


def check_sizes(sim) -> None:
    """The Cluster Autoscaler keeps every group within min and max, where nobody interferes and no machine fails."""
    s = sim.state
    if sim.scenario.cluster_autoscaler is None or sim.scenario.events:
        return
    for g, group in enumerate(sim.scenario.node_groups):
        if group.failures:
            continue
        size = s.groups.count[g, t.G_EXIST] - s.groups.count[g, t.G_DELETING]
        assert s.groups.size[g, t.G_MIN] <= size <= s.groups.size[g, t.G_MAX]


def check_daemons(sim) -> None:
    """A DaemonSet has one pod for each node that it is meant for and that stays, and never two for one."""
    s = sim.state
    for w in sim.names.daemonsets:
        if w in sim.names.owners:
            continue
        if w in sim.names.members or is_asked(sim, w):
            check_synced_daemons(sim, w)
            continue
        eligible = {
            n
            for n in range(s.nodes.state.shape[0])
            if s.nodes.state[n] in KNOWN and s.classes.shape_reason[w, s.nodes.shape[n]] < 0
        }
        rows = [p for p in alive(sim) if s.pods.workload[p] == w]
        targets = Counter(int(s.pods.target[p]) for p in rows if s.pods.state[p] != t.POD_TERMINATING)
        leave_out = t.FLAG_TO_BE_DELETED | t.FLAG_DISK_PRESSURE  # whose kubelets refuse all pods
        staying = {n for n in eligible if not s.nodes.flags[n] & leave_out}
        assert staying <= set(targets) <= eligible
        assert all(count == 1 for count in targets.values())
        assert s.workloads.desired[w] == len(targets)


def is_asked(sim, w) -> bool:
    """Whether a quota counts the pods of row ``w``, or a LimitRange refuses them."""
    a = sim.state.admission
    return a.start.shape[0] > 1 and bool(a.start[w] < a.start[w + 1] or a.text[w] >= 0)


def check_synced_daemons(sim, w) -> None:
    """One that is rolled out, or can be refused pods: with surge two for a node, and only for nodes that exist. Its
    controller counts no node that is about to be deleted, whose pod stays."""
    s = sim.state
    strategy = sim.scenario.objects.workloads[w].strategy
    most = 2 if (strategy.get("rollingUpdate") or {}).get("maxSurge") else 1
    rows = sim.names.rows(w)
    targets = Counter(
        int(s.pods.target[p]) for p in alive(sim) if s.pods.workload[p] in rows and s.pods.state[p] != t.POD_TERMINATING
    )
    assert all(count <= most for count in targets.values())
    assert all(s.nodes.state[n] in KNOWN for n in targets)


def check_calendars(sim) -> None:
    """Heaps and tournament trees are in order, and nothing in them lies in the past."""
    s = sim.state
    entries = list(zip(s.heap.time_ms.tolist(), s.heap.code.tolist()))[: int(s.heap.count[0])]
    assert all(entries[(i - 1) // WAYS] <= entries[i] for i in range(1, len(entries)))
    trees = [*s.wheels, s.usage.due]
    for tree in trees:
        half = tree.shape[0] // 2
        for i in range(1, half):
            assert tree[i] == min(tree[2 * i], tree[2 * i + 1])
    first = min([int(tree[1]) for tree in trees] + [at for at, _ in entries[:1]])
    assert max(first, int(s.clock.values[t.FROZEN_UNTIL])) > sim.now_ms, "but what waits for the API server"


def pod_usage_milli(sim, p: int) -> float:
    """CPU that a pod uses now."""
    s = sim.state
    w = s.pods.workload[p]
    extra = float(s.usage.warmth[p, H_CPU]) if len(s.usage.warmth) else 0.0
    if s.pods.state[p] != t.POD_READY:
        return extra
    rate = s.usage.rate_rps[p] if s.usage.own[p] == 1 else s.physics.pod_rps[w]
    return float(s.physics.load[w, t.L_IDLE] + s.physics.load[w, t.L_COST] * rate) + extra


def check_warmth(sim) -> None:
    """Pods that start burn, Ready ones are cold, and nobody else is either; the sums are those of the pods."""
    s = sim.state
    if len(s.usage.warmth) == 0:
        return
    count, cpu = np.zeros(len(s.physics.warm)), np.zeros(len(s.physics.warm))
    for p, row in enumerate(s.usage.warmth):
        state, stage, w = s.pods.state[p], row[H_STAGE], s.pods.workload[p]
        assert stage == WARM or state == (t.POD_STARTING if stage in (BURNING, BURNT) else t.POD_READY)
        burns = s.pods.step_ms[p] == BURNS_MS and state not in (t.POD_FREE, t.POD_TERMINATING)
        assert stage in (BURNING, BURNT) or not burns
        assert stage in (BURNING,) or stage >= COOLING or row[H_CPU] == 0.0
        assert (stage >= COOLING) <= (s.usage.due[(len(s.usage.due) >> 1) + p] < t.NEVER)
        if stage == BURNING:
            used = row[H_AREA] + row[H_CPU] * (sim.now_ms - row[H_SINCE]) / 1000.0
            assert used <= s.physics.warm[w, V_WORK] + row[H_CPU] * 0.002
        if stage != WARM:
            count[w] += 1
            cpu[w] += row[H_CPU]
    assert count.tolist() == s.physics.warm[:, V_COUNT].tolist()
    assert np.abs(cpu - s.physics.warm[:, V_CPU]).max() <= 1e-6 * (1 + cpu.max())


def check_addresses(sim) -> None:
    """No node's pods have more addresses than it has; those of the start have one whatever it has."""
    s = sim.state
    for g, group in enumerate(sim.scenario.node_groups):
        for n in np.flatnonzero((s.nodes.state != t.NODE_FREE) & (s.nodes.group == g)).tolist():
            mine = [p for p in alive(sim) if s.pods.node[p] == n and not s.pods.created_ms[p] < 0]
            have = [p for p in mine if s.pods.step_ms[p] != t.NEVER]
            assert group.pod_ips is None or len(have) <= group.pod_ips, (group.name, n)


def check_subnets(sim) -> None:
    """Addresses are conserved: what nobody has, machines, and the blocks of nodes are those of the subnet."""
    s = sim.state
    there = s.nodes.state != t.NODE_FREE
    assert len(sim.scenario.subnets) == len(s.groups.subnet)
    for row, spec in enumerate(sim.scenario.subnets.values()):
        taken = int((there & (s.nodes.net[:, N_MACHINE] == row)).sum())
        mine = there & (s.nodes.net[:, N_PODS] == row)
        taken += int((s.nodes.net[mine, N_BLOCKS] * s.groups.net[s.nodes.group[mine], NET_BLOCK]).sum())
        assert taken + int(s.groups.subnet[row, SN_FREE]) == spec.size()
        for n in np.flatnonzero(mine).tolist():
            blocks, used, cooling, net = *s.nodes.net[n, [N_BLOCKS, N_USED, N_COOLING]], s.groups.net[s.nodes.group[n]]
            assert used == len(pods_with_address(sim, n))
            assert cooling >= 0
            assert used + cooling <= blocks * net[NET_BLOCK]
            assert not net[NET_FIXED] or blocks <= 1 or s.nodes.times[n, t.T_REQUESTED] < 0
            assert not net[NET_FIXED] or blocks or s.nodes.state[n] != t.NODE_READY
    for g, count in sim.faults.orders.items():
        assert count > 0
        assert s.groups.subnet[:, SN_WANTED].any(), sim.names.groups[g]


def check_pressure(sim) -> None:
    """A node with the taint of a pressure is known to the kubelet that will take it off."""
    s = sim.state
    for flag in (t.FLAG_MEMORY_PRESSURE, t.FLAG_DISK_PRESSURE):
        for n in np.flatnonzero((s.nodes.state != t.NODE_FREE) & (s.nodes.flags & flag != 0)).tolist():
            assert (int(s.nodes.uid[n]), flag) in sim.faults.met_ms


def check_autoscaler(sim) -> None:
    """What compiled loops of the autoscaler remember of pods has a row for each of them."""
    tables = sim.state.autoscaler
    if tables.steady.values[S_UNTIL] > 0:
        pods = len(tables.steady.terminal)
        assert min(len(tables.hints.pod), len(tables.pending.pod), len(tables.snap.row)) >= pods


def check_usage(sim) -> None:
    """Usage <= limit, usage of a node's pods <= its allocatable; a workload's usage is that of its pods.

    Pods that serve what their connections bring are not contended (docs/fidelity.md): their nodes are left out. So are
    those on which recorded pods request more than there is: contention begins above requests.
    """
    s = sim.state
    by_connection = {
        int(s.pods.node[p]) for p in alive(sim) if s.physics.limits[s.pods.workload[p], 1] == BY_CONNECTION
    }
    used = defaultdict(float)
    by_workload = defaultdict(float)
    for p in alive(sim):
        milli = pod_usage_milli(sim, p)
        if s.pods.state[p] != t.POD_READY and milli == 0.0:
            continue
        workload = sim.scenario.objects.workloads[s.pods.workload[p]]
        limits = [c.limits.get("cpu") for c in workload.template.containers]
        if all(limit is not None for limit in limits):
            assert milli <= sum(limits) + 1e-6
        used[int(s.pods.node[p])] += milli
        by_workload[int(s.pods.workload[p])] += milli
    over = has_recorded(sim) & (s.nodes.requested[:, t.CPU] > s.nodes.allocatable[:, t.CPU])
    for n, milli in used.items():
        if over[n]:
            continue
        name = sim.names.node(int(s.nodes.group[n]), int(s.nodes.ordinal[n]))
        assert n in by_connection or milli <= s.nodes.allocatable[n, t.CPU] * (1 + 1e-6) + 1e-3, name
    for w, milli in by_workload.items():
        assert abs(milli - s.physics.usage[w, t.U_CPU]) <= 1e-6 * (1 + milli)


def volumes_fit(sim, p: int, n: int) -> bool:
    """Whether node ``n`` can have the volumes of pod ``p``."""
    book, s, w = sim.names.claims, sim.state, int(sim.state.pods.workload[p])
    if book is None or w not in book.set_of:
        return True
    q = book.set_of[w]
    if book.why_blocked(q) and s.scheduling.volumes.site[q, place_of(sim, q, p)] == 0:
        return False
    keys = book.known(book.ensure(q, int(s.pods.ordinal[p])) if book.sets[q].own else book.sets[q].keys(0))
    limits = s.scheduling.extras.attach_limit[n]
    more = s.presence.attach[s.pods.pod_class[p]]
    room = (limits < 0) | (s.presence.attached[n] + more <= limits) | (more == 0)
    return bool(room.all()) and book.binder.verdict(keys, labels_of(sim, n)) == PASS


def fits(sim, p: int, n: int) -> bool:
    """Whether the scheduler may put pod ``p`` on node ``n``, from the scenario's objects."""
    s = sim.state
    template = sim.scenario.objects.workloads[s.pods.workload[p]].template
    daemon = int(s.pods.workload[p]) in sim.names.daemonsets
    shape = sim.names.shapes[s.nodes.shape[n]]
    if s.pods.target[p] >= 0 and s.pods.target[p] != n:
        return False
    if not volumes_fit(sim, p, n):
        return False
    taints = [taint for taint in shape.taints if taint.effect != "PreferNoSchedule"]
    wanted = [(taint.key, taint.value, taint.effect) for taint in taints]
    flags = int(s.nodes.flags[n])
    if flags & t.FLAG_UNSCHEDULABLE and not daemon:
        wanted.append(("node.kubernetes.io/unschedulable", "", "NoSchedule"))
    if flags & t.FLAG_NOT_READY and not daemon:
        wanted.append(("node.kubernetes.io/not-ready", "", "NoSchedule"))
    if flags & t.FLAG_MEMORY_PRESSURE and is_best_effort(template) and not daemon:
        wanted.append(("node.kubernetes.io/memory-pressure", "", "NoSchedule"))
    if flags & t.FLAG_DISK_PRESSURE and not daemon:
        wanted.append(("node.kubernetes.io/disk-pressure", "", "NoSchedule"))
    if flags & t.FLAG_UNREACHABLE:
        wanted.append(("node.kubernetes.io/unreachable", "", "NoSchedule"))
    if flags & t.FLAG_TO_BE_DELETED:
        wanted.append(("ToBeDeletedByClusterAutoscaler", "", "NoSchedule"))
    for key, value, effect in wanted:
        if not any(
            (not o.key or o.key == key)
            and (o.operator == "Exists" or o.value == value)
            and (not o.effect or o.effect == effect)
            for o in template.tolerations
        ):
            return False
    if any(shape.labels.get(key) != value for key, value in template.node_selector.items()):
        return False
    free = s.nodes.allocatable[n] - s.nodes.requested[n]
    request = {**template.requests(), "pods": 1}
    return all(free[sim.names.resources.index(name)] >= amount for name, amount in request.items() if amount > 0)


def check_pending(sim) -> None:
    """A pod that was tried and put aside fits no node; one that opened a moment ago is still to be noticed.

    Pods with rules about other pods are left out: ``fits`` does not know them.
    """
    s = sim.state
    opening = s.clock.params[t.P_NODE_OPEN]
    waiting = s.scheduling.nominations
    rank = s.classes.priority[s.pods.pod_class] if s.classes.priority.size else s.pods.pod_class
    promised = [(int(waiting.node[i]), rank[waiting.pod[i]]) for i in range(int(waiting.count[0]))]
    for p in alive(sim):
        template = sim.scenario.objects.workloads[s.pods.workload[p]].template
        if s.links.queued[p] == 2 and not template.affinity and not template.topology_spread:
            for n in np.flatnonzero(np.isin(s.nodes.state, KNOWN)).tolist():
                if any(node == n and other >= rank[p] for node, other in promised):  # its room is for that pod
                    continue
                just_open = sim.now_ms - s.nodes.times[n, t.T_READY] <= opening
                name = sim.names.pod(int(s.pods.workload[p]), int(s.pods.ordinal[p]))
                assert just_open or not fits(sim, p, n), (name, n)


def check_rollouts(sim) -> None:
    """Revisions that were never brought in have no pods; what was brought in has the highest number."""
    s = sim.state
    for w, members in sim.names.members.items():
        if s.workloads.kind[w] != t.KIND_ROLLOUT:
            continue
        exist = s.rollouts.revision[members, R_EXISTS]
        assert (s.workloads.desired[members] >= 0).all()
        assert not s.workloads.desired[members][exist == 0].any()
        numbers = s.rollouts.revision[members, R_NUMBER][exist == 1].tolist()
        assert len(set(numbers)) == len(numbers)
        assert max(numbers) == s.rollouts.setting[w, D_NUMBER]


def check_stateful(sim) -> None:
    """No two pods of a StatefulSet have one ordinal, and where its pods wait for one another at most one comes up."""
    s = sim.state
    for w, workload in enumerate(sim.scenario.objects.workloads[: sim.names.shown]):
        if workload.kind != "StatefulSet":
            continue
        ordinals = [int(s.pods.ordinal[p]) for p in alive(sim) if s.pods.workload[p] in sim.names.rows(w)]
        assert len(set(ordinals)) == len(ordinals)
        assert min(ordinals, default=0) >= 0


def check_admission(sim) -> None:
    """What the pods of a namespace have together is at most what its quotas say, where they do not begin beyond; pods
    are held back only where some are missing; a template that is always refused has no pod that was made in the run."""
    s = sim.state
    if s.admission.start.shape[0] == 1:
        return
    lowered = any(event.apply is not None for event in sim.scenario.events) or bool(sim.scenario.placement)
    made = [p for p in alive(sim) if s.pods.created_ms[p] >= 0]
    for q, quota in enumerate(sim.quotas_at(sim.now_ms)):
        mine = [
            p for p in alive(sim) if sim.scenario.objects.workloads[s.pods.workload[p]].namespace == quota.namespace
        ]
        mine = [p for p in mine if counts(quota, sim.scenario.objects.workloads[s.pods.workload[p]])]
        for key, most in quota.hard.items():
            used = sum(charged(key, sim.scenario.objects.workloads[s.pods.workload[p]].template) for p in mine)
            assert used <= most or lowered, (quota.name, key, q)
    for p in made:
        assert s.admission.text[s.pods.workload[p]] < 0 or lowered
    for w in range(s.admission.burst.shape[0]):
        assert s.admission.burst[w, B_HELD] >= 0
        assert s.admission.burst[w, B_LEFT] >= 0
        if s.admission.burst[w, B_HELD] > 0:
            assert s.workloads.reconcile_ms[w] < t.NEVER, "it tries again"
            assert s.admission.burst[w, B_COUNT] > 0


def check_jobs(sim) -> None:
    """No more pods than a Job wants, no index twice, no more successes than completions; one that is over has none."""
    s = sim.state
    for w, workload in enumerate(sim.scenario.objects.workloads):
        if workload.kind != "Job":
            continue
        row, job = s.jobs.setting[w], workload.job
        active = [p for p in alive(sim) if s.pods.workload[p] == w and s.pods.state[p] != t.POD_TERMINATING]
        acts = s.workloads.reconcile_ms[w] <= sim.now_ms + 1  # a Job that was replaced deletes its pods a moment later
        assert len(active) <= (job.parallelism if row[J_STATE] == JOB_RUNNING or acts else 0)
        if job.replaces_late and row[J_STATE] == JOB_RUNNING and not acts:
            assert len([p for p in alive(sim) if s.pods.workload[p] == w]) <= job.parallelism
        assert job.completions is None or row[J_SUCCEEDED] <= job.completions
        if job.indexed:
            indexes = [int(s.pods.ordinal[p]) & ((1 << INDEX_BITS) - 1) for p in active]
            assert len(set(indexes)) == len(indexes)
            assert all(index < job.completions for index in indexes)
            states = s.jobs.indexes[s.jobs.index_start[w] : s.jobs.index_start[w + 1], I_STATE]
            assert (states == INDEX_DONE).sum() == row[J_SUCCEEDED]
            assert (states == INDEX_FAILED).sum() == row[J_FAILED_INDEXES]
