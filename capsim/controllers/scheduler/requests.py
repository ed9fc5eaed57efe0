"""Requests of a pod as the scheduler's plugins count them.

Source: k8s.io/component-helpers/resource/helpers.go (PodRequests), kube-scheduler v1.34.1
framework/types.go (CalculateResource) and plugins/noderesources/resource_allocation.go.
"""

from __future__ import annotations

from capsim.scenario.kubernetes.pod import Container, PodTemplate

DEFAULT_MILLI, DEFAULT_MEMORY = 100, 200 * 2**20
"""What scoring takes for a container without a request (scheduler/util/pod_resources.go)."""


def nonzero_of_containers(template: PodTemplate) -> tuple[int, int]:
    """CPU milli and memory bytes with the defaults where a container lacks the key; an explicit 0 stays."""

    def of(container: Container) -> tuple[int, int]:
        return container.requests.get("cpu", DEFAULT_MILLI), container.requests.get("memory", DEFAULT_MEMORY)

    cpu = memory = 0
    init_cpu = init_memory = 0
    for container in template.containers:
        c, m = of(container)
        cpu, memory = cpu + c, memory + m
    running_cpu = running_memory = 0
    for container in template.init_containers:
        c, m = of(container)
        if container.is_sidecar:
            cpu, memory = cpu + c, memory + m
            running_cpu, running_memory = running_cpu + c, running_memory + m
            init_cpu, init_memory = max(init_cpu, running_cpu), max(init_memory, running_memory)
        else:
            init_cpu, init_memory = max(init_cpu, running_cpu + c), max(init_memory, running_memory + m)
    overhead = template.overhead
    return max(cpu, init_cpu) + overhead.get("cpu", 0), max(memory, init_memory) + overhead.get("memory", 0)


def nonzero_of_pod(template: PodTemplate) -> tuple[int, int]:
    """What the pod adds to its node's non-zero sums: like its containers, but pod-level resources count."""
    cpu, memory = nonzero_of_containers(template)
    level = {**template.pod_limits, **template.pod_requests}
    overhead = template.overhead
    if "cpu" in level:
        cpu = level["cpu"] + overhead.get("cpu", 0)
    if "memory" in level:
        memory = level["memory"] + overhead.get("memory", 0)
    return cpu, memory


def scored_requests(template: PodTemplate) -> dict[str, int]:
    """What NodeResourcesFit scores for an incoming pod: non-zero CPU and memory, no pod-level resources."""
    own = template.model_copy(update={"pod_requests": {}, "pod_limits": {}}).requests()
    cpu, memory = nonzero_of_containers(template)
    return {**own, "cpu": cpu, "memory": memory}
