"""Steps of a pod's start, images and layers as arrays, and what nodes have of them at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.scheduler.extras import ExtraFacts, normalised_image
from capsim.engine.build.cluster import array, floats
from capsim.scenario.kubernetes.lifecycle import Probe, pull_policy
from capsim.scenario.kubernetes.pod import Container
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.workload import WorkloadSpec
from capsim.state.tables import NEVER, POD_TERMINATING
from capsim.state.tables_startup import ALWAYS, STEP_COLUMNS, STEP_PULL, STEP_RUN, STEP_START, Startup

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.images import ImageSpec
    from capsim.scenario.scenario import Scenario

EVERY_OTHER = "*"


def image_specs(scenario: Scenario) -> dict[str, ImageSpec]:
    """Normalised name -> spec, of the images that the scenario's pods use and knows sizes of."""
    given = scenario.images or {}
    named = {normalised_image(name): spec for name, spec in given.items() if name != EVERY_OTHER}
    found = {}
    for workload in scenario.objects.workloads:
        for container in (*workload.template.init_containers, *workload.template.containers):
            name = normalised_image(container.image)
            spec = named.get(name, given.get(EVERY_OTHER))
            if container.image and spec is not None:
                found[name] = spec
    for group in scenario.node_groups:
        for image in group.preloaded_images:
            name = normalised_image(image)
            if name in named:
                found[name] = named[name]
    return found


def note_images(scenario: Scenario, facts: ExtraFacts) -> None:
    """Tell the scheduler (ImageLocality) of the images, in the order of their rows."""
    for name, spec in image_specs(scenario).items():
        facts.note_image(name, sum(spec.parts(name).values()))


def build_startup(scenario: Scenario, nodes: int) -> Startup:
    """The table; without ``images`` it is empty, and every workload starts in one duration."""
    specs = image_specs(scenario)
    layers: dict[str, int] = {}
    sizes: list[int] = []
    listed: list[list[int]] = []
    for name, spec in specs.items():
        own = []
        for layer, size in spec.parts(name).items():
            if layer not in layers:
                layers[layer] = len(layers)
                sizes.append(size)
            own.append(layers[layer])
        listed.append(own)
    rows = {name: i for i, name in enumerate(specs)}
    steps = [steps_of(scenario, workload, rows) for workload in scenario.objects.workloads]
    kubelet = scenario.control_plane.kubelet
    lanes = 1 if kubelet.serialize_image_pulls else kubelet.max_parallel_image_pulls
    whole = [step for own in steps for step in own]
    return Startup(
        start=np.cumsum([0, *(len(own) for own in steps)]).astype(np.int64),
        step=np.array(whole, np.int64).reshape(-1, STEP_COLUMNS),
        layer_start=np.cumsum([0, *(len(own) for own in listed)]).astype(np.int64),
        layer=array([layer for own in listed for layer in own]),
        layer_bytes=array(sizes),
        have_ms=np.full((nodes, len(layers)), NEVER, np.int64),
        free_ms=np.zeros((nodes, lanes), np.int64),
        rate=floats([*(group.pull_bandwidth_bytes / 1000.0 for group in scenario.node_groups), 50_000.0]),
        latency_ms=array([kubelet.registry_latency_ms]),
        burns=array([]),
    )


def steps_of(scenario: Scenario, workload: Workload, images: dict[str, int]) -> list[list[int]]:
    """Init containers in order, sidecars started on the way, then the containers, one after the other."""
    if scenario.images is None:
        return []
    spec = scenario.workloads.get(workload.key, WorkloadSpec())
    steps = []
    for container in workload.template.init_containers:
        steps += pull_of(container, images)
        if container.is_sidecar:
            steps.append(start_of(container, sidecar=True))
        else:
            behaviour = spec.containers.get(container.name)
            steps.append([STEP_RUN, behaviour.run_time_ms if behaviour else 0, 0, 0, 0, 0, 0, NEVER])
    for container in workload.template.containers:
        steps += pull_of(container, images)
        steps.append(start_of(container, sidecar=False))
    return steps


def pull_of(container: Container, images: dict[str, int]) -> list[list[int]]:
    """The pull of a container's image; one without a known size is on every node."""
    row = images.get(normalised_image(container.image), -1)
    policy = pull_policy(container.image, container.pull_policy)
    if row < 0 or policy == "Never":
        return []
    return [[STEP_PULL, row + (ALWAYS if policy == "Always" else 0), 0, 0, 0, 0, 0, NEVER]]


def start_of(container: Container, *, sidecar: bool) -> list[int]:
    """The start of a container: what its probes add to the time of its process."""
    ready = checks(container.readiness_probe)
    more = 0
    if container.readiness_probe is not None:
        more = (container.readiness_probe.success_threshold - 1) * ready[1]
    return [STEP_START, int(sidecar), *checks(container.startup_probe), *ready, more, given_up_ms(container)]


def checks(probe: Probe | None) -> tuple[int, int]:
    """First check and period of a probe, ms; period 0: there is none."""
    return (0, 0) if probe is None else (probe.initial_delay_s * 1000, probe.period_s * 1000)


def given_up_ms(container: Container) -> int:
    """After how long a container that has not started is killed: at the failureThreshold-th failure of its startup
    probe, or, without one, of its liveness probe; NEVER: none."""
    probe = container.startup_probe or container.liveness_probe
    return NEVER if probe is None else (probe.initial_delay_s + (probe.failure_threshold - 1) * probe.period_s) * 1000


def settle_images(sim: Simulation) -> None:
    """At the start: nodes have the images of their group, and of the pods that run on them."""
    s = sim.state
    if s.startup.have_ms.shape[1] == 0:
        return
    for n in np.flatnonzero(s.nodes.uid >= 0).tolist():
        new_node(sim, n)
        p = int(s.nodes.first_pod[n])
        while p >= 0:
            if s.pods.state[p] != POD_TERMINATING:
                w = int(s.pods.workload[p])
                for step in s.startup.step[s.startup.start[w] : s.startup.start[w + 1]].tolist():
                    if step[0] == STEP_PULL:
                        give(sim, n, step[1] % ALWAYS)
            p = int(s.links.node_next[p])
    s.nodes.version[:] += 1
    s.scheduling.views.view_seen[:] = -1


def new_node(sim: Simulation, n: int) -> None:
    """A node begins with the images that are baked in, and with nothing else."""
    s = sim.state
    if s.startup.have_ms.shape[1] == 0:
        return
    s.startup.have_ms[n] = NEVER
    s.startup.free_ms[n] = 0
    g = int(s.nodes.group[n])
    if g < len(sim.scenario.node_groups) and sim.scenario.node_groups[g].preloaded_images:
        rows = {name: i for i, name in enumerate(image_specs(sim.scenario))}
        for image in sim.scenario.node_groups[g].preloaded_images:
            if normalised_image(image) in rows:
                give(sim, n, rows[normalised_image(image)])


def give(sim: Simulation, n: int, image: int) -> None:
    """Node ``n`` has an image for long."""
    startup, extras, on_node = sim.state.startup, sim.state.scheduling.extras, sim.state.presence.on_node
    startup.have_ms[n, startup.layer[startup.layer_start[image] : startup.layer_start[image + 1]]] = -NEVER
    if on_node[extras.image_group[image], n] == 0:
        on_node[extras.image_group[image], n] = 1
        extras.image_nodes[image] += 1
