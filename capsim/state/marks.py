"""Work lists of one instant: who was touched, whose rates or shares must be computed anew."""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables import (
    M_BUSY,
    M_DIRTY,
    M_NODE,
    M_TOUCHED,
    P_BUSY_SCRAPES,
    S_LAST,
    S_MEMORY,
    S_MEMORY_LAST,
    S_MEMORY_TAKEN,
    S_PREV,
    S_TAKEN,
    SCRAPE_LAST,
    SCRAPE_PREV,
    SCRAPE_TAKEN,
    Clock,
    Marks,
    Physics,
)

BUSY_SCRAPES = 3
"""Scrapes after a change until two successive samples are alike again (the two that straddle it, and one more); with
housekeeping more (P_BUSY_SCRAPES)."""
FRESH = 1000
"""Busy, or sampled by pod, since the last scrape: not sampled yet."""
TOUCHED, PODS_CHANGED, RECOUNT = 1, 6, 4
"""Bits of the touched flag. 1: rates or figures changed. 2 and 4: pods came, went or changed state; 2 is cleared when
that has woken the HPA, 4 when the recorder has seen it."""
WAKES = 2


@inline_kernel
def touch(marks: Marks, row, how):
    """The recorder looks at this row (workload or group) at the end of the instant; ``how``: TOUCHED or
    PODS_CHANGED."""
    if marks.touched_flag[row] == 0:
        marks.touched[marks.touched_count[M_TOUCHED]] = row
        marks.touched_count[M_TOUCHED] += 1
    marks.touched_flag[row] |= how


@inline_kernel
def mark_busy(marks: Marks, physics: Physics, clock: Clock, w, now):
    """The published usage of workload ``w`` will differ between the next scrapes.

    Call it before the rate changes: a workload that was quiet has its last two samples written down here, from the
    rate that held all the while.
    """
    if marks.busy_flag[w] == 0:
        marks.busy[marks.touched_count[M_BUSY]] = w
        marks.touched_count[M_BUSY] += 1
        rate = physics.pod_rps[w] / 1000.0
        served = physics.integral[w] + rate * (now - physics.since_ms[w])
        physics.samples[w, S_LAST] = served - rate * (now - clock.values[SCRAPE_LAST])
        physics.samples[w, S_PREV] = served - rate * (now - clock.values[SCRAPE_PREV])
        physics.samples[w, S_TAKEN] = served - rate * (now - clock.values[SCRAPE_TAKEN])
        physics.samples[w, S_MEMORY_LAST] = physics.samples[w, S_MEMORY]
        physics.samples[w, S_MEMORY_TAKEN] = physics.samples[w, S_MEMORY]
        marks.busy_flag[w] = FRESH
    elif marks.busy_flag[w] != FRESH:
        marks.busy_flag[w] = clock.params[P_BUSY_SCRAPES]


@inline_kernel
def mark_dirty(marks: Marks, w):
    """The rates of workload ``w`` must be computed anew."""
    if marks.dirty_flag[w] == 0:
        marks.dirty_flag[w] = 1
        marks.dirty[marks.touched_count[M_DIRTY]] = w
        marks.touched_count[M_DIRTY] += 1


@inline_kernel
def mark_node(marks: Marks, n):
    """The CPU shares on node ``n`` must be computed anew."""
    if marks.node_flag[n] == 0:
        marks.node_flag[n] = 1
        marks.node[marks.touched_count[M_NODE]] = n
        marks.touched_count[M_NODE] += 1
