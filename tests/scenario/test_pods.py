"""Tables of recorded pods: what they become, and what is said of cells and columns that are wrong."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from capsim.errors import ScenarioError
from capsim.scenario import load

HEAD = "app,role,created,deleted,cpu,memory_gib,gpus,most,node\n"
ROWS = """\
Web_1,a,,60,500m,2.0,0,2,n-1
Web_1,a,,,500m,2.0,0,2,n-2
Web_1,a,30,90.5,500m,2.0,0,2,
Web_1,a,45,,1,2.0,,,
batch,b,-10,-5,2,4,1,-1,
batch,b,-10,20,2,4,1,-1,n-2
"""
TABLE = {
    "file": "pods.csv", "workload": ["app", "role"], "maxPerNode": "most", "node": "node",
    "requests": {"cpu": "cpu", "memory": {"column": "memory_gib", "unit": "Gi"}, "nvidia.com/gpu": "gpus"},
    "template": {"spec": {"tolerations": [{"operator": "Exists"}]}}, "behaviour": {"startupTime": "7s"},
}  # fmt: skip


def scenario(tmp_path, text=HEAD + ROWS, more=None, **table):
    (tmp_path / "pods.csv").write_text(text)
    groups = [{"name": "n", "instance": {"cpu": 8, "memory": "64Gi", "gpus": 4}, "min": 2, "max": 2}]
    document = {"apiVersion": "capsim/v1", "duration": "10m", "initialState": "recorded", "nodeGroups": groups}
    document["pods"] = [{**TABLE, **table}]
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump({**document, **(more or {})}, sort_keys=False))
    return path


def problems(path):
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_pods_of_one_workload_and_size_are_a_replica_set(tmp_path):
    found = load(scenario(tmp_path))
    keys = ["default/ReplicaSet/web-1-a", "default/ReplicaSet/web-1-a-2", "default/ReplicaSet/batch-b"]
    first, _, batch = found.objects.workloads
    assert [w.key for w in found.objects.workloads] == keys
    assert [w.replicas for w in found.objects.workloads] == [2, 0, 1]
    assert first.template.requests() == {"cpu": 500, "memory": 2 * 2**30}
    assert batch.template.requests() == {"cpu": 2000, "memory": 4 * 2**30, "nvidia.com/gpu": 1}
    record = found.lifetimes[keys[0]]
    assert record.created_ms.values.tolist() == [-1, -1, 30_000]
    assert record.deleted_ms.values.tolist() == [60_000, -1, 90_500]
    assert found.lifetimes[keys[2]].deleted_ms.values.tolist() == [20_000], "the pod gone before the start is left out"
    assert found.placement == {keys[0]: {"n-1": 1, "n-2": 1}, keys[2]: {"n-2": 1}}
    assert all(found.workloads[key].startup_time.mean_ms == 7000 for key in keys)
    assert all(w.template.tolerations for w in found.objects.workloads)


def test_a_limit_counts_all_pods_of_the_workload_and_none_of_others(tmp_path):
    first, second, batch = load(scenario(tmp_path)).objects.workloads
    (limit,) = first.template.topology_spread
    assert (limit["maxSkew"], limit["topologyKey"]) == (2, "kubernetes.io/hostname")
    assert limit["labelSelector"]["matchLabels"].items() <= second.template.labels.items()
    assert not second.template.topology_spread
    assert not batch.template.topology_spread


def test_the_resolved_scenario_stands_alone(tmp_path):
    found = load(scenario(tmp_path))
    (tmp_path / "alone").mkdir()
    resolved = tmp_path / "alone" / "resolved.yaml"
    resolved.write_text(found.dump_resolved())
    assert load(resolved) == found


@pytest.mark.parametrize(
    ("times", "more"),
    [
        ("{},2026-01-01T00:01:00Z,2026-01-01T00:02:00Z", {}),
        ("{},2026-01-01 01:01:00,2026-01-01 01:02:00", {"zone": "Europe/Paris"}),
        ("{},1767225660,1767225720", {}),
        ("{},1767225660000,1767225720000", {"timeFormat": "epochMs"}),
        ("{},60,120", {}),
    ],
)
def test_times_of_the_clock_count_from_the_start(tmp_path, times, more):
    text = "app,created,deleted,cpu\n" + times.format("x") + ",1\nx,,,1\n"
    path = scenario(tmp_path, text, workload="app", requests={"cpu": "cpu"}, maxPerNode=None, node=None, **more)
    record = load(path).lifetimes["default/ReplicaSet/x"]
    assert record.created_ms.values.tolist() == [60_000, -1]
    assert record.deleted_ms.values.tolist() == [120_000, -1]


def test_parquet_is_read_as_csv_is(tmp_path):
    found = load(scenario(tmp_path))
    pd.read_csv(tmp_path / "pods.csv").to_parquet(tmp_path / "pods.parquet")
    as_parquet = load(scenario(tmp_path, file="pods.parquet"))
    assert as_parquet.lifetimes == found.lifetimes
    assert as_parquet.objects.workloads == found.objects.workloads


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("w,a,x,,1,1,0,,", "pods.csv:2: pods[0]: not a time in column 'created'; found 'x'"),
        ("w,a,50,20,1,1,0,,", "pods.csv:2: pods[0]: deleted before it was created in column 'deleted'; found '20'"),
        ("w,a,5,20,1,lots,0,,", "pods.csv:2: pods[0]: not a quantity in column 'memory_gib'; found 'lots'"),
        ("w,a,5,20,-1,1,0,,", "pods.csv:2: pods[0]: not a quantity in column 'cpu'; found '-1'"),
        ("w,a,5,20,1,1,0,1.5,", "pods.csv:2: pods[0]: not a limit in column 'most'; found '1.5'"),
        ("w,,5,20,1,1,0,,", "pods.csv:2: pods[0]: empty in column 'role'; found nothing"),
        ("w,a,5,20,1", "pods.csv:2: pods[0]: a row of another length; found 5 cells; allowed: 9"),
        ("--,_,5,20,1,1,0,,", "pods.csv:2: pods[0]: no name for a workload"),
        ("w,a,inf,20,1,1,0,,", "pods.csv:2: pods[0]: not a time in column 'created'; found 'inf'"),
    ],
)
def test_a_cell_that_is_wrong_is_named_with_its_line_and_column(tmp_path, row, said):
    found = problems(scenario(tmp_path, HEAD + row + "\n" + "v,a,5,20,1,1,0,,\n"))
    assert len(found) == 1
    assert said in found[0].replace(": pods[0];", ": pods[0]:")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"spec": 3}, "pods[0].template.spec: wrong type; found 3; allowed: a mapping"),
        ({"metadata": {"labels": ["x"]}}, "pods[0].template.metadata.labels: wrong type"),
        ({"spec": {"containers": {"a": 1}}}, "pods[0].template.spec.containers: wrong type"),
    ],
)
def test_a_template_of_another_shape_is_told(tmp_path, template, said):
    (found,) = problems(scenario(tmp_path, template=template))
    assert said in found


@pytest.mark.parametrize(("section", "wrong"), [("objects", {"a": 1}), ("workloads", ["a"]), ("placement", "a")])
def test_a_section_of_the_wrong_type_does_not_vanish(tmp_path, section, wrong):
    assert any(
        section in problem and "wrong type" in problem
        for problem in problems(scenario(tmp_path, more={section: wrong}))
    )


def test_times_of_the_clock_and_numbers_do_not_mix(tmp_path):
    (found,) = problems(scenario(tmp_path, HEAD + "w,a,2026-01-01T00:00:05Z,20,1,1,0,,\n"))
    assert "pods.csv:2: pods[0]: not a time in column 'deleted'; found '20'" in found


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"created": "creatd"}, 'no such column, did you mean "created"?'),
        ({"requests": {"cpu": "cpus"}}, "pods[0].requests.cpu"),
        ({"workload": []}, "no column"),
        ({"file": "nowhere.csv"}, "the trace cannot be read"),
        ({"filee": "x"}, "unknown key, did you mean"),
        ({"timeFormat": "days"}, "unknown value"),
    ],
)
def test_a_table_that_is_described_wrongly(tmp_path, table, said):
    found = problems(scenario(tmp_path, **table))
    assert any(said in problem for problem in found), found
    assert all("scenario.yaml" in problem for problem in found)


def test_two_workloads_of_one_name_are_a_problem(tmp_path):
    text = HEAD + "a_b,x,1,2,1,1,0,,\na-b,x,1,2,1,1,0,,\n"
    (found,) = problems(scenario(tmp_path, text))
    assert "pods.csv:3: pods[0]: two workloads of one name" in found


LIFETIMES = {"default/ReplicaSet/web": {"createdMs": [-1, 1000], "deletedMs": [5000, -1]}}


def by_hand(tmp_path, lifetimes, kind="ReplicaSet", replicas=1, **more):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    web = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}
    groups = [{"name": "n", "instance": {"cpu": 8, "memory": "64Gi"}, "min": 2, "max": 2}]
    document = {"apiVersion": "capsim/v1", "nodeGroups": groups, "objects": [web, *more.pop("objects", [])]}
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump({**document, "lifetimes": lifetimes, **more}))
    return path


def test_lifetimes_can_be_written_by_hand(tmp_path):
    assert load(by_hand(tmp_path, {"web": LIFETIMES["default/ReplicaSet/web"]})).lifetimes.keys() == LIFETIMES.keys()


HPA = {
    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
    "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("record", "more", "said"),
    [
        ({"createdMs": [1], "deletedMs": [2, 3]}, {}, "lists of different lengths"),
        ({"createdMs": [9, -1], "deletedMs": [2, 3]}, {}, "deleted before it was created"),
        ({"createdMs": [9, -2], "deletedMs": [-1, -1]}, {}, "not a time"),
        ({"createdMs": [1.5, -1], "deletedMs": [-1, -1]}, {}, "not a time"),
        ({"createdMs": [-1], "deletedMs": [-1]}, {"replicas": 3}, "1 pods are there at the start"),
        ({"createdMs": [-1], "deletedMs": [-1]}, {"kind": "Deployment"}, "a Deployment has no lifetimes"),
        ({"createdMs": [-1], "deletedMs": [-1]}, {"objects": [HPA]}, "HorizontalPodAutoscaler default/h scales it"),
        ({"createdMs": [-1], "deletedMs": [-1]}, {"selfHeal": [{"target": "web"}]}, "come and go as recorded"),
        (
            {"createdMs": [-1], "deletedMs": [-1]},
            {"events": [{"at": "1m", "scale": {"target": "web", "replicas": 3}}]},
            "come and go as recorded",
        ),
    ],
)
def test_lifetimes_that_cannot_be(tmp_path, record, more, said):
    found = problems(by_hand(tmp_path, {"web": record}, **more))
    assert any(said in problem for problem in found), found
    assert all("scenario.yaml:" in problem for problem in found)
