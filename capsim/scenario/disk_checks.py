"""Checks of what pods write to disk that need the whole scenario: volumes that must exist, limits below what is there
at rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capsim.scenario.kubernetes.volumes import empty_dirs
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.merge import suggestion
from capsim.scenario.scenario import Scenario
from capsim.scenario.workload import ContainerBehaviour, WorkloadSpec
from capsim.units import format_bytes

RESOURCE = "ephemeral-storage"


class DiskFault(NamedTuple):
    """What is wrong with a key of the scenario; ``is_problem`` False: a run goes on, and is warned of."""

    path: tuple[str, ...]
    message: str
    is_problem: bool = False
    found: str = ""
    allowed: str = ""


def disk_faults(scenario: Scenario) -> Iterator[DiskFault]:
    """Everything that is wrong."""
    for workload in scenario.objects.workloads:
        spec = scenario.workloads.get(workload.key)
        if spec is not None:
            yield from _volumes(workload, spec)
            yield from _limits(workload, spec)
            yield from _requests(scenario, workload, spec)


def _volumes(workload: Workload, spec: WorkloadSpec) -> Iterator[DiskFault]:
    known = {volume.name: volume for volume in empty_dirs(workload.template)}
    on_disk = [name for name, volume in known.items() if volume.on_disk]
    for name in spec.empty_dirs:
        path = ("workloads", workload.key, "emptyDirs", name)
        allowed = ", ".join(on_disk) or "it has none on disk"
        if name not in known:
            yield DiskFault(path, "no such emptyDir volume" + suggestion(name, on_disk), True, name, allowed)
        elif not known[name].on_disk:
            yield DiskFault(path, "this emptyDir volume is in memory, not on disk", True, name, allowed)


def _limits(workload: Workload, spec: WorkloadSpec) -> Iterator[DiskFault]:
    """Limits that pods exceed as soon as they are Ready: a loop of evictions."""
    at_rest = {name: _at_rest(container) for name, container in spec.containers.items()}
    volumes = {name: use.base_bytes for name, use in spec.empty_dirs.items()}
    bounds: list[tuple[tuple[str, ...], int, int, str]] = [
        (("containers", c.name), at_rest.get(c.name, 0), c.limits.get(RESOURCE, 0), "the container's limit")
        for c in workload.template.containers
    ]
    bounds += [
        (("emptyDirs", v.name), volumes.get(v.name, 0), v.size_limit_bytes, "the volume's sizeLimit")
        for v in empty_dirs(workload.template)
    ]
    whole = workload.template.limits().get(RESOURCE, 0)
    bounds.append(((), sum(at_rest.values()) + sum(volumes.values()), whole, "the limits of its containers together"))
    for key, held, most, whose in bounds:
        if 0 < most < held:
            text = f"its pods hold {format_bytes(held)} at rest, more than {whose}, {format_bytes(most)}"
            yield DiskFault(("workloads", workload.key, *key), f"{text}: each is evicted once it is Ready")
            return


def _at_rest(container: ContainerBehaviour) -> int:
    return sum(use.base_bytes for use in container.disk_uses)


def _requests(scenario: Scenario, workload: Workload, spec: WorkloadSpec) -> Iterator[DiskFault]:
    """Who replays recorded CPU serves no requests that could write anything."""
    usage = scenario.usage.get(workload.key)
    if usage is not None and usage.cpu is not None and any(use.per_request_bytes for use in spec.disk_uses):
        text = "its CPU is recorded, so that its requests are not known: perRequest writes nothing"
        yield DiskFault(("workloads", workload.key), text)
