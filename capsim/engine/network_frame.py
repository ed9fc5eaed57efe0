"""Where requests came from and went, and what that costs: bytes between zones, load balancers, dropped requests.

Computed after the run from the lives of pods and nodes, for services that ask for it (``services[].network``): between
two changes of a service's Ready pods, its callers' pods or the Ready nodes the shares of ``capsim/world/topology.py``
hold. Requests from outside come evenly to all Ready nodes (NodePort, LoadBalancer) or from the zones of all nodes;
calls come from the callers' pods. Not fed back into the run: its pods share traffic evenly (docs/fidelity.md); the
column ``overloaded_pod_seconds`` says for how long that would not do. What a load balancer refuses is not in the run;
that and what is dropped is counted as failed (``losses.py``). Load balancers of Ingress classes have rows of their own.

Not modelled: pods that were not Ready for a while after they had been, attempts of calls beyond the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from capsim.engine.build.entries import requests_between
from capsim.engine.losses import outside
from capsim.scenario.call_graph import edges_of
from capsim.scenario.kubernetes.service import KService
from capsim.state.tables import F64, I64, L_CAP
from capsim.world.topology import hinted, spread, spread_local

if TYPE_CHECKING:
    from capsim.engine.build.entries import Entry
    from capsim.engine.drive import Simulation

HOUR_S = 3600.0
GB = 1e9
OPEN_END = np.iinfo(np.int64).max
EXCLUDED = frozenset({"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"})
"""Labels of nodes that topology hints do not look at (upstream: hasExcludedLabels)."""
COLUMNS = (
    "requests", "refused_requests", "dropped_requests", "cross_zone_bytes", "hottest_pod_ratio",
    "overloaded_pod_seconds", "cross_zone_usd", "load_balancer_usd",
)  # fmt: skip


class Lives(NamedTuple):
    """When pods or nodes were Ready, ms, and where."""

    since: I64
    until: I64
    place: I64
    """Node of a pod, zone of a node."""

    def at(self, now: int) -> I64:
        """Rows that are Ready at ``now``."""
        return np.flatnonzero((self.since <= now) & (self.until > now))


class Shares(NamedTuple):
    """What holds between two changes."""

    crossing: float
    """Share of the requests that cross a zone."""
    dropped: float
    """Share of the requests from outside that meet a node without a pod."""
    pods: I64
    got: F64
    """Share of the requests that each of ``pods`` gets."""


@dataclass(frozen=True)
class Parts:
    """Where requests go as long as no pod and no node comes or goes, by where they come from."""

    pods: I64
    outside: tuple[F64, float, float]
    """Share of each of ``pods``, share that crosses a zone, share that is dropped."""
    callers: dict[str, tuple[F64, float]]
    """The first two of those, of callers that have a pod."""

    def weighted(self, outside_ratio: float, weights: dict[str, float]) -> Shares:
        """All of them together: ``outside_ratio`` of the requests are from outside, ``weights`` from callers."""
        got, crossing, dropped = self.outside[0] * outside_ratio, self.outside[1] * outside_ratio, 0.0
        if outside_ratio > 0.0:
            dropped = self.outside[2]
        for caller, weight in weights.items():
            if caller in self.callers and self.pods.size:
                part, across = self.callers[caller]
                got, crossing = got + weight * part, crossing + weight * across
        return Shares(crossing, dropped, self.pods, got)


@dataclass(frozen=True)
class Cluster:
    """Nodes and pods of a run."""

    sim: Simulation
    pods: pd.DataFrame
    nodes: pd.DataFrame

    @cached_property
    def zones(self) -> list[str]:
        """All zones; "" is that of nodes without one."""
        return sorted(set(self.nodes["zone"]))

    @cached_property
    def machines(self) -> Lives:
        """Nodes, and their zones."""
        until = np.minimum(_ms(self.nodes["deleting_ms"]), _ms(self.nodes["gone_ms"]))
        zone = np.array([self.zones.index(name) for name in self.nodes["zone"]], np.int64)
        return Lives(_ms(self.nodes["ready_ms"]), until, zone)

    @cached_property
    def cpu(self) -> F64:
        """Allocatable CPU of each node, millicores; 0 of control-plane nodes, which hints leave out."""
        scenario = self.sim.scenario
        static = {
            node.name: 0.0 if EXCLUDED & node.labels.keys() else float(node.allocatable.get("cpu", 0))
            for node in scenario.objects.nodes
        }
        groups = {group.name: float(group.allocatable()["cpu"]) for group in scenario.node_groups}
        rows = zip(self.nodes["name"], self.nodes["node_group"])
        return np.array([static.get(name, groups.get(str(group), 0.0)) for name, group in rows])

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of each node by name."""
        return {name: n for n, name in enumerate(self.nodes["name"])}

    def behind(self, service: str) -> tuple[Lives, F64]:
        """Pods of a service and the nodes that they are on; requests per second that each can serve."""
        keys = self.sim.scenario.services[service].workloads
        mine = self.pods[self.pods["workload"].isin(keys) & self.pods["ready_ms"].notna() & self.pods["node"].notna()]
        until = np.minimum(_ms(mine["deleted_ms"]), _ms(mine["gone_ms"]))
        cap = {key: float(self.sim.state.physics.load[w, L_CAP]) for w, key in enumerate(self.sim.names.workloads)}
        place = np.array([self.row[name] for name in mine["node"]], np.int64)
        return Lives(_ms(mine["ready_ms"]), until, place), np.array([cap[str(key)] for key in mine["workload"]], float)


def _ms(column: Any) -> I64:
    return np.asarray(column.fillna(OPEN_END).to_numpy(np.int64))


class ServiceTraffic:
    """One service over a run."""

    def __init__(self, cluster: Cluster, service: str, start_ms: I64, end_ms: int) -> None:
        self.cluster, self.service = cluster, service
        scenario = cluster.sim.scenario
        self.object = next((s for s in scenario.objects.services if s.key == service), None) or KService(
            namespace=service.partition("/")[0], name=service.partition("/")[2]
        )
        self.spec = scenario.services[service].network
        assert self.spec is not None
        self.balancer = self.spec.load_balancer
        self.pods, self.capacity = cluster.behind(service)
        self.edges_ms = np.append(start_ms, end_ms).astype(np.int64)
        self.callers = [edge for edge in edges_of(scenario.services) if edge.callee == service]
        self.caller_pods = {edge.caller: cluster.behind(edge.caller)[0] for edge in self.callers}

    @property
    def lag_ms(self) -> int:
        """How long a node without a pod still gets traffic."""
        return self.balancer.health_check_ms if self.balancer is not None else 0

    @cached_property
    def lives_ms(self) -> I64:
        """When pods and nodes came and went, sorted: between these times the same pods get the same parts."""
        lives = [self.pods, self.cluster.machines, *self.caller_pods.values()]
        times = [times for life in lives for times in (life.since, life.until)]
        if self.object.external_traffic_policy == "Local":
            times.append(np.minimum(self.pods.until, OPEN_END - self.lag_ms) + self.lag_ms)
        return np.unique(np.concatenate(times))

    def changes_ms(self) -> I64:
        """Beginnings of the intervals in which the shares hold, samples among them."""
        found = np.union1d(self.edges_ms, self.lives_ms)
        return found[(found >= self.edges_ms[0]) & (found < self.edges_ms[-1])]

    def parts(self, now: int) -> Parts:
        """Where requests go from ``now`` on, by where they come from."""
        cluster = self.cluster
        here = self.pods.at(now)
        if here.size == 0:
            return Parts(here, (np.zeros(0), 0.0, 0.0), {})
        nodes = cluster.machines.at(now)
        size = len(cluster.zones)
        cpu = np.bincount(cluster.machines.place[nodes], cluster.cpu[nodes], size).astype(np.float64)
        node = self.pods.place[here]
        zone = cluster.machines.place[node]
        without_zone = cluster.zones[0] == "" and cpu[0] > 0.0
        hints = None if without_zone and self.object.topology == "Auto" else hinted(self.object.topology, zone, cpu)
        if self.object.external_traffic_policy == "Local":
            got, dropped = spread_local(node, self._targets(now, nodes))
            outside = (got, 0.0, dropped)
        else:
            even = np.bincount(cluster.machines.place[nodes], minlength=size) / max(1, nodes.size)
            outside = (*spread(even, zone, hints), 0.0)
        callers = {}
        for caller, lives in self.caller_pods.items():
            theirs = cluster.machines.place[lives.place[lives.at(now)]]
            if theirs.size:
                callers[caller] = spread(np.bincount(theirs, minlength=size) / theirs.size, zone, hints)
        return Parts(here, outside, callers)

    def _targets(self, now: int, nodes: I64) -> I64:
        if self.object.type == "NodePort":
            return nodes
        late = self.pods.until > now - self.lag_ms
        return np.intersect1d(nodes, self.pods.place[(self.pods.since <= now) & late])

    def rows(self, asked: dict[str, F64]) -> dict[str, F64]:
        """Columns of the frame; ``asked``: requests per sample of services with response times."""
        size, spans_s = self.edges_ms.size - 1, np.diff(self.edges_ms) / 1000.0
        found = {name: np.zeros(size) for name in COLUMNS}
        outside, called = self.outside(), self.called(asked)
        total = outside + sum(called.values(), np.zeros(size))
        found["requests"] = total
        changes = self.changes_ms()
        ends = np.append(changes[1:], self.edges_ms[-1])
        sample = np.searchsorted(self.edges_ms, changes, "right") - 1
        span = np.searchsorted(self.lives_ms, changes, "right")
        parts, of = None, -1
        for at, until, k, now in zip(changes.tolist(), ends.tolist(), sample.tolist(), span.tolist()):
            if total[k] > 0.0:
                if parts is None or of != now:
                    parts, of = self.parts(at), now
                weights = {caller: float(requests[k] / total[k]) for caller, requests in called.items()}
                held = parts.weighted(float(outside[k] / total[k]), weights)
                rps, outside_rps = float(total[k] / spans_s[k]), float(outside[k] / spans_s[k])
                self._add(found, k, held, (until - at) / 1000.0, rps, outside_rps)
        self._money(found)
        return found

    def _add(self, found: dict[str, F64], k: int, held: Shares, span_s: float, rps: float, outside_rps: float) -> None:
        assert self.spec is not None
        found["dropped_requests"][k] += held.dropped * outside_rps * span_s
        each = self.spec.request_bytes + self.spec.response_bytes
        found["cross_zone_bytes"][k] += held.crossing * rps * span_s * each
        if held.got.sum() > 0.0:
            hottest = float(held.got.max() / held.got.mean())
            found["hottest_pod_ratio"][k] = max(found["hottest_pod_ratio"][k], hottest)
            over = np.count_nonzero(held.got * rps > self.capacity[held.pods] * (1.0 + 1e-9))
            found["overloaded_pod_seconds"][k] += over * span_s

    def _money(self, found: dict[str, F64]) -> None:
        assert self.spec is not None
        found["cross_zone_usd"] = found["cross_zone_bytes"] / GB * self.spec.cross_zone_price_per_gb_usd
        sim = self.cluster.sim
        for entry in sim.names.entries:
            if entry.name == self.service:
                balancer = BalancerTraffic(sim, entry, self.edges_ms)
                found["refused_requests"], found["load_balancer_usd"] = balancer.refused(), balancer.usd()

    def outside(self) -> F64:
        """Requests from outside that are passed on to its own pods, per sample."""
        names = self.cluster.sim.names
        if self.service in names.routes:
            return np.zeros(self.edges_ms.size - 1)
        return outside(self.cluster.sim, self.service, self.edges_ms)

    def called(self, asked: dict[str, F64]) -> dict[str, F64]:
        """Requests that other services send, per sample and caller."""
        sim, found = self.cluster.sim, {}
        for edge in self.callers:
            if edge.caller not in asked:
                continue
            number: F64 | float = edge.call.per_request * (1.0 - edge.call.cache_hits)
            if edge.call.ingress:
                whole = np.maximum(outside(sim, edge.caller, self.edges_ms), 1e-12)
                number = outside(sim, self.service, self.edges_ms) / whole
            found[edge.caller] = asked[edge.caller] * number
        return found


class BalancerTraffic:
    """What comes in through one load balancer over a run."""

    def __init__(self, sim: Simulation, entry: Entry, edges_ms: I64) -> None:
        self.sim, self.entry, self.edges_ms = sim, entry, edges_ms

    def refused(self) -> F64:
        """Requests that it does not pass on, per sample."""
        none = np.zeros(self.edges_ms.size - 1)
        given = [self.sim.names.refused[name] for name in self.entry.services if name in self.sim.names.refused]
        return sum((requests_between(points, self.edges_ms) for points in given), none)

    def usd(self) -> F64:
        """USD per sample: hours, and the larger of the capacity units that requests and bytes take."""
        requests = np.zeros(self.edges_ms.size - 1)
        sent = np.zeros(self.edges_ms.size - 1)
        for service in self.entry.services:
            mine = outside(self.sim, service, self.edges_ms)
            requests, sent = requests + mine, sent + mine * self._bytes(service)
        balancer, spans_s = self.entry.balancer, np.diff(self.edges_ms) / 1000.0
        units_h = np.maximum(requests / balancer.unit_rps / HOUR_S, sent / balancer.unit_bytes)
        usd: F64 = spans_s / HOUR_S * balancer.price_per_hour_usd + units_h * balancer.price_per_unit_usd
        return usd

    def _bytes(self, service: str) -> int:
        """Of a request and its answer: as the service says, else the one that has the load balancer."""
        services = self.sim.scenario.services
        spec = services[service].network or services[self.entry.name].network if self.entry.name in services else None
        spec = spec or services[service].network
        return 0 if spec is None else spec.request_bytes + spec.response_bytes

    def rows(self) -> dict[str, F64]:
        """Columns of the frame, for a load balancer that is not a Service's."""
        found = {name: np.zeros(self.edges_ms.size - 1) for name in COLUMNS}
        for service in self.entry.services:
            found["requests"] += outside(self.sim, service, self.edges_ms)
        found["refused_requests"], found["load_balancer_usd"] = self.refused(), self.usd()
        return found


def network_frame(
    sim: Simulation, pods: pd.DataFrame, nodes: pd.DataFrame, start_ms: I64, responses: pd.DataFrame | None
) -> pd.DataFrame | None:
    """One row per sample and service that asks for it; None when none does."""
    named = [name for name, spec in sim.scenario.services.items() if spec.network is not None]
    others = [entry for entry in sim.names.entries if entry.name not in named]
    if not named and not others:
        return None
    cluster = Cluster(sim, pods, nodes)
    asked = {}
    if responses is not None:
        services = responses[responses["kind"] == "service"]
        asked = {str(n): rows["requests"].to_numpy(float) for n, rows in services.groupby("name", observed=True)}
    parts = [ServiceTraffic(cluster, name, start_ms, sim.now_ms).rows(asked) for name in named]
    edges_ms = np.append(start_ms, sim.now_ms).astype(np.int64)
    parts += [BalancerTraffic(sim, entry, edges_ms).rows() for entry in others]
    named += [entry.name for entry in others]
    columns: dict[str, Any] = {
        "time_ms": np.repeat(start_ms, len(named)),
        "service": pd.Categorical(np.tile(named, start_ms.size), categories=named),
    }
    columns |= {name: np.stack([part[name] for part in parts], axis=1).reshape(-1) for name in COLUMNS}
    return pd.DataFrame(columns)
