"""The event log: rows of numbers that Python turns into Kubernetes events."""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables import C_EVENTS_DROPPED, EVENTS_LEFT, Clock, Log

# Kinds of logged events: what the arguments mean is written in result names (state/wording.py).
(
    LOG_FAILED_SCHEDULING,
    LOG_RESCALE,
    LOG_SCALING_REPLICA_SET,
    LOG_TRIGGERED_SCALE_UP,
    LOG_NOT_TRIGGER_SCALE_UP,
    LOG_SCALE_DOWN,
    LOG_NODE_ADDED,
    LOG_NODE_READY,
    LOG_NODE_GONE,
    LOG_MANUAL,
    LOG_METRIC_FAILED,
    LOG_COMPUTE_FAILED,
    LOG_SELF_HEAL,
    LOG_PREEMPTED,
    LOG_ROLLED_OUT,
    LOG_ROLLOUT_LATE,
    LOG_NODE_NOT_READY,
    LOG_TAINT_EVICTION,
    LOG_NOTE,
    LOG_STATEFUL_CREATE,
    LOG_STATEFUL_DELETE,
    LOG_JOB,
    LOG_JOB_POD,
    LOG_CRON_STARTED,
    LOG_CRON_SKIPPED,
    LOG_OOM_KILLED,
    LOG_BACK_OFF,
    LOG_CRASHED,
    LOG_FAILED_CREATE,
    LOG_DAEMON_CREATE,
    LOG_DAEMON_DELETE,
    LOG_MULTI_ATTACH,
    LOG_EVICTED,
    LOG_PRESSURE,
    LOG_NO_ADDRESS,
    LOG_LIVENESS,
    LOG_STARTUP,
    LOG_NO_CIDR,
    LOG_RECLAIM,
    LOG_EVICTED_FOR,
) = range(40)


@inline_kernel
def log_event(clock: Clock, log: Log, now, kind, subject, a, b, c):
    """Append an event; beyond the run's cap it is counted only. There is room in the buffer (the engine tests it)."""
    if clock.values[EVENTS_LEFT] <= 0:
        clock.counters[C_EVENTS_DROPPED] += 1
        return
    clock.values[EVENTS_LEFT] -= 1
    row = log.count[0]
    log.events[row, 0] = now
    log.events[row, 1] = kind
    log.events[row, 2] = subject
    log.events[row, 3] = a
    log.events[row, 4] = b
    log.events[row, 5] = c
    log.count[0] = row + 1


@inline_kernel
def events_left(log: Log):
    """Free rows of the event buffer."""
    return log.events.shape[0] - log.count[0]
