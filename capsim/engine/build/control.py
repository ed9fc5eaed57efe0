"""Settings, clocks, work lists, queues and buffers as arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from capsim.controllers.hpa.pace import hpa_pace
from capsim.controllers.hpa.releases import FIRST_AMBIGUOUS, release_of
from capsim.controllers.hpa.spec import ControllerSettings, compile_specs
from capsim.controllers.hpa.tables import HpaSpecs
from capsim.engine.build.names import Names
from capsim.engine.build.workloads import long_running
from capsim.engine.recorder import QUANTITIES, SAMPLE_COLUMNS
from capsim.rng import STREAM_PHASE, draw, name_hash
from capsim.scenario.control_plane import Phases
from capsim.scenario.kube_scheduler import KubeSchedulerConfiguration
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.metrics import source_of
from capsim.scenario.rivals import rivals
from capsim.scenario.scenario import Scenario
from capsim.state import tables as t
from capsim.state.marks import BUSY_SCRAPES

INDEX_FROM = 24
"""Node slots above which the scheduler asks its index: below, a scan is as fast."""
NO_BAND = np.array([1.0, 0.0])


def leaves(count: int) -> int:
    """Leaves of a tournament tree for ``count`` entities: a power of two, at least 2."""
    return max(2, 1 << max(0, count - 1).bit_length())


def new_tree(count: int) -> t.I64:
    """A tournament tree in which nothing is due."""
    return np.full(2 * leaves(count), t.NEVER, np.int64)


def phase_ms(scenario: Scenario, loop: str, period_ms: int, name: str = "") -> int:
    """When a loop runs first: as the scenario says, else drawn from the seed within its period."""
    phases = scenario.control_plane.phases
    if phases == "zero":
        return 0
    if isinstance(phases, Phases):
        given = getattr(phases, f"{loop}_ms", None)
        if isinstance(given, Mapping):
            given = given.get(name, given.get(name.split("/")[-1]))
        if given is not None:
            return int(given)
    return int(draw(scenario.seed & 0x7FFFFFFF, STREAM_PHASE, name_hash(f"{loop}/{name}"), 0)) % period_ms


def hpa_period_ms(scenario: Scenario) -> int:
    """Time between two syncs of an HPA (``controllers/hpa/pace.py``)."""
    return hpa_pace(scenario).period_ms


def build_params(scenario: Scenario, step_rows: int) -> t.I64:
    """The settings of the run, columns P_*."""
    p = np.zeros(t.PARAM_COLUMNS, np.int64)
    delays = scenario.control_plane.delays
    p[t.P_SEED] = scenario.seed & 0x7FFFFFFF
    p[t.P_DURATION] = scenario.duration_ms
    p[t.P_SAMPLE] = scenario.sample_interval_ms
    p[t.P_RESOLUTION] = scenario.control_plane.metrics_server.metric_resolution_ms
    p[t.P_METRICS_DELAY] = scenario.control_plane.metrics_server.delay_ms
    p[t.P_HPA_PERIOD] = hpa_period_ms(scenario)
    p[t.P_HPA_TO_SCALE] = delays.hpa_to_scale_ms + delays.api_server_ms
    p[t.P_SCALE_TO_POD] = delays.scale_to_pod_ms + delays.api_server_ms
    p[t.P_POD_TO_POD] = delays.pod_to_pod_ms + delays.api_server_ms
    p[t.P_ROLLOUT_STEP] = max(1, delays.rollout_step_ms + delays.api_server_ms)
    p[t.P_SCHEDULE] = delays.schedule_ms + delays.api_server_ms
    p[t.P_PROPAGATION] = delays.endpoint_propagation_ms
    p[t.P_NODE_OPEN] = delays.node_ready_to_schedulable_ms
    p[t.P_UNBOUND_DELETE] = delays.unbound_delete_ms
    p[t.P_EVICT_TO_RECREATE] = delays.evict_to_recreate_ms + delays.api_server_ms
    p[t.P_RATE_LIMITS] = int(scenario.control_plane.rate_limits)
    p[t.P_SCHED_INTERVAL] = round(1e6 / scenario.control_plane.kube_scheduler.kube_api_qps)
    p[t.P_SCHED_BURST] = scenario.control_plane.kube_scheduler.kube_api_burst
    p[t.P_CTRL_INTERVAL] = round(1e6 / scenario.control_plane.kube_controller_manager.kube_api_qps)
    p[t.P_CTRL_BURST] = scenario.control_plane.kube_controller_manager.kube_api_burst
    p[t.P_TIE_RANDOM] = int(scenario.scheduler.tie_break == "random")
    p[t.P_WALL_OFFSET] = int(scenario.start.microsecond // 1000)
    p[t.P_TREE_NODES] = INDEX_FROM
    configuration = scenario.scheduler.configuration or KubeSchedulerConfiguration()
    p[t.P_BACKOFF] = configuration.pod_initial_backoff_seconds * 1000
    p[t.P_BACKOFF_MAX] = configuration.pod_max_backoff_seconds * 1000
    p[t.P_SKIP_SYNCS] = 1
    p[t.P_STEP_ROWS] = step_rows
    p[t.P_CONTENTION] = 1
    housekeeping = scenario.control_plane.kubelet.housekeeping_interval_ms
    p[t.P_HOUSEKEEPING] = housekeeping
    # Two samples are alike when both readings, each up to two intervals old, lie after the change.
    p[t.P_BUSY_SCRAPES] = BUSY_SCRAPES + -(-4 * housekeeping // int(p[t.P_RESOLUTION]))
    p[t.P_MISSED_SCRAPES] = round(scenario.control_plane.metrics_server.missed_scrapes_ratio * 2**32)
    autoscaler_params(scenario, p)
    return p


def autoscaler_params(scenario: Scenario, p: t.I64) -> None:
    """Settings of the Cluster Autoscaler."""
    ca = scenario.cluster_autoscaler
    if ca is None:
        return
    p[t.P_CA_ON] = 1
    p[t.P_CA_PERIOD] = ca.scan_interval_ms + scenario.control_plane.delays.autoscaler_loop_lag_ms
    p[t.P_CA_FREQUENT] = int(ca.frequent_loops_enabled)
    priorities = [workload.template.priority for workload in scenario.objects.workloads]
    plain = not (ca.ignore_daemonsets_utilization or ca.enforce_node_group_min_size)
    plain = plain and min(priorities, default=0) >= ca.expendable_pods_priority_cutoff
    plain = plain and not any(group.instance.gpus for group in scenario.node_groups)
    plain = plain and not any(group.autoscaling.ignore_daemonsets_utilization for group in scenario.node_groups)
    p[t.P_CA_PLAIN] = int(plain)


def build_clock(scenario: Scenario, params: t.I64) -> t.Clock:
    """Time 0; every loop at its phase."""
    v = np.zeros(t.CLOCK_COLUMNS, np.int64)
    resolution = int(params[t.P_RESOLUTION])
    first = phase_ms(scenario, "scrape", resolution)
    v[t.NEXT_SCRAPE] = first
    v[t.SCRAPE_TAKEN] = v[t.SCRAPE_LAST] = first - resolution
    v[t.SCRAPE_PREV] = first - 2 * resolution
    v[t.NEXT_PUBLISH] = v[t.NEXT_CUSTOM] = v[t.NEXT_EVENT] = t.NEVER
    v[t.NEXT_SAMPLE] = min(scenario.sample_interval_ms, scenario.duration_ms)
    v[t.NEXT_CA] = t.NEVER
    if params[t.P_CA_ON]:
        v[t.NEXT_CA] = phase_ms(scenario, "cluster_autoscaler", int(params[t.P_CA_PERIOD]))
    v[t.NEXT_FLUSH] = phase_ms(scenario, "flush", 30_000)
    v[t.CA_SEEN_WORK] = -1
    v[t.CA_ACT_DUE] = t.NEVER
    v[t.EVENTS_LEFT] = scenario.output.events_cap
    daemons = sum(w.kind == "DaemonSet" for w in scenario.objects.workloads)
    v[t.DAEMONSETS] = max(daemons, int(bool(scenario.lifetimes)))
    return t.Clock(v, np.zeros(t.COUNTER_COLUMNS, np.int64), params)


def hpa_settings(scenario: Scenario) -> ControllerSettings:
    """Flags of kube-controller-manager for the HPA controller."""
    m = scenario.control_plane.kube_controller_manager
    return ControllerSettings(
        sync_period_ms=m.horizontal_pod_autoscaler_sync_period_ms,
        tolerance_ratio=m.horizontal_pod_autoscaler_tolerance,
        downscale_stabilization_ms=m.horizontal_pod_autoscaler_downscale_stabilization_ms,
        cpu_initialization_ms=m.horizontal_pod_autoscaler_cpu_initialization_period_ms,
        initial_readiness_delay_ms=m.horizontal_pod_autoscaler_initial_readiness_delay_ms,
        scale_to_zero=m.hpa_scale_to_zero,
        release=release_of(m.release),
    )


def build_specs(scenario: Scenario) -> HpaSpecs:
    """The HPA specs as the controller's kernels read them."""
    hpas = scenario.objects.hpas

    def container(h: int, name: str) -> int:
        listed = [c.name for c in long_running(scenario.objects.workload(hpas[h].target_key).template)]
        return listed.index(name) if name in listed else -1

    return compile_specs([hpa.manifest() for hpa in hpas], hpa_settings(scenario), container)


def build_links(scenario: Scenario, names: Names, workloads: t.Workloads, period_ms: int) -> t.HpaLinks:
    """Each HPA's workload and phase; fills HPA names."""
    rows = {name: w for w, name in enumerate(names.workloads)}
    count = max(1, len(scenario.objects.hpas))
    shared = build_rivals(scenario)
    unset = {name: np.full(count, -1, np.int64) for name in t.HpaLinks._fields}
    links = t.HpaLinks(**{**unset, **shared, "band": np.tile(NO_BAND, (count, 1))})
    links.custom[:] = links.told[:] = links.restless[:] = 0
    last: dict[int, int] = {}
    for h, hpa in enumerate(scenario.objects.hpas):
        w = rows[hpa.target_key]
        names.hpas.append(hpa.key)
        links.workload[h] = w
        if w in last:
            links.next_same[last[w]] = h
        else:
            workloads.hpa[w] = h
        last[w] = h
        links.phase_ms[h] = phase_ms(scenario, "hpa", period_ms, hpa.key)
        has_rivals = bool(links.rival_start[h] < links.rival_start[h + 1])
        links.restless[h] = is_restless(scenario, hpa, has_rivals or w in names.members)
    return links


def is_restless(scenario: Scenario, hpa: Hpa, has_rivals: bool) -> int:
    """1 for an HPA whose every tick is executed: it asks the adapter, or watches others' pods or several revisions, or
    metrics come and go."""
    served = any(source_of(scenario.metrics, hpa, metric) is not None for metric in hpa.metrics)
    return int(served or has_rivals or scenario.control_plane.metrics_server.missed_scrapes_ratio > 0)


def build_rivals(scenario: Scenario) -> dict[str, t.I64]:
    """``rival_start`` and ``rival`` of :class:`capsim.state.tables.HpaLinks`; none in releases that did not look."""
    hpas = scenario.objects.hpas
    release = release_of(scenario.control_plane.kube_controller_manager.release)
    found = rivals(hpas, scenario.objects.workloads) if release >= FIRST_AMBIGUOUS else []
    counts = np.bincount([rival.hpa for rival in found], minlength=max(1, len(hpas)))
    return {
        "rival_start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "rival": np.array([[rival.other, rival.shared] for rival in found], np.int64).reshape(-1, 2),
    }


def build_wheels(scenario: Scenario, traffic: t.Traffic, links: t.HpaLinks, workloads: int, sources: int) -> t.Wheels:
    """Due times of every periodic loop."""
    wheels = t.Wheels(new_tree(sources), new_tree(workloads), new_tree(workloads), new_tree(links.workload.shape[0]))
    for v in range(sources):
        after = int(traffic.start[v]) + 1
        if after < traffic.start[v + 1]:
            set_leaf(wheels.traffic, v, int(traffic.time_ms[after]))
    for h in range(len(scenario.objects.hpas)):
        set_leaf(wheels.hpa, h, int(links.phase_ms[h]))
    traffic.cursor[:sources] = traffic.start[:sources]
    return wheels


def set_leaf(tree: t.I64, leaf: int, at_ms: int) -> None:
    """Python's way to set a due time."""
    i = (tree.shape[0] >> 1) + leaf
    tree[i] = at_ms
    i >>= 1
    while i >= 1:
        tree[i] = min(tree[2 * i], tree[2 * i + 1])
        i >>= 1


def build_marks(workloads: int, groups: int, nodes: int) -> t.Marks:
    """Empty work lists."""

    def zeros(n: int) -> t.I64:
        return np.zeros(n, np.int64)

    rows = workloads + groups
    return t.Marks(
        touched=zeros(rows), touched_flag=zeros(rows), touched_count=zeros(4),
        busy=zeros(workloads), busy_flag=zeros(workloads), own_flag=zeros(workloads),
        dirty=zeros(workloads), dirty_flag=zeros(workloads), node=zeros(nodes), node_flag=zeros(nodes),
    )  # fmt: skip


def build_samples(workloads: int, groups: int, buffered: int) -> t.Samples:
    """An empty recorder; rows are workloads, groups, totals."""
    rows = workloads + groups + 1
    return t.Samples(
        value=np.zeros((rows, QUANTITIES)),
        area=np.zeros((rows, QUANTITIES)),
        low=np.zeros((rows, QUANTITIES)),
        high=np.zeros((rows, QUANTITIES)),
        since_ms=np.zeros(rows, np.int64),
        given=np.zeros((workloads, groups, 2)),
        out=np.zeros((buffered, rows, SAMPLE_COLUMNS)),
        out_ms=np.zeros(buffered, np.int64),
        count=np.zeros(1, np.int64),
    )
