"""Why the Cluster Autoscaler grew a group, and why a node stayed or went: its loops are executed again and noted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from capsim.controllers.cluster_autoscaler.status import LoopStatus
from capsim.controllers.cluster_autoscaler.view import View
from capsim.engine.drive import Simulation
from capsim.errors import Problem, ScenarioError
from capsim.scenario.scenario import Scenario
from capsim.study.explain.subject import choose
from capsim.units import format_duration


@dataclass(frozen=True)
class NodeStep:
    """What the loop at ``time_ms`` said of a node that it had not said before."""

    time_ms: int
    said: str


@dataclass(frozen=True)
class OptionSeen:
    """One group that could have grown: nodes to add, pods that they would hold."""

    group: str
    nodes: int
    pods: int
    note: str


@dataclass(frozen=True)
class ScaleUpSeen:
    """One scale-up, or one that was wanted and did not come about."""

    time_ms: int
    result: str
    pods: int
    options: list[OptionSeen]
    trail: list[tuple[str, list[str]]]
    chosen: str
    grown: list[tuple[str, int, int]]
    skipped: dict[str, str]
    unhelped: int = 0
    examples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def watched(scenario: Scenario, watch: Any) -> Simulation:
    """A simulation whose autoscaler tells ``watch(sim, status, view)`` of every loop that it executes."""
    if scenario.cluster_autoscaler is None:
        raise ScenarioError(Problem("the run has no cluster autoscaler", allowed="hpa/NAME, pod/NAME"))
    sim = Simulation(scenario)
    sim.autoscaler.listen(lambda status, view: watch(sim, status, view))
    return sim


def explain_node(scenario: Scenario, name: str, reached_ms: int) -> list[NodeStep]:
    """What was said of node ``name``, each time that it changed; raises ScenarioError when there was no such node."""
    steps: list[NodeStep] = []
    seen: dict[str, None] = {}
    last = ""

    def watch(sim: Simulation, status: LoopStatus, view: View) -> None:
        nonlocal last
        names = sim.autoscaler.world.names()
        listed = {names[slot]: slot for slot in view.listed.tolist()}
        seen.update(dict.fromkeys(listed))
        if name in listed:
            said = of_node(sim, status, view, listed[name])
            if said != last:
                steps.append(NodeStep(view.now_ms, said))
            last = said

    sim = watched(scenario, watch)
    sim.advance(reached_ms)
    if not steps:
        choose("node", name, [f"nodes/{one}" for one in seen])
    return steps


def of_node(sim: Simulation, status: LoopStatus, view: View, slot: int) -> str:
    """What this loop made of the node."""
    turn = sim.autoscaler
    for gone in status.scaled_down:
        if gone.slot == slot:
            moved = f", {len(gone.evicted)} pods are evicted" if gone.evicted else ", it is empty"
            return f"its deletion begins{moved} (utilisation {gone.utilisation:.1%})"
    if int(view.nodes.deleted_ms[slot]) >= 0:
        return "it is being deleted (taint ToBeDeletedByClusterAutoscaler)"
    if status.why_not or status.error:
        return f"the loop did nothing: {status.why_not or status.error}"
    for one in status.unremovable:
        if one.slot == slot:
            blocked = f": {turn.world.pod_name(one.pod)} ({one.why})" if one.pod >= 0 else ""
            return f"stays, {one.reason}{blocked}"
    uid = int(view.nodes.uid[slot])
    unneeded = turn.scaler.planner.unneeded.get(uid)
    if unneeded is not None:
        since = format_duration(unneeded.since_ms)
        return f"unneeded since {since}, {unneeded.moved} pods would move; scale-down: {status.scale_down}"
    return "not a candidate for scale-down"


def explain_scale_up(scenario: Scenario, at_ms: int, reached_ms: int) -> ScaleUpSeen:
    """The last loop at or before ``at_ms`` that wanted to add nodes, else the first after; raises ScenarioError when
    no loop did."""
    seen: list[ScaleUpSeen] = []

    def watch(sim: Simulation, status: LoopStatus, view: View) -> None:
        if status.scale_up.result not in ("NotNeeded", "NotTried"):
            seen.append(as_seen(sim, status, view.now_ms))

    watched(scenario, watch).advance(reached_ms)
    before = [one for one in seen if one.time_ms <= at_ms]
    if not seen:
        raise ScenarioError(Problem("no loop of the cluster autoscaler wanted to add nodes", key="scale-up"))
    return before[-1] if before else seen[0]


def as_seen(sim: Simulation, status: LoopStatus, now_ms: int) -> ScaleUpSeen:
    """What a loop considered, with names."""
    up, names = status.scale_up, sim.names.groups
    options = [
        OptionSeen(option.name, option.nodes, len(option.pods), up.notes.get(option.name, "").strip(" |"))
        for option in up.options
    ]
    return ScaleUpSeen(
        time_ms=now_ms,
        result=up.error or up.result,
        pods=sum(len(group.pods) for group in up.groups),
        options=options,
        trail=[(expander, [names[g] for g in left]) for expander, left in up.trail],
        chosen=names[up.chosen] if up.chosen >= 0 else "",
        grown=[(names[growth.group], growth.before, growth.after) for growth in up.growths],
        skipped={names[g]: why for g, why in up.skipped.items()},
        unhelped=sum(len(group.pods) for group in up.remaining),
        examples=[sim.autoscaler.world.pod_name(int(group.pods[0])) for group in up.remaining[:3]],
    )


def node_line(step: NodeStep) -> str:
    """One step as text."""
    return f"{format_duration(step.time_ms):>12}  {step.said}"


def scale_up_lines(seen: ScaleUpSeen) -> list[str]:
    """A scale-up as text."""
    lines = [f"{format_duration(seen.time_ms)}: {seen.pods} pods need nodes: {seen.result}"]
    lines += [f"  {o.group}: {o.nodes} nodes would hold {o.pods} pods  {o.note}".rstrip() for o in seen.options]
    lines += [f"  {group}: not considered, {why}" for group, why in seen.skipped.items()]
    lines += [f"  {expander} leaves {', '.join(left)}" for expander, left in seen.trail]
    lines += [f"  chosen: {seen.chosen}"] if seen.chosen else []
    lines += [f"  {group}: {before} -> {after} nodes" for group, before, after in seen.grown]
    if seen.unhelped:
        lines.append(f"  {seen.unhelped} pods are helped by no group, among them {', '.join(seen.examples)}")
    return lines
