"""Rolling upgrades of a node group: every node is drained behind budgets, then replaced or rebooted.

The scheme is that of managed node groups (GKE surge upgrades, EKS managed node groups, Cluster API): up to ``maxSurge``
new nodes stand beside the old ones, up to ``maxUnavailable`` old ones are taken without. Looked at every five seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capsim.engine.actions import ACT_CORDON, ACT_DELETE_NODE, ACT_TAINT
from capsim.engine.autoscaler import next_ordinal
from capsim.engine.faults.cluster import nodes_there, slot_of_uid, tell
from capsim.engine.faults.drains import begin as begin_drain
from capsim.engine.faults.drains import is_empty
from capsim.state.tables import (
    FLAG_NOT_READY,
    FLAG_UNREACHABLE,
    FLAG_UNSCHEDULABLE,
    G_TARGET,
    NODE_DELETING,
    NODE_READY,
    T_DELETING,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.chaos import Upgrade

PERIOD_MS = 5_000
SURGE, DRAINS, BOOTS = "surge", "drains", "boots"
GONE = 1 << 62
"""A uid that no node has."""


@dataclass
class Task:
    """One node on its way: a new one boots first (SURGE), it is drained (DRAINS), it or another boots (BOOTS)."""

    old: int
    new: int
    stage: str
    since_ms: int


@dataclass
class Roll:
    """An upgrade under way."""

    group: int
    spec: Upgrade
    waiting: list[int] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    done: int = 0


def roll(sim: Simulation, event: Upgrade) -> None:
    """Begin to upgrade all nodes of a group."""
    g = sim.names.groups.index(event.group)
    nodes = sim.state.nodes
    waiting = [int(nodes.uid[n]) for n in nodes_there(sim) if nodes.group[n] == g and nodes.state[n] == NODE_READY]
    sim.faults.rolls.append(Roll(g, event, waiting))
    step(sim, len(sim.faults.rolls) - 1)


def step(sim: Simulation, index: int) -> None:
    """Bring every task of an upgrade on its way, and begin new ones as far as the bounds allow."""
    job = sim.faults.rolls[index]
    for task in list(job.tasks):
        if advance(sim, job, task):
            job.tasks.remove(task)
            job.done += 1
    while job.waiting and len(job.tasks) < job.spec.max_surge + job.spec.max_unavailable:
        begin(sim, job, job.waiting.pop(0))
    if job.tasks or job.waiting:
        sim.faults.agenda.add(sim.now_ms + PERIOD_MS, "roll", index)
    else:
        tell(sim, f"upgrade of node group {job.spec.group} is done: {job.done} nodes")


def begin(sim: Simulation, job: Roll, uid: int) -> None:
    """Take the next node, unless it is gone or going: with a new one beside it where the surge allows."""
    n = slot_of_uid(sim, uid)
    if n < 0 or sim.state.nodes.state[n] == NODE_DELETING:
        return
    surging = sum(task.stage == SURGE or task.new >= 0 for task in job.tasks)
    task = Task(uid, -1, DRAINS, sim.now_ms)
    if surging < job.spec.max_surge:
        task.stage, task.new = SURGE, order(sim, job.group)
    else:
        take_out(sim, n)
    job.tasks.append(task)


def order(sim: Simulation, g: int) -> int:
    """A new machine of the group; its uid, GONE where there is no address for it: it is not waited for."""
    n = sim.add_node(g, next_ordinal(sim, g), boots=True)
    sim.state.groups.size[g, G_TARGET] += 1
    return int(sim.state.nodes.uid[n]) if n >= 0 else GONE


def take_out(sim: Simulation, n: int) -> None:
    """Cordon and drain."""
    sim.act(ACT_CORDON, n)
    begin_drain(sim, n)


def is_up(sim: Simulation, n: int) -> bool:
    """Whether a node is Ready and open to pods."""
    nodes = sim.state.nodes
    return bool(nodes.state[n] == NODE_READY and not nodes.flags[n] & (FLAG_NOT_READY | FLAG_UNREACHABLE))


def advance(sim: Simulation, job: Roll, task: Task) -> bool:
    """The next stage of a task, where it is due; True: it is done."""
    n = slot_of_uid(sim, task.old)
    if task.stage == SURGE:
        new = slot_of_uid(sim, task.new)
        if new < 0 or is_up(sim, new):  # a new one that was lost is not waited for
            task.stage, task.since_ms = DRAINS, sim.now_ms
            if n >= 0:
                take_out(sim, n)
        return False
    if task.stage == DRAINS:
        if n >= 0 and not is_empty(sim, n):
            if job.spec.drain_timeout_ms and sim.now_ms - task.since_ms >= job.spec.drain_timeout_ms:
                begin_drain(sim, n, 1, forced=True)
            return False
        return exchange(sim, job, task, n)
    return finish(sim, job, task, n)


def exchange(sim: Simulation, job: Roll, task: Task, n: int) -> bool:
    """An empty node reboots, or is deleted and, without a surge, replaced; True: nothing is left to do."""
    from capsim.engine.faults.machines import fail_node

    task.stage, task.since_ms = BOOTS, sim.now_ms
    sim.faults.drains.pop(task.old, None)
    if job.spec.mode == "reboot":
        if n >= 0:
            fail_node(sim, n, "unreachable", job.spec.reboot_time_ms)
        return n < 0
    if n >= 0 and sim.state.nodes.state[n] != NODE_DELETING:
        sim.state.nodes.times[n, T_DELETING] = sim.now_ms
        sim.make_room(heap=4)
        sim.act(ACT_DELETE_NODE, n)
    if task.new >= 0:
        return True
    task.new = order(sim, job.group)
    return False


def finish(sim: Simulation, job: Roll, task: Task, n: int) -> bool:
    """Whether the machine that boots is up; a rebooted one is uncordoned."""
    if job.spec.mode == "replace":
        new = slot_of_uid(sim, task.new)
        return new < 0 or is_up(sim, new)
    if n < 0:
        return True
    if task.old in sim.faults.silent or not is_up(sim, n):
        return False
    daemons = len(sim.names.daemonsets)
    sim.make_room(pods=daemons, heap=daemons + 4, queue=sim.waiting)
    sim.act(ACT_TAINT, n, FLAG_UNSCHEDULABLE, 0)
    return True
