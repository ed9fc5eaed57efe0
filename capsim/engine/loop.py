"""The loop. Read this first: one compiled function that jumps from event to event.

At one instant the order is fixed: scenario events, traffic, transitions of pods and nodes, rates, metrics (scrape, then
publication), HPA, workload controllers, scheduler, node autoscaler, recorder. ``advance`` returns when it has reached
``until_ms`` (DONE), when a table is too small (NEED: Python makes it larger and calls again), or when Python has to act
(YIELD: scenario events, a scale-up, a custom controller, or simply a breath after so much work). It resumes in the same
phase; each phase looks at due times and work lists only, so that calling it again continues where it left off.

A causal chain may come back to an earlier phase within an instant (a delay of 0 ms); it is taken up in another round of
the same instant. No chain can go round for ever: replica controllers act at least 1 ms after they were told.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.scan import python_is_due
from capsim.controllers.cluster_autoscaler.tables import CaTables
from capsim.controllers.gitops.self_heal import set_back
from capsim.controllers.hpa.tables import HpaSpecs, HpaState
from capsim.engine.autoscaling import sync_due, wake_changed, wake_published
from capsim.engine.controllers import sync_workload
from capsim.engine.dispatch import dispatch
from capsim.engine.flow import flow, take_sample
from capsim.engine.recorder import close_sample, look
from capsim.engine.room import ROOM, ask, need, room_for_step
from capsim.engine.scheduling import run_scheduler
from capsim.engine.state import State
from capsim.engine.warmth import run_warmth
from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import heap_time, pop, tree_first, tree_set
from capsim.state.eventlog import events_left
from capsim.state.marks import mark_dirty
from capsim.state.revisions import revisions_of
from capsim.state.tables import (
    C_INSTANTS,
    C_SCRAPES,
    CA_ACT_DUE,
    DAEMONSETS,
    DONE,
    FROZEN_UNTIL,
    M_DIRTY,
    M_NODE,
    NEED_CLAIMS,
    NEED_EVENTS,
    NEED_PODS,
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
    P_DURATION,
    P_METRICS_DELAY,
    P_MISSED_SCRAPES,
    P_RESOLUTION,
    P_SAMPLE,
    P_STEP_ROWS,
    PHASE,
    YIELD_AUTOSCALER,
    YIELD_BREATH,
    YIELD_CUSTOM,
    YIELD_EVENTS,
    Classes,
    Clock,
    Containers,
    Groups,
    Heap,
    HpaLinks,
    Log,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Presence,
    Queue,
    Samples,
    Traffic,
    Wheels,
    Workloads,
)
from capsim.state.tables_adapter import A_NEXT_RELIST_MS, Adapter, SelfHeal
from capsim.state.tables_admission import Admission
from capsim.state.tables_calls import Calls, Connections, Serving
from capsim.state.tables_jobs import Jobs
from capsim.state.tables_lifetimes import Lifetimes
from capsim.state.tables_rollout import Rollouts
from capsim.state.tables_scheduler import Scheduling
from capsim.state.tables_startup import Startup
from capsim.state.tables_volumes import Volumes
from capsim.state.transitions import pods_left
from capsim.state.volumes import lacks_places
from capsim.world.metrics import publish, release_quiet, scrape
from capsim.world.missed_scrapes import mark_missed
from capsim.world.prometheus import scrape_due
from capsim.world.traffic import step

# PHASE_NONE lies between two instants: an instant that scenario events interrupted goes on where they left it.
(
    PHASE_NONE,
    PHASE_EVENTS,
    PHASE_TRAFFIC,
    PHASE_TRANSITIONS,
    PHASE_RATES,
    PHASE_METRICS,
    PHASE_HPA,
    PHASE_CUSTOM,
    PHASE_REPLICAS,
    PHASE_SCHEDULER,
    PHASE_AUTOSCALER,
    PHASE_RECORD,
) = range(12)


@inline_kernel
def earliest(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    calls: Calls,
    connections: Connections,
    adapter: Adapter,
    heal: SelfHeal,
    usage: PodUsage,
):
    """Time of the next instant at which anything but an HPA sync is due; what needs the API server waits for it."""
    v = clock.values
    t = min(min(heap_time(heap), wheels.replicas[1]), min(v[NEXT_SCRAPE], v[NEXT_PUBLISH]))
    t = min(min(t, adapter.due[1]), min(adapter.settings[A_NEXT_RELIST_MS], heal.next_ms[0]))
    t = min(min(t, min(v[NEXT_CA], v[CA_ACT_DUE])), min(v[NEXT_FLUSH], v[NEXT_CUSTOM]))
    t = max(t, v[FROZEN_UNTIL])
    t = min(min(t, wheels.traffic[1]), min(wheels.backlog[1], min(calls.due_ms[0], connections.due_ms[0])))
    return min(min(t, usage.due[1]), min(v[NEXT_SAMPLE], v[NEXT_EVENT]))


@inline_kernel
def needs_api(phase):
    """Whether a phase reads or writes objects of the API server: without one it does not take place."""
    return phase == PHASE_TRANSITIONS or (phase >= PHASE_METRICS and phase <= PHASE_AUTOSCALER)


@inline_kernel
def run_transitions(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    startup: Startup,
    hpas: HpaLinks,
    heal: SelfHeal,
    lifetimes: Lifetimes,
    admission: Admission,
    log: Log,
    now,
):
    """Everything in the heap that is due."""
    rows = clock.params[P_STEP_ROWS]
    while heap_time(heap) <= now:
        table = room_for_step(heap, queue, log, rows)
        if table > 0:
            return need(clock, table)
        if pods_left(clock, pods) < clock.values[DAEMONSETS]:
            return need(clock, NEED_PODS)
        dispatch(
            clock,
            heap,
            wheels,
            pods,
            links,
            usage,
            classes,
            nodes,
            scan,
            groups,
            workloads,
            physics,
            marks,
            queue,
            presence,
            k,
            startup,
            hpas,
            heal,
            lifetimes,
            admission,
            log,
            pop(heap),
            now,
        )
    return DONE


@inline_kernel
def run_rates(
    clock: Clock,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    traffic: Traffic,
    serving: Serving,
    calls: Calls,
    connections: Connections,
    marks: Marks,
    now,
):
    """Backlogs that are gone or full, then all rates and shares that are marked."""
    while wheels.backlog[1] <= now:
        w = tree_first(wheels.backlog)
        tree_set(wheels.backlog, w, NEVER)
        mark_dirty(marks, w)
    due_ms = min(calls.due_ms[0], connections.due_ms[0])
    if marks.touched_count[M_DIRTY] > 0 or marks.touched_count[M_NODE] > 0 or due_ms <= now:
        # fmt: off
        flow(
            clock, wheels, pods, links, usage, classes, nodes, scan, workloads, physics, traffic, serving, calls,
            connections, marks, now)
        # fmt: on


@inline_kernel
def run_metrics(
    clock: Clock,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    nodes: Nodes,
    groups: Groups,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    hpas: HpaLinks,
    traffic: Traffic,
    adapter: Adapter,
    now,
):
    """Scrape, and publish after the delay; then what Prometheus and its adapter do."""
    v = clock.values
    if v[NEXT_SCRAPE] <= now:
        scrape(clock, pods, links, usage, workloads, physics, marks, now)
        clock.counters[C_SCRAPES] += 1
        v[NEXT_SCRAPE] += clock.params[P_RESOLUTION]
        v[NEXT_PUBLISH] = now + clock.params[P_METRICS_DELAY]
    if v[NEXT_PUBLISH] <= now:
        publish(clock, pods, links, usage, workloads, physics, marks)
        if clock.params[P_MISSED_SCRAPES] > 0:
            mark_missed(clock, nodes, groups, links, usage)
        wake_published(clock, wheels, workloads, physics, marks, hpas, now)
        release_quiet(marks)
        v[NEXT_PUBLISH] = NEVER
    if adapter.due[1] <= now or adapter.settings[A_NEXT_RELIST_MS] <= now:
        scrape_due(pods, links, usage, workloads, physics, traffic, adapter, now)


@inline_kernel
def run_hpas(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    containers: Containers,
    adapter: Adapter,
    marks: Marks,
    queue: Queue,
    hpas: HpaLinks,
    specs: HpaSpecs,
    hpa: HpaState,
    admission: Admission,
    log: Log,
    now,
):
    """Every HPA whose sync is due, at most once each at this instant."""
    wake_changed(clock, wheels, workloads, admission, hpas, marks, now)
    while wheels.hpa[1] <= now:
        table = room_for_step(heap, queue, log, ROOM)
        if table > 0:
            return need(clock, table)
        sync_due(
            clock,
            heap,
            wheels,
            pods,
            links,
            usage,
            workloads,
            physics,
            marks,
            containers,
            adapter,
            specs,
            hpa,
            hpas,
            log,
            now,
        )
    return DONE


@inline_kernel
def run_replicas(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    queue: Queue,
    rollouts: Rollouts,
    startup: Startup,
    jobs: Jobs,
    admission: Admission,
    volumes: Volumes,
    log: Log,
    now,
):
    """Every workload controller that is due."""
    while wheels.replicas[1] <= now:
        w = tree_first(wheels.replicas)
        table = room_for_step(
            heap,
            queue,
            log,
            ROOM
            + revisions_of(workloads, w)
            + admission.hard.shape[1]
            + workloads.count[w, 1]
            + workloads.count[w, 2]
            + 2 * workloads.count[w, 3]
            + workloads.count[w, 5],
        )
        if table > 0:
            return need(clock, table)
        if pods_left(clock, pods) < 1:
            return need(clock, NEED_PODS)
        if lacks_places(volumes, workloads, w):
            return need(clock, NEED_CLAIMS)
        # fmt: off
        sync_workload(
            clock, heap, wheels, pods, links, usage, classes, nodes, scan, workloads, physics, marks, presence, queue,
            rollouts, startup, jobs, admission, volumes, log, w, now)
        # fmt: on
    return DONE


@inline_kernel
def run_autoscaler(
    clock: Clock,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    pods: Pods,
    links: PodLinks,
    workloads: Workloads,
    ca: CaTables,
    now,
):
    """One loop of the Cluster Autoscaler, or its deletions under way: Python's turn, unless it would only look."""
    if python_is_due(clock, nodes, scan, groups, pods, links, workloads, ca, now):
        return ask(clock, YIELD_AUTOSCALER)
    return DONE


@inline_kernel
def run_recorder(
    clock: Clock,
    wheels: Wheels,
    classes: Classes,
    groups: Groups,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    hpas: HpaLinks,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    traffic: Traffic,
    serving: Serving,
    calls: Calls,
    connections: Connections,
    admission: Admission,
    samples: Samples,
    now,
):
    """Take in what was touched; close the sample whose interval ends now, for which there is room."""
    v = clock.values
    wake_changed(clock, wheels, workloads, admission, hpas, marks, now + 1)
    if v[NEXT_SAMPLE] <= now:
        if calls.order.shape[0] > 0:
            take_sample(pods, links, usage, workloads, physics, traffic, serving, calls, connections, samples, now)
        close_sample(clock, workloads, physics, samples, now)
        v[NEXT_SAMPLE] = (
            min(now + clock.params[P_SAMPLE], clock.params[P_DURATION]) if now < clock.params[P_DURATION] else NEVER
        )
    look(samples, classes, workloads, physics, groups, marks, now)


# fmt: off
@kernel
def run_phase(s: State, phase, now):
    """One phase of the instant ``now``."""
    v = s.clock.values
    if now < v[FROZEN_UNTIL] and needs_api(phase):
        return DONE
    if phase == PHASE_EVENTS:
        if v[NEXT_EVENT] <= now:
            return ask(s.clock, YIELD_EVENTS)
    elif phase == PHASE_TRAFFIC:
        if s.wheels.traffic[1] <= now:
            step(s.clock, s.wheels, s.traffic, s.physics, s.marks, now)
        return run_warmth(s.clock, s.heap, s.pods, s.usage, s.physics, s.marks, s.queue, s.startup, s.log, now)
    elif phase == PHASE_TRANSITIONS:
        return run_transitions(
            s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.groups, s.workloads,
            s.physics, s.marks, s.queue, s.presence, s.scheduling, s.startup, s.hpas, s.heal, s.lifetimes,
            s.admission, s.log, now)
    elif phase == PHASE_RATES:
        run_rates(
            s.clock, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.workloads, s.physics, s.traffic,
            s.serving, s.calls, s.connections, s.marks, now)
    elif phase == PHASE_METRICS:
        run_metrics(
            s.clock, s.wheels, s.pods, s.links, s.usage, s.nodes, s.groups, s.workloads, s.physics, s.marks, s.hpas,
            s.traffic, s.adapter, now)
    elif phase == PHASE_HPA:
        return run_hpas(
            s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.workloads, s.physics, s.containers, s.adapter,
            s.marks, s.queue, s.hpas, s.specs, s.hpa, s.admission, s.log, now)
    elif phase == PHASE_CUSTOM:
        if s.heal.next_ms[0] <= now:
            if events_left(s.log) < s.heal.row.shape[0]:
                return need(s.clock, NEED_EVENTS)
            set_back(s.clock, s.wheels, s.workloads, s.marks, s.heal, s.log, now)
        if v[NEXT_CUSTOM] <= now:
            return ask(s.clock, YIELD_CUSTOM)
    elif phase == PHASE_REPLICAS:
        return run_replicas(
            s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.workloads, s.physics,
            s.marks, s.presence, s.queue, s.rollouts, s.startup, s.jobs, s.admission,
            s.scheduling.volumes, s.log, now)
    elif phase == PHASE_SCHEDULER:
        return run_scheduler(
            s.clock, s.heap, s.pods, s.links, s.classes, s.nodes, s.groups, s.workloads, s.marks, s.queue, s.presence,
            s.scheduling, s.startup, s.log, now)
    elif phase == PHASE_AUTOSCALER:
        return run_autoscaler(
            s.clock, s.nodes, s.scan, s.groups, s.pods, s.links, s.workloads, s.autoscaler, now)
    else:
        # Room comes first: rates that are computed again once there is room come closer to their fixed point.
        if v[NEXT_SAMPLE] <= now and s.samples.count[0] >= s.samples.out_ms.shape[0]:
            return need(s.clock, NEED_SAMPLES)
        run_rates(
            s.clock, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.workloads, s.physics, s.traffic,
            s.serving, s.calls, s.connections, s.marks, now)
        run_recorder(
            s.clock, s.wheels, s.classes, s.groups, s.workloads, s.physics, s.marks, s.hpas, s.pods, s.links,
            s.usage, s.traffic, s.serving, s.calls, s.connections, s.admission, s.samples, now)
    return DONE
# fmt: on


@inline_kernel
def run_hpas_alone(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    containers: Containers,
    adapter: Adapter,
    marks: Marks,
    queue: Queue,
    hpas: HpaLinks,
    specs: HpaSpecs,
    hpa: HpaState,
    log: Log,
    until_ms,
):
    """HPA syncs at instants before ``until_ms`` at which nothing else is due: other phases would find nothing to do.

    Stops before a sync for which a table is too small, and after one that scales; returns how many were executed.
    """
    done = 0
    left = marks.touched_count[M_DIRTY] + marks.touched_count[M_NODE]
    if clock.values[FROZEN_UNTIL] > wheels.hpa[1] or left > 0:
        return 0
    while wheels.hpa[1] < until_ms and room_for_step(heap, queue, log, ROOM) == 0:
        now = wheels.hpa[1]
        clock.values[NOW] = now
        sync_due(
            clock,
            heap,
            wheels,
            pods,
            links,
            usage,
            workloads,
            physics,
            marks,
            containers,
            adapter,
            specs,
            hpa,
            hpas,
            log,
            now,
        )
        done += 1
        until_ms = min(until_ms, heap_time(heap))
    return done


# fmt: off
@kernel
def advance(s: State, until_ms, budget):
    """Advance the run to ``until_ms`` inclusive; ``budget`` instants are executed at most before a breath is taken.

    Returns DONE, NEED (table in ``STATUS_TABLE``) or YIELD (reason in ``YIELD_REASON``).
    """
    v = s.clock.values
    while True:
        if v[PHASE] == 0:
            due = earliest(s.clock, s.heap, s.wheels, s.calls, s.connections, s.adapter, s.heal, s.usage)
            due = min(due, until_ms + 1)
            alone = run_hpas_alone(
                s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.workloads, s.physics, s.containers, s.adapter,
                s.marks, s.queue, s.hpas, s.specs, s.hpa, s.log, due)
            t = max(s.wheels.hpa[1], v[FROZEN_UNTIL])
            t = min(earliest(s.clock, s.heap, s.wheels, s.calls, s.connections, s.adapter, s.heal, s.usage), t)
            if t > until_ms:
                v[NOW] = until_ms
                return DONE
            if budget <= 0:
                return ask(s.clock, YIELD_BREATH)
            budget -= 1 + alone
            s.clock.counters[C_INSTANTS] += 1 + alone
            v[NOW] = max(v[NOW], t)
        while v[PHASE] <= PHASE_RECORD:
            status = run_phase(s, v[PHASE], v[NOW])
            if status != DONE:
                return status
            v[PHASE] += 1
        v[PHASE] = 0
# fmt: on
