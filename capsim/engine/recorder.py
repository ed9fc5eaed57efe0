"""The recorder: time-weighted means, minima and maxima of every series per sample interval.

At the end of an instant it looks at the rows that were touched: the old values count until now, the new ones from now
on. A 40-second spike of Pending is never missed, and a quiet hour costs nothing. Rows are workloads, then node groups,
then one row of totals.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.marks import RECOUNT
from capsim.state.revisions import count_revisions, is_split
from capsim.state.tables import (
    CPU,
    G_BOOTING,
    G_DELETING,
    G_EXIST,
    G_READY,
    M_TOUCHED,
    MEMORY,
    O_DARK_RPS,
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    SAMPLE_START,
    U_CPU,
    U_MEMORY,
    Classes,
    Clock,
    Groups,
    Marks,
    Physics,
    Samples,
    Workloads,
)
from capsim.world.rates import fold

# Quantities of a workload row.
(
    Q_RPS,
    Q_SERVED,
    Q_LOST,
    Q_DESIRED,
    Q_REPLICAS,
    Q_READY,
    Q_PENDING,
    Q_STARTING,
    Q_CPU,
    Q_CPU_REQUESTED,
    Q_MEMORY,
    Q_MEMORY_REQUESTED,
    Q_BACKLOG,
) = range(13)
QUANTITIES = 13
# Quantities of a node group row.
(
    Q_NODES_READY,
    Q_NODES_BOOTING,
    Q_NODES_DELETING,
    Q_ALLOCATABLE_CPU,
    Q_REQUESTED_CPU,
    Q_USED_CPU,
    Q_ALLOCATABLE_MEMORY,
    Q_REQUESTED_MEMORY,
    Q_USED_MEMORY,
    Q_NODES,
) = range(10)
# Quantities of the row of totals.
Q_TOTAL_PENDING, Q_TOTAL_NODES = 0, 1
# Columns of a sample: the means, then the extremes.
X_HIGH0, X_HIGH_DESIRED, X_LOW_READY, X_HIGH_PENDING, X_HIGH_CPU, X_HIGH_BACKLOG, X_HIGH_NODES = (
    13,
    14,
    15,
    16,
    17,
    18,
    19,
)
SAMPLE_COLUMNS = 20


@inline_kernel
def fold_row(samples: Samples, row, now):
    """Count the current values of a row up to ``now``."""
    span = now - samples.since_ms[row]
    if span > 0:
        for q in range(QUANTITIES):
            samples.area[row, q] += samples.value[row, q] * span
        samples.since_ms[row] = now


@inline_kernel
def write(samples: Samples, row, q, value):
    """Take a value, and its place among the extremes."""
    samples.value[row, q] = value
    if value > samples.high[row, q]:
        samples.high[row, q] = value
    if value < samples.low[row, q]:
        samples.low[row, q] = value


@inline_kernel
def share_usage(samples: Samples, workloads: Workloads, groups: Groups, w, now):
    """Move the workload's CPU and memory use among the node groups by where its Ready pods are."""
    count = workloads.kind.shape[0]
    ready = workloads.count[w, POD_READY]
    for g in range(groups.hash.shape[0]):
        here = workloads.spread[w, g]
        if here == 0 and samples.given[w, g, 0] == 0.0 and samples.given[w, g, 1] == 0.0:
            continue
        part = here / ready if ready > 0 else 0.0
        cpu = samples.value[w, Q_CPU] * part
        memory = samples.value[w, Q_MEMORY] * part
        row = count + g
        if cpu != samples.given[w, g, 0] or memory != samples.given[w, g, 1]:
            fold_row(samples, row, now)
            samples.value[row, Q_USED_CPU] += cpu - samples.given[w, g, 0]
            samples.value[row, Q_USED_MEMORY] += memory - samples.given[w, g, 1]
            samples.given[w, g, 0] = cpu
            samples.given[w, g, 1] = memory


@inline_kernel
def look_at_pods(samples: Samples, classes: Classes, workloads: Workloads, groups: Groups, w, now):
    """Pods of ``w`` came, went or changed state."""
    pending = workloads.count[w, POD_PENDING]
    starting = workloads.count[w, POD_STARTING] + workloads.count[w, POD_DOWN]
    ready = workloads.count[w, POD_READY]
    total = workloads.kind.shape[0] + groups.hash.shape[0]
    change = pending - samples.value[w, Q_PENDING]
    if change != 0.0:
        fold_row(samples, total, now)
        write(samples, total, Q_TOTAL_PENDING, samples.value[total, Q_TOTAL_PENDING] + change)
    write(samples, w, Q_DESIRED, workloads.desired[w])
    write(samples, w, Q_READY, ready)
    write(samples, w, Q_PENDING, pending)
    samples.value[w, Q_REPLICAS] = pending + starting + ready
    samples.value[w, Q_STARTING] = starting
    bound = starting + ready + workloads.bound_leaving[w]
    c = workloads.pod_class[w]
    samples.value[w, Q_CPU_REQUESTED] = bound * classes.request[c, CPU]
    samples.value[w, Q_MEMORY_REQUESTED] = bound * classes.request[c, MEMORY]


@inline_kernel
def look_at_workload(
    samples: Samples, classes: Classes, workloads: Workloads, physics: Physics, groups: Groups, w, recount, now
):
    """Rates of ``w`` changed, and with ``recount`` its pods."""
    fold_row(samples, w, now)
    samples.value[w, Q_RPS] = physics.arrival_rps[w] + physics.own[w, O_DARK_RPS]
    samples.value[w, Q_SERVED] = physics.served_rps[w]
    samples.value[w, Q_LOST] = physics.lost_rps[w] + physics.own[w, O_DARK_RPS]
    write(samples, w, Q_CPU, physics.usage[w, U_CPU])
    samples.value[w, Q_MEMORY] = physics.usage[w, U_MEMORY]
    if physics.backlog[w] > samples.high[w, Q_BACKLOG]:
        samples.high[w, Q_BACKLOG] = physics.backlog[w]
    if recount:
        look_at_pods(samples, classes, workloads, groups, w, now)
    share_usage(samples, workloads, groups, w, now)


@kernel
def sum_backlogs(workloads: Workloads, physics: Physics, d):
    """Requests that wait for all revisions of Deployment ``d``."""
    backlog = 0.0
    r = workloads.next_revision[d]
    while r >= 0:
        backlog += physics.backlog[r]
        r = workloads.next_revision[r]
    return backlog


@kernel
def look_at_deployment(samples: Samples, workloads: Workloads, physics: Physics, d, now):
    """A revision of Deployment ``d`` changed: its figures are the sums over all its revisions."""
    fold_row(samples, d, now)
    count_revisions(workloads, d)
    for q in range(QUANTITIES):
        if q != Q_BACKLOG:
            samples.value[d, q] = 0.0
    cpu = 0.0
    r = workloads.next_revision[d]
    while r >= 0:
        for q in (Q_RPS, Q_SERVED, Q_LOST, Q_MEMORY, Q_REPLICAS, Q_STARTING, Q_CPU_REQUESTED, Q_MEMORY_REQUESTED):
            samples.value[d, q] += samples.value[r, q]
        cpu += physics.usage[r, U_CPU]
        r = workloads.next_revision[r]
    write(samples, d, Q_CPU, cpu)
    write(samples, d, Q_DESIRED, workloads.desired[d])
    write(samples, d, Q_READY, workloads.count[d, POD_READY])
    write(samples, d, Q_PENDING, workloads.count[d, POD_PENDING])
    samples.high[d, Q_BACKLOG] = max(samples.high[d, Q_BACKLOG], sum_backlogs(workloads, physics, d))


@kernel
def add_backlogs(workloads: Workloads, physics: Physics, samples: Samples, now):
    """Deployments with revisions: their backlog and losses are the sums of what the revisions integrated."""
    for d in range(workloads.kind.shape[0]):
        if is_split(workloads, d):
            r = workloads.next_revision[d]
            while r >= 0:
                fold(physics, r, now)
                physics.area[d, 0] += physics.area[r, 0]
                physics.area[d, 1] += physics.area[r, 1]
                r = workloads.next_revision[r]
            samples.high[d, Q_BACKLOG] = max(samples.high[d, Q_BACKLOG], sum_backlogs(workloads, physics, d))


@inline_kernel
def look_at_group(samples: Samples, workloads: Workloads, groups: Groups, g, now):
    """Figures of group ``g`` as they are now."""
    row = workloads.kind.shape[0] + g
    total = workloads.kind.shape[0] + groups.hash.shape[0]
    fold_row(samples, row, now)
    change = groups.count[g, G_READY] - samples.value[row, Q_NODES_READY]
    if change != 0.0:
        fold_row(samples, total, now)
        write(samples, total, Q_TOTAL_NODES, samples.value[total, Q_TOTAL_NODES] + change)
    write(samples, row, Q_NODES_READY, groups.count[g, G_READY])
    write(samples, row, Q_NODES_BOOTING, groups.count[g, G_BOOTING])
    write(samples, row, Q_NODES_DELETING, groups.count[g, G_DELETING])
    write(samples, row, Q_ALLOCATABLE_CPU, groups.allocatable[g, CPU])
    write(samples, row, Q_REQUESTED_CPU, groups.requested[g, CPU])
    write(samples, row, Q_ALLOCATABLE_MEMORY, groups.allocatable[g, MEMORY])
    write(samples, row, Q_REQUESTED_MEMORY, groups.requested[g, MEMORY])
    write(samples, row, Q_NODES, groups.count[g, G_EXIST])


@inline_kernel
def look(samples: Samples, classes: Classes, workloads: Workloads, physics: Physics, groups: Groups, marks: Marks, now):
    """End of an instant: take in every touched row."""
    count = workloads.kind.shape[0]
    for i in range(marks.touched_count[M_TOUCHED]):
        row = marks.touched[i]
        recount = marks.touched_flag[row] & RECOUNT != 0
        marks.touched_flag[row] = 0
        if row < count and is_split(workloads, row):
            look_at_deployment(samples, workloads, physics, row, now)
        elif row < count:
            look_at_workload(samples, classes, workloads, physics, groups, row, recount, now)
            if workloads.deployment[row] >= 0 and workloads.deployment[row] != row:
                look_at_deployment(samples, workloads, physics, workloads.deployment[row], now)
        else:
            look_at_group(samples, workloads, groups, row - count, now)
    marks.touched_count[M_TOUCHED] = 0


@kernel
def forget_extremes(samples: Samples):
    """The first interval begins with the values as they are: nothing was lower or higher before."""
    for row in range(samples.value.shape[0]):
        samples.low[row, Q_READY] = samples.value[row, Q_READY]
        for q in range(QUANTITIES):
            samples.high[row, q] = samples.value[row, q]


@inline_kernel
def close_row(samples: Samples, s, row, span, now):
    """Write one row of sample ``s`` and begin the next interval."""
    fold_row(samples, row, now)
    for q in range(QUANTITIES):
        samples.out[s, row, q] = samples.area[row, q] / span
        samples.area[row, q] = 0.0
    samples.out[s, row, X_HIGH0] = samples.high[row, 0]
    samples.out[s, row, X_HIGH_DESIRED] = samples.high[row, Q_DESIRED]
    samples.out[s, row, X_LOW_READY] = samples.low[row, Q_READY]
    samples.out[s, row, X_HIGH_PENDING] = samples.high[row, Q_PENDING]
    samples.out[s, row, X_HIGH_CPU] = samples.high[row, Q_CPU]
    samples.out[s, row, X_HIGH_NODES] = samples.high[row, Q_TOTAL_NODES]
    samples.out[s, row, X_HIGH_BACKLOG] = samples.high[row, Q_BACKLOG]
    samples.low[row, Q_READY] = samples.value[row, Q_READY]
    for q in range(QUANTITIES):
        samples.high[row, q] = samples.value[row, q]


@kernel
def close_sample(clock: Clock, workloads: Workloads, physics: Physics, samples: Samples, now):
    """Write one sample for the interval that ends now; there is a free row."""
    start = clock.values[SAMPLE_START]
    span = now - start
    if span <= 0:
        return
    s = samples.count[0]
    add_backlogs(workloads, physics, samples, now)
    for w in range(workloads.kind.shape[0]):
        fold(physics, w, now)
        samples.area[w, Q_BACKLOG] = physics.area[w, 0]
        samples.area[w, Q_LOST] += physics.area[w, 1] * 1000.0
        physics.area[w, 0] = 0.0
        physics.area[w, 1] = 0.0
        if physics.backlog[w] > samples.high[w, Q_BACKLOG]:
            samples.high[w, Q_BACKLOG] = physics.backlog[w]
        # The backlog is not held but integrated: its value stays 0 for fold_row.
        close_row(samples, s, w, span, now)
        samples.high[w, Q_BACKLOG] = physics.backlog[w]
        if is_split(workloads, w):
            samples.high[w, Q_BACKLOG] = sum_backlogs(workloads, physics, w)
    for row in range(workloads.kind.shape[0], samples.value.shape[0]):
        close_row(samples, s, row, span, now)
    samples.out_ms[s] = start
    samples.count[0] = s + 1
    clock.values[SAMPLE_START] = now
