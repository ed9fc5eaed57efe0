"""The Cluster Autoscaler's turn in the loop: deletions that go on, and loops that could change something."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from capsim.controllers.cluster_autoscaler import rest
from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler
from capsim.controllers.cluster_autoscaler.status import LoopStatus
from capsim.controllers.cluster_autoscaler.view import View
from capsim.engine.autoscaler import tell_not_triggered, tell_triggered
from capsim.engine.cluster_autoscaler import handover, rechecks
from capsim.engine.cluster_autoscaler.settings import group_options_of, options_of
from capsim.engine.cluster_autoscaler.world import EngineWorld
from capsim.state import tables as t

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsim.engine.drive import Simulation


class Turn:
    """The autoscaler of one run."""

    def __init__(self, sim: Simulation) -> None:
        spec = sim.scenario.cluster_autoscaler
        assert spec is not None
        options = options_of(sim.scenario)
        groups = [group_options_of(group) for group in sim.scenario.node_groups]
        self.loop_time = spec.loop_time
        self.sim = sim
        self.last = Autoscaler(options, 0)
        self.world = EngineWorld(sim, options, groups)
        self.may_be_steady = handover.is_possible(self)
        self.rechecks = rechecks.Rechecks(foreseen=self.loop_time is None and not options.frequent_loops)
        self.told: set[int] = set()
        """Uids of pods whose NotTriggerScaleUp was told."""
        self.watch: Callable[[LoopStatus, View], None] | None = None
        """Told of every loop that Python executes."""
        threshold = np.array([options.threshold if g.threshold is None else g.threshold for g in groups], np.float64)
        # The scan calls a node busy from the threshold on; for the newest release a node exactly at it is not.
        sim.state.scan.threshold[: len(threshold)] = np.nextafter(threshold, 2.0) if options.newest else threshold

    @property
    def scaler(self) -> Autoscaler:
        """The autoscaler, as compiled loops left it."""
        handover.take_back(self.last, self, self.sim)
        return self.last

    def listen(self, watch: Callable[[LoopStatus, View], None]) -> None:
        """Tell ``watch`` of every loop that could do anything: none is compiled any more."""
        self.watch = watch
        self.sim.state.clock.params[t.P_CA_PLAIN] = 0

    def take(self, sim: Simulation) -> None:
        """Whatever is due now."""
        v = sim.state.clock.values
        if v[t.CA_ACT_DUE] <= sim.now_ms:
            self.scaler.act(self.world, sim.now_ms)
            handover.note_deletions(self, sim.state.autoscaler.steady)
        if v[t.CA_LOOP_DUE]:
            v[t.CA_LOOP_DUE] = 0
            if not self._thinks(sim):
                self._loop(sim)
        due = self.last.due_ms()
        sim.state.clock.values[t.CA_ACT_DUE] = t.NEVER if due is None else max(due, sim.now_ms + 1)

    def _thinks(self, sim: Simulation) -> bool:
        """A loop takes its time: with a model of it, the decision falls later; True while it is being thought over."""
        model = self.loop_time
        v = sim.state.clock.values
        if model is None or self.scaler.thinking_ms == sim.now_ms:
            return False
        pods, groups = int(v[t.UNSCHEDULABLE]), len(self.world.group_names)
        takes = model.base_ms + round(model.per_pod_and_group_ms * pods * groups)
        if takes <= 0:
            return False
        self.scaler.thinking_ms = int(sim.now_ms + takes)
        v[t.NEXT_CA] = sim.now_ms + takes
        return True

    def _loop(self, sim: Simulation) -> None:
        v = sim.state.clock.values
        period = int(sim.state.clock.params[t.P_CA_PERIOD])
        scaler = self.scaler
        rest.pass_over(scaler, int(v[t.CA_PASSED]), int(v[t.CA_PASSED_MS]), period)
        rechecks.pass_over(scaler, int(v[t.CA_PASSED]), int(v[t.CA_PASSED_MS]), period)
        v[t.CA_PASSED] = 0
        before, acts = self._remembered(), self.world.acts
        view = self.world.refresh(sim.now_ms)
        status = scaler.loop(view, self.world, self.world.names(), self.watch is not None)
        scaler.act(self.world, sim.now_ms)
        tell_triggered(sim, status, view)
        self.told = tell_not_triggered(sim, status, self.told)
        if self.watch is not None:
            self.watch(status, view)
        self._rest(sim, view, status, before, acts)
        if scaler.options.frequent_loops and status.productive:
            sim.state.clock.values[t.NEXT_CA] = sim.now_ms + max(1, period - self.scaler.options.scan_interval_ms)

    def _remembered(self) -> Any:
        return rest.fingerprint(self.last), self.last.found, dict(self.last.planner.unremovable.until_ms)

    def _rest(self, sim: Simulation, view: View, status: LoopStatus, before: Any, acts: int) -> None:
        """Tell the compiled loop how long it need not ask again."""
        v = sim.state.clock.values
        v[t.CA_SEEN_WORK] = -1
        work, scaler = rechecks.state_of(sim), self.last
        handover.give(self, sim, view, status)
        self.rechecks.note(scaler, view, work)
        if not rest.is_settled(status):
            return
        now = self._remembered()
        if before[0] == now[0] and acts == self.world.acts and (before[1] == now[1] or now[1] == 0):
            timers = rest.next_change_ms(scaler, view, self.world)
            if self.rechecks.will_fail(scaler, view, work):
                v[t.CA_SEEN_WORK] = work
                v[t.CA_NEXT_TIMER] = timers
            elif before[2] == now[2]:
                v[t.CA_SEEN_WORK] = work
                v[t.CA_NEXT_TIMER] = min([timers, *scaler.planner.unremovable.until_ms.values()])

    def snapshot(self) -> Any:
        """A copy of what the rest of the run depends on."""
        return (
            copy.deepcopy(self.scaler),
            dict(self.world.soft),
            self.world.draws,
            self.world.acts,
            set(self.told),
            dict(self.rechecks.failed),
        )

    def restore(self, snapshot: Any) -> None:
        """Back to a snapshot."""
        scaler, soft, self.world.draws, self.world.acts, told, failed = snapshot
        self.rechecks.failed = dict(failed)
        self.told = set(told)
        self.last = copy.deepcopy(scaler)
        self.world.soft = dict(soft)
        self.world.forget_names()
