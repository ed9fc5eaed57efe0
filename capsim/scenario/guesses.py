"""Fills what was left open, and says so: a workload's behaviour where the scenario does not give it."""

from __future__ import annotations

from capsim.scenario.call_graph import edges_of
from capsim.scenario.document import Mark
from capsim.scenario.kubernetes.pod import Container
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.storage import TOPOLOGIES
from capsim.scenario.workload import ContainerBehaviour, WorkloadSpec
from capsim.units import format_bytes

CPU_PER_REQUEST_MILLI = 10.0
"""A guess for a service whose cost per request is unknown: 10 ms of CPU."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"
SCHEDULER_DEFAULT_BYTES = 200 * 2**20
"""What kube-scheduler's scores assume for a container without a memory request."""


def with_guesses(scenario: Scenario, reading: Reading) -> dict[str, WorkloadSpec]:
    """Behaviour of every workload, complete: each container has an entry and a memory base."""
    _storage_guesses(scenario, reading)
    reached = {*scenario.traffic, *(edge.caller for edge in edges_of(scenario.services) if edge.call.ingress)}
    serving = {key for name in reached for key in scenario.services[name].workloads}
    return {
        workload.key: _completed(
            workload, scenario.workloads.get(workload.key, WorkloadSpec()), workload.key in serving, reading
        )
        for workload in scenario.objects.workloads
    }


def _storage_guesses(scenario: Scenario, reading: Reading) -> None:
    """What a scenario without StorageClasses, or without claims, leaves open."""
    objects = scenario.objects
    made = [*objects.claims, *(w for w in objects.workloads if w.claim_templates)]
    named = [v for w in objects.workloads for v in w.template.volumes if v.get("persistentVolumeClaim")]
    if made and not objects.storage_classes:
        text = "none given: claims get a default class that makes zonal volumes where their pods go"
        reading.note("guessed", "StorageClass", text, Mark("", 0))
    if named and not objects.claims:
        text = "none given: the claims that pods name are taken for bound, and usable on any node"
        reading.note("guessed", "PersistentVolumeClaim", text, Mark("", 0))
    for one in objects.storage_classes:
        known = scenario.storage.topology.get(one.name) or scenario.storage.topology.get(one.provisioner)
        if known is None and one.provisioner not in {**TOPOLOGIES, NO_PROVISIONER: ""}:
            text = f"volumes of {one.provisioner} are taken for zonal"
            reading.note("guessed", f"storage.topology.{one.name}", text, Mark("", 0), one.name)


def _completed(workload: Workload, spec: WorkloadSpec, serving: bool, reading: Reading) -> WorkloadSpec:
    containers = dict(spec.containers)
    costs_given = any("cpu_per_request_milli" in c.model_fields_set for c in containers.values())
    running = [*workload.template.containers, *(c for c in workload.template.init_containers if c.is_sidecar)]
    for container in running:
        behaviour = containers.get(container.name, ContainerBehaviour())
        if behaviour.memory_base_bytes is None:
            base = _memory_base(container, workload, reading)
            behaviour = behaviour.replaced(memory_base_bytes=base)
        containers[container.name] = behaviour
    if workload.job is not None:
        _job_guesses(workload, spec, containers, reading)
    if serving and not costs_given:
        first = running[0].name
        containers[first] = containers[first].replaced(cpu_per_request_milli=CPU_PER_REQUEST_MILLI)
        text = f"not given: 10 ms of CPU per request in container {first}"
        reading.note("guessed", f"workloads.{workload.key}.cpuPerRequest", text, Mark("", 0), workload.key)
    return spec.replaced(containers=containers)


def _job_guesses(
    workload: Workload, spec: WorkloadSpec, containers: dict[str, ContainerBehaviour], reading: Reading
) -> None:
    """A Job that works uses CPU: its request, where nothing is given."""
    if spec.run_time is None:
        text = "not given: a pod works for a minute"
        reading.note("guessed", f"workloads.{workload.key}.runTime", text, Mark("", 0), workload.key)
    for container in workload.template.containers:
        given = spec.containers.get(container.name)
        if given is None or "idle_cpu_milli" not in given.model_fields_set:
            request = float(container.requests.get("cpu", 0))
            containers[container.name] = containers[container.name].replaced(idle_cpu_milli=request)
            text = "not given: a pod of a Job uses what it requests"
            reading.note("guessed", "workloads.containers.idleCpu", text, Mark("", 0), workload.key)


def _memory_base(container: Container, workload: Workload, reading: Reading) -> int:
    request = container.requests.get("memory")
    if request is None:
        text = (
            f"not given, no memory request: {format_bytes(SCHEDULER_DEFAULT_BYTES // 2)}, half the scheduler's default"
        )
    else:
        text = "not given: half of the memory request"
    reading.note("guessed", "workloads.containers.memoryBase", text, Mark("", 0), workload.key)
    return (SCHEDULER_DEFAULT_BYTES if request is None else request) // 2
