"""The part of the loop in which starts and cold pods take their steps (``world/warmth.py``), control plane or not."""

from __future__ import annotations

from capsim.engine.room import ROOM, need, room_for_step
from capsim.jit import inline_kernel
from capsim.state.tables import DONE, Clock, Heap, Log, Marks, Physics, Pods, PodUsage, Queue
from capsim.state.tables_startup import Startup
from capsim.world.warmth import warm_up


@inline_kernel
def run_warmth(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    usage: PodUsage,
    physics: Physics,
    marks: Marks,
    queue: Queue,
    startup: Startup,
    log: Log,
    now,
):
    """Starts that have used up their CPU, and pods that are a step warmer."""
    while usage.due[1] <= now:
        table = room_for_step(heap, queue, log, ROOM)
        if table > 0:
            return need(clock, table)
        warm_up(heap, pods, usage, physics, marks, startup, now)
    return DONE
