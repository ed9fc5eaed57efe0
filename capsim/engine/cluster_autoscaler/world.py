"""The run's tables as the API server and the cloud that the Cluster Autoscaler talks to (``view.World``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.controllers.cluster_autoscaler.deletion import TAINT
from capsim.controllers.cluster_autoscaler.options import GroupOptions, Options
from capsim.controllers.cluster_autoscaler.view import Budgets, Instance, NodeTemplate, View
from capsim.engine.actions import ACT_DELETE_NODE, ACT_EVICT_POD, ACT_TAINT
from capsim.engine.autoscaler import log, next_ordinal
from capsim.engine.cluster_autoscaler.disruption import allowed, coverage
from capsim.engine.cluster_autoscaler.kinds import GPU, Kinds
from capsim.rng import STREAM_EXPANDER, draw
from capsim.state import tables as t
from capsim.state.eventlog import LOG_SCALE_DOWN

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

I64 = t.I64
TAINTS = t.FLAG_UNSCHEDULABLE | t.FLAG_NOT_READY | t.FLAG_TO_BE_DELETED | t.FLAG_UNREACHABLE
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


class EngineWorld:
    """One run, as the autoscaler sees and changes it; soft taints live here, because nothing else reads them."""

    def __init__(self, sim: Simulation, options: Options, group_options: list[GroupOptions]) -> None:
        self.sim = sim
        self.options = options
        self.group_options = group_options
        self.kinds = Kinds(sim, options)
        self.covered = coverage(sim, self.kinds.budgets)
        self.soft: dict[int, int] = {}
        """Slot -> uid of nodes with the DeletionCandidate taint."""
        self.acts = 0
        """Changes made so far."""
        self.draws = 0
        groups = sim.scenario.node_groups
        self.capacity = np.array([self._vector(group.instance.capacity()) for group in groups], np.int64)
        self.prices = [group.price_per_hour_usd for group in groups]
        self.group_names = [group.name for group in groups]
        self.gpu = sim.names.resources.index(GPU) if GPU in sim.names.resources else -1
        self._names: list[str] = []
        self._uids: I64 = np.empty(0, np.int64)
        self._machines: dict[int, tuple[tuple[bytes, bytes, bytes], list[Instance]]] = {}
        """The last list of each group's machines, with what it was made from."""

    def _vector(self, amounts: dict[str, int]) -> list[int]:
        return [amounts.get(name, 0) for name in self.sim.names.resources]

    # -- questions ---------------------------------------------------------------------------------------------------

    def target(self, group: int) -> int:
        """See ``view.World``."""
        return int(self.sim.state.groups.size[group, t.G_TARGET])

    def instances(self, group: int) -> list[Instance]:
        """See ``view.World``."""
        nodes, names = self.sim.state.nodes, self.names()
        slots = np.flatnonzero((nodes.group == group) & (nodes.state != t.NODE_FREE))
        uids, deleting = nodes.uid[slots], nodes.state[slots] == t.NODE_DELETING
        key = (slots.tobytes(), uids.tobytes(), deleting.tobytes())
        known = self._machines.get(group)
        if known is None or known[0] != key:
            listed = zip(slots.tolist(), deleting.tolist(), strict=True)
            known = self._machines[group] = (key, [Instance(n, names[n], gone) for n, gone in listed])
        return known[1]

    def names(self) -> list[str]:
        """Names of nodes by slot; brought up to date where a slot has a new node."""
        nodes, top = self.sim.state.nodes, int(self.sim.state.clock.values[t.NODE_TOP])
        uid = nodes.uid[:top]
        if len(self._uids) < top:
            self._names += [""] * (top - len(self._uids))
            self._uids = np.concatenate([self._uids, np.full(top - len(self._uids), -1, np.int64)])
        for n in np.flatnonzero((self._uids[:top] != uid) & (uid >= 0)).tolist():
            self._names[n] = self.sim.names.node(int(nodes.group[n]), int(nodes.ordinal[n]))
            self._uids[n] = uid[n]
        return self._names

    def node_name(self, slot: int) -> str:
        """See ``view.World``."""
        return self.names()[slot]

    def pod_name(self, pod: int) -> str:
        """See ``view.World``."""
        pods = self.sim.state.pods
        w = int(pods.workload[pod])
        return f"{self.sim.names.workloads[w].split('/')[0]}/{self.sim.names.pod(w, int(pods.ordinal[pod]))}"

    def group_name(self, group: int) -> str:
        """See ``view.World``."""
        return self.group_names[group]

    def zero_or_max(self, group: int) -> bool:
        """See ``view.World``."""
        return self.group_options[group].zero_or_max

    def still_on(self, pod: int, uid: int, slot: int) -> bool:
        """See ``view.World``."""
        pods = self.sim.state.pods
        return int(pods.uid[pod]) == uid and int(pods.state[pod]) != t.POD_FREE and int(pods.node[pod]) == slot

    def draw(self, count: int) -> int:
        """See ``view.World``."""
        self.draws += 1
        seed = int(self.sim.state.clock.params[t.P_SEED])
        return int(draw(seed, STREAM_EXPANDER, 0, self.draws)) % count

    # -- changes -----------------------------------------------------------------------------------------------------

    def increase(self, group: int, count: int) -> str:
        """See ``view.World``."""
        self.acts += 1
        for _ in range(count):
            self.sim.add_node(group, next_ordinal(self.sim, group), boots=True)
        self.sim.state.groups.size[group, t.G_TARGET] += count
        return ""

    def decrease_target(self, group: int, count: int) -> None:
        """See ``view.World``."""
        self.acts += 1
        self.sim.state.groups.size[group, t.G_TARGET] -= count

    def delete_nodes(self, group: int, slots: list[int]) -> str:
        """See ``view.World``."""
        self.acts += 1
        self.sim.make_room(heap=len(slots) + 4)
        for n in slots:
            if self.sim.state.nodes.state[n] not in (t.NODE_FREE, t.NODE_DELETING):
                self.sim.act(ACT_DELETE_NODE, n)
        return ""

    def taint(self, slot: int, key: str, on: bool, cordon: bool) -> None:
        """See ``view.World``."""
        self.acts += 1
        nodes = self.sim.state.nodes
        if key != TAINT:
            if on:
                self.soft[slot] = int(nodes.uid[slot])
            else:
                self.soft.pop(slot, None)
            return
        if nodes.state[slot] == t.NODE_FREE:
            return
        flags = t.FLAG_TO_BE_DELETED | (t.FLAG_UNSCHEDULABLE if cordon else 0)
        if not on:
            daemons = len(self.sim.names.daemonsets)
            self.sim.make_room(pods=daemons, heap=daemons + 4, queue=self.sim.waiting)
        self.sim.act(ACT_TAINT, slot, flags, int(on))
        if on:
            group, ordinal = int(nodes.group[slot]), int(nodes.ordinal[slot])
            log(self.sim, self.sim.now_ms, LOG_SCALE_DOWN, group, ordinal, 0, 0)

    def evict(self, pod: int, uid: int, grace_sec: int) -> str:
        """See ``view.World``."""
        pods = self.sim.state.pods
        if int(pods.uid[pod]) != uid or int(pods.state[pod]) in (t.POD_FREE, t.POD_TERMINATING):
            return ""
        covering = self.kinds.budgets[:, int(pods.pod_class[pod])] == 1
        if covering.any() and (allowed(self.sim, self.covered)[covering] < 1).any():
            return REFUSED
        self.acts += 1
        self.sim.make_room(heap=4)
        self.sim.act(ACT_EVICT_POD, pod)
        return ""

    # -- the view ----------------------------------------------------------------------------------------------------

    def refresh(self, now_ms: int) -> View:
        """See ``view.World``."""
        s = self.sim.state
        if self.options.min_replica_count or not self.kinds.table.drain.any():
            kind, row = s.workloads.kind[s.classes.workload], s.classes.workload
            of = np.where(kind == t.KIND_REVISION, s.workloads.deployment[row], row)
            self.kinds.set_drain(s.workloads.desired[of])
        view = View(
            now_ms=now_ms,
            options=self.options,
            kinds=self.kinds.table,
            nodes=self._node_table(),
            listed=self._listed(),
            pods=self._pod_table(),
            bound=self._pods(t.POD_STARTING, t.POD_READY, t.POD_DOWN, t.POD_TERMINATING),
            pending=self._waiting(),
            group_names=self.group_names,
            group_options=self.group_options,
            minimum=s.groups.size[: len(self.group_names), t.G_MIN],
            maximum=s.groups.size[: len(self.group_names), t.G_MAX],
            price=self.prices,
            budgets=Budgets(self.kinds.budgets, allowed(self.sim, self.covered)),
            template=lambda g: self._template(view, g),
            shape_domain=self.kinds.shape_domain,
            shape_gpu=self.kinds.shape_gpu,
            shape_labels=self.kinds.shape_labels,
            gpu=self.gpu,
            owners=len(self.sim.names.workloads),
        )
        return view

    def _listed(self) -> I64:
        """Node objects in the order in which their machines were asked for."""
        nodes = self.sim.state.nodes
        slots = np.flatnonzero((nodes.state != t.NODE_FREE) & (nodes.state != t.NODE_REQUESTED))
        return slots[np.argsort(nodes.uid[slots])]

    def _pods(self, *states: int) -> I64:
        """Pods in these states, by creation."""
        pods = self.sim.state.pods
        slots = np.flatnonzero(np.logical_or.reduce([pods.state == state for state in states]))
        uid = pods.uid[slots]
        return slots if len(uid) < 2 or bool((uid[1:] > uid[:-1]).all()) else slots[np.argsort(uid, kind="stable")]

    def _waiting(self) -> I64:
        """Pods that the scheduler has called unschedulable, by creation."""
        slots = self._pods(t.POD_PENDING)
        s = self.sim.state
        return slots[(s.links.queued[slots] == 2) | (s.pods.diagnosis[slots] >= 0)]

    def _node_table(self) -> ca.NodeTable:
        nodes = self.sim.state.nodes
        groups = len(self.group_names)
        managed = nodes.group < groups
        ready = ((nodes.state == t.NODE_READY) | (nodes.state == t.NODE_DELETING)) & (nodes.times[:, t.T_READY] != -1)
        ready &= nodes.flags & t.FLAG_UNREACHABLE == 0
        capacity = nodes.allocatable.copy()
        capacity[managed] = self.capacity[nodes.group[managed]] if groups else capacity[managed]
        candidate = np.zeros(len(nodes.uid), np.int64)
        for slot, uid in list(self.soft.items()):
            if int(nodes.uid[slot]) == uid:
                candidate[slot] = 1
            else:
                del self.soft[slot]
        marked = nodes.flags & t.FLAG_TO_BE_DELETED != 0
        return ca.NodeTable(
            uid=nodes.uid,
            group=np.where(managed & (nodes.state != t.NODE_FREE), nodes.group, -1),
            created_ms=nodes.times[:, t.T_REGISTERED],
            ready=ready.astype(np.int64),
            changed_ms=np.maximum(nodes.times[:, t.T_READY], nodes.times[:, t.T_CHANGED]),
            flags=nodes.flags & TAINTS,
            shape=nodes.shape,
            allocatable=nodes.allocatable,
            capacity=capacity,
            deleted_ms=np.where(marked, nodes.times[:, t.T_DELETING] // 1000 * 1000, -1),
            candidate=candidate,
            kept=np.zeros(len(nodes.uid), np.int64),
            exists=(nodes.state != t.NODE_FREE).astype(np.int64),
        )

    def _pod_table(self) -> ca.PodTable:
        pods = self.sim.state.pods
        none = np.full(len(pods.uid), -1, np.int64)
        return ca.PodTable(
            uid=pods.uid, kind=pods.pod_class, node=pods.node, created_ms=pods.created_ms,
            deleted_ms=np.where(pods.state == t.POD_TERMINATING, pods.deleted_ms, -1),
            terminal=np.zeros(len(pods.uid), np.int64), nominated=none,
        )  # fmt: skip

    def _template(self, view: View, group: int) -> NodeTemplate:
        g = self.sim.state.groups
        daemons = np.flatnonzero(g.daemon_eligible[group] == 1)
        kinds = self.sim.state.workloads.pod_class[daemons]
        return view.node_template(
            int(g.shapes[group, 0]), g.template[group].copy(), self.capacity[group], np.ascontiguousarray(kinds)
        )
