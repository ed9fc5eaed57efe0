"""Every real manifest is imported, loads, and its totals are those that a plain counter found (index.csv)."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from capsim.scenario import load
from capsim.scenario.importers.assemble import Options, imported
from capsim.scenario.importers.write import write_scenario

SHARED = Path(os.environ.get("CAPSIM_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared")).resolve()
FOLDER = SHARED / "data" / "manifests"
COUNTED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet")


def rows():
    index = FOLDER / "index.csv"
    if not index.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"needs the manifests of {FOLDER}"))]
    with index.open() as file:
        return [pytest.param(row, id=row["file"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("row", rows())
def test_totals_are_those_of_the_index(row, tmp_path):
    made = imported([str(FOLDER / row["file"])], Options())
    totals = made.findings.totals
    assert totals.objects == sum(totals.kinds.values())
    assert totals.kinds == {kind: int(n) for kind, n in (item.split(":") for item in row["kinds"].split())}
    assert totals.documents == int(row["documents"]) or "List" in row["note"]
    assert sum(totals.replicas.values()) == int(row["replicas_total_excl_daemonsets"])
    assert sum(totals.containers[kind] for kind in COUNTED if kind in totals.containers) == int(row["containers"])
    assert sum(totals.containers_without_requests.values()) == int(row["containers_without_requests"])
    if made.objects or made.nodes:
        write_scenario(made, tmp_path / "scenario")
        load(tmp_path / "scenario")


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"needs the manifests of {FOLDER}")
def test_openb_nodes(tmp_path):
    made = imported([str(FOLDER / "nodes-openb-1213-gpu.yaml")], Options())
    write_scenario(made, tmp_path / "scenario")
    scenario = load(tmp_path / "scenario")
    assert len(scenario.objects.nodes) == 1213 == sum(group.initial for group in scenario.node_groups)
    written = {node.name: node.allocatable for node in scenario.objects.nodes}
    totals = made.findings.totals
    assert sum(group.nodes for group in totals.groups) == 1213
    assert sum(group.allocatable_cpu_milli for group in totals.groups) == sum(a["cpu"] for a in written.values())
