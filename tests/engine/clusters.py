"""Small clusters for tests of one mechanism: one group of equal nodes, Deployments that are there from the start."""

from __future__ import annotations

from capsim.scenario import (
    Container,
    ContainerBehaviour,
    ControlPlaneSpec,
    Distribution,
    Instance,
    KubeObjects,
    NodeGroup,
    PodTemplate,
    Scenario,
    Workload,
    WorkloadSpec,
)

GIB = 2**30
MINUTE_MS = 60_000


def group(cpu_milli=4000, count=1, **more):
    """``count`` nodes called n-1, n-2, …; everything of the instance is allocatable."""
    return NodeGroup(
        **{
            "name": "n",
            "instance": Instance(cpu_milli=cpu_milli, memory_bytes=64 * GIB),
            "eviction_hard": {},
            "min": 0,
            "initial": count,
            "max": count + 5,
            "boot_delay": Distribution.constant(60_000),
            "register_delay": Distribution.constant(40_000),
            **more,
        }
    )


def deployment(name="a", replicas=1, cpu_milli=100, limit_milli=None, kind="Deployment", **template):
    """A workload of one container."""
    limits = {} if limit_milli is None else {"cpu": limit_milli}
    container = Container(name="app", requests={"cpu": cpu_milli}, limits=limits)
    return Workload(
        kind=kind,
        namespace="default",
        name=name,
        replicas=replicas,
        template=PodTemplate(labels={"app": name}, containers=(container,), **template),
    )


def behaviour(cpu_per_request_milli=10.0, idle_cpu_milli=0.0, **more):
    """What the container of such a workload uses."""
    container = ContainerBehaviour(cpu_per_request_milli=cpu_per_request_milli, idle_cpu_milli=idle_cpu_milli)
    return WorkloadSpec(containers={"app": container}, **more)


def cluster(listed, groups=None, **more):
    """A scenario of ten minutes with all loops at phase 0."""
    return Scenario(
        **{
            "duration_ms": 10 * MINUTE_MS,
            "sample_interval_ms": 15_000,
            "node_groups": groups or [group()],
            "objects": KubeObjects(workloads=list(listed)),
            "control_plane": ControlPlaneSpec(phases="zero"),
            **more,
        }
    )
