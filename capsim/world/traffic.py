"""Traffic arrives: each source steps from one change point to the next."""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import tree_first, tree_set
from capsim.state.marks import mark_dirty
from capsim.state.tables import C_TRAFFIC, L_MEMORY, NEVER, Clock, Marks, Physics, Traffic, Wheels


@inline_kernel
def next_step_ms(traffic: Traffic, v):
    """Time of the next change point of source ``v``, NEVER after the last."""
    after = traffic.cursor[v] + 1
    if after < traffic.start[v + 1]:
        return traffic.time_ms[after]
    return NEVER


@kernel
def step(clock: Clock, wheels: Wheels, traffic: Traffic, physics: Physics, marks: Marks, now):
    """Move every source that is due to its next rate and mark the workloads behind it."""
    while wheels.traffic[1] <= now:
        v = tree_first(wheels.traffic)
        traffic.cursor[v] += 1
        clock.counters[C_TRAFFIC] += 1
        for e in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
            w = traffic.edge_workload[e]
            if traffic.is_memory[v] == 1:
                physics.load[w, L_MEMORY] = traffic.rate[traffic.cursor[v]]
            mark_dirty(marks, w)
        tree_set(wheels.traffic, v, next_step_ms(traffic, v))
