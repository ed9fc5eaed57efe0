"""Checks that need the whole scenario: names that must exist, pods that fit nowhere, settings without effect."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from capsim.errors import Problem
from capsim.scenario.call_checks import call_faults
from capsim.scenario.chaos import NodeTarget, SpotReclaim, Upgrade, ZoneOutage
from capsim.scenario.cluster import EVICTION_IGNORED
from capsim.scenario.cluster_autoscaler import NOT_ACTED_UPON, WITHOUT_EFFECT, ClusterAutoscalerSpec, flag_name, totals
from capsim.scenario.disk_checks import disk_faults
from capsim.scenario.document import SourceMap, mark_of
from capsim.scenario.event import AddNodes
from capsim.scenario.expander_priorities import parse_priorities
from capsim.scenario.explain import Place
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.lifetime_checks import lifetime_faults
from capsim.scenario.merge import suggestion
from capsim.scenario.metric_checks import MetricChecks
from capsim.scenario.network_checks import network_faults
from capsim.scenario.pod_quota import always_refused
from capsim.scenario.rollout_checks import rollout_faults
from capsim.scenario.scenario import Scenario
from capsim.scenario.scheduled_size import Resize
from capsim.scenario.subnet_checks import subnet_faults
from capsim.units import format_bytes, format_duration, format_milli


class Checks:
    """Checks one scenario; problems and notes go to the reading, marked with the place in the tree."""

    def __init__(self, scenario: Scenario, root: SourceMap, reading: Reading) -> None:
        self.scenario, self.root, self.reading = scenario, root, reading
        self.groups = [group.name for group in scenario.node_groups]
        self.nodes = [node.name for node in scenario.objects.nodes]

    def run(self) -> None:
        """All checks."""
        self._nodes()
        self._events()
        self._containers()
        self._placement()
        self._pods_on_nodes_that_are_not_there()
        self._pods_that_fit_nowhere()
        self._groups_that_hold_nothing()
        self._refused_pods()
        self._without_effect()
        MetricChecks(self.scenario, self._fail, self._object_note).run()
        for rollout_fault in rollout_faults(self.scenario):
            self._fail(*rollout_fault)
        for fault in call_faults(self.scenario):
            self._fail(fault.path, fault.message, fault.found, fault.allowed)
        for fault in network_faults(self.scenario):
            self._fail(fault.path, fault.message, fault.found, fault.allowed)
        for subnet_fault in subnet_faults(self.scenario):
            self._fail(*subnet_fault)
        for disk_fault in disk_faults(self.scenario):
            if disk_fault.is_problem:
                self._fail(disk_fault.path, disk_fault.message, disk_fault.found, disk_fault.allowed)
            else:
                self._note("warnings", disk_fault.path, disk_fault.message)
        for lifetime_fault in lifetime_faults(self.scenario):
            self._fail(*lifetime_fault)

    def _object_note(self, section: Any, field: str, text: str, object_name: str) -> None:
        self.reading.note(section, field, text, self.root.mark, object_name)

    def _fail(self, path: tuple[Any, ...], message: str, found: str = "", allowed: str = "") -> None:
        place = Place(self.root, path, missing=True)
        mark = mark_of(place.container, place.key)
        self.reading.problems.append(Problem(message, mark.file, mark.line or None, place.path, found, allowed))

    def _note(self, section: Any, path: tuple[Any, ...], text: str, object_name: str = "") -> None:
        place = Place(self.root, path, missing=True)
        self.reading.note(section, place.path, text, mark_of(place.container, place.key), object_name)

    def _nodes(self) -> None:
        for index, name in enumerate(self.groups):
            if name in self.groups[:index]:
                self._fail(("nodeGroups", index, "name"), "two node groups of one name", name, "different names")
            clash = [node for node in self.nodes if self._group_of(node) == name]
            if clash:
                message = "the names of its nodes are taken by Node objects"
                self._fail(("nodeGroups", index, "name"), message, ", ".join(clash[:3]), "another name")
        for node in self.scenario.objects.nodes:
            if node.group is not None and node.group not in self.groups:
                message = f"Node {node.name} belongs to a node group that does not exist"
                self._fail(
                    ("nodeGroups",), message + suggestion(node.group, self.groups), node.group, self._known_groups()
                )
        if not self.groups and not self.nodes:
            self._fail(("nodeGroups",), "no nodes", "", "nodeGroups, or Node objects among the manifests")

    def _known_groups(self) -> str:
        return ", ".join(self.groups) or "none is defined"

    def _group_of(self, node: str) -> str | None:
        group, _, number = node.rpartition("-")
        return group if number.isdigit() and group in self.groups else None

    def _events(self) -> None:
        for index, event in enumerate(self.scenario.events):
            path = ("events", index)
            if event.at_ms >= self.scenario.duration_ms:
                found = format_duration(event.at_ms)
                self._note("warnings", (*path, "at"), f"at {found}, after the end of the run: it does not happen")
            if isinstance(event.action, AddNodes | Resize):
                key = "resize" if isinstance(event.action, Resize) else "addNodes"
                self._event_group(event.action.group, (*path, key, "group"))
            elif isinstance(event.action, NodeTarget):
                self._event_node(event.action, (*path, event.kind))
            else:
                self._event_of_many(event.action, path)

    def _event_of_many(self, action: Any, path: tuple[Any, ...]) -> None:
        """Events that name a group or a zone."""
        if isinstance(action, Upgrade):
            self._event_group(action.group, (*path, "upgrade", "group"))
        elif isinstance(action, SpotReclaim):
            if action.group is not None:
                self._event_group(action.group, (*path, "spotReclaim", "group"))
            else:
                self._event_node(NodeTarget(node=action.node), (*path, "spotReclaim"))
        elif isinstance(action, ZoneOutage) and action.zone not in self._zones():
            message = "no node is in this zone" + suggestion(action.zone, sorted(self._zones()))
            self._fail((*path, "zoneOutage", "zone"), message, action.zone, ", ".join(sorted(self._zones())) or "none")

    def _zones(self) -> set[str]:
        """Zones of node groups and of Node objects."""
        named = {node.labels.get("topology.kubernetes.io/zone", "") for node in self.scenario.objects.nodes}
        return {zone for group in self.scenario.node_groups for zone in group.zones} | (named - {""})

    def _event_group(self, group: str, path: tuple[Any, ...]) -> None:
        if group not in self.groups:
            self._fail(path, "no such node group" + suggestion(group, self.groups), group, self._known_groups())

    def _event_node(self, target: NodeTarget, path: tuple[Any, ...]) -> None:
        if target.group is not None:
            self._event_group(target.group, (*path, "group"))
        elif target.node_name not in self.nodes and self._group_of(target.node_name) is None:
            known = self.nodes + [f"{group}-1" for group in self.groups]
            message = "no such node" + suggestion(target.node_name, known)
            allowed = ", ".join([*self.nodes[:5], *(f"{group}-1, {group}-2, …" for group in self.groups)])
            self._fail((*path, "node"), message, target.node_name, allowed)

    def _containers(self) -> None:
        for workload in self.scenario.objects.workloads:
            template = workload.template
            known = [c.name for c in template.containers] + [c.name for c in template.init_containers if c.is_sidecar]
            spec = self.scenario.workloads.get(workload.key)
            for name in spec.containers if spec else ():
                if name not in known:
                    path = ("workloads", workload.key, "containers", name)
                    self._fail(path, "no such container" + suggestion(name, known), name, ", ".join(known))

    def _placement(self) -> None:
        if self.scenario.placement and self.scenario.initial_state != "recorded":
            found = self.scenario.initial_state
            self._note("warnings", ("placement",), f"initialState is {found}: the recorded placement is not used")
        replicas = {workload.key: workload.replicas for workload in self.scenario.objects.workloads}
        for key, nodes in self.scenario.placement.items():
            for name in nodes:
                if name not in self._known_nodes:
                    text = "no such node" + suggestion(name, self.nodes[:1000])
                    self._fail(("placement", key, name), text, name, "nodes of the start")
            if key in replicas and (placed := sum(nodes.values())) > replicas[key]:
                text = f"more pods than the workload's {replicas[key]} replicas"
                self._fail(("placement", key), text, str(placed), f"at most {replicas[key]}")

    @cached_property
    def _known_nodes(self) -> set[str]:
        """Nodes of the start: Node objects, and those that groups begin with."""
        made = {
            group.node_name(index)
            for group in self.scenario.node_groups
            for index in range(
                1, 1 + group.initial - sum(node.group == group.name for node in self.scenario.objects.nodes)
            )
        }
        return made | set(self.nodes)

    def _pods_on_nodes_that_are_not_there(self) -> None:
        """The pod garbage collector deletes bare pods of nodes that do not exist (gc_controller.go, gcOrphaned)."""
        for workload in self.scenario.objects.workloads:
            node = workload.template.node_name
            if workload.kind == "Pod" and node is not None and node not in self._known_nodes:
                text = f"its nodeName {node} names no node of the start: it is left out, as it would be collected"
                mark = self.root.mark
                self.reading.note("warnings", f"nodeName of {workload.key}", text, mark, workload.key)

    def _pods_that_fit_nowhere(self) -> None:
        every = [g.allocatable() for g in self.scenario.node_groups if g.max > 0]
        every += [node.allocatable for node in self.scenario.objects.nodes]
        shapes = list({tuple(sorted(shape.items())): shape for shape in every}.values())
        for workload in self.scenario.objects.workloads:
            request = workload.template.requests()
            misses = [[r for r, amount in request.items() if amount > shape.get(r, 0)] for shape in shapes]
            if shapes and all(misses):
                names = sorted({name for names in misses for name in names})
                text = ", ".join(f"{name} {_amount(name, request[name])}" for name in names)
                best = ", ".join(f"{n} {_amount(n, max(shape.get(n, 0) for shape in shapes))}" for n in names)
                message = f"its request ({text}) is more than any node can hold (at most {best}): it stays Pending"
                mark = self.root.mark
                self.reading.note("warnings", f"requests of {workload.key}", message, mark, workload.key)

    def _groups_that_hold_nothing(self) -> None:
        """An autoscaler never adds nodes of such a group: no pod would fit."""
        requests = [w.template.requests() for w in self.scenario.objects.workloads if w.kind != "DaemonSet"]
        if self.scenario.cluster_autoscaler is None or not requests:
            return
        for index, group in enumerate(self.scenario.node_groups):
            has = group.allocatable()
            if group.max > 0 and all(any(a > has.get(r, 0) for r, a in request.items()) for request in requests):
                text = "no pod of the scenario fits on its nodes: the autoscaler never adds one"
                self._note("warnings", ("nodeGroups", index, "instance"), text)

    def _flags(self, spec: ClusterAutoscalerSpec) -> None:
        defaults = ClusterAutoscalerSpec()
        for name in sorted(NOT_ACTED_UPON | WITHOUT_EFFECT):
            if getattr(spec, name) != getattr(defaults, name):
                path = ("clusterAutoscaler", flag_name(name))
                if name in NOT_ACTED_UPON:
                    self._note("not_modelled", path, "this flag is not acted upon yet")
                else:
                    self._note(
                        "ignored", path, "bounds the real autoscaler's own work: no effect on its decisions here"
                    )
        self._limits(spec)
        if spec.release == "newest":
            text = "behaviours of newer releases are on: they follow the sources, no recorded decisions prove them"
            self._note("warnings", ("clusterAutoscaler", "release"), text)
        if spec.priorities is not None:
            rules = parse_priorities(spec.priorities)
            unnamed = [name for name in self.groups if not rules.matches(name)]
            if unnamed and len(unnamed) == len(self.groups):
                text = "no priority matches any node group: the priority expander filters nothing"
                self._note("warnings", ("clusterAutoscaler", "priorities"), text)

    def _limits(self, spec: ClusterAutoscalerSpec) -> None:
        """Limits of the whole cluster that its first nodes already reach: nothing is ever added."""
        scenario = self.scenario
        initial = sum(group.initial for group in scenario.node_groups)
        nodes = initial + len([node for node in scenario.objects.nodes if node.group is None])
        if 0 < spec.max_nodes_total <= nodes and any(group.max > group.initial for group in scenario.node_groups):
            text = f"the cluster starts with {nodes} nodes: no node is ever added"
            self._note("warnings", ("clusterAutoscaler", "max-nodes-total"), text)
        each = [(group.initial, group.instance.capacity()) for group in scenario.node_groups]
        starts = {
            "cores-total": (sum(count * has["cpu"] for count, has in each) // 1000, totals(spec.cores_total)[1]),
            "memory-total": (sum(count * has["memory"] for count, has in each) >> 30, totals(spec.memory_total)[1]),
        }
        for flag, (start, most) in starts.items():
            if start >= most:
                text = f"the cluster starts with {start}: no node is ever added"
                self._note("warnings", ("clusterAutoscaler", flag), text)

    def _refused_pods(self) -> None:
        """Workloads that never get a pod: a LimitRange or a ResourceQuota refuses all of them."""
        for workload in self.scenario.objects.workloads:
            text = always_refused(self.scenario.objects, workload)
            if text:
                note = f"none of its pods is ever created: {text}"
                self._object_note("warnings", "ResourceQuota, LimitRange", note, workload.key)

    def _without_effect(self) -> None:
        spec = self.scenario.cluster_autoscaler
        if spec is not None:
            self._flags(spec)
        for key, recorded in self.scenario.usage.items():
            spec_of = self.scenario.workloads.get(key)
            if recorded.cpu is not None and spec_of is not None and spec_of.warm_up is not None:
                self._note(
                    "ignored", ("workloads", key, "warmUp"), "the CPU of this workload is recorded: cold pods are in it"
                )
        groups = self.root.get("nodeGroups") or []
        for index, _ in enumerate(self.groups):
            thresholds = groups[index].get("evictionHard") or {}
            for signal in thresholds if isinstance(thresholds, dict) else ():
                if signal in EVICTION_IGNORED:
                    path = ("nodeGroups", index, "evictionHard", signal)
                    self._note("ignored", path, "does not lower what pods can request")


def _amount(resource: str, amount: int) -> str:
    if resource == "cpu":
        return format_milli(amount)
    return format_bytes(amount) if resource in ("memory", "ephemeral-storage") else str(amount)
