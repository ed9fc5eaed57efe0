"""Carrying out preemption: Python's turn in the loop when a pod fits nowhere and others of lower priority run.

The victims are deleted and terminate gracefully; the pod is nominated to their node and tried again when it takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.scheduler.messages import TERMINATING, failed_scheduling, not_eligible, preempting
from capsim.controllers.scheduler.victims import search
from capsim.engine.actions import ACT_ADD_DAEMONS, ACT_EVICT_POD, ACT_WAKE
from capsim.engine.autoscaler import log
from capsim.engine.budgets import budgets_now
from capsim.engine.growth import doubled, grow_diagnoses
from capsim.rng import STREAM_TIE, draw
from capsim.state.eventlog import LOG_FAILED_SCHEDULING, LOG_PREEMPTED
from capsim.state.tables import NODE_TOP, P_SEED, P_TIE_RANDOM, POD_TERMINATING
from capsim.state.tables_scheduler import CANDIDATE_NODE_COLUMNS, V_COUNT, V_FIRST, V_NODE, Preemption

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation


def preempt_for(sim: Simulation, p: int) -> None:
    """Search victims for pod ``p``, which was just put aside, and say what came of it."""
    s = sim.state
    counts = s.queue.diagnoses[int(s.pods.diagnosis[p])].tolist()
    reasons = sim.names.reasons
    if waits_for_victims(sim, p):
        say(sim, p, not_eligible(counts, reasons, TERMINATING))
        return
    found = working_memory(sim)
    best = int(
        search(
            s.clock,
            s.classes,
            s.pods,
            s.links,
            s.nodes,
            s.presence,
            s.scheduling,
            budgets_now(sim),
            found,
            p,
            offset(sim, p),
        )
    )
    if best < 0:
        say(sim, p, failed_scheduling(counts, reasons, found.counts.tolist()))
        return
    say(sim, p, preempting(counts, reasons))
    nominate(sim, p, int(found.candidate[best, V_NODE]))
    first = int(found.candidate[best, V_FIRST])
    for q in found.victims[first : first + int(found.candidate[best, V_COUNT])].tolist():
        evict(sim, q, p)
    # The next pod of the class may find victims of its own: the class is not blocked by this failure.
    sim.state.classes.diagnosis[int(sim.state.pods.pod_class[p])] = -1


def working_memory(sim: Simulation) -> Preemption:
    """Tables as large as the cluster needs."""
    s = sim.state
    pods, nodes = s.pods.state.shape[0], s.nodes.state.shape[0]
    return Preemption(
        candidate=np.zeros((nodes, CANDIDATE_NODE_COLUMNS), np.int64),
        victims=np.zeros(pods + 1, np.int64),
        pods=np.zeros((pods + 1, 3), np.int64),
        counts=np.zeros(s.queue.diagnoses.shape[1], np.int64),
        found=np.zeros(3, np.int64),
    )


def offset(sim: Simulation, p: int) -> int:
    """Where the search over nodes begins: upstream draws it."""
    s = sim.state
    top = int(s.clock.values[NODE_TOP])
    if not s.clock.params[P_TIE_RANDOM] or top == 0:
        return 0
    entity = int(s.workloads.hash[s.pods.workload[p]] + s.pods.ordinal[p])
    return int(draw(int(s.clock.params[P_SEED]), STREAM_TIE, entity, 1)) % top


def waits_for_victims(sim: Simulation, p: int) -> bool:
    """Whether pods of lower priority still terminate on the node that the pod is nominated to."""
    s, waiting = sim.state, sim.state.scheduling.nominations
    for i in range(int(waiting.count[0])):
        if waiting.pod[i] == p:
            q = int(s.nodes.first_pod[waiting.node[i]])
            while q >= 0:
                lower = s.classes.priority[s.pods.pod_class[q]] < s.classes.priority[s.pods.pod_class[p]]
                if s.pods.state[q] == POD_TERMINATING and lower:
                    return True
                q = int(s.links.node_next[q])
    return False


def nominate(sim: Simulation, p: int, n: int) -> None:
    """Pod ``p`` waits for node ``n``; pods of lower priority that waited for it look elsewhere."""
    sim.make_room(queue=sim.waiting)
    s, waiting = sim.state, sim.state.scheduling.nominations
    kept: list[tuple[int, int]] = []
    for i in range(int(waiting.count[0])):
        other, node = int(waiting.pod[i]), int(waiting.node[i])
        lower = s.classes.priority[s.pods.pod_class[other]] < s.classes.priority[s.pods.pod_class[p]]
        if node == n and lower:
            if s.links.queued[other] == 2:
                sim.act(ACT_WAKE, other)
        elif other != p:
            kept.append((other, node))
    kept.append((p, n))
    waiting.count[0] = len(kept)
    waiting.pod[: len(kept)] = [other for other, _ in kept]
    waiting.node[: len(kept)] = [node for _, node in kept]


def evict(sim: Simulation, q: int, p: int) -> None:
    """Delete a victim; its event names the pod for which it goes. A DaemonSet makes another pod for the node."""
    sim.make_room(pods=1, heap=4)
    s = sim.state
    if s.pods.state[q] == POD_TERMINATING:
        return
    w, n = int(s.pods.workload[q]), int(s.pods.node[q])
    log(sim, sim.now_ms, LOG_PREEMPTED, w, int(s.pods.ordinal[q]), int(s.pods.workload[p]), int(s.pods.ordinal[p]))
    sim.act(ACT_EVICT_POD, q)
    if w in sim.names.daemonsets:
        sim.act(ACT_ADD_DAEMONS, n)


def say(sim: Simulation, p: int, text: str) -> None:
    """FailedScheduling with a text of its own: another diagnosis with the same counts."""
    s = sim.state
    d = int(s.pods.diagnosis[p])
    known = next((row for row, said in sim.sink.messages.items() if said == text), None)
    if known is None:
        if s.queue.diagnosis_count[0] + 1 >= s.queue.diagnoses.shape[0]:
            sim.state = s = grow_diagnoses(s, doubled(s.queue.diagnoses.shape[0]))
        known = int(s.queue.diagnosis_count[0])
        s.queue.diagnoses[known] = s.queue.diagnoses[d]
        s.queue.diagnosis_count[0] = known + 1
        sim.sink.messages[known] = text
    s.pods.diagnosis[p] = known
    c = int(s.pods.pod_class[p])
    if s.classes.diagnosis[c] == d:
        s.classes.diagnosis[c] = known
    log(sim, sim.now_ms, LOG_FAILED_SCHEDULING, int(s.pods.workload[p]), int(s.pods.ordinal[p]), known, 1)
