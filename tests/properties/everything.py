"""Random scenarios with everything that capsim models switched on or off at random, all of it in one run."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from capsim.scenario import Container, Failures, PodTemplate, ServiceSpec, TimedEvent, Workload, WorkloadSpec
from capsim.scenario.calls import Balancing, Call, LatencyObjective, ServiceTime, Slo, Visit
from capsim.scenario.kube_scheduler import KubeSchedulerConfiguration
from capsim.scenario.kubernetes.pdb import Pdb
from capsim.scenario.lifetimes import Lifetimes
from capsim.scenario.network import ServiceNetwork
from capsim.scenario.scheduled_size import Resize, ScheduledSize
from capsim.scenario.series.packed import Numbers
from capsim.scenario.subnets import PodAddresses, Subnet
from capsim.scenario.workload import StartupCpu, WarmUp
from tests.properties.claims import with_claims
from tests.properties.disks import with_disks
from tests.properties.scenarios import MIB, MINUTE_MS, durations, events
from tests.properties.test_pods_in_parts import in_parts

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
MODES = ("gone", "terminated", "unreachable", "partition")
POLICIES = ("random", "roundRobin", "leastRequests", "randomOfTwo", "connection", "connection")


@st.composite
def everything(draw):
    """A scenario of ten minutes to an hour; each feature has its own coin."""
    scenario = draw(in_parts())
    if draw(st.booleans()):
        scenario = draw(with_claims(scenario))
    if draw(st.integers(0, 2)) == 0:
        scenario = draw(with_disks(scenario))
    listed_groups = [draw(failing(group)) for group in scenario.node_groups]
    listed = [draw(with_rules(workload)) for workload in scenario.objects.workloads]
    changes = {"node_groups": listed_groups}
    specs = {key: draw(responding(scenario, key, spec)) for key, spec in scenario.workloads.items()}
    if draw(st.integers(0, 2)) == 0:
        specs = {w.key: draw(above_its_request(w, specs[w.key])) for w in listed if w.key in specs}
    if draw(st.booleans()):
        specs = {key: draw(warming(spec)) for key, spec in specs.items()}
    if draw(st.booleans()):
        changes["subnets"], changes["node_groups"] = draw(in_subnets(listed_groups))
        listed_groups = changes["node_groups"]
    lifetimes = {}
    if draw(st.booleans()):
        workload, record = draw(recorded_pods(scenario.duration_ms))
        listed.append(workload)
        specs[workload.key] = WorkloadSpec(startup_time=draw(durations))
        lifetimes[workload.key] = record
    budgets = [draw(disruption_budgets(workload)) for workload in listed if draw(st.integers(0, 2)) == 0]
    objects = scenario.objects.model_copy(update={"workloads": listed, "pdbs": budgets})
    services = draw(calling(scenario.services))
    journeys, slos = draw(promises(list(services)))
    if draw(st.integers(0, 3)) == 0:
        changes |= {"initial_state": "recorded", "placement": draw(placements(listed, listed_groups))}
    happens = [*scenario.events, *draw(st.lists(more_events(scenario), max_size=8))]
    return scenario.model_copy(
        update={
            **changes,
            "objects": objects,
            "workloads": specs,
            "services": services,
            "journeys": journeys,
            "slos": slos,
            "lifetimes": lifetimes,
            "events": happens,
            "scheduler": scenario.scheduler.model_copy(update={"configuration": draw(configurations)}),
        }
    )


@st.composite
def failing(draw, group):
    """The group with random failures, repairs, sizes by the clock, and more zones."""
    change = {}
    if draw(st.integers(0, 2)) == 0:
        mtbf = draw(st.sampled_from([2, 20, 200])) * MINUTE_MS
        change["failures"] = Failures(mtbf_ms=mtbf, mttr_ms=draw(st.sampled_from([5_000, 300_000])), mode=draw(
            st.sampled_from(MODES)))  # fmt: skip
    if draw(st.integers(0, 2)) == 0:
        change["auto_repair_ms"] = draw(st.sampled_from([60_000, 600_000]))
    if draw(st.integers(0, 3)) == 0:
        sizes = [{"min": group.min}, {"size": group.initial}, {"max": group.max}, {"min": 0, "size": group.max}]
        cron = draw(st.sampled_from(["*/7 * * * *", "3,11 * * * *", "2-59/9 * * * *"]))
        change["schedule"] = [ScheduledSize(cron=cron, **draw(st.sampled_from(sizes)))]
    if draw(st.booleans()):
        change["zones"] = ["a", "b", "c"]
    if draw(st.integers(0, 3)) == 0:
        change["pod_ips"] = draw(st.sampled_from([1, 3, 8]))
    return group.model_copy(update=change)


@st.composite
def in_subnets(draw, groups):
    """Subnets that are soon empty, and the groups with their machines and pods in them."""
    start = sum(group.initial for group in groups)
    listed = {name: Subnet(addresses=start + draw(st.sampled_from([0, 2, 15, 100, 1000]))) for name in ("s", "t")}
    found = []
    for group in groups:
        pods = None
        if draw(st.booleans()):
            way = draw(st.sampled_from([{}, {"block": 4, "warm": 3}, {"block": 16, "warm": 0}, {"node_mask": 30}]))
            if "node_mask" not in way:
                way = {**way, "cool_down_ms": draw(st.sampled_from([0, 1_000, 300_000]))}
            pods = PodAddresses(subnet=draw(st.sampled_from(["s", "t"])), **way)
        machine = draw(st.sampled_from([None, "s", "t"]))
        if group.zones and machine and draw(st.booleans()):
            machine = {zone: draw(st.sampled_from(["s", "t"])) for zone in group.zones}
        found.append(group.model_copy(update={"subnet": machine, "pod_addresses": pods}))
    return listed, found


@st.composite
def with_rules(draw, workload):
    """The workload with a label of its own, and rules where its pods may be."""
    own = {"app": workload.name}
    template = workload.template.model_copy(update={"labels": own})
    change = {}
    if workload.kind != "DaemonSet" and draw(st.integers(0, 2)) == 0:
        constraint = {"maxSkew": draw(st.integers(1, 3)), "topologyKey": draw(st.sampled_from([ZONE, HOST]))}
        constraint |= {"whenUnsatisfiable": draw(st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]))}
        change["topology_spread"] = [{**constraint, "labelSelector": {"matchLabels": own}}]
    if workload.kind != "DaemonSet" and draw(st.integers(0, 3)) == 0:
        term = {"topologyKey": draw(st.sampled_from([ZONE, HOST])), "labelSelector": {"matchLabels": own}}
        hard = {REQUIRED: [term]}
        soft = {PREFERRED: [{"weight": 50, "podAffinityTerm": term}]}
        change["affinity"] = draw(st.sampled_from([{"podAntiAffinity": hard}, {"podAntiAffinity": soft}, {
            "podAffinity": soft}]))  # fmt: skip
    return workload.model_copy(update={"template": template.model_copy(update=change)})


@st.composite
def above_its_request(draw, workload, spec):
    """The behaviour with pods that use more memory than they request: their nodes run short of it."""
    name = workload.template.containers[0].name
    if name not in spec.containers or draw(st.booleans()):
        return spec
    base = workload.template.containers[0].requests.get("memory", 0) + draw(st.sampled_from([300, 1500])) * MIB
    own = spec.containers[name].model_copy(update={"memory_base_bytes": base})
    return spec.model_copy(update={"containers": {**spec.containers, name: own}})


@st.composite
def responding(draw, scenario, key, spec):
    """The behaviour, with response times where a request takes any."""
    recorded = scenario.usage.get(key)
    busy = any(container.cpu_per_request_milli for container in spec.containers.values())
    if (recorded is not None and recorded.cpu is not None) or draw(st.booleans()):
        return spec
    wait_ms = draw(st.sampled_from([0, 20, 800])) if busy else 20
    concurrency, queue = draw(st.sampled_from([(0, None), (1, 0), (4, None), (4, 10)]))
    return spec.model_copy(
        update={
            "service_time": ServiceTime(
                variation=draw(st.sampled_from([0.0, 1.0, 2.5])), wait_ms=wait_ms, concurrency=concurrency, queue=queue
            )
        }
    )


@st.composite
def warming(draw, spec):
    """The behaviour with starts that burn CPU, and pods that are cold at first."""
    change = {}
    if draw(st.booleans()):
        change["startup_cpu"] = StartupCpu(
            cpu_seconds=draw(st.sampled_from([0.0, 0.5, 20.0, 400.0])), cores_milli=draw(st.sampled_from([200, 3000]))
        )
    if draw(st.booleans()):
        change["warm_up"] = WarmUp(
            factor=draw(st.sampled_from([1.0, 2.0, 9.0])), half_life_ms=draw(st.sampled_from([100, 20_000, 300_000]))
        )
    return spec.model_copy(update=change)


@st.composite
def recorded_pods(draw, duration_ms):
    """A ReplicaSet whose pods come and go as recorded."""
    moment = st.integers(-1, duration_ms + MINUTE_MS)
    rows = draw(st.lists(st.tuples(moment, st.one_of(st.just(-1), st.integers(0, duration_ms))), max_size=25))
    created = np.array([at for at, _ in rows], float)
    deleted = np.array([-1 if lasts < 0 else max(at, 0) + lasts for at, lasts in rows], float)
    container = Container(name="app", requests={"cpu": draw(st.sampled_from([50, 400]))})
    workload = Workload(
        kind="ReplicaSet",
        namespace="default",
        name="recorded",
        replicas=int((created < 0).sum()),
        template=PodTemplate(labels={"app": "recorded"}, containers=(container,)),
    )
    return workload, Lifetimes(created_ms=Numbers(created), deleted_ms=Numbers(deleted))


@st.composite
def disruption_budgets(draw, workload):
    """A budget for the pods of a workload."""
    bound = draw(st.sampled_from(["min_available", "max_unavailable"]))
    return Pdb(
        namespace="default",
        name=workload.name,
        selector={"matchLabels": {"app": workload.name}},
        unhealthy_pod_eviction_policy=draw(st.sampled_from(["IfHealthyBudget", "AlwaysAllow"])),
        **{bound: draw(st.sampled_from([0, 1, 3, "30%", "100%"]))},
    )


calls = st.builds(
    dict,
    per_request=st.sampled_from([0.3, 1.0, 2.0]),
    timeout_ms=st.sampled_from([None, 100, 2000]),
    retries=st.sampled_from([0, 0, 2]),
    backoff_ms=st.sampled_from([0, 25]),
    retry_budget=st.sampled_from([None, 0.2]),
    cache_hits=st.sampled_from([0.0, 0.5]),
    optional=st.booleans(),
)


@st.composite
def calling(draw, services):
    """The services, each of which may call later ones, with a way to spread requests over pods."""
    names = list(services)
    found: dict[str, ServiceSpec] = {}
    for index, name in enumerate(names):
        later = names[index + 1 :]
        steps = []
        if later and draw(st.booleans()):
            asked = draw(st.lists(st.sampled_from(later), min_size=1, max_size=3))
            made = [Call(service=other, **draw(calls)) for other in asked]
            steps = [Call(parallel=made)] if len(made) > 1 and draw(st.booleans()) else made
        if later and not steps and draw(st.integers(0, 5)) == 0:
            steps = [Call(service=name, per_request=0.5, recursive=True)]
        balancing = Balancing(
            policy=draw(st.sampled_from(POLICIES)),
            connections=draw(st.sampled_from([3, 100])),
            connection_lifetime_ms=draw(st.sampled_from([30_000, 3_600_000])),
        )
        network = draw(st.sampled_from([None, ServiceNetwork(request_bytes=1000, response_bytes=50_000)]))
        found[name] = services[name].model_copy(update={"calls": steps, "balancing": balancing, "network": network})
    return found


@st.composite
def promises(draw, names):
    """Journeys and objectives."""
    if not names or draw(st.booleans()):
        return {}, []
    visits = [Visit(service=name, requests=draw(st.integers(1, 3))) for name in draw(
        st.lists(st.sampled_from(names), min_size=1, max_size=3))]  # fmt: skip
    latency = LatencyObjective(percentile=draw(st.sampled_from([50.0, 99.0])), below_ms=draw(
        st.sampled_from([50, 5000])))  # fmt: skip
    slos = [
        Slo(service=draw(st.sampled_from(names)), latency=latency),
        Slo(service=draw(st.sampled_from(names)), availability=99.9),
        Slo(journey="buy", latency=latency),
    ]
    return {"buy": visits}, slos


@st.composite
def placements(draw, listed, listed_groups):
    """Where some of the replicas were at the start."""
    found = {}
    there = [f"{group.name}-{i}" for group in listed_groups for i in range(1, group.initial + 1)]
    for workload in listed:
        if there and workload.kind in ("Deployment", "ReplicaSet", "StatefulSet") and draw(st.booleans()):
            count = draw(st.integers(0, workload.replicas))
            if count:
                found[workload.key] = {draw(st.sampled_from(there)): count}
    return found


@st.composite
def more_events(draw, scenario):
    """Anything that may happen, sizes set by hand among it."""
    deployments = [w for w in scenario.objects.workloads if w.kind in ("Deployment", "ReplicaSet", "StatefulSet")]
    names = [f"{g.name}-{i}" for g in scenario.node_groups for i in range(1, g.initial + 3)]
    if draw(st.integers(0, 4)) == 0:
        group = draw(st.sampled_from(scenario.node_groups))
        size = Resize(group=group.name, size=draw(st.integers(0, 6)))
        return TimedEvent(at_ms=draw(st.integers(0, scenario.duration_ms - 1)), resize=size)
    daemons = [w for w in scenario.objects.workloads if w.kind == "DaemonSet"]
    parts = (scenario.node_groups, deployments, [], names, daemons, scenario.objects.quotas)
    return draw(events(scenario.duration_ms, parts))


configurations = st.one_of(
    st.none(),
    st.builds(
        lambda kind, percentage: KubeSchedulerConfiguration.model_validate(
            {
                "percentageOfNodesToScore": percentage,
                "profiles": [
                    {"pluginConfig": [{"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": kind}}}]}
                ],
            }
        ),
        st.sampled_from(["LeastAllocated", "MostAllocated"]),
        st.sampled_from([0, 5, 100]),
    ),
)
