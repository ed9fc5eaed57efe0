"""Python controllers: they act in the phase of the HPA, at their own period, and see what the real one could see.

A controller is a function that is called with a :class:`View`; it reads desired and current replicas and the pod
metrics as metrics-server publishes them, late as they are, and sets replicas. The change travels as an HPA's does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from capsim.controllers.hpa.codes import REASON_ABOVE_TARGET, REASON_BELOW_TARGET
from capsim.engine.actions import ACT_HPA_SCALE, ACT_SCALE
from capsim.engine.autoscaler import log
from capsim.engine.metrics_view import cpu_milli
from capsim.engine.published import published
from capsim.state.eventlog import LOG_RESCALE
from capsim.state.tables import (
    NEVER,
    NEXT_CUSTOM,
    P_HPA_TO_SCALE,
    P_SCALE_TO_POD,
    POD_FREE,
    POD_READY,
    POD_TERMINATING,
)
from capsim.world.metrics import whole_second

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation


@dataclass
class Custom:
    """A Python controller: ``act(view)`` is called at ``phase_ms`` and every ``period_ms`` after it.

    ``replaces``: names (``namespace/name``) of HPAs that it stands in for; they do not sync. ``period_ms`` and
    ``phase_ms`` of None are those of the first HPA that it replaces.
    """

    act: Callable[[View], None]
    period_ms: int | None = None
    phase_ms: int | None = None
    replaces: tuple[str, ...] = ()


class PodMetrics(NamedTuple):
    """One pod as a controller sees it; times are API stamps, whole seconds, in ms of the run."""

    name: str
    ready: bool
    ready_ms: int
    has_metrics: bool
    cpu_milli: int
    stamp_ms: int
    window_ms: int


class View:
    """What a controller can see and do, by name. Workloads are ``namespace/Kind/name``."""

    def __init__(self, sim: Simulation, now_ms: int) -> None:
        self._sim = sim
        self.now_ms = now_ms

    def desired(self, workload: str) -> int:
        """spec.replicas."""
        return int(self._sim.state.workloads.desired[self._row(workload)])

    def request_milli(self, workload: str) -> int:
        """CPU request of one pod."""
        s = self._sim.state
        row = self._sim.names.rows(self._row(workload))[0]
        return int(s.classes.request[s.workloads.pod_class[row], 0])

    def pods(self, workload: str) -> list[PodMetrics]:
        """Pods that are not being deleted, with the usage that the metrics API reports for them now."""
        links = self._sim.state.links
        found = []
        for w in self._sim.names.rows(self._row(workload)):
            p = int(self._sim.state.workloads.first_pod[w])
            while p >= 0:
                if self._sim.state.pods.state[p] not in (POD_FREE, POD_TERMINATING):
                    found.append(self._pod(w, p))
                p = int(links.workload_next[p])
        return found

    def scale(self, workload: str, replicas: int) -> None:
        """Set spec.replicas; it reaches the API server after the delay of an HPA's update."""
        sim = self._sim
        w = self._row(workload)
        h = int(sim.state.workloads.hpa[w])
        at_ms = self.now_ms + int(sim.state.clock.params[P_HPA_TO_SCALE])
        current = self.desired(workload)
        if replicas == current:
            return
        sim.make_room(heap=4)
        if h < 0:
            sim.act(ACT_SCALE, w, replicas, at_ms + int(sim.state.clock.params[P_SCALE_TO_POD]))
            return
        sim.act(ACT_HPA_SCALE, h, replicas, at_ms)
        reason = REASON_ABOVE_TARGET if replicas > current else REASON_BELOW_TARGET
        log(sim, self.now_ms, LOG_RESCALE, h, replicas, reason, 0)

    def _row(self, workload: str) -> int:
        return self._sim.names.workloads.index(workload)

    def _pod(self, w: int, p: int) -> PodMetrics:
        s = self._sim.state
        name = self._sim.names.pod(w, int(s.pods.ordinal[p]))
        if s.pods.state[p] != POD_READY:
            return PodMetrics(name, False, -1, False, 0, -1, 0)
        has, rate, extra, window, stamp = published(s.clock, s.pods, s.usage, s.workloads, s.physics, s.marks, p)
        first, last = int(s.containers.start[w]), int(s.containers.start[w + 1])
        milli = int(CPU_MILLI(s.containers, w, first, last, rate, extra)) if has else 0
        ready_ms, stamp_ms = int(SECOND(s.clock, int(s.pods.ready_ms[p]))), int(SECOND(s.clock, stamp))
        return PodMetrics(name, True, ready_ms, bool(has), milli, stamp_ms, int(window))


def python_of(kernel: Any) -> Any:
    """The Python function of a kernel that calls no other kernel: inner kernels cannot be called from Python."""
    return getattr(kernel, "py_func", kernel)


CPU_MILLI, SECOND = python_of(cpu_milli), python_of(whole_second)


class Customs:
    """All Python controllers of a run and when each is due."""

    def __init__(self, customs: list[Custom]) -> None:
        self.customs = customs
        self.due: list[int] = []
        self.period: list[int] = []

    def arm(self, sim: Simulation) -> None:
        """Silence the HPAs that are replaced and tell the loop when the first controller is due."""
        from capsim.engine.build.control import hpa_period_ms, set_leaf

        for custom in self.customs:
            rows = [sim.names.hpas.index(name) for name in custom.replaces]
            for h in rows:
                sim.state.hpas.custom[h] = 1
                set_leaf(sim.state.wheels.hpa, h, NEVER)
            phase = int(sim.state.hpas.phase_ms[rows[0]]) if rows else 0
            self.due.append(phase if custom.phase_ms is None else custom.phase_ms)
            self.period.append(custom.period_ms or hpa_period_ms(sim.scenario))
        sim.state.clock.values[NEXT_CUSTOM] = min(self.due, default=NEVER)

    def call(self, sim: Simulation) -> None:
        """Call every controller that is due."""
        for i, custom in enumerate(self.customs):
            if self.due[i] <= sim.now_ms:
                self.due[i] += self.period[i]
                custom.act(View(sim, sim.now_ms))
        sim.state.clock.values[NEXT_CUSTOM] = min(self.due, default=NEVER)

    def snapshot(self) -> list[int]:
        """Due times."""
        return list(self.due)

    def restore(self, due: list[int]) -> None:
        """Back to a snapshot's due times."""
        self.due = list(due)
