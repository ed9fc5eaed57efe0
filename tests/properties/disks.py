"""Pods of random scenarios that write to small disks, and what must hold of the disks at any moment."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from capsim.engine.faults import disk
from capsim.engine.faults.disk_limits import exceeds
from capsim.engine.faults.disk_parts import LAYER
from capsim.engine.faults.filesystems import filesystems
from capsim.engine.faults.pressure import CRITICAL
from capsim.scenario.workload import ContainerBehaviour, DiskUse
from capsim.state import tables as t
from capsim.state.tables_startup import ALWAYS, STEP_PULL

MIB, GIB = 2**20, 2**30

uses = st.builds(
    lambda base, per_request, per_second, more: DiskUse(
        base_bytes=base * MIB,
        per_request_bytes=per_request * 1000,
        per_second_bytes=per_second * MIB // 4,
        up_to_bytes=None if more is None else (base + more) * MIB,
    ),
    st.sampled_from([0, 0, 20, 800]),
    st.sampled_from([0, 0, 1, 300]),
    st.sampled_from([0, 0, 1, 9]),
    st.sampled_from([None, None, 0, 300]),
)


@st.composite
def with_disks(draw, scenario):
    """The scenario with pods that write, limits that they may exceed, and disks that they may fill."""
    listed, specs = [], dict(scenario.workloads)
    for workload in scenario.objects.workloads:
        if workload.key in specs and draw(st.integers(0, 2)) > 0:
            workload = draw(limited(workload))
            specs[workload.key] = draw(writing(workload, specs[workload.key]))
        listed.append(workload)
    groups = []
    for group in scenario.node_groups:
        size = draw(st.sampled_from([3, 8, 100])) * GIB
        thresholds = draw(st.sampled_from([{"memory": 0}, {"ephemeral-storage": size // 10}]))
        instance = group.instance.model_copy(update={"ephemeral_storage_bytes": size})
        groups.append(group.model_copy(update={"instance": instance, "eviction_hard": thresholds}))
    kubelet = scenario.control_plane.kubelet.model_copy(
        update={
            "unpacked_image_ratio": draw(st.sampled_from([1.0, 4.0])),
            "eviction_pressure_transition_period_ms": draw(st.sampled_from([20_000, 300_000])),
        }
    )
    plane = scenario.control_plane.model_copy(update={"kubelet": kubelet})
    objects = scenario.objects.model_copy(update={"workloads": listed})
    update = {"objects": objects, "workloads": specs, "node_groups": groups, "control_plane": plane}
    return scenario.model_copy(update=update)


@st.composite
def limited(draw, workload):
    """The workload with an emptyDir, requests and limits of ephemeral storage."""
    first, *others = workload.template.containers
    requests, limits = dict(first.requests), dict(first.limits)
    if draw(st.booleans()):
        requests["ephemeral-storage"] = draw(st.sampled_from([1, 100])) * MIB
    if draw(st.integers(0, 2)) == 0:
        limits["ephemeral-storage"] = draw(st.sampled_from([100, 400, 2000])) * MIB
    source = draw(st.sampled_from([{}, {}, {"sizeLimit": "150Mi"}, {"medium": "Memory"}]))
    containers = (first.model_copy(update={"requests": requests, "limits": limits}), *others)
    volumes = [*workload.template.volumes, {"name": "scratch", "emptyDir": source}]
    template = workload.template.model_copy(update={"containers": containers, "volumes": volumes})
    return workload.model_copy(update={"template": template})


@st.composite
def writing(draw, workload, spec):
    """The behaviour with what its pods write."""
    name = workload.template.containers[0].name
    own = spec.containers.get(name, ContainerBehaviour())
    own = own.model_copy(update={"writable_layer": draw(uses), "logs": draw(uses)})
    change = {"containers": {**spec.containers, name: own}, "disk_spread_ratio": draw(st.sampled_from([0.0, 0.5]))}
    return spec.model_copy(update={**change, "empty_dirs": {"scratch": draw(uses)}})


def check_disks(sim) -> None:
    """What is on a disk is what its images and pods hold; nothing shrinks while a container runs; images in use are
    there; after a look nobody exceeds a limit, and a node that is short has the condition."""
    if not sim.faults.looks_at_disks:
        return
    check_images(sim)
    seen, before = {}, getattr(sim, "disks_seen", {})
    found = disk.image_bytes(sim)
    holdings = disk.holdings(sim)
    for w, (rows, held) in holdings.items():
        parts = sim.disks.parts[w]
        for i, p in enumerate(rows.tolist()):
            uid, restarts = int(sim.state.pods.uid[p]), int(sim.state.pods.restarts[p])
            for k, part in enumerate(parts):
                assert part.base <= held[k, i] <= part.up_to
                same = part.kind != LAYER or before.get((uid, k), (0, -1))[1] == restarts
                assert not same or held[k, i] >= before.get((uid, k), (0.0, 0))[0] * (1 - 1e-12)
                seen[uid, k] = (held[k, i], restarts)
            found[sim.state.pods.node[p]] += disk.bytes_of(sim, p)
    np.testing.assert_allclose(disk.used_bytes(sim, holdings), found, rtol=1e-12, atol=1.0)
    sim.disks_seen = seen | {key: what for key, what in before.items() if key not in seen}
    if sim.now_ms % 10_000 == 0 and 0 < sim.now_ms < sim.scenario.duration_ms:
        check_after_look(sim, found)


def check_after_look(sim, found) -> None:
    """At an instant at which every kubelet looks, whether or not it had to."""
    s = sim.state
    up = (s.nodes.state == t.NODE_READY) & (s.nodes.flags & t.FLAG_SILENT == 0)
    for w, (rows, _) in disk.holdings(sim).items():
        rows = rows[(s.pods.ready_ms[rows] < sim.now_ms) & up[s.pods.node[rows]]]
        if s.classes.priority[w] >= CRITICAL or not len(rows):
            continue
        for limit in sim.disks.limits[w]:
            assert not exceeds(disk.amounts(sim, w, rows), limit).any(), limit
    for n in np.flatnonzero(up & (found > filesystems(sim).most)).tolist():
        fresh = [p for p in range(len(s.pods.state)) if s.pods.node[p] == n and s.pods.ready_ms[p] == sim.now_ms]
        just = s.nodes.times[n, t.T_READY] == sim.now_ms or (s.startup.have_ms[n] == sim.now_ms).any()
        assert s.nodes.flags[n] & t.FLAG_DISK_PRESSURE or fresh or just, n


def check_images(sim) -> None:
    """A Ready pod has its images; what a node reports it has."""
    s = sim.state
    startup, extras = s.startup, s.scheduling.extras
    for p in np.flatnonzero(s.pods.state == t.POD_READY).tolist():
        w, n = int(s.pods.workload[p]), int(s.pods.node[p])
        for step in startup.step[startup.start[w] : startup.start[w + 1]].tolist():
            if step[0] == STEP_PULL:
                i = step[1] % ALWAYS
                own = startup.layer[startup.layer_start[i] : startup.layer_start[i + 1]]
                assert (startup.have_ms[n, own] <= sim.now_ms).all()
    for i in range(len(startup.layer_start) - 1):
        own = startup.layer[startup.layer_start[i] : startup.layer_start[i + 1]]
        reported = s.presence.on_node[extras.image_group[i]]
        for n in np.flatnonzero((reported > 0) & (s.nodes.state != t.NODE_FREE)).tolist():
            assert (startup.have_ms[n, own] <= sim.now_ms).all()
        assert extras.image_nodes[i] == reported.sum()
