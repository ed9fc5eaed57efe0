"""Small random scenarios: a few workloads and node groups, and everything that can happen to them within an hour."""

from __future__ import annotations

from hypothesis import strategies as st

from capsim.scenario import (
    AddNodes,
    Apply,
    ClusterAutoscalerSpec,
    Container,
    ContainerBehaviour,
    ControlPlaneOutage,
    ControlPlaneSpec,
    DelaySpec,
    Distribution,
    Drain,
    Fail,
    Hpa,
    Instance,
    KubeControllerManagerSpec,
    KubeletSpec,
    KubeObjects,
    LimitRange,
    MetricSpec,
    MetricsServerSpec,
    NodeGroup,
    NodeObject,
    PauseRollout,
    Phases,
    PodTemplate,
    PrometheusAdapterSpec,
    PrometheusSpec,
    RampSeries,
    ResourceQuota,
    Rollback,
    Rollout,
    Scale,
    Scenario,
    SchedulerSpec,
    SelfHealSpec,
    ServiceSpec,
    SpotReclaim,
    StepsSeries,
    Taint,
    TimedEvent,
    Toleration,
    Upgrade,
    UsageSpec,
    Workload,
    WorkloadSpec,
    ZoneOutage,
)
from capsim.scenario.kubernetes.job import CronSettings, FailureRule, JobSettings, SuccessRule
from capsim.scenario.kubernetes.limit_range import LimitItem
from capsim.scenario.kubernetes.resource_quota import Scope

MIB, GIB = 2**20, 2**30
MINUTE_MS = 60_000
BATCH = Taint(key="dedicated", value="batch", effect="NoSchedule")
TOLERATES_BATCH = Toleration(key="dedicated", value="batch", effect="NoSchedule")
TOLERATES_ALL = Toleration(operator="Exists")

durations = st.one_of(
    st.integers(0, 90_000).map(Distribution.constant),
    st.builds(
        lambda low, more: Distribution(kind="uniform", min_ms=low, max_ms=low + more),
        st.integers(0, 20_000),
        st.integers(0, 60_000),
    ),
    st.builds(
        lambda mean, deviation: Distribution(kind="lognormal", mean_ms=mean, stddev_ms=deviation, max_ms=200_000),
        st.integers(1, 40_000),
        st.integers(0, 20_000),
    ),
)


@st.composite
def groups(draw, name: str) -> NodeGroup:
    """1 to 4 CPUs, some of them tainted, labelled, in zones, or short of pod slots."""
    low = draw(st.integers(0, 3))
    initial = low + draw(st.integers(0, 2))
    return NodeGroup(
        name=name,
        instance=Instance(
            cpu_milli=draw(st.sampled_from([1000, 2000, 4000])),
            memory_bytes=draw(st.sampled_from([2, 4, 8])) * GIB,
            pods=draw(st.sampled_from([4, 12, 110])),
        ),
        kube_reserved={"cpu": draw(st.sampled_from([0, 70]))},
        labels=draw(st.sampled_from([{}, {}, {"pool": "a"}, {"pool": "b"}])),
        taints=draw(st.sampled_from([[], [], [], [BATCH]])),
        zones=draw(st.sampled_from([[], ["a", "b"]])),
        min=low,
        initial=initial,
        max=initial + draw(st.integers(0, 4)),
        boot_delay=draw(durations),
        register_delay=Distribution.constant(0),
        delete_delay_ms=draw(st.sampled_from([0, 10_000])),
        price_per_hour_usd=draw(st.sampled_from([0.0, 0.1, 1.37])),
    )


@st.composite
def nodes(draw, name: str) -> NodeObject:
    """A node that belongs to no group."""
    room = {"cpu": draw(st.sampled_from([500, 2000])), "memory": 4 * GIB, "pods": 20}
    taints = draw(st.sampled_from([[], [BATCH]]))
    return NodeObject(name=name, allocatable=room, capacity=room, taints=taints, unschedulable=draw(st.booleans()))


@st.composite
def templates(draw, *, daemon: bool = False) -> PodTemplate:
    """One container, or two; requests and limits may be missing."""
    most = 200 if daemon else 900
    requests = {}
    if draw(st.integers(0, 5)) > 0:
        requests["cpu"] = draw(st.integers(1, most // 10)) * 10
    if draw(st.booleans()):
        requests["memory"] = draw(st.integers(1, 8)) * 64 * MIB
    limits = {}
    if draw(st.booleans()):
        limits["cpu"] = requests.get("cpu", 100) + draw(st.sampled_from([0, 100, 1000]))
    containers = [Container(name="app", requests=requests, limits=limits)]
    if draw(st.integers(0, 3)) == 0:
        containers.append(Container(name="proxy", requests={"cpu": 20}, limits={"cpu": 50}))
    tolerations = draw(st.sampled_from([(), (), (TOLERATES_BATCH,), (TOLERATES_ALL,)]))
    return PodTemplate(
        labels={"app": "any"},
        containers=tuple(containers),
        tolerations=(TOLERATES_ALL,) if daemon and draw(st.booleans()) else tolerations,
        node_selector={} if daemon else draw(st.sampled_from([{}, {}, {}, {"pool": "a"}])),
        priority=draw(st.sampled_from([0, 0, 0, 1000, -20])),
        termination_grace_s=draw(st.sampled_from([30, 1])),
    )


strategies = st.one_of(
    st.sampled_from([{}, {}, {"type": "Recreate"}]),
    st.builds(
        lambda surge, unavailable: {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}},
        st.sampled_from([0, 1, 4, "25%", "100%"]),
        st.sampled_from([1, 3, "25%", "100%"]),
    ),
)
rollout_settings = st.fixed_dictionaries(
    {
        "strategy": strategies,
        "min_ready_s": st.sampled_from([0, 0, 20]),
        "progress_deadline_s": st.sampled_from([60, 600]),
        "revision_history_limit": st.sampled_from([0, 1, 10]),
        "paused": st.sampled_from([False, False, False, True]),
    }
)


stateful_settings = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(
            [{}, {"type": "OnDelete"}, {"rollingUpdate": {"partition": 2}}, {"rollingUpdate": {"maxUnavailable": 2}}]
        ),
        "min_ready_s": st.sampled_from([0, 0, 20]),
        "pod_management": st.sampled_from(["OrderedReady", "Parallel"]),
    }
)
daemon_settings = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(
            [{}, {"type": "OnDelete"}, {"rollingUpdate": {"maxUnavailable": "50%"}},
             {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}]
        ),
        "min_ready_s": st.sampled_from([0, 0, 20]),
    }
)  # fmt: skip
SETTINGS = {"Deployment": rollout_settings, "StatefulSet": stateful_settings, "DaemonSet": daemon_settings}
quotas = st.builds(
    ResourceQuota,
    namespace=st.just("default"),
    name=st.sampled_from(["team", "batch"]),
    hard=st.fixed_dictionaries(
        {},
        optional={
            "pods": st.integers(0, 30),
            "requests.cpu": st.integers(0, 60).map(lambda n: 100 * n),
            "limits.cpu": st.integers(0, 90).map(lambda n: 100 * n),
            "requests.memory": st.integers(0, 16).map(lambda n: 256 * MIB * n),
        },
    ),
    scopes=st.sampled_from([(), (), (Scope(name="BestEffort"),), (Scope(name="NotBestEffort"),)]),
)
limit_ranges = st.builds(
    lambda item: LimitRange(namespace="default", name="limits", limits=(item,)),
    st.builds(
        LimitItem,
        type=st.sampled_from(["Container", "Pod"]),
        least=st.sampled_from([{}, {"cpu": 30}]),
        ratio_milli=st.sampled_from([{}, {"cpu": 4000}]),
    ),
)


@st.composite
def workloads(draw, name: str, kind: str) -> Workload:
    """A Deployment, ReplicaSet, DaemonSet or Pod."""
    replicas = 0 if kind == "DaemonSet" else 1 if kind == "Pod" else draw(st.integers(0, 7))
    return Workload(
        kind=kind,
        namespace="default",
        name=name,
        replicas=replicas,
        template=draw(templates(daemon=kind == "DaemonSet")),
        **draw(SETTINGS.get(kind, st.just({}))),
    )


@st.composite
def job_policies(draw, indexed: bool):
    """podFailurePolicy, successPolicy and so on, each of them now and then."""
    per_index = draw(st.sampled_from([None, None, 0, 2])) if indexed else None
    actions = ["Count", "Ignore", "FailJob"] + ["FailIndex"] * (per_index is not None)
    rules = []
    if draw(st.booleans()):
        rules.append(FailureRule(action=draw(st.sampled_from(actions)), operator="In", values=(1,)))
    if draw(st.booleans()):
        rules.append(FailureRule(action=draw(st.sampled_from(actions)), conditions=("DisruptionTarget",)))
    return {
        "backoff_limit_per_index": per_index,
        "max_failed_indexes": draw(st.sampled_from([None, 0, 1])) if per_index is not None else None,
        "failure": tuple(rules),
        "success": draw(st.sampled_from([(), (), (SuccessRule(indexes="0"),), (SuccessRule(count=1),)]))
        if indexed
        else (),
        "replaces_late": draw(st.booleans()) or bool(rules),
        "restarts": not rules and draw(st.booleans()),
    }


@st.composite
def jobs(draw, name: str) -> Workload:
    """A Job, or a CronJob every few minutes."""
    indexed = draw(st.booleans())
    completions = st.integers(1, 6) if indexed else st.sampled_from([None, 1, 5])
    cron = None
    if draw(st.booleans()):
        schedule = draw(st.sampled_from(["*/2 * * * *", "@every 5m", "7,9 * * * *"]))
        cron = CronSettings(schedule=schedule, concurrency=draw(st.sampled_from(["Allow", "Forbid", "Replace"])))
    return Workload(
        kind="CronJob" if cron else "Job",
        namespace="default",
        name=name,
        replicas=0,
        template=draw(templates()),
        cron=cron,
        job=JobSettings(
            parallelism=draw(st.integers(0, 4)),
            completions=draw(completions),
            indexed=indexed,
            backoff_limit=draw(st.sampled_from([0, 2, 6])),
            active_deadline_s=draw(st.sampled_from([None, None, 90])),
            suspend=draw(st.sampled_from([False, False, True])),
            **draw(job_policies(indexed)),
        ),
    )


@st.composite
def behaviours(draw, workload: Workload) -> WorkloadSpec:
    """What its containers use; idle within the request, so that what is requested can always be had."""
    containers = {}
    for container in workload.template.containers:
        containers[container.name] = ContainerBehaviour(
            cpu_per_request_milli=draw(st.sampled_from([0.0, 5.0, 12.5, 40.0])),
            idle_cpu_milli=float(draw(st.integers(0, container.requests.get("cpu", 0)))),
            memory_base_bytes=draw(st.sampled_from([None, 100 * MIB])),
            memory_per_inflight_bytes=draw(st.sampled_from([0, MIB])),
        )
    return WorkloadSpec(
        containers=containers,
        startup_time=draw(durations),
        termination_time_ms=draw(st.sampled_from([0, 2000, 40_000])),
        run_time=draw(st.one_of(st.none(), durations)),
        failure_ratio=draw(st.sampled_from([0.0, 0.3, 1.0])),
        pod_deletion_costs=draw(st.sampled_from([[], [], [5, -1, 3]])),
    )


metrics = st.one_of(
    st.integers(20, 95).map(
        lambda percent: {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}
    ),
    st.integers(50, 800).map(
        lambda milli: {"name": "cpu", "target": {"type": "AverageValue", "averageValue": f"{milli}m"}}
    ),
    st.integers(50, 300).map(
        lambda mib: {"name": "memory", "target": {"type": "AverageValue", "averageValue": f"{mib}Mi"}}
    ),
).map(lambda resource: {"type": "Resource", "resource": resource})
SERVED = {
    "per_pod": MetricSpec(measures="rps", rate_window_ms=120_000),
    "waiting": MetricSpec(measures="inFlight"),
    "arriving": MetricSpec(measures="rps"),
    "queue": MetricSpec(series=StepsSeries.model_validate(
        {"steps": [{"at_ms": 0, "value": 10}, {"at_ms": 400_000, "value": 90}, {"at_ms": 900_000, "value": 0}]},
        by_name=True)),
}  # fmt: skip
"""What the adapter serves; ``unknown`` it does not."""


def adapter_metric(kind: str, name: str, target: int, service: str):
    """A Pods, Object or External metric."""
    average = {"type": "AverageValue", "averageValue": str(target)}
    body = {"metric": {"name": name}, "target": average}
    if kind == "Object":
        body["describedObject"] = {"apiVersion": "v1", "kind": "Service", "name": service}
    return {"type": kind, kind.lower(): body}


@st.composite
def adapter_metrics(draw, service: str):
    """One that the adapter serves, or does not."""
    kind, names = draw(
        st.sampled_from(
            [("Pods", ["per_pod", "waiting", "unknown"]), ("Object", ["arriving"]), ("External", ["queue", "unknown"])]
        )
    )
    return adapter_metric(kind, draw(st.sampled_from(names)), draw(st.sampled_from([5, 20, 80])), service)


behaviors = st.sampled_from(
    [
        None,
        None,
        {"scaleDown": {"stabilizationWindowSeconds": 60}},
        {
            "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]},
            "scaleDown": {
                "stabilizationWindowSeconds": 0,
                "policies": [{"type": "Percent", "value": 50, "periodSeconds": 30}],
            },
        },
    ]
)


@st.composite
def hpas(draw, target: Workload, *, served: bool = False, suffix: str = "") -> Hpa:
    """An HPA with one or two metrics of pods; ``served``: its target has a service, that metrics can be of."""
    low = draw(st.integers(1, 3))
    of_adapter = adapter_metrics(target.name) if served else metrics
    return Hpa(
        namespace="default",
        name=target.name + suffix,
        target_key=target.key,
        min_replicas=low,
        max_replicas=low + draw(st.integers(0, 9)),
        metrics=draw(st.lists(st.one_of(metrics, metrics, of_adapter), min_size=1, max_size=2)),
        behavior=draw(behaviors),
    )


@st.composite
def series(draw, duration_ms: int, most: int):
    """Steps or ramps with a few corners."""
    count = draw(st.integers(0, 4))
    times = sorted(draw(st.sets(st.integers(1, duration_ms // 1000 - 1), min_size=count, max_size=count)))
    corners = [[at * 1000, draw(st.one_of(st.just(0), st.integers(0, most)))] for at in [0, *times]]
    points = [{"at_ms": at, "value": value} for at, value in corners]
    if draw(st.booleans()):
        return StepsSeries.model_validate({"steps": points}, by_name=True)
    return RampSeries.model_validate({"ramp": points, "step_ms": draw(st.sampled_from([5000, 40_000]))}, by_name=True)


@st.composite
def rollouts(draw, target: Workload) -> Rollout:
    """A new version that may be larger, dearer or slower, or never Ready."""
    change = {"image": draw(st.sampled_from([None, "v1", "v2"]))}
    if draw(st.booleans()):
        change["new_requests"] = {"cpu": draw(st.integers(1, 90)) * 10}
        change["idle_cpu_milli"] = 0.0  # what idles is within the request, here too
    if draw(st.booleans()):
        change["cpu_per_request_milli"] = draw(st.sampled_from([0.0, 10.0, 60.0]))
    if draw(st.booleans()):
        change["startup_time"] = draw(st.one_of(durations, st.just(Distribution.constant(10_000_000))))
    if draw(st.integers(0, 3)) == 0:
        change["termination_time_ms"] = draw(st.sampled_from([0, 20_000]))
    return Rollout(target=target.key, **change)


@st.composite
def events(draw, duration_ms: int, scenario_parts) -> TimedEvent:
    """Somebody does something, or something breaks."""
    listed_groups, deployments, listed_hpas, names, daemons, listed_quotas = scenario_parts
    at_ms = draw(st.integers(0, duration_ms // 1000 - 1)) * 1000 + draw(st.sampled_from([0, 0, 1, 417]))
    kinds = ["add", "drain", "fail", "fault", "fault"] + ["scale"] * bool(deployments) + ["apply"] * bool(listed_hpas)
    rolled = [w for w in deployments if w.kind == "Deployment"]
    kinds += ["rollout", "rollout", "rollback", "pause_rollout", "resume_rollout"] * bool(rolled)
    updated = [w for w in deployments if w.kind == "StatefulSet"]
    updated += daemons
    kinds += ["update"] * bool(updated) + ["quota"] * bool(listed_quotas)
    kind = draw(st.sampled_from(kinds))
    if kind == "scale":
        action = {"scale": Scale(target=draw(st.sampled_from(deployments)).key, replicas=draw(st.integers(0, 12)))}
    elif kind == "apply":
        old = draw(st.sampled_from(listed_hpas))
        new = draw(hpas(next(d for d in deployments if d.key == old.target_key)))
        new = new.replaced(name=old.name)
        action = {"apply": Apply(object=new)}
    elif kind == "rollout":
        action = {"rollout": draw(rollouts(draw(st.sampled_from(rolled))))}
    elif kind == "quota":
        old = draw(st.sampled_from(listed_quotas))
        action = {"apply": Apply(object=draw(quotas).replaced(name=old.name, scopes=old.scopes))}
    elif kind == "update":
        action = {"rollout": draw(rollouts(draw(st.sampled_from(updated))))}
    elif kind == "rollback":
        target = draw(st.sampled_from(rolled)).key
        action = {"rollback": Rollback(target=target, to_revision=draw(st.integers(0, 3)))}
    elif kind in ("pause_rollout", "resume_rollout"):
        action = {kind: PauseRollout(target=draw(st.sampled_from(rolled)).key)}
    elif kind == "add":
        group = draw(st.sampled_from(listed_groups))
        action = {
            "add_nodes": AddNodes(group=group.name, count=draw(st.integers(1, 3)), immediately=draw(st.booleans()))
        }
    elif kind == "fault":
        action = draw(faults(listed_groups, names))
    else:
        action = {kind: (Drain if kind == "drain" else Fail)(node=draw(st.sampled_from(names)))}
    return TimedEvent(at_ms=at_ms, **action)


@st.composite
def faults(draw, listed_groups, names) -> dict[str, object]:
    """Something breaks that the control plane has to find out about, or somebody takes nodes out of service."""
    group = draw(st.sampled_from(listed_groups))
    node, lasts_ms = draw(st.sampled_from(names)), draw(st.sampled_from([1000, 45_000, 130_000, 900_000]))
    mode = draw(st.sampled_from(["unreachable", "partition"]))
    surge, unavailable = draw(st.sampled_from([(1, 0), (0, 1), (1, 2)]))
    kinds = [
        {"fail": Fail(node=node, mode=mode, duration_ms=draw(st.sampled_from([None, lasts_ms])))},
        {"fail": Fail(node=node, mode="terminated")},
        {"drain": Drain(node=node, timeout_ms=lasts_ms, disable_eviction=draw(st.booleans()))},
        {"spot_reclaim": SpotReclaim(group=group.name, count=2, notice_ms=lasts_ms, drain=draw(st.booleans()))},
        {"upgrade": Upgrade(group=group.name, max_surge=surge, max_unavailable=unavailable, drain_timeout_ms=lasts_ms)},
        {"upgrade": Upgrade(group=group.name, mode="reboot", reboot_time_ms=lasts_ms)},
        {"control_plane_outage": ControlPlaneOutage(nodes=draw(st.integers(1, 2)), duration_ms=lasts_ms)},
    ]
    if group.zones:
        kinds.append({"zone_outage": ZoneOutage(zone=group.zones[0], duration_ms=lasts_ms, mode=mode)})
    return draw(st.sampled_from(kinds))


autoscalers = st.builds(
    ClusterAutoscalerSpec,
    expander=st.sampled_from(["least-waste", "random", "most-pods", "least-nodes"]),
    scale_down_unneeded_time_ms=st.sampled_from([60_000, 180_000, 600_000]),
    scale_down_delay_after_add_ms=st.sampled_from([0, 120_000]),
    scale_down_utilization_threshold=st.sampled_from([0.5, 0.8]),
    scale_down_enabled=st.sampled_from([True, True, False]),
    max_nodes_total=st.sampled_from([0, 0, 6]),
    max_drain_parallelism=st.sampled_from([1, 3]),
    new_pod_scale_up_delay_ms=st.sampled_from([0, 15_000]),
)
control_planes = st.builds(
    ControlPlaneSpec,
    rate_limits=st.booleans(),
    kube_controller_manager=st.builds(
        KubeControllerManagerSpec,
        release=st.sampled_from(["1.36", "1.36", "1.36", "1.32", "1.15"]),
        kube_api_qps=st.sampled_from([20.0, 20.0, 0.1]),
    ),
    kubelet=st.builds(KubeletSpec, housekeeping_interval_ms=st.sampled_from([0, 10_000, 10_000, 4_000])),
    prometheus=st.builds(PrometheusSpec, scrape_interval_ms=st.sampled_from([15_000, 60_000])),
    prometheus_adapter=st.builds(PrometheusAdapterSpec, metrics_relist_interval_ms=st.sampled_from([60_000, 600_000])),
    metrics_server=st.builds(
        MetricsServerSpec,
        delay_ms=st.sampled_from([0, 2000]),
        missed_scrapes_ratio=st.sampled_from([0.0, 0.0, 0.0, 0.1]),
    ),
    delays=st.sampled_from(
        [
            DelaySpec(),
            DelaySpec(endpoint_propagation_ms=3000),
            DelaySpec(hpa_to_scale_ms=0, schedule_ms=0, unbound_delete_ms=0, hpa_sync_lag_ms=0),
        ]
    ),
    nodes=st.sampled_from([1, 3]),
    phases=st.sampled_from(["random", "zero", Phases(scrape_ms=3000, hpa_ms=18)]),
)


@st.composite
def scenarios(draw, minutes: tuple[int, int] = (10, 45)) -> Scenario:
    """A scenario of 2 to 5 workloads on 1 to 3 node groups."""
    duration_ms = draw(st.integers(*minutes)) * MINUTE_MS
    listed_groups = [draw(groups(f"g{i}")) for i in range(draw(st.integers(1, 3)))]
    listed_nodes = [draw(nodes("static-1"))] if draw(st.integers(0, 3)) == 0 else []
    deployments = [
        draw(workloads(f"w{i}", draw(st.sampled_from(["Deployment", "Deployment", "ReplicaSet", "StatefulSet"]))))
        for i in range(draw(st.integers(1, 4)))
    ]
    others = [draw(workloads(f"d{i}", "DaemonSet")) for i in range(draw(st.integers(0, 2)))]
    if draw(st.integers(0, 3)) == 0:
        others.append(draw(workloads("p0", "Pod")))
    others += [draw(jobs(f"j{i}")) for i in range(draw(st.integers(0, 2)))]
    specs = {w.key: draw(behaviours(w)) for w in [*deployments, *others] if draw(st.integers(0, 5)) > 0}
    services, traffic, usage = {}, {}, {}
    for w in deployments:
        fed = draw(st.sampled_from(["traffic", "traffic", "usage", "nothing"]))
        if fed == "traffic":
            services[f"default/{w.name}"] = ServiceSpec(
                workloads=[w.key],
                overload=draw(st.sampled_from(["queue", "drop"])),
                request_timeout_ms=draw(st.sampled_from([500, 30_000])),
            )
            traffic[f"default/{w.name}"] = draw(series(duration_ms, 300))
        elif fed == "usage":
            memory = draw(series(duration_ms, 200 * MIB)) if draw(st.booleans()) else None
            usage[w.key] = UsageSpec(cpu=draw(series(duration_ms, 4)), memory=memory)
    fed = [w.key for w in deployments if w.key not in usage]
    if len(fed) > 1 and draw(st.booleans()):
        services["default/all"] = ServiceSpec(workloads=fed)
        traffic["default/all"] = draw(series(duration_ms, 200))
    listed_hpas = [
        draw(hpas(w, served=f"default/{w.name}" in services)) for w in deployments if draw(st.integers(0, 2)) > 0
    ]
    if listed_hpas and draw(st.integers(0, 4)) == 0:  # a second HPA on one target
        target = next(w for w in deployments if w.key == listed_hpas[0].target_key)
        listed_hpas.append(draw(hpas(target, suffix="-2")))
    healed = [SelfHealSpec(target=w.key) for w in deployments if draw(st.integers(0, 6)) == 0]
    names = [f"{g.name}-{i}" for g in listed_groups for i in range(1, g.initial + 3)] + [n.name for n in listed_nodes]
    some = draw(st.integers(0, 2)) == 0
    listed_quotas = draw(st.lists(quotas, max_size=2, unique_by=lambda one: one.name)) if some else []
    daemons = [w for w in others if w.kind == "DaemonSet"]
    parts = (listed_groups, deployments, listed_hpas, names, daemons, listed_quotas)
    listed_limits = [draw(limit_ranges)] if draw(st.integers(0, 9)) == 0 else []
    return Scenario(
        name="random",
        duration_ms=duration_ms,
        seed=draw(st.integers(0, 2**40)),
        sample_interval_ms=draw(st.sampled_from([15_000, 60_000, 77_777])),
        initial_state=draw(st.sampled_from(["settled", "settled", "declared", "empty"])),
        node_groups=listed_groups,
        objects=KubeObjects(
            workloads=[*deployments, *others],
            nodes=listed_nodes,
            hpas=listed_hpas,
            quotas=listed_quotas,
            limit_ranges=listed_limits,
        ),
        services=services,
        workloads=specs,
        traffic=traffic,
        usage=usage,
        metrics=SERVED,
        self_heal=healed,
        events=draw(st.lists(events(duration_ms, parts), max_size=5)),
        cluster_autoscaler=draw(st.one_of(st.none(), autoscalers)),
        scheduler=SchedulerSpec(tie_break=draw(st.sampled_from(["random", "first"]))),
        control_plane=draw(control_planes),
    )
