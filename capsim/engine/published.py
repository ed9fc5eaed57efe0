"""What the metrics API says of one pod, for Python controllers."""

from __future__ import annotations

from capsim.engine.metrics_view import common_window, is_settled
from capsim.jit import entry
from capsim.state.tables import (
    P_HOUSEKEEPING,
    SCRAPE_LAST,
    SCRAPE_PREV,
    Clock,
    Marks,
    Physics,
    Pods,
    PodUsage,
    Workloads,
)
from capsim.world.metrics import served_between


@entry
def published(clock: Clock, pods: Pods, usage: PodUsage, workloads: Workloads, physics: Physics, marks: Marks, p):
    """(has a value, requests/s, CPU beyond what idle and they explain, milli, window ms, stamp ms) of Ready pod ``p``
    as last published.

    A quiet workload is not sampled: its rate is the sample.
    """
    w = pods.workload[p]
    if clock.params[P_HOUSEKEEPING] == 0 and is_settled(clock, workloads, physics, marks, w):
        stamp = clock.values[SCRAPE_LAST]
        return True, common_window(clock, physics, marks, w), 0.0, stamp - clock.values[SCRAPE_PREV], stamp
    has, served, extra, window, stamp = served_between(clock, pods, usage, workloads, physics, marks, p)
    return has, served / (window / 1000.0), extra / (window / 1000.0), window, stamp
