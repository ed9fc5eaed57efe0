"""Why pods of a workload were never created: who refused them, who used the quota, and what would have let them in."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from capsim.engine.drive import Simulation
from capsim.engine.refusals import failed_create, gathered, held_back
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.scenario.kubernetes.resource_quota import ResourceQuota, unit_of
from capsim.scenario.pod_quota import charged
from capsim.scenario.scenario import Scenario
from capsim.state.eventlog import LOG_FAILED_CREATE
from capsim.study.explain.subject import choose
from capsim.units import format_duration

MOST_USERS = 5
"""Workloads that are named as users of a quota."""


@dataclass(frozen=True)
class Use:
    """What the pods of one workload counted against the bounds that were exceeded."""

    workload: str
    pods: int
    amounts: dict[str, str]


@dataclass(frozen=True)
class Refused:
    """What became of the pods that a workload wanted; ``told``: (ms, message) of the first and the last refusal.

    ``held``: as in the summary, empty when nothing was refused. ``used_by`` and ``remedies`` are of the first refusal.
    """

    workload: str
    held: dict[str, Any]
    told: list[tuple[int, str]] = field(default_factory=list)
    used_by: list[Use] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def explain_workload(scenario: Scenario, name: str, reached_ms: int) -> Refused:
    """What was refused of workload ``name``; raises ScenarioError when there is no such workload."""
    keys = [workload.key for workload in scenario.objects.workloads]
    short = [f"{workload.namespace}/{workload.name}" for workload in scenario.objects.workloads]
    key = name if name in keys else keys[short.index(choose("workload", name, short))]
    sim = Simulation(scenario)
    sim.advance(reached_ms)
    sim.sink.drain(sim.state)
    held = next((one for one in held_back(sim) if one["workload"] == key), None)
    if held is None:
        return Refused(key, {})
    rows = set(sim.names.rows(sim.names.workloads.index(key)))
    refusals = [
        row for row in gathered(sim.sink.rows("events", 6).tolist()) if row[1] == LOG_FAILED_CREATE and row[2] in rows
    ]
    told = [(max(0, row[0]), failed_create(sim, row)[1]) for row in (refusals[0], refusals[-1])] if refusals else []
    first = next((row for row in refusals if row[4] >= 0), None)
    if first is None:
        return Refused(key, held, told)
    then = Simulation(scenario)
    then.advance(max(0, first[0]))
    quota = then.quotas_at(first[0])[first[4]]
    bounds = {list(quota.hard)[k]: used for k, used in first[5].items()}
    return Refused(key, held, told, users(then, first[4], list(bounds)), remedies(then, quota, first[2], bounds, held))


def users(sim: Simulation, q: int, bounds: list[str]) -> list[Use]:
    """Workloads whose pods count against quota ``q`` now, those with most pods first."""
    admission = sim.state.admission
    found: dict[str, list[tuple[int, PodTemplate]]] = {}
    for e in range(int(admission.quota_start[q]), int(admission.quota_start[q + 1])):
        w = int(admission.pair[e, 1])
        pods = int(sim.state.workloads.count[w, 1:].sum())
        if pods:
            owner = sim.names.workloads[sim.names.owner(w)]
            found.setdefault(owner, []).append((pods, sim.scenario.objects.workloads[w].template))
    listed = []
    for owner, parts in found.items():
        sums = {bound: sum(pods * charged(bound, template) for pods, template in parts) for bound in bounds}
        amounts = {bound: unit_of(bound).write(amount) for bound, amount in sums.items() if amount}
        listed.append(Use(owner, sum(pods for pods, _ in parts), amounts))
    return sorted(listed, key=lambda use: (-use.pods, use.workload))


def remedies(sim: Simulation, quota: ResourceQuota, w: int, bounds: dict[str, int], held: dict[str, Any]) -> list[str]:
    """The bounds that would have let in all pods that were missing at once."""
    template = sim.scenario.objects.workloads[w].template
    return [
        f"{bound} of {unit_of(bound).write(used + held['peak'] * charged(bound, template))} instead of "
        f"{unit_of(bound).write(quota.hard[bound])} in ResourceQuota {quota.name}"
        for bound, used in sorted(bounds.items())
    ]


def workload_lines(found: Refused) -> list[str]:
    """As text."""
    held = found.held
    if not held:
        return [f"workload/{found.workload}: no pod was refused"]
    spent = format_duration(round(held["seconds"] * 1000))
    still = f"; {held['still']} still missing at the end" if held["still"] else ""
    lines = [
        f"workload/{found.workload}: up to {held['peak']} pods held back by {held['by']}, for {spent}, "
        f"{held['refusals']} refusals{still}"
    ]
    lines += [f"{format_duration(at)}: FailedCreate: {message}" for at, message in dict(found.told).items()]
    for use in found.used_by[:MOST_USERS]:
        amounts = ", ".join(f"{bound} {amount}" for bound, amount in use.amounts.items())
        lines.append(f"  used by {use.workload}: {use.pods} pods, {amounts or 'nothing that is bounded'}")
    if len(found.used_by) > MOST_USERS:
        lines.append(f"  and by {len(found.used_by) - MOST_USERS} more workloads")
    if found.remedies:
        lines.append("what would have helped: " + "; ".join(found.remedies))
    return lines
