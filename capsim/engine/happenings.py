"""Scenario events: what somebody does, or what breaks, at its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.controllers.hpa.doors import sleep_until
from capsim.controllers.hpa.spec import carry_over
from capsim.engine.actions import ACT_BOOT_NOW, ACT_SCALE
from capsim.engine.autoscaler import log, next_ordinal
from capsim.engine.build.adapter import metric_rows
from capsim.engine.build.admission import build_admission
from capsim.engine.build.control import build_specs, is_restless, set_leaf
from capsim.engine.cron import CronJobs
from capsim.engine.faults.control import control_plane_outage
from capsim.engine.faults.drains import drain
from capsim.engine.faults.faults import begin
from capsim.engine.faults.machines import fail, spot_reclaim, zone_outage
from capsim.engine.faults.probes import hang
from capsim.engine.faults.restarts import crash
from capsim.engine.faults.upgrades import roll
from capsim.engine.resizing import resize
from capsim.engine.rollouts import follow
from capsim.scenario.timeline import in_time
from capsim.state.eventlog import LOG_MANUAL
from capsim.state.tables import (
    ADDRESS_DUE,
    G_TARGET,
    NEVER,
    NEXT_EVENT,
    P_HPA_PERIOD,
    P_SCALE_TO_POD,
    PODS_DUE,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.engine.faults.faults import Faults
    from capsim.scenario.event import AddNodes, Apply, TimedEvent
    from capsim.scenario.kubernetes.hpa import Hpa
    from capsim.scenario.scenario import Scenario


class Happenings:
    """The scenario's events in order of time; ``position`` is the next one."""

    def __init__(self, scenario: Scenario) -> None:
        self.events = [event for event in in_time(scenario) if event.at_ms < scenario.duration_ms]
        self.hpas = list(scenario.objects.hpas)
        self.position = 0
        self.faults = begin(scenario)
        self.crons = CronJobs([])

    def arm(self, sim: Simulation) -> None:
        """Tell the loop when the next event is due."""
        due = self.events[self.position].at_ms if self.position < len(self.events) else NEVER
        fault = self.faults.agenda.next_ms()
        if sim.state.clock.values[PODS_DUE] or sim.state.clock.values[ADDRESS_DUE]:
            fault = sim.now_ms
        due = due if fault is None else min(due, fault)
        sim.state.clock.values[NEXT_EVENT] = min(due, self.crons.next_ms(sim))

    def happen(self, sim: Simulation) -> None:
        """Carry out every event that is due."""
        while self.position < len(self.events) and self.events[self.position].at_ms <= sim.now_ms:
            index = self.position
            self.position += 1
            self.carry_out(sim, index, self.events[index])
        self.faults.happen(sim)
        self.crons.happen(sim)
        self.arm(sim)

    def snapshot(self) -> tuple[int, list[Hpa], Faults, int]:
        """Where the lists of events and of due CronJobs stand, the HPAs as they were applied last, what is broken."""
        return self.position, list(self.hpas), self.faults.copy(), self.crons.position

    def restore(self, snapshot: tuple[int, list[Hpa], Faults, int]) -> None:
        """Back to a snapshot."""
        self.position, hpas, faults, self.crons.position = snapshot
        self.hpas, self.faults = list(hpas), faults.copy()

    def carry_out(self, sim: Simulation, index: int, event: TimedEvent) -> None:
        """One event; a node that is gone by now is told as an event, not an error."""
        done = 1
        if event.scale is not None:
            scale(sim, event.scale.target, event.scale.replicas)
        elif index in sim.plan.steps:
            done = follow(sim, event, sim.plan.steps[index])
        elif event.apply is not None:
            self.apply(sim, event.apply)
        elif event.add_nodes is not None:
            add_nodes(sim, event.add_nodes)
        elif event.resize is not None:
            resize(sim, event.resize)
        elif event.drain is not None:
            done = drain(sim, event.drain)
        elif event.fail is not None:
            done = fail(sim, event.fail)
        elif event.zone_outage is not None:
            zone_outage(sim, event.zone_outage)
        elif event.spot_reclaim is not None:
            done = spot_reclaim(sim, event.spot_reclaim)
        elif event.crash is not None:
            done = crash(sim, event.crash)
        elif event.hang is not None:
            done = hang(sim, event.hang)
        elif event.upgrade is not None:
            roll(sim, event.upgrade)
        elif event.control_plane_outage is not None:
            control_plane_outage(sim, event.control_plane_outage)
        log(sim, sim.now_ms, LOG_MANUAL, index, done, 0, 0)

    def apply(self, sim: Simulation, event: Apply) -> None:
        """A changed HPA takes effect at its next sync, a changed replica count at once."""
        from capsim.scenario.event import Scale
        from capsim.scenario.kubernetes.hpa import Hpa
        from capsim.scenario.kubernetes.resource_quota import ResourceQuota

        if isinstance(event.object, Hpa):
            self.apply_hpa(sim, event.object)
        elif isinstance(event.object, ResourceQuota):
            apply_quotas(sim)
        elif isinstance(event.object, Scale):
            scale(sim, event.object.target, event.object.replicas)

    def apply_hpa(self, sim: Simulation, changed: Hpa) -> None:
        """Compile the specs anew; status, logs and conditions stay."""
        h = next(i for i, hpa in enumerate(self.hpas) if hpa.key == changed.key)
        self.hpas[h] = changed
        objects = sim.scenario.objects.model_copy(update={"hpas": self.hpas})
        scenario = sim.scenario.model_copy(update={"objects": objects})
        specs = build_specs(scenario)
        bring_logs_up(sim)
        state = sim.state
        adapter = state.adapter._replace(metric=metric_rows(scenario, sim.names))
        carried = carry_over(state.hpa, specs, int(state.clock.params[P_HPA_PERIOD]))
        sim.state = state._replace(specs=specs, hpa=carried, adapter=adapter)
        links = state.hpas
        has_rivals = bool(links.rival_start[h] < links.rival_start[h + 1])
        links.restless[h] = is_restless(scenario, changed, has_rivals or int(links.workload[h]) in sim.names.members)
        wake_hpa(sim, h)


def apply_quotas(sim: Simulation) -> None:
    """New bounds count from now on; who was refused tries again when it would have anyway, as upstream."""
    objects = sim.scenario.objects.model_copy(update={"quotas": sim.quotas_at(sim.now_ms)})
    now = sim.scenario.model_copy(update={"objects": objects})
    admission = build_admission(now, sim.names)
    if admission.burst.shape == sim.state.admission.burst.shape:
        admission.burst[:] = sim.state.admission.burst
        admission.bucket_us[:] = sim.state.admission.bucket_us
    sim.state = sim.state._replace(admission=admission)


def bring_logs_up(sim: Simulation) -> None:
    """Log what the syncs that were skipped so far would have logged, under the specs that they ran with."""
    links, period = sim.state.hpas, int(sim.state.clock.params[P_HPA_PERIOD])
    for h in range(len(sim.names.hpas)):
        last = int(links.last_ms[h])
        passed = last + (sim.now_ms - 1 - last) // period * period
        if last >= 0 and passed > last:
            sleep_until(sim.state.specs, sim.state.hpa, h, passed)
            links.last_ms[h] = passed


def wake_hpa(sim: Simulation, h: int) -> None:
    """HPA ``h`` syncs at its next tick."""
    phase, period = int(sim.state.hpas.phase_ms[h]), int(sim.state.clock.params[P_HPA_PERIOD])
    ticks = max(0, -(-(sim.now_ms - phase) // period))
    set_leaf(sim.state.wheels.hpa, h, phase + ticks * period)


def scale(sim: Simulation, target: str, replicas: int) -> None:
    """``kubectl scale``: spec.replicas changes now, the controller follows after its watch delay."""
    w = sim.names.workloads.index(target)
    sim.act(ACT_SCALE, w, replicas, sim.now_ms + max(1, int(sim.state.clock.params[P_SCALE_TO_POD])))


def add_nodes(sim: Simulation, event: AddNodes) -> None:
    """Somebody orders nodes; they boot like any other, or are there at once."""
    g = sim.names.groups.index(event.group)
    for _ in range(event.count):
        n = sim.add_node(g, next_ordinal(sim, g), boots=not event.immediately)
        sim.state.groups.size[g, G_TARGET] += 1
        if event.immediately and n >= 0:
            sim.act(ACT_BOOT_NOW, n)
