"""Why each node refuses a pod at this instant, how much it lacks, and what would make room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capsim.controllers.scheduler.answers import ask_nodes
from capsim.controllers.scheduler.filters import exists
from capsim.controllers.scheduler.reasons import PASS
from capsim.engine.custom import python_of
from capsim.engine.drive import Simulation
from capsim.state.tables import G_EXIST, G_MAX, I64, NODE_TOP, POD_FREE, POD_PENDING
from capsim.units import format_bytes, format_milli

EXISTS = python_of(exists)


@dataclass(frozen=True)
class Refusal:
    """One node: the reasons in upstream's words, and what is short, resource -> base units (cpu: milli)."""

    node: str
    reasons: list[str]
    short: dict[str, int]

    @property
    def text(self) -> str:
        """``worker-2: 130m cpu short``."""
        if self.short:
            missing = [f"{quantity(name, amount)} {name} short" for name, amount in self.short.items()]
            return f"{self.node}: {', '.join(missing)}"
        return f"{self.node}: {', '.join(self.reasons)}" if self.reasons else f"{self.node}: has room by now"


def quantity(resource: str, amount: int) -> str:
    """An amount in the resource's unit."""
    if resource == "cpu":
        return format_milli(amount)
    return format_bytes(amount) if resource in ("memory", "ephemeral-storage") else str(amount)


def refusals(sim: Simulation, w: int, ordinal: int | None = None) -> list[Refusal]:
    """Every node's answer to a pod of workload ``w`` (that of the ordinal, if it is there); nodes that lack least come
    first."""
    s = sim.state
    slots = [n for n in range(int(s.clock.values[NODE_TOP])) if EXISTS(s.nodes, n)]
    reasons = answers(sim, w, ordinal)
    ranked = sorted((distance(sim, w, n, int(reasons[n])), n) for n in slots)
    return [refusal(sim, w, n, int(reasons[n])) for _, n in ranked]


def answers(sim: Simulation, w: int, ordinal: int | None) -> I64:
    """What every node says to the pod, in the scheduler's own words: PASS, INSUFFICIENT or a reason, by slot."""
    s = sim.state
    rows = np.flatnonzero((s.pods.workload == w) & (s.pods.state != POD_FREE))
    out = np.full((s.nodes.state.shape[0], 2), PASS, np.int64)
    if rows.size == 0:
        return out[:, 0]
    pending = rows[s.pods.state[rows] == POD_PENDING]
    named = rows[s.pods.ordinal[rows] == ordinal] if ordinal is not None else rows[:0]
    p = int((named if named.size else pending if pending.size else rows)[0])
    counts = np.zeros(s.queue.diagnoses.shape[1], np.int64)
    ask_nodes(s.clock, s.classes, s.pods, s.nodes, s.presence, s.scheduling, counts, p, out)
    return out[:, 0]


def distance(sim: Simulation, w: int, n: int, reason: int) -> tuple[int, float]:
    """How far node ``n`` is from taking the pod: refused for something else than room, then the largest lack as a share
    of what is requested."""
    s = sim.state
    c = int(s.workloads.pod_class[w])
    lack = shortage(sim, w, n)
    shares = [amount / max(1, int(s.classes.request[c, r])) for r, amount in lack.items()]
    return int(reason >= 0), max(shares, default=0.0)


def shortage(sim: Simulation, w: int, n: int) -> dict[int, int]:
    """Resource column -> what node ``n`` lacks for one more pod."""
    s = sim.state
    want = s.classes.request[int(s.workloads.pod_class[w])]
    over = s.nodes.requested[n] + want - s.nodes.allocatable[n]
    return {r: int(over[r]) for r in range(len(want)) if want[r] > 0 and over[r] > 0}


def refusal(sim: Simulation, w: int, n: int, reason: int) -> Refusal:
    """Node ``n``'s answer."""
    s, names = sim.state, sim.names
    name = names.node(int(s.nodes.group[n]), int(s.nodes.ordinal[n]))
    if reason >= 0:
        return Refusal(name, [names.reasons[reason]], {})
    short = {names.resources[r]: amount for r, amount in shortage(sim, w, n).items()}
    words = ["Too many pods" if resource == "pods" else f"Insufficient {resource}" for resource in short]
    return Refusal(name, words, short)


def remedies(sim: Simulation, w: int, found: list[Refusal]) -> list[str]:
    """What would have let one pod of the workload in, the smallest change first."""
    closest = next((node for node in found if node.short), None)
    listed = []
    if closest is not None:
        missing = " and ".join(f"{quantity(name, amount)} {name}" for name, amount in closest.short.items())
        listed.append(f"{missing} more on {closest.node}, or a request that much smaller")
    groups = range(len(sim.names.groups) - 1)
    return [*listed, *(text for g in groups if (text := group_remedy(sim, w, g)))]


def group_remedy(sim: Simulation, w: int, g: int) -> str:
    """What a node more of group ``g`` takes, or why it would not help; empty for groups that never fit the pod."""
    s, name = sim.state, sim.names.groups[g]
    c = int(s.workloads.pod_class[w])
    free = s.groups.template[g] - s.groups.daemons[g]
    lacks = [r for r in range(free.size) if s.classes.request[c, r] > max(0, int(free[r]))]
    if lacks:
        short = ", ".join(
            f"{quantity(sim.names.resources[r], int(s.classes.request[c, r] - free[r]))} {sim.names.resources[r]}"
            for r in lacks
        )
        return f"no node of group {name}: even an empty one is {short} short"
    if s.classes.shape_reason[c, s.groups.shapes[g, 0]] >= 0:
        return ""
    if int(s.groups.count[g, G_EXIST]) >= int(s.groups.size[g, G_MAX]):
        return f"a larger max of group {name}, which is at its max of {int(s.groups.size[g, G_MAX])}"
    if sim.scenario.cluster_autoscaler is None:
        return f"one more node of group {name} (there is no cluster autoscaler that would add it)"
    return f"one more node of group {name}"
