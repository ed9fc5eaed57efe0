"""How many more replicas of each workload fit right now: the engine's own scheduler, tried until it finds no node.

Where pods do not look at other pods the nodes are asked one by one instead (``scheduler/filling.py``): the same answer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from capsim.engine.actions import ACT_START_PODS
from capsim.engine.build.admission import tightest
from capsim.engine.drive import Simulation
from capsim.engine.start import SETTLED_MS, make_room_to_fail
from capsim.errors import ScenarioError
from capsim.scenario import Scenario
from capsim.scenario.kubernetes.workload import Workload
from capsim.state.tables import C_BINDS, I64, POD_FREE, POD_TOP

FIRST, LARGEST = 16, 4096
"""Pods that are tried at a time: few at first, because what is tried beyond the last that fits is in vain."""
PLACELESS = frozenset({"configMap", "secret", "projected", "downwardAPI", "emptyDir", "hostPath"})
"""Volumes that are there on any node."""


Answer = tuple[int, str, dict[str, int]]
"""How many more pods, why no more, and where."""


@dataclass(frozen=True)
class Fit:
    """How many more pods of one workload fit, one workload at a time."""

    workload: str
    replicas: int
    """Pods that it has."""
    more: int
    limited: bool
    """There is room for more than was asked about."""
    reason: str
    """The scheduler's message for the first pod that finds no node."""
    nodes: dict[str, int]
    """Node -> further pods, the most first."""
    request_cpu_milli: int
    request_memory_bytes: int

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dict(vars(self))


def fit(scenario: Scenario, names: list[str] | None = None, limit: int = 0) -> list[Fit]:
    """For each workload (or those named) how many further pods the scheduler places at the start.

    Each workload is asked for alone, on the cluster of the start; those whose pods are alike for the scheduler are
    asked for once. Nothing is preempted and no node is added. `limit`: stop at so many (0: no limit). DaemonSets are
    left out: they have one pod per node. Quotas and LimitRanges count. Raises ScenarioError for a name that is none.
    """
    sim = Simulation(scenario)
    return fits_of(sim, chosen(scenario, names), limit)


def fits_of(sim: Simulation, rows: list[int], limit: int = 0) -> list[Fit]:
    """The same for a simulation at its start; it is left as it was."""
    known: dict[bytes, Answer] = {}
    found = []
    start: Any = None
    for w in rows:
        workload = sim.scenario.objects.workloads[w]
        room, why = admitted(sim, w)
        most = min(limit, room) if limit else room if why else 0
        key = likeness(sim, w) + str(most).encode()
        if key not in known:
            answer = (0, "", {}) if why and room == 0 else counted(sim, w, most)
            if answer is None:
                start = sim.snapshot() if start is None else start
                answer = more_of(sim, w, most)
                sim.restore(start)
            known[key] = answer
        more, reason, nodes = known[key]
        held = bool(why) and more >= room
        requests = workload.template.requests()
        found.append(
            Fit(
                workload.key, int(sim.state.workloads.desired[w]), more, bool(limit) and more >= limit and not held,
                why if held else reason, nodes,
                requests.get("cpu", 0), requests.get("memory", 0),
            )
        )  # fmt: skip
    return found


def admitted(sim: Simulation, w: int) -> tuple[int, str]:
    """How many more pods of a workload admission lets in, and who refuses the next; empty: nobody."""
    room, q = tightest(sim.state, w)
    if q >= 0:
        return room, f"ResourceQuota {sim.quotas_at(0)[q].name} has no room for another"
    return room, sim.names.refusals[int(sim.state.admission.text[w])] if room == 0 else ""


def with_podspec(scenario: Scenario, path: str) -> tuple[Scenario, list[str]]:
    """The scenario with the pods of a file (Pod objects, or workloads) as further workloads of no replicas; their keys.

    Raises ScenarioError with every problem.
    """
    from capsim.scenario.files import read_documents
    from capsim.scenario.kubernetes.reading import Reading
    from capsim.scenario.kubernetes.registry import identified, read_objects

    reader = read_documents(path)
    reading = Reading(lenient=True)
    reading.priority_classes.update(scenario.objects.priority_classes)
    sources = [source for document in reader.documents for source in identified(document, (document, ""), reading)]
    read_objects(sources, reading)
    read: list[Workload] = reading.models.get("workloads", [])
    if reader.problems or reading.problems or not read:
        raise ScenarioError([*reader.problems, *reading.problems] or f"{path} holds no pod and no workload")
    taken = {workload.key for workload in scenario.objects.workloads}
    added = []
    for workload in read:
        name = workload.name
        while f"{workload.namespace}/{workload.kind}/{name}" in taken:
            name += "-podspec"
        template = workload.template.model_copy(update={"node_name": None})
        added.append(workload.model_copy(update={"name": name, "replicas": 0, "template": template}))
        taken.add(added[-1].key)
    objects = scenario.objects.model_copy(update={"workloads": [*scenario.objects.workloads, *added]})
    return scenario.model_copy(update={"objects": objects}), [workload.key for workload in added]


def chosen(scenario: Scenario, names: list[str] | None) -> list[int]:
    """Rows of the workloads that are asked about. Raises ScenarioError."""
    from capsim.scenario.merge import suggestion
    from capsim.scenario.names import Keys

    listed = scenario.objects.workloads
    rows = [w for w, workload in enumerate(listed) if workload.kind != "DaemonSet"]
    if names is None:
        return rows
    by_key = {listed[w].key: w for w in rows}
    keys, result = Keys(by_key), []
    for name in names:
        matching = keys.matching(name)
        if not matching:
            hint = suggestion(name, list(by_key))
            raise ScenarioError(f"no workload {name!r}{hint}; there is: {', '.join(list(by_key)[:10])}")
        result += [by_key[key] for key in matching]
    return list(dict.fromkeys(result))


def likeness(sim: Simulation, w: int) -> bytes:
    """What the scheduler sees of a workload's pods: equal for workloads of which as many fit."""
    template = sim.scenario.objects.workloads[w].template
    classes = sim.state.classes
    row = [classes.request[w], classes.nonzero[w], classes.shape_reason[w], classes.tolerates[w], classes.priority[w]]
    parts = b"".join(part.tobytes() for part in row)
    tied = bool(template.topology_spread or set(template.affinity or ()) - {"nodeAffinity"})
    bound = any(kind not in PLACELESS for volume in template.volumes for kind in volume if kind != "name")
    ports = any(container.host_ports for container in template.containers)
    alone = w if tied or bound or ports else -1  # other pods, volumes or ports of its own count
    return parts + repr((template.affinity, alone)).encode()


def counted(sim: Simulation, w: int, limit: int) -> Answer | None:
    """What `more_of` finds, counted node by node without placing a pod; None where the order of placing matters."""
    from capsim.controllers.scheduler.filling import fill, fits_by_resources
    from capsim.controllers.scheduler.messages import failed_scheduling

    s = sim.state
    c = int(s.workloads.pod_class[w])
    if not fits_by_resources(s.presence, s.scheduling, c):
        return None
    more = np.zeros(s.nodes.state.shape[0], np.int64)
    counts = np.zeros(s.queue.diagnoses.shape[1], np.int64)
    fill(s.clock, s.classes, s.nodes, s.presence, s.scheduling, c, more, counts)
    total = int(more.sum())
    if limit and total >= limit:
        return None  # which nodes the first pods take is for the scheduler to say
    return total, failed_scheduling(counts.tolist(), sim.names.reasons), dict(by_node(sim, more).most_common())


def by_node(sim: Simulation, counts: I64) -> Counter[str]:
    """Counts by slot of node, 0 left out, as counts by name."""
    nodes, taken = sim.state.nodes, counts.nonzero()[0]
    rows = zip(nodes.group[taken].tolist(), nodes.ordinal[taken].tolist(), counts[taken].tolist(), strict=True)
    return Counter({sim.names.node(group, ordinal): count for group, ordinal, count in rows})


def more_of(sim: Simulation, w: int, limit: int) -> Answer:
    """Creates pods of workload ``w`` until one finds no node, or ``limit``: how many, why no more, and where."""
    bound = int(sim.state.clock.counters[C_BINDS])
    before = placed(sim, w)
    waiting = int(sim.state.classes.queue_count[w])
    pods, batch = 0, FIRST
    while True:
        wanted = min(batch, limit - pods) if limit else batch
        batch = min(2 * batch, LARGEST)
        if wanted <= 0:
            break
        sim.make_room(pods=wanted)
        make_room_to_fail(sim)
        sim.act(ACT_START_PODS, w, wanted, -1, 0, now_ms=SETTLED_MS)
        pods = int(sim.state.clock.counters[C_BINDS]) - bound
        if int(sim.state.classes.queue_count[w]) > waiting:
            break
    after = placed(sim, w)
    after.subtract(before)
    nodes = {node: count for node, count in after.most_common() if count > 0}
    return sum(nodes.values()), reason_of(sim, w) if not limit or pods < limit else "", nodes


def placed(sim: Simulation, w: int) -> Counter[str]:
    """Pods of workload ``w`` by node."""
    pods = sim.state.pods
    top = int(sim.state.clock.values[POD_TOP])
    there = (pods.workload[:top] == w) & (pods.state[:top] != POD_FREE) & (pods.node[:top] >= 0)
    return by_node(sim, np.bincount(pods.node[:top][there], minlength=sim.state.nodes.state.shape[0]))


def reason_of(sim: Simulation, w: int) -> str:
    """The scheduler's message for the pods of workload ``w`` that wait."""
    from capsim.engine.event_frame import messages_of

    d = int(sim.state.classes.diagnosis[w])
    messages = messages_of(sim)
    return str(messages[d]) if 0 <= d < len(messages) else ""
