"""A pod's start in its parts: pulls, init containers, sidecars, the process, probes. All loops at phase 0."""

from __future__ import annotations

import pandas as pd
import pytest

from capsim.engine.drive import Simulation
from capsim.scenario import (
    ClusterAutoscalerSpec,
    Container,
    ControlPlaneSpec,
    KubeletSpec,
    PodTemplate,
    TimedEvent,
    Workload,
    WorkloadSpec,
)
from capsim.scenario.images import ImageSpec
from capsim.scenario.kubernetes.lifecycle import Probe
from capsim.scenario.workload import ContainerBehaviour
from tests.engine.clusters import cluster, deployment, group
from tests.engine.faults.stories import played

pytestmark = [pytest.mark.plain]

MB = 10**6
SCALE_MS = 60_000
# Replicas changed 34 ms later, bound 12 ms after.
BOUND_MS = SCALE_MS + 34 + 12
NODE = {"pull_bandwidth_bytes": 50 * MB}


def image(size_mb=None, **layers_mb):
    if size_mb is not None:
        return ImageSpec(size_bytes=size_mb * MB)
    return ImageSpec(layers={name: size * MB for name, size in layers_mb.items()})


def started(
    containers, images, init=(), process_s=3, replicas=1, nodes=1, kubelet=None, specs=None, burns_s=None, **node
):
    """Pods of one workload that are asked for at SCALE_MS on empty nodes: (bound, Ready) of each, ms after the first
    was bound."""
    template = PodTemplate(labels={"app": "a"}, containers=tuple(containers), init_containers=tuple(init))
    a = Workload(kind="Deployment", namespace="default", name="a", replicas=0, template=template)
    scale = TimedEvent.model_validate({"at": "60s", "scale": {"target": a.key, "replicas": replicas}})
    behaviour = {"startup_time": {"mean_ms": process_s * 1000}, "containers": specs or {}}
    if burns_s is not None:
        behaviour["startup_cpu"] = {"cpu_seconds": burns_s}
    scenario = cluster(
        [a],
        [group(count=nodes, **{**NODE, **node})],
        images=images,
        events=[scale],
        workloads={a.key: WorkloadSpec.model_validate(behaviour, by_name=True)},
        control_plane=ControlPlaneSpec(phases="zero", kubelet=kubelet or KubeletSpec(registry_latency_ms=0)),
        initial_state="declared",
    )
    _, result = played(scenario)
    pods = result.pods.sort_values("created_ms")
    first = pods["scheduled_ms"].min()
    assert first == BOUND_MS
    return list(zip(pods["scheduled_ms"] - first, pods["ready_ms"] - first))


def app(image="app:1", name="app", **more):
    return Container(name=name, image=image, requests={"cpu": 100}, **more)


def test_without_images_a_start_is_one_duration():
    assert started([app()], None) == [(0, 3000)]


def test_a_pull_takes_size_over_bandwidth_and_the_process_starts_after_it():
    assert started([app()], {"app:1": image(100)}) == [(0, 2001 + 3000)]


def test_an_image_that_is_there_is_not_pulled_again():
    first, second = started([app()], {"app:1": image(100)}, replicas=2)
    # Created 10 ms later, while the image is on its way: it waits for the same pull.
    assert first == (0, 5001)
    assert second == (10, 5001)


def test_layers_that_images_share_are_pulled_once():
    images = {"app:1": image(base=100, app=50), "log:1": image(base=100, log=10)}
    both = [app(), app("log:1", "log")]
    assert started(both, images) == [(0, 3001 + 201 + 3000)]


@pytest.mark.parametrize(("serial", "ready_ms"), [(True, [5001, 7002]), (False, [5001, 5011])])
def test_pulls_are_serial_or_parallel(serial, ready_ms):
    """serialize-image-pulls: true is upstream's default."""
    kubelet = KubeletSpec(registry_latency_ms=0, serialize_image_pulls=serial)
    a, b = (
        Workload(
            kind="Deployment", namespace="default", name=name, replicas=0,
            template=PodTemplate(labels={"app": name}, containers=(app(f"{name}:1"),)),
        )
        for name in "ab"
    )  # fmt: skip
    scales = [
        TimedEvent.model_validate({"at": f"{60_000 + 10 * i}ms", "scale": {"target": w.key, "replicas": 1}})
        for i, w in enumerate((a, b))
    ]
    specs = {w.key: WorkloadSpec.model_validate({"startup_time": {"mean_ms": 3000}}, by_name=True) for w in (a, b)}
    _, result = played(
        cluster(
            [a, b], [group(**NODE)], images={"*": image(100)}, events=scales, workloads=specs,
            control_plane=ControlPlaneSpec(phases="zero", kubelet=kubelet), initial_state="declared",
        )
    )  # fmt: skip
    assert (result.pods.sort_values("created_ms")["ready_ms"] - BOUND_MS).tolist() == ready_ms


@pytest.mark.parametrize(
    ("policy", "tag", "pulls_ms"),
    [("", "1", 0), ("IfNotPresent", "latest", 0), ("Always", "1", 200), ("", "latest", 200)],
)
def test_the_pull_policy_always_asks_the_registry(policy, tag, pulls_ms):
    """Always is the default for `latest`: the layers are there, the registry is asked all the same."""
    name = f"app:{tag}"
    kubelet = KubeletSpec(registry_latency_ms=200)
    found = started([app(name, pull_policy=policy)], {name: image(100)}, kubelet=kubelet, preloaded_images=[name])
    assert found == [(0, pulls_ms + 3000)]


def test_never_and_unknown_images_are_taken_to_be_there():
    assert started([app(pull_policy="Never")], {"app:1": image(100)}) == [(0, 3000)]
    assert started([app()], {}) == [(0, 3000)]


def test_init_containers_run_in_order_each_after_its_pull():
    init = [app("tool:1", "one"), app("tool:1", "two")]
    specs = {"one": ContainerBehaviour(run_time_ms=4000), "two": ContainerBehaviour(run_time_ms=6000)}
    found = started([app()], {"app:1": image(100), "tool:1": image(50)}, init, specs=specs)
    assert found == [(0, 1001 + 4000 + 6000 + 2001 + 3000)]


def test_a_sidecar_has_to_start_before_what_follows():
    sidecar = app("proxy:1", "proxy", restart_policy="Always")
    assert started([app()], {}, [sidecar]) == [(0, 3000 + 3000)]


@pytest.mark.parametrize(
    ("startup", "readiness", "ready_ms"),
    [
        (None, Probe(period_s=10), 10_000),
        (None, Probe(initial_delay_s=5, period_s=10), 5_000),
        (None, Probe(initial_delay_s=1, period_s=1), 3_000),
        (None, Probe(initial_delay_s=2, period_s=5), 7_000),
        (None, Probe(period_s=2, success_threshold=3), 4_000 + 4_000),
        (Probe(period_s=4), None, 4_000),
        (Probe(initial_delay_s=10, period_s=1), Probe(period_s=7), 14_000),
    ],
)
def test_ready_is_the_first_check_that_succeeds(startup, readiness, ready_ms):
    """initialDelaySeconds, periodSeconds, successThreshold; readiness counts from the startup probe's success on."""
    found = started([app(startup_probe=startup, readiness_probe=readiness)], {})
    assert found == [(0, ready_ms)]


@pytest.mark.parametrize(
    ("startup", "readiness", "ready_ms"),
    [
        (None, None, 2001 + 3000 + 8000),
        (None, Probe(period_s=10), 2001 + 20_000),
        (Probe(period_s=4, failure_threshold=9), None, 2001 + 12_000),
        (Probe(period_s=4, failure_threshold=9), Probe(period_s=7, success_threshold=2), 2001 + 14_000 + 7_000),
    ],
)
def test_probes_find_a_start_when_it_has_used_its_cpu(startup, readiness, ready_ms):
    """A pull of 2 s, 3 s of the process, then 8 CPU-seconds on one core: up 11 s after the container was started."""
    found = started([app(startup_probe=startup, readiness_probe=readiness)], {"app:1": image(100)}, burns_s=8.0)
    assert found == [(0, ready_ms)]


def test_a_startup_probe_gives_up_a_start_that_takes_too_long_for_its_cpu():
    """8 s at most: 5 CPU-seconds behind 3 s of the process are in time, 6 are not, however often it is tried."""
    probe = Probe(period_s=4, failure_threshold=3)
    assert started([app(startup_probe=probe)], {}, burns_s=5.0) == [(0, 8000)]
    ((_, ready),) = started([app(startup_probe=probe)], {}, burns_s=6.0)
    assert pd.isna(ready)


def test_nodes_of_the_start_have_the_images_of_their_pods_and_new_ones_do_not():
    a = deployment("a", 1).model_copy()
    template = PodTemplate(labels={"app": "a"}, containers=(app(),))
    a = a.model_copy(update={"template": template})
    more = TimedEvent.model_validate({"at": "60s", "scale": {"target": a.key, "replicas": 2}})
    scenario = cluster([a], [group(**NODE)], images={"app:1": image(100)}, events=[more])
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    ready = sim.state.pods.ready_ms[sim.state.pods.uid >= 0]
    assert sorted(ready.tolist())[1] - BOUND_MS == 5000
    n = sim.add_node(0, 9, boots=False)
    assert (sim.state.startup.have_ms[n] > sim.now_ms).all()


def test_nodes_that_an_autoscaler_has_added_before_the_start_have_them_too():
    template = PodTemplate(labels={"app": "a"}, containers=(app().model_copy(update={"requests": {"cpu": 3000}}),))
    a = deployment("a", 4).model_copy(update={"template": template})
    scenario = cluster([a], images={"app:1": image(100)}, cluster_autoscaler=ClusterAutoscalerSpec())
    sim = Simulation(scenario)
    nodes = sim.state.pods.node[sim.state.pods.ready_ms < 0][:4]
    assert sorted(nodes.tolist()) == [0, 1, 2, 3]
    assert (sim.state.startup.have_ms[nodes] <= 0).all()


def test_image_locality_sees_where_an_image_is():
    """The node that pulled an image for one workload is preferred for another one with it (2 GB on one of three)."""
    template = PodTemplate(labels={"app": "a"}, containers=(app(),))
    a, b = (deployment(name, 1 if name == "a" else 0).model_copy(update={"template": template}) for name in "ab")
    more = TimedEvent.model_validate({"at": "60s", "scale": {"target": b.key, "replicas": 1}})
    found = {}
    for images in ({"app:1": image(2000)}, None):
        scenario = cluster([a, b], [group(count=3, **NODE)], images=images, events=[more], initial_state="declared")
        sim, result = played(scenario)
        found[images is None] = result.pods["node"].nunique()
    assert found == {False: 1, True: 2}
    assert sim.state.scheduling.extras.image_group.size == 0


def test_an_image_is_seen_on_a_node_once_a_pod_with_it_is_ready_and_goes_with_the_node():
    template = PodTemplate(labels={"app": "a"}, containers=(app(),))
    a = deployment("a", 0).model_copy(update={"template": template})
    more = TimedEvent.model_validate({"at": "60s", "scale": {"target": a.key, "replicas": 1}})
    dies = TimedEvent.model_validate({"at": "2m", "fail": {"node": "n-1"}})
    sim = Simulation(cluster([a], [group(**NODE)], images={"app:1": image(100)}, events=[more, dies]))
    extras = sim.state.scheduling.extras
    for at_ms, there in ((59_000, 0), (BOUND_MS + 4_000, 0), (BOUND_MS + 8_000, 1), (120_000, 0)):
        sim.advance(at_ms)
        rows = sim.state.scheduling.extras.image_group
        assert sim.state.presence.on_node[rows].sum() == there
        assert sim.state.scheduling.extras.image_nodes.tolist() == [there]
    assert extras.image_bytes.tolist() == [100 * MB]
