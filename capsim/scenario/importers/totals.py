"""Totals of a dump that can be checked against kubectl."""

from __future__ import annotations

from collections import Counter

from capsim.scenario.apply import sourced
from capsim.scenario.document import Mark
from capsim.scenario.importers.collect import Dump
from capsim.scenario.importers.findings import DaemonCost, GroupTotals, Totals
from capsim.scenario.importers.groups import Group
from capsim.scenario.importers.pods import PodSeen
from capsim.scenario.importers.stand_ins import Chosen
from capsim.scenario.importers.stream import Stream
from capsim.scenario.kubernetes.pod_reading import TemplateReader
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source

Amount = tuple[int, int]
"""CPU in millicores, memory in bytes."""


def totals_of(dump: Dump, stream: Stream, reading: Reading, chosen: list[Chosen], groups: list[Group]) -> Totals:
    """Everything that is counted."""
    requests = [_request(dump, spec) for spec in range(len(dump.specs))]
    live = [pod for pod in dump.pods.values() if not pod.finished]
    whole = _sum(pod for pod in live)
    cpu, memory = _amount(whole, requests)
    return Totals(
        files=len(stream.files),
        documents=stream.documents,
        objects=sum(dump.kinds.values()),
        kinds=dict(dump.kinds.most_common()),
        duplicates=dict(dump.duplicates),
        replicas=dict(dump.replicas),
        containers=dict(dump.containers),
        containers_without_requests={k: n for k, n in dump.containers_without_requests.items() if n},
        pods=dict(Counter(pod.phase for pod in dump.pods.values()).most_common()),
        pod_containers=sum(pod.containers for pod in dump.pods.values()),
        requested_cpu_milli=cpu,
        requested_memory_bytes=memory,
        groups=_groups(groups, live, requests),
        daemonsets=_daemonsets(reading, chosen),
    )


def _request(dump: Dump, spec: int) -> Amount:
    """Effective request of a pod spec, as the scheduler counts it; (0, 0) when it cannot be read."""
    content = sourced({"apiVersion": "v1", "kind": "Pod", **dump.specs.template(spec)}, Mark("", 0))
    reading = Reading(lenient=True)
    try:
        template = TemplateReader(Source("", "Pod", "", "", content), (), reading).read()
    except (ValueError, TypeError, AttributeError, KeyError):
        return (0, 0)  # a field of a wrong type: the object is among the problems
    requests = template.requests() if template is not None else {}
    return requests.get("cpu", 0), requests.get("memory", 0)


def _sum(pods: object) -> Counter[int]:
    return Counter(pod.spec for pod in pods)  # type: ignore[attr-defined]


def _amount(specs: Counter[int], requests: list[Amount]) -> Amount:
    cpu = sum(requests[spec][0] * count for spec, count in specs.items())
    return cpu, sum(requests[spec][1] * count for spec, count in specs.items())


def _groups(groups: list[Group], live: list[PodSeen], requests: list[Amount]) -> list[GroupTotals]:
    group_of = {node.name: g for g, group in enumerate(groups) for node in group.nodes}
    specs: list[Counter[int]] = [Counter() for _ in groups]
    for pod in live:
        if pod.node in group_of:
            specs[group_of[pod.node]][pod.spec] += 1
    found = []
    for group, counts in zip(groups, specs, strict=True):
        cpu, memory = _amount(counts, requests)
        nodes = group.nodes
        found.append(
            GroupTotals(
                node_group=group.name,
                nodes=len(nodes),
                ready=sum(node.ready and not node.unschedulable for node in nodes),
                pods=sum(counts.values()),
                capacity_cpu_milli=sum(node.amount("cpu") for node in nodes),
                capacity_memory_bytes=sum(node.amount("memory") for node in nodes),
                allocatable_cpu_milli=sum(node.amount("cpu", of_capacity=False) for node in nodes),
                allocatable_memory_bytes=sum(node.amount("memory", of_capacity=False) for node in nodes),
                requested_cpu_milli=cpu,
                requested_memory_bytes=memory,
            )
        )
    return found


def _daemonsets(reading: Reading, chosen: list[Chosen]) -> list[DaemonCost]:
    seen = {one.key: len(one.members.on_nodes()) for one in chosen if one.members is not None}
    return [
        DaemonCost(
            daemonset=workload.key,
            nodes=seen.get(workload.key, 0),
            cpu_milli=workload.template.requests().get("cpu", 0),
            memory_bytes=workload.template.requests().get("memory", 0),
        )
        for workload in reading.models.get("workloads", [])
        if workload.kind == "DaemonSet"
    ]
