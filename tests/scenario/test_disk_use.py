"""What pods write to disk, as scenarios and manifests say it."""

from __future__ import annotations

import pytest

from capsim.scenario import load
from capsim.scenario.disk_checks import disk_faults
from capsim.scenario.kubernetes.volumes import EmptyDir, empty_dirs
from tests.scenario.samples import read

MIB, GIB = 2**20, 2**30
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: app
    resources: {requests: {ephemeral-storage: 1G}, limits: {ephemeral-storage: 2Gi}}
  volumes:
  - {name: cache, emptyDir: {sizeLimit: 500Mi}}
  - {name: any, emptyDir: {}}
  - {name: shm, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
  - {name: etc, configMap: {name: x}}
"""


OBJECTS = """\
extends: scenario.yaml
apiVersion: capsim/v1
objects:
- kind: Deployment
  apiVersion: apps/v1
  metadata: {name: app}
  spec:
    template:
      spec:
        containers: [{name: main, resources: {limits: {ephemeral-storage: 1Gi}}}]
        volumes: [{name: cache, emptyDir: {sizeLimit: 300Mi}}, {name: shm, emptyDir: {medium: Memory}}]
"""


def written(folder, spec, more=""):
    """A file with the small scenario, whose pods have emptyDirs, and what is said of their workload."""
    return folder.write("disk.yaml", f"{OBJECTS}workloads: {{app: {{{spec}}}}}\n{more}")


def test_limits_and_size_limits_of_manifests_are_read():
    reading = read(POD)
    (workload,) = reading.models["workloads"]
    template = workload.template
    assert template.requests()["ephemeral-storage"] == 10**9
    assert template.limits()["ephemeral-storage"] == 2 * GIB
    assert empty_dirs(template) == [
        EmptyDir("cache", True, 500 * MIB),
        EmptyDir("any", True, 0),
        EmptyDir("shm", False, 64 * MIB),
    ]
    assert not [*reading.lines("not_modelled"), *reading.lines("ignored")]
    (problem,) = read(POD.replace("500Mi", "-5")).problems
    assert "negative quantity" in str(problem)


def test_units(folder):
    main = "main: {writableLayer: {base: 1.5Mi, perRequest: 2k, upTo: 1G}, logs: {perRequest: 300}}"
    text = f"containers: {{{main}}}, emptyDirs: {{cache: {{perSecond: 64Ki}}}}, diskSpread: 0.2"
    scenario = load(written(folder, text))
    spec = scenario.workloads["default/Deployment/app"]
    layer = spec.containers["main"].writable_layer
    assert (layer.base_bytes, layer.per_request_bytes, layer.up_to_bytes) == (3 * MIB // 2, 2000, 10**9)
    assert spec.containers["main"].logs.per_request_bytes == 300
    assert spec.empty_dirs["cache"].per_second_bytes == 65536
    assert spec.disk_spread_ratio == 0.2
    folder.write("resolved.yaml", scenario.dump_resolved())
    assert load("resolved.yaml").workloads == scenario.workloads


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("emptyDirs: {cach: {base: 1}}", 'emptyDirs.cach: no such emptyDir volume, did you mean "cache"?'),
        ("emptyDirs: {shm: {base: 1}}", "emptyDirs.shm: this emptyDir volume is in memory, not on disk"),
        ("emptyDirs: {cache: {perSecond: -1}}", "emptyDirs.cache.perSecond: negative quantity"),
        ("emptyDirs: {cache: {rate: 1}}", "emptyDirs.cache.rate: unknown key"),
        ("containers: {main: {logs: {base: 2Mi, upTo: 1Mi}}}", "logs.upTo: upTo 1 MiB is below base 2 MiB"),
        ("containers: {main: {writableLayer: {perRequest: much}}}", "writableLayer.perRequest: not a quantity"),
        ("diskSpread: 2", "diskSpread: out of range"),
    ],
)
def test_bad_input(folder, text, told):
    problems = folder.problems_of(written(folder, text))
    assert len(problems) == 1
    assert told in problems[0]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("{image-gc-low-threshold-percent: 90}", "image-gc-low-threshold-percent is not below"),
        ("{image-gc-high-threshold-percent: 0}", "out of range"),
        ("{container-log-max-files: 1}", "out of range"),
        ("{unpacked-image-ratio: -1}", "out of range"),
    ],
)
def test_bad_flags(folder, flags, told):
    (problem,) = folder.problems(f"controlPlane: {{kubelet: {flags}}}")
    assert told in problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("containers: {main: {writableLayer: {base: 2Gi}}}", "more than the container's limit, 1 GiB"),
        ("emptyDirs: {cache: {base: 400Mi}}", "more than the volume's sizeLimit, 300 MiB"),
        (
            "containers: {main: {logs: {base: 800Mi, upTo: 1Gi}}}, emptyDirs: {cache: {base: 300Mi}}",
            "more than the limits of its containers together, 1 GiB",
        ),
    ],
)
def test_limits_below_what_is_there_at_rest_are_warned_of(folder, text, told):
    scenario = load(written(folder, text))
    (fault,) = disk_faults(scenario)
    assert told in fault.message
    assert fault.message.endswith("each is evicted once it is Ready")
    assert any(told in entry.text for entry in scenario.inventory.warnings)


def test_recorded_cpu_has_no_requests_that_could_write(folder):
    scenario = load(
        written(folder, "containers: {main: {logs: {perRequest: 100}}}", "usage: {app: {cpu: 1}}\ntraffic: null\n")
    )
    (fault,) = disk_faults(scenario)
    assert "perRequest writes nothing" in fault.message
