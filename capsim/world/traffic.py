"""Traffic arrives: each source steps from one change point to the next."""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.calendar import tree_first, tree_set
from capsim.state.marks import mark_dirty
from capsim.state.tables import C_TRAFFIC, L_MEMORY, NEVER, Clock, Marks, Physics, Traffic, Wheels

TOGETHER = 4
"""After so many sources at one instant, the others probably step too."""


@inline_kernel
def next_step_ms(traffic: Traffic, v):
    """Time of the next change point of source ``v``, NEVER after the last."""
    after = traffic.cursor[v] + 1
    if after < traffic.start[v + 1]:
        return traffic.time_ms[after]
    return NEVER


@inline_kernel
def move_on(clock: Clock, traffic: Traffic, physics: Physics, marks: Marks, v):
    """Source ``v`` takes its next rate; returns when it changes again."""
    traffic.cursor[v] += 1
    clock.counters[C_TRAFFIC] += 1
    for e in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        w = traffic.edge_workload[e]
        if traffic.is_memory[v] == 1:
            physics.load[w, L_MEMORY] = traffic.rate[traffic.cursor[v]]
        mark_dirty(marks, w)
    return next_step_ms(traffic, v)


@inline_kernel
def step_all(clock: Clock, wheels: Wheels, traffic: Traffic, physics: Physics, marks: Marks, now):
    """Sources that step together: look at every leaf once and build the tree anew, instead of a climb for each."""
    tree = wheels.traffic
    half = tree.shape[0] >> 1
    for v in range(traffic.start.shape[0] - 1):
        if tree[half + v] <= now:
            tree[half + v] = move_on(clock, traffic, physics, marks, v)
    for i in range(half - 1, 0, -1):
        tree[i] = min(tree[2 * i], tree[2 * i + 1])


@inline_kernel
def step(clock: Clock, wheels: Wheels, traffic: Traffic, physics: Physics, marks: Marks, now):
    """Move every source that is due to its next rate and mark the workloads behind it."""
    moved = 0
    while wheels.traffic[1] <= now:
        if moved == TOGETHER:
            step_all(clock, wheels, traffic, physics, marks, now)
            return
        v = tree_first(wheels.traffic)
        tree_set(wheels.traffic, v, move_on(clock, traffic, physics, marks, v))
        moved += 1
