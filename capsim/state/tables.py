"""The tables of a run: one NamedTuple of C-contiguous int64 or float64 arrays per entity.

Times are int64 milliseconds since the start of the run; ``-1`` means "none" and is tested before use. Resource vectors
are rows of ``[CPU milli, memory bytes, ephemeral storage bytes, pods, extended ...]``, all int64.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

I64: TypeAlias = NDArray[np.int64]
F64: TypeAlias = NDArray[np.float64]

NEVER = 1 << 60
"""A time after the end of every run."""
UNBOUNDED = 1e300
"""More than any quantity or time (float64)."""

# Resource columns; extended resources follow.
CPU, MEMORY, EPHEMERAL, PODS = 0, 1, 2, 3

# Pod states.
POD_FREE, POD_PENDING, POD_STARTING, POD_READY, POD_TERMINATING = 0, 1, 2, 3, 4
POD_DOWN = 5
"""Bound and not serving, though it may have been Ready: its node is silent, or its container waits to be restarted."""
# Node states.
NODE_FREE, NODE_REQUESTED, NODE_REGISTERED, NODE_READY, NODE_DELETING = 0, 1, 2, 3, 4
# Node flags: what keeps pods off besides the shape's own taints. NOT_READY and TO_BE_DELETED are NoSchedule taints.
FLAG_UNSCHEDULABLE, FLAG_NOT_READY, FLAG_TO_BE_DELETED = 1, 2, 4
FLAG_UNREACHABLE = 8
"""Its kubelet has not been heard of for the grace period: a NoSchedule taint, Ready is Unknown."""
FLAG_MEMORY_PRESSURE = 32
"""Its condition is MemoryPressure: a NoSchedule taint that only BestEffort pods do not tolerate."""
FLAG_DISK_PRESSURE = 64
"""Its condition is DiskPressure: a NoSchedule taint that only DaemonSet pods, and who says so, tolerate."""
FLAGS_UNREADY = FLAG_UNREACHABLE | FLAG_DISK_PRESSURE
"""What the Cluster Autoscaler takes for a node that is not Ready (utils/kubernetes/ready.go)."""
FLAG_SILENT = 16
"""The machine does not answer. Nobody in the control plane knows that: every class tolerates it."""

# Statuses of a compiled call.
DONE, NEED, YIELD = 0, 1, 2
# What NEED asks for.
NEED_PODS, NEED_NODES, NEED_HEAP, NEED_QUEUE, NEED_EVENTS, NEED_POD_LOG, NEED_SAMPLES, NEED_NODE_LOG = range(1, 9)
NEED_DIAGNOSES, NEED_CLAIMS = 9, 10
# Why YIELD was returned.
YIELD_EVENTS, YIELD_AUTOSCALER, YIELD_CUSTOM, YIELD_BREATH, YIELD_PREEMPT, YIELD_BIND = 1, 2, 3, 4, 5, 6

# Kinds of heap events.
EV_POD_READY, EV_POD_GONE, EV_POD_TRY, EV_NODE_REGISTER, EV_NODE_READY, EV_NODE_OPEN = 0, 1, 2, 3, 4, 5
EV_POD_LEFT = 6
"""The endpoints no longer hold a pod that does not serve."""
EV_POD_ATTACH = 7
"""A bound pod's volumes can be attached, or looked at again."""
EV_NODE_GONE, EV_SCALE = 8, 9
EV_RECORDED, EV_ADDRESS = 10, 11
"""The next entry of the recorded lifetimes; an address that a pod of a node had can be given again."""

# Kinds of workload.
KIND_DEPLOYMENT, KIND_REPLICASET, KIND_DAEMONSET, KIND_POD, KIND_ROLLOUT, KIND_STATEFULSET = 0, 1, 2, 3, 4, 5
KIND_REVISION, KIND_JOB, KIND_CRON = 6, 7, 8
"""KIND_REVISION: a revision that the controller of its workload looks after."""

# Columns of Clock.values.
NOW, PHASE, UNSETTLED, NEXT_SCRAPE, NEXT_PUBLISH, NEXT_SAMPLE, NEXT_EVENT, NEXT_CA, NEXT_FLUSH = range(9)
UID, NODE_UID, STATUS_TABLE, YIELD_REASON, SAMPLE_START, TIGHT_NODES, WORK, SCHEDULER_GCRA, CONTROLLER_GCRA = (
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
)
PENDING_VERSION, CAPACITY_VERSION, CA_ACT_DUE, CA_LOOP_DUE, CA_PASSED = 18, 19, 20, 22, 23
SCRAPE_LAST, SCRAPE_PREV, SCRAPE_TAKEN, NEXT_CUSTOM, POD_TOP, NODE_TOP, UNSCHEDULABLE, NODES_READY = range(25, 33)
STOP_AT, BREATH, EVENTS_LEFT, CA_SEEN_WORK, CA_NEXT_TIMER, DAEMONSETS = 34, 35, 36, 37, 38, 39
"""DAEMONSETS: the most pods that one transition can create (a node's registration: one of each DaemonSet)."""
PREEMPTOR, CA_SEEN_PENDING = 40, 41
FROZEN_UNTIL, PODS_DUE = 42, 43
"""Until then nobody writes to the API server: controllers stand still, what runs goes on. 1: some pods have to be
looked at (memory, probes)."""
BINDER, ADDRESS_DUE, CA_PASSED_MS = 44, 45, 46
"""Pod whose claims are to be bound. 1: a subnet that somebody waits for has addresses. Time of the last loop of the
autoscaler that was passed over."""
CLOCK_COLUMNS = 47

# Columns of Counters.
(
    C_HPA_SYNCS,
    C_BINDS,
    C_PODS_CREATED,
    C_PODS_GONE,
    C_INSTANTS,
    C_CA_SCANS,
    C_CA_SIMULATIONS,
    C_FAILED_TRIES,
    C_EVENTS_DROPPED,
) = 0, 1, 2, 3, 4, 5, 6, 7, 8
C_TRAFFIC, C_SCRAPES, C_NODES_ADDED, C_NODES_GONE = 9, 10, 11, 12
COUNTER_COLUMNS = 13

# Columns of Params (int64 settings of the run).
(
    P_SEED,
    P_DURATION,
    P_SAMPLE,
    P_RESOLUTION,
    P_METRICS_DELAY,
    P_HPA_PERIOD,
    P_HPA_TO_SCALE,
    P_SCALE_TO_POD,
    P_POD_TO_POD,
) = 0, 1, 2, 3, 4, 5, 6, 7, 8
(
    P_SCHEDULE,
    P_NODE_OPEN,
    P_UNBOUND_DELETE,
    P_CA_PERIOD,
    P_EVICT_TO_RECREATE,
    P_RATE_LIMITS,
    P_SCHED_INTERVAL,
    P_SCHED_BURST,
) = 9, 10, 11, 12, 13, 14, 15, 16
(
    P_CTRL_INTERVAL,
    P_CTRL_BURST,
    P_TIE_RANDOM,
    P_WALL_OFFSET,
    P_CA_ON,
    P_CA_PLAIN,
    P_CA_FREQUENT,
) = 17, 18, 19, 20, 21, 22, 23
P_TREE_NODES, P_SKIP_SYNCS, P_STEP_ROWS, P_CONTENTION, P_HOUSEKEEPING, P_BUSY_SCRAPES = 24, 25, 26, 27, 28, 29
P_BACKOFF, P_BACKOFF_MAX, P_WATCHERS, P_ROLLOUT_STEP, P_PROPAGATION, P_MISSED_SCRAPES = 30, 31, 32, 33, 34, 35
PARAM_COLUMNS = 36


class Clock(NamedTuple):
    """Scalars of the run that change; shape [CLOCK_COLUMNS], [COUNTER_COLUMNS] and [PARAM_COLUMNS]."""

    values: I64
    counters: I64
    params: I64


class Heap(NamedTuple):
    """Heap of timed transitions (four children a place), ordered by (time, code), whatever the order of insertion."""

    time_ms: I64
    code: I64
    """kind << 56 | entity << 24 | generation (24 bits)."""
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs


class Wheels(NamedTuple):
    """Tournament trees of due times, one leaf an entity; shape [2 * leaves], root at 1, leaves a power of two."""

    traffic: I64
    backlog: I64
    replicas: I64
    hpa: I64


class Pods(NamedTuple):
    """One row a live pod; free rows are kept on a stack (``free``)."""

    state: I64
    workload: I64
    pod_class: I64
    node: I64
    target: I64
    ordinal: I64
    uid: I64
    created_ms: I64
    bound_ms: I64
    ready_ms: I64
    deleted_ms: I64
    diagnosis: I64
    attempts: I64
    """Scheduling attempts that failed."""
    tried_ms: I64
    """Time of the last of them."""
    step_ms: I64
    """When the kubelet's next step with the pod is due: events of another time are out of date."""
    restarts: I64
    first_ready_ms: I64
    started_ms: I64
    """When its containers were last started, -1: before the start of the run."""
    given_up: I64
    """1: at ``step_ms`` a probe gives its container up, which has not started by then."""
    dark: I64
    """1: the endpoints hold the pod though it does not serve; what is sent to it is lost."""
    free: I64


class PodLinks(NamedTuple):
    """Doubly linked lists through the pods: of a node, of a workload, of a class's queue of unschedulable pods."""

    node_next: I64
    node_prev: I64
    workload_next: I64
    workload_prev: I64
    queue_next: I64
    queue_prev: I64
    queued: I64
    """1: waiting in the active queue, 2: in its class's unschedulable queue, 0: neither."""


class PodUsage(NamedTuple):
    """What one pod serves where it differs from its workload's common rate."""

    own: I64
    """1: the pod runs on a contended node and has its own rate."""
    rate_rps: F64
    area: F64
    """Requests served since it became Ready, up to ``base``."""
    base: F64
    """Workload integral (own = 0) or time in ms (own = 1) at which ``area`` was taken."""
    sample_prev: F64
    sample_last: F64
    sample_taken: F64
    """Requests served at the previous and the last published scrape, and at the last one taken."""
    connections: F64
    """Connections to the pod, where requests stay on theirs (``Connections``)."""
    missed_ms: I64
    """Time of the last published scrape that the pod's node did not answer, -NEVER: none."""
    warmth: F64
    """[P, H_COLUMNS] pods that start or are cold (``tables_warmth``); no rows where no workload's are."""
    due: I64
    """Tree of the times at which the next step of that is due, a leaf for each pod."""


class Classes(NamedTuple):
    """Pod classes: everything that depends on the pod's spec only; rows [C]."""

    request: I64
    """[C, R]"""
    nonzero: I64
    """[C, 2]: CPU and memory as scoring sees them (100m and 200 MiB where the key is missing)."""
    workload: I64
    priority: I64
    tolerates: I64
    """Bit set of node flags that the class tolerates."""
    shape_reason: I64
    """[C, S]: -1 when nodes of the shape pass the static filters, else the index of the reason that they fail with."""
    queue_head: I64
    queue_tail: I64
    queue_count: I64
    diagnosis: I64
    """Diagnosis of the class's last failed attempt, -1 when it is not blocked."""
    tried_ms: I64
    signature: I64
    """Classes with the same requests and filters share a signature, and so a tree of scores."""
    gated: I64
    """1: its pods have scheduling gates and are not tried."""
    watches: I64
    """1: pods that come or go elsewhere can make a node fit (affinity, spread, anti-affinity)."""
    drain: I64
    """1: DaemonSet or mirror pods, which a drain leaves alone."""


class Nodes(NamedTuple):
    """One row a node slot."""

    state: I64
    flags: I64
    group: I64
    shape: I64
    ordinal: I64
    uid: I64
    allocatable: I64
    """[N, R]"""
    requested: I64
    """[N, R]"""
    nonzero: I64
    """[N, 2]"""
    first_pod: I64
    excess_milli: F64
    """CPU that its pods want above their requests: requested + excess bounds the demand from above."""
    version: I64
    times: I64
    """[N, 6]: requested, registered, first Ready, marked for deletion, gone, last change of Ready since; -1 where it
    has not happened."""
    net: I64
    """[N, N_COLUMNS] its addresses (``tables_addresses``)."""


T_REQUESTED, T_REGISTERED, T_READY, T_DELETING, T_GONE, T_CHANGED = 0, 1, 2, 3, 4, 5


class NodeScan(NamedTuple):
    """What the loops over nodes keep beside the nodes."""

    contended: I64
    """1: its pods want more CPU than it has; 2: they could, without any change of the demand above requests; else 0."""
    mark: I64
    unremovable_ms: I64
    """Until when the Cluster Autoscaler leaves the node alone."""
    threshold: F64
    """[G] utilisation from which a node of the group is no candidate for scale-down."""


class Groups(NamedTuple):
    """Node groups; rows [G], the last one is the static group (Node objects)."""

    size: I64
    """[G, 4]: min, max, target, last ordinal given."""
    shapes: I64
    """[G, Z]: shape of the nodes of each zone; zone = ordinal modulo ``zones``."""
    zones: I64
    template: I64
    """[G, R] allocatable"""
    boot: F64
    """[G, 5]: kind, mean, standard deviation, min, max of the time from request to Ready, ms."""
    register: F64
    """[G, 5]: likewise from request to the Node object."""
    delete_ms: I64
    hash: I64
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    """[G, 4]: nodes requested but not Ready, Ready, deleting, all that exist."""
    allocatable: I64
    """[G, R] summed over Ready nodes."""
    requested: I64
    """[G, R] summed over Ready nodes."""
    daemons: I64
    """[G, R] requests of the DaemonSet pods that a fresh node gets."""
    daemon_eligible: I64
    """[G, W] 1: the DaemonSet runs on nodes of the group."""
    managed: I64
    """1: an autoscaler may change the group's size."""
    pod_ips: I64
    """Addresses that each node has for pods, NEVER: enough."""
    net: I64
    subnet: I64
    """[G, NET_COLUMNS], [S, 2]: how nodes take addresses, and what is left of them (``tables_addresses``)."""


G_MIN, G_MAX, G_TARGET, G_LAST = 0, 1, 2, 3
G_BOOTING, G_READY, G_DELETING, G_EXIST = 0, 1, 2, 3


class Workloads(NamedTuple):
    """Workload controllers; rows [W]."""

    kind: I64
    hash: I64
    desired: I64
    next_ordinal: I64
    pod_class: I64
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    """[W, 6]: pods by state (column = pod state; POD_FREE is unused)."""
    first_pod: I64
    last_pod: I64
    start: F64
    """[W, 5]: kind, mean, standard deviation, min, max of bound -> Ready, ms."""
    termination_ms: I64
    linger_ms: I64
    """How long requests still reach a deleted pod that does not serve them (0: nobody sends any)."""
    moved_ms: I64
    """Last time at which a pod became Ready."""
    reconcile_ms: I64
    hpa: I64
    """Row of its first HPA, -1: none."""
    spread: I64
    """[W, G]: Ready pods by node group."""
    bound_leaving: I64
    """Pods that terminate and still hold their requests."""
    announced: I64
    """Replicas that the last ScalingReplicaSet event told."""
    deployment: I64
    """Row whose controller is told of its pods: of the Deployment whose revision it is (``tables_rollout``), of a
    StatefulSet its own; -1: none."""
    next_revision: I64
    """Of a workload that is rolled out: its first revision; of a revision: the next one. -1: none."""
    cost_start: I64
    """[W + 1] offsets into ``cost``; [1] where no pod has a pod-deletion-cost of its own."""
    cost: I64
    """Rank of the pod-deletion-cost of a workload's pods in the order of their creation, among all of its costs; those
    of further pods are 0, whose rank is the last of each workload's."""


class Physics(NamedTuple):
    """What each workload's Ready pods do; rows [W], float64."""

    arrival_rps: F64
    pod_rps: F64
    """Rate of a Ready pod on a node that is not contended."""
    served_rps: F64
    lost_rps: F64
    backlog: F64
    integral: F64
    """Requests served by one such pod since the start."""
    since_ms: I64
    load: F64
    """[W, 6]: idle milli, milli-seconds per request, cap rps, memory base, memory per request in flight, seconds in
    service."""
    limits: F64
    """[W, 8]: seconds of backlog that may wait (0: drop), 1 when cpu is given as usage (2: pods serve what
    their connections bring), request milli, requests that
    may wait in a pod (-1: no service model), memory of a pod from which on one may be killed, bytes, when pods
    may be looked at for it again, ms, seconds of waiting at which liveness probes fail, and since when they do, ms
    (-1: they do not)."""
    own: F64
    """[W, 6]: number and summed rate of pods with a rate of their own; pods that were Ready at the last
    computation; changes of the common rate so far; endpoints that do not serve, and the requests per second that are
    sent to them."""
    past: F64
    """[W, changes, 3]: the last changes of the common rate (time, integral, rate before), where readings look back."""
    samples: F64
    """[W, 6]: integral at the previous and the last published scrape and at the last one taken; memory per pod now,
    published, and taken."""
    usage: F64
    """[W, 3]: CPU used milli, memory used bytes, demand above request per pod."""
    area: F64
    """[W, 2]: since the last sample, backlog integrated (request-milliseconds) and requests that timed out at once."""
    warm: F64
    """[W, V_COLUMNS] what starting and cold pods use (``tables_warmth``); no rows where none do."""


O_DARK, O_DARK_RPS = 4, 5
L_IDLE, L_COST, L_CAP, L_MEMORY, L_INFLIGHT, L_SECONDS = 0, 1, 2, 3, 4, 5
S_PREV, S_LAST, S_TAKEN, S_MEMORY, S_MEMORY_LAST, S_MEMORY_TAKEN = 0, 1, 2, 3, 4, 5
U_CPU, U_MEMORY, U_EXCESS = 0, 1, 2
MEMORY_LIMIT, MEMORY_LOOK_MS, LATE_S, LATE_SINCE_MS = 4, 5, 6, 7


class Containers(NamedTuple):
    """Containers of a workload, CSR by workload: what the metrics pipeline reports is per container."""

    start: I64
    """[W + 1]"""
    idle_milli: F64
    cost_milli: F64
    """Milli-CPU-seconds per request served by the pod."""
    request_milli: I64
    """CPU request, -1: none."""
    request_memory: I64
    """Memory request in bytes, -1: none."""
    pod_request: I64
    """[W, 2] CPU milli and memory milli-bytes that the HPA takes for a whole pod's request, -1: none."""


class Traffic(NamedTuple):
    """Request rates: per source (service or usage) a list of change points, CSR."""

    start: I64
    """[V + 1] offsets into the points."""
    time_ms: I64
    rate: F64
    cursor: I64
    edge_start: I64
    """[V + 1] offsets into the workloads behind each source."""
    edge_workload: I64
    source_start: I64
    """[W + 1] offsets into the sources of each workload."""
    source: I64
    calls_rps: F64
    """[V] requests per second that other services send beside the series."""
    is_memory: I64
    """[V] 1: the values are bytes per pod of the single workload behind it."""


class Marks(NamedTuple):
    """Work lists of one instant: each list holds every entity at most once."""

    touched: I64
    touched_flag: I64
    touched_count: I64
    """[4]: touched, busy, dirty, node counts."""
    busy: I64
    busy_flag: I64
    """Workloads whose next scrape may differ from the last: countdown of scrapes."""
    own_flag: I64
    """Workloads whose pods are sampled one by one (some run, or ran, at a rate of their own): countdown of scrapes."""
    dirty: I64
    dirty_flag: I64
    """Workloads whose rates must be computed anew."""
    node: I64
    node_flag: I64
    """Nodes whose CPU shares must be computed anew."""


M_TOUCHED, M_BUSY, M_DIRTY, M_NODE = 0, 1, 2, 3


class Queue(NamedTuple):
    """The scheduler's active queue: a heap ordered by (-priority, time, uid); entries of gone pods are skipped."""

    key: I64
    time_ms: I64
    uid: I64
    pod: I64
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    scratch: I64
    """[N] candidate nodes of one decision, or pods of one deletion."""
    ranks: I64
    """[pods] sort keys of one deletion."""
    diagnoses: I64
    """[D, reasons] counts per reason of distinct failures."""
    diagnosis_count: I64


class Presence(NamedTuple):
    """What pods leave on nodes, as the scheduler counts it, and which nodes changed.

    A peer group is a set of pod classes that some rule counts; see ``tables_scheduler``."""

    start: I64
    """[C + 1] offsets into ``group`` and ``weight``: the peer groups that a class belongs to."""
    group: I64
    weight: I64
    keeps: I64
    """[P] 1: pods that terminate still count (affinity); 0: they do not (spread)."""
    on_node: I64
    """[P + images, N]; the rows of images (``Extras.image_group``) are 1 where a node has one."""
    on_shape: I64
    """[P, S]"""
    part_start: I64
    """[C, PART_LISTS + 1] offsets into ``part``."""
    part: I64
    """Host ports taken, host ports that must be free, images; columns of ``ports``, rows of ``Extras.image_bytes``."""
    attach: I64
    """[C, D] volumes to attach per driver."""
    ports: I64
    """[N, Q] 1: the host port is taken. A set, as upstream's: not counted."""
    attached: I64
    """[N, D] volumes attached per driver."""
    shape_nodes: I64
    """[S] nodes that exist."""
    page: I64
    """[N / PAGE] shape that a page of node slots belongs to, -1: none yet."""
    ordered: I64
    """[1] 1: the order of nodes (``Shapes.order``) is current."""
    log: I64
    """Ring of node slots whose state changed; length a power of two."""
    head: I64
    """[1] entries ever written."""


class Log(NamedTuple):
    """Buffers that Python drains when they are full."""

    events: I64
    """[E, 6]: time, kind, object, argument, argument, argument."""
    pods: I64
    """[P, 12] one row a pod that is gone."""
    nodes: I64
    """[M, 9] one row a node that is gone."""
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    """[3]: rows used of each."""


class Samples(NamedTuple):
    """The recorder: current value, integral, minimum and maximum of every series, and the samples not yet drained."""

    value: F64
    """[rows, quantities]"""
    area: F64
    low: F64
    high: F64
    since_ms: I64
    given: F64
    """[workloads, groups, 2]: CPU and memory use that each workload has put down to each group."""
    out: F64
    """[samples, rows, columns]"""
    out_ms: I64
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs


class HpaLinks(NamedTuple):
    """What ties each HPA to its workload and its place in time; rows [H]."""

    workload: I64
    phase_ms: I64
    last_ms: I64
    """Last tick that was executed or skipped knowingly."""
    wake_ms: I64
    """Earliest instant at which a tick must be executed; NEVER when asleep."""
    target: I64
    """[H] desired replicas that travel to the scale subresource."""
    custom: I64
    """1: a custom controller stands in for this HPA."""
    next_same: I64
    """The next HPA of the same workload, -1: none (``Workloads.hpa`` is the first)."""
    restless: I64
    """1: every tick is executed, because more can change its mind than its own pods and their samples."""
    told: I64
    """What the last Warning events told, 0: nothing was wrong."""
    rival_start: I64
    """[H + 1] offsets into ``rival``."""
    rival: I64
    """[R, 2]: another HPA that counts pods of a workload that this one counts too, and that workload."""
    band: F64
    """[H, 2] requests/s per pod between which a sync over the same pods proposes what the last one did; empty: 1, 0."""
