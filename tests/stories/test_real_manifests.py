"""Manifests of well-known projects run as they are: an hour each, on nodes that are large enough for all but two.

They are in a folder beside the repository (or $CAPSIM_SHARED); skipped without it.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.result import Result, write
from capsim.scenario import from_manifests
from tests.properties.checks import check
from tests.stories.conftest import ROOT

SHARED = Path(os.environ.get("CAPSIM_SHARED", ROOT.parent / "shared"))
INDEX = SHARED / "data" / "manifests" / "index.csv"
HOUR_MS = 3_600_000
CONTROLLED = ("Deployment", "ReplicaSet", "StatefulSet")
WITHOUT_EFFECT = {
    "ConfigMap", "Secret", "ServiceAccount", "NetworkPolicy", "Role", "RoleBinding", "ClusterRole",
    "ClusterRoleBinding", "CustomResourceDefinition", "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration", "APIService",
}  # fmt: skip


def files():
    if not INDEX.is_file():
        return []
    with INDEX.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.skipif(
    not INDEX.is_file(), reason=f"{INDEX} is absent: the manifests are in a folder beside the repository"
)
def test_the_collection_is_there():
    assert len(files()) > 30


@pytest.mark.parametrize("row", files(), ids=[row["file"] for row in files()])
def test_an_hour_of_it(row, tmp_path):
    scenario = from_manifests(INDEX.parent / row["file"], nodes="6x64cpu-256Gi")
    scenario = scenario.model_copy(update={"duration_ms": HOUR_MS})
    sim = Simulation(scenario)
    for until_ms in (0, HOUR_MS // 2, HOUR_MS):
        sim.advance(until_ms)
        check(sim)
    result = collect(sim)
    pods = result.pods[result.pods["gone_ms"].isna()]
    assert (pods["ready_ms"].notna() | (pods["reason"] != "")).all(), "who does not run is told why"
    for workload in scenario.objects.workloads:
        mine = pods[pods["workload"] == workload.key]
        if workload.template.node_name is not None and workload.kind == "Pod":  # recorded on a node that is not here
            assert not len(mine)
            assert any(line.object == workload.key for line in scenario.inventory.warnings)
        if workload.kind in CONTROLLED and workload.key not in {hpa.target_key for hpa in scenario.objects.hpas}:
            assert len(mine) == workload.replicas, workload.key
    told = {item.kind for item in scenario.inventory.others}
    assert {kind for kind in scenario.inventory.kinds if kind in WITHOUT_EFFECT} <= told
    parts = {name: getattr(result, name) for name in ("series", "pods", "nodes", "events", "facts")}
    write(Result(scenario=scenario, **parts), tmp_path / "run")
    assert (tmp_path / "run" / "summary.json").is_file()
