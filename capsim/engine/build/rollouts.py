"""Deployments that are rolled out: rows for their ReplicaSets, and what the Deployment controller keeps of them.

A scenario's events are known when a run is built, so every revision that a Deployment will ever have gets a row, a
class of pods and a behaviour of its own. Revisions stand behind all other workloads; what others see is the
Deployment's row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.workloads.rollout_bounds import max_surge
from capsim.engine.build.jobs import CronPlan, slot_hashes, with_job_rows
from capsim.engine.build.names import template_hash
from capsim.rng import name_hash
from capsim.scenario.kubernetes.rollout_strategy import bound_of, daemon_bounds, rolling_bounds
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.revisions import Revision, histories
from capsim.scenario.scenario import Scenario
from capsim.state import tables_rollout as r
from capsim.state.tables import KIND_DAEMONSET, KIND_REVISION, KIND_ROLLOUT, KIND_STATEFULSET, NEVER, Workloads

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

HASH_LABEL = "pod-template-hash"
REVISION_LABEL = "controller-revision-hash"
MAX_SURGE: Callable[..., int] = getattr(max_surge, "py_func", max_surge)
ROLLED = {"StatefulSet": KIND_STATEFULSET, "DaemonSet": KIND_DAEMONSET}
"""Kinds whose own controller looks after the pods of all revisions."""
NO_DEADLINE_S = 2**31 - 1
"""progressDeadlineSeconds that stands for none, as upstream has it."""


@dataclass(frozen=True)
class Plan:
    """Which rows are revisions of which Deployment, and which event asks for which."""

    members: dict[int, list[int]] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)
    hashes: dict[int, int] = field(default_factory=dict)
    crons: CronPlan = field(default_factory=CronPlan)
    steps: dict[int, int] = field(default_factory=dict)
    """Index of the event in order of time -> row of the revision."""


def with_revisions(scenario: Scenario) -> tuple[Scenario, Plan]:
    """The scenario with a ReplicaSet for each revision of the Deployments that are rolled out; as it is without any.

    Raises ScenarioError where a rollout names a container that does not exist.
    """
    scenario, crons = with_job_rows(scenario)
    plan = Plan(dict(crons.slots), dict(crons.owners), slot_hashes(scenario, crons), crons)
    found = histories(scenario)
    if not found:
        return scenario, plan
    workloads = list(scenario.objects.workloads)
    behaviours = dict(scenario.workloads)
    row_of = {workload.key: w for w, workload in enumerate(workloads)}
    keys: dict[str, list[str]] = {}
    for key, history in found.items():
        rows = plan.members[row_of[key]] = []
        for number, revision in enumerate(history.revisions):
            row = len(workloads)
            plan.hashes[row] = name_hash(key if number == 0 else f"{key}#{number}")
            replica_set = _replica_set(history.workload, revision, template_hash(plan.hashes[row]))
            workloads.append(replica_set)
            behaviours[replica_set.key] = revision.behaviour
            plan.owners[row] = row_of[key]
            rows.append(row)
        keys[key] = [workloads[row].key for row in rows]
        plan.steps.update((index, rows[revision]) for index, revision in history.steps.items())
    services = {
        name: spec.model_copy(update={"workloads": [new for old in spec.workloads for new in keys.get(old, [old])]})
        for name, spec in scenario.services.items()
    }
    placement = {keys.get(key, [key])[0]: nodes for key, nodes in scenario.placement.items()}
    objects = scenario.objects.model_copy(update={"workloads": workloads})
    changes = {"objects": objects, "workloads": behaviours, "services": services, "placement": placement}
    return scenario.model_copy(update=changes), plan


def _replica_set(deployment: Workload, revision: Revision, hashed: str) -> Workload:
    if deployment.kind in ("StatefulSet", "DaemonSet"):
        labels = {**revision.template.labels, REVISION_LABEL: f"{deployment.name}-{hashed}"}
        template = revision.template.model_copy(update={"labels": labels})
        return deployment.model_copy(
            update={"name": f"{deployment.name}-{hashed}", "replicas": 0, "template": template}
        )
    labels = {**revision.template.labels, HASH_LABEL: hashed}
    exact = {**(deployment.selector.get("matchLabels") or {}), HASH_LABEL: hashed}
    return Workload(
        kind="ReplicaSet",
        namespace=deployment.namespace,
        name=f"{deployment.name}-{hashed}",
        replicas=0,
        selector={**deployment.selector, "matchLabels": exact},
        template=revision.template.model_copy(update={"labels": labels}),
    )


def build_rollouts(scenario: Scenario, plan: Plan, workloads: Workloads) -> r.Rollouts:
    """Settings of the Deployments of ``plan``, whose first revision exists; links the rows of ``workloads``."""
    sets = [
        w
        for w, workload in enumerate(scenario.objects.workloads)
        if workload.kind == "StatefulSet" and w not in plan.owners
    ]
    rows = workloads.kind.shape[0] if plan.members.keys() - plan.crons.slots.keys() or sets else 0
    rollouts = r.Rollouts(
        setting=np.zeros((rows, r.SETTING_COLUMNS), np.int64), revision=np.zeros((rows, r.REVISION_COLUMNS), np.int64)
    )
    for w in sets:
        workloads.deployment[w] = w
        settings_of(rollouts, w, scenario.objects.workloads[w])
        rollouts.setting[w, [r.D_TEMPLATE, r.D_CURRENT]] = w
    for w, members in plan.members.items():
        if w in plan.crons.slots:
            continue
        kind = scenario.objects.workloads[w].kind
        workloads.kind[w] = ROLLED.get(kind, KIND_ROLLOUT)
        if kind in ROLLED:
            workloads.kind[members] = KIND_REVISION
            rollouts.revision[members, r.R_EXISTS] = 1
        for row, after in zip([w, *members], [*members, -1], strict=True):
            workloads.next_revision[row] = after
        workloads.deployment[members] = w
        if kind == "DaemonSet":
            workloads.deployment[w] = w
        settings_of(rollouts, w, scenario.objects.workloads[w])
        rollouts.setting[w, [r.D_TEMPLATE, r.D_CURRENT]] = members[0]
        rollouts.setting[w, r.D_NUMBER] = 1
        rollouts.revision[members[0], [r.R_EXISTS, r.R_NUMBER, r.R_CREATED]] = 1
    return rollouts


def settings_of(rollouts: r.Rollouts, w: int, deployment: Workload) -> None:
    """What the spec of a Deployment or StatefulSet says of its rollouts, into row ``w``."""
    setting = rollouts.setting
    setting[w, r.D_MIN_READY_MS] = deployment.min_ready_s * 1000
    setting[w, r.D_HISTORY] = deployment.revision_history_limit
    if deployment.kind == "StatefulSet":
        rolling = deployment.strategy.get("rollingUpdate") or {}
        setting[w, r.D_PARALLEL] = int(deployment.pod_management == "Parallel")
        setting[w, r.D_PARTITION] = rolling.get("partition") or 0
        most = bound_of(rolling.get("maxUnavailable", 1))
        assert most is not None
        setting[w, [r.D_UNAVAILABLE, r.D_UNAVAILABLE_IS_PERCENT]] = most
        setting[w, r.D_ON_DELETE] = int(deployment.strategy.get("type") == "OnDelete")
        setting[w, r.D_FIRST] = deployment.first_ordinal
        return
    if deployment.kind == "DaemonSet":
        setting[w, r.D_ON_DELETE] = int(deployment.strategy.get("type") == "OnDelete")
        surge, unavailable = daemon_bounds(deployment.strategy)
    else:
        surge, unavailable = rolling_bounds(deployment.strategy)
    deadline_s = deployment.progress_deadline_s
    setting[w, r.D_RECREATE] = int(deployment.strategy.get("type") == "Recreate")
    setting[w, [r.D_SURGE, r.D_SURGE_IS_PERCENT]] = surge
    setting[w, [r.D_UNAVAILABLE, r.D_UNAVAILABLE_IS_PERCENT]] = unavailable
    setting[w, r.D_DEADLINE_MS] = NEVER // 2 if deadline_s >= NO_DEADLINE_S else deadline_s * 1000
    setting[w, r.D_PAUSED] = int(deployment.paused)


def start_rollout(sim: Simulation, w: int, replicas: int) -> None:
    """Deployment ``w`` starts with ``replicas`` more than are placed already, all in its first revision."""
    s = sim.state
    first = sim.names.members[w][0]
    replicas += int(s.workloads.desired[first])
    s.workloads.desired[w] = replicas
    s.rollouts.revision[first, r.R_WANTED] = replicas
    s.rollouts.revision[first, r.R_MOST] = replicas + int(MAX_SURGE(s.rollouts, w, replicas))
