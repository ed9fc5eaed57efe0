"""From files to a scenario: merging, names, events, what is dumped and loaded again."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from capsim.scenario import Hpa, Scale, load
from tests.scenario.samples import SCENARIO

WORKLOAD, SERVICE = "default/Deployment/app", "default/app"


def test_a_small_scenario(folder):
    scenario = load("scenario.yaml", seed=7)
    assert scenario.name == folder.path.name
    assert scenario.seed == 7
    assert scenario.services[SERVICE].workloads == [WORKLOAD]
    assert scenario.traffic[SERVICE].value == 100
    behaviour = scenario.workloads[WORKLOAD].containers["main"]
    assert (behaviour.cpu_per_request_milli, behaviour.memory_base_bytes) == (40.0, 256 * 2**20)
    assert scenario.objects.hpas[0].target_key == WORKLOAD
    assert scenario.objects.namespaces == {"default": {"kubernetes.io/metadata.name": "default"}}
    assert scenario.inventory.kinds == {"Deployment": 1, "Service": 1, "HorizontalPodAutoscaler": 1}


def test_a_folder_is_a_scenario_and_the_name_comes_from_the_file(folder):
    assert load(".") == load("scenario.yaml")
    folder.write("rush.yaml", (folder.path / "scenario.yaml").read_text())
    assert load("rush.yaml").name == "rush"


def test_paths_are_relative_to_the_file_that_names_them(folder):
    folder.write("sub/base.yaml", "apiVersion: capsim/v1\nmanifests: ../app.yaml\nduration: 2h\n")
    folder.write("top.yaml", """\
        apiVersion: capsim/v1
        extends: sub/base.yaml
        nodeGroups: [{name: w, instance: {cpu: 1, memory: 1Gi}, max: 1}]
        """)  # fmt: skip
    scenario = load("top.yaml")
    assert scenario.duration_ms == 7_200_000
    assert scenario.objects.workload(WORKLOAD).replicas == 2


def test_overlays_merge_like_helm_values(folder):
    folder.write("over.yaml", """\
        nodeGroups:
        - {name: workers, max: 9}
        - {name: big, instance: {cpu: 8, memory: 32Gi}, max: 2}
        traffic: {app: {steps: [[0s, 1], [1m, 2]]}}
        workloads: {default/app: {startupTime: 9s}}
        duration: 30m
        """)  # fmt: skip
    folder.write("over2.yaml", "duration: null\nnodeGroups: [{name: big, $patch: delete}]\n")
    scenario = load("scenario.yaml", overlays=["over.yaml", "over2.yaml"])
    (group,) = scenario.node_groups
    assert (group.max, group.min, group.instance.cpu_milli) == (9, 3, 2000)
    assert scenario.traffic[SERVICE].peak() == 2
    assert scenario.workloads[WORKLOAD].startup_time.mean_ms == 9000
    assert scenario.workloads[WORKLOAD].containers["main"].cpu_per_request_milli == 40
    assert scenario.duration_ms == 3_600_000
    assert load(["scenario.yaml", "over.yaml", "over2.yaml"]) == scenario


def test_a_series_is_replaced_as_a_whole(folder):
    folder.write("over.yaml", "traffic: {app: {ramp: [[0, 1], [60, 2]]}}\n")
    folder.write("base.yaml", (folder.path / "scenario.yaml").read_text().replace("{app: 100}", "{app: {constant: 5}}"))
    assert load("base.yaml", overlays=["over.yaml"]).traffic[SERVICE].peak() == 2


def test_objects_are_merged_over_the_manifests(folder):
    scenario = folder.load("""
        objects:
        - kind: Deployment
          metadata: {name: app}
          spec: {replicas: 5, template: {spec: {containers: [{name: main, resources: {requests: {cpu: 250m}}}]}}}
        - {kind: HorizontalPodAutoscaler, metadata: {name: app}, $patch: delete}
        - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
        """)
    workload = scenario.objects.workload(WORKLOAD)
    assert workload.replicas == 5
    assert workload.template.requests() == {"cpu": 250, "memory": 512 * 2**20}
    assert scenario.objects.hpas == []
    assert scenario.objects.namespaces["shop"]["team"] == "a"


def test_overlays_reach_objects_too(folder):
    folder.write(
        "over.yaml", "objects: [{kind: HorizontalPodAutoscaler, metadata: {name: app}, spec: {maxReplicas: 4}}]\n"
    )
    assert load("scenario.yaml", overlays=["over.yaml"]).objects.hpas[0].max_replicas == 4


def test_set_reaches_any_key(folder):
    scenario = load(
        "scenario.yaml",
        sets=[
            "nodeGroups.workers.max=8",
            "nodeGroups[0].labels={a.b/c: x}",
            r"nodeGroups.workers.labels.a\.b/d=y",
            "workloads.app.containers.main.cpuPerRequest=0.5m",
            "traffic.app={steps: [[0, 1]]}",
            "clusterAutoscaler.scan-interval=20s",
            "objects.HorizontalPodAutoscaler.app.spec.maxReplicas=6",
            "objects.Deployment.default/app.spec.template.spec.containers.main.resources.requests.cpu=600m",
            "controlPlane.phases.hpa.app=1s",
            "description=a = b",
        ],
    )
    (group,) = scenario.node_groups
    assert (group.max, group.labels) == (8, {"a.b/c": "x", "a.b/d": "y"})
    assert scenario.workloads[WORKLOAD].containers["main"].cpu_per_request_milli == 0.5
    assert scenario.traffic[SERVICE].peak() == 1
    assert scenario.cluster_autoscaler.scan_interval_ms == 20_000
    assert scenario.objects.hpas[0].max_replicas == 6
    assert scenario.objects.workload(WORKLOAD).template.requests()["cpu"] == 600
    assert scenario.control_plane.phases.hpa_ms == {"default/app": 1000}
    assert scenario.description == "a = b"


def test_set_null_deletes(folder):
    assert load("scenario.yaml", sets=["traffic=null"]).traffic == {}


def test_events(folder):
    scenario = folder.load("""
        events:
        - {at: 5m, scale: {target: app, replicas: 4}}
        - {at: 20m, apply: {object: {kind: HorizontalPodAutoscaler, metadata: {name: app}, spec: {behavior: {scaleDown: {stabilizationWindowSeconds: 0}}}}}}
        - {at: 10m, apply: {object: {kind: HorizontalPodAutoscaler, metadata: {name: app}, spec: {maxReplicas: 6}}}}
        - {at: 11m, apply: {object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: app}, spec: {replicas: 9}}}}
        - {at: 12m, addNodes: {group: workers, count: 2, immediately: true}}
        - {at: 13m, drain: workers-1}
        - {at: 14m, fail: {group: workers, index: 2}}
        """)  # noqa: E501
    scale, later, earlier, applied, add, drain, fail = scenario.events
    assert scale.action == Scale(target=WORKLOAD, replicas=4)
    assert isinstance(earlier.action.object, Hpa)
    assert earlier.action.object.max_replicas == 6
    assert later.action.object.max_replicas == 6  # applied over what the earlier one left
    assert later.action.object.behavior == {"scaleDown": {"stabilizationWindowSeconds": 0}}
    assert applied.action.object == Scale(target=WORKLOAD, replicas=9)
    assert (add.kind, add.action.count, add.action.immediately) == ("add_nodes", 2, True)
    assert (drain.action.node_name, fail.action.node_name) == ("workers-1", "workers-2")
    assert round_trip(folder, scenario) == scenario


def round_trip(folder, scenario):
    text = scenario.dump_resolved()
    folder.write("elsewhere/resolved.yaml", text)
    again = load("elsewhere/resolved.yaml")
    assert again.dump_resolved() == text
    return again


def test_an_applied_removal_survives_the_dump(folder):
    scenario = folder.load("""
        objects:
        - {kind: HorizontalPodAutoscaler, metadata: {name: app}, spec: {behavior: {scaleUp: {selectPolicy: Max}}}}
        events:
        - {at: 1m, apply: {object: {kind: HorizontalPodAutoscaler, metadata: {name: app}, spec: {behavior: null}}}}
        """)
    assert scenario.events[0].action.object.behavior is None
    assert round_trip(folder, scenario) == scenario


def test_the_resolved_scenario_stands_alone(folder):
    scenario = folder.load("""
        clusterAutoscaler: {expander: most-pods, max-drain-parallelism: 2, drain-priority-config: "0:5"}
        controlPlane: {phases: {scrape: 3s}, rateLimits: false}
        scheduler:
          configuration:
            apiVersion: kubescheduler.config.k8s.io/v1
            kind: KubeSchedulerConfiguration
            profiles: [{schedulerName: own, plugins: {score: {disabled: [{name: ImageLocality}]}}}]
        initialState: empty
        """)
    (folder.path / "app.yaml").unlink()
    again = round_trip(folder, scenario)
    assert again == scenario
    assert [line.field for line in again.inventory.not_modelled] == ["clusterAutoscaler.drain-priority-config"]


def test_names_may_be_short_or_full(folder):
    for name in ("app", "default/app", "default/Deployment/app"):
        text = (folder.path / "scenario.yaml").read_text().replace("  app: {containers", f"  {name}: {{containers")
        folder.write("named.yaml", text)
        assert load("named.yaml").workloads[WORKLOAD].containers["main"].cpu_per_request_milli == 40


def test_traffic_without_a_service_goes_to_the_workload_of_that_name(folder):
    scenario = folder.load("objects: [{kind: Service, metadata: {name: app}, $patch: delete}]\n")
    assert scenario.services[SERVICE].workloads == [WORKLOAD]
    assert "its traffic goes to default/Deployment/app" in scenario.inventory.guessed[0].text


def test_a_service_of_its_own(folder):
    scenario = folder.load("services: {api: {workloads: [app], overload: drop, requestTimeout: 5s}}\n")
    assert scenario.services["default/api"].workloads == [WORKLOAD]
    assert scenario.services["default/api"].request_timeout_ms == 5000


def test_manifests_in_folders_globs_lists_and_gzip(folder):
    deployment = (folder.path / "app.yaml").read_text()
    folder.write("m/a/one.yaml", deployment)
    namespace = '{"apiVersion": "v1", "kind": "Namespace",\n\t"metadata": {"name": "json"}}'
    folder.write("m/two.json", f'{{"apiVersion": "v1", "kind": "List", "items": [{namespace}]}}')
    folder.write(
        "m/three.yml.gz", gzip.compress(b"apiVersion: v1\nkind: NamespaceList\nitems: [{metadata: {name: zip}}]\n")
    )
    folder.write("m/notes.txt", "not a manifest")
    for manifests in ("m", "m/**/*.*", "[m/a/one.yaml, m/two.json, m/three.yml.gz]", "[m, m/two.json]"):
        folder.write("s.yaml", (folder.path / "scenario.yaml").read_text().replace("app.yaml", manifests))
        if manifests == "m/**/*.*":
            (folder.path / "m/notes.txt").unlink()
        scenario = load("s.yaml")
        assert set(scenario.objects.namespaces) == {"default", "json", "zip"}


def test_a_folder_may_hold_the_scenario_itself(folder):
    folder.write("scenario.yaml", (folder.path / "scenario.yaml").read_text().replace("app.yaml", "."))
    assert load(".").objects.workload(WORKLOAD).replicas == 2


def test_a_pod_that_fits_nowhere_is_a_warning(folder):
    scenario = load(
        "scenario.yaml",
        sets=["objects.Deployment.app.spec.template.spec.containers.main.resources.requests.memory=1Ti"],
    )
    (warning,) = scenario.inventory.warnings
    assert warning.object == WORKLOAD
    assert "memory 1 TiB) is more than any node can hold (at most memory 7.9 GiB)" in warning.text


def test_what_is_guessed_is_said(folder):
    scenario = load("scenario.yaml", sets=["workloads=null"])
    assert scenario.workloads[WORKLOAD].containers["main"].cpu_per_request_milli == 10
    fields = {line.field for line in scenario.inventory.guessed}
    assert fields == {"workloads.containers.memoryBase", f"workloads.{WORKLOAD}.cpuPerRequest"}


def test_an_explicit_zero_is_not_guessed_away(folder):
    scenario = load("scenario.yaml", sets=["workloads.app.containers.main.cpuPerRequest=0"])
    assert scenario.workloads[WORKLOAD].containers["main"].cpu_per_request_milli == 0


def test_nodes_with_the_group_label_belong_to_the_group(folder):
    scenario = folder.load("""
        objects:
        - apiVersion: v1
          kind: Node
          metadata: {name: n1, labels: {capsim.io/node-group: workers}}
          status: {capacity: {cpu: 4, memory: 16Gi, pods: 110}}
        - {apiVersion: v1, kind: Node, metadata: {name: n2}, status: {allocatable: {cpu: 3900m, memory: 15Gi}}}
        """)
    first, second = scenario.objects.nodes
    assert (first.group, first.allocatable["cpu"]) == ("workers", 4000)
    assert (second.group, second.allocatable["pods"]) == (None, 110)
    assert round_trip(folder, scenario) == scenario


def test_nothing_heavy_is_imported():
    heavy = ("numpy", "pandas", "numba", "matplotlib")
    code = f"import sys, capsim.scenario; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).resolve().parents[2] / "scenarios").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_examples_load_and_come_back(path, folder):
    scenario = load(path)
    assert scenario.inventory.warnings == []
    assert round_trip(folder, scenario) == scenario


def test_a_group_that_can_hold_no_pod_is_said(folder):
    tiny = "nodeGroups:\n- {name: tiny, instance: {cpu: 100m, memory: 8Gi}, max: 3}\n"
    folder.write("tiny.yaml", SCENARIO.replace("nodeGroups:\n", tiny) + "clusterAutoscaler: {}\n")
    warned = [note for note in load("tiny.yaml").inventory.warnings if "never adds one" in note.text]
    assert [note.field for note in warned] == ["nodeGroups.tiny.instance"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("max-nodes-total: 3", "max-nodes-total: the cluster starts with 3 nodes: no node is ever added"),
        ("cores-total: '0:3'", "no node is ever added"),
        ("memory-total: '0:1'", "no node is ever added"),
        ("release: newest", "no recorded decisions prove them"),
        ("priorities: '10: [nothing]'", "the priority expander filters nothing"),
    ],
)
def test_flags_of_the_autoscaler_that_stop_it_are_said(folder, flags, expected):
    scenario = folder.load(f"clusterAutoscaler: {{{flags}}}\n")
    text = "\n".join(f"{line.field}: {line.text}" for line in scenario.inventory.warnings)
    assert expected in text
