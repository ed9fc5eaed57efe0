"""The world around the autoscaler in its recordings: machines, pods, workloads, disruption budgets, events.

Rules: at an instant nodes vanish, machines register or become Ready, events happen (in file order), workloads reconcile
(surplus: pending first, then newest; missing: created now), the scheduler of the recordings passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capsim.conformance.cluster_autoscaler_kinds import (
    GPU,
    GPU_LABEL,
    MEMORY,
    PODS,
    RESOURCES,
    STARTUP_PREFIXES,
    TO_BE_DELETED,
    Kinds,
    lasting,
    request,
    tolerates,
)
from capsim.conformance.cluster_autoscaler_objects import Machine, Node, Pod, Workload
from capsim.conformance.cluster_autoscaler_options import NotSupported, group_options_of, options_of, seconds
from capsim.controllers.cluster_autoscaler import tables as t
from capsim.controllers.cluster_autoscaler.deletion import SOFT_TAINT
from capsim.controllers.cluster_autoscaler.view import Budgets, Instance, NodeTemplate, View
from capsim.state.tables import I64

Json = Mapping[str, Any]
ORIGIN_MS = 36_000_000
"""The first loop; far from 0, because -1 means none."""
STARTED_MS, BOUND_MS = ORIGIN_MS - 3_600_000, ORIGIN_MS - 1_800_000
DEFAULT_PODS = 110


def instant(at: float) -> int:
    """A recorded time, in seconds from the first loop, as milliseconds."""
    return ORIGIN_MS + seconds(at)


class RecordedWorld:
    """One recorded cluster; also what the autoscaler calls (``view.World``)."""

    def __init__(self, case: Json) -> None:
        self.case = case
        self.options = options_of(case)
        self.kinds = Kinds(self.options)
        self.now_ms = ORIGIN_MS
        self.log: list[dict[str, Any]] = []
        self.groups: list[Json] = [dict(g) for g in case["groups"]]
        self.group_options = [group_options_of(g) for g in self.groups]
        self.target_of = [int(g["initial"]) for g in self.groups]
        self.given = [0] * len(self.groups)
        self.machines: list[Machine] = []
        self.nodes: list[Node] = []
        """Node objects in list order."""
        self.pods: list[Pod] = []
        self.pod_names: list[str] = []
        self.boot_mode = [("", "", "") for _ in self.groups]
        self.fail_increase = [""] * len(self.groups)
        self.fail_delete = [""] * len(self.groups)
        self.daemonsets: list[Json] = list(case.get("daemonsets") or [])
        self.daemons_made = [0] * len(self.daemonsets)
        self.workloads = [Workload(dict(w), i) for i, w in enumerate(case.get("workloads") or [])]
        self.budgets: list[dict[str, Any]] = [dict(p) for p in case.get("pdbs") or []]
        self.events = list(case.get("events") or [])
        self._start()

    # -- the start ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        overrides = self.case.get("node_overrides") or {}
        for g, group in enumerate(self.groups):
            for _ in range(int(group["initial"])):
                machine = self._machine(g)
                self._register(machine, STARTED_MS, overrides.get(machine.name, {}))
                self._become_ready(machine, STARTED_MS)
        for extra in self.case.get("extra_nodes") or []:
            machine = Machine(len(self.machines), extra["name"], -1)
            self.machines.append(machine)
            machine.node = self._node(machine, extra["node"], STARTED_MS, overrides.get(extra["name"], {}))
            self._become_ready(machine, STARTED_MS)
        for node in self.nodes:
            override = overrides.get(node.name, {})
            if override.get("not_ready"):
                node.ready = False
                node.changed_ms = ORIGIN_MS - seconds(override.get("not_ready_for", 3600))
        for spec in self.case.get("pods") or []:
            self._add_static(spec)
        for workload in self.workloads:
            workload.wanted = int(workload.spec.get("replicas", 0))
        self.now_ms = BOUND_MS
        self.settle()
        self.now_ms = ORIGIN_MS
        self.log.clear()

    def _add_static(self, spec: Json) -> None:
        for i in range(int(spec.get("count", 1))):
            name = spec["name"] + (spec.get("numbering", "-{:04d}").format(i) if "count" in spec else "")
            created = self.now_ms - seconds(spec.get("age", 0))
            pod = self._pod(name, spec, created, (0, 0))
            if spec.get("node"):
                pod.node = self._node_named(spec["node"])
            if "nominated" in spec:
                pod.nominated = self._node_named(spec["nominated"]).machine.slot
            if "deleted_ago" in spec:
                pod.deleted_ms = self.now_ms - seconds(spec["deleted_ago"])
            pod.terminal = spec.get("phase") in ("Failed", "Succeeded")

    def _node_named(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    # -- machines and nodes ------------------------------------------------------------------------------------------

    def _machine(self, group: int) -> Machine:
        name = f"{self.groups[group]['id']}-{self.given[group]:04d}"
        self.given[group] += 1
        machine = Machine(len(self.machines), name, group)
        self.machines.append(machine)
        return machine

    def _register(self, machine: Machine, created_ms: int, override: Json) -> None:
        machine.register_ms = None
        machine.node = self._node(machine, self.groups[machine.group]["template"], created_ms, override)
        self.log_event("node_registered", machine.name)

    def _node(self, machine: Machine, template: Json, created_ms: int, override: Json) -> Node:
        labels = {**template.get("labels", {}), **override.get("labels", {})}
        taints = [*template.get("taints", []), *override.get("taints", [])]
        if "age" in override:
            created_ms = ORIGIN_MS - seconds(override["age"])
        allocatable, capacity = resources(template)
        if override.get("no_gpu"):
            allocatable[GPU] = 0
        node = Node(machine, machine.name, created_ms, labels, taints, allocatable, capacity)
        node.annotations = dict(override.get("annotations", {}))
        node.cordoned = bool(override.get("unschedulable"))
        self.nodes.append(node)
        self.nodes.sort(key=lambda one: one.machine.slot)  # the order in which machines were asked for
        for i, daemonset in enumerate(self.daemonsets):
            if runs_on(daemonset["pod"], labels, []):
                pod = self._pod(
                    f"{daemonset['name']}-{node.name}", daemonset["pod"], created_ms, (2, i), daemonset["name"]
                )
                pod.node = node
        return node

    def _become_ready(self, machine: Machine, now_ms: int) -> None:
        machine.ready_ms = None
        assert machine.node is not None
        machine.node.ready, machine.node.changed_ms = True, now_ms
        self.log_event("node_ready", machine.name)

    def _vanish(self, machine: Machine) -> None:
        machine.gone_ms = None
        machine.exists = False
        node = machine.node
        self.log_event("node_gone", machine.name)
        if node is None or node not in self.nodes:
            return
        self.nodes.remove(node)
        for pod in [pod for pod in self.pods if pod.node is node]:
            self.pods.remove(pod)
            if not pod.daemonset:
                self.log_event("pod_lost_with_node", pod.name)

    # -- pods --------------------------------------------------------------------------------------------------------

    def _pod(self, name: str, spec: Json, created_ms: int, rank: tuple[int, int], daemonset: str = "") -> Pod:
        if daemonset:
            spec = {**spec, "owner": {"kind": "DaemonSet", "name": daemonset}}
        pod = Pod(len(self.pod_names), name, spec, self.kinds.kind_of(spec, bool(daemonset)), created_ms, rank)
        pod.daemonset = bool(daemonset)
        self.pod_names.append(f"{spec.get('ns', 'default')}/{name}")
        self.pods.append(pod)
        return pod

    def listed_pods(self) -> list[Pod]:
        """Pods in list order."""
        return sorted(self.pods, key=lambda pod: (pod.created_ms, pod.rank, pod.slot))

    def reconcile(self) -> None:
        """Workloads remove what is too much and create what is missing."""
        for workload in self.workloads:
            if workload.wanted is None:
                continue
            own = [pod for pod in self.pods if pod.workload is workload]
            surplus = len(own) - workload.wanted
            if surplus > 0:
                doomed = sorted(own, key=lambda pod: (pod.node is not None, -pod.created_ms, -pod.slot))[:surplus]
                for pod in doomed:
                    self.pods.remove(pod)
            for _ in range(-surplus):
                self._create(workload)

    def _create(self, workload: Workload) -> None:
        spec = {
            "owner": {"kind": workload.spec.get("kind", "ReplicaSet"), "name": workload.name},
            **workload.spec["pod"],
        }
        pod = self._pod(f"{workload.name}-{workload.made:04d}", spec, self.now_ms, (1, workload.index))
        pod.workload = workload
        workload.made += 1

    def remove_and_replace(self, pod: Pod) -> None:
        """A pod goes before its time; its workload makes another at once."""
        self.pods.remove(pod)
        workload = pod.workload
        if workload is not None and sum(p.workload is workload for p in self.pods) < (workload.wanted or 0):
            self._create(workload)

    # -- time --------------------------------------------------------------------------------------------------------

    def next_ms(self) -> int | None:
        """The next instant at which something happens by itself."""
        times = [instant(event["t"]) for event in self.events[:1]]
        times += [instant(event["t"]) for event in self.events]
        for machine in self.machines:
            times += [at for at in (machine.register_ms, machine.ready_ms, machine.gone_ms) if at is not None]
        return min(times, default=None)

    def advance(self, now_ms: int) -> None:
        """One instant: everything but the autoscaler."""
        self.now_ms = now_ms
        for machine in [m for m in self.machines if m.gone_ms is not None and m.gone_ms <= now_ms]:
            self._vanish(machine)
        for machine in self.machines:
            if machine.exists and machine.register_ms is not None and machine.register_ms <= now_ms:
                self._register(machine, now_ms, {})
            if machine.exists and machine.ready_ms is not None and machine.ready_ms <= now_ms and machine.node:
                self._become_ready(machine, now_ms)
        due = [event for event in self.events if instant(event["t"]) <= now_ms]
        self.events = [event for event in self.events if instant(event["t"]) > now_ms]
        for event in due:
            self.log_event("event", event["type"])
            getattr(self, "_on_" + event["type"], self._unknown)(event)
        self.settle()

    def settle(self) -> None:
        """Workloads, then the scheduler."""
        from capsim.conformance.cluster_autoscaler_scheduler import schedule

        self.reconcile()
        schedule(self)

    # -- events ------------------------------------------------------------------------------------------------------

    def _unknown(self, event: Json) -> None:
        raise NotSupported(f"event {event['type']}")

    def _group(self, event: Json) -> int:
        return next(g for g, group in enumerate(self.groups) if group["id"] == event["group"])

    def _on_scale(self, event: Json) -> None:
        next(w for w in self.workloads if w.name == event["workload"]).wanted = int(event["replicas"])

    def _on_set_requests(self, event: Json) -> None:
        workload = next(w for w in self.workloads if w.name == event["workload"])
        workload.spec["pod"] = {**workload.spec["pod"], **event["requests"]}
        self.pods = [pod for pod in self.pods if pod.workload is not workload]

    def _on_fail_scale_up(self, event: Json) -> None:
        self.fail_increase[self._group(event)] = event.get("error", "")

    def _on_fail_delete(self, event: Json) -> None:
        self.fail_delete[self._group(event)] = event.get("error", "")

    def _on_boot_mode(self, event: Json) -> None:
        self.boot_mode[self._group(event)] = (
            event.get("mode", ""),
            event.get("err_class", ""),
            event.get("err_code", ""),
        )

    def _on_node_ready(self, event: Json) -> None:
        node = next((node for node in self.nodes if node.name == event["node"]), None)
        if node is not None and node.ready != bool(event.get("ready")):
            node.ready, node.changed_ms = bool(event.get("ready")), self.now_ms

    def _on_node_annotate(self, event: Json) -> None:
        node = self._node_named(event["node"])
        for key, value in event["annotations"].items():
            if value:
                node.annotations[key] = value
            else:
                node.annotations.pop(key, None)

    def _on_node_untaint(self, event: Json) -> None:
        node = self._node_named(event["node"])
        node.taints = [taint for taint in node.taints if taint["key"] != event["taint"]["key"]]

    def _on_instance_lost(self, event: Json) -> None:
        machine = next((m for m in self.machines if m.name == event["node"] and m.exists), None)
        if machine is not None:
            self._vanish(machine)

    def _on_add_pods(self, event: Json) -> None:
        for spec in event["pods"]:
            self._add_static(spec)

    def _on_delete_pods(self, event: Json) -> None:
        names = set(event["names"])
        self.pods = [pod for pod in self.pods if pod.name not in names]

    def _on_resize(self, event: Json) -> None:
        group = dict(self.groups[self._group(event)])
        group.update({key: event[key] for key in ("min", "max") if key in event})
        self.groups[self._group(event)] = group

    # -- what the autoscaler asks ------------------------------------------------------------------------------------

    def log_event(self, kind: str, what: str, n: int | None = None) -> None:
        """Note something that happened."""
        entry: dict[str, Any] = {"t": (self.now_ms - ORIGIN_MS) // 1000, "kind": kind, "what": what}
        if n is not None:
            entry["n"] = n
        self.log.append(entry)

    def target(self, group: int) -> int:
        """See ``view.World``."""
        return self.target_of[group]

    def instances(self, group: int) -> list[Instance]:
        """See ``view.World``."""
        return [
            Instance(m.slot, m.name, m.gone_ms is not None, m.error)
            for m in self.machines
            if m.exists and m.group == group
        ]

    def increase(self, group: int, count: int) -> str:
        """See ``view.World``."""
        name = self.groups[group]["id"]
        if self.fail_increase[group]:
            self.log_event("increase_failed", name, count)
            return self.fail_increase[group]
        self.log_event("increase", name, count)
        self.target_of[group] += count
        mode, error_class, error_code = self.boot_mode[group]
        if mode == "noinstances":
            return ""
        boot = seconds(self.groups[group].get("boot_delay", 0))
        register = seconds(self.groups[group].get("register_delay", self.groups[group].get("boot_delay", 0)))
        for _ in range(count):
            machine = self._machine(group)
            if mode == "error":
                machine.error = (error_class, error_code)
            elif mode != "never":
                machine.register_ms, machine.ready_ms = self.now_ms + register, self.now_ms + max(boot, register)
        return ""

    def decrease_target(self, group: int, count: int) -> None:
        """See ``view.World``."""
        self.log_event("target_decreased", self.groups[group]["id"], -count)
        self.target_of[group] -= count

    def delete_nodes(self, group: int, slots: list[int]) -> str:
        """See ``view.World``."""
        if self.fail_delete[group]:
            self.log_event("delete_failed", self.groups[group]["id"], len(slots))
            return self.fail_delete[group]
        for slot in slots:
            machine = self.machines[slot]
            self.log_event("delete_node", machine.name)
            if not machine.exists or machine.gone_ms is not None:
                continue
            self.target_of[group] -= 1
            machine.gone_ms = self.now_ms + seconds(self.groups[group].get("delete_delay", 0))
            machine.register_ms = machine.ready_ms = None
            if machine.gone_ms <= self.now_ms:
                self._vanish(machine)
        return ""

    def taint(self, slot: int, key: str, on: bool, cordon: bool) -> None:
        """See ``view.World``."""
        node = self.machines[slot].node
        if node is None or node not in self.nodes:
            return
        had = any(taint["key"] == key for taint in node.taints)
        if had == on:
            return
        node.taints = [taint for taint in node.taints if taint["key"] != key]
        if on:
            effect = "PreferNoSchedule" if key == SOFT_TAINT else "NoSchedule"
            node.taints.append({"key": key, "value": "", "effect": effect, "at_ms": self.now_ms})
        if cordon:
            node.cordoned = on
        self.log_event("tainted" if on else "untainted", f"{node.name} {key}")

    def allowed(self, budget: Mapping[str, Any]) -> int:
        """status.disruptionsAllowed of a budget."""
        if "min_available" not in budget and "max_unavailable" not in budget:
            return int(budget.get("disruptions_allowed", 0))
        covered = [pod for pod in self.pods if covers(budget, pod.spec)]
        healthy = sum(pod.node is not None and pod.deleted_ms < 0 for pod in covered)
        if "min_available" in budget:
            return max(0, healthy - int(budget["min_available"]))
        return max(0, healthy - (len(covered) - int(budget["max_unavailable"])))

    def evict(self, pod: int, uid: int, grace_sec: int) -> str:
        """See ``view.World``."""
        found = next((one for one in self.pods if one.slot == pod), None)
        if found is None:
            return ""
        covering = [budget for budget in self.budgets if covers(budget, found.spec)]
        if any(self.allowed(budget) < 1 for budget in covering):
            self.log_event("evict_refused", found.name)
            return "pdb"
        for budget in covering:
            if "min_available" not in budget and "max_unavailable" not in budget:
                budget["disruptions_allowed"] -= 1
        self.log_event("evicted", found.name)
        self.remove_and_replace(found)
        return ""

    def still_on(self, pod: int, uid: int, slot: int) -> bool:
        """See ``view.World``."""
        return any(one.slot == pod for one in self.pods)

    def zero_or_max(self, group: int) -> bool:
        """See ``view.World``."""
        return self.group_options[group].zero_or_max

    def draw(self, count: int) -> int:
        """The first, as the recordings have it."""
        return 0

    def node_name(self, slot: int) -> str:
        """See ``view.World``."""
        return self.machines[slot].name

    def pod_name(self, pod: int) -> str:
        """See ``view.World``."""
        return self.pod_names[pod]

    def group_name(self, group: int) -> str:
        """See ``view.World``."""
        return str(self.groups[group]["id"])

    # -- the view ----------------------------------------------------------------------------------------------------

    def ready_nodes(self) -> int:
        """Nodes that the recordings count as Ready: not cordoned, GPUs there; startup taints do not matter."""
        return sum(
            node.ready and not node.cordoned and not (GPU_LABEL in node.labels and int(node.allocatable[GPU]) == 0)
            for node in self.nodes
        )

    def names(self) -> list[str]:
        """Names of nodes and machines by slot."""
        return [machine.name for machine in self.machines]

    def refresh(self, now_ms: int) -> View:
        """See ``view.World``."""
        kinds = self.kinds
        daemons = [
            (kinds.kind_of({**d["pod"], "owner": {"kind": "DaemonSet", "name": d["name"]}}, True), d["pod"])
            for d in self.daemonsets
        ]
        for group in self.groups:
            kinds.shape_of(group["template"].get("labels", {}), group["template"].get("taints", []))
        nodes = self._node_table()
        pods = self.listed_pods()
        matches = np.array(
            [[int(covers_kind(b, k.namespace, k.labels)) for k in kinds.kinds] for b in self.budgets], np.int64
        ).reshape(len(self.budgets), len(kinds.kinds))
        replicas = {kinds.owners[key]: self._replicas(key) for key in kinds.owners if self._replicas(key) is not None}
        table = kinds.arrays()
        kinds.set_drain({o: r for o, r in replicas.items() if r is not None}, matches)
        alive = [pod for pod in pods if not pod.terminal]

        def template(g: int) -> NodeTemplate:
            of = self.groups[g]["template"]
            taints = [taint for taint in of.get("taints", []) if lasting(taint)]
            allocatable, capacity = resources(of)
            fixed = [kind for kind, spec in daemons if runs_on(spec, of.get("labels", {}), taints)]
            shape = kinds.shape_of(of.get("labels", {}), of.get("taints", []))
            return view.node_template(shape, allocatable, capacity, np.array(fixed, np.int64))

        shapes = [dict(labels) for labels, _ in kinds.shapes]
        view = View(
            now_ms=now_ms,
            options=self.options,
            kinds=table,
            nodes=nodes,
            listed=np.array([node.machine.slot for node in self.nodes], np.int64),
            pods=self._pod_table(),
            bound=np.array([pod.slot for pod in alive if pod.node is not None], np.int64),
            pending=np.array([pod.slot for pod in alive if pod.node is None], np.int64),
            group_names=[str(g["id"]) for g in self.groups],
            group_options=self.group_options,
            minimum=np.array([g["min"] for g in self.groups], np.int64),
            maximum=np.array([g["max"] for g in self.groups], np.int64),
            price=[float(g.get("price", 0.0)) for g in self.groups],
            budgets=Budgets(matches, np.array([self.allowed(b) for b in self.budgets], np.int64)),
            template=template,
            shape_domain=kinds.shape_domains(),
            shape_gpu=[labels.get(GPU_LABEL) for labels in shapes],
            shape_labels=shapes,
            gpu=GPU,
            owners=len(kinds.owners),
        )
        return view

    def _replicas(self, owner: tuple[str, str, str]) -> int | None:
        """What a controller wants, None when there is none: owners of static pods exist unless named otherwise."""
        name = owner[2]
        workload = next((w for w in self.workloads if w.name == name), None)
        if workload is not None:
            return workload.wanted
        if name.startswith("missing"):
            return None
        own = [pod for pod in self.case.get("pods") or [] if (pod.get("owner") or {}).get("name") == name]
        return len(own) or 1

    def _node_table(self) -> t.NodeTable:
        count = len(self.machines)
        columns = np.zeros((10, count), np.int64)
        columns[7] = -1
        allocatable = np.zeros((count, RESOURCES), np.int64)
        capacity = np.zeros((count, RESOURCES), np.int64)
        for m in self.machines:
            node = m.node
            columns[0, m.slot], columns[1, m.slot] = m.slot, m.group if m.exists else -1
            columns[9, m.slot] = m.exists
            if node is None:
                continue
            keys = {taint["key"] for taint in node.taints}
            flags = t.UNSCHEDULABLE if node.cordoned else 0
            flags |= t.BEING_DELETED if TO_BE_DELETED in keys else 0
            flags |= t.STARTING if any(key.startswith(STARTUP_PREFIXES) for key in keys) else 0
            shape = self.kinds.shape_of(node.labels, node.taints)
            columns[2:7, m.slot] = node.created_ms, node.ready, node.changed_ms, flags, shape
            columns[8, m.slot] = node.annotations.get("cluster-autoscaler.kubernetes.io/scale-down-disabled") == "true"
            if TO_BE_DELETED in keys:
                at = next(taint for taint in node.taints if taint["key"] == TO_BE_DELETED)
                columns[7, m.slot] = at.get("at_ms", 0)
            allocatable[m.slot], capacity[m.slot] = node.allocatable, node.capacity
        candidate = np.array(
            [int(m.node is not None and any(x["key"] == SOFT_TAINT for x in m.node.taints)) for m in self.machines],
            np.int64,
        ).reshape(count)
        return t.NodeTable(
            columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], allocatable, capacity,
            columns[7], candidate, columns[8], columns[9],
        )  # fmt: skip

    def _pod_table(self) -> t.PodTable:
        count = len(self.pod_names)
        columns = np.full((7, count), -1, np.int64)
        columns[0] = np.arange(count)
        columns[1] = 0
        columns[5] = 0
        for pod in self.pods:
            node = pod.node.machine.slot if pod.node is not None else -1
            columns[1:, pod.slot] = pod.kind, node, pod.created_ms, pod.deleted_ms, int(pod.terminal), pod.nominated
        return t.PodTable(*columns)


def resources(template: Json) -> tuple[I64, I64]:
    """(allocatable, capacity) of a recorded node."""
    capacity = np.zeros(RESOURCES, np.int64)
    capacity[[0, MEMORY, PODS, GPU]] = (
        template["cpu"], template["mem"], template.get("pods", DEFAULT_PODS), template.get("gpu", 0),
    )  # fmt: skip
    allocatable = capacity.copy()
    allocatable[0] = template.get("alloc_cpu", template["cpu"])
    allocatable[MEMORY] = template.get("alloc_mem", template["mem"])
    return allocatable, capacity


def covers(budget: Mapping[str, Any], spec: Json) -> bool:
    """Whether a budget covers a pod."""
    return covers_kind(budget, spec.get("ns", "default"), tuple(spec.get("labels", {}).items()))


def covers_kind(budget: Mapping[str, Any], namespace: str, labels: tuple[tuple[str, str], ...]) -> bool:
    """Whether a budget covers pods of a namespace with these labels."""
    have = dict(labels)
    return budget.get("ns", "default") == namespace and all(have.get(k) == v for k, v in budget["selector"].items())


def runs_on(spec: Json, labels: Mapping[str, str], taints: list[Json]) -> bool:
    """Whether a DaemonSet runs on a node."""
    if any(labels.get(key) != value for key, value in spec.get("node_selector", {}).items()):
        return False
    return all(
        tolerates(spec, taint["key"], taint.get("value", ""), taint.get("effect", "NoSchedule"))
        or taint.get("effect") == "PreferNoSchedule"
        for taint in taints
        if lasting(taint)
    )


__all__ = ["RecordedWorld", "request"]
