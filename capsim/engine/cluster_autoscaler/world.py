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
from capsim.engine.cluster_autoscaler.disruption import allowed, coverage, limits
from capsim.engine.cluster_autoscaler.kinds import GPU, Kinds
from capsim.engine.cluster_autoscaler.looking import (
    N_CHANGED,
    N_DELETED,
    N_EXISTS,
    N_FLAGS,
    N_GROUP,
    N_LISTED,
    N_READY,
    NODE_COLUMNS,
    P_BOUND,
    P_DELETED,
    P_WAITING,
    POD_COLUMNS,
    see_nodes,
    see_pods,
)
from capsim.engine.volumes import group_limits
from capsim.rng import STREAM_EXPANDER, draw
from capsim.state import tables as t
from capsim.state.eventlog import LOG_SCALE_DOWN

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

I64 = t.I64
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


class EngineWorld:
    """One run, as the autoscaler sees and changes it; soft taints live here, because nothing else reads them."""

    def __init__(self, sim: Simulation, options: Options, group_options: list[GroupOptions]) -> None:
        self.sim = sim
        self.options = options
        self.group_options = group_options
        self.kinds = Kinds(sim, options)
        self.covered, self.limits = coverage(sim, self.kinds.budgets), limits(sim)
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
        self.drivers = sim.state.presence.attach.shape[1]
        """CSI drivers whose volumes nodes attach only so many of: columns of resources beside the others."""
        self._names: list[str] = []
        self._uids: I64 = np.empty(0, np.int64)
        self._named = -1
        """Nodes that had been added when names were brought up to date."""
        self._machines: dict[int, tuple[tuple[bytes, bytes, bytes], list[Instance]]] = {}
        """The last list of each group's machines, with what it was made from."""
        self._constants: dict[int, I64] = {}

    def _vector(self, amounts: dict[str, int]) -> list[int]:
        return [amounts.get(name, 0) for name in self.sim.names.resources]

    def traits(self) -> I64:
        """[S, keys] topology domains of each shape."""
        domains = self.kinds.shape_domain
        return np.ascontiguousarray(domains, np.int64) if domains.size else np.full((1, 1), -1, np.int64)

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
            listed = zip(slots.tolist(), deleting.tolist(), uids.tolist(), strict=True)
            known = self._machines[group] = (key, [Instance(n, names[n], gone, uid=u) for n, gone, u in listed])
        return known[1]

    def names(self) -> list[str]:
        """Names of nodes by slot; brought up to date where a slot has a new node."""
        added = int(self.sim.state.clock.counters[t.C_NODES_ADDED])
        if added == self._named:
            return self._names
        self._named = added
        nodes, top = self.sim.state.nodes, int(self.sim.state.clock.values[t.NODE_TOP])
        uid = nodes.uid[:top]
        if len(self._uids) < top:
            self._names += [""] * (top - len(self._uids))
            self._uids = np.concatenate([self._uids, np.full(top - len(self._uids), -1, np.int64)])
        for n in np.flatnonzero((self._uids[:top] != uid) & (uid >= 0)).tolist():
            self._names[n] = self.sim.names.node(int(nodes.group[n]), int(nodes.ordinal[n]))
            self._uids[n] = uid[n]
        return self._names

    def forget_names(self) -> None:
        """The run has gone back: other nodes may have the slots."""
        self._named = -1

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
        if covering.any() and (allowed(self.sim, self.covered, self.limits)[covering] < 1).any():
            return REFUSED
        self.acts += 1
        self.sim.make_room(heap=4)
        self.sim.act(ACT_EVICT_POD, pod)
        return ""

    # -- the view ----------------------------------------------------------------------------------------------------

    def refresh(self, now_ms: int) -> View:
        """See ``view.World``."""
        s = self.sim.state
        self.kinds.look_at_volumes(self.sim)
        if self.options.min_replica_count or not self.kinds.table.drain.any():
            kind, row = s.workloads.kind[s.classes.workload], s.classes.workload
            of = np.where(kind == t.KIND_REVISION, s.workloads.deployment[row], row)
            self.kinds.set_drain(s.workloads.desired[of])
        nodes, listed = self._nodes()
        pods, bound, waiting = self._pods()
        view = View(
            now_ms=now_ms,
            options=self.options,
            kinds=self.kinds.table,
            nodes=nodes,
            listed=listed,
            pods=pods,
            bound=bound,
            pending=waiting,
            group_names=self.group_names,
            group_options=self.group_options,
            minimum=s.groups.size[: len(self.group_names), t.G_MIN],
            maximum=s.groups.size[: len(self.group_names), t.G_MAX],
            price=self.prices,
            budgets=Budgets(self.kinds.budgets, allowed(self.sim, self.covered, self.limits)),
            template=lambda g: self._template(view, g),
            shape_domain=self.kinds.shape_domain,
            shape_gpu=self.kinds.shape_gpu,
            shape_labels=self.kinds.shape_labels,
            gpu=self.gpu,
            owners=len(self.sim.names.workloads),
            unseen=0 if self.options.csi_node_aware else self.drivers,
        )
        return view

    def _nodes(self) -> tuple[ca.NodeTable, I64]:
        """All nodes, and the slots of Node objects in the order in which their machines were asked for."""
        nodes, count = self.sim.state.nodes, len(self.sim.state.nodes.uid)
        seen, capacity = np.empty((NODE_COLUMNS, count), np.int64), np.empty_like(nodes.allocatable)
        # fmt: off
        objects = see_nodes(
            nodes.state, nodes.flags, nodes.group, nodes.times, nodes.allocatable, self.capacity, seen, capacity)
        # fmt: on
        candidate = np.zeros(count, np.int64)
        for slot, uid in list(self.soft.items()):
            if int(nodes.uid[slot]) == uid:
                candidate[slot] = 1
            else:
                del self.soft[slot]
        limits = self.sim.state.scheduling.extras.attach_limit
        allocatable = np.hstack([nodes.allocatable, unlimited(limits)]) if self.drivers else nodes.allocatable
        table = ca.NodeTable(
            uid=nodes.uid, group=seen[N_GROUP], created_ms=nodes.times[:, t.T_REGISTERED], ready=seen[N_READY],
            changed_ms=seen[N_CHANGED], flags=seen[N_FLAGS], shape=nodes.shape, allocatable=allocatable,
            capacity=capacity, deleted_ms=seen[N_DELETED], candidate=candidate, kept=self._constant(0, count),
            exists=seen[N_EXISTS],
        )  # fmt: skip
        return table, _by_uid(seen[N_LISTED, :objects], nodes.uid)

    def _pods(self) -> tuple[ca.PodTable, I64, I64]:
        """All pods, those on nodes, and those that the scheduler has called unschedulable; both by creation."""
        s, count = self.sim.state, len(self.sim.state.pods.uid)
        pods, seen, counts = s.pods, np.empty((POD_COLUMNS, count), np.int64), np.empty(2, np.int64)
        see_pods(pods.state, pods.deleted_ms, s.links.queued, pods.diagnosis, seen, counts)
        table = ca.PodTable(
            uid=pods.uid, kind=pods.pod_class, node=pods.node, created_ms=pods.created_ms, deleted_ms=seen[P_DELETED],
            terminal=self._constant(0, count), nominated=self._constant(-1, count),
        )  # fmt: skip
        bound, waiting = counts.tolist()
        return table, _by_uid(seen[P_BOUND, :bound], pods.uid), _by_uid(seen[P_WAITING, :waiting], pods.uid)

    def _constant(self, value: int, count: int) -> I64:
        """A column that nobody writes to."""
        known = self._constants.get(value)
        if known is None or len(known) < count:
            known = self._constants[value] = np.full(count, value, np.int64)
        return known[:count]

    def _template(self, view: View, group: int) -> NodeTemplate:
        g = self.sim.state.groups
        daemons = np.flatnonzero(g.daemon_eligible[group] == 1)
        kinds = self.sim.state.workloads.pod_class[daemons]
        allocatable = np.concatenate([g.template[group], unlimited(self._attach_limits(group))])
        return view.node_template(
            int(g.shapes[group, 0]), allocatable, self.capacity[group], np.ascontiguousarray(kinds)
        )

    def _attach_limits(self, group: int) -> I64:
        """Volumes of each driver that nodes of a group attach, -1: any number."""
        if not self.drivers:
            return np.empty(0, np.int64)
        return np.array(group_limits(self.sim, group), np.int64)


def unlimited(limits: I64) -> I64:
    """Attach limits as amounts of resources: -1, no limit, is more than anybody asks for."""
    return np.where(limits < 0, t.NEVER, limits)


def _by_uid(slots: I64, uids: I64) -> I64:
    """Slots in the order of what was created first."""
    uid = uids[slots]
    return slots if len(uid) < 2 or bool((uid[1:] > uid[:-1]).all()) else slots[np.argsort(uid, kind="stable")]
