"""A run from beginning to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from capsim.engine.drive import Progress, Simulation
from capsim.engine.event_frame import events_frame, messages_of
from capsim.engine.frames import Samples, groups_frame, nodes_frame, pods_frame, totals_frame, workloads_frame
from capsim.engine.losses import in_objectives, in_responses, in_workloads, losses_of
from capsim.engine.network_frame import network_frame
from capsim.engine.refusals import held_back
from capsim.engine.response_frames import balance_frame, objectives_frame, responses_frame
from capsim.state import tables as t

if TYPE_CHECKING:
    from capsim.engine.custom import Custom
    from capsim.scenario.scenario import Scenario


@dataclass(frozen=True)
class Recording:
    """What a simulation has recorded, as frames (docs/reference/frames.md)."""

    series: dict[str, pd.DataFrame]
    """``workloads``, ``node_groups``, ``totals``; ``responses``, ``objectives``, ``balance``, ``network`` if asked."""
    pods: pd.DataFrame
    nodes: pd.DataFrame
    events: pd.DataFrame
    facts: dict[str, Any]
    """Counters of the engine, ``reached_ms``, ``partial``, wall time by phase."""


def run_scenario(scenario: Scenario, progress: Progress | None = None, custom: list[Custom] | None = None) -> Recording:
    """Simulate ``scenario`` to its end. ``progress`` is told the simulated time (ms) about ten times a second.

    KeyboardInterrupt ends the run early: the result holds what was simulated so far and is marked partial.
    """
    sim = Simulation(scenario, custom)
    partial = False
    try:
        sim.advance(scenario.duration_ms, progress)
    except KeyboardInterrupt:
        partial = True
    return collect(sim, partial)


def collect(sim: Simulation, partial: bool = False) -> Recording:
    """Everything that a simulation has recorded so far, as frames."""
    close_open_sample(sim)
    sim.sink.drain(sim.state)
    samples = Samples(sim)
    messages = messages_of(sim)
    workloads = workloads_frame(samples, sim.names)
    nodes = nodes_frame(sim)
    groups = groups_frame(samples, sim.names, nodes)
    pods = pods_frame(sim, messages)
    responses = responses_frame(sim, samples.start_ms) if sim.names.services else None
    network = network_frame(sim, pods, nodes, samples.start_ms, responses)
    objectives = objectives_frame(sim, samples.start_ms) if sim.scenario.slos else None
    lost = losses_of(sim, network, samples.start_ms)
    if lost:
        workloads = in_workloads(workloads, sim, lost, samples.start_ms)
        if responses is not None and objectives is not None:
            objectives = in_objectives(objectives, responses, sim, lost)
        responses = in_responses(responses, sim, lost) if responses is not None else None
    return Recording(
        series={
            "workloads": workloads,
            "node_groups": groups,
            "totals": totals_frame(samples, sim.names, workloads, groups),
            **({"responses": responses} if responses is not None else {}),
            **({"network": network} if network is not None else {}),
            **({"objectives": objectives} if objectives is not None else {}),
            **({"balance": balance_frame(sim, samples.start_ms)} if sim.state.connections.workload.size else {}),
        },
        pods=pods,
        nodes=nodes,
        events=events_frame(sim, pods, messages),
        facts=facts(sim, partial),
    )


def close_open_sample(sim: Simulation) -> None:
    """The sample of an interrupted run ends where the run does."""
    v = sim.state.clock.values
    if int(v[t.SAMPLE_START]) < sim.now_ms:
        v[t.NEXT_SAMPLE] = sim.now_ms
        sim._loop(sim.now_ms, None)


def facts(sim: Simulation, partial: bool) -> dict[str, Any]:
    """Counters of the engine, wall time by phase, how far the run came."""
    counters = sim.state.clock.counters
    reached = sim.now_ms
    period = max(1, int(sim.state.clock.params[t.P_HPA_PERIOD]))
    ticks = sum(
        max(0, (reached - int(phase)) // period + 1) for phase in sim.state.hpas.phase_ms[: len(sim.names.hpas)]
    )
    executed = int(counters[t.C_HPA_SYNCS])
    return {
        "partial": partial,
        "reached_ms": reached,
        "instants": int(counters[t.C_INSTANTS]),
        "hpa_syncs": executed,
        "hpa_syncs_skipped": max(0, ticks - executed),
        "binds": int(counters[t.C_BINDS]),
        "failed_scheduling_attempts": int(counters[t.C_FAILED_TRIES]),
        "pods_created": int(counters[t.C_PODS_CREATED]),
        "pods_gone": int(counters[t.C_PODS_GONE]),
        "nodes_added": int(counters[t.C_NODES_ADDED]),
        "autoscaler_scans": int(counters[t.C_CA_SCANS]),
        "scrapes": int(counters[t.C_SCRAPES]),
        **({"held_back": held_back(sim)} if sim.state.admission.burst.size else {}),
        "events_dropped": int(counters[t.C_EVENTS_DROPPED]),
        "wall_seconds": {"build": round(sim.build_s, 6), "advance": round(sim.advance_s, 6)},
    }


def warm(report: Callable[[str], None] | None = None) -> None:
    """Compile every kernel that a run can need into the cache; ``report`` is told what is being done."""
    from capsim.engine.door import call
    from capsim.engine.warm import warm_up

    if report is not None:
        report(f"compiling {call.__module__} and all that it calls (a minute or two the first time)")
    warm_up()
