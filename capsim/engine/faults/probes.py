"""Probes that fail: containers that are late, hang or do not start in time are killed and started again.

Source: kubernetes v1.36 pkg/kubelet/prober (worker.go: checks at initialDelaySeconds + k x periodSeconds after the
container started, none before the startup probe has succeeded; a check fails that is not answered within
timeoutSeconds; failureThreshold failures in a row kill the container), kuberuntime (killContainer: preStop and
terminationGracePeriodSeconds, then the back-off of ``restarts``).

A check by httpGet or grpc waits behind the requests that wait in the pod (``probesWait``), each pod its part of its
workload's backlog: while that is longer than timeoutSeconds, each check fails. A pod that hangs (event ``hang``) serves
nothing and stays an endpoint until its readiness probe, or its end.

Not modelled: pods on contended nodes and hot connections that are later than the mean of their workload, readiness
probes that fail under load, successes in between when the backlog varies within a period, probes of single containers
(the pod as a whole is restarted). Controllers see a pod that hangs as not Ready at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.actions import ACT_HANG, ACT_LEAVE, ACT_RESUME
from capsim.engine.autoscaler import log
from capsim.engine.build.probes import hang_probe, waiting_probe
from capsim.engine.faults.disk import note_end
from capsim.engine.faults.restarts import end, pods_of, row_of
from capsim.rng import STREAM_FAULT, draw
from capsim.state.eventlog import LOG_LIVENESS, LOG_STARTUP
from capsim.state.tables import FLAG_SILENT, LATE_SINCE_MS, POD_DOWN, POD_READY, POD_STARTING, PODS_DUE

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.chaos import Hang
    from capsim.scenario.kubernetes.lifecycle import Probe

KILLED_EXIT = 137


def check_probes(sim: Simulation) -> None:
    """Some workload's pods are late, or some container has not started in time."""
    s = sim.state
    if not s.clock.values[PODS_DUE]:
        return
    due = (s.pods.given_up == 1) & (s.pods.state == POD_STARTING) & (s.pods.step_ms <= sim.now_ms)
    for p in np.flatnonzero(due).tolist():
        kill(sim, p, LOG_STARTUP, 0)
    for w in np.flatnonzero(sim.state.physics.limits[:, LATE_SINCE_MS] >= 0.0).tolist():
        if w not in sim.faults.late:
            sim.faults.late.add(w)
            liveness(sim, w)


def liveness(sim: Simulation, w: int) -> None:
    """Kill the pods of ``w`` whose checks have failed often enough; look again when the next one's have."""
    since_ms = int(sim.state.physics.limits[w, LATE_SINCE_MS])
    probe = waiting_probe(sim.scenario.objects.workloads[w])
    if since_ms < 0 or probe is None:
        sim.faults.late.discard(w)
        return
    later_ms = sim.now_ms + 1000 * min(probe.period_s, probe.timeout_s)  # pods that become Ready meanwhile
    for p in pods_of(sim, w):
        if sim.state.pods.state[p] == POD_READY:
            at_ms = failed_ms(sim, p, probe, since_ms)
            if at_ms <= sim.now_ms:
                kill(sim, p, LOG_LIVENESS, int(sim.state.workloads.termination_ms[w]))
            else:
                later_ms = min(later_ms, at_ms)
    sim.faults.agenda.add(later_ms, "liveness", w)


def failed_ms(sim: Simulation, p: int, probe: Probe, since_ms: int) -> int:
    """When the failureThreshold-th check in a row of pod ``p``, all sent at or after ``since_ms``, is not answered."""
    pods, period_ms = sim.state.pods, probe.period_s * 1000
    first_ms = int(pods.started_ms[p]) + probe.initial_delay_s * 1000
    if pods.started_ms[p] < 0:  # it has run for long
        entity = int(sim.state.workloads.hash[pods.workload[p]] + pods.ordinal[p])
        first_ms = int(draw(sim.scenario.seed & 0x7FFFFFFF, STREAM_FAULT, entity, 1)) % period_ms - period_ms
    begin_ms = max(since_ms, int(pods.ready_ms[p]))
    sent_ms = first_ms + max(0, -(-(begin_ms - first_ms) // period_ms)) * period_ms
    return sent_ms + (probe.failure_threshold - 1) * period_ms + probe.timeout_s * 1000


def kill(sim: Simulation, p: int, told: int, stop_ms: int) -> None:
    """The kubelet stops the containers of pod ``p``, which takes ``stop_ms``, and starts them again."""
    pods = sim.state.pods
    log(sim, sim.now_ms, told, int(pods.workload[p]), int(pods.ordinal[p]), 0, 0)
    end(sim, p, KILLED_EXIT, stop_ms)


def hang(sim: Simulation, event: Hang) -> int:
    """Ready pods of a workload stop answering; 0: it has none."""
    w = sim.names.workloads.index(event.target)
    ready = [p for r in sim.names.rows(w) for p in pods_of(sim, r) if sim.state.pods.state[p] == POD_READY]
    chosen = ready if event.pods is None else ready[: event.pods]
    for p in chosen:
        hang_pod(sim, p, event.duration_ms)
    return int(bool(chosen))


def hang_pod(sim: Simulation, p: int, duration_ms: int | None) -> None:
    """Pod ``p`` hangs: its probes find out, or it answers again by itself."""
    pods, agenda, now = sim.state.pods, sim.faults.agenda, sim.now_ms
    uid = int(pods.uid[p])
    workload = sim.scenario.objects.workloads[int(pods.workload[p])]
    alive = hang_probe(workload)
    ready = [c.readiness_probe for c in workload.template.containers if c.readiness_probe is not None]
    if alive is not None:
        agenda.add(failed_ms(sim, p, alive, now), "hung", uid)
    if ready:
        agenda.add(min(failed_ms(sim, p, probe, now) for probe in ready), "unready", uid)
    if duration_ms is not None:
        agenda.add(now + duration_ms, "recovers", uid)
    sim.faults.hung.add(uid)
    note_end(sim, p)
    sim.act(ACT_HANG, p)


def hanging(sim: Simulation, uid: int) -> int:
    """Row of a pod that still hangs, -1: it does not; its node has to answer, or the kubelet does not act either."""
    p, pods = row_of(sim, uid), sim.state.pods
    if uid not in sim.faults.hung:
        return -1
    if p < 0 or pods.state[p] != POD_DOWN or sim.state.nodes.flags[pods.node[p]] & FLAG_SILENT:
        sim.faults.hung.discard(uid)
        return -1
    return p


def hung(sim: Simulation, uid: int) -> None:
    """The liveness probe of a pod that hangs gives it up: SIGTERM does not help, the whole grace period goes by."""
    p = hanging(sim, uid)
    if p >= 0:
        sim.faults.hung.discard(uid)
        template = sim.scenario.objects.workloads[int(sim.state.pods.workload[p])].template
        kill(sim, p, LOG_LIVENESS, template.termination_grace_s * 1000)


def unready(sim: Simulation, uid: int) -> None:
    """The readiness probe of a pod that hangs has failed: it leaves the endpoints."""
    p = hanging(sim, uid)
    if p >= 0:
        sim.make_room(heap=2)
        sim.act(ACT_LEAVE, p)


def recovers(sim: Simulation, uid: int) -> None:
    """A pod that hung answers again."""
    p = hanging(sim, uid)
    if p >= 0:
        sim.faults.hung.discard(uid)
        sim.act(ACT_RESUME, p)
