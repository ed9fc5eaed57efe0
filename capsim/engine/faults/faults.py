"""The faults of a run: their state, their calendar, and who carries out what is due."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capsim.controllers.node_lifecycle.zones import ZoneQueue
from capsim.engine.addresses import hand_out
from capsim.engine.faults.agenda import Agenda
from capsim.engine.faults.disk import Written
from capsim.engine.faults.drains import Drain
from capsim.engine.faults.probes import check_probes
from capsim.engine.faults.restarts import check_memory
from capsim.engine.faults.upgrades import Roll
from capsim.state.tables import FROZEN_UNTIL

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.scenario import Scenario

Handler = Callable[..., None]


@dataclass
class Faults:
    """Everything that is broken or being taken out of service; nodes are known by their uid."""

    agenda: Agenda = field(default_factory=Agenda)
    silent: dict[int, int] = field(default_factory=dict)
    """Nodes that do not answer, and since when."""
    dead_zones: dict[str, str] = field(default_factory=dict)
    """Zones in which nothing answers, and in which mode."""
    queues: dict[str, ZoneQueue] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    """State of each zone that the node lifecycle controller has seen."""
    all_down: bool = False
    tainted: dict[int, int] = field(default_factory=dict)
    """Nodes with the NoExecute taint, and the number of that taint."""
    taints: int = 0
    drains: dict[int, Drain] = field(default_factory=dict)
    rolls: list[Roll] = field(default_factory=list)
    outages: list[tuple[int, int]] = field(default_factory=list)
    """Control-plane nodes that are down: (how many, until when)."""
    back_offs: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Pods whose containers ended: how long the kubelet waits the next time, ms, and when it last waited."""
    crashing: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Workloads whose containers exit: how long after each start, and until when."""
    late: set[int] = field(default_factory=set)
    """Workloads whose requests wait for longer than their liveness probes: their pods are looked at."""
    hung: set[int] = field(default_factory=set)
    """Pods that hang."""
    orders: dict[int, int] = field(default_factory=dict)
    """Machines by node group that the cloud has no address for."""
    looks_at_memory: bool = False
    """Whether kubelets look at the memory of their nodes: some could run short of it."""
    looks_at_disks: bool = False
    """Whether kubelets look at the disks of their nodes: pods write to them, or images could fill one."""
    met_ms: dict[tuple[int, int], int] = field(default_factory=dict)
    """Nodes with a condition of pressure, and its flag: when the threshold was met last."""
    written: dict[int, Written] = field(default_factory=dict)
    """Pods whose containers ended, or whose nodes fell silent: what they had served until then."""
    thawed_ms: int = -1
    """When the control plane last came back: controllers have forgotten what they had observed."""

    def copy(self) -> Faults:
        """A deep copy."""
        return copy.deepcopy(self)

    def happen(self, sim: Simulation) -> None:
        """Carry out all that is due; what needs the API server waits until it is back."""
        check_probes(sim)
        check_memory(sim)
        hand_out(sim)
        while (entry := self.agenda.take(sim.now_ms)) is not None:
            frozen_ms = int(sim.state.clock.values[FROZEN_UNTIL])
            if frozen_ms > sim.now_ms and entry.what not in PHYSICAL:
                self.agenda.add(frozen_ms, entry.what, *entry.args)
            else:
                handlers()[entry.what](sim, *entry.args)


PHYSICAL = {
    "back",
    "zone_back",
    "terminate",
    "random",
    "thaw",
    "memory",
    "restart",
    "exit",
    "pressure",
    "liveness",
    "hung",
    "recovers",
}
"""What happens whether or not there is a control plane."""


def handlers() -> dict[str, Handler]:
    """Who carries out what."""
    from capsim.engine.faults import control, drains, lifecycle, machines, pressure, probes, restarts, upgrades

    return {
        "back": machines.back,
        "zone_back": machines.zone_back,
        "terminate": machines.terminate,
        "random": machines.random_failure,
        "repair": machines.repair,
        "detect": lifecycle.detect,
        "pump": lifecycle.pump,
        "evict": lifecycle.evict,
        "reachable": lifecycle.reachable,
        "orphans": lifecycle.collect_orphans,
        "drain": drains.step,
        "roll": upgrades.step,
        "thaw": control.thaw,
        "memory": restarts.memory,
        "restart": restarts.restart,
        "exit": restarts.exits,
        "pressure": pressure.look,
        "liveness": probes.liveness,
        "hung": probes.hung,
        "unready": probes.unready,
        "recovers": probes.recovers,
    }


def begin(scenario: Scenario) -> Faults:
    """The faults of a run at its start: nothing is broken, random failures are on the calendar."""
    from capsim.engine.faults.machines import first_failures

    faults = Faults()
    first_failures(faults, scenario)
    return faults
