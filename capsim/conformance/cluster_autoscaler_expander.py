"""Replays recorded choices of the Cluster Autoscaler's expanders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capsim.conformance import Report
from capsim.conformance.cluster_autoscaler_kinds import GPU, GPU_LABEL
from capsim.conformance.cluster_autoscaler_world import RecordedWorld
from capsim.controllers.cluster_autoscaler.expander import Option, Setting, choose
from capsim.scenario.expander_priorities import read_priorities

Json = Mapping[str, Any]


def replay_expander(case: Json, report: Report) -> None:
    """Replay one choice: what each filter leaves, what remains, and the words of the price expander."""
    given = case["input"]
    groups = [
        {"id": o["group"], "min": 0, "max": 1000, "initial": 0, "template": o["template"], "price": o["price"]}
        for o in given["options"]
    ]
    world = RecordedWorld({"groups": groups})
    kinds = [[world.kinds.kind_of(pod) for pod in o["pods"] for _ in range(pod["count"])] for o in given["options"]]
    view = world.refresh(world.now_ms)
    options = [
        Option(
            g, o["group"], o["nodes"], np.array(kinds[g], np.int64), np.array(kinds[g], np.int64), view.template(g),
            o["price"],
        )
        for g, o in enumerate(given["options"])
    ]  # fmt: skip
    names = given["expander"].split(",")

    def has_gpu(template: Any) -> bool:
        return GPU_LABEL in view.shape_labels[template.shape] or int(template.allocatable[GPU]) > 0

    setting = Setting(view.kinds, given["cluster_nodes"], read_priorities(given.get("priorities")), GPU, has_gpu)
    left = choose(names, options, setting)
    filters = [{name: [options[g].name for g in found]} for name, found in setting.trail]
    final = [option.name for option in left]
    got: dict[str, Any] = {"filters": filters or None, "final": final, "seen": sorted(final)}
    recorded = case["output"]
    if "price_debug" in recorded:
        got["price_debug"] = {name: setting.notes.get(name) for name in recorded["price_debug"]}
    for field, value in got.items():
        report.decisions += 1
        report.compare(case["id"], field, recorded.get(field), value)
