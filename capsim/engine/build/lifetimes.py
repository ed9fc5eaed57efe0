"""Recorded lifetimes as tables, and the pods of the start that they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.build.names import Names
from capsim.scenario.scenario import Scenario
from capsim.state.calendar import encode, push
from capsim.state.tables import EV_RECORDED, I64
from capsim.state.tables_lifetimes import Lifetimes

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

PUSH: Callable[..., None] = getattr(push, "py_func", push)
ENCODE: Callable[..., int] = getattr(encode, "py_func", encode)


def build_lifetimes(scenario: Scenario, names: Names) -> Lifetimes:
    """The record, in order of time; at one instant deletions come first, but a pod's own after its creation.

    With ``initialState: empty`` the pods of the start are created at time 0, too.
    """
    rows = {key: w for w, key in enumerate(names.workloads)}
    listed = [(rows[key], one) for key, one in scenario.lifetimes.items()]
    workload = np.repeat([w for w, _ in listed], [len(one.created_ms.values) for _, one in listed]).astype(np.int64)
    created, deleted = (
        np.concatenate([np.zeros(0), *(getattr(one, end).values for _, one in listed)]).astype(np.int64)
        for end in ("created_ms", "deleted_ms")
    )
    if scenario.initial_state == "empty":
        created = np.maximum(created, 0)
    pod = np.arange(workload.size, dtype=np.int64)
    came, went = pod[created >= 0], pod[deleted >= 0]
    due = np.concatenate([created[came], deleted[went]])
    step = np.concatenate([2 * came, 2 * went + 1])
    last = np.concatenate([np.zeros(came.size), np.where(created[went] == deleted[went], 1, -1)])
    order = np.lexsort((step, last, due))
    return Lifetimes(due[order], step[order], workload, np.full((workload.size, 2), -1, np.int64))


def start_lifetimes(sim: Simulation) -> None:
    """Tell the recorded pods which of the start's pods they are, and wait for the first entry of the record."""
    record = sim.state.lifetimes
    rows = {key: w for w, key in enumerate(sim.names.workloads)}
    first = 0
    for key, one in sim.scenario.lifetimes.items():
        count = len(one.created_ms.values)
        adopt(sim, rows[key], np.arange(first, first + count))
        first += count
    if record.due_ms.size:
        sim.make_room(heap=1)
        PUSH(sim.state.heap, int(record.due_ms[0]), ENCODE(EV_RECORDED, 0, 0))


def adopt(sim: Simulation, w: int, recorded: I64) -> None:
    """The pods of ``w`` are the recorded ones that live at the start: on the nodes that it names, then as they come."""
    pods, links = sim.state.pods, sim.state.links
    one = sim.scenario.lifetimes[sim.names.workloads[w]]
    there: dict[str, list[int]] = {}
    p = int(sim.state.workloads.first_pod[w])
    while p >= 0:
        n = int(pods.node[p])
        name = sim.names.node(int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n])) if n >= 0 else ""
        there.setdefault(name, []).append(p)
        p = int(links.workload_next[p])
    left: list[int] = []
    for i, k in zip(recorded.tolist(), range(recorded.size), strict=True):
        if one.created_ms.values[k] < 0:
            waiting = there.get(one.nodes[k] if one.nodes else "", [])
            if one.nodes and one.nodes[k] and waiting:
                own(sim, i, waiting.pop(0))
            else:
                left.append(i)
    rest = sorted(p for waiting in there.values() for p in waiting)
    for i, p in zip(left, rest, strict=False):
        own(sim, i, p)


def own(sim: Simulation, i: int, p: int) -> None:
    """Recorded pod ``i`` is the one in row ``p``."""
    sim.state.lifetimes.pod[i] = p, sim.state.pods.uid[p]
