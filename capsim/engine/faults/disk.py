"""What pods and images hold on the disks of their nodes, in bytes.

A node has one filesystem (nodefs, which is imagefs as well). On it are the images that its cache has, unpacked, and
what its pods write, each part of it ``base + perRequest x requests + perSecond x seconds`` up to ``upTo``: writable
layers and logs of containers, emptyDir volumes. Sources: kubernetes v1.36 pkg/kubelet/stats (what counts), kubelet's
containerLogMaxSize and containerLogMaxFiles (where logs end).

Nothing is stored while a pod serves: what it has written follows from the requests that it has served since it was
Ready, which the world integrates anyhow. Only when its containers end, or its node falls silent, is that written down.
A container that restarts begins with an empty writable layer; logs and emptyDir volumes stay with the pod.

Not modelled: a filesystem of its own for images, inodes, rotated logs that are compressed, dead containers that the
kubelet keeps, hostPath, generic ephemeral volumes, disk of pods that terminate (it is free at once), a disk that is
full (upstream: writes fail), what a rollout changes of all this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from capsim.engine.faults.disk_parts import LAYER, VOLUME
from capsim.rng import STREAM_FAULT, draw
from capsim.state.tables import F64, I64, POD_DOWN, POD_READY, POD_STARTING

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

DRAW_DISK = 2
"""Number of a pod's draw for what it writes; 0 is that for its memory, 1 for its probes."""


class Written(NamedTuple):
    """What a pod had served, and for how long it had been Ready, before its containers ended or its node fell silent:
    since it was created, and since its containers started, whose number of restarts is ``restarts``."""

    requests: float
    ready_ms: int
    requests_of_layer: float
    ready_ms_of_layer: int
    restarts: int


class Held(NamedTuple):
    """What pods of a workload hold now: ``pods`` [pods] rows of those that have been Ready on their node, and
    ``parts`` [parts, pods] bytes of each of their parts."""

    pods: I64
    parts: F64


def writes(sim: Simulation) -> NDArray[np.bool_]:
    """Which pods hold what they wrote: [P] on a node, not leaving, Ready at least once."""
    pods = sim.state.pods
    was_ready = ((pods.state == POD_STARTING) | (pods.state == POD_DOWN)) & (pods.first_ready_ms != -1)
    return (pods.node >= 0) & ((pods.state == POD_READY) | was_ready)


def holdings(sim: Simulation) -> dict[int, Held]:
    """What the pods of each workload that writes hold, by row."""
    if not sim.disks.parts:
        return {}
    rows = np.flatnonzero(writes(sim))
    rows = rows[np.argsort(sim.state.pods.workload[rows], kind="stable")]
    workloads = sim.state.pods.workload[rows]
    found = {}
    for w in sim.disks.parts:
        mine = rows[np.searchsorted(workloads, w) : np.searchsorted(workloads, w, side="right")]
        found[w] = Held(mine, amounts(sim, w, mine))
    return found


def served(sim: Simulation, w: int, rows: I64) -> tuple[F64, F64]:
    """Requests that pods of ``w`` have served since they were Ready last, and for how long, ms; both 0 for those that
    are not Ready now."""
    pods, usage, physics = sim.state.pods, sim.state.usage, sim.state.physics
    whole = physics.integral[w] + physics.pod_rps[w] * (sim.now_ms - physics.since_ms[w]) / 1000.0
    own = usage.rate_rps[rows] * (sim.now_ms - usage.base[rows]) / 1000.0
    requests = usage.area[rows] + np.where(usage.own[rows] == 1, own, whole - usage.base[rows])
    ready = pods.state[rows] == POD_READY
    lasts = sim.now_ms - np.maximum(0, pods.ready_ms[rows])
    return np.where(ready, np.maximum(0.0, requests), 0.0), np.where(ready, np.maximum(0, lasts), 0).astype(np.float64)


def amounts(sim: Simulation, w: int, rows: I64) -> F64:
    """Bytes of each part of pods ``rows`` of ``w``, which hold any: [parts, rows]."""
    requests, lasts = served(sim, w, rows)
    of_layer, lasts_of_layer = requests.copy(), lasts.copy()
    if sim.faults.written:
        for i, p in enumerate(rows.tolist()):
            before = sim.faults.written.get(int(sim.state.pods.uid[p]))
            if before is not None:
                requests[i] += before.requests
                lasts[i] += before.ready_ms
                if before.restarts == sim.state.pods.restarts[p]:
                    of_layer[i] += before.requests_of_layer
                    lasts_of_layer[i] += before.ready_ms_of_layer
    share = shares(sim, w, rows)
    listed = sim.disks.parts[w]
    found = np.empty((len(listed), len(rows)))
    for i, part in enumerate(listed):
        number, ms = (of_layer, lasts_of_layer) if part.kind == LAYER else (requests, lasts)
        found[i] = np.minimum(part.base + share * (part.per_request * number + part.per_ms * ms), part.up_to)
    return found


def shares(sim: Simulation, w: int, rows: I64) -> F64:
    """How what single pods write compares with the mean: evenly drawn within ``diskSpread``."""
    spread = sim.disks.spread[w]
    if spread == 0.0:
        return np.ones(len(rows))
    known, found = sim.disks.shares, np.empty(len(rows))
    for i, ordinal in enumerate(sim.state.pods.ordinal[rows].tolist()):
        if (w, ordinal) not in known:
            number = draw(sim.scenario.seed & 0x7FFFFFFF, STREAM_FAULT, sim.names.hashes[w] + ordinal, DRAW_DISK)
            known[w, ordinal] = 1.0 + spread * (2.0 * (int(number) / 4294967295.0) - 1.0)
        found[i] = known[w, ordinal]
    return found


def note_end(sim: Simulation, p: int) -> None:
    """The containers of pod ``p``, or its node, are about to stop: write down what it has served until now."""
    pods, w = sim.state.pods, int(sim.state.pods.workload[p])
    if w not in sim.disks.parts or pods.state[p] != POD_READY:
        return
    requests, lasts = served(sim, w, np.array([p]))
    uid, restarts = int(pods.uid[p]), int(pods.restarts[p])
    before = sim.faults.written.get(uid, Written(0.0, 0, 0.0, 0, restarts))
    of_layer = before.requests_of_layer if before.restarts == restarts else 0.0
    lasts_of_layer = before.ready_ms_of_layer if before.restarts == restarts else 0
    sim.faults.written[uid] = Written(
        before.requests + float(requests[0]),
        before.ready_ms + int(lasts[0]),
        of_layer + float(requests[0]),
        lasts_of_layer + int(lasts[0]),
        restarts,
    )


def forget_gone(sim: Simulation) -> None:
    """Drop what was written down of pods that are gone."""
    if len(sim.faults.written) > 64:
        there = set(sim.state.pods.uid[sim.state.pods.uid >= 0].tolist())
        sim.faults.written = {uid: what for uid, what in sim.faults.written.items() if uid in there}


def image_bytes(sim: Simulation) -> F64:
    """Bytes of images, unpacked, on each node: [N]."""
    startup = sim.state.startup
    there = startup.have_ms <= sim.now_ms
    ratio: float = sim.scenario.control_plane.kubelet.unpacked_image_ratio
    return (there @ startup.layer_bytes).astype(np.float64) * ratio


def used_bytes(sim: Simulation, held: dict[int, Held]) -> F64:
    """Bytes that images and pods hold on each node: [N]."""
    found = image_bytes(sim)
    for pods, parts in held.values():
        np.add.at(found, sim.state.pods.node[pods], parts.sum(axis=0))
    return found


def by_part(sim: Simulation, p: int) -> F64:
    """Bytes of each part of pod ``p``; empty: it writes nothing."""
    w = int(sim.state.pods.workload[p])
    if w not in sim.disks.parts or not writes(sim)[p]:
        return np.zeros(0)
    found: F64 = amounts(sim, w, np.array([p]))[:, 0]
    return found


def bytes_of(sim: Simulation, p: int) -> float:
    """Bytes that pod ``p`` holds: what kubelets rank by."""
    return float(by_part(sim, p).sum())


def by_container(sim: Simulation, p: int) -> dict[str, float]:
    """Bytes of the writable layer and logs of each container of pod ``p``."""
    found: dict[str, float] = {}
    parts = sim.disks.parts.get(int(sim.state.pods.workload[p]), ())
    for part, held in zip(parts, by_part(sim, p).tolist(), strict=False):
        if part.kind != VOLUME:
            found[part.name] = found.get(part.name, 0.0) + held
    return found
