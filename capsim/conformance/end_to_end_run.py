"""Runs the scenario of a recording and keeps what the comparison needs: each sync, each scale-down, the frames.

Victims of a scale-down within one class are drawn by chance upstream, and where the survivors stay decides which node
goes later. They are fed: before a recorded scale-down the pods swap their ordinals, and with them their draws, so that
the recorded ones lose the draw. Classes come before draws, so this cannot change which class goes first.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capsim.conformance.end_to_end_scenario import Json, scenario_of, shift_ms, workload_key
from capsim.conformance.end_to_end_victims import Pod, classes_of, recorded_pods, scale_downs
from capsim.controllers.hpa import messages
from capsim.controllers.hpa import tables as ht
from capsim.engine.custom import View
from capsim.engine.drive import Simulation
from capsim.engine.run import Recording, collect
from capsim.rng import STREAM_VICTIM, draw
from capsim.scenario import Scenario
from capsim.state import eventlog as e
from capsim.state import tables as t

LEAD_MS = 1500
"""How long before a recorded scale-down its victims are fed."""
FLUSH_AFTER_S = 300.0
FLUSH_PERIOD_MS = 30_000


@dataclass(frozen=True)
class Sync:
    """What one HPA sync saw and said; ``time_s`` is that of the recording, ``pods`` are (milli, stamp s, window s)."""

    time_s: float
    pods: list[tuple[float, float, float]]
    utilization: list[int]
    desired: int
    conditions: dict[str, list[str]]


@dataclass(frozen=True)
class ScaleDown:
    """One scale-down: its recorded time, the classes of its recorded and simulated victims, and whether it was fed."""

    app: str
    time_s: float
    recorded: list[tuple[int, int, int]]
    simulated: list[tuple[int, int, int]]
    fed: bool


@dataclass
class Replayed:
    """A finished replay."""

    sim: Simulation
    shift_ms: int
    recording: Recording
    syncs: dict[str, list[Sync]] = field(default_factory=lambda: defaultdict(list))
    scale_downs: list[ScaleDown] = field(default_factory=list)
    events: list[list[int]] = field(default_factory=list)
    """Rows of the event log; times in ms of the recording."""

    def seconds(self, values: Any) -> list[float]:
        """Times of a frame's column as seconds of the recording, sorted; without missing ones and the start's."""
        return sorted((int(ms) - self.shift_ms) / 1000 for ms in values.dropna() if int(ms) > 0)


def replay(recording: Json) -> Replayed:
    """Run a recording's scenario to its end."""
    shift = shift_ms(recording)
    sim = begun(recording, scenario_of(recording), skip_syncs=False)
    found = Replayed(sim, shift, None)  # type: ignore[arg-type]  # filled below
    stops: list[tuple[int, int, str, float]] = [(at_ms, 1, "", h) for h, at_ms in ticks(sim)]
    stops += [(round(at_s * 1000) + shift - LEAD_MS, 0, app, at_s) for app, at_s in scale_downs(recording) if at_s > 0]
    open_downs: list[tuple[str, float, list[Pod], bool]] = []
    for at_ms, kind, app, what in sorted(stops):
        sim.advance(at_ms)
        if kind == 1:
            look(found, int(what))
        else:
            before = active(sim, app)
            open_downs.append((app, float(what), before, feed(sim, recording, app, float(what), before)))
    sim.advance(sim.scenario.duration_ms)
    found.recording = collect(sim)
    found.events = [[row[0] - shift, *row[1:]] for row in sim.sink.rows("events", 6).tolist()]
    found.scale_downs = [judge(found, recording, *down) for down in open_downs]
    return found


def begun(recording: Json, scenario: Scenario, skip_syncs: bool = True) -> Simulation:
    """A simulation of the recording's ``scenario`` in the recorded state at its start; the recorded world has no
    contention."""
    shift = shift_ms(recording)
    sim = Simulation(scenario, skip_syncs=skip_syncs)
    sim.state.clock.params[t.P_CONTENTION] = 0
    set_flush_phase(sim, recording, shift)
    set_ages(sim, recording["inputs"], shift)
    return sim


def ticks(sim: Simulation) -> list[tuple[int, int]]:
    """(HPA, time ms) of every sync of the run."""
    period = int(sim.state.clock.params[t.P_HPA_PERIOD])
    firsts = sim.state.hpas.phase_ms[: len(sim.names.hpas)].tolist()
    return [(h, at) for h, first in enumerate(firsts) for at in range(first, sim.scenario.duration_ms, period)]


def set_flush_phase(sim: Simulation, recording: Json, shift: int) -> None:
    """The scheduler's flush of old unschedulable pods has a phase too; a recorded repeat five minutes on shows it."""
    last: dict[str, float] = {}
    for event in recording["timeline"]:
        if event.get("reason") == "FailedScheduling":
            if event["t"] - last.get(event["obj"], event["t"]) >= FLUSH_AFTER_S:
                sim.state.clock.values[t.NEXT_FLUSH] = (round(event["t"] * 1000) + shift) % FLUSH_PERIOD_MS
                return
            last[event["obj"]] = event["t"]


def set_ages(sim: Simulation, inputs: Json, shift: int) -> None:
    """The apps' first pods are as young as the recorded ones: their age ranks them on scale-down."""
    ready_ms = shift - round((inputs.get("settle_s", 20) + inputs.get("hpa_lead_s", 0.0)) * 1000)
    pods = sim.state.pods
    apps = [sim.names.workloads.index(workload_key(app)) for app in inputs["apps"]]
    rows = np.flatnonzero((pods.state == t.POD_READY) & np.isin(pods.workload, apps))
    pods.ready_ms[rows] = ready_ms
    pods.created_ms[rows] = pods.bound_ms[rows] = ready_ms - round(inputs["start_delay_s"] * 1000)


def look(found: Replayed, h: int) -> None:
    """Keep what the sync of HPA ``h`` at this instant saw and said."""
    sim, hpa = found.sim, found.sim.scenario.objects.hpas[h]
    specs, state = sim.state.specs, sim.state.hpa
    rows = range(int(specs.row[h, ht.S_METRIC_FIRST]), int(specs.row[h, ht.S_METRIC_END]))
    view = View(sim, sim.now_ms)
    pods = [
        (float(p.cpu_milli), (p.stamp_ms - found.shift_ms) / 1000, p.window_ms / 1000)
        for p in view.pods(hpa.target_key)
        if p.has_metrics
    ]
    row = [int(cell) for cell in state.row[h]]
    conditions = {c.type: [c.status, c.reason] for c in messages.conditions(row, hpa.metrics)}
    used = [int(state.metric[m, ht.P_UTILIZATION]) for m in rows]
    at_s = (sim.now_ms - found.shift_ms) / 1000
    found.syncs[hpa.name].append(Sync(at_s, sorted(pods), used, row[ht.R_DESIRED], conditions))


def active(sim: Simulation, app: str) -> list[Pod]:
    """The active pods of an app, as they are now; ``key`` is the row, times are ms of the run."""
    s = sim.state
    w = sim.names.workloads.index(workload_key({"name": app}))
    found = []
    p = int(s.workloads.first_pod[w])
    while p >= 0:
        if s.pods.state[p] in (t.POD_PENDING, t.POD_STARTING, t.POD_READY):
            n = int(s.pods.node[p])
            node = sim.names.node(int(s.nodes.group[n]), int(s.nodes.ordinal[n])) if n >= 0 else None
            ready = int(s.pods.ready_ms[p]) / 1000 if s.pods.state[p] == t.POD_READY else None
            found.append(Pod(p, node, int(s.pods.created_ms[p]) / 1000, ready, int(s.pods.uid[p])))
        p = int(s.links.workload_next[p])
    return found


def feed(sim: Simulation, recording: Json, app: str, at_s: float, pods: list[Pod]) -> bool:
    """Let the recorded victims lose the draw; False where the pods are not spread over the nodes as recorded."""
    recorded, victims = recorded_pods(recording, app, at_s)
    start_nodes = {node["name"] for node in recording["inputs"]["nodes"]}
    chosen = counterparts(recorded, victims, pods, start_nodes)
    if chosen is None:
        return False
    s = sim.state
    w = int(s.pods.workload[pods[0].key])
    seed, base = int(s.clock.params[t.P_SEED]), int(s.workloads.hash[w])
    order = sorted(
        (int(s.pods.ordinal[p.key]) for p in pods), key=lambda o: int(draw(seed, STREAM_VICTIM, base + o, 0))
    )
    for p, ordinal in zip(sorted(pods, key=lambda p: p.key not in chosen), order, strict=True):
        s.pods.ordinal[p.key] = ordinal
    return True


def counterparts(recorded: list[Pod], victims: set[int], pods: list[Pod], start: set[str]) -> set[int] | None:
    """Rows of the simulated pods that stand for the recorded victims; None where nodes hold other numbers of pods."""
    here, there = by_node(recorded, start), by_node(pods, start)
    if [len(group) for group in here] != [len(group) for group in there]:
        return None
    chosen = set()
    for theirs, ours in zip(here, there, strict=True):
        for a, b in zip(theirs, ours, strict=True):
            if a.key in victims:
                chosen.add(b.key)
    return chosen


def by_node(pods: list[Pod], start: set[str]) -> list[list[Pod]]:
    """Pods of each node, oldest first: unbound ones, then start nodes, then new nodes, each by number of pods."""
    groups: dict[str | None, list[Pod]] = defaultdict(list)
    for pod in sorted(pods, key=lambda p: p.created_s):
        groups[pod.node].append(pod)
    unbound = groups.pop(None, [])
    names = sorted(groups, key=lambda name: (name not in start, len(groups[name]), str(name)))
    edge = sum(name in start for name in names)
    return [unbound, *(groups[name] for name in names[:edge]), [], *(groups[name] for name in names[edge:])]


def judge(found: Replayed, recording: Json, app: str, at_s: float, before: list[Pod], fed: bool) -> ScaleDown:
    """Classes of the victims on both sides."""
    recorded, victims = recorded_pods(recording, app, at_s)
    gone_s = {int(row[10]): int(row[7]) / 1000 for row in found.sim.sink.rows("pods", 12)}
    end = at_s + found.shift_ms / 1000 + 2 * LEAD_MS / 1000
    ours = {p.key for p in before if gone_s.get(p.uid, np.inf) <= end}
    times = [gone_s[p.uid] for p in before if p.key in ours]
    return ScaleDown(
        app,
        at_s,
        classes_of(recorded, victims, at_s),
        classes_of(before, ours, min(times, default=end)),
        fed,
    )


def rescales(found: Replayed, app: str) -> list[tuple[float, int]]:
    """(time s, replicas) of every change by an app's HPA, when it reaches the Deployment."""
    names = [name.split("/")[-1] for name in found.sim.names.hpas]
    lag = int(found.sim.state.clock.params[t.P_HPA_TO_SCALE])
    return [((row[0] + lag) / 1000, row[3]) for row in found.events if row[1] == e.LOG_RESCALE and names[row[2]] == app]
