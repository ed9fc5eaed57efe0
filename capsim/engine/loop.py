"""The loop. Read this first: one compiled function that jumps from event to event.

At one instant the order is fixed: scenario events, traffic, transitions of pods and nodes, rates, metrics (scrape, then
publication), HPA, workload controllers, scheduler, node autoscaler, recorder. ``advance`` returns when it has reached
``until_ms`` (DONE), when a table is too small (NEED: Python makes it larger and calls again), or when Python has to act
(YIELD: scenario events, a scale-up, a custom controller, or simply a breath after so much work). It resumes in the same
phase; each phase looks at due times and work lists only, so that calling it again continues where it left off.

A causal chain may come back to an earlier phase within an instant (a delay of 0 ms); it is taken up in another round of
the same instant, and more than ``MAX_ROUNDS`` of them are an error that names the instant.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.scan import scale_down, wants_scale_up
from capsim.controllers.scheduler.cycle import flush_class, next_pod, try_pod
from capsim.controllers.workloads.replicas import reconcile
from capsim.engine.autoscaling import sync_due, wake_changed
from capsim.engine.dispatch import dispatch
from capsim.engine.recorder import close_sample, look
from capsim.engine.settle import settle
from capsim.engine.state import State
from capsim.jit import entry, inline_kernel
from capsim.state.calendar import heap_time, pop, tree_first, tree_set
from capsim.state.eventlog import events_left
from capsim.state.marks import mark_dirty
from capsim.state.tables import (
    C_INSTANTS,
    C_SCRAPES,
    DAEMONSETS,
    DONE,
    M_DIRTY,
    M_NODE,
    NEED,
    NEED_DIAGNOSES,
    NEED_EVENTS,
    NEED_HEAP,
    NEED_NODE_LOG,
    NEED_POD_LOG,
    NEED_PODS,
    NEED_QUEUE,
    NEED_SAMPLES,
    NEVER,
    NEXT_CA,
    NEXT_CUSTOM,
    NEXT_EVENT,
    NEXT_FLUSH,
    NEXT_PUBLISH,
    NEXT_SAMPLE,
    NEXT_SCRAPE,
    NOW,
    P_CA_PERIOD,
    P_DURATION,
    P_METRICS_DELAY,
    P_RESOLUTION,
    P_SAMPLE,
    P_STEP_ROWS,
    PHASE,
    STATUS_TABLE,
    UNSCHEDULABLE,
    YIELD,
    YIELD_BREATH,
    YIELD_CUSTOM,
    YIELD_EVENTS,
    YIELD_REASON,
    YIELD_SCALE_UP,
)
from capsim.state.transitions import pods_left
from capsim.world.kubelet import begin_start
from capsim.world.metrics import publish, scrape
from capsim.world.traffic import step

FLUSH_PERIOD_MS = 30_000
"""kube-scheduler: how often pods that are unschedulable for long are looked for."""
FLUSH_AGE_MS = 300_000
"""podMaxInUnschedulablePodsDuration."""
ROOM = 8
"""Rows that one step of a phase can add to a buffer, DaemonSets and evictions excepted."""

(PHASE_EVENTS, PHASE_TRAFFIC, PHASE_TRANSITIONS, PHASE_RATES, PHASE_METRICS, PHASE_HPA, PHASE_CUSTOM, PHASE_REPLICAS,
 PHASE_SCHEDULER, PHASE_AUTOSCALER, PHASE_RECORD) = range(11)


@inline_kernel
def need(s: State, table):
    s.clock.values[STATUS_TABLE] = table
    return NEED


@inline_kernel
def ask(s: State, reason):
    s.clock.values[YIELD_REASON] = reason
    return YIELD


@inline_kernel
def earliest(s: State):
    """Time of the next instant at which anything is due."""
    v = s.clock.values
    t = min(heap_time(s.heap), s.wheels.traffic[1], s.wheels.backlog[1], s.wheels.replicas[1], s.wheels.hpa[1])
    return min(t, v[NEXT_SCRAPE], v[NEXT_PUBLISH], v[NEXT_SAMPLE], v[NEXT_EVENT], v[NEXT_CA], v[NEXT_FLUSH], v[NEXT_CUSTOM])


@inline_kernel
def room_for_step(s: State, rows):
    """Which table is too small for a step that adds up to ``rows`` rows, 0 when none is."""
    if s.heap.time_ms.shape[0] - s.heap.count[0] < rows:
        return NEED_HEAP
    if s.queue.key.shape[0] - s.queue.count[0] < rows:
        return NEED_QUEUE
    if events_left(s.log) < rows:
        return NEED_EVENTS
    if s.log.pods.shape[0] - s.log.count[1] < rows:
        return NEED_POD_LOG
    if s.log.nodes.shape[0] - s.log.count[2] < ROOM:
        return NEED_NODE_LOG
    return 0


@inline_kernel
def run_transitions(s: State, now):
    """Everything in the heap that is due."""
    rows = s.clock.params[P_STEP_ROWS]
    while heap_time(s.heap) <= now:
        table = room_for_step(s, rows)
        if table > 0:
            return need(s, table)
        if pods_left(s.clock, s.pods) < s.clock.values[DAEMONSETS]:
            return need(s, NEED_PODS)
        dispatch(s, pop(s.heap), now)
    return DONE


@inline_kernel
def run_rates(s: State, now):
    """Backlogs that are gone or full, then all rates and shares that are marked."""
    while s.wheels.backlog[1] <= now:
        w = tree_first(s.wheels.backlog)
        tree_set(s.wheels.backlog, w, NEVER)
        mark_dirty(s.marks, w)
    if s.marks.touched_count[M_DIRTY] > 0 or s.marks.touched_count[M_NODE] > 0:
        settle(s.clock, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.workloads, s.physics, s.traffic, s.marks, now)


@inline_kernel
def run_metrics(s: State, now):
    """Scrape, and publish after the delay."""
    v = s.clock.values
    if v[NEXT_SCRAPE] <= now:
        scrape(s.clock, s.pods, s.links, s.usage, s.workloads, s.physics, s.marks, now)
        s.clock.counters[C_SCRAPES] += 1
        v[NEXT_SCRAPE] += s.clock.params[P_RESOLUTION]
        v[NEXT_PUBLISH] = now + s.clock.params[P_METRICS_DELAY]
    if v[NEXT_PUBLISH] <= now:
        publish(s.clock, s.pods, s.links, s.usage, s.workloads, s.physics, s.marks)
        v[NEXT_PUBLISH] = NEVER


@inline_kernel
def run_hpas(s: State, now):
    """Every HPA whose sync is due, at most once each at this instant."""
    wake_changed(s.clock, s.wheels, s.workloads, s.hpas, s.marks, now)
    while s.wheels.hpa[1] <= now:
        table = room_for_step(s, ROOM)
        if table > 0:
            return need(s, table)
        sync_due(s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.workloads, s.physics, s.marks, s.containers, s.specs, s.hpa, s.hpas, s.log, now)
    return DONE


@inline_kernel
def run_replicas(s: State, now):
    """Every workload controller that is due."""
    while s.wheels.replicas[1] <= now:
        w = tree_first(s.wheels.replicas)
        table = room_for_step(s, ROOM + s.workloads.count[w, 1] + s.workloads.count[w, 2] + s.workloads.count[w, 3])
        if table > 0:
            return need(s, table)
        if pods_left(s.clock, s.pods) < 1:
            return need(s, NEED_PODS)
        reconcile(s.clock, s.heap, s.wheels, s.pods, s.links, s.classes, s.usage, s.workloads, s.nodes, s.scan, s.physics, s.marks, s.queue, s.log, w, now)
    return DONE


@inline_kernel
def run_scheduler(s: State, now):
    """Every pod of the active queue, then the pods that have been unschedulable for long."""
    while s.queue.count[0] > 0:
        table = room_for_step(s, ROOM)
        if table > 0:
            return need(s, table)
        if s.queue.diagnosis_count[0] >= s.queue.diagnoses.shape[0]:
            return need(s, NEED_DIAGNOSES)
        p = next_pod(s.pods, s.links, s.queue)
        if p >= 0:
            n = try_pod(s.clock, s.pods, s.links, s.classes, s.workloads, s.nodes, s.groups, s.queue, s.trees, s.marks, s.log, p, now)
            if n >= 0:
                begin_start(s.clock, s.heap, s.pods, s.workloads, p, now)
    if s.clock.values[NEXT_FLUSH] <= now:
        return run_flush(s, now)
    return DONE


@inline_kernel
def run_flush(s: State, now):
    """flushUnschedulablePodsLeftover, every 30 s."""
    if s.clock.values[UNSCHEDULABLE] > 0:
        for c in range(s.classes.queue_count.shape[0]):
            if s.classes.queue_count[c] > 0 and now - s.classes.tried_ms[c] > FLUSH_AGE_MS:
                if events_left(s.log) < 64 + ROOM:
                    return need(s, NEED_EVENTS)
                flush_class(s.clock, s.pods, s.links, s.classes, s.queue, s.log, c, now)
    s.clock.values[NEXT_FLUSH] += FLUSH_PERIOD_MS
    return DONE


@inline_kernel
def run_autoscaler(s: State, now):
    """One loop of the Cluster Autoscaler: a scale-up is Python's to decide, and ends the loop."""
    v = s.clock.values
    if v[NEXT_CA] <= now:
        table = room_for_step(s, ROOM + 16)
        if table > 0:
            return need(s, table)
        v[NEXT_CA] += s.clock.params[P_CA_PERIOD]
        if wants_scale_up(s.clock):
            return ask(s, YIELD_SCALE_UP)
        scale_down(s.clock, s.heap, s.classes, s.pods, s.links, s.nodes, s.scan, s.groups, s.workloads, s.queue, s.trees, s.marks, s.log, now)
    return DONE


@inline_kernel
def run_recorder(s: State, now):
    """Take in what was touched; close the sample whose interval ends now."""
    v = s.clock.values
    wake_changed(s.clock, s.wheels, s.workloads, s.hpas, s.marks, now + 1)
    if v[NEXT_SAMPLE] <= now:
        if s.samples.count[0] >= s.samples.out_ms.shape[0]:
            return need(s, NEED_SAMPLES)
        close_sample(s.clock, s.workloads, s.physics, s.samples, now)
        v[NEXT_SAMPLE] = min(now + s.clock.params[P_SAMPLE], s.clock.params[P_DURATION]) if now < s.clock.params[P_DURATION] else NEVER
    look(s.samples, s.classes, s.workloads, s.physics, s.groups, s.marks, now)
    return DONE


@inline_kernel
def run_phase(s: State, phase, now):
    """One phase of the instant ``now``."""
    v = s.clock.values
    if phase == PHASE_EVENTS:
        if v[NEXT_EVENT] <= now:
            return ask(s, YIELD_EVENTS)
    elif phase == PHASE_TRAFFIC:
        if s.wheels.traffic[1] <= now:
            step(s.clock, s.wheels, s.traffic, s.physics, s.marks, now)
    elif phase == PHASE_TRANSITIONS:
        return run_transitions(s, now)
    elif phase == PHASE_RATES:
        run_rates(s, now)
    elif phase == PHASE_METRICS:
        run_metrics(s, now)
    elif phase == PHASE_HPA:
        return run_hpas(s, now)
    elif phase == PHASE_CUSTOM:
        if v[NEXT_CUSTOM] <= now:
            return ask(s, YIELD_CUSTOM)
    elif phase == PHASE_REPLICAS:
        return run_replicas(s, now)
    elif phase == PHASE_SCHEDULER:
        return run_scheduler(s, now)
    elif phase == PHASE_AUTOSCALER:
        return run_autoscaler(s, now)
    else:
        run_rates(s, now)
        return run_recorder(s, now)
    return DONE


@entry
def advance(s: State, until_ms, budget):
    """Advance the run to ``until_ms`` inclusive; ``budget`` instants are executed at most before a breath is taken.

    Returns DONE, NEED (table in ``STATUS_TABLE``) or YIELD (reason in ``YIELD_REASON``).
    """
    v = s.clock.values
    while True:
        if v[PHASE] == 0:
            t = earliest(s)
            if t > until_ms:
                v[NOW] = until_ms
                return DONE
            if budget <= 0:
                return ask(s, YIELD_BREATH)
            budget -= 1
            v[NOW] = max(v[NOW], t)
            s.clock.counters[C_INSTANTS] += 1
        while v[PHASE] <= PHASE_RECORD:
            status = run_phase(s, v[PHASE], v[NOW])
            if status != DONE:
                return status
            v[PHASE] += 1
        v[PHASE] = 0
