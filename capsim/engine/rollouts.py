"""Events that roll Deployments out, back, or pause them: the spec changes, the Deployment controller does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.engine.actions import ACT_SCALE
from capsim.engine.build.assemble import fill_daemons
from capsim.engine.build.names import first_rows
from capsim.engine.build.rollouts import settings_of
from capsim.scenario.kubernetes.workload import Workload
from capsim.state.tables import P_SCALE_TO_POD
from capsim.state.tables_rollout import (
    D_PAUSED,
    D_PHASE,
    D_PROGRESS_MS,
    D_TEMPLATE,
    PROGRESSING,
    R_EXISTS,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.event import TimedEvent


def follow(sim: Simulation, event: TimedEvent, revision: int) -> int:
    """Carry out an event after which the Deployment of row ``revision`` has that revision; 0 when nothing was done."""
    w = sim.names.owner(revision)
    setting = sim.state.rollouts.setting[w]
    replicas = int(sim.state.workloads.desired[w])
    changed = bool(setting[D_TEMPLATE] != revision)
    if event.pause_rollout is not None or event.resume_rollout is not None:
        setting[D_PAUSED] = int(event.pause_rollout is not None)
        revision, changed = int(setting[D_TEMPLATE]), event.resume_rollout is not None
    elif event.rollback is not None and sim.state.rollouts.revision[revision, R_EXISTS] == 0:
        return 0
    elif event.apply is not None and isinstance(event.apply.object, Workload):
        settings_of(sim.state.rollouts, w, event.apply.object)
        before = applied_before(sim, event)
        replicas = event.apply.object.replicas if event.apply.object.replicas != before.replicas else replicas
    if changed and w in sim.names.daemonsets:
        rows = {sim.names.owner(row): row for row in first_rows(sim.names)}
        for other in rows:
            if other in sim.names.members:
                rows[other] = int(sim.state.rollouts.setting[other, D_TEMPLATE])
        fill_daemons(sim.state.groups, sim.state.classes, [*(rows | {w: revision}).values()])
    if changed:
        setting[[D_TEMPLATE, D_PHASE, D_PROGRESS_MS]] = revision, PROGRESSING, sim.now_ms
    sim.act(ACT_SCALE, w, replicas, sim.now_ms + max(1, int(sim.state.clock.params[P_SCALE_TO_POD])))
    return 1


def applied_before(sim: Simulation, event: TimedEvent) -> Workload:
    """The Deployment as it was written before ``event`` applied another."""
    assert event.apply is not None
    assert isinstance(event.apply.object, Workload)
    key = event.apply.object.key
    found = sim.scenario.objects.workload(key)
    for earlier in sim.timeline:
        if earlier is event:
            break
        if earlier.apply is not None and isinstance(earlier.apply.object, Workload) and earlier.apply.object.key == key:
            found = earlier.apply.object
    return found
