"""Which published metrics cannot change an HPA's mind: asked once per scrape, so that most syncs need not be executed.

After a sync over pods that all count, with a single CPU utilisation metric, the proposal depends on the CPU of a pod
only, and so on the requests that it served. The band of rates within which the proposal stays the same is kept; a
scrape inside it wakes nobody. The band is conservative (usage is rounded up to a milli per container): rates near its
edges execute a sync, which decides exactly.
"""

from __future__ import annotations

import math

from capsim.controllers.hpa.codes import GATHER
from capsim.controllers.hpa.releases import RULE_TOLERANCE_BY_DISTANCE
from capsim.controllers.hpa.tables import (
    M_KIND,
    M_RESOURCE,
    M_TARGET,
    P_REPLICAS,
    P_UTILIZATION,
    RESOURCE_CPU,
    RESOURCE_UTILIZATION,
    S_METRIC_END,
    S_METRIC_FIRST,
    S_RULES,
    TOLERANCE_DOWN,
    TOLERANCE_UP,
    HpaSpecs,
    HpaState,
)
from capsim.engine.metrics_view import common_window, is_counted
from capsim.jit import inline_kernel
from capsim.state.tables import (
    L_COST,
    L_IDLE,
    P_HOUSEKEEPING,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    Clock,
    Containers,
    HpaLinks,
    Marks,
    Physics,
    Workloads,
)
from capsim.world.housekeeping import slowest_and_fastest


@inline_kernel
def percent_band(specs: HpaSpecs, h, target, percent, proposal, ready):
    """(lowest, highest) whole percent at which ``ready`` pods make the same proposal as at ``percent``."""
    floor = target * (1.0 - specs.tolerance_ratio[h, TOLERANCE_DOWN])
    roof = target * (1.0 + specs.tolerance_ratio[h, TOLERANCE_UP])
    margin = 0
    if specs.row[h, S_RULES] & RULE_TOLERANCE_BY_DISTANCE != 0:
        # The ends themselves may lie on either side: nothing is known next to them.
        margin = 1
        if min(abs(percent - floor), abs(percent - roof)) < 1.0:
            return percent + 1, percent
    if floor <= percent <= roof:
        return int(floor) + 1 + margin, math.ceil(roof) - 1 - margin
    low = int((proposal - 1) * target / ready) + 1
    high = math.ceil(proposal * target / ready) - 1
    if percent < floor:
        high = min(high, math.ceil(floor) - 1 - margin)
    else:
        low = max(low, int(roof) + 1 + margin)
    return low, high


@inline_kernel
def keep_band(
    clock: Clock,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    specs: HpaSpecs,
    state: HpaState,
    hpas: HpaLinks,
    h,
    step,
):
    """After a sync of HPA ``h``: note the CPU of a pod between which the next syncs would propose the same."""
    hpas.band[h, 0] = 1.0
    hpas.band[h, 1] = 0.0
    m = specs.row[h, S_METRIC_FIRST]
    w = hpas.workload[h]
    ready = workloads.count[w, POD_READY]
    if step != GATHER or specs.row[h, S_METRIC_END] - m != 1 or ready == 0:
        return
    if specs.metric[m, M_KIND] != RESOURCE_UTILIZATION or specs.metric[m, M_RESOURCE] != RESOURCE_CPU:
        return
    waiting = workloads.count[w, POD_PENDING] + workloads.count[w, POD_STARTING]
    if waiting > 0 or not is_counted(clock, workloads, marks, w):
        return
    request = containers.pod_request[w, 0]
    cost = physics.load[w, L_COST]
    if request <= 0 or cost <= 0.0:
        return
    low, high = percent_band(
        specs, h, specs.metric[m, M_TARGET], state.metric[m, P_UTILIZATION], state.metric[m, P_REPLICAS], ready
    )
    slack = containers.start[w + 1] - containers.start[w] + 1
    hpas.band[h, 0] = ((low * request + 99) // 100 - physics.load[w, L_IDLE]) / cost
    hpas.band[h, 1] = ((high + 1) * request // 100 - slack - physics.load[w, L_IDLE]) / cost


@inline_kernel
def changes_nothing(clock: Clock, workloads: Workloads, physics: Physics, marks: Marks, hpas: HpaLinks, h, w):
    """Whether what was just published for workload ``w`` lies within the band of its HPA.

    Where each pod has readings of its own, each lies between the slowest and the fastest rate that they look back at.
    """
    if hpas.band[h, 0] > hpas.band[h, 1] or not is_counted(clock, workloads, marks, w):
        return False
    if clock.params[P_HOUSEKEEPING] > 0:
        low, high = slowest_and_fastest(clock, physics, w)
        return hpas.band[h, 0] <= low and high <= hpas.band[h, 1]
    return hpas.band[h, 0] <= common_window(clock, physics, marks, w) <= hpas.band[h, 1]
