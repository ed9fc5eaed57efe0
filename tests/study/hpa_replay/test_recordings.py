"""Replays of real recordings, where they are there."""

from __future__ import annotations

import gzip

import pytest

from capsim.errors import ScenarioError
from capsim.study.hpa_replay.replay import World

NEZHA = "nezha-online-boutique-2022/2022-08-2{}/metric/{}_metric.csv.gz"


def _measures(answer):
    return {one.label: one for one in answer.measures}


def test_a_measured_hpa_is_replayed_near_what_it_did(ask, shared):
    """30 minutes of a real HPA; the cost of a request is fitted, the load comes every 5 minutes."""
    place = "hpa-vs-phpa-2020/short/"
    answer = ask(
        shared(f"{place}results_30min.csv"),
        shared(f"{place}horizontal.yaml"),
        pods=None,
        replicas="hpa_replicas",
        columns=("hpa_num_requests",),
        units=("requests*130m",),
        pers=("total",),
        flags=("horizontal-pod-autoscaler-downscale-stabilization=0s",),
        time_unit_ms=60_000,
        world=World(startup_ms=5_000),
        sets=("horizontal-pod-autoscaler-downscale-stabilization=5m",),
    )
    found = _measures(answer)
    recorded, given = found["recorded"], found["as given"]
    assert recorded.mean_replicas == pytest.approx(5.38, abs=0.01)  # as its authors give it
    assert given.mean_replicas == pytest.approx(recorded.mean_replicas, rel=0.1)
    assert (recorded.max_replicas, given.max_replicas) in ((12, 10), (12, 11), (12, 12))
    calm = found["horizontal-pod-autoscaler-downscale-stabilization=5m"]
    assert calm.flaps < given.flaps
    assert calm.pod_hours > 1.5 * given.pod_hours


@pytest.mark.parametrize("pod", ["currencyservice-cf787dd48-vpjrd", "frontend-579b9bff58-t2dbm"])
def test_single_pods_of_online_boutique(ask, shared, pod):
    file = shared(NEZHA.format(3, pod))
    answer = ask(
        file, pods="cpu=100m,limits.cpu=200m", replicas="1", time="TimeStamp", columns=("CpuUsage(m)",), units=("10m",)
    )
    recording = answer.recording
    rows = gzip.decompress(file.read_bytes()).decode().splitlines()
    assert len(recording.censored) == len(rows) - 1 == 721
    # The file's own percentage of the 200m limit says that the column is in hundredths of a core.
    percent = float(rows[1].split(",")[4])
    assert recording.demand_milli[0, 0] == pytest.approx(2 * percent, rel=0.02)
    found = _measures(answer)
    assert found["recorded"].max_replicas == 1
    assert 2 <= found["as given"].max_replicas <= 5
    assert found["as given"].under_pod_hours < found["recorded"].under_pod_hours


def test_a_file_whose_clock_jumps_is_refused_by_line(ask, shared):
    file = shared(NEZHA.format(2, "adservice-5f6585d649-fnmft"))
    with pytest.raises(ScenarioError, match="rows that go back in time"):
        ask(file, replicas="1", time="TimeStamp", columns=("CpuUsage(m)",), units=("10m",))


def test_requests_at_a_load_balancer_with_gaps(ask, shared):
    file = shared("nab-cloudwatch/realAWSCloudwatch/elb_request_count_8c0756.csv")
    options = {
        "replicas": "unknown",
        "units": ("requests*500m",),
        "pers": ("total",),
        "pods": "cpu=200m,limits.cpu=500m",
    }
    with pytest.raises(ScenarioError, match=r"missing rows; found 8, the longest 10m, lines"):
        ask(file, **options)
    held, holes = ask(file, gaps="hold", **options), ask(file, gaps="missing", **options)
    assert _measures(held)["as given"].failed_syncs == 0
    assert _measures(holes)["as given"].failed_syncs == 8 * 20  # each gap lacks one row of 5 minutes
    hours = held.recording.times_ms[-1] / 3.6e6
    total = (held.recording.demand_milli[0] / 500 * 300).sum()
    assert total == pytest.approx(249_327, rel=0.001)  # the requests of the whole file
    assert hours == pytest.approx(14 * 24, abs=2)


def test_the_groups_of_cloudwatch(ask, shared):
    for name, rows in (
        ("realKnownCause/cpu_utilization_asg_misconfiguration", 18050),
        ("realAWSCloudwatch/grok_asg_anomaly", 4621),
    ):
        answer = ask(
            shared(f"nab-cloudwatch/{name}.csv"),
            pods="cpu=1,limits.cpu=1",
            replicas="4",
            units=("percent",),
            gaps="hold",
            sets=("spec.metrics.cpu.target.averageUtilization=80",),
        )
        assert len(answer.recording.censored) == rows
        recorded, given, higher = answer.measures
        assert recorded.max_replicas == 4
        assert higher.pod_hours < given.pod_hours
        assert higher.over_pod_hours < given.over_pod_hours
        assert higher.under_pod_hours > given.under_pod_hours
