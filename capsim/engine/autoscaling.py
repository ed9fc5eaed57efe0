"""When each HPA syncs, and what its decision sets in motion.

Every HPA ticks at ``phase + k x period``. A tick whose outcome cannot differ from the last one is not executed: the
HPA sleeps when its sync changed nothing, and wakes at its next tick when published metrics, pods or replicas of its
workload change, or when an entry of its own log leaves its window (``next_change_ms``). On waking, the log is brought
to what the skipped ticks would have made of it. With ``P_SKIP_SYNCS`` = 0 every tick is executed; both give the same
bytes.
"""

from __future__ import annotations

from capsim.controllers.hpa.codes import FAILED_METRICS, GATHER, PARTIAL
from capsim.controllers.hpa.log import extend_log
from capsim.controllers.hpa.releases import RULE_CURRENT_IS_STATUS
from capsim.controllers.hpa.replicas import propose
from capsim.controllers.hpa.sync import begin, commit, decide, fail_ambiguous, next_change_ms
from capsim.controllers.hpa.tables import (
    P_ERROR,
    R_ACTIVE,
    R_FIRST_INVALID,
    R_INVALID,
    R_METRIC,
    R_OUTCOME,
    R_REASON,
    S_METRIC_END,
    S_METRIC_FIRST,
    S_RULES,
    HpaSpecs,
    HpaState,
)
from capsim.controllers.workloads.admission import is_held
from capsim.controllers.workloads.replicas import active_pods, wake_replicas
from capsim.engine.metrics_view import gather
from capsim.engine.quiet import changes_nothing, keep_band
from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import encode, push, tree_first, tree_leaf, tree_set
from capsim.state.eventlog import LOG_COMPUTE_FAILED, LOG_METRIC_FAILED, LOG_RESCALE, log_event
from capsim.state.marks import WAKES
from capsim.state.revisions import count_revisions
from capsim.state.tables import (
    C_HPA_SYNCS,
    EV_SCALE,
    KIND_JOB,
    M_BUSY,
    M_TOUCHED,
    NEVER,
    NOW,
    P_HPA_PERIOD,
    P_HPA_TO_SCALE,
    P_ROLLOUT_STEP,
    P_SKIP_SYNCS,
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    Clock,
    Containers,
    Heap,
    HpaLinks,
    Log,
    Marks,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Wheels,
    Workloads,
)
from capsim.state.tables_adapter import Adapter
from capsim.state.tables_admission import Admission


@inline_kernel
def tick_at_or_after(clock: Clock, hpas: HpaLinks, h, at_ms):
    """First tick of HPA ``h`` at or after ``at_ms``."""
    phase = hpas.phase_ms[h]
    if at_ms <= phase:
        return phase
    period = clock.params[P_HPA_PERIOD]
    return phase + (at_ms - phase + period - 1) // period * period


@inline_kernel
def wake(clock: Clock, wheels: Wheels, hpas: HpaLinks, h, at_ms):
    """HPA ``h`` must sync at its first tick at or after ``at_ms`` at which it has not synced yet."""
    tick = tick_at_or_after(clock, hpas, h, max(at_ms, hpas.last_ms[h] + 1))
    if hpas.custom[h] == 0 and tick < tree_leaf(wheels.hpa, h):
        tree_set(wheels.hpa, h, tick)


@inline_kernel
def wake_changed(
    clock: Clock, wheels: Wheels, workloads: Workloads, admission: Admission, hpas: HpaLinks, marks: Marks, at_ms
):
    """Wake the HPAs and controllers of all workloads whose pods or published metrics changed at this instant."""
    for i in range(marks.touched_count[M_TOUCHED]):
        w = marks.touched[i]
        if marks.touched_flag[w] & WAKES:
            marks.touched_flag[w] &= ~WAKES
            if w < workloads.hpa.shape[0] and is_held(admission, w):
                wake_replicas(wheels, workloads, w, clock.values[NOW] + clock.params[P_ROLLOUT_STEP])
            if w < workloads.hpa.shape[0] and workloads.deployment[w] >= 0:
                if workloads.kind[w] == KIND_JOB:
                    wake_replicas(wheels, workloads, w, clock.values[NOW] + clock.params[P_ROLLOUT_STEP])
                w = workloads.deployment[w]
                count_revisions(workloads, w)
                wake_replicas(wheels, workloads, w, clock.values[NOW] + clock.params[P_ROLLOUT_STEP])
            h = workloads.hpa[w] if w < workloads.hpa.shape[0] else -1
            while h >= 0:
                wake(clock, wheels, hpas, h, at_ms)
                h = hpas.next_same[h]


@inline_kernel
def wake_published(
    clock: Clock, wheels: Wheels, workloads: Workloads, physics: Physics, marks: Marks, hpas: HpaLinks, now
):
    """New metrics are out: wake the HPAs of the workloads that were sampled, unless theirs change nothing.

    Called before ``publish`` shortens the busy list, with the samples already in place.
    """
    for i in range(marks.touched_count[M_BUSY]):
        w = marks.busy[i]
        h = workloads.hpa[w]
        while h >= 0:
            if not changes_nothing(clock, workloads, physics, marks, hpas, h, w):
                wake(clock, wheels, hpas, h, now)
            h = hpas.next_same[h]


@inline_kernel
def catch_up(clock: Clock, specs: HpaSpecs, state: HpaState, hpas: HpaLinks, h, now):
    """Bring the log of HPA ``h`` to the tick before ``now``, if ticks were skipped."""
    before = now - clock.params[P_HPA_PERIOD]
    if hpas.last_ms[h] >= 0 and before > hpas.last_ms[h]:
        extend_log(specs, state, h, before)
    hpas.last_ms[h] = now


@inline_kernel
def is_ambiguous(workloads: Workloads, hpas: HpaLinks, h):
    """Whether pods of HPA ``h`` belong to another HPA, too (each knows a selector from its first sync on)."""
    for i in range(hpas.rival_start[h], hpas.rival_start[h + 1]):
        w = hpas.rival[i, 1]
        pods = workloads.count[w, POD_PENDING] + workloads.count[w, POD_STARTING]
        pods += workloads.count[w, POD_READY] + workloads.count[w, POD_DOWN] + workloads.count[w, POD_TERMINATING]
        if hpas.last_ms[hpas.rival[i, 0]] >= 0 and pods > 0:
            return True
    return False


@kernel
def tell_failures(clock: Clock, log: Log, specs: HpaSpecs, state: HpaState, hpas: HpaLinks, h, now):
    """Warning events where a sync fails in another way than the one before; its repeats are not told."""
    row = state.row
    wrong = 0
    if row[h, R_OUTCOME] in (PARTIAL, FAILED_METRICS):
        wrong = 1 + row[h, R_ACTIVE] + 16 * row[h, R_OUTCOME]
        first = specs.row[h, S_METRIC_FIRST]
        for m in range(first, specs.row[h, S_METRIC_END]):
            wrong = wrong * 16 + state.metric[m, P_ERROR]
            wrong = wrong % 1_000_003
    if wrong != 0 and wrong != hpas.told[h]:
        active, metric = row[h, R_ACTIVE], row[h, R_FIRST_INVALID]
        error = state.metric[specs.row[h, S_METRIC_FIRST] + metric, P_ERROR] if metric >= 0 else 0
        log_event(clock, log, now, LOG_METRIC_FAILED, h, active, metric, error)
        if row[h, R_OUTCOME] == FAILED_METRICS:
            log_event(clock, log, now, LOG_COMPUTE_FAILED, h, row[h, R_INVALID], metric, error)
    hpas.told[h] = wrong


@inline_kernel
def current_replicas(workloads: Workloads, specs: HpaSpecs, h, w):
    """Replicas of ``w`` that HPA ``h`` starts from, and stays at: spec.replicas, or once status.replicas."""
    spec = workloads.desired[w]
    if specs.row[h, S_RULES] & RULE_CURRENT_IS_STATUS != 0 and spec > 0:
        status = active_pods(workloads, w)
        return status if status > 0 else spec
    return spec


@inline_kernel
def ask_metrics(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    adapter: Adapter,
    specs: HpaSpecs,
    state: HpaState,
    h,
    w,
    now,
):
    """What each metric of HPA ``h`` proposes."""
    for m in range(specs.row[h, S_METRIC_FIRST], specs.row[h, S_METRIC_END]):
        gather(clock, pods, links, usage, workloads, physics, marks, containers, adapter, specs, state, h, m, w, now)
        propose(specs, state, h, m, current_replicas(workloads, specs, h, w), active_pods(workloads, w))


@inline_kernel
def sync(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    adapter: Adapter,
    specs: HpaSpecs,
    state: HpaState,
    hpas: HpaLinks,
    log: Log,
    h,
    now,
):
    """One executed sync; returns the time of the next that must be executed. Heap and log have room."""
    w = hpas.workload[h]
    current = current_replicas(workloads, specs, h, w)
    catch_up(clock, specs, state, hpas, h, now)
    step = begin(specs, state, h, now, current)
    desired = current
    if step == GATHER and is_ambiguous(workloads, hpas, h):
        fail_ambiguous(state, h)
    else:
        if step == GATHER:
            ask_metrics(
                clock, pods, links, usage, workloads, physics, marks, containers, adapter, specs, state, h, w, now
            )
        desired = decide(specs, state, h, now, current, step)
    commit(specs, state, h, now, current, desired, True)
    clock.counters[C_HPA_SYNCS] += 1
    if desired != current:
        hpas.target[h] = desired
        push(heap, now + clock.params[P_HPA_TO_SCALE], encode(EV_SCALE, h, 0))
        log_event(clock, log, now, LOG_RESCALE, h, desired, state.row[h, R_REASON], state.row[h, R_METRIC])
    tell_failures(clock, log, specs, state, hpas, h, now)
    if clock.params[P_SKIP_SYNCS] == 0 or hpas.restless[h] == 1:
        return now + clock.params[P_HPA_PERIOD]
    keep_band(clock, workloads, physics, marks, containers, specs, state, hpas, h, step)
    due = next_change_ms(specs, state, h, now, current)
    if due >= NEVER:
        return NEVER
    return tick_at_or_after(clock, hpas, h, max(due, now + 1))


@inline_kernel
def sync_due(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    adapter: Adapter,
    specs: HpaSpecs,
    state: HpaState,
    hpas: HpaLinks,
    log: Log,
    now,
):
    """Sync the first HPA that is due."""
    h = tree_first(wheels.hpa)
    tree_set(
        wheels.hpa,
        h,
        sync(
            clock,
            heap,
            pods,
            links,
            usage,
            workloads,
            physics,
            marks,
            containers,
            adapter,
            specs,
            state,
            hpas,
            log,
            h,
            now,
        ),
    )
