"""The Python side of the loop: grows tables, drains buffers, lets Python controllers act, and stops when asked.

``Simulation`` is a run that can be advanced in steps, looked at, copied and restored; ``run.py`` runs one to its end.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from capsim.engine import addresses, growth, volumes
from capsim.engine.actions import ACT_ADD_NODE, ACT_ADVANCE
from capsim.engine.build.assemble import Capacity, assemble
from capsim.engine.build.rollouts import with_revisions
from capsim.engine.build.startup import new_node
from capsim.engine.door import Door
from capsim.engine.faults import pressure
from capsim.engine.faults.disk_parts import disks_of
from capsim.engine.faults.machines import born_in_outage
from capsim.engine.sink import Sink
from capsim.engine.state import State
from capsim.errors import RunError
from capsim.scenario.pod_quota import in_order
from capsim.state import tables as t

if TYPE_CHECKING:
    from capsim.engine.build.names import Names
    from capsim.engine.cluster_autoscaler.turn import Turn
    from capsim.engine.custom import Custom
    from capsim.engine.faults.faults import Faults
    from capsim.scenario.event import TimedEvent
    from capsim.scenario.kubernetes.hpa import Hpa
    from capsim.scenario.kubernetes.resource_quota import ResourceQuota
    from capsim.scenario.scenario import Scenario

Progress = Callable[[int], None]
BREATH_S = 0.1
"""Wall time between two looks at progress and interruption."""
MAX_STALLS = 64
"""Calls in a row that may ask for room at the same instant."""


class Simulation:
    """A run in progress.

    ``scenario`` is what is run (with a ReplicaSet for each revision of ``plan``), ``state`` the arrays, ``names`` what
    their rows are called. ``custom`` are Python controllers; ``skip_syncs=False`` executes every HPA sync; ``capacity``
    is for tests of growth.
    """

    def __init__(
        self,
        scenario: Scenario,
        custom: list[Custom] | None = None,
        capacity: Capacity | None = None,
        skip_syncs: bool = True,
    ) -> None:
        from capsim.engine.cluster_autoscaler.turn import Turn
        from capsim.engine.cron import CronJobs
        from capsim.engine.custom import Customs
        from capsim.engine.happenings import Happenings
        from capsim.engine.start import start

        began = time.perf_counter()
        self.scenario, self.plan = with_revisions(scenario)
        self.state: State
        self.names: Names
        self.state, self.names = assemble(self.scenario, self.plan, capacity)
        self.state.clock.params[t.P_SKIP_SYNCS] = int(skip_syncs)
        self.sink = Sink()
        self._door = Door()
        self._budget = 2000
        self._interrupted = False
        self._happenings = Happenings(self.scenario)
        self._happenings.crons = CronJobs(self.plan.crons.due)
        self._customs = Customs(custom or [])
        self._autoscaler = Turn(self) if scenario.cluster_autoscaler is not None else None
        self.disks = disks_of(self.scenario, self.state.physics)
        start(self)
        pressure.begin(self)
        self._happenings.arm(self)
        self._customs.arm(self)
        self.build_s = time.perf_counter() - began
        self.advance_s = 0.0

    @property
    def now_ms(self) -> int:
        """Simulated time reached."""
        return int(self.state.clock.values[t.NOW])

    @property
    def autoscaler(self) -> Turn:
        """The Cluster Autoscaler; there is one."""
        assert self._autoscaler is not None
        return self._autoscaler

    @property
    def timeline(self) -> list[TimedEvent]:
        """Everything that happens by itself, in order of time."""
        return self._happenings.events

    @property
    def faults(self) -> Faults:
        """What is broken."""
        return self._happenings.faults

    @property
    def hpas(self) -> list[Hpa]:
        """The HPAs by row, as they have been applied by now."""
        return self._happenings.hpas

    def hpa_at(self, h: int, at_ms: int) -> Hpa:
        """HPA ``h`` as it had been applied by ``at_ms``."""
        from capsim.scenario.kubernetes.hpa import Hpa

        found = self.scenario.objects.hpas[h]
        for event in self.timeline:
            applied = event.apply.object if event.apply is not None and event.at_ms <= at_ms else None
            if isinstance(applied, Hpa) and applied.key == found.key:
                found = applied
        return found

    def quotas_at(self, at_ms: int) -> list[ResourceQuota]:
        """The ResourceQuotas by row, as they had been applied by ``at_ms``."""
        from capsim.scenario.kubernetes.resource_quota import ResourceQuota

        found = {quota.key: quota for quota in self.scenario.objects.quotas}
        for event in self.timeline:
            applied = event.apply.object if event.apply is not None and event.at_ms <= at_ms else None
            if isinstance(applied, ResourceQuota):
                found[applied.key] = applied
        return in_order(list(found.values()))

    def act(self, what: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, now_ms: int | None = None) -> int:
        """Carry out one step of ``actions.py``."""
        return self._door(self.state, what, a, b, c, d, self.now_ms if now_ms is None else now_ms)

    def make_room(self, *, pods: int = 0, nodes: int = 0, heap: int = 0, queue: int = 0) -> None:
        """At least so many free rows."""
        self.state = growth.make_room(self.state, pods=pods, nodes=nodes, heap=heap, queue=queue)

    @property
    def waiting(self) -> int:
        """Pods that a node with more room may bring back into the active queue: rows that they may need there."""
        return int(self.state.clock.values[t.UNSCHEDULABLE]) + int(self.state.scheduling.nominations.count[0]) + 8

    def ensure_log(self, name: str, column: int, rows: int) -> None:
        """At least ``rows`` free rows in one buffer of the log."""
        if getattr(self.state.log, name).shape[0] - int(self.state.log.count[column]) < rows:
            self.sink.drain_log(self.state, name, column)
            if getattr(self.state.log, name).shape[0] < rows:
                self.state = growth.grow_log(self.state, name, rows)

    def add_node(self, group: int, ordinal: int, *, boots: bool, shape: int = -1, now_ms: int | None = None) -> int:
        """A new node of ``group``, of the group's shape unless one is given; returns its slot, -1: there is no address
        for the machine, and the cloud tries again when there is one."""
        if now_ms is None and not addresses.is_created(self, group, ordinal):
            return -1
        self.make_room(nodes=1, heap=4)
        n = self.act(ACT_ADD_NODE, group, ordinal, int(boots), shape, now_ms=now_ms)
        new_node(self, n)
        volumes.new_node(self, n)
        addresses.new_node(self, n)
        if self._happenings.faults.dead_zones:
            born_in_outage(self, n)
        return n

    def advance(self, until_ms: int, progress: Progress | None = None) -> None:
        """Simulate up to ``until_ms`` inclusive. KeyboardInterrupt leaves a state that can be read and continued."""
        until_ms = min(until_ms, self.scenario.duration_ms)
        began = time.perf_counter()
        try:
            with self._interrupts_between_calls():
                self._loop(until_ms, progress)
        finally:
            self.advance_s += time.perf_counter() - began

    @contextmanager
    def _interrupts_between_calls(self) -> Iterator[None]:
        """Ctrl-C waits for the end of a call, compiled or plain: a state in mid-step could not be read."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:
            yield  # whoever has a handler of their own keeps it
            return
        signal.signal(signal.SIGINT, lambda *_: setattr(self, "_interrupted", True))
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _loop(self, until_ms: int, progress: Progress | None) -> None:
        stalls, stalled_ms = 0, -1
        while True:
            at = time.perf_counter()
            status = self._door(self.state, ACT_ADVANCE, until_ms, self._budget, 0, 0, 0)
            if self._interrupted:
                self._interrupted = False
                raise KeyboardInterrupt
            if status == t.DONE:
                return
            if status == t.NEED:
                stalls = stalls + 1 if self.now_ms == stalled_ms else 0
                stalled_ms = self.now_ms
                if stalls > MAX_STALLS:
                    raise RunError(f"no progress at {self.now_ms} ms: table {self._table()} keeps asking for room")
                self._grow(self._table())
                continue
            stalls = 0
            self._yielded(int(self.state.clock.values[t.YIELD_REASON]), time.perf_counter() - at, progress)

    def _table(self) -> int:
        return int(self.state.clock.values[t.STATUS_TABLE])

    def _yielded(self, reason: int, took_s: float, progress: Progress | None) -> None:
        if reason == t.YIELD_BREATH:
            self._breathe(took_s)
            if progress is not None:
                progress(self.now_ms)
        elif reason == t.YIELD_EVENTS:
            self._happenings.happen(self)
        elif reason == t.YIELD_CUSTOM:
            self._customs.call(self)
        elif reason == t.YIELD_AUTOSCALER:
            self.autoscaler.take(self)
        elif reason == t.YIELD_PREEMPT:
            from capsim.engine.preemption import preempt_for

            preempt_for(self, int(self.state.clock.values[t.PREEMPTOR]))
        elif reason == t.YIELD_BIND:
            volumes.bind_for(self, int(self.state.clock.values[t.BINDER]))

    def _breathe(self, took_s: float) -> None:
        """Aim at one breath per BREATH_S; in plain Python that is few instants, compiled it is many."""
        ratio = BREATH_S / max(took_s, 1e-4)
        self._budget = int(min(max(self._budget * min(max(ratio, 0.25), 4.0), 16), 10_000_000))

    def _grow(self, table: int) -> None:
        s = self.state
        double = growth.doubled
        if table == t.NEED_PODS:
            self.state = growth.grow_pods(s, double(s.pods.state.shape[0]))
        elif table == t.NEED_NODES:
            self.state = growth.grow_nodes(s, double(s.nodes.state.shape[0]))
        elif table == t.NEED_HEAP:
            self.state = growth.grow_heap(s, double(s.heap.time_ms.shape[0]))
        elif table == t.NEED_QUEUE:
            self.state = growth.grow_queue(s, double(s.queue.key.shape[0]))
        elif table == t.NEED_DIAGNOSES:
            self.state = growth.grow_diagnoses(s, double(s.queue.diagnoses.shape[0]))
        elif table == t.NEED_CLAIMS:
            volumes.grow(self)
        elif table == t.NEED_SAMPLES:
            self.sink.drain_samples(s)
        else:
            self._drain(table)

    def _drain(self, table: int) -> None:
        """Empty a buffer; one that was nearly empty is too short for a single step and grows."""
        field, column = {t.NEED_EVENTS: ("events", 0), t.NEED_POD_LOG: ("pods", 1), t.NEED_NODE_LOG: ("nodes", 2)}[
            table
        ]
        used = int(self.state.log.count[column])
        rows = getattr(self.state.log, field).shape[0]
        self.sink.drain_log(self.state, field, column)
        if used < rows // 2 or rows < 16:
            self.state = growth.grow_log(self.state, field, growth.doubled(rows))

    def snapshot(self) -> Any:
        """A copy of everything that the rest of the run depends on."""
        autoscaler = None if self._autoscaler is None else self._autoscaler.snapshot()
        happenings, customs = self._happenings.snapshot(), self._customs.snapshot()
        claims = None if self.names.claims is None else self.names.claims.copy()
        return copy_tables(self.state), self.sink.copy(), happenings, customs, autoscaler, claims

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot of this run."""
        state, sink, happenings, customs, autoscaler, claims = snapshot
        self.names.claims = None if claims is None else claims.copy()
        self.state = copy_tables(state)
        self.sink = sink.copy()
        self._happenings.restore(happenings)
        self._customs.restore(customs)
        if self._autoscaler is not None:
            self._autoscaler.restore(autoscaler)


def copy_tables(tables: Any) -> Any:
    """A deep copy of nested NamedTuples of arrays."""
    if isinstance(tables, np.ndarray):
        return tables.copy()
    return type(tables)(*(copy_tables(part) for part in tables))
