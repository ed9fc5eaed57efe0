"""Replays recorded estimates of the Cluster Autoscaler: groups of equivalent pods, order, nodes and assignments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capsim.conformance import Report
from capsim.conformance.cluster_autoscaler_world import RecordedWorld
from capsim.controllers.cluster_autoscaler.equivalence import pod_groups
from capsim.controllers.cluster_autoscaler.estimator import append_node, estimate, node_limit
from capsim.controllers.cluster_autoscaler.predicates import PASS, check
from capsim.controllers.cluster_autoscaler.simulation import build
from capsim.controllers.cluster_autoscaler.tables import ROWS

Json = Mapping[str, Any]


def replay_estimator(case: Json, report: Report) -> None:
    """Replay one estimate."""
    given = case["input"]
    world = RecordedWorld(_as_world(given))
    view = world.refresh(world.now_ms)
    templates = {0: view.template(0)}
    of = templates[0]
    pending = view.pending
    names = [world.pod_name(p).rpartition("/")[2] for p in range(len(world.pod_names))]
    sim = build(view, {}, templates, [], 0, len(pending) + 2)
    snap, kinds = sim.snap, view.kinds
    groups = pod_groups(kinds, pending, view.pods.kind)
    base, saved = int(snap.scalars[ROWS]), snap.count.copy()
    row = append_node(kinds, snap, of.allocatable, of.traits, of.daemons)
    for group in groups:
        group.schedulable = check(kinds, snap, group.kind, row) == PASS
    snap.scalars[ROWS] = base
    snap.count[:] = saved
    fitting = [group for group in groups if group.schedulable]
    room = max(0, given["max"] - given.get("target", 0)) + sum(max(0, n) for n in given.get("similar_free", []))
    total = given.get("max_nodes_total", 0)
    most = node_limit(given.get("max_nodes_per_scaleup", 0), room, total, given.get("current_nodes", 0))
    kind = np.array([group.kind for group in fitting], np.int64)
    size = np.array([len(group.pods) for group in fitting], np.int64)
    found = estimate(kinds, snap, kind, size, of, most)
    placed = [
        name
        for g, n in zip(found.order.tolist(), found.placed.tolist(), strict=True)
        for name in (names[p] for p in fitting[g].pods[:n].tolist())
    ]
    assigned: dict[int, list[str]] = {}
    for name, node in zip(placed, found.chosen.tolist(), strict=True):
        assigned.setdefault(node, []).append(name)
    got: dict[str, Any] = {
        "groups": [
            {"exemplar": names[int(g.pods[0])], "size": len(g.pods), "schedulable": g.schedulable} for g in groups
        ],
        "order": [names[int(fitting[g].pods[0])] for g in found.order.tolist()] or None,
        "nodes": found.nodes,
        "scheduled": len(placed),
        "per_node": [len(assigned[node]) for node in sorted(assigned)] or None,
    }
    recorded = case["output"]
    if "assign" in recorded:
        got["assign"] = [assigned[node] for node in sorted(assigned)]
    for field, value in got.items():
        report.decisions += 1
        report.compare(case["id"], field, recorded.get(field), value)


def _as_world(given: Json) -> dict[str, Any]:
    """The case as a cluster: the group, existing nodes like it, the pods pending."""
    template = given["template"]
    daemons = [
        {"name": f"ds{i}", "pod": {**pod, "tolerations": [{"operator": "Exists"}]}}
        for i, pod in enumerate(template.get("ds_pods", []))
    ]
    existing = {key: value for key, value in template.items() if key != "ds_pods"}
    return {
        "groups": [{"id": "ng", "min": 0, "max": given["max"], "initial": 0, "template": template}],
        "extra_nodes": [{"name": f"n-{i}", "node": existing} for i in range(given.get("existing", 0))],
        "daemonsets": daemons,
        "pods": [{**pod, "age": 60, "scheduler": "none", "numbering": "-{}"} for pod in given["pods"]],
    }
