"""Scenarios from manifests alone: node shapes, rates, and real manifests of well-known projects."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import from_manifests, load
from capsim.scenario.manifests import node_groups
from tests.scenario.samples import DEPLOYMENT

SHARED = Path(os.environ.get("CAPSIM_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared")).resolve()
MANIFESTS = SHARED / "data" / "manifests"
INDEX = MANIFESTS / "index.csv"


def index():
    """(file, {kind: documents}, replicas) of every manifest, as a plain counter saw them."""
    if not INDEX.is_file():
        return []
    with INDEX.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    kinds = [{kind: int(n) for kind, n in (item.split(":") for item in row["kinds"].split())} for row in rows]
    return [(row["file"], found, int(row["replicas_total_excl_daemonsets"])) for row, found in zip(rows, kinds)]


@pytest.mark.skipif(not INDEX.is_file(), reason="no collection of real manifests here (CAPSIM_SHARED)")
def test_the_collection_of_real_manifests_is_complete():
    assert len(index()) > 30


@pytest.mark.parametrize(("name", "kinds", "replicas"), index(), ids=[row[0] for row in index()])
def test_real_manifests(name, kinds, replicas, tmp_path):
    scenario = from_manifests(MANIFESTS / name, nodes="3x8cpu-32Gi")
    read = scenario.inventory.kinds
    assert {kind: n for kind, n in read.items() if kind in kinds} == kinds
    assert sum(read.values()) >= sum(kinds.values())
    modelled = sum(w.replicas for w in scenario.objects.workloads if w.kind in ("Deployment", "ReplicaSet"))
    if not {"StatefulSet", "Job"} & set(kinds) and "ReplicaSet" not in [kind for kind, *_ in scenario.objects.other]:
        assert modelled == replicas
    (tmp_path / "resolved.yaml").write_text(scenario.dump_resolved(), encoding="utf-8")
    assert load(tmp_path / "resolved.yaml") == scenario
    if "Secret" in kinds:
        assert "-----BEGIN" not in scenario.dump_resolved()


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3x2cpu-8Gi", [("workers", "2", "8Gi", 3, 3)]),
        ("3..6x2-8Gi", [("workers", "2", "8Gi", 3, 6)]),
        ("1x500m-1G, 2x4vcpu-16Gi-100Gi", [("workers", "500m", "1G", 1, 1), ("workers2", "4", "16Gi", 2, 2)]),
    ],
)
def test_node_shapes(text, shape):
    groups, problem = node_groups(text)
    assert problem is None
    found = [(g["name"], g["instance"]["cpu"], g["instance"]["memory"], g["min"], g["max"]) for g in groups]
    assert found == shape


@pytest.mark.parametrize("text", ["", "3", "x2cpu-8Gi", "3x2cpu", "3 x 2cpu-8Gi", "3x2cpu-8GiB", "-1x2cpu-8Gi"])
def test_bad_node_shapes(folder, text):
    with pytest.raises(ScenarioError, match="not a node shape"):
        from_manifests("app.yaml", nodes=text)


def test_the_rate_goes_to_the_service(folder):
    scenario = from_manifests("app.yaml", nodes="3x2cpu-8Gi", rps=500, seed=9, sets=["duration=10m"])
    assert {key: series.value for key, series in scenario.traffic.items()} == {"default/app": 500}
    assert (scenario.name, scenario.seed, scenario.duration_ms) == ("app", 9, 600_000)
    assert scenario.inventory.guessed[0].text == "500 requests per second go to default/app"
    folder.write("resolved.yaml", scenario.dump_resolved())
    assert load("resolved.yaml") == scenario


def test_the_rate_goes_to_what_the_outside_sees(folder):
    outside = "{apiVersion: v1, kind: Service, metadata: {name: lb}, spec: {type: LoadBalancer, selector: {app: app}}}"
    folder.write("lb.yaml", outside)
    assert set(from_manifests(["app.yaml", "lb.yaml"], nodes="1x2-8Gi", rps=5).traffic) == {"default/lb"}


def test_the_rate_is_shared_by_workloads_without_services(folder):
    folder.write("two.yaml", DEPLOYMENT + "---\n" + DEPLOYMENT.replace("app}", "api}"))
    scenario = from_manifests("two.yaml", nodes="1x2-8Gi", rps=500)
    assert {key: series.value for key, series in scenario.traffic.items()} == {"default/app": 250, "default/api": 250}


def test_without_nodes_or_workloads(folder):
    with pytest.raises(ScenarioError, match="no nodes"):
        from_manifests("app.yaml")
    folder.write("none.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: n}}")
    with pytest.raises(ScenarioError, match="nothing can take the requests"):
        from_manifests("none.yaml", nodes="1x2-8Gi", rps=5)
    with pytest.raises(ScenarioError, match=r"gone\.yaml"):
        from_manifests("gone.yaml", nodes="1x2-8Gi")
    with pytest.raises(ScenarioError, match="negative value"):
        from_manifests("app.yaml", nodes="1x2-8Gi", rps=-5)
