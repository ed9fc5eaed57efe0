"""Replays single evaluations: one metric, one snapshot, one proposal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capsim.conformance import Report
from capsim.conformance.hpa_case import gather, masked, settings_of, unavailable_text
from capsim.conformance.hpa_snapshot import Cluster
from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa.messages import calculator_error
from capsim.controllers.hpa.spec import compile_specs, new_state

Json = Mapping[str, Any]


def metric_spec(metric: Json) -> dict[str, Any]:
    """A recorded metric as a v2 metric spec."""
    kind, _, target_type = metric["kind"].partition("_")
    if target_type == "utilization":
        target: dict[str, Any] = {"type": "Utilization", "averageUtilization": metric["target"]}
    elif target_type == "value":
        target = {"type": "Value", "value": f"{metric['target']}m"}
    else:
        target = {"type": "AverageValue", "averageValue": f"{metric['target']}m"}
    if kind == "resource":
        about = {"name": metric["resource"], "target": target}
        if metric.get("container"):
            return {"type": "ContainerResource", "containerResource": {**about, "container": metric["container"]}}
        return {"type": "Resource", "resource": about}
    about = {"metric": {"name": metric["name"]}, "target": target}
    if kind == "object":
        about["describedObject"] = {"kind": "Service", "name": "svc", "apiVersion": "v1"}
    return {"type": kind.capitalize(), kind: about}


def replay_single(case: Json, report: Report) -> None:
    """Replay one case twice, pod by pod and with equal pods merged, and compare with what was recorded."""
    report.cases += 1
    for merge in (False, True):
        report.decisions += 1
        got = evaluate(case, merge)
        expected = {key: case["out"].get(key) for key in got}
        expected["error"] = masked(expected["error"])
        report.compare(case["id"] + ("/merged" if merge else ""), "out", expected, got)
        wanted = case.get("expected", {})
        for key in ("replicas", "usage", "raw"):
            if key in wanted:
                report.compare(case["id"], f"expected {key}", wanted[key], got[key])


def evaluate(case: Json, merge: bool) -> dict[str, Any]:
    """Proposal, usage, raw usage (of Utilization targets) and error of one case."""
    cluster = Cluster(case["containers"], case["config"]["gate_PodLevelResources"])
    cluster.update(case["in"])
    metric = metric_spec(case["metric"])
    specs = compile_specs([{"maxReplicas": 1, "metrics": [metric]}], settings_of(case["config"]))
    specs = specs._replace(tolerance_ratio=np.array([[case["tol_up"], case["tol_down"]]], np.float64))
    state = new_state(specs)
    gather(cluster, specs, state, 0, metric, merge)
    error = k.propose_metric(specs, state, 0, 0, case["in"]["spec"], case["in"]["status"])
    replicas, value, percent, _ = (int(cell) for cell in state.metric[0])
    if error != c.NO_ERROR:
        container = str(case["metric"].get("container"))
        text = calculator_error(metric, int(error), "ns", unavailable_text(metric), container=container)
        return {"replicas": 0, "usage": value, "raw": None, "error": masked(text)}
    utilization = percent >= 0
    return {
        "replicas": replicas,
        "usage": percent if utilization else value,
        "raw": value if utilization and value else None,
        "error": None,
    }
